/**
 * T-19, T-20 and T-22: the dynamics of the macro governor, its dead band, and how old its view may be.
 *
 * @source theory §4.2, §4.4.
 */
import type { Random } from '../../src/kernel/random.ts';
import {
  delayMargin,
  gammaForAge,
  type HeldIdlePlant,
  plantFlow,
} from '../../src/market/tax/delay-margin.ts';
import {
  advanceLandau,
  deadBandOf,
  type LandauParameters,
  landauCoefficient,
  landauRoot,
  landauStep,
  landauTax,
  taxRampRate,
} from '../../src/market/tax/landau.ts';
import { TaxGovernor } from '../../src/market/tax/tax-governor.ts';
import { atLeast, atMost, type Claim, type Measurement } from './claim.ts';

/** a = 2 and ψ_c = ½: A runs from 1 to −1 as ψ runs from 0 to 1. */
const PLAIN: LandauParameters = {
  slope: 2,
  psiCritical: 0.5,
  quartic: 1,
  seed: 1e-3,
  gamma: 1,
  taxScale: 1,
};
const STEPS = [0.01, 0.1, 1, 10, 100] as const;
const STARTS = [0, 1e-6, 0.1, 3] as const;
const LEVELS = [0, 0.2, 0.4, 0.45, 0.5, 0.55, 0.6, 0.8, 1] as const;
/** Long enough for the slowest level, at ψ = ψ_c, to settle to nine digits. */
const SETTLE_SECONDS = 2000;
const SETTLE_STEPS = 3000;

/** T-19. */
export const LANDAU_STEP: Claim = {
  test: 'T-19',
  title: 'A governor that never overshoots below zero',
  claim:
    'The step of the governor’s scalar rests exactly at the roots of its free energy and never gets negative, whatever its length; in substeps it relaxes at rate ΓA while healthy and 2Γ|A| when stuck, and its tax ramps at 2Γ|A|, within 2 %.',
  conditions:
    'ψ constant during a step; rates are those of small deviations, with a seed that is small against √(|A|/b).',
  notClaimed:
    'Not that clusters follow a Landau equation: this is the designed motion of one number. A single long step has the right root but not the right rate.',
  quick: true,
  measure(random: Random): Measurement {
    const explicit = (m: number, psi: number, dt: number): number =>
      m - dt * (landauCoefficient(PLAIN, psi) * m + PLAIN.quartic * m ** 3 - PLAIN.seed);
    const implicit = (m: number, psi: number, dt: number): number => landauStep(PLAIN, m, psi, dt);
    const whole = (p: LandauParameters, m: number, psi: number, dt: number): number =>
      landauStep(p, m, psi, dt);
    return {
      checks: [
        atMost(
          'largest relative error of a rate (relaxation below and above, ramp of the tax), 0.01 s to 10 time scales',
          rateError(advanceLandau),
          0.02,
        ),
        atMost(
          'largest relative distance from the root, dt = 0.01 … 100 s, nine ψ, four starts',
          rootError(),
          1e-6,
        ),
        atLeast(
          'smallest m over 10,000 steps of random length and ψ',
          smallestOrder(implicit, random.fork(1)),
          0,
        ),
      ],
      controls: [
        atLeast('the same for the explicit step', smallestOrder(explicit, random.fork(1)), 0),
        atMost('error of rates if such a time is one step', rateError(whole), 0.02),
      ],
    };
  },
};

function rootError(): number {
  let worst = 0;
  for (const dt of STEPS) {
    for (const psi of LEVELS) {
      const root = landauRoot(PLAIN, psi);
      for (const start of STARTS) {
        const count = Math.max(SETTLE_STEPS, SETTLE_SECONDS / dt);
        let m: number = start;
        for (let i = 0; i < count; i++) m = landauStep(PLAIN, m, psi, dt);
        worst = Math.max(worst, Math.abs(m / root - 1));
      }
    }
  }
  return worst;
}

/** @returns The largest relative error of measured rates. @param advance Moves m for a time. */
function rateError(advance: (p: LandauParameters, m: number, psi: number, dt: number) => number): number {
  let worst = 0;
  for (const gamma of [0.5, 2]) {
    for (const size of [0.2, 0.5, 1]) {
      const p = { ...PLAIN, gamma, seed: 1e-9 };
      for (const scales of [0.01, 0.1, 1, 10]) {
        const healthy = p.psiCritical - size / p.slope;
        const stuck = p.psiCritical + size / p.slope;
        const decays: readonly (readonly [number, number])[] = [
          [healthy, gamma * size],
          [stuck, 2 * gamma * size],
        ];
        for (const [psi, rate] of decays) {
          const root = landauRoot(p, psi);
          // A thousandth of the scale √(|A|/b): what is left after ten time scales still has digits.
          const away = 1e-3 * Math.sqrt(size / p.quartic);
          const dt = scales / rate;
          const left = advance(p, root + away, psi, dt) - root;
          worst = Math.max(worst, Math.abs(-Math.log(left / away) / dt / rate - 1) || 0);
          if (!(left > 0)) worst = Number.POSITIVE_INFINITY;
        }
        const dt = Math.min(scales, 4) / (gamma * size);
        const grown = landauTax(p, advance(p, 1e-5, stuck, dt)) / landauTax(p, 1e-5);
        worst = Math.max(worst, Math.abs(Math.log(grown) / dt / taxRampRate(p, stuck) - 1));
      }
    }
  }
  return worst;
}

