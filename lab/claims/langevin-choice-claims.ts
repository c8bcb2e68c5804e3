/**
 * T-16: the gain of Langevin motion over draws from the class table, and its limits.
 *
 * @source theory §2B: honest comparison, claim O3 (teleport).
 */
import { makeOffers, newStream } from '../../src/governor/choosers/chooser.ts';
import { createGibbsChooser } from '../../src/governor/choosers/gibbs.ts';
import { createLangevinChooser, WALK_DEFAULTS } from '../../src/governor/choosers/langevin.ts';
import type { Random } from '../../src/kernel/random.ts';
import { REAL } from '../../src/physics/algebra.ts';
import { DUAL, differentiate } from '../../src/physics/dual.ts';
import { GibbsChoice } from '../../src/physics/gibbs.ts';
import {
  baoabStep,
  type Force,
  leimkuhlerMatthewsStep,
  makeWalkers,
  type Walkers,
} from '../../src/physics/langevin.ts';
import { smoothedFreeEnergy } from '../../src/physics/price-functions.ts';
import { AliasTable } from './alias-table.ts';
import { atLeast, atMost, type Claim, type ClaimPlot, type Curve, type Measurement } from './claim.ts';

const BINS = 24;
const TEMPERATURE = 0.3;
/** Smoothing of the field, in bins. */
const WIDTH = 0.4;
/** Steps in bins; the field's wells are a few bins wide. */
const STEP = 0.4;
const WALKERS = 20_000;
/** Points of the tabulated force, per bin. */
const FINE = 40;
/** Bins beyond which a move counts as far. */
const FAR = BINS / 4;
const TELEPORT = 0.2;
const FITTING_ROUNDS = 60;
/** Streams of the real chooser, and choices of each. */
const STREAMS = 1000;
const CHOICES = 200;
const CENTRES = Float64Array.from({ length: BINS }, (_, k) => k + 0.5);

/** T-16. */
export const ALIAS_OR_LANGEVIN: Claim = {
  test: 'T-16',
  title: 'Alias draws or Langevin walkers',
  claim:
    'Where the class table fits in memory, an alias draw samples it exactly in one step and Langevin walkers do not sample it better in fifty; walkers gain locality: far fewer far moves between decisions. Jumps drawn from the table bring them to equilibrium in a bounded number of steps.',
  conditions:
    'One feature axis of 24 classes with several wells, T = 0.3; overdamped walkers on the smoothed free energy, and for locality BAOAB walkers that continue from their last position, ten steps a decision.',
  notClaimed:
    'Not that locality is worth its cost in a cluster, nor anything for feature spaces too large to tabulate: those are measured where agents choose.',
  quick: false,
  measure(random: Random): Measurement {
    const field = makeField(random);
    const alias = new AliasTable(BINS);
    alias.build(field.target);
    const draws = Array.from({ length: WALKERS }, () => alias.draw(random));
    const exact = distance(draws, field.target);
    const cold = coldCurve(field, 0, random);
    const jumps = coldCurve(field, TELEPORT, random);
    const bound = (k: number): number => (1 - TELEPORT * field.overlap) ** k;
    const local = farMoves(field, random);
    const chooser = chooserRun(createLangevinChooser, field, random);
    const drawn = chooserRun(createGibbsChooser, field, random);
    const far = { alias: expectedFar(field.target), ...local };
    return {
      checks: [
        atMost(`total variation of ${WALKERS} alias draws, one step each`, exact, 0.02),
        atLeast(
          'total variation of walkers after 50 steps from a cold start / of alias draws',
          (cold.at(-1) as Point).tv / exact,
          2,
        ),
        atMost(
          `far moves (> ${FAR} classes) a decision: persistent walkers / alias draws`,
          far.walkers / far.alias,
          0.5,
        ),
        atMost(
          'with jumps: total variation from the field’s own law minus (1 − p β)^k, k = 50',
          excess(jumps, bound),
          0.02,
        ),
        atMost('the chooser `langevin`: total variation of its choices from the table', chooser.tv, 0.02),
        atMost(
          'mean distance between its choices / between those of the chooser `gibbs`',
          chooser.distance / drawn.distance,
          0.5,
        ),
      ],
      controls: [
        atMost(
          'total variation of walkers after 10 steps from a cold start',
          (cold.find((p) => p.step === 10) as Point).tv,
          0.02,
        ),
        atMost('without jumps: total variation minus the bound of jumps, k = 50', excess(cold, bound), 0.02),
      ],
      notes: [
        `Total variation from the table after k steps, cold: ${cold.map((p) => `${p.tv.toFixed(3)} (${p.step})`).join(', ')}; with jumps (probability ${TELEPORT}): ${jumps.map((p) => `${p.tv.toFixed(3)} (${p.step})`).join(', ')}. Alias: ${exact.toFixed(3)} (1).`,
        `The walkers’ field is fitted to the table (total variation ${field.smoothing.toFixed(3)}); β = ${field.overlap.toFixed(2)}. Persistent walkers in the long run: ${local.tv.toFixed(3)}.`,
        `Far moves a decision: alias ${far.alias.toFixed(3)}, persistent walkers ${far.walkers.toFixed(3)}; mean distance ${meanDistance(field.target).toFixed(2)} against ${local.distance.toFixed(2)} classes.`,
        `The chooser (smoothing ${WALK_DEFAULTS.width} classes, ${WALK_DEFAULTS.steps} steps, jumps tried at ${100 * WALK_DEFAULTS.teleport} % of choices), cold after k choices: ${chooser.cold.map((p) => `${p.tv.toFixed(3)} (${p.step})`).join(', ')}; far moves ${chooser.far.toFixed(3)} a choice against ${drawn.far.toFixed(3)}, mean distance ${chooser.distance.toFixed(2)} against ${drawn.distance.toFixed(2)} classes. Its entry is drawn given its place, so that its law has no bias by smoothing.`,
        'Verdict: the alias table is the default; walkers stay as the choice where distance moved matters.',
      ],
      plots: [mixingPlot(cold, jumps, exact)],
    };
  },
};

