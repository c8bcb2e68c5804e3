/**
 * Choosing in many resource dimensions, where no table of classes fits: at the same number of evaluations of the field
 * a decision, what do walkers with a gradient gain over walkers without one, and over drawing at random?
 *
 * The field is a price over K coordinates (shares of cpu, memory, GPU, disk, network, …), T = 1: a bowl whose bottom
 * wanders as the load of the cluster does, smooth or with wells of depth 3 T along every axis. Its Gibbs law is known
 * axis by axis, but no sampler knows it. Many streams choose at the same time.
 *
 * The cost of a gradient depends on where it is computed: one evaluation where the field publishes price and slopes
 * together (reverse mode costs a few), K where an agent differentiates by dual numbers one coordinate at a time. Both
 * are measured.
 *
 * @source theory §2B (a).
 */
import { type Random, splitmix32 } from '../../src/kernel/random.ts';
import { Welford } from '../../src/kernel/statistics.ts';
import { baoabStep, type Force, makeWalkers, type Walkers } from '../../src/physics/langevin.ts';

/** Spread of the smooth bowl's Gibbs law on each axis. */
const SIGMA = 0.1;
const STIFFNESS = 1 / (SIGMA * SIGMA);
/** Depth of a well, in T, and wells to a unit of length. */
const DEPTH = 3;
const WELLS = 4;
/** How far the bottom wanders to each side of the middle, and over how many decisions it comes back. */
const WANDER = 0.2;
const PERIOD = 400;
const STREAMS = 200;
/** Choices in the same cell of this side crowd each other. */
const CELL = 0.1;
/** BAOAB: step in units of 1/ω of the steepest well; friction is ω of the bowl. */
const STEP = 0.7;
/** Proposals of the random walk, in SIGMA/√K: the scaling that is best for bowls. @source Roberts et al. 1997. */
const PROPOSAL = 2.38;
/** Points of the tables that the reference is drawn from. */
const FINE = 4000;

/** The samplers that are compared, in the order of the table. */
export const FIELD_SAMPLERS = [
  'exact table',
  'langevin, gradient = 1 evaluation',
  'langevin, gradient = K evaluations',
  'random walk',
  'best of last and random',
  'best of random',
] as const;

/** Name of a sampler. */
export type FieldSampler = (typeof FIELD_SAMPLERS)[number];

/** What to measure. */
export interface FieldOptions {
  readonly field: 'bowl' | 'wells';
  /** K ≥ 1. */
  readonly dimensions: number;
  readonly sampler: FieldSampler;
  /** Evaluations of the field a decision, ≥ 1. */
  readonly evaluations: number;
  /** Decisions of each stream that are counted, after half as many that are not. */
  readonly decisions: number;
}

/** What came of it. */
export interface FieldResult {
  /** Mean price paid minus that of the Gibbs law, in T: > 0 worse places, < 0 better ones. */
  readonly excessPrice: number;
  /** Pairs of simultaneous choices in one cell over those of the Gibbs law: > 1 collides more. */
  readonly crowding: number;
  /** Mean distance between successive choices of a stream. */
  readonly distance: number;
}

/** Runs one sampler. @cost O(200 × decisions × evaluations × K). */
export function sampleField(options: FieldOptions, random: Random): FieldResult {
  const own = new FieldRun(options, random.fork(1)).run();
  const exact = new FieldRun({ ...options, sampler: 'exact table' }, random.fork(2)).run();
  return {
    excessPrice: own.price - exact.price,
    crowding: own.pairs / exact.pairs,
    distance: own.distance,
  };
}

class FieldRun {
  private readonly options: FieldOptions;
  private readonly random: Random;
  private readonly depth: number;
  /** Bottom of the bowl on each axis. */
  private readonly centre: Float64Array;
  private readonly phases: Float64Array;
  private readonly streams: Walkers[];
  private readonly force: Force;
  private readonly proposal: Float64Array;
  private readonly quantiles: Float64Array;
  /** Evaluations that a stream has saved up for a gradient. */
  private saved = 0;

  constructor(options: FieldOptions, random: Random) {
    const { dimensions } = options;
    this.options = options;
    this.random = random;
    this.depth = options.field === 'wells' ? DEPTH : 0;
    this.centre = new Float64Array(dimensions);
    this.phases = Float64Array.from(this.centre, () => 2 * Math.PI * random.nextDouble());
    this.force = (q, out) => {
      for (let k = 0; k < q.length; k++) {
        out[k] = -axisSlope((q[k] as number) - (this.centre[k] as number), this.depth);
      }
    };
    const anywhere = (): Float64Array => Float64Array.from(this.centre, () => random.nextDouble());
    this.streams = Array.from({ length: STREAMS }, () => makeWalkers(anywhere(), 1, this.force, random));
    this.proposal = new Float64Array(dimensions);
    this.quantiles = axisQuantiles(this.depth);
  }

