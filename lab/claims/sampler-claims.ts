/**
 * T-11 and T-12: the distributions that the Langevin integrators sample, against exact means.
 *
 * @source theory §2A; Leimkuhler & Matthews 2013 (arXiv 1203.5428).
 */
import type { Random } from '../../src/kernel/random.ts';
import { REAL } from '../../src/physics/algebra.ts';
import { DUAL } from '../../src/physics/dual.ts';
import type { Force } from '../../src/physics/langevin.ts';
import { doubleWell } from '../../src/physics/price-functions.ts';
import { gibbsMean } from '../../src/physics/quadrature.ts';
import { atMost, type Claim, type Measurement, within } from './claim.ts';
import { stationarySquare } from './transfer-operator.ts';
import { doubleWellForce, type Integrator, meanSquare, type WalkerRun } from './walker-means.ts';

const STEPS = [0.25, 0.5, 1] as const;
const WALKERS = 1000;

const harmonicForce: Force = (positions, out) => {
  for (let i = 0; i < positions.length; i++) out[i] = -(positions[i] as number);
};

/** ⟨q²⟩ in the field q²/2 at T = 1, where it should be 1. */
function harmonic(integrator: Integrator, step: number, time: number, random: Random) {
  const run: WalkerRun = {
    integrator,
    force: harmonicForce,
    step,
    friction: 1,
    temperature: 1,
    walkers: WALKERS,
    time,
    start: (r) => r.nextNormal(),
  };
  return meanSquare(run, random);
}

/** T-11. */
export const HARMONIC_SAMPLING: Claim = {
  test: 'T-11',
  title: 'Exact sampling of quadratic fields',
  claim:
    'In a quadratic field BAOAB and Leimkuhler–Matthews visit positions with exactly the Gibbs variance T/k at any stable step, where Euler–Maruyama is too wide by 1/(1 − hk/2).',
  conditions:
    'Quadratic field, h ≤ 1 in units of 1/ω, friction 1. Positions only: ⟨p²⟩ = T(1 − h²ω²/4) is not exact.',
  notClaimed: 'Not that other fields are sampled exactly (T-12).',
  quick: false,
  measure(random: Random): Measurement {
    let bias = 0;
    let sigmas = 0;
    let formula = 0;
    let euler = 0;
    const dots = STEPS.map((h) => {
      const sampled = (['BAOAB', 'Leimkuhler–Matthews'] as const).map((name) =>
        harmonic(name, h, 8000, random),
      );
      for (const { mean, error } of sampled) {
        bias = Math.max(bias, Math.abs(mean - 1));
        sigmas = Math.max(sigmas, Math.abs(mean - 1) / error);
      }
      const wide = harmonic('Euler–Maruyama', h, 1500, random).mean;
      euler = Math.max(euler, Math.abs(wide - 1));
      formula = Math.max(formula, Math.abs(wide * (1 - h / 2) - 1));
      return [...sampled.map((s) => s.mean), wide];
    });
    return {
      checks: [
        atMost('largest |⟨q²⟩k/T − 1| of BAOAB and Leimkuhler–Matthews, h = 0.25, 0.5, 1', bias, 0.003),
        atMost('the same in standard errors', sigmas, 4),
        atMost('Euler–Maruyama against 1/(1 − hk/2), relative', formula, 0.005),
      ],
      controls: [atMost('largest |⟨q²⟩k/T − 1| of Euler–Maruyama', euler, 0.003)],
      notes: [
        'The limit is 4 standard errors: six means are looked at, and 3 would be passed by chance in one seed of sixty.',
      ],
      plots: [
        {
          title: 'Variance in a quadratic field (exact: 1)',
          reading:
            'The two integrators in use stay at the exact value at any step; the simple one drifts off.',
          xLabel: 'step h',
          yLabel: '⟨q²⟩ k / T',
          series: ['BAOAB', 'Leimkuhler–Matthews', 'Euler–Maruyama'].map((name, i) => ({
            name,
            x: [...STEPS],
            y: dots.map((row) => row[i] as number),
          })),
          rule: { at: 1, text: 'exact' },
        },
      ],
    };
  },
};

