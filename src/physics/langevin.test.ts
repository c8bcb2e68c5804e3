import { describe, expect, test } from 'vitest';
import { Random } from '../kernel/random.ts';
import { baoabStep, eulerMaruyamaStep, type Force, leimkuhlerMatthewsStep, makeWalkers } from './langevin.ts';
import { gibbsMean, kramersTime, meanPassageTime, simpson } from './quadrature.ts';

const harmonic: Force = (positions, out) => {
  for (let i = 0; i < positions.length; i++) out[i] = -(positions[i] as number);
};

describe('without noise', () => {
  test('BAOAB without friction is velocity Verlet: it keeps the energy', () => {
    const walkers = makeWalkers([1], 0, harmonic, new Random(1));
    for (let i = 0; i < 1000; i++) baoabStep(walkers, harmonic, 0.1, 0, 0, new Random(i));
    const q = walkers.positions[0] as number;
    const p = walkers.momenta[0] as number;
    expect(q * q + p * p).toBeCloseTo(1, 2);
    // One step by hand from rest: q' = q(1 − h²/2).
    const one = makeWalkers([1], 0, harmonic, new Random(1));
    baoabStep(one, harmonic, 0.1, 0, 0, new Random(1));
    expect(one.positions[0]).toBeCloseTo(1 - 0.005, 12);
    expect(one.momenta[0]).toBeCloseTo(-0.1 + 0.1 ** 3 / 4, 12);
  });

  test('the overdamped ones slide down the field', () => {
    for (const step of [leimkuhlerMatthewsStep, eulerMaruyamaStep]) {
      const walkers = makeWalkers([1, -2], 0, harmonic, new Random(1));
      step(walkers, harmonic, 0.1, 0, new Random(2));
      expect([...walkers.positions]).toEqual([expect.closeTo(0.9, 12), expect.closeTo(-1.8, 12)]);
      expect([...walkers.forces]).toEqual([expect.closeTo(-0.9, 12), expect.closeTo(1.8, 12)]);
    }
  });
});

test('Leimkuhler–Matthews uses each noise twice', () => {
  const flat: Force = (_positions, out) => {
    out.fill(0);
  };
  const walkers = makeWalkers([0], 1, flat, new Random(1));
  const first = walkers.noise[0] as number;
  leimkuhlerMatthewsStep(walkers, flat, 0.5, 1, new Random(7));
  const second = walkers.noise[0] as number;
  expect(second).not.toBe(first);
  expect(walkers.positions[0]).toBeCloseTo((first + second) / 2, 12);
});

test('walkers start with momenta of the temperature, and one seed gives one course', () => {
  const start = new Float64Array(50_000);
  const walkers = makeWalkers(start, 2, harmonic, new Random(1));
  const kinetic = walkers.momenta.reduce((sum, p) => sum + p * p, 0) / start.length;
  expect(Math.abs(kinetic - 2)).toBeLessThan(0.05);
  const course = (seed: number): number[] => {
    const random = new Random(seed);
    const some = makeWalkers([0, 0, 0], 1, harmonic, random);
    for (let i = 0; i < 10; i++) baoabStep(some, harmonic, 0.2, 1, 1, random);
    return [...some.positions];
  };
  expect(course(4)).toEqual(course(4));
  expect(course(4)).not.toEqual(course(5));
});

describe('integrals', () => {
  test('Simpson is exact for cubics', () => {
    expect(simpson((x) => x ** 3 - x + 1, -1, 3, 2)).toBeCloseTo(20, 12);
  });

  test('a Gaussian has the variance T/k', () => {
    expect(
      gibbsMean(
        (q) => 2 * q * q,
        (q) => q * q,
        0.3,
        -6,
        6,
      ),
    ).toBeCloseTo(0.075, 9);
  });

  test('on a flat stretch with a wall behind, the mean passage time is L²/2T', () => {
    expect(meanPassageTime(() => 0, 0.5, 0, 2, 0)).toBeCloseTo(4, 3);
  });

  test('Kramers’ formula is the limit of the double integral for high barriers', () => {
    const well = (q: number): number => (q * q - 1) ** 2;
    const ratio = (t: number): number => meanPassageTime(well, t, -1, 1, -3) / kramersTime(1, t, 8, 4);
    expect(ratio(0.35)).toBeGreaterThan(ratio(0.2));
    expect(ratio(0.2)).toBeGreaterThan(ratio(0.05));
    expect(ratio(0.05)).toBeGreaterThan(1);
    expect(ratio(0.05)).toBeLessThan(1.05);
  });
});