function smallestOrder(step: (m: number, psi: number, dt: number) => number, random: Random): number {
  let m = 1;
  let least = m;
  for (let i = 0; i < 10_000; i++) {
    const next = step(m, random.nextDouble(), 10 ** (4 * random.nextDouble() - 2));
    least = Math.min(least, next);
    // An explicit step that has blown up begins again.
    m = Math.abs(next) < 1e6 ? Math.abs(next) : 1;
  }
  return least;
}

/** A is swept by this much a second. */
const SWEEP = 1e-4;
const JUMPS = [
  [1, 1],
  [1, 2],
  [1.5, 1],
] as const;

/** T-20. */
export const TAX_DEAD_BAND: Claim = {
  test: 'T-20',
  title: 'The tax has a dead band',
  claim:
    'With −¼Bm⁴ + ⅙cm⁶ in place of ¼bm⁴ the tax sets in at A = 0 and ends only at A = B²/4c. A governor that switches at the shares of held-idle capacity which belong to these two is not toggled by noise round the first.',
  conditions:
    'A swept by 10⁻⁴ a second at Γ = 1: a faster sweep passes both points later. Seed 10⁻³, which moves the onset to A ≈ 0.02.',
  notClaimed:
    'Not that the jump is the better governor: between its branches there may be no point of rest, and then it cycles without any delay. TEG switches thresholds and keeps the continuous motion.',
  quick: true,
  measure(random: Random): Measurement {
    const points = JUMPS.map(([quartic, sextic]) => ({
      expected: quartic ** 2 / (4 * sextic),
      ...sweep({ ...PLAIN, quartic: -quartic, sextic }),
    }));
    const continuous = sweep(PLAIN);
    const band = deadBandOf({ ...PLAIN, psiCritical: 0.2 }, 1, 1);
    return {
      checks: [
        atMost(
          'largest |A where the tax ends − B²/4c|, three pairs B, c',
          Math.max(...points.map(({ off, expected }) => Math.abs(off - expected))),
          0.03,
        ),
        atMost('largest |A where it sets in|', Math.max(...points.map(({ on }) => Math.abs(on))), 0.03),
        atMost(
          'switchings of the governor, ψ = ψ_c + noise of 0.02, 10,000 s',
          switchings(band, random.fork(1)),
          1,
        ),
      ],
      controls: [
        atMost('|A where the tax ends − ¼| without a jump (b = 1)', Math.abs(continuous.off - 0.25), 0.03),
        atMost(
          'switchings without a dead band',
          switchings({ onPsi: band.onPsi, offPsi: band.onPsi }, random.fork(1)),
          1,
        ),
      ],
      notes: [
        `On and off at A = ${points.map(({ on, off }) => `${on.toFixed(3)} and ${off.toFixed(3)}`).join('; ')} for (B, c) = ${JUMPS.map((pair) => `(${pair.join(', ')})`).join(', ')}.`,
        `Dead band for a = 2, ψ_c = 0.2, B = c = 1: on at ψ = ${band.onPsi}, off at ψ = ${band.offPsi.toPrecision(3)}.`,
      ],
    };
  },
};

/** Sweeps A up until the order is gone, and down until it is back. @returns A at the two points. */
function sweep(p: LandauParameters): { on: number; off: number } {
  // Half of the order at the fold, or of that at A = −¼.
  const level = (p.quartic < 0 ? Math.sqrt(-p.quartic / (2 * (p.sextic ?? 1))) : 0.5) / 2;
  const psiAt = (coefficient: number): number => p.psiCritical - coefficient / p.slope;
  let coefficient = -0.4;
  let m = landauRoot(p, psiAt(coefficient));
  while (m > level && coefficient < 1) {
    coefficient += SWEEP;
    m = advanceLandau(p, m, psiAt(coefficient), 1);
  }
  const off = coefficient;
  coefficient += 0.1;
  while (m < level && coefficient > -1) {
    coefficient -= SWEEP;
    m = advanceLandau(p, m, psiAt(coefficient), 1);
  }
  return { on: coefficient, off };
}

function switchings(deadBand: { onPsi: number; offPsi: number }, random: Random): number {
  const governor = new TaxGovernor({ landau: PLAIN, deadBand, fallbackSeconds: 1e6 }, 0);
  let count = 0;
  for (let second = 1; second <= 10_000; second++) {
    const before = governor.isOn;
    governor.observe(Math.min(Math.max(deadBand.onPsi + 0.02 * random.nextNormal(), 0), 1), second);
    if (governor.isOn !== before) count++;
  }
  return count;
}

