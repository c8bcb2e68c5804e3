/**
 * What claims are measured with, held to known answers. That they hold is tested where the page about them is
 * (`src/cli/verify-command.test.ts`), so that each quick one runs once.
 */
import { describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { DUAL } from '../../physics/dual.ts';
import { polynomial } from '../../physics/price-functions.ts';
import { atLeast, atMost, type Claim, numberText, thresholdText, within } from './claim.ts';
import { CLAIMS, numberOf, testClaim } from './claims.ts';
import { LastSummaryParent, LogLattice, merged, sameHistogram } from './log-histogram.ts';
import { stationarySquare } from './transfer-operator.ts';
import { meanSquare } from './walker-means.ts';

describe('the claims', () => {
  test('are T-01 to T-18, in order, each said in full', () => {
    expect(CLAIMS.map(numberOf)).toEqual(Array.from({ length: 18 }, (_, i) => i + 1));
    for (const claim of CLAIMS) {
      expect(claim.test).toMatch(/^T-\d\d$/);
      for (const text of [claim.title, claim.claim, claim.conditions, claim.notClaimed])
        expect(text).not.toBe('');
    }
  });

  test('give the same figures for the same seed and others for another', () => {
    const collisions = CLAIMS.find((claim) => claim.test === 'T-15') as Claim;
    expect(testClaim(collisions, 5)).toEqual(testClaim(collisions, 5));
    expect(testClaim(collisions, 5).checks).not.toEqual(testClaim(collisions, 6).checks);
  });
});

describe('a verdict', () => {
  const claim = (measured: number, control: number): Claim => ({
    ...(CLAIMS[0] as Claim),
    measure: () => ({ checks: [atMost('x', measured, 1)], controls: [atMost('y', control, 1)] }),
  });

  test('needs every check to hold and every control to fail', () => {
    expect(testClaim(claim(1, 2), 1)).toMatchObject({ holds: true, negativeControlFails: true });
    expect(testClaim(claim(1.1, 2), 1)).toMatchObject({ holds: false, negativeControlFails: true });
    expect(testClaim(claim(1, 0.5), 1)).toMatchObject({ holds: true, negativeControlFails: false });
    expect(testClaim(claim(Number.NaN, 2), 1).holds).toBe(false);
    const without = { ...claim(1, 2), measure: () => ({ checks: [atMost('x', 0, 1)], controls: [] }) };
    expect(testClaim(without, 1).negativeControlFails).toBe(false);
  });

  test('bounds are inclusive, and read as text', () => {
    expect([atMost('', 2, 2), atLeast('', 2, 2), within('', 2, 2, 3)].every((check) => check.holds)).toBe(
      true,
    );
    expect(
      [atMost('', 0, 1e-9), atLeast('', 0, -0.01), within('', 0, 0.95, 1.07), within('', 0, 0, 0)].map(
        thresholdText,
      ),
    ).toEqual(['≤ 1e−9', '≥ −0.01', '0.95 … 1.07', '= 0']);
    expect(
      [0, 12345, -3, 0.123456, 1.5e-7, 4e9, Number.NaN, Number.POSITIVE_INFINITY].map(numberText),
    ).toEqual(['0', '12345', '−3', '0.1235', '1.5e−7', '4e+9', 'not a number', '∞']);
  });
});

describe('the law of a BAOAB chain', () => {
  test('is exact in a quadratic field, whatever the step', () => {
    for (const step of [0.1, 0.3]) {
      const square = stationarySquare((q) => polynomial(DUAL, [0, 0, 4], q), {
        step,
        friction: 1,
        temperature: 0.5,
      });
      expect(square).toBeCloseTo(0.5 / 8, 6);
    }
  });
});

test('walkers’ means come with an error that covers them', () => {
  const { mean, error } = meanSquare(
    {
      integrator: 'BAOAB',
      force: (positions, out) => {
        for (let i = 0; i < positions.length; i++) out[i] = -(positions[i] as number);
      },
      step: 0.5,
      friction: 1,
      temperature: 1,
      walkers: 200,
      time: 300,
      start: () => 3,
    },
    new Random(1),
  );
  expect(error).toBeLessThan(0.02);
  expect(Math.abs(mean - 1)).toBeLessThan(4 * error);
});

describe('the log histogram', () => {
  const lattice = new LogLattice(0.5, 0.01);

  test('rounds down to its floors', () => {
    expect(lattice.size).toBe(13);
    for (let k = 0; k < lattice.size; k++) expect(lattice.classOf(lattice.floorOf(k))).toBe(k);
    for (const residual of [0, 0.0099, 0.3, 0.999, 1, 7]) {
      const k = lattice.classOf(residual);
      expect(lattice.floorOf(k)).toBeLessThanOrEqual(residual);
      if (k + 1 < lattice.size) expect(lattice.floorOf(k + 1)).toBeGreaterThan(residual);
    }
  });

  test('tells histograms apart and takes a missing class for an empty one', () => {
    expect(sameHistogram(new Map([[1, 2]]), merged(new Map([[1, 2]]), new Map([[3, 0]])))).toBe(true);
    expect(sameHistogram(new Map([[1, 2]]), new Map([[1, 3]]))).toBe(false);
    expect(sameHistogram(new Map(), new Map([[1, 3]]))).toBe(false);
  });

  test('a parent keeps the last summary of each child', () => {
    const parent = new LastSummaryParent();
    parent.receive({ child: 1, version: 2, histogram: new Map([[5, 7]]) });
    parent.receive({ child: 1, version: 1, histogram: new Map([[5, 99]]) });
    parent.receive({ child: 2, version: 1, histogram: new Map([[5, 1]]) });
    parent.receive({ child: 2, version: 1, histogram: new Map([[5, 1]]) });
    expect([...parent.total()]).toEqual([[5, 8]]);
    parent.expire(1);
    expect([...parent.total()]).toEqual([[5, 1]]);
  });
});
