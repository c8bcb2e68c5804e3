/** Who is champion. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { championOf, compareGangRank } from './champion.ts';

test('earlier submissions go first, then smaller ids', () => {
  const gangs = [
    { submitSeconds: 2, id: 0 },
    { submitSeconds: 1, id: 9 },
    { submitSeconds: 1, id: 3 },
  ];
  expect([...gangs].sort(compareGangRank).map(({ id }) => id)).toEqual([3, 9, 0]);
  expect(championOf(gangs, () => true)).toBe(2);
  expect(championOf(gangs, (gang) => gang !== 2)).toBe(1);
  expect(championOf(gangs, () => false)).toBe(-1);
});

test('zones that see parts of the gangs agree on the lowest that both see', () => {
  const ranks = fc.uniqueArray(fc.record({ submitSeconds: fc.nat(5), id: fc.nat(1000) }), {
    minLength: 1,
    maxLength: 20,
    selector: ({ id }) => id,
  });
  checkProperty(
    fc.property(ranks, fc.nat(), fc.nat(), (gangs, seenA, seenB) => {
      const sees = (mask: number) => (gang: number) => ((mask >> gang) & 1) === 1;
      const both = championOf(gangs, (gang) => sees(seenA)(gang) || sees(seenB)(gang));
      const single = [championOf(gangs, sees(seenA)), championOf(gangs, sees(seenB))];
      // The champion of all is that of each zone that sees it.
      if (both < 0) expect(single).toEqual([-1, -1]);
      else expect(single).toContain(both);
    }),
  );
});
