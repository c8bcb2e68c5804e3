import { describe, expect, test } from 'vitest';
import { Random } from '../../src/kernel/random.ts';
import { FIELD_SAMPLERS, type FieldOptions, type FieldResult, sampleField } from './high-dimension.ts';

function run(
  field: FieldOptions['field'],
  dimensions: number,
  sampler: FieldOptions['sampler'],
  evaluations = 8,
): FieldResult {
  return sampleField({ field, dimensions, sampler, evaluations, decisions: 150 }, new Random(2));
}

describe('fields of many dimensions', () => {
  test.each(FIELD_SAMPLERS)('%s: the same seed, the same figures', (sampler) => {
    expect(run('wells', 2, sampler, 2)).toEqual(run('wells', 2, sampler, 2));
  });

  test('walkers with a gradient, and the random walk, have the law of the table in a bowl', () => {
    for (const sampler of ['exact table', 'langevin, gradient = 1 evaluation', 'random walk'] as const) {
      const { excessPrice, crowding } = run('bowl', 3, sampler);
      expect(Math.abs(excessPrice)).toBeLessThan(0.1);
      expect(crowding).toBeGreaterThan(0.9);
      expect(crowding).toBeLessThan(1.1);
    }
  });

  test('drawing at random finds good places in one dimension and none in eight', () => {
    expect(run('bowl', 1, 'best of random').excessPrice).toBeLessThan(0.3);
    expect(run('bowl', 8, 'best of random').excessPrice).toBeGreaterThan(10);
  });

  test('with wells and eight dimensions a gradient is worth more than its cost', () => {
    const walk = run('wells', 8, 'random walk').excessPrice;
    expect(run('wells', 8, 'langevin, gradient = K evaluations').excessPrice).toBeLessThan(walk - 1);
    expect(run('wells', 8, 'langevin, gradient = 1 evaluation').excessPrice).toBeLessThan(walk - 1);
  });
});
