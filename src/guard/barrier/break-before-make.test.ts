import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { AssertionFailure } from '../../kernel/assert.ts';
import { authorityToSpare, breakBeforeMake } from './break-before-make.ts';

const set = (power: number[], targets: number[], bound: number) => {
  const out = new Float64Array(power.length);
  const outcome = breakBeforeMake(Float64Array.from(power), Float64Array.from(targets), bound, out);
  return { outcome, caps: [...out] };
};

describe('break before make', () => {
  test('lowers at once, and raises into what has been given up', () => {
    expect(set([700, 200], [200, 700], 900)).toEqual({ outcome: 'holds', caps: [200, 200] });
    expect(set([450, 200], [200, 700], 900)).toEqual({ outcome: 'holds', caps: [200, 450] });
    expect(set([200, 450], [200, 700], 900)).toEqual({ outcome: 'holds', caps: [200, 700] });
  });

  test('shares the room among all who wait for it', () => {
    expect(set([200, 200, 500], [400, 600, 300], 1100)).toEqual({
      outcome: 'holds',
      caps: [expect.closeTo(200 + 200 / 3, 9), expect.closeTo(200 + 400 / 3, 9), 300],
    });
  });

  test('says when power alone is over the cap, and raises nothing', () => {
    expect(set([600, 500], [300, 700], 1000)).toEqual({ outcome: 'over', caps: [300, 500] });
  });

  test('Σ max(P, u) never passes the cap or what is drawn, and no cap its target', () => {
    const device = fc.tuple(fc.nat(700), fc.nat(700));
    const inputs = fc.record({ devices: fc.array(device, { maxLength: 20 }), bound: fc.nat(9000) });
    checkProperty(
      fc.property(inputs, ({ devices, bound }) => {
        const power = devices.map(([p]) => p);
        const targets = devices.map(([, t]) => t);
        const { caps, outcome } = set(power, targets, bound);
        const drawn = power.reduce((sum, p) => sum + p, 0);
        const worst = caps.reduce((sum, cap, i) => sum + Math.max(cap, power[i] as number), 0);
        expect(worst).toBeLessThanOrEqual(Math.max(bound, drawn) * (1 + 1e-12));
        expect(caps.every((cap, i) => cap <= (targets[i] as number))).toBe(true);
        expect(outcome).toBe(drawn <= bound ? 'holds' : 'over');
      }),
    );
  });

  test('refuses powers and caps of other devices', () => {
    expect(() => breakBeforeMake(new Float64Array(2), new Float64Array(2), 1, new Float64Array(1))).toThrow(
      AssertionFailure,
    );
  });
});

describe('the audit of authority', () => {
  test('says what is to spare with every cap at its floor', () => {
    expect(authorityToSpare({ minima: Float64Array.of(200, 200), uncontrolled: 50 }, 500)).toBe(50);
    expect(authorityToSpare({ minima: Float64Array.of(200, 241), uncontrolled: 60 }, 500)).toBe(-1);
    expect(authorityToSpare({ minima: Float64Array.of(Number.NaN), uncontrolled: 0 }, 500)).toBeNaN();
  });
});