const WELL_TEMPERATURE = 0.5;
const WELL_STEPS = [0.1, 0.15, 0.2, 0.25, 0.3] as const;
/** Steps between which the slope is taken; beyond 0.2 higher orders show. */
const SLOPE_STEPS = [0.1, 0.15, 0.2] as const;

/** T-12. */
export const DOUBLE_WELL_BIAS: Claim = {
  test: 'T-12',
  title: 'Second-order bias in a double well',
  claim: 'In a field with two wells the positions of BAOAB have a bias of order h², small enough to ignore.',
  conditions:
    'A = (q² − 1)², T = 0.5, friction 1, h ≤ 0.3; at h = 0.4 the integrator runs away. Stationary law, however long it takes to mix.',
  notClaimed: 'Nothing about how long crossing from well to well takes (T-13).',
  quick: false,
  measure(random: Random): Measurement {
    const exact = gibbsMean(
      (q) => doubleWell(REAL, q),
      (q) => q * q,
      WELL_TEMPERATURE,
      -3,
      3,
    );
    const biases = WELL_STEPS.map((step) => wellSquare(step) - exact);
    const at = (h: number): number => biases[WELL_STEPS.indexOf(h as 0.1)] as number;
    const slope = Math.log(at(0.2) / at(0.1)) / Math.log(SLOPE_STEPS[2] / SLOPE_STEPS[0]);
    const sampled = sampledWell('BAOAB', 0.2, 20_000, random);
    const euler = sampledWell('Euler–Maruyama', 0.04, 300, random);
    const matthews = sampledWell('Leimkuhler–Matthews', 0.04, 1500, random);
    return {
      checks: [
        atMost('|bias of ⟨q²⟩| of BAOAB at h = 0.2', Math.abs(at(0.2)), 1e-3),
        within('log-log slope of the bias, h = 0.1 … 0.2', slope, 1.5, 2.5),
        atMost(
          'sampled ⟨q²⟩ at h = 0.2 against its stationary law, in standard errors',
          Math.abs(sampled.mean - wellSquare(0.2)) / sampled.error,
          4,
        ),
      ],
      controls: [atMost('|bias of ⟨q²⟩| of Euler–Maruyama at h = 0.04', Math.abs(euler.mean - exact), 1e-3)],
      notes: [
        `Exact ⟨q²⟩ = ${exact.toFixed(6)}. Bias of BAOAB: ${WELL_STEPS.map((h) => `${at(h).toExponential(2)} at h = ${h}`).join(', ')}.`,
        'These biases are not sampled: they come from pushing the density itself through the integrator, to about 10⁻⁷.',
        `Sampled: BAOAB at h = 0.2 ${(sampled.mean - exact).toExponential(1)} ± ${sampled.error.toExponential(1)}; Leimkuhler–Matthews at h = 0.04 ${(matthews.mean - exact).toExponential(1)} ± ${matthews.error.toExponential(1)}.`,
      ],
      plots: [
        {
          title: 'Bias of ⟨q²⟩ in the double well, T = 0.5',
          reading: 'The bias falls with the square of the step.',
          xLabel: 'step h',
          yLabel: '|bias|',
          xLog: true,
          yLog: true,
          series: [
            { name: 'BAOAB', x: [...WELL_STEPS], y: biases.map(Math.abs) },
            { name: 'h² / 50', x: [...WELL_STEPS], y: WELL_STEPS.map((h) => h ** 2 / 50) },
          ],
          rule: { at: 1e-3, text: 'allowed' },
        },
      ],
    };
  },
};

function wellSquare(step: number): number {
  return stationarySquare((q) => doubleWell(DUAL, q), { step, friction: 1, temperature: WELL_TEMPERATURE });
}

function sampledWell(integrator: Integrator, step: number, time: number, random: Random) {
  const run: WalkerRun = {
    integrator,
    force: doubleWellForce,
    step,
    friction: 1,
    temperature: WELL_TEMPERATURE,
    walkers: 400,
    time,
    start: (r) => (r.nextInt(2) === 0 ? -1 : 1),
  };
  return meanSquare(run, random);
}
