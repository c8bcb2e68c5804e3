import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { AssertionFailure } from '../kernel/assert.ts';
import {
  CLASS_CPU_POINTS_MAX,
  CLASS_FLAVORS_MAX,
  CLASS_PARTIAL_LEVEL_MAX,
  CLASS_WHOLE_GPUS_MAX,
  packGpus,
  packHost,
} from './class-limits.ts';

const below = (n: number): fc.Arbitrary<number> => fc.oneof(fc.constantFrom(0, n - 1), fc.nat(n - 1));
const hosts = fc.tuple(below(CLASS_FLAVORS_MAX), below(64), below(CLASS_CPU_POINTS_MAX));
const gpus = fc.tuple(
  below(CLASS_WHOLE_GPUS_MAX + 1),
  below(CLASS_PARTIAL_LEVEL_MAX + 1),
  below(CLASS_PARTIAL_LEVEL_MAX + 1),
  below(CLASS_PARTIAL_LEVEL_MAX + 1),
  fc.constantFrom(0, 1),
  fc.constantFrom(0, 1),
);

describe('the integers of a class', () => {
  test('distinguish different hosts, also those that differ in one field', () => {
    checkProperty(
      fc.property(hosts, hosts, fc.nat(2), (x, y, field) => {
        const z = x.with(field, y[field] as number) as typeof x;
        expect(packHost(...x) === packHost(...y)).toBe(x.join() === y.join());
        expect(packHost(...x) === packHost(...z)).toBe(x.join() === z.join());
        expect(packHost(...x) | 0).toBe(packHost(...x));
      }),
    );
  });

  test('distinguish different GPUs, also those that differ in one field', () => {
    checkProperty(
      fc.property(gpus, gpus, fc.nat(5), (x, y, field) => {
        const z = x.with(field, y[field] as number) as typeof x;
        expect(packGpus(...x) === packGpus(...y)).toBe(x.join() === y.join());
        expect(packGpus(...x) === packGpus(...z)).toBe(x.join() === z.join());
      }),
    );
  });

  test('give every field bits of its own', () => {
    const level = CLASS_PARTIAL_LEVEL_MAX;
    for (const masks of [
      [packHost(CLASS_FLAVORS_MAX - 1, 0, 0), packHost(0, 63, 0), packHost(0, 0, CLASS_CPU_POINTS_MAX - 1)],
      [
        packGpus(CLASS_WHOLE_GPUS_MAX, 0, 0, 0, 0),
        packGpus(0, level, 0, 0, 0),
        packGpus(0, 0, level, 0, 0),
        packGpus(0, 0, 0, level, 0),
        packGpus(0, 0, 0, 0, 1),
        packGpus(0, 0, 0, 0, 0, 1),
      ],
    ]) {
      let taken = 0;
      for (const mask of masks) {
        expect(mask & taken).toBe(0);
        taken |= mask;
      }
    }
  });

  test.each([
    ['flavour', () => packHost(CLASS_FLAVORS_MAX, 0, 0)],
    ['memory', () => packHost(0, 64, 0)],
    ['CPU', () => packHost(0, 0, CLASS_CPU_POINTS_MAX)],
    ['whole GPUs', () => packGpus(CLASS_WHOLE_GPUS_MAX + 1, 0, 0, 0, 0)],
    ['first partial GPU', () => packGpus(0, CLASS_PARTIAL_LEVEL_MAX + 1, 0, 0, 0)],
    ['second partial GPU', () => packGpus(0, 0, CLASS_PARTIAL_LEVEL_MAX + 1, 0, 0)],
    ['third partial GPU', () => packGpus(0, 0, 0, CLASS_PARTIAL_LEVEL_MAX + 1, 0)],
  ])('do not take a %s beyond its bits', (_, packed) => {
    expect(packed).toThrow(AssertionFailure);
  });
});
