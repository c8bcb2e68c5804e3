/**
 * G-11 to G-13: caps behind one breaker, limits that several actuators share, and the general barrier of relative degree 1 to 3.
 *
 * @source docs/guard-laws.md.
 */

import { authorityToSpare, breakBeforeMake } from '../../../src/guard/barrier/break-before-make.ts';
import { type CapProblem, coupledCaps } from '../../../src/guard/barrier/coupled-caps.ts';
import { HighOrderBarrier } from '../../../src/guard/barrier/high-order-barrier.ts';
import type { Random } from '../../../src/kernel/random.ts';
import { atLeast, atMost, type Claim, type Measurement, numberText, within } from '../claim.ts';

const DEVICES = 8;
const FLOOR = 200;
const PEAK = 700;
const CAP = 3600;
const PERIOD = 1;
const SUBSTEPS = 50;
const PERIODS = 400;

/** Sets the caps from measured power and the targets. */
type CapLaw = (power: Float64Array, targets: Float64Array, out: Float64Array) => void;

/** G-11. */
export const BREAKER_HELD: Claim = {
  test: 'G-11',
  title: 'Caps behind one breaker: break before make',
  claim:
    'If a cap is raised only into power that others have given up by measurement, the sum stays below the breaker between ticks whatever the lags of the devices; caps whose sum fits at both ends of a change do not do.',
  conditions:
    'First-order lags of 0.05 to 5 s, unknown to the law; measured power exact; the floors of all caps fit (audited at start).',
  notClaimed: 'That the floor of a cap is exact: the audit takes the floor with its measured error.',
  quick: true,
  measure(random: Random): Measurement {
    const course = changesOf(random.fork(1));
    const ours = peakUnder(course, (power, targets, out) => void breakBeforeMake(power, targets, CAP, out));
    const endpoints = peakUnder(course, (_power, targets, out) => out.set(targets));
    return {
      checks: [
        atMost(`highest sum over the cap of ${CAP} W, ${PERIODS} changes, 8 devices`, ours.peak - CAP, 1e-9),
        atLeast('share of the targets’ energy that is served', ours.energy / endpoints.energy, 0.9),
        atLeast('watts to spare of a limit of 2,000 W with all caps at their floor', toSpare(2000), 0),
      ],
      controls: [
        atLeast('watts to spare of a limit of 1,500 W, which the audit refuses', toSpare(1500), 0),
        atMost('targets whose sum fits, set at once', endpoints.peak - CAP, 1e-9),
        atMost(
          'raised by the caps that others were given, not by their power',
          peakUnder(course, raisedByCaps()).peak - CAP,
          1e-9,
        ),
      ],
      notes: [
        `Peak ${ours.peak.toFixed(0)} W, at once ${endpoints.peak.toFixed(0)} W; energy served ${(ours.energy / endpoints.energy).toFixed(3)} of what was over the cap.`,
      ],
    };
  },
};

function toSpare(limit: number): number {
  return authorityToSpare({ minima: new Float64Array(DEVICES).fill(FLOOR), uncontrolled: 0 }, limit);
}

interface Changes {
  readonly lags: Float64Array;
  /** Targets of each period; each sums to at most the cap. @shape [periods][devices] */
  readonly targets: readonly Float64Array[];
}

function changesOf(random: Random): Changes {
  const lags = Float64Array.from({ length: DEVICES }, () => 0.05 * 100 ** random.nextDouble());
  const targets = Array.from({ length: PERIODS }, (_, period) => {
    // Every twenty seconds the power moves from some devices to others.
    const wanted = Float64Array.from({ length: DEVICES }, (_unused, i) =>
      (i + Math.floor(period / 20)) % 2 === 0 ? PEAK : FLOOR,
    );
    return wanted;
  });
  return { lags, targets };
}

