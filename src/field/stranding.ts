/**
 * The stranding potential V: GPU capacity of a node that is expected to stay unsold.
 *
 * A node with free host room c (CPU, or what memory and further resources leave of it) and idle GPU parts is filled in
 * thought with arriving pods, drawn by their weights among those that fit. V is the rest:
 *
 *     V(s) = e^(−h·P) · R(s) + (1 − e^(−h·P)) · Σ_m w_m V(s − m) / Σ_m w_m ,   w_m = p_m e^(−V(s−m)/T)
 *
 * over the pods m that fit s, P = Σ p_m of those, R(s) = idle GPU of s. `patience` h is the number of arrivals that a
 * hole waits for: a hole that only rare pods fit is mostly lost. `temperature` T sets how far the choice among nodes is
 * anticipated: a Gibbs choice prefers pods that leave little. Placing a pod is then priced by ΔV = V(s−m) − V(s).
 *
 * V is a table over a lattice (host room × whole idle GPUs × the three largest partial ones), filled from the empty
 * node upwards in one pass; between host points it is linear. A fourth and further partial GPU counts as lost.
 *
 * @source The measure generalises the fragmentation of Weng et al. 2023 (USENIX ATC'23), which measures the fit at
 *   present;
 *         `docs/field.md` has the derivation and the measurements.
 */
import { assert } from '../kernel/assert.ts';
import { GPU_MILLI } from '../model/node.ts';
import type { GeometricLattice } from './lattice.ts';

/** Milli-GPU between two levels of a partial GPU in the table. */
export const PARTIAL_STEP_MILLI = 50;
/** Levels of a partial GPU: 0, 50, …, 950. */
const LEVELS = GPU_MILLI / PARTIAL_STEP_MILLI;
/** Whole GPUs that the table distinguishes; a node with more is valued by parts. */
export const WHOLE_GPUS_MAX = 8;
/** Most distinct pod shapes that the table is built from; the rarest beyond are left out. */
const SHAPES_MAX = 96;

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

/** One set of settings for every workload; `docs/field.md` says how they were found. */
export const STRANDING_DEFAULTS: StrandingOptions = { patience: 60, temperature: 1000, hostOnlyWeight: 0.3 };

/** All triples a ≥ b ≥ d of levels, numbered; shared by every table. */
const TRIPLES = buildTriples();

/** The potential of one typical workload. Immutable; 41 × 9 × 1540 floats (2.3 MB) for 128 cores and 8 GPUs. */
export class StrandingPotential {
  readonly lattice: GeometricLattice;
  private readonly wholeMax: number;
  /** A row of host points for each state of the GPUs, so that pods on one class of nodes read the same lines. */
  readonly table: Float32Array;
  private readonly pointCount: number;
  /** The current host room: the point below it, and the distance from there to the next in [0, 1). */
  private hostMilli: number = Number.NaN;
  private point = 0;
  private beyond = 0;

  /**
   * @param lattice  Host room.
   * @param shapes   Typical pods.
   * @param gpusMax  Most GPUs of a node; the table distinguishes up to WHOLE_GPUS_MAX whole ones.
   * @cost O(host points × GPU states × shapes): about 0.2 s for 128 cores, 8 GPUs and 70 shapes.
   */
  constructor(
    lattice: GeometricLattice,
    shapes: readonly FillShape[],
    gpusMax: number,
    options: StrandingOptions = STRANDING_DEFAULTS,
  ) {
    assert(gpusMax >= 0 && options.patience > 0 && options.temperature > 0, 'a potential out of its domain');
    this.lattice = lattice;
    this.wholeMax = Math.min(gpusMax, WHOLE_GPUS_MAX);
    this.pointCount = lattice.points.length;
    const stride = (this.wholeMax + 1) * TRIPLES.count;
    const byPoint = new Float32Array(this.pointCount * stride);
    const kinds = kindsOf(shapes, lattice.unit, options.hostOnlyWeight);
    new TableFiller(byPoint, stride, kinds, options).fill(lattice.points, gpusMax);
    this.table = transposed(byPoint, this.pointCount, stride);
  }

  /** Bytes of the table. */
  get bytes(): number {
    return this.table.byteLength;
  }

  /**
   * V of a node state, in milli-GPU.
   *
   * @param hostMilli Free host room, ≥ 0.
   * @param whole     Fully idle GPUs.
   * @param a         Idle part of the largest partial GPU, in [0, 1000), a ≥ b ≥ d; 0 if there is none.
   * @param rest      Sum of the idle parts of all further partial GPUs.
   * @cost O(1), two table reads.
   */
  value(hostMilli: number, whole: number, a: number, b: number, d: number, rest: number): number {
    this.setHost(hostMilli);
    return this.valueHere(whole, a, b, d, rest);
  }

