/**
 * The measuring instruments of the claims, checked against known answers. That the claims hold is tested with their
 * page (`lab/cli/verify-command.test.ts`), so that each quick one runs once.
 */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/kernel/random.ts';
import { DUAL } from '../../src/physics/dual.ts';
import { polynomial } from '../../src/physics/price-functions.ts';
import { atLeast, atMost, type Claim, numberText, thresholdText, within } from './claim.ts';
import { CLAIMS, numberOf, testClaim } from './claims.ts';
import { nodesByClass, randomHologram } from './random-holograms.ts';
import { stationarySquare } from './transfer-operator.ts';
import { meanSquare } from './walker-means.ts';
import { packingWorld, packZones } from './zone-packing.ts';

describe('the claims', () => {
  test('are T-01 to T-33, T-36 and G-01 to G-13, in order, each said in full', () => {
    const upTo = (last: number, from: number): number[] => Array.from({ length: last }, (_, i) => from + i);
    expect(CLAIMS.map(numberOf)).toEqual([...upTo(33, 1), 36, ...upTo(13, 1001)]);
    for (const claim of CLAIMS) {
      expect(claim.test).toMatch(/^[TG]-\d\d$/);
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

describe('the holograms and zones of T-17 and T-18', () => {
  test('random holograms have classes in common, so that merging adds something up', () => {
    const random = new Random(1);
    const [a, b] = [nodesByClass(randomHologram(random, 0)), nodesByClass(randomHologram(random, 0))];
    expect([...a.keys()].filter((key) => b.has(key)).length).toBeGreaterThan(2);
    expect(a.size).toBeGreaterThan(10);
  });

  test('a packed cluster is nearly full, zones or not, and the same each time', () => {
    const world = packingWorld(new Random(2));
    const pack = (view?: object): number => packZones(world, view, new Random(3));
    for (const view of [undefined, {}]) {
      expect(pack(view)).toBe(pack(view));
      expect(pack(view)).toBeGreaterThan(0.93);
      expect(pack(view)).toBeLessThanOrEqual(1);
    }
  });
});