function mixingPlot(cold: readonly Point[], jumps: readonly Point[], exact: number): ClaimPlot {
  const series = (name: string, points: readonly Point[]): Curve => ({
    name,
    x: points.map((p) => p.step),
    y: points.map((p) => p.tv),
  });
  return {
    title: 'Distance from the table’s Gibbs law',
    reading: 'Share of choices that go elsewhere than they should; about 0.01 of it is sampling noise.',
    xLabel: 'steps from a cold start',
    yLabel: 'total variation',
    xLog: true,
    yLog: true,
    series: [
      series('walkers', cold),
      series('walkers with jumps', jumps),
      { name: 'alias draw', x: [1], y: [exact] },
    ],
  };
}

interface Field {
  readonly levels: Float64Array;
  readonly counts: Float64Array;
  /** Gibbs shares of the classes. @shape [BINS] */
  readonly target: Float64Array;
  /** Law of the smoothed field on the bins. @shape [BINS] */
  readonly smoothed: Float64Array;
  /** −dA/dq of the smoothed field on a fine grid over [0, BINS]. @shape [BINS × FINE + 1] */
  readonly force: Float64Array;
  /** Density of the smoothed field on the fine grid; not normalised. */
  readonly density: Float64Array;
  /** The stale table that jumps are proposed from. @shape [BINS] */
  readonly stale: Float64Array;
  /** β: the least of proposal / target density. */
  readonly overlap: number;
  /** Total variation between `smoothed` and `target`. */
  readonly smoothing: number;
}

/** Three groups of classes at good levels with poor ones between: several wells. */
function makeField(random: Random): Field {
  const levels = Float64Array.from(
    { length: BINS },
    (_, k) => 0.9 * Math.sin((k * 2 * Math.PI) / 8) + 0.3 * random.nextDouble(),
  );
  const counts = Float64Array.from({ length: BINS }, () => 5 + random.nextInt(36));
  const gibbs = new GibbsChoice(levels, counts);
  gibbs.setTemperature(TEMPERATURE);
  const smooth = fittedCounts(levels, counts, gibbs.shares);
  const points = BINS * FINE + 1;
  const force = new Float64Array(points);
  const density = new Float64Array(points);
  for (let i = 0; i < points; i++) {
    const { value, slope } = differentiate(
      (q) => smoothedFreeEnergy(DUAL, CENTRES, levels, smooth, TEMPERATURE, WIDTH, q),
      i / FINE,
    );
    force[i] = -slope;
    density[i] = Math.exp(-value / TEMPERATURE);
  }
  const smoothed = binned(density);
  const stale = staleTable(gibbs.shares, random);
  return {
    levels,
    counts,
    target: gibbs.shares,
    smoothed,
    force,
    density,
    stale,
    overlap: overlapOf(stale, density),
    smoothing: variation(smoothed, gibbs.shares),
  };
}

