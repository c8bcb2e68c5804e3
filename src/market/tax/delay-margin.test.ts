/** The delay margin against the theory's figures, and the choice of Γ. That loops behave so is T-22. */
import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../kernel/assert.ts';
import { delayMargin, gammaForAge, type HeldIdlePlant, loopRest, plantFlow } from './delay-margin.ts';
import { type LandauParameters, landauRoot } from './landau.ts';

const PLANT: HeldIdlePlant = { fill: 0.02, resolve: 0.02, taxedResolve: 0.5 };
const LOOP: LandauParameters = {
  slope: 2,
  psiCritical: 0.2,
  quartic: 1,
  seed: 1e-3,
  gamma: 0.5,
  taxScale: 10,
};

describe('the delay margin', () => {
  test.each([
    [0.05, 74.7],
    [0.5, 10.9],
    [2, 7.8],
  ])('is that of the theory at Γ = %d: %d s', (gamma, seconds) => {
    expect(delayMargin({ ...LOOP, gamma }, PLANT).delaySecondsMax).toBeCloseTo(seconds, 1);
  });

  test('rests where plant and governor do', () => {
    const { psi, m } = loopRest(LOOP, PLANT);
    expect(Math.abs(plantFlow(PLANT, psi, m))).toBeLessThan(1e-12);
    expect(m).toBe(landauRoot(LOOP, psi));
    expect(psi).toBeGreaterThan(LOOP.psiCritical);
  });

  test('has its crossover where the gain is 1', () => {
    const { rest, crossover, phaseMargin, delaySecondsMax } = delayMargin(LOOP, PLANT);
    const { psi, m } = rest;
    const plantPole = 0.02 + 0.02 + 0.5 * m * m;
    const governorPole = 0.5 * (3 * m * m + 2 * (0.2 - psi));
    const gain = 2 * 0.5 * 2 * 0.5 * m * m * psi;
    expect(gain / Math.hypot(crossover, plantPole) / Math.hypot(crossover, governorPole)).toBeCloseTo(1, 9);
    expect(phaseMargin).toBeGreaterThan(0);
    expect(phaseMargin).toBeLessThan(Math.PI);
    expect(delaySecondsMax).toBeCloseTo(phaseMargin / crossover, 12);
  });

  test('has no limit where the gain stays below 1', () => {
    // Holdings that resolve by themselves: the tax is hardly needed.
    const { crossover, delaySecondsMax } = delayMargin(LOOP, { ...PLANT, resolve: 1 });
    expect([crossover, delaySecondsMax]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  test('is refused for an onset that jumps', () => {
    expect(() => loopRest({ ...LOOP, quartic: -1, sextic: 1 }, PLANT)).toThrow(AssertionFailure);
  });
});

describe('Γ for an age', () => {
  const other: HeldIdlePlant = { fill: 0.05, resolve: 0.01, taxedResolve: 2 };

  test.each([10, 20, 60])('leaves twice an age of %d s with every plant, and hardly more', (age) => {
    const gamma = gammaForAge(LOOP, [PLANT, other], age);
    const least = (g: number): number =>
      Math.min(...[PLANT, other].map((plant) => delayMargin({ ...LOOP, gamma: g }, plant).delaySecondsMax));
    expect(least(gamma)).toBeGreaterThan(2 * age);
    expect(least(1.001 * gamma)).toBeLessThan(2 * age * 1.01);
    for (let slower = gamma; slower > 1e-5; slower /= 1.3) expect(least(slower)).toBeGreaterThan(2 * age);
  });

  test('is slower for an older view and for more safety, and at most 1', () => {
    expect(gammaForAge(LOOP, [PLANT], 40)).toBeLessThan(gammaForAge(LOOP, [PLANT], 20));
    expect(gammaForAge(LOOP, [PLANT], 20, 4)).toBeLessThan(gammaForAge(LOOP, [PLANT], 20));
    expect(gammaForAge(LOOP, [PLANT], 0.1)).toBe(1);
  });

  test('needs a plant and an age', () => {
    expect(() => gammaForAge(LOOP, [], 1)).toThrow(AssertionFailure);
    expect(() => gammaForAge(LOOP, [PLANT], 0)).toThrow(AssertionFailure);
  });
});
