import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../src/kernel/random.ts';
import { checkProperty } from '../../test/support/properties.ts';
import { AliasTable } from './alias-table.ts';

/** Shares of the outcomes over evenly spaced draws: exact up to the number of columns over the number of draws. */
function shares(table: AliasTable, draws: number): Float64Array {
  let i = 0;
  const even = { nextDouble: () => (i++ + 0.5) / draws } as unknown as Random;
  const out = new Float64Array(table.count);
  for (let k = 0; k < draws; k++) {
    const at = table.draw(even);
    out[at] = (out[at] as number) + 1 / draws;
  }
  return out;
}

test('draws in proportion to the weights', () => {
  const weight = fc.oneof(fc.constant(0), fc.double({ min: 1e-3, max: 1e3, noNaN: true }));
  checkProperty(
    fc.property(fc.array(weight, { minLength: 1, maxLength: 40 }), (weights) => {
      const total = weights.reduce((a, b) => a + b, 0);
      fc.pre(total > 0);
      const table = new AliasTable(40);
      table.build(Float64Array.from(weights));
      const drawn = shares(table, 20_000);
      weights.forEach((w, i) => {
        expect(Math.abs((drawn[i] as number) - w / total)).toBeLessThan(0.005);
        if (w === 0) expect(drawn[i]).toBe(0);
      });
    }),
    { numRuns: 50 },
  );
});

test('is rebuilt in place, for fewer outcomes too', () => {
  const table = new AliasTable(4);
  table.build(Float64Array.of(1, 1, 1, 1));
  table.build(Float64Array.of(0, 5, 0, 9), 3);
  expect(table.count).toBe(3);
  expect([...shares(table, 300)]).toEqual([0, expect.closeTo(1, 9), 0]);
});

test('the same seed gives the same draws', () => {
  const table = new AliasTable(100);
  table.build(Float64Array.from({ length: 100 }, (_, i) => i));
  const draws = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 20 }, () => table.draw(random));
  };
  expect(draws(1)).toEqual(draws(1));
  expect(draws(1)).not.toEqual(draws(2));
});

test.each([[[]], [[0, 0]], [[1, -1]], [[Number.NaN]], [[Number.POSITIVE_INFINITY]], [[1, 1, 1, 1, 1]]])(
  'refuses %j',
  (weights) => {
    expect(() => new AliasTable(4).build(Float64Array.from(weights))).toThrow(RangeError);
  },
);
