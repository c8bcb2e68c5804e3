/**
 * The table of a stranding potential: which states it distinguishes, and how it is filled.
 *
 * State by state from no free GPU upwards, and for each along the host points: an entry needs entries of smaller
 * states up to its own host point, and those of its own state below it. What a state's pods lead to is thus found once
 * for all host points, and entries that are read together lie together.
 */
import { assert } from '../kernel/assert.ts';
import { GPU_MILLI } from '../model/node.ts';
import type { GeometricLattice } from './lattice.ts';

/** Milli-GPU between two levels of a partial GPU in the table. */
export const PARTIAL_STEP_MILLI = 50;
/** Levels of a partial GPU: 0, 50, …, 950. */
export const LEVELS = GPU_MILLI / PARTIAL_STEP_MILLI;
/** Whole GPUs that the table distinguishes; a node with more is valued by parts. */
export const WHOLE_GPUS_MAX = 8;
/** Most distinct pod shapes that the table is built from; the rarest beyond are left out. */
const SHAPES_MAX = 96;
/** Most states that a pod may lead to: on one of three partial GPUs, or on a whole one. */
const TARGETS_MAX = 4;

/** A pod shape in the potential's terms. */
export interface FillShape {
  /** Host room it takes, in the unit of the lattice (milli-cores, or their equivalent). */
  readonly hostMilli: number;
  readonly gpuCount: number;
  /** Per GPU. */
  readonly gpuMilli: number;
  /** Share of arrivals; any positive scale. */
  readonly weight: number;
}

/** Settings of the potential. */
export interface StrandingOptions {
  /** h: arrivals that a hole waits for. > 0 */
  readonly patience: number;
  /** T, milli-GPU; Infinity: pods fill at random. > 0 */
  readonly temperature: number;
  /** Weight of pods without GPU relative to their share. ≥ 0 */
  readonly hostOnlyWeight: number;
}

/** All triples a ≥ b ≥ d of levels, numbered; shared by every table. */
export const TRIPLES: Triples = buildTriples();

/**
 * @returns V, milli-GPU: a row of host points for each state (whole GPUs × triples), and one entry more to read beyond
 *   the end.
 * @cost O(host points × GPU states × shapes).
 */
export function strandingTable(
  lattice: GeometricLattice,
  shapes: readonly FillShape[],
  gpusMax: number,
  options: StrandingOptions,
): Float32Array {
  const { points, unit } = lattice;
  const wholeMax = Math.min(gpusMax, WHOLE_GPUS_MAX);
  const table = new Float32Array((wholeMax + 1) * TRIPLES.count * points.length + 1);
  const kinds = kindsOf(shapes, unit, options.hostOnlyWeight);
  new TableFiller(table, points, kinds, options).fill(gpusMax);
  return table;
}

/** Levels of the three largest partial GPUs. */
interface Triples {
  readonly count: number;
  /** @shape [count] levels, a ≥ b ≥ d */
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly d: Uint8Array;
  /** How many of the three are above 0, and their sum. @shape [count] */
  readonly partials: Uint8Array;
  readonly levels: Uint8Array;
  /** @shape [LEVELS³] number of the triple with these levels, in any order. */
  readonly index: Uint16Array;
}

function buildTriples(): Triples {
  const count = (LEVELS * (LEVELS + 1) * (LEVELS + 2)) / 6;
  const a = new Uint8Array(count);
  const b = new Uint8Array(count);
  const d = new Uint8Array(count);
  const partials = new Uint8Array(count);
  const levels = new Uint8Array(count);
  const index = new Uint16Array(LEVELS ** 3);
  let t = 0;
  for (let x = 0; x < LEVELS; x++) {
    for (let y = 0; y <= x; y++) {
      for (let z = 0; z <= y; z++) {
        a[t] = x;
        b[t] = y;
        d[t] = z;
        partials[t] = (x > 0 ? 1 : 0) + (y > 0 ? 1 : 0) + (z > 0 ? 1 : 0);
        levels[t] = x + y + z;
        for (const [i, j, k] of [
          [x, y, z],
          [x, z, y],
          [y, x, z],
          [y, z, x],
          [z, x, y],
          [z, y, x],
        ] as const) {
          index[(i * LEVELS + j) * LEVELS + k] = t;
        }
        t++;
      }
    }
  }
  return { count, a, b, d, partials, levels, index };
}

/** Shapes that need the same GPUs; they differ in host room alone. */
interface ShapeKind {
  readonly gpus: number;
  /** Levels of a shared GPU that a pod takes, rounded up; LEVELS for whole GPUs, 0 for none. */
  readonly levels: number;
  /** Host room, ascending. @shape [shapes] */
  readonly host: Float64Array;
  /** @shape [shapes] */
  readonly weight: Float64Array;
}

