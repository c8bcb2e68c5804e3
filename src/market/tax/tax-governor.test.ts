/** The governor: when it is on, what it takes, and when it gives up on the tax. */
import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../kernel/assert.ts';
import { plantFlow } from './delay-margin.ts';
import { landauRoot, landauTax } from './landau.ts';
import { landauWhileOn, TaxGovernor, type TaxGovernorOptions } from './tax-governor.ts';

const OPTIONS: TaxGovernorOptions = {
  landau: { slope: 2, psiCritical: 0.2, quartic: 1, seed: 0.01, gamma: 0.5, taxScale: 10 },
  deadBand: { onPsi: 0.2, offPsi: 0.1 },
  fallbackSeconds: 100,
};

/** Shows a governor one ψ every second. @returns The governor. */
function seeing(psi: number, seconds: number, governor = new TaxGovernor(OPTIONS, 0), from = 0): TaxGovernor {
  for (let second = 1; second <= seconds; second++) governor.observe(psi, from + second);
  return governor;
}

describe('a governor', () => {
  test('is on from ψ_c until ψ falls below the lower threshold', () => {
    const governor = new TaxGovernor(OPTIONS, 0);
    const isOn = [0.19, 0.2, 0.11, 0.1, 0.09, 0.19, 0.25].map((psi, second) => {
      governor.observe(psi, second);
      return governor.isOn;
    });
    expect(isOn).toEqual([false, true, true, true, false, false, true]);
  });

  test('settles at the tax of its own threshold: within the dead band it depends on where it came from', () => {
    const fromBelow = seeing(0.15, 200);
    expect(fromBelow.taxRate).toBeCloseTo(landauTax(OPTIONS.landau, landauRoot(OPTIONS.landau, 0.15)), 5);
    const fromAbove = seeing(0.15, 200, seeing(0.5, 50), 50);
    expect(fromAbove.taxRate).toBeCloseTo(
      landauTax(OPTIONS.landau, landauRoot(landauWhileOn(OPTIONS), 0.15)),
      5,
    );
    expect(fromAbove.taxRate).toBeGreaterThan(10 * fromBelow.taxRate);
  });

  test('begins with the tax of its seed', () => {
    const { m, taxRate } = new TaxGovernor(OPTIONS, 0);
    expect(m).toBeCloseTo(0.025, 12);
    expect(taxRate).toBeCloseTo(0.00625, 12);
  });

  test('takes ψ from when it is seen on', () => {
    const governor = new TaxGovernor(OPTIONS, 0);
    governor.observe(1, 1000);
    // Until now it saw 0.
    expect(governor.taxRate).toBeLessThan(0.01);
    governor.observe(1, 1010);
    expect(governor.taxRate).toBeGreaterThan(5);
  });

  /** @returns How often it switches in 5,000 s of a closed loop. */
  const switchings = (taxedResolve: number, gamma: number): number => {
    const landau = { ...OPTIONS.landau, seed: 0.001, gamma };
    const governor = new TaxGovernor({ ...OPTIONS, landau, deadBand: { onPsi: 0.2, offPsi: 0.075 } }, 0);
    const plant = { fill: 0.05, resolve: 0.01, taxedResolve };
    let psi = 0.05;
    let count = 0;
    for (let tick = 1; tick < 100_000; tick++) {
      const before = governor.isOn;
      governor.observe(psi, tick / 20);
      psi += plantFlow(plant, psi, governor.m) / 20;
      if (governor.isOn !== before) count++;
    }
    return count;
  };

  test.each([0.1, 1, 10])('with a tax of strength %d, which resolves holdings, stays on', (taxedResolve) => {
    expect(switchings(taxedResolve, 0.05)).toBe(1);
    expect(switchings(taxedResolve, 0.5)).toBe(1);
  });

  test('cycles between its thresholds with a tax that is far too strong', () => {
    expect(switchings(100, 0.5)).toBeGreaterThan(100);
  });
});

describe('the fallback', () => {
  test('comes after T_max on without a start', () => {
    const governor = seeing(0.5, 100);
    expect(governor.remedy).toBe('tax');
    expect(seeing(0.5, 2, governor, 100).remedy).toBe('wound-wait');
    expect(seeing(0.15, 300).remedy).toBe('none');
  });

  test('waits while gangs start', () => {
    const governor = new TaxGovernor(OPTIONS, 0);
    for (let second = 1; second <= 1000; second++) {
      governor.observe(0.5, second);
      if (second % 90 === 0) governor.gangStarted(second);
      expect(governor.remedy).toBe('tax');
    }
  });

  test('is kept until the governor has been off for T_max', () => {
    const governor = seeing(0.5, 102);
    governor.gangStarted(102);
    expect(seeing(0.5, 1, governor, 102).remedy).toBe('wound-wait');
    expect(seeing(0.05, 50, governor, 103).remedy).toBe('none');
    expect(seeing(0.5, 1, governor, 153).remedy).toBe('wound-wait');
    seeing(0.05, 120, governor, 154);
    expect(seeing(0.5, 1, governor, 274).remedy).toBe('tax');
  });
});

test.each<readonly [what: string, refused: () => unknown]>([
  [
    'a dead band upside down',
    () => new TaxGovernor({ ...OPTIONS, deadBand: { onPsi: 0.1, offPsi: 0.2 } }, 0),
  ],
  ['a fallback at once', () => new TaxGovernor({ ...OPTIONS, fallbackSeconds: 0 }, 0)],
  ['a share above 1', () => new TaxGovernor(OPTIONS, 0).observe(1.01, 1)],
  ['a time before the last', () => seeing(0.5, 2).observe(0.5, 1)],
])('%s is refused', (_, refused) => {
  expect(refused).toThrow(AssertionFailure);
});
