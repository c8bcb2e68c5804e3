/**
 * T-06 and T-07: the damped step on stale information, its sharp threshold, and its certificate.
 *
 * @source theory §1B D1, S1, S2.
 */
import type { Random } from '../../src/kernel/random.ts';
import { certifiedGain, dampedStep, monotoneGain, stableGain } from '../../src/physics/damped-step.ts';
import { reciprocalPrice, reciprocalSlope } from '../../src/physics/price-functions.ts';
import { atMost, type Claim, type Measurement, within } from './claim.ts';

const NODES = 50;
const ROUNDS = 3000;
/** Rounds at the end over which the largest error counts. */
const TAIL = 100;
const DELAYS = [0, 1, 3, 8] as const;
/** Rounds that are plotted. */
const COURSE_ROUNDS = 150;
/** Load at which a rule that overshoots is held back, as a share of capacity. */
const CAP = 0.995;

/** T-06: divided by the slope, the stable gain depends on the delay alone. */
export const DAMPED_STEP: Claim = {
  test: 'T-06',
  title: 'Damped step on stale prices',
  claim:
    'A fluid step divided by the price’s own derivative converges when information is s rounds old exactly if its gain is below 2 sin(π/(2(2s+1))), at any load and without tuning.',
  conditions:
    'Divisible load, a fixed total, price 1/(1 − ρ), every node equally stale, starts within 10 % of the equilibrium: the threshold is that of the linearised loop.',
  notClaimed:
    'Not global convergence, nothing about loads that drift meanwhile, nothing about indivisible jobs (T-08).',
  quick: true,
  measure(random: Random): Measurement {
    const world = makeWorld(random);
    const errorAt = (factor: number): number[] =>
      [0.7, 0.9].flatMap((rho) =>
        DELAYS.map((s) => run(world, rho, s, damped(factor * stableGain(s))).error),
      );
    const above = errorAt(1.1);
    // γ that gives the steepest node a gain of 0.6 at load 0.7, where it works.
    const gamma = 0.6 * Math.min(...world.capacities) * 0.3 ** 2;
    const tuned = run(world, 0.7, 1, undivided(gamma)).error;
    const moved = run(world, 0.9, 1, undivided(gamma)).error;
    const herd = run(world, 0.7, 1, bestResponse(world, 0.2)).error;
    return {
      checks: [
        atMost(
          'largest error of load after 3,000 rounds at 0.95 × threshold (s = 0, 1, 3, 8; load 0.7, 0.9)',
          Math.max(...errorAt(0.95)),
          1e-6,
        ),
      ],
      controls: [
        atMost('the same at 1.1 × threshold (smallest of the eight)', Math.min(...above), 1e-6),
        atMost('step not divided by the slope, tuned at load 0.7 (s = 1), at load 0.9', moved, 1e-6),
        atMost(
          'undamped: a fifth of the load moves to the cheapest nodes each round (s = 1, load 0.7)',
          herd,
          1e-6,
        ),
      ],
      notes: [
        `The undivided step has error ${tuned.toExponential(1)} where it was tuned, and ${moved.toFixed(2)} at load 0.9.`,
        `At 1.1 × threshold the load runs into a limit cycle of ${(100 * Math.min(...above)).toFixed(0)}–${(100 * Math.max(...above)).toFixed(0)} %: unstable, not divergent.`,
      ],
      plots: [convergencePlot(world)],
    };
  },
};

interface World {
  readonly capacities: Float64Array;
  /** Factor of each node's load at the start. */
  readonly start: Float64Array;
}

function makeWorld(random: Random): World {
  return {
    capacities: Float64Array.from({ length: NODES }, () => 0.5 + random.nextDouble()),
    start: Float64Array.from({ length: NODES }, () => 0.9 + 0.2 * random.nextDouble()),
  };
}

/** Writes the change of each load from what was seen. */
type Rule = (prices: Float64Array, slopes: Float64Array, loads: Float64Array, out: Float64Array) => void;

function damped(gain: number): Rule {
  return (prices, slopes, _loads, out) => {
    dampedStep(prices, slopes, gain, out);
  };
}

function undivided(gamma: number): Rule {
  return (prices, _slopes, _loads, out) => {
    const mean = prices.reduce((sum, p) => sum + p, 0) / prices.length;
    for (let n = 0; n < out.length; n++) out[n] = -gamma * ((prices[n] as number) - mean);
  };
}

