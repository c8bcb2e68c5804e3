/** The governor's scalar: its step, its roots, its dead band. That rates are right is T-19, the off-point T-20. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { AssertionFailure } from '../../kernel/assert.ts';
import {
  advanceLandau,
  assertLandau,
  deadBandOf,
  type LandauParameters,
  landauCurvature,
  landauRoot,
  landauStep,
  landauTax,
  taxRampRate,
} from './landau.ts';

const PLAIN: LandauParameters = {
  slope: 2,
  psiCritical: 0.2,
  quartic: 1,
  seed: 0.01,
  gamma: 0.5,
  taxScale: 10,
};
const JUMP: LandauParameters = { ...PLAIN, quartic: -1, sextic: 1 };

const parameters = fc.record({
  slope: fc.double({ min: 0.1, max: 10, noNaN: true }),
  psiCritical: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
  quartic: fc.double({ min: -2, max: 2, noNaN: true }),
  sextic: fc.double({ min: 0.1, max: 2, noNaN: true }),
  seed: fc.double({ min: 1e-6, max: 0.1, noNaN: true }),
  gamma: fc.double({ min: 1e-3, max: 10, noNaN: true }),
  taxScale: fc.constant(1),
});
const share = fc.double({ min: 0, max: 1, noNaN: true });
const order = fc.double({ min: 0, max: 5, noNaN: true });
const time = fc.double({ min: 0, max: 1e4, noNaN: true });

/** ∂F/∂m, written as it stands in the theory. */
function slopeOf(p: LandauParameters, m: number, psi: number): number {
  return p.slope * (p.psiCritical - psi) * m + p.quartic * m ** 3 + (p.sextic ?? 0) * m ** 5 - p.seed;
}

describe('a step', () => {
  test('is the formula of the theory', () => {
    // Healthy: A = 0.2. x = 0.5: (0.1 + 0.005) / (1 + 0.5 (0.2 + 0.01)).
    expect(landauStep(PLAIN, 0.1, 0.1, 1)).toBeCloseTo(0.105 / 1.105, 15);
    // Stuck: A = −0.8. (0.1 (1 + 0.4) + 0.005) / (1 + 0.005).
    expect(landauStep(PLAIN, 0.1, 0.6, 1)).toBeCloseTo(0.145 / 1.005, 15);
    // A jump's −b m² is growth, c m⁴ decay.
    expect(landauStep(JUMP, 1, 0.2, 2)).toBeCloseTo((1 * (1 + 1) + 0.01) / (1 + 1), 15);
  });

  test('keeps m ≥ 0, and rests at every root, whatever its length', () => {
    checkProperty(
      fc.property(parameters, order, share, time, (p, m, psi, dt) => {
        expect(landauStep(p, m, psi, dt)).toBeGreaterThanOrEqual(0);
        const root = landauRoot(p, psi);
        expect(Math.abs(landauStep(p, root, psi, dt) / root - 1)).toBeLessThan(1e-8);
      }),
    );
  });
});

describe('a root', () => {
  test('is one of ∂F/∂m, and none lies above it', () => {
    checkProperty(
      fc.property(parameters, share, (p, psi) => {
        const root = landauRoot(p, psi);
        const scale = p.slope + Math.abs(p.quartic) * root ** 3 + p.sextic * root ** 5;
        expect(Math.abs(slopeOf(p, root, psi))).toBeLessThan(1e-9 * scale);
        for (let factor = 1.001; factor < 20; factor *= 1.05)
          expect(slopeOf(p, root * factor, psi)).toBeGreaterThan(0);
      }),
    );
  });

  test('is near h/A while healthy, and near √(|A|/b) when stuck', () => {
    const p = { ...PLAIN, seed: 1e-6 };
    expect(landauRoot(p, 0) / (1e-6 / 0.4)).toBeCloseTo(1, 5);
    expect(landauRoot(p, 0.7)).toBeCloseTo(1, 5);
  });

  test('stays on the upper branch within the dead band of a jump', () => {
    const p = { ...JUMP, seed: 1e-6 };
    // A = B²/4c − 0.05 and + 0.05, A = a(ψ_c − ψ).
    expect(landauRoot(p, 0.2 - 0.2 / 2)).toBeGreaterThan(0.7);
    expect(landauRoot(p, 0.2 - 0.3 / 2)).toBeLessThan(1e-4);
  });
});

describe('advanceLandau', () => {
  test('is the same in one call or in many', () => {
    checkProperty(
      fc.property(parameters, order, share, fc.double({ min: 0, max: 20, noNaN: true }), (p, m, psi, dt) => {
        const whole = advanceLandau(p, m, psi, dt);
        let parts = m;
        for (let i = 0; i < 7; i++) parts = advanceLandau(p, parts, psi, dt / 7);
        expect(Math.abs(parts - whole)).toBeLessThan(0.05 * Math.max(whole, 1e-3));
      }),
    );
  });

  test('ends at the root after any long time', () => {
    for (const psi of [0, 0.1, 0.3, 1])
      expect(advanceLandau(PLAIN, 0, psi, 1e9) / landauRoot(PLAIN, psi)).toBeCloseTo(1, 9);
  });

  test('moves nothing in no time', () => {
    expect(advanceLandau(PLAIN, 0.3, 0.5, 0)).toBe(0.3);
  });
});

test('the tax ramps at 2Γ|A|', () => {
  expect(taxRampRate(PLAIN, 0.7)).toBeCloseTo(1, 12);
  expect(taxRampRate(PLAIN, 0.1)).toBeLessThan(0);
  expect(landauTax(PLAIN, 0.3)).toBeCloseTo(0.9, 12);
  expect(landauCurvature(PLAIN, 0.5, 0.7)).toBeCloseTo(-1 + 0.75, 12);
});

test('the dead band ends at A = B²/4c, and never below ψ = 0', () => {
  const { onPsi, offPsi } = deadBandOf(PLAIN, 1, 1);
  expect(onPsi).toBe(0.2);
  expect(2 * (0.2 - offPsi)).toBeCloseTo(0.25, 12);
  expect(deadBandOf(PLAIN, 10, 1).offPsi).toBe(0);
});

test.each<readonly [what: string, refused: () => unknown]>([
  ['a free energy without a lower bound', () => assertLandau({ ...PLAIN, quartic: 0 })],
  ['a critical share of 1', () => assertLandau({ ...PLAIN, psiCritical: 1 })],
  ['no seed', () => assertLandau({ ...PLAIN, seed: 0 })],
  ['an order below 0', () => landauStep(PLAIN, -0.1, 0.5, 1)],
  ['a step back in time', () => advanceLandau(PLAIN, 0.1, 0.5, -1)],
  ['a dead band without a jump', () => deadBandOf(PLAIN, 0, 1)],
])('%s is refused', (_, refused) => {
  expect(refused).toThrow(AssertionFailure);
});
