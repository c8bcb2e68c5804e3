import { expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { shareReserve } from './wall-reserve.ts';

const claim = (priority: number, cost: number, heldSince = Number.NaN) => ({ priority, cost, heldSince });

test('the most important run first, as far as the room goes', () => {
  expect(shareReserve([claim(1, 4), claim(3, 4), claim(2, 4)], 8, 0)).toEqual([false, true, true]);
  expect(shareReserve([claim(1, 4)], 3.9, 0)).toEqual([false]);
  expect(shareReserve([], 10, 0)).toEqual([]);
});

test('among equals who runs goes on running; who is held waits a second and for some more room', () => {
  expect(shareReserve([claim(1, 4, 0), claim(1, 4)], 4, 10)).toEqual([false, true]);
  expect(shareReserve([claim(1, 4, 0)], 5.9, 10)).toEqual([false]);
  expect(shareReserve([claim(1, 4, 0)], 6, 10)).toEqual([true]);
  expect(shareReserve([claim(1, 4, 9.5)], 100, 10)).toEqual([false]);
});

test('what runs never costs more than the room', () => {
  const random = new Random(5);
  for (let run = 0; run < 2000; run++) {
    const claims = Array.from({ length: random.nextInt(8) }, () =>
      claim(
        random.nextInt(3),
        10 * random.nextDouble(),
        random.nextInt(2) === 0 ? Number.NaN : 5 * random.nextDouble(),
      ),
    );
    const distance = 30 * random.nextDouble() - 5;
    const runs = shareReserve(claims, distance, 5);
    const cost = claims.reduce((sum, one, i) => sum + (runs[i] ? one.cost : 0), 0);
    if (cost > Math.max(distance, 0)) expect.fail(`${cost} of ${distance}`);
  }
  expect(random.nextInt(2)).toBeLessThan(2);
});
