/**
 * T-08: the damped step taken by thousands of agents, each on its own, reading stale prices and slopes.
 *
 * @source theory §1B D2.
 */
import type { Random } from '../../src/kernel/random.ts';
import { certifiedGain, moveProbability, stableGain } from '../../src/physics/damped-step.ts';
import { reciprocalPrice, reciprocalSlope } from '../../src/physics/price-functions.ts';
import { atMost, type Claim, type Measurement } from './claim.ts';

const NODES = 50;
const AGENTS = 5000;
const ROUNDS = 200;
/** Rounds at the end that count. */
const TAIL = 50;
const DELAYS = [0, 3, 10] as const;
const LOADS = [0.7, 0.9] as const;
/** Starts are random, but nowhere fuller than this. */
const START_LOAD_MAX = 0.98;
/** Prices are read at this load at most, so that a swing beyond capacity still has a price. */
const PRICED_LOAD_MAX = 0.99;

/** T-08. */
export const DAMPED_AGENTS: Claim = {
  test: 'T-08',
  title: 'Damped steps by independent agents',
  claim:
    'Agents that each sample one node and move with probability 2η(p_a − p_b)⁺ / ((p_a′ + p_b′) x_a) keep the load balanced within 2 %, with one setting η = min(1, 1/(s + ½)) at every load, for any age s of their information.',
  conditions:
    '5,000 equal agents on 50 unequal nodes, price 1/(1 − ρ), all agents act at once in rounds; random starts with every node below 98 %; no capacity check after that, so that swings show.',
  notClaimed:
    'Not an exact equilibrium (the noise of indivisible agents stays), and not speed from starts beyond capacity: the slope is so steep there that each round sheds little.',
  quick: true,
  measure(random: Random): Measurement {
    const cases = LOADS.flatMap((rho) => DELAYS.map((delay) => ({ rho, delay })));
    const all = (rule: (s: number) => number): Balance[] =>
      cases.map(({ rho, delay }, i) => run(rho, delay, rule(delay), random.fork(i)));
    const damped = all((s) => Math.min(1, certifiedGain(s)));
    const strong = all((s) => 1.5 * stableGain(s));
    const naive = all(() => Number.POSITIVE_INFINITY);
    const anywhere = run(0.9, 10, certifiedGain(10), random.fork(100), Number.POSITIVE_INFINITY);
    return {
      checks: [
        atMost(
          'largest imbalance Σ|x − x*| / Σx, mean of the last 50 rounds (s = 0, 3, 10; load 0.7, 0.9)',
          worst(damped),
          0.02,
        ),
      ],
      controls: [
        atMost('“move if it looks cheaper” (smallest of the six)', best(naive), 0.02),
        atMost('1.5 × the stable gain (smallest of the six)', best(strong), 0.02),
      ],
      notes: [
        `That no node starts beyond capacity is a condition found by measuring: from starts without it (load 0.9, s = 10) the imbalance after ${ROUNDS} rounds is still ${(100 * anywhere.imbalance).toFixed(0)} %.`,
        `Agents moving a round: ${percent(damped, 'moving')} damped, ${percent(naive, 'moving')} naive.`,
        `Imbalance: ${percent(damped, 'imbalance')} damped, ${percent(strong, 'imbalance')} at 1.5 × the stable gain, ${percent(naive, 'imbalance')} naive.`,
      ],
    };
  },
};

interface Balance {
  readonly imbalance: number;
  /** Share of agents that move, a round. */
  readonly moving: number;
}

function worst(runs: readonly Balance[]): number {
  return Math.max(...runs.map((r) => r.imbalance));
}

function best(runs: readonly Balance[]): number {
  return Math.min(...runs.map((r) => r.imbalance));
}

function percent(runs: readonly Balance[], key: keyof Balance): string {
  const values = runs.map((r) => 100 * r[key]);
  return `${Math.min(...values).toFixed(1)}–${Math.max(...values).toFixed(1)} %`;
}

/** @param gain η; Infinity: every agent that sees a cheaper node moves. */
function run(rho: number, delay: number, gain: number, random: Random, startMax = START_LOAD_MAX): Balance {
  const capacities = Float64Array.from({ length: NODES }, () => 0.5 + random.nextDouble());
  const scale = AGENTS / (rho * capacities.reduce((sum, c) => sum + c, 0));
  for (let n = 0; n < NODES; n++) capacities[n] = scale * (capacities[n] as number);
  const loads = new Float64Array(NODES);
  const home = Int32Array.from({ length: AGENTS }, () => placeAnywhere(loads, capacities, startMax, random));
  const seen = Array.from({ length: delay + 1 }, () => Float64Array.from(loads));
  let imbalance = 0;
  let moving = 0;
  for (let k = 0; k < ROUNDS; k++) {
    const old = seen[k % (delay + 1)] as Float64Array;
    const moves = round(home, loads, old, capacities, gain, random);
    old.set(loads);
    if (k < ROUNDS - TAIL) continue;
    imbalance += loads.reduce((sum, x, n) => sum + Math.abs(x - rho * (capacities[n] as number)), 0) / AGENTS;
    moving += moves / AGENTS;
  }
  return { imbalance: imbalance / TAIL, moving: moving / TAIL };
}

/** Adds one agent to a random node that has room below a share of its capacity. @returns The node. */
function placeAnywhere(
  loads: Float64Array,
  capacities: Float64Array,
  startMax: number,
  random: Random,
): number {
  for (;;) {
    const n = random.nextInt(NODES);
    if ((loads[n] as number) + 1 > startMax * (capacities[n] as number)) continue;
    loads[n] = (loads[n] as number) + 1;
    return n;
  }
}

/** Every agent looks at one other node. @returns How many moved. */
function round(
  home: Int32Array,
  loads: Float64Array,
  seen: Float64Array,
  capacities: Float64Array,
  gain: number,
  random: Random,
): number {
  const prices = new Float64Array(NODES);
  const slopes = new Float64Array(NODES);
  for (let n = 0; n < NODES; n++) {
    const capacity = capacities[n] as number;
    const load = Math.min(seen[n] as number, PRICED_LOAD_MAX * capacity);
    prices[n] = reciprocalPrice(load, capacity);
    slopes[n] = reciprocalSlope(load, capacity);
  }
  const agents = Float64Array.from(seen, (x) => Math.max(1, x));
  let moves = 0;
  for (let i = 0; i < home.length; i++) {
    const a = home[i] as number;
    const b = random.nextInt(NODES);
    const q = moveProbability(
      prices[a] as number,
      prices[b] as number,
      slopes[a] as number,
      slopes[b] as number,
      agents[a] as number,
      gain,
      0,
    );
    if (q === 0 || random.nextFloat() >= q) continue;
    home[i] = b;
    loads[a] = (loads[a] as number) - 1;
    loads[b] = (loads[b] as number) + 1;
    moves++;
  }
  return moves;
}