function peakUnder({ lags, targets }: Changes, law: CapLaw): { peak: number; energy: number } {
  const power = new Float64Array(DEVICES).fill(FLOOR);
  const caps = Float64Array.from(power);
  let peak = 0;
  let energy = 0;
  for (const wanted of targets) {
    law(power, wanted, caps);
    for (let i = 0; i < SUBSTEPS; i++) {
      let sum = 0;
      for (let d = 0; d < DEVICES; d++) {
        const cap = caps[d] as number;
        power[d] = cap + ((power[d] as number) - cap) * Math.exp(-PERIOD / SUBSTEPS / (lags[d] as number));
        sum += power[d] as number;
      }
      peak = Math.max(peak, sum);
      energy += sum * (PERIOD / SUBSTEPS);
    }
  }
  return { peak, energy };
}

/** Break before make with the caps of the last period in place of measured power. */
function raisedByCaps(): CapLaw {
  const last = new Float64Array(DEVICES).fill(FLOOR);
  return (_power, targets, out) => {
    const lowered = last.map((cap, d) => Math.min(cap, targets[d] as number));
    breakBeforeMake(lowered, targets, CAP, out);
    last.set(out);
  };
}

const PROBLEMS = 2000;

/** G-12. */
export const CAPS_OPTIMAL: Claim = {
  test: 'G-12',
  title: 'Shared limits: the nearest inputs, and never past the bound',
  claim:
    'The inputs found by bisection are within their ranges and the bound, and meet the optimality conditions; a bound below the sum of the floors is reported, not slackened.',
  conditions: '2 to 64 inputs with random wishes, costs, shares and ranges; one shared bound.',
  notClaimed: 'Several shared bounds at once: those need a general solver.',
  quick: true,
  measure(random: Random): Measurement {
    let past = 0;
    let gap = 0;
    let scaledGap = 0;
    let missed = 0;
    let silent = 0;
    let infeasible = 0;
    for (let i = 0; i < PROBLEMS; i++) {
      const { problem, bound, floor } = randomProblem(random);
      const out = new Float64Array(problem.wanted.length);
      const outcome = coupledCaps(problem, bound, out);
      if (floor > bound) {
        infeasible++;
        if (outcome !== 'infeasible') missed++;
        if (sumOf(problem, scaled(problem, bound)) > bound) silent++;
        continue;
      }
      past = Math.max(past, sumOf(problem, out) - bound);
      gap = Math.max(gap, optimalityGap(problem, out));
      scaledGap = Math.max(scaledGap, optimalityGap(problem, scaled(problem, bound)));
    }
    return {
      checks: [
        atMost('most that the sum is past its bound', past, 0),
        atMost('spread of the multiplier over inputs inside their range, relative', gap, 1e-9),
        within(`bounds below the floors that were not reported, of ${infeasible}`, missed, 0, 0),
      ],
      controls: [
        atMost('spread of the multiplier if all are scaled by one factor and cut', scaledGap, 1e-9),
        within('bounds below the floors that scaling passes in silence', silent, 0, 0),
      ],
    };
  },
};

function randomProblem(random: Random): { problem: CapProblem; bound: number; floor: number } {
  const n = 2 + random.nextInt(63);
  const column = (low: number, high: number): Float64Array =>
    Float64Array.from({ length: n }, () => low + (high - low) * random.nextDouble());
  const low = column(0, 100);
  const high = low.map((least) => least + 600 * random.nextDouble());
  const problem = { wanted: column(0, 800), weights: column(0.1, 10), shares: column(0.2, 2), low, high };
  const floor = sumOf(problem, low);
  const bound = floor + (random.nextDouble() - 0.15) * (sumOf(problem, high) - floor);
  return { problem, bound, floor };
}

function sumOf({ shares }: CapProblem, inputs: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < inputs.length; i++) sum += (shares[i] as number) * (inputs[i] as number);
  return sum;
}

