import { expect, test } from 'vitest';
import { stream } from '../../../test/support/random-cluster.ts';
import { CheapestSlots } from './cheapest-slots.ts';

test('gives the same as a sorted list of all places', () => {
  const random = stream(1);
  const cheapest = new CheapestSlots();
  for (let round = 0; round < 500; round++) {
    const piles = Array.from({ length: 1 + random.nextInt(round < 250 ? 8 : 200) }, (_, tag) => ({
      cost: random.nextInt(50) - 25,
      places: 1 + random.nextInt(6),
      tag,
    }));
    cheapest.clear(piles.length);
    for (const { cost, places, tag } of piles) cheapest.add(cost, places, tag);
    const all = piles.flatMap(({ cost, places }) => Array<number>(places).fill(cost)).sort((a, b) => a - b);
    expect(cheapest.slots).toBe(all.length);
    expect(cheapest.price).toBe(all[0]);
    expect(piles[cheapest.tag]?.cost).toBe(all[0]);
    for (let i = 0; i < 5; i++) {
      const taken = random.nextInt(all.length + 10);
      expect(cheapest.after(taken, 99)).toBe(all[taken] ?? 99);
      const bound = random.nextInt(60) - 30;
      expect(cheapest.within(bound)).toBe(all.filter((cost) => cost <= bound).length);
    }
  }
});

test('without piles there is no place', () => {
  const cheapest = new CheapestSlots();
  cheapest.clear(0);
  expect(cheapest.slots).toBe(0);
  expect(cheapest.after(0, 7)).toBe(7);
  expect(cheapest.within(Number.MAX_VALUE)).toBe(0);
});
