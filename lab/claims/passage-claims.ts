/**
 * T-13: how long Langevin motion needs to cross a barrier.
 *
 * @source theory §2A; Kramers 1940, Brownian motion in a field of force and the diffusion model of chemical reactions.
 */
import type { Random } from '../../src/kernel/random.ts';
import { REAL } from '../../src/physics/algebra.ts';
import { makeWalkers } from '../../src/physics/langevin.ts';
import { doubleWell } from '../../src/physics/price-functions.ts';
import { kramersTime, meanPassageTime } from '../../src/physics/quadrature.ts';
import { type Claim, type Measurement, within } from './claim.ts';
import { doubleWellForce, type Integrator, stepper } from './walker-means.ts';

const TEMPERATURES = [0.2, 0.25, 0.3, 0.35] as const;
const WALKERS = 250;
const PASSAGES = 8000;
const STEP = 0.01;
const field = (q: number): number => doubleWell(REAL, q);

/** T-13. */
export const BARRIER_CROSSING: Claim = {
  test: 'T-13',
  title: 'Crossing a barrier takes e^{ΔA/T}',
  claim:
    'The time to get from one well to the other is the exact double integral of Kramers’ problem and grows as e^{ΔA/T}: Langevin motion alone does not explore a field with several wells in a bounded number of steps.',
  conditions: 'Overdamped Leimkuhler–Matthews, A = (q² − 1)², ΔA = 1, T = 0.2 … 0.35, h = 0.01.',
  notClaimed:
    'Not that choices cost O(1) by diffusion; where wells matter, jumps drawn from the class table are needed (T-16).',
  quick: false,
  measure(random: Random): Measurement {
    const exact = TEMPERATURES.map((t) => meanPassageTime(field, t, -1, 1, -3));
    const measured = TEMPERATURES.map((t) => passage('Leimkuhler–Matthews', t, STEP, PASSAGES, random));
    const ratios = measured.map((time, i) => time / (exact[i] as number));
    const slope = arrheniusSlope(measured);
    const euler = passage('Euler–Maruyama', 0.25, 0.1, 1000, random) / (exact[1] as number);
    return {
      checks: [
        within('smallest simulated time / exact double integral', Math.min(...ratios), 0.95, 1.07),
        within('largest simulated time / exact double integral', Math.max(...ratios), 0.95, 1.07),
        within('Arrhenius slope d ln(time) / d(1/T), exact ΔA = 1', slope, 0.9, 1.1),
      ],
      controls: [
        within('Euler–Maruyama with a coarse step (h = 0.1, T = 0.25), time / exact', euler, 0.95, 1.07),
      ],
      notes: [
        `T = ${TEMPERATURES.join(', ')}: times ${measured.map((x) => x.toFixed(1)).join(', ')}; simulated / exact ${ratios.map((r) => r.toFixed(3)).join(', ')} (standard error ${(1 / Math.sqrt(PASSAGES)).toFixed(3)}).`,
        `Simulated / Kramers’ formula: ${TEMPERATURES.map((t, i) => ((measured[i] as number) / kramersTime(1, t, 8, 4)).toFixed(2)).join(', ')}: the formula is an asymptote for ΔA ≫ T.`,
        `The exact times have Arrhenius slope ${arrheniusSlope(exact).toFixed(3)}: the prefactor depends on T too.`,
      ],
      plots: [
        {
          title: 'Mean time to the other well',
          reading:
            'The time grows exponentially as it gets colder: a field with wells is not explored in a bounded number of steps.',
          xLabel: 'ΔA / T',
          yLabel: 'time',
          yLog: true,
          series: [
            { name: 'simulated', x: TEMPERATURES.map((t) => 1 / t), y: measured },
            { name: 'double integral', x: TEMPERATURES.map((t) => 1 / t), y: exact },
            {
              name: 'Kramers’ formula',
              x: TEMPERATURES.map((t) => 1 / t),
              y: TEMPERATURES.map((t) => kramersTime(1, t, 8, 4)),
            },
          ],
        },
      ],
    };
  },
};

/** Least-squares slope of ln(time) over 1/T. */
function arrheniusSlope(times: readonly number[]): number {
  const xs = TEMPERATURES.map((t) => 1 / t);
  const ys = times.map(Math.log);
  const meanX = xs.reduce((a, b) => a + b, 0) / xs.length;
  const meanY = ys.reduce((a, b) => a + b, 0) / ys.length;
  let up = 0;
  let down = 0;
  xs.forEach((x, i) => {
    up += (x - meanX) * ((ys[i] as number) - meanY);
    down += (x - meanX) ** 2;
  });
  return up / down;
}

/**
 * Mean time of first reaching +1 from −1. Each walker makes the same number of passages one after another, so that
 * long ones are not cut off.
 */
function passage(
  integrator: Integrator,
  temperature: number,
  step: number,
  passages: number,
  random: Random,
): number {
  const walkers = makeWalkers(new Float64Array(WALKERS).fill(-1), temperature, doubleWellForce, random);
  const advance = stepper({ integrator, force: doubleWellForce, step, friction: 1, temperature }, random);
  const left = new Int32Array(WALKERS).fill(passages / WALKERS);
  let running = WALKERS;
  let steps = 0;
  while (running > 0) {
    advance(walkers);
    const { positions, forces } = walkers;
    for (let i = 0; i < WALKERS; i++) {
      if ((left[i] as number) === 0) continue;
      steps++;
      if ((positions[i] as number) < 1) continue;
      left[i] = (left[i] as number) - 1;
      if (left[i] === 0) running--;
      positions[i] = -1;
      forces[i] = 0;
    }
  }
  return (steps * step) / passages;
}
