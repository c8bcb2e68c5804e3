/**
 * T-17: class histograms merge like numbers, survive a careless network, and never promise room that is not there.
 *
 * @source theory §3: algebra, G1 no false fit, G2 completeness.
 */
import type { Random } from '../../kernel/random.ts';
import { type Claim, type Measurement, within } from './claim.ts';
import {
  type Histogram,
  LastSummaryParent,
  LogLattice,
  merged,
  type Summary,
  sameHistogram,
} from './log-histogram.ts';

const RESOURCES = 3;
const COARSENESS = 0.5;
const SMALLEST = 0.01;
const PAIRS = 100_000;
const TREES = 200;
const CHILDREN = 8;
const VERSIONS = 5;

/** T-17. */
export const MERGEABLE_SUMMARIES: Claim = {
  test: 'T-17',
  title: 'Mergeable summaries without false promises',
  claim:
    'Class histograms add up in any order; a parent that keeps the last summary of each child is right after duplicates, reordering and lost children; a class that fits a demand has only nodes that fit it, and a node with (1 + e) times the demand is always visible.',
  conditions:
    'At the time of the snapshot; residuals rounded down on a logarithmic lattice, e = 0.5, three resources, residuals of at least 1 % of a node.',
  notClaimed:
    'Not lossless: nodes with less than (1 + e) times the demand may be missed; nothing about nodes that changed since the snapshot.',
  quick: true,
  measure(random: Random): Measurement {
    const algebra = mergeViolations(random);
    const network = deliveryErrors(random);
    const fits = fitErrors(random, (lattice, r) => lattice.classOf(r));
    const nearest = fitErrors(random, nearestClass);
    return {
      checks: [
        within(`false fits among ${PAIRS} random pairs of node and demand`, fits.falseFits, 0, 0),
        within('nodes with (1 + e) × the demand that were not visible', fits.hidden, 0, 0),
        within(`broken laws of merging, ${TREES} random triples`, algebra, 0, 0),
        within(
          `wrong totals after duplicates, reordering and lost children, ${TREES} runs`,
          network.last,
          0,
          0,
        ),
      ],
      controls: [
        within(
          'wrong totals where a parent adds every summary’s change as it arrives',
          network.incremental,
          0,
          0,
        ),
        within('false fits where residuals are rounded to the nearest class', nearest.falseFits, 0, 0),
      ],
      notes: [
        `Fits missed by rounding down: ${(100 * fits.missed).toFixed(1)} % of the pairs that fit, e = ${COARSENESS}.`,
      ],
    };
  },
};

function randomHistogram(random: Random): Map<number, number> {
  const out = new Map<number, number>();
  for (let i = 0; i < 20; i++) out.set(random.nextInt(40), 1 + random.nextInt(1000));
  return out;
}

function mergeViolations(random: Random): number {
  let broken = 0;
  for (let i = 0; i < TREES; i++) {
    const [a, b, c] = [randomHistogram(random), randomHistogram(random), randomHistogram(random)];
    if (!sameHistogram(merged(merged(a, b), c), merged(a, merged(b, c)))) broken++;
    if (!sameHistogram(merged(a, b), merged(b, a))) broken++;
    if (!sameHistogram(merged(a, new Map()), a)) broken++;
  }
  return broken;
}

/** Random deliveries to a parent that keeps last summaries, and to one that adds changes as they come. */
function deliveryErrors(random: Random): { last: number; incremental: number } {
  let last = 0;
  let incremental = 0;
  for (let i = 0; i < TREES; i++) {
    const sent = Array.from({ length: CHILDREN }, (_, child) =>
      Array.from(
        { length: VERSIONS },
        (_, version): Summary => ({ child, version, histogram: randomHistogram(random) }),
      ),
    );
    const deliveries = carelessNetwork(sent.flat(), random);
    const parent = new LastSummaryParent();
    for (const summary of deliveries) parent.receive(summary);
    const lost = random.nextInt(CHILDREN);
    parent.expire(lost);
    const truth = latest(deliveries, lost);
    if (!sameHistogram(parent.total(), truth)) last++;
    if (!sameHistogram(addedUp(sent, deliveries, lost), truth)) incremental++;
  }
  return { last, incremental };
}

/** Drops a fifth, doubles a fifth, and shuffles. */
function carelessNetwork(sent: readonly Summary[], random: Random): Summary[] {
  const out: Summary[] = [];
  for (const summary of sent) {
    const luck = random.nextFloat();
    if (luck >= 0.2) out.push(summary);
    if (luck >= 0.8) out.push(summary);
  }
  for (let i = out.length - 1; i > 0; i--) {
    const k = random.nextInt(i + 1);
    [out[i], out[k]] = [out[k] as Summary, out[i] as Summary];
  }
  return out;
}

/** The sum of the newest summary that arrived of every child but the lost one. */
function latest(deliveries: readonly Summary[], lost: number): Histogram {
  let sum = new Map<number, number>();
  for (let child = 0; child < CHILDREN; child++) {
    if (child === lost) continue;
    const newest = deliveries
      .filter((s) => s.child === child)
      .reduce<Summary | undefined>(
        (best, s) => (best === undefined || s.version > best.version ? s : best),
        undefined,
      );
    if (newest !== undefined) sum = merged(sum, newest.histogram);
  }
  return sum;
}

/** What a parent gets that adds, for every message, the change against the child's summary before it. */
function addedUp(sent: readonly Summary[][], deliveries: readonly Summary[], lost: number): Histogram {
  const sum = new Map<number, number>();
  const add = (histogram: Histogram, sign: number): void => {
    for (const [key, count] of histogram) sum.set(key, (sum.get(key) ?? 0) + sign * count);
  };
  for (const { child, version, histogram } of deliveries) {
    if (child === lost) continue;
    add(histogram, 1);
    const before = sent[child]?.[version - 1];
    if (before !== undefined) add(before.histogram, -1);
  }
  return sum;
}

interface FitErrors {
  /** The class promised a fit, the node does not fit. */
  readonly falseFits: number;
  /** The node has (1 + e) × the demand in every resource and its class does not show it. */
  readonly hidden: number;
  /** Share of fitting pairs that the class does not show. */
  readonly missed: number;
}

function fitErrors(random: Random, classOf: (lattice: LogLattice, residual: number) => number): FitErrors {
  const lattice = new LogLattice(COARSENESS, SMALLEST);
  let falseFits = 0;
  let hidden = 0;
  let missed = 0;
  let fitting = 0;
  for (let i = 0; i < PAIRS; i++) {
    let fits = true;
    let ample = true;
    let promised = true;
    for (let r = 0; r < RESOURCES; r++) {
      // Log-uniform, so that all sizes are tried.
      const residual = SMALLEST ** random.nextDouble();
      const demand = SMALLEST ** random.nextDouble();
      fits &&= demand <= residual;
      ample &&= residual >= (1 + COARSENESS) * demand;
      promised &&= demand <= lattice.floorOf(classOf(lattice, residual));
    }
    falseFits += promised && !fits ? 1 : 0;
    hidden += ample && !promised ? 1 : 0;
    fitting += fits ? 1 : 0;
    missed += fits && !promised ? 1 : 0;
  }
  return { falseFits, hidden, missed: missed / fitting };
}

/** The class whose floor is closest: the careless way. */
function nearestClass(lattice: LogLattice, residual: number): number {
  const k = lattice.classOf(residual);
  if (k + 1 >= lattice.size) return k;
  const above = lattice.floorOf(k + 1) - residual;
  return above < residual - lattice.floorOf(k) ? k + 1 : k;
}