/** A share of every node's load goes to the nodes that looked cheapest, filled in that order. */
function bestResponse(world: World, share: number): Rule {
  return (prices, _slopes, loads, out) => {
    let left = 0;
    for (let n = 0; n < out.length; n++) {
      out[n] = -share * (loads[n] as number);
      left -= out[n] as number;
    }
    const order = Array.from(prices, (_, n) => n).sort(
      (a, b) => (prices[a] as number) - (prices[b] as number),
    );
    for (const n of order) {
      const room = CAP * (world.capacities[n] as number) - (loads[n] as number) - (out[n] as number);
      const taken = Math.min(left, Math.max(0, room));
      out[n] = (out[n] as number) + taken;
      left -= taken;
    }
  };
}

/** @returns Error: Σ|load − equilibrium| / Σ load, the largest of the last rounds; and its course. */
function run(world: World, rho: number, delay: number, rule: Rule): { error: number; course: number[] } {
  const { capacities } = world;
  const loads = capacities.map((c, n) => c * rho * (world.start[n] as number));
  const total = capacities.reduce((sum, c) => sum + c * rho, 0);
  holdTotal(loads, capacities, total);
  const seen = Array.from({ length: delay + 1 }, () => Float64Array.from(loads));
  const prices = new Float64Array(NODES);
  const slopes = new Float64Array(NODES);
  const change = new Float64Array(NODES);
  const course: number[] = [];
  let error = 0;
  for (let k = 0; k < ROUNDS; k++) {
    const old = seen[k % (delay + 1)] as Float64Array;
    for (let n = 0; n < NODES; n++) {
      prices[n] = reciprocalPrice(old[n] as number, capacities[n] as number);
      slopes[n] = reciprocalSlope(old[n] as number, capacities[n] as number);
    }
    rule(prices, slopes, loads, change);
    for (let n = 0; n < NODES; n++) loads[n] = (loads[n] as number) + (change[n] as number);
    holdTotal(loads, capacities, total);
    old.set(loads);
    const away = loads.reduce((sum, x, n) => sum + Math.abs(x - rho * (capacities[n] as number)), 0) / total;
    if (course.length < COURSE_ROUNDS) course.push(away);
    if (k >= ROUNDS - TAIL) error = Math.max(error, away);
  }
  return { error, course };
}

/** Keeps loads in [0, CAP × capacity] and their sum; has no effect on rules that stay inside. */
function holdTotal(loads: Float64Array, capacities: Float64Array, total: number): void {
  for (let again = 0; again < 20; again++) {
    let sum = 0;
    let room = 0;
    for (let n = 0; n < loads.length; n++) {
      const top = CAP * (capacities[n] as number);
      const load = Math.min(Math.max(loads[n] as number, 0), top);
      loads[n] = load;
      sum += load;
      room += top - load;
    }
    const missing = total - sum;
    if (Math.abs(missing) < 1e-12 * total) return;
    for (let n = 0; n < loads.length; n++) {
      const load = loads[n] as number;
      const part = missing > 0 ? (CAP * (capacities[n] as number) - load) / room : load / sum;
      loads[n] = load + missing * part;
    }
  }
}

function convergencePlot(world: World) {
  const curve = (name: string, rule: Rule) => {
    const { course } = run(world, 0.7, 1, rule);
    return {
      name,
      x: course.map((_, k) => k),
      y: course.map((e) => Math.max(e, 1e-16)),
    };
  };
  return {
    title: 'Error of load, information one round old, load 0.7',
    reading:
      'Straight lines down converge; the others go on forever. Cut off at 10⁻¹⁶, the precision of numbers.',
    xLabel: 'round',
    yLabel: 'Σ|load − equilibrium| / Σ load',
    yLog: true,
    series: [
      curve('0.95 × threshold', damped(0.95 * stableGain(1))),
      curve('largest gain without overshoot', damped(monotoneGain(1))),
      curve('1.1 × threshold', damped(1.1 * stableGain(1))),
      curve('undamped', bestResponse(world, 0.2)),
    ],
  };
}

const QUADRATICS = 100;
const DIMENSION = 10;
const QUADRATIC_DELAYS = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const QUADRATIC_ROUNDS = 300;