/**
 * Counts whose smoothed field has the shares of the table: walkers in their best form, without the bias that smoothing
 * would bring. @source Richardson 1972, Lucy 1974: iterated ratios of the wanted to the present value.
 */
function fittedCounts(levels: Float64Array, counts: Float64Array, target: Float64Array): Float64Array {
  const fitted = Float64Array.from(counts);
  for (let again = 0; again < FITTING_ROUNDS; again++) {
    const density = Float64Array.from({ length: BINS * FINE + 1 }, (_, i) =>
      Math.exp(
        -smoothedFreeEnergy(REAL, CENTRES, levels, fitted, TEMPERATURE, WIDTH, i / FINE) / TEMPERATURE,
      ),
    );
    const has = binned(density);
    for (let k = 0; k < BINS; k++)
      fitted[k] = ((fitted[k] as number) * (target[k] as number)) / (has[k] as number);
  }
  return fitted;
}

/** Mass of each bin. */
function binned(density: Float64Array): Float64Array {
  const out = new Float64Array(BINS);
  let total = 0;
  for (let k = 0; k < BINS; k++) {
    for (let i = 0; i <= FINE; i++) {
      const x = (density[k * FINE + i] as number) * (i === 0 || i === FINE ? 0.5 : 1);
      out[k] = (out[k] as number) + x;
      total += x;
    }
  }
  return out.map((x) => x / total);
}

/** The shares as they were some time ago: each off by up to a third, and a little of everything. */
function staleTable(shares: Float64Array, random: Random): Float64Array {
  const out = shares.map((p) => p * (0.67 + 0.66 * random.nextDouble()) + 0.1 / BINS);
  const total = out.reduce((a, b) => a + b, 0);
  return out.map((p) => p / total);
}

/** β = min over q of proposal density / field's density. */
function overlapOf(stale: Float64Array, density: Float64Array): number {
  const mass = density.reduce((a, b) => a + b, 0) / FINE;
  let least = 1;
  density.forEach((x, i) => {
    const k = Math.min(BINS - 1, Math.floor(i / FINE));
    least = Math.min(least, ((stale[k] as number) * mass) / x);
  });
  return least;
}

interface Point {
  readonly step: number;
  /** From the table. */
  readonly tv: number;
  /** From the law of the smoothed field. */
  readonly own: number;
}

/** Walkers that all start in the worst class, watched at some steps. */
function coldCurve(field: Field, teleport: number, random: Random): Point[] {
  const start = field.target.indexOf(Math.min(...field.target)) + 0.5;
  const walkers = makeWalkers(new Float64Array(WALKERS).fill(start), TEMPERATURE, tabulated(field), random);
  const proposals = new AliasTable(BINS);
  proposals.build(field.stale);
  const curve: Point[] = [];
  for (let step = 1; step <= 50; step++) {
    leimkuhlerMatthewsStep(walkers, tabulated(field), STEP, TEMPERATURE, random);
    reflect(walkers);
    if (teleport > 0) jump(walkers, field, proposals, teleport, random);
    if (![1, 2, 5, 10, 20, 50].includes(step)) continue;
    const bins = Array.from(walkers.positions, binOf);
    curve.push({ step, tv: distance(bins, field.target), own: distance(bins, field.smoothed) });
  }
  return curve;
}

/** How far the last point lies above the bound on the distance from the field's own law. */
function excess(curve: readonly Point[], bound: (k: number) => number): number {
  const last = curve.at(-1) as Point;
  return last.own - bound(last.step);
}

/** With probability p a walker is proposed a place from the stale table, and moves there if Metropolis accepts. */
function jump(walkers: Walkers, field: Field, proposals: AliasTable, p: number, random: Random): void {
  const { positions, forces } = walkers;
  for (let i = 0; i < positions.length; i++) {
    if (random.nextFloat() >= p) continue;
    const q = positions[i] as number;
    const k = proposals.draw(random);
    const to = k + random.nextFloat();
    const ratio =
      (at(field.density, to) * (field.stale[binOf(q)] as number)) /
      (at(field.density, q) * (field.stale[k] as number));
    if (random.nextFloat() >= ratio) continue;
    positions[i] = to;
    forces[i] = at(field.force, to);
  }
}

/** The tabulated force, linear between the points; flat outside. */
function tabulated(field: Field): Force {
  return (positions, out) => {
    for (let i = 0; i < positions.length; i++) out[i] = at(field.force, positions[i] as number);
  };
}

