/**
 * T-18: choosing by class instead of by exact residuals costs no packing.
 *
 * @source theory §3 G3.
 */
import type { Random } from '../../kernel/random.ts';
import { meanInterval, pairedInterval } from '../../kernel/statistics.ts';
import { atLeast, type Claim, type Measurement } from './claim.ts';
import { LogLattice } from './log-histogram.ts';

const NODES = 300;
const RESOURCES = 2;
const RUNS = 12;
const SMALLEST = 0.01;
const SIZE_MIN = 0.02;
/** Demand that arrives, over capacity. */
const ARRIVING = 1.3;
const COARSE = [0.1, 0.25, 0.5, 1] as const;

/** T-18. */
export const CLASS_PACKING: Claim = {
  test: 'T-18',
  title: 'Classes pack as well as exact residuals',
  claim:
    'Best fit on classes (residuals rounded down, e = 0.5) fills a cluster as full as best fit on exact residuals.',
  conditions:
    'At saturation (demand for 1.3 × the capacity arrives, nobody leaves), 300 equal nodes, two resources, job sizes 2–30 % of a node. With jobs of up to half a node e = 0.5 does lose; e = 0.25 does not. For real lists and churn see the packing benchmark.',
  notClaimed: 'No competitive ratio for vector bin packing, and no coarse lattice for large jobs.',
  quick: false,
  measure(random: Random): Measurement {
    const filled = (rule: Omit<Rule, 'largest'>, largest: number): number[] =>
      Array.from({ length: RUNS }, (_, i) => fill({ ...rule, largest }, random.fork(i)));
    const loss = (rule: Omit<Rule, 'largest'>, largest: number): number =>
      pairedInterval(filled(rule, largest), filled(EXACT, largest)).mean;
    const onClasses = (coarseness: number): Omit<Rule, 'largest'> => ({ choice: 'best fit', coarseness });
    const exact = meanInterval(filled(EXACT, 0.3));
    const losses = (largest: number): string =>
      COARSE.map((e) => `${points(loss(onClasses(e), largest))} (e = ${e})`).join(', ');
    return {
      checks: [
        atLeast(
          `capacity filled, e = 0.5 minus exact, mean of ${RUNS} runs`,
          loss(onClasses(0.5), 0.3),
          -0.01,
        ),
        atLeast('e = 0.25 minus exact, jobs up to half a node', loss(onClasses(0.25), 0.5), -0.01),
      ],
      controls: [
        atLeast('e = 2 minus exact', loss(onClasses(2), 0.3), -0.01),
        atLeast('e = 0.5 minus exact, jobs up to half a node', loss(onClasses(0.5), 0.5), -0.01),
      ],
      notes: [
        `Exact best fit fills ${(100 * exact.mean).toFixed(1)} % (deviation of a run ${(100 * exact.deviation).toFixed(1)}). Classes minus exact, in points: ${losses(0.3)}; jobs up to half a node: ${losses(0.5)}.`,
        `Worst fit (spreading) minus best fit: ${points(loss({ choice: 'worst fit', coarseness: 0 }, 0.3))} points.`,
        'The design expected no loss at any e up to 1. Measured, the size of the largest job decides, so the claim is limited to jobs up to 30 % and the check of e = 0.25 was added: a job near half a node is missed by every class whose floor lies below it.',
      ],
    };
  },
};

const EXACT: Omit<Rule, 'largest'> = { choice: 'best fit', coarseness: 0 };

function points(share: number): string {
  return (100 * share).toFixed(1).replace('-', '−');
}

interface Rule {
  readonly choice: 'best fit' | 'worst fit';
  /** e; 0: exact residuals. */
  readonly coarseness: number;
  /** Largest demand, as a share of a node; the least is SIZE_MIN. */
  readonly largest: number;
}

/** @returns Share of all capacity that is filled when the arrivals end. */
function fill(rule: Rule, random: Random): number {
  const lattice = rule.coarseness > 0 ? new LogLattice(rule.coarseness, SMALLEST) : undefined;
  const left = new Float64Array(NODES * RESOURCES).fill(1);
  const visible = new Float64Array(NODES * RESOURCES).fill(1);
  const demand = new Float64Array(RESOURCES);
  let arrived = 0;
  let placed = 0;
  while (arrived < ARRIVING * NODES * RESOURCES) {
    for (let r = 0; r < RESOURCES; r++) {
      demand[r] = SIZE_MIN + (rule.largest - SIZE_MIN) * random.nextDouble();
      arrived += demand[r] as number;
    }
    const node = choose(visible, demand, rule.choice === 'best fit' ? 1 : -1);
    if (node < 0) continue;
    for (let r = 0; r < RESOURCES; r++) {
      const at = node * RESOURCES + r;
      const rest = (left[at] as number) - (demand[r] as number);
      left[at] = rest;
      visible[at] = lattice === undefined ? rest : lattice.floorOf(lattice.classOf(rest));
      placed += demand[r] as number;
    }
  }
  return placed / (NODES * RESOURCES);
}

/** The node that fits, as far as is visible, with the least (sign 1) or most (−1) left over; −1 if none. */
function choose(visible: Float64Array, demand: Float64Array, sign: number): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < NODES; n++) {
    let over = 0;
    for (let r = 0; r < RESOURCES; r++) {
      const rest = (visible[n * RESOURCES + r] as number) - (demand[r] as number);
      over = rest < 0 ? Number.NaN : over + rest;
    }
    if (sign * over < least) {
      least = sign * over;
      best = n;
    }
  }
  return best;
}