/** Rounds shapes up to the table's resolution, adds equal ones, keeps the heaviest, sorts them into kinds. */
function kindsOf(shapes: readonly FillShape[], unit: number, hostOnlyWeight: number): ShapeKind[] {
  const byKey = new Map<string, { host: number; gpus: number; levels: number; weight: number }>();
  const grain = Math.max(1, unit / 4);
  for (const shape of shapes) {
    const weight = shape.gpuCount > 0 ? shape.weight : shape.weight * hostOnlyWeight;
    if (weight <= 0) continue;
    const host = Math.ceil(shape.hostMilli / grain) * grain;
    const levels = shape.gpuCount > 0 ? Math.ceil(shape.gpuMilli / PARTIAL_STEP_MILLI) : 0;
    const key = `${host},${shape.gpuCount},${levels}`;
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, { host, gpus: shape.gpuCount, levels, weight });
    else known.weight += weight;
  }
  const kept = [...byKey.values()].sort((x, y) => y.weight - x.weight).slice(0, SHAPES_MAX);
  const kinds = Map.groupBy(kept, (s) => s.gpus * (LEVELS + 1) + s.levels);
  return [...kinds.values()].map((members) => {
    members.sort((x, y) => x.host - y.host);
    const first = members[0] as (typeof members)[number];
    return {
      gpus: first.gpus,
      levels: first.levels,
      host: Float64Array.from(members, (s) => s.host),
      weight: Float64Array.from(members, (s) => s.weight),
    };
  });
}

/** Where the shapes of a kind lead on the host, from each point. */
interface KindSteps {
  readonly kind: ShapeKind;
  /** Shapes that fit, the first ones of the kind. @shape [points] */
  readonly fitting: Uint8Array;
  /** The point below what is left of the host. @shape [points × shapes] */
  readonly lower: Uint16Array;
  /** How far beyond that point, in [0, 1). @shape [points × shapes] */
  readonly beyond: Float64Array;
  /** For the state being filled: rows that a pod may lead to, and how many; none if its GPUs do not fit. */
  readonly rows: Int32Array;
  count: number;
  /** What is lost on the way to the last of them, milli-GPU. */
  lastLost: number;
}

function stepsOf(kind: ShapeKind, points: Float64Array): KindSteps {
  const shapes = kind.host.length;
  const fitting = new Uint8Array(points.length);
  const lower = new Uint16Array(points.length * shapes);
  const beyond = new Float64Array(points.length * shapes);
  for (let from = 0; from < points.length; from++) {
    for (let j = 0; j < shapes; j++) {
      const left = (points[from] as number) - (kind.host[j] as number);
      if (left < 0) break;
      let k = from;
      while ((points[k] as number) > left) k--;
      const below = points[k] as number;
      fitting[from] = j + 1;
      lower[from * shapes + j] = k;
      beyond[from * shapes + j] = k < from ? (left - below) / ((points[k + 1] as number) - below) : 0;
    }
  }
  return { kind, fitting, lower, beyond, rows: new Int32Array(TARGETS_MAX), count: 0, lastLost: 0 };
}

/** Fills one table. */
class TableFiller {
  private readonly table: Float32Array;
  private readonly pointCount: number;
  private readonly steps: readonly KindSteps[];
  private readonly patience: number;
  private readonly inverseTemperature: number;
  /** Scratch: V after each fitting shape, and its weight. */
  private readonly values = new Float64Array(SHAPES_MAX);
  private readonly weights = new Float64Array(SHAPES_MAX);
  private found = 0;
  private least = 0;
  /** Sums over shapes without GPU that lead back to the entry itself in part. */
  private sum = 0;
  private total = 0;
  private itself = 0;
  private fits = 0;

  constructor(
    table: Float32Array,
    points: Float64Array,
    kinds: readonly ShapeKind[],
    options: StrandingOptions,
  ) {
    assert(points.length < 1 << 16, 'more host points than a step can name');
    this.table = table;
    this.pointCount = points.length;
    this.steps = kinds.map((kind) => stepsOf(kind, points));
    let weightTotal = 0;
    for (const kind of kinds) for (const weight of kind.weight) weightTotal += weight;
    this.patience = options.patience / Math.max(weightTotal, Number.MIN_VALUE);
    this.inverseTemperature = 1 / options.temperature;
  }

  /** From no free GPU upwards: every entry needs earlier entries only. */
  fill(gpusMax: number): void {
    const { table, pointCount } = this;
    const wholeMax = Math.min(gpusMax, WHOLE_GPUS_MAX);
    for (let whole = 0; whole <= wholeMax; whole++) {
      for (let triple = 0; triple < TRIPLES.count; triple++) {
        if (whole + (TRIPLES.partials[triple] as number) > gpusMax) continue;
        for (const steps of this.steps) this.findRows(steps, whole, triple);
        const row = (whole * TRIPLES.count + triple) * pointCount;
        const idle = whole * GPU_MILLI + (TRIPLES.levels[triple] as number) * PARTIAL_STEP_MILLI;
        for (let point = 0; point < pointCount; point++) {
          table[row + point] = this.expectedLoss(row, point, idle);
        }
      }
    }
  }