/** Inside its range, w (wanted − u)/a is the same for each input. */
function optimalityGap(problem: CapProblem, inputs: Float64Array): number {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i] as number;
    if (input <= (problem.low[i] as number) || input >= (problem.high[i] as number)) continue;
    const multiplier =
      ((problem.weights[i] as number) * ((problem.wanted[i] as number) - input)) /
      (problem.shares[i] as number);
    least = Math.min(least, multiplier);
    most = Math.max(most, multiplier);
  }
  return most > least ? (most - least) / Math.max(1, most) : 0;
}

function scaled(problem: CapProblem, bound: number): Float64Array {
  const factor = Math.min(1, bound / sumOf(problem, problem.wanted));
  return problem.wanted.map((wish, i) =>
    Math.min(Math.max(wish * factor, problem.low[i] as number), problem.high[i] as number),
  );
}

/** Gains of the barriers of G-13, 1/s, and their tick. */
const GAINS = [2, 3, 4] as const;
const FINE = 0.0005;

/** G-13. */
export const BARRIER_DEGREES: Claim = {
  test: 'G-13',
  title: 'Barriers of relative degree 1 to 3',
  claim:
    'For an input that acts through one, two or three integrators, the bound keeps the limit from every state that the barrier admits, and states it does not admit can pass it.',
  conditions:
    'Chains of integrators, gains 2, 3, 4/s, input held for 0.5 ms, full demand; 100 random states each.',
  notClaimed: 'Large ticks, lags and limits of the input: those are G-01 to G-10.',
  quick: true,
  measure(random: Random): Measurement {
    const degrees = [1, 2, 3];
    const inside = degrees.map((degree) => worstChain(random.fork(degree), degree, true));
    const outside = degrees.slice(1).map((degree) => worstChain(random.fork(degree), degree, false));
    return {
      checks: [atMost('highest value over the limit of 1, degrees 1 to 3', Math.max(...inside), 0.002)],
      controls: [
        atMost('from states that are not admitted (degree 2)', outside[0] as number, 0.002),
        atMost('from states that are not admitted (degree 3)', outside[1] as number, 0.002),
      ],
      notes: [`Excess by degree: ${inside.map(numberText).join(', ')}; what remains is the held input.`],
    };
  },
};

/** The highest x − 1 of a chain x^(degree) = u under the barrier of 1 − x. */
function worstChain(random: Random, degree: number, isAdmitted: boolean): number {
  const barrier = new HighOrderBarrier(GAINS.slice(0, degree));
  const derivatives = new Float64Array(degree);
  let worst = Number.NEGATIVE_INFINITY;
  for (let found = 0; found < 100; ) {
    const state = Float64Array.from({ length: degree }, (_, i) =>
      i === 0 ? random.nextDouble() : 8 * (random.nextDouble() - 0.5),
    );
    if (barrier.admits(barrierOf(state, derivatives)) < 0 !== isAdmitted) continue;
    found++;
    for (let time = 0; time < 3; time += FINE) {
      // The barrier falls as the input rises: an upper bound.
      const bound = barrier.bound(barrierOf(state, derivatives), 0, -1);
      advance(state, Math.min(bound, 1000));
      worst = Math.max(worst, (state[0] as number) - 1);
    }
  }
  return worst;
}

/** b = 1 − x and its derivatives. */
function barrierOf(state: Float64Array, out: Float64Array): Float64Array {
  for (let i = 0; i < state.length; i++) out[i] = (i === 0 ? 1 : 0) - (state[i] as number);
  return out;
}

/** The exact step of a chain of integrators under a held input. */
function advance(state: Float64Array, input: number): void {
  const h = FINE;
  const [x = 0, v = 0, a = 0] = state;
  if (state.length === 1) state[0] = x + h * input;
  if (state.length === 2) state.set([x + h * v + (h * h * input) / 2, v + h * input]);
  if (state.length === 3)
    state.set([
      x + h * v + (h * h * a) / 2 + (h ** 3 * input) / 6,
      v + h * a + (h * h * input) / 2,
      a + h * input,
    ]);
}