  run(): { price: number; pairs: number; distance: number } {
    const price = new Welford();
    const distance = new Welford();
    let pairs = 0;
    const before = new Float64Array(this.options.dimensions);
    const warmup = Math.ceil(this.options.decisions / 2);
    for (let t = 0; t < warmup + this.options.decisions; t++) {
      this.wander(t);
      this.saved += this.options.evaluations;
      const steps = Math.floor(this.saved / this.gradientCost());
      this.saved -= steps * this.gradientCost();
      const cells = new Map<number, number>();
      for (let s = 0; s < STREAMS; s++) {
        const stream = this.streams[s] as Walkers;
        const q = stream.positions;
        before.set(q);
        this.decide(stream, steps);
        if (t < warmup) continue;
        price.add(this.priceAt(q));
        distance.add(distanceOf(q, before));
        const cell = this.cellOf(q);
        const others = cells.get(cell) ?? 0;
        pairs += others;
        cells.set(cell, others + 1);
      }
    }
    return { price: price.mean, pairs, distance: distance.mean };
  }

  private gradientCost(): number {
    return this.options.sampler === 'langevin, gradient = K evaluations' ? this.options.dimensions : 1;
  }

  private decide(stream: Walkers, steps: number): void {
    const q = stream.positions;
    const { sampler } = this.options;
    if (sampler === 'exact table') this.drawExactly(q);
    else if (sampler === 'random walk') this.stroll(q);
    else if (sampler === 'best of random') this.pick(q, false);
    else if (sampler === 'best of last and random') this.pick(q, true);
    else this.slide(stream, steps);
  }

  private wander(t: number): void {
    for (let k = 0; k < this.centre.length; k++) {
      this.centre[k] = 0.5 + WANDER * Math.sin((2 * Math.PI * t) / PERIOD + (this.phases[k] as number));
    }
  }

  private priceAt(q: Float64Array): number {
    let sum = 0;
    for (let k = 0; k < q.length; k++)
      sum += axisPrice((q[k] as number) - (this.centre[k] as number), this.depth);
    return sum;
  }

  /** Number of the cell, by a hash: two cells out of 2^32 may share one. */
  private cellOf(q: Float64Array): number {
    let hash = 0;
    for (let k = 0; k < q.length; k++) {
      const index = Math.floor(((q[k] as number) - (this.centre[k] as number)) / CELL);
      hash = splitmix32((hash ^ index) >>> 0);
    }
    return hash;
  }

  private drawExactly(q: Float64Array): void {
    for (let k = 0; k < q.length; k++) {
      const i = this.random.nextInt(FINE);
      q[k] = (this.centre[k] as number) + (this.quantiles[i] as number);
    }
  }

  /** BAOAB with one gradient a step; the force at the start of a decision is that at the end of the last one. */
  private slide(walker: Walkers, steps: number): void {
    const step = STEP / Math.sqrt(STIFFNESS + this.depth * 2 * (Math.PI * WELLS) ** 2);
    for (let i = 0; i < steps; i++) baoabStep(walker, this.force, step, 1 / SIGMA, 1, this.random);
  }

  /** Metropolis: a proposal an evaluation (the price of the place itself is known from before). */
  private stroll(q: Float64Array): void {
    const { proposal, random } = this;
    const size = (PROPOSAL * SIGMA) / Math.sqrt(q.length);
    let price = this.priceAt(q);
    for (let e = 0; e < this.options.evaluations; e++) {
      for (let k = 0; k < q.length; k++) proposal[k] = (q[k] as number) + size * random.nextNormal();
      const other = this.priceAt(proposal);
      if (random.nextFloat() >= Math.exp(price - other)) continue;
      q.set(proposal);
      price = other;
    }
  }

  private pick(q: Float64Array, keepsLast: boolean): void {
    const { proposal, random } = this;
    let least = keepsLast ? this.priceAt(q) : Number.POSITIVE_INFINITY;
    for (let e = keepsLast ? 1 : 0; e < this.options.evaluations; e++) {
      for (let k = 0; k < q.length; k++) proposal[k] = random.nextDouble();
      const price = this.priceAt(proposal);
      if (price >= least) continue;
      least = price;
      q.set(proposal);
    }
  }
}

function distanceOf(a: Float64Array, b: Float64Array): number {
  let squares = 0;
  for (let k = 0; k < a.length; k++) squares += ((a[k] as number) - (b[k] as number)) ** 2;
  return Math.sqrt(squares);
}

function axisPrice(x: number, depth: number): number {
  return (STIFFNESS * x * x) / 2 + (depth * (1 - Math.cos(2 * Math.PI * WELLS * x))) / 2;
}

function axisSlope(x: number, depth: number): number {
  return STIFFNESS * x + depth * Math.PI * WELLS * Math.sin(2 * Math.PI * WELLS * x);
}

/** Quantiles of the Gibbs law of an axis, FINE of them evenly spaced. */
function axisQuantiles(depth: number): Float64Array {
  const width = 12 * SIGMA;
  const density = Float64Array.from({ length: FINE }, (_, i) =>
    Math.exp(-axisPrice(((i + 0.5) / FINE - 0.5) * width, depth)),
  );
  const total = density.reduce((sum, x) => sum + x, 0);
  const out = new Float64Array(FINE);
  let below = 0;
  let at = 0;
  density.forEach((x, i) => {
    below += x / total;
    while (at < FINE && (at + 0.5) / FINE <= below) out[at++] = ((i + 0.5) / FINE - 0.5) * width;
  });
  out.fill(width / 2, at);
  return out;
}