/** T-07: a quantity that falls every round, from any start. */
export const STALE_GRADIENT_CERTIFICATE: Claim = {
  test: 'T-07',
  title: 'Certificate for stale gradient steps',
  claim:
    'With step γ and information s rounds old, γ L (s + ½) < 1 makes V = Φ + (γ²L/2) Σ (i − k + s + 1)|ĝ_i|² fall in every round from every start.',
  conditions:
    'Φ is L-smooth on the whole space. Projection on Σx fixed is harmless; projection on x ≥ 0 is not covered.',
  notClaimed:
    'For the step divided by the slope (T-06) the constant L changes as the load moves: there the rule is a guide with a run-time monitor, not a proof.',
  quick: true,
  measure(random: Random): Measurement {
    const inside = certificateRises(0.95, random.fork(1));
    const outside = certificateRises(1.8, random.fork(1));
    return {
      checks: [
        within(
          `rounds in which V rose, ${QUADRATICS} random quadratics, s = 0…8, γL(s + ½) = 0.95`,
          inside.rises,
          0,
          0,
        ),
      ],
      controls: [within('the same at γL(s + ½) = 1.8', outside.rises, 0, 0)],
      notes: [`${inside.rounds} rounds each.`],
    };
  },
};

function certificateRises(factor: number, random: Random): { rises: number; rounds: number } {
  let rises = 0;
  let rounds = 0;
  for (let i = 0; i < QUADRATICS; i++) {
    const hessian = randomHessian(random);
    const smoothness = largestEigenvalue(hessian);
    const start = Float64Array.from({ length: DIMENSION }, () => random.nextNormal());
    const delay = QUADRATIC_DELAYS[i % QUADRATIC_DELAYS.length] as number;
    const gamma = (factor * certifiedGain(delay)) / smoothness;
    rises += quadraticRises(hessian, smoothness, gamma, delay, start);
    rounds += QUADRATIC_ROUNDS;
  }
  return { rises, rounds };
}

/** @returns Rounds in which V rose by more than rounding; a run that blows up stops counting there. */
function quadraticRises(
  h: Float64Array,
  smoothness: number,
  gamma: number,
  delay: number,
  start: Float64Array,
): number {
  const x = Float64Array.from(start);
  // ĝ_k = ∇Φ(x_{k−s}); before the start the view is that of the start.
  const gradients = Array.from({ length: delay + 1 }, () => times(h, x));
  let used = Array.from({ length: delay }, () => norm2(gradients[0] as Float64Array));
  let rises = 0;
  let last = Number.POSITIVE_INFINITY;
  for (let k = 0; k < QUADRATIC_ROUNDS; k++) {
    const seen = gradients[k % (delay + 1)] as Float64Array;
    // used[0] is ĝ_{k−s}, …, used[s−1] is ĝ_{k−1}: weights 1 … s.
    const v =
      dot(x, times(h, x)) / 2 +
      ((gamma * gamma * smoothness) / 2) * used.reduce((sum, g, i) => sum + (i + 1) * g, 0);
    if (k > delay && v > last + 1e-12 * Math.abs(last)) rises++;
    last = v;
    for (let i = 0; i < DIMENSION; i++) x[i] = (x[i] as number) - gamma * (seen[i] as number);
    used = [...used.slice(1), ...(delay > 0 ? [norm2(seen)] : [])];
    gradients[k % (delay + 1)] = times(h, x);
    if (!(v < 1e200)) break;
  }
  return rises;
}

/** GᵀG of a square Gaussian matrix. @shape [DIMENSION²] */
function randomHessian(random: Random): Float64Array {
  const g = Float64Array.from({ length: DIMENSION * DIMENSION }, () => random.nextNormal());
  const h = new Float64Array(DIMENSION * DIMENSION);
  for (let i = 0; i < DIMENSION; i++) {
    for (let j = 0; j < DIMENSION; j++) {
      let sum = 0;
      for (let k = 0; k < DIMENSION; k++)
        sum += (g[k * DIMENSION + i] as number) * (g[k * DIMENSION + j] as number);
      h[i * DIMENSION + j] = sum;
    }
  }
  return h;
}

function largestEigenvalue(h: Float64Array): number {
  let v: Float64Array = new Float64Array(DIMENSION).fill(1);
  let size = 0;
  for (let i = 0; i < 2000; i++) {
    v = times(h, v);
    size = Math.sqrt(norm2(v));
    for (let k = 0; k < DIMENSION; k++) v[k] = (v[k] as number) / size;
  }
  return size;
}

function times(h: Float64Array, x: Float64Array): Float64Array {
  const out = new Float64Array(DIMENSION);
  for (let i = 0; i < DIMENSION; i++) {
    let sum = 0;
    for (let j = 0; j < DIMENSION; j++) sum += (h[i * DIMENSION + j] as number) * (x[j] as number);
    out[i] = sum;
  }
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
}

function norm2(a: Float64Array): number {
  return dot(a, a);
}