  /** Sets the host room of the next `valueHere`s. @param hostMilli ≥ 0. O(1). */
  setHost(hostMilli: number): void {
    assert(hostMilli >= 0, 'host room is negative');
    const { points } = this.lattice;
    const k = this.lattice.indexOf(hostMilli);
    const lower = points[k] as number;
    this.hostMilli = hostMilli;
    this.point = k;
    this.beyond = k === this.pointCount - 1 ? 0 : (hostMilli - lower) / ((points[k + 1] as number) - lower);
  }

  /** @returns Whether this is the host room that the next `valueHere` and `read` are for. */
  holdsHost(hostMilli: number): boolean {
    return this.hostMilli === hostMilli;
  }

  /** V with the host room that `setHost` set. The three partials may come in any order. @cost O(1), one table line. */
  valueHere(whole: number, a: number, b: number, d: number, rest: number): number {
    assert(this.hostMilli >= 0, 'a value before the host room is set');
    const row = this.rowOf(whole, a, b, d);
    if (row < 0) return this.valueOfMany(this.hostMilli, whole, a, b, d, rest);
    return this.read(row) + this.offcutOf(a, b, d, rest);
  }

  /**
   * @returns The table position of a state of the GPUs, for `read`; −2 if it does not distinguish that many whole ones.
   */
  rowOf(whole: number, a: number, b: number, d: number): number {
    if (whole > this.wholeMax) return -2;
    const la = (a / PARTIAL_STEP_MILLI) | 0;
    const lb = (b / PARTIAL_STEP_MILLI) | 0;
    const ld = (d / PARTIAL_STEP_MILLI) | 0;
    const triple = TRIPLES.index[(la * LEVELS + lb) * LEVELS + ld] as number;
    return (whole * TRIPLES.count + triple) * this.pointCount;
  }

  /** @returns Idle GPU of a state beyond its row: the part that the levels cut off, and further partial GPUs. */
  offcutOf(a: number, b: number, d: number, rest: number): number {
    const la = (a / PARTIAL_STEP_MILLI) | 0;
    const lb = (b / PARTIAL_STEP_MILLI) | 0;
    const ld = (d / PARTIAL_STEP_MILLI) | 0;
    return rest + a + b + d - (la + lb + ld) * PARTIAL_STEP_MILLI;
  }

  /** @returns V of a row with the host room that `setHost` set, without the offcut. */
  read(row: number): number {
    const at = row + this.point;
    const low = this.table[at] as number;
    return low + this.beyond * ((this.table[at + 1] as number) - low);
  }

  /** A node with more whole GPUs than the table: as several tables' worth, each with its part of the host. */
  private valueOfMany(host: number, whole: number, a: number, b: number, d: number, rest: number): number {
    assert(whole > this.wholeMax, 'a state that the table holds is valued by parts');
    const parts = whole / Math.max(1, this.wholeMax);
    const value = parts * this.value(host / parts, this.wholeMax, 0, 0, 0, 0) + a + b + d + rest;
    this.setHost(host);
    return value;
  }
}

/** @returns The table with a row for each state instead of each point, and one entry more to read beyond the end. */
function transposed(byPoint: Float32Array, pointCount: number, stride: number): Float32Array {
  const table = new Float32Array(byPoint.length + 1);
  for (let point = 0; point < pointCount; point++) {
    for (let state = 0; state < stride; state++) {
      table[state * pointCount + point] = byPoint[point * stride + state] as number;
    }
  }
  return table;
}

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
  /** From the current host point: the row of the lower neighbouring point after the pod, −1 if it does not fit. */
  readonly base: Int32Array;
  /** How far beyond that point, in [0, 1). */
  readonly beyond: Float64Array;
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
      base: new Int32Array(members.length),
      beyond: new Float64Array(members.length),
    };
  });
}

/** Sets `base` and `beyond` of every shape for one host point. */
function stepDown(kinds: readonly ShapeKind[], points: Float64Array, from: number, stride: number): void {
  for (const kind of kinds) {
    for (let j = 0; j < kind.host.length; j++) {
      const left = (points[from] as number) - (kind.host[j] as number);
      kind.base[j] = -1;
      if (left < 0) continue;
      let k = from;
      while ((points[k] as number) > left) k--;
      kind.base[j] = k * stride;
      const lower = points[k] as number;
      kind.beyond[j] = k < from ? (left - lower) / ((points[k + 1] as number) - lower) : 0;
    }
  }
}

/** Fills the table of a potential; one instance a table. */
class TableFiller {
  private readonly table: Float32Array;
  private readonly stride: number;
  private readonly kinds: readonly ShapeKind[];
  private readonly patience: number;
  private readonly inverseTemperature: number;
  /** Scratch: V after each fitting shape, and its weight. */
  private readonly values = new Float64Array(SHAPES_MAX);
  private readonly weights = new Float64Array(SHAPES_MAX);
  private found = 0;
  private least = 0;
  /** Scratch: entries within a row that a kind leads to, and the loss on the way. */
  private readonly targets = new Int32Array(4);
  private lastLost = 0;
  /** Sums over shapes without GPU that lead back to the entry itself in part. */
  private sum = 0;
  private total = 0;
  private itself = 0;
  private fits = 0;

