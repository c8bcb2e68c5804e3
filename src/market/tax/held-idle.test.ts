/** ψ: measured on gangs, and merged like a hologram. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { AssertionFailure } from '../../kernel/assert.ts';
import {
  type HeldIdle,
  isStuckGang,
  measureHeldIdle,
  mergeHeldIdle,
  NO_HELD_IDLE,
  psiOf,
} from './held-idle.ts';

const part: fc.Arbitrary<HeldIdle> = fc
  .tuple(fc.nat(1e9), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(1e6))
  .map(([capacity, share, sinceSeconds]) => {
    const idle = Math.floor(capacity * share);
    return { capacity, idle, psiMax: capacity > 0 ? idle / capacity : 0, sinceSeconds };
  });

/** Gangs 0 and 1 collect, 2 runs; gang 1 was granted something at 95. */
const GANGS = {
  slots: Int32Array.of(3, 2, 4),
  isPartial: Uint8Array.of(1, 1, 0),
  lastGrantSeconds: Float64Array.of(50, 95, 10),
};

describe('merging', () => {
  test('is commutative, associative and exact, with a neutral element', () => {
    checkProperty(
      fc.property(part, part, part, (a, b, c) => {
        expect(mergeHeldIdle(a, b)).toEqual(mergeHeldIdle(b, a));
        expect(mergeHeldIdle(mergeHeldIdle(a, b), c)).toEqual(mergeHeldIdle(a, mergeHeldIdle(b, c)));
        expect(mergeHeldIdle(a, NO_HELD_IDLE)).toEqual(a);
      }),
    );
  });

  test('adds slots, and keeps the most stuck part and the oldest measurement', () => {
    const a = { capacity: 10, idle: 5, psiMax: 0.5, sinceSeconds: 7 };
    const b = { capacity: 90, idle: 0, psiMax: 0, sinceSeconds: 3 };
    const both = mergeHeldIdle(a, b);
    expect(both).toEqual({ capacity: 100, idle: 5, psiMax: 0.5, sinceSeconds: 3 });
    expect(psiOf(both)).toBe(0.05);
    expect(psiOf(NO_HELD_IDLE)).toBe(0);
  });
});

describe('measuring', () => {
  test('counts partial gangs that were granted nothing for longer than t_stuck', () => {
    expect(measureHeldIdle(20, GANGS, 100, 5)).toEqual({
      capacity: 20,
      idle: 3,
      psiMax: 0.15,
      sinceSeconds: 100,
    });
    expect(measureHeldIdle(20, GANGS, 100, 4.9).idle).toBe(5);
    expect(measureHeldIdle(20, GANGS, 100, 1000).idle).toBe(0);
    expect([0, 1, 2].map((gang) => isStuckGang(GANGS, gang, 100, 5))).toEqual([true, false, false]);
  });

  test('refuses more slots than there are', () => {
    expect(() => measureHeldIdle(2, GANGS, 100, 5)).toThrow(AssertionFailure);
    expect(measureHeldIdle(3, GANGS, 100, 5).psiMax).toBe(1);
  });
});
