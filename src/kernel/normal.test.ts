import { expect, test } from 'vitest';
import { fillNormal } from './normal.ts';
import { Random } from './random.ts';

test('fills blocks of any length with variates of the right moments', () => {
  const block = new Float64Array(200_001);
  fillNormal(block, new Random(1));
  const mean = (f: (x: number) => number): number => block.reduce((sum, x) => sum + f(x), 0) / block.length;
  expect(Math.abs(mean((x) => x))).toBeLessThan(0.01);
  expect(mean((x) => x * x)).toBeCloseTo(1, 1);
  expect(Math.abs(mean((x) => x ** 4) - 3)).toBeLessThan(0.1);
  expect(mean((x) => (x > 1.959964 ? 1 : 0))).toBeCloseTo(0.025, 2);
  // Neighbours share a pair of uniforms and must still be independent.
  let product = 0;
  for (let i = 0; i + 1 < block.length; i += 2) product += (block[i] as number) * (block[i + 1] as number);
  expect(Math.abs(product / 100_000)).toBeLessThan(0.01);
});

test('depends on the seed alone', () => {
  const fill = (seed: number): number[] => {
    const block = new Float64Array(5);
    fillNormal(block, new Random(seed));
    return [...block];
  };
  expect(fill(3)).toEqual(fill(3));
  expect(fill(3)).not.toEqual(fill(4));
  expect(fill(3).every((x) => Number.isFinite(x) && x !== 0)).toBe(true);
});