  constructor(table: Float32Array, stride: number, kinds: readonly ShapeKind[], options: StrandingOptions) {
    this.table = table;
    this.stride = stride;
    this.kinds = kinds;
    let weightTotal = 0;
    for (const kind of kinds) for (const weight of kind.weight) weightTotal += weight;
    this.patience = options.patience / Math.max(weightTotal, Number.MIN_VALUE);
    this.inverseTemperature = 1 / options.temperature;
  }

  /** From no free GPU upwards: every entry needs earlier entries only. */
  fill(points: Float64Array, gpusMax: number): void {
    const wholeMax = Math.min(gpusMax, WHOLE_GPUS_MAX);
    for (let i = 0; i < points.length; i++) {
      stepDown(this.kinds, points, i, this.stride);
      for (let whole = 0; whole <= wholeMax; whole++) {
        for (let triple = 0; triple < TRIPLES.count; triple++) {
          if (whole + (TRIPLES.partials[triple] as number) > gpusMax) continue;
          const within = whole * TRIPLES.count + triple;
          this.table[i * this.stride + within] = this.expectedLoss(i * this.stride, within, whole, triple);
        }
      }
    }
  }

  private expectedLoss(row: number, within: number, whole: number, triple: number): number {
    this.found = 0;
    this.least = Number.POSITIVE_INFINITY;
    this.sum = 0;
    this.total = 0;
    this.itself = 0;
    this.fits = 0;
    for (const kind of this.kinds) {
      const count = this.findTargets(kind, within, whole, triple);
      if (count === 0) continue;
      if (kind.levels === 0) this.followHostOnly(kind, row, within);
      else this.follow(kind, count);
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
    const idle = whole * GPU_MILLI + (TRIPLES.levels[triple] as number) * PARTIAL_STEP_MILLI;
    if (total - this.itself <= 0) return idle;
    const lost = boltzmann(this.patience * this.fits);
    return lost * idle + ((1 - lost) * sum) / (total - this.itself);
  }

  /** Entries that the kind's pods may lead to: one for each GPU it could take. @returns How many. */
  private findTargets(kind: ShapeKind, within: number, whole: number, triple: number): number {
    const { targets } = this;
    const { levels } = kind;
    this.lastLost = 0;
    targets[0] = within;
    if (levels === 0) return 1;
    if (levels >= LEVELS) {
      targets[0] = within - kind.gpus * TRIPLES.count;
      return whole >= kind.gpus ? 1 : 0;
    }
    const a = TRIPLES.a[triple] as number;
    const b = TRIPLES.b[triple] as number;
    const d = TRIPLES.d[triple] as number;
    const row = whole * TRIPLES.count;
    let n = 0;
    if (d >= levels) targets[n++] = row + tripleOf(a, b, d - levels);
    if (b >= levels && b !== d) targets[n++] = row + tripleOf(a, b - levels, d);
    if (a >= levels && a !== b) targets[n++] = row + tripleOf(a - levels, b, d);
    if (whole > 0) {
      const left = LEVELS - levels;
      this.lastLost = Math.min(left, d) * PARTIAL_STEP_MILLI;
      targets[n++] = row - TRIPLES.count + tripleOf(a, b, Math.max(left, d));
    }
    return n;
  }

  /** V after each shape of a kind, by the GPU that leaves least. */
  private follow(kind: ShapeKind, count: number): void {
    const { table, targets, stride, values, weights, lastLost } = this;
    const { base, beyond, weight } = kind;
    let { found, fits, least } = this;
    for (let j = 0; j < base.length; j++) {
      const from = base[j] as number;
      if (from < 0) break;
      const f = beyond[j] as number;
      let best = Number.POSITIVE_INFINITY;
      for (let t = 0; t < count; t++) {
        const at = from + (targets[t] as number);
        let value = table[at] as number;
        if (f > 0) value += f * ((table[at + stride] as number) - value);
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
  private followHostOnly(kind: ShapeKind, row: number, within: number): void {
    const { table, stride } = this;
    for (let j = 0; j < kind.base.length; j++) {
      const from = kind.base[j] as number;
      if (from < 0) break;
      const f = kind.beyond[j] as number;
      const weight = kind.weight[j] as number;
      const low = table[from + within] as number;
      this.fits += weight;
      if (from === row) continue;
      if (f > 0 && from + stride === row) {
        this.sum += weight * (1 - f) * low;
        this.total += weight;
        this.itself += weight * f;
        continue;
      }
      const value = f > 0 ? low + f * ((table[from + within + stride] as number) - low) : low;
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