const PLANT: HeldIdlePlant = { fill: 0.02, resolve: 0.02, taxedResolve: 0.5 };
const LOOP: LandauParameters = {
  slope: 2,
  psiCritical: 0.2,
  quartic: 1,
  seed: 1e-3,
  gamma: 1,
  taxScale: 10,
};
const GAMMAS = [0.05, 0.5, 2] as const;
const AGES = [5, 10, 20] as const;
/** Swings of ψ below this are none; from `CYCLE` on they are a cycle. */
const STILL = 1e-3;
const CYCLE = 1e-2;

/** T-22. */
export const TAX_LOOP_DELAY: Claim = {
  test: 'T-22',
  title: 'How old the governor’s view may be',
  claim:
    'Tax and held-idle capacity settle while the view of ψ is younger than the delay margin PM/ω_c, and cycle beyond it; with Γ chosen so that the margin is twice the worst age, that age makes no cycle.',
  conditions:
    'Plant ψ̇ = σ(1 − ψ) − (ν + κm²)ψ with known rates, one age for the whole view, started 5 % off the point of rest: the margin is that of the linearised loop.',
  notClaimed:
    'Nothing about large disturbances, and nothing about plants whose rates were misjudged by more than the factor two that is kept.',
  quick: true,
  measure(): Measurement {
    const swings = (factor: number): number[] =>
      GAMMAS.map((gamma) => {
        const p = { ...LOOP, gamma };
        return swing(p, factor * delayMargin(p, PLANT).delaySecondsMax);
      });
    const chosen = AGES.map((age) => ({ age, gamma: gammaForAge(LOOP, [PLANT], age) }));
    const atAge = (factor: number): number[] =>
      chosen.map(({ age, gamma }) => swing({ ...LOOP, gamma: factor * gamma }, age));
    const atMargin = swings(2);
    return {
      checks: [
        atMost(
          'largest swing of ψ at half the predicted margin, Γ = 0.05, 0.5, 2',
          Math.max(...swings(0.5)),
          STILL,
        ),
        atLeast('smallest swing at twice the margin', Math.min(...atMargin), CYCLE),
        atMost(
          'largest swing with Γ chosen for an age of 5, 10, 20 s, at that age',
          Math.max(...atAge(1)),
          STILL,
        ),
      ],
      controls: [
        atMost('smallest swing at twice the predicted margin', Math.min(...atMargin), STILL),
        atMost(
          'smallest swing with 20 times that Γ, at the same age of 10 and 20 s',
          Math.min(...atAge(20).slice(1)),
          STILL,
        ),
      ],
      notes: [
        `Predicted margins: ${GAMMAS.map((gamma) => `${delayMargin({ ...LOOP, gamma }, PLANT).delaySecondsMax.toFixed(1)} s (Γ = ${gamma})`).join(', ')}.`,
        `Γ chosen: ${chosen.map(({ age, gamma }) => `${gamma.toPrecision(3)} (${age} s)`).join(', ')}.`,
      ],
      plots: [loopPlot()],
    };
  },
};

/** ψ over the time of a run; the governor sees it `delay` seconds late. @shape [steps] */
function loopCourse(p: LandauParameters, delay: number, dt: number, steps: number): Float64Array {
  const rest = delayMargin(p, PLANT).rest;
  const course = new Float64Array(steps);
  const lag = Math.round(delay / dt);
  let psi = 1.05 * rest.psi;
  let m = rest.m;
  for (let k = 0; k < steps; k++) {
    course[k] = psi;
    const seen = k >= lag ? (course[k - lag] as number) : rest.psi;
    const next = landauStep(p, m, seen, dt);
    psi += dt * plantFlow(PLANT, psi, m);
    m = next;
  }
  return course;
}

/** @returns Largest minus smallest ψ at the end of a long run. */
function swing(p: LandauParameters, delay: number): number {
  const { crossover } = delayMargin(p, PLANT);
  const period = (2 * Math.PI) / crossover;
  const dt = Math.min(delay / 100, period / 200, 0.2 / p.gamma);
  const steps = Math.ceil((40 * Math.max(period, 2 * delay)) / dt);
  const tail = loopCourse(p, delay, dt, steps).subarray(Math.floor(0.9 * steps));
  return (
    tail.reduce((most, psi) => Math.max(most, psi), 0) - tail.reduce((least, psi) => Math.min(least, psi), 1)
  );
}

function loopPlot() {
  const p = { ...LOOP, gamma: 0.5 };
  const { delaySecondsMax } = delayMargin(p, PLANT);
  const dt = 0.05;
  const curve = (factor: number) => {
    const course = loopCourse(p, factor * delaySecondsMax, dt, 8000);
    const every = Array.from({ length: 400 }, (_, i) => i * 20);
    return {
      name: `${factor} × margin`,
      x: every.map((k) => k * dt),
      y: every.map((k) => course[k] as number),
    };
  };
  return {
    title: 'Share of capacity held idle, Γ = 0.5',
    reading: 'Within the margin a disturbance dies out; beyond it, it grows into a cycle.',
    xLabel: 'seconds',
    yLabel: 'ψ',
    series: [curve(0.5), curve(2)],
  };
}