  private expectedLoss(row: number, point: number, idle: number): number {
    this.found = 0;
    this.least = Number.POSITIVE_INFINITY;
    this.sum = 0;
    this.total = 0;
    this.itself = 0;
    this.fits = 0;
    for (const steps of this.steps) {
      if (steps.count === 0) continue;
      if (steps.kind.levels === 0) this.followHostOnly(steps, row, point);
      else this.follow(steps, point);
    }
    const { values, weights, found, least, inverseTemperature } = this;
    let { sum, total } = this;
    for (let k = 0; k < found; k++) {
      const value = values[k] as number;
      const weight = (weights[k] as number) * boltzmann((value - least) * inverseTemperature);
      sum += weight * value;
      total += weight;
    }
    assert(this.total >= this.itself, 'more leads back to an entry than leads anywhere');
    if (total - this.itself <= 0) return idle;
    const lost = boltzmann(this.patience * this.fits);
    return lost * idle + ((1 - lost) * sum) / (total - this.itself);
  }

  /** Sets the rows that a kind's pods may lead to from a state: one for each GPU that they could take. */
  private findRows(steps: KindSteps, whole: number, triple: number): void {
    const { rows, kind } = steps;
    const { pointCount } = this;
    const { levels } = kind;
    const state = whole * TRIPLES.count + triple;
    steps.lastLost = 0;
    steps.count = 1;
    rows[0] = state * pointCount;
    if (levels === 0) return;
    if (levels >= LEVELS) {
      rows[0] = (state - kind.gpus * TRIPLES.count) * pointCount;
      if (whole < kind.gpus) steps.count = 0;
      return;
    }
    const a = TRIPLES.a[triple] as number;
    const b = TRIPLES.b[triple] as number;
    const d = TRIPLES.d[triple] as number;
    const first = whole * TRIPLES.count;
    let n = 0;
    if (d >= levels) rows[n++] = (first + tripleOf(a, b, d - levels)) * pointCount;
    if (b >= levels && b !== d) rows[n++] = (first + tripleOf(a, b - levels, d)) * pointCount;
    if (a >= levels && a !== b) rows[n++] = (first + tripleOf(a - levels, b, d)) * pointCount;
    if (whole > 0) {
      const left = LEVELS - levels;
      steps.lastLost = Math.min(left, d) * PARTIAL_STEP_MILLI;
      rows[n++] = (first - TRIPLES.count + tripleOf(a, b, Math.max(left, d))) * pointCount;
    }
    steps.count = n;
  }

  /** V after each shape of a kind, by the GPU that leaves least. */
  private follow(steps: KindSteps, point: number): void {
    const { table, values, weights } = this;
    const { rows, count, lastLost, lower, beyond } = steps;
    const { weight } = steps.kind;
    const fitting = steps.fitting[point] as number;
    const from = point * weight.length;
    let { found, fits, least } = this;
    for (let j = 0; j < fitting; j++) {
      const k = lower[from + j] as number;
      const f = beyond[from + j] as number;
      let best = Number.POSITIVE_INFINITY;
      for (let t = 0; t < count; t++) {
        const at = (rows[t] as number) + k;
        let value = table[at] as number;
        if (f > 0) value += f * ((table[at + 1] as number) - value);
        if (t === count - 1) value += lastLost;
        if (value < best) best = value;
      }
      values[found] = best;
      weights[found++] = weight[j] as number;
      fits += weight[j] as number;
      if (best < least) least = best;
    }
    this.found = found;
    this.fits = fits;
    this.least = least;
  }

  /** The same for pods without GPU; one that takes less than a step leads back to the entry itself in part. */
  private followHostOnly(steps: KindSteps, row: number, point: number): void {
    const { table } = this;
    const weights = steps.kind.weight;
    const fitting = steps.fitting[point] as number;
    const from = point * weights.length;
    for (let j = 0; j < fitting; j++) {
      const k = steps.lower[from + j] as number;
      const f = steps.beyond[from + j] as number;
      const weight = weights[j] as number;
      this.fits += weight;
      if (k === point) continue;
      const low = table[row + k] as number;
      if (f > 0 && k + 1 === point) {
        this.sum += weight * (1 - f) * low;
        this.total += weight;
        this.itself += weight * f;
        continue;
      }
      const value = f > 0 ? low + f * ((table[row + k + 1] as number) - low) : low;
      this.values[this.found] = value;
      this.weights[this.found++] = weight;
      if (value < this.least) this.least = value;
    }
  }
}

function tripleOf(a: number, b: number, d: number): number {
  return TRIPLES.index[(a * LEVELS + b) * LEVELS + d] as number;
}

/**
 * e^(−y) for y ≥ 0 within 2 % up to y = 5, by additions, multiplications and one division only: `Math.exp` may
 * differ in its last bit between engines, and the same input has to give the same choice everywhere.
 */
export function boltzmann(y: number): number {
  const z = y / 16;
  let p = 1 / (1 + z * (1 + z * (0.5 + z * (1 / 6))));
  p *= p;
  p *= p;
  p *= p;
  return p * p;
}