function at(table: Float64Array, q: number): number {
  const x = Math.min(Math.max(q, 0), BINS) * FINE;
  const i = Math.min(table.length - 2, Math.floor(x));
  const f = x - i;
  return (table[i] as number) * (1 - f) + (table[i + 1] as number) * f;
}

/** Walkers bounce off both ends. */
function reflect(walkers: Walkers): void {
  const { positions, momenta } = walkers;
  for (let i = 0; i < positions.length; i++) {
    const q = positions[i] as number;
    if (q >= 0 && q <= BINS) continue;
    positions[i] = q < 0 ? -q : 2 * BINS - q;
    momenta[i] = -(momenta[i] as number);
  }
}

function binOf(q: number): number {
  return Math.min(BINS - 1, Math.max(0, Math.floor(q)));
}

/** Persistent walkers: ten BAOAB steps between two decisions. */
function farMoves(field: Field, random: Random): { walkers: number; distance: number; tv: number } {
  const count = 2000;
  const decisions = 60;
  const table = new AliasTable(BINS);
  table.build(field.target);
  const positions = Float64Array.from({ length: count }, () => table.draw(random) + random.nextFloat());
  const walkers = makeWalkers(positions, TEMPERATURE, tabulated(field), random);
  const visits: number[] = [];
  let far = 0;
  let moved = 0;
  for (let d = 0; d < decisions; d++) {
    const before = Array.from(walkers.positions, binOf);
    for (let s = 0; s < 10; s++) {
      baoabStep(walkers, tabulated(field), STEP, 0.5, TEMPERATURE, random);
      reflect(walkers);
    }
    walkers.positions.forEach((q, i) => {
      const away = Math.abs(binOf(q) - (before[i] as number));
      far += away > FAR ? 1 : 0;
      moved += away;
      visits.push(binOf(q));
    });
  }
  const total = count * decisions;
  return { walkers: far / total, distance: moved / total, tv: distance(visits, field.target) };
}

interface ChooserRun {
  /** Of the choices after the first half, from the table's shares. */
  readonly tv: number;
  readonly cold: readonly { readonly step: number; readonly tv: number }[];
  /** Between two successive choices, after the first half. */
  readonly distance: number;
  readonly far: number;
}

/** A chooser of the cluster on the table as a board, at the temperature of the claim; all streams start in the worst class. */
function chooserRun(create: typeof createGibbsChooser, field: Field, random: Random): ChooserRun {
  const chooser = create({ low: TEMPERATURE, high: TEMPERATURE });
  const offers = makeOffers(BINS);
  offers.count = BINS;
  offers.prices.set(field.levels);
  offers.near.set(field.counts);
  offers.slots.set(field.counts);
  offers.slopes.fill(1e-3);
  offers.positions.set(CENTRES);
  const worst = CENTRES[field.target.indexOf(Math.min(...field.target))] as number;
  const streams = Array.from({ length: STREAMS }, () => newStream(worst));
  const last = new Int32Array(STREAMS);
  const visits: number[] = [];
  const cold: { step: number; tv: number }[] = [];
  let distances = 0;
  let far = 0;
  for (let step = 1; step <= CHOICES; step++) {
    const picks = streams.map((stream) => chooser.choose(offers, 1, stream, random));
    if ([1, 2, 5, 10, 20, 50].includes(step)) cold.push({ step, tv: distance(picks, field.target) });
    picks.forEach((k, s) => {
      const away = Math.abs(k - (last[s] as number));
      last[s] = k;
      if (step <= CHOICES / 2) return;
      distances += away;
      far += away > FAR ? 1 : 0;
      visits.push(k);
    });
  }
  const total = visits.length;
  return { tv: distance(visits, field.target), cold, distance: distances / total, far: far / total };
}

/** Probability that two independent draws lie more than FAR apart. */
function expectedFar(shares: Float64Array): number {
  return pairMean(shares, (away) => (away > FAR ? 1 : 0));
}

function meanDistance(shares: Float64Array): number {
  return pairMean(shares, (away) => away);
}

function pairMean(shares: Float64Array, f: (away: number) => number): number {
  let sum = 0;
  shares.forEach((a, i) => {
    shares.forEach((b, j) => {
      sum += a * b * f(Math.abs(i - j));
    });
  });
  return sum;
}

/** Total variation between where samples lie and a law on the bins. */
function distance(samples: readonly number[], law: Float64Array): number {
  const shares = new Float64Array(BINS);
  for (const k of samples) shares[k] = (shares[k] as number) + 1 / samples.length;
  return variation(shares, law);
}

function variation(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + Math.abs(x - (b[i] as number)) / 2, 0);
}
