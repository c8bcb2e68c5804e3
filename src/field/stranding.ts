/**
 * The stranding potential V: GPU capacity of a node that is expected to stay unsold.
 *
 * A node with free host room c (CPU, or what memory and further resources leave of it) and idle GPU parts is
 * filled in thought with the pods that keep coming, drawn by their weights among those that fit. V is what is left:
 *
 *     V(s) = e^(−h·P) · R(s) + (1 − e^(−h·P)) · Σ_m w_m V(s − m) / Σ_m w_m ,   w_m = p_m e^(−V(s−m)/T)
 *
 * over the pods m that fit s, P = Σ p_m of those, R(s) = idle GPU of s. `patience` h says how many arrivals a hole
 * waits for: a hole that only rare pods fit is mostly lost. `temperature` T says how much of the choice among nodes
 * is anticipated: a Gibbs choice prefers pods that leave little. Placing a pod is then priced by ΔV = V(s−m) − V(s).
 *
 * V is a table over a lattice (host room × whole idle GPUs × the three largest partial ones), filled from the
 * empty node upwards in one pass; between host points it is linear. A fourth and further partial GPU counts as lost.
 *
 * @source The measure generalises the fragmentation of Weng et al. 2023 (USENIX ATC'23), which asks what fits now;
 *         `docs/field.md` has the derivation and what was measured.
 */
import { GPU_MILLI } from '../model/node.ts';
import type { GeometricLattice } from './lattice.ts';

/** Milli-GPU between two levels of a partial GPU in the table. */
export const PARTIAL_STEP_MILLI = 50;
/** Levels of a partial GPU: 0, 50, …, 950. */
const LEVELS = GPU_MILLI / PARTIAL_STEP_MILLI;
/** Whole GPUs the table tells apart; a node with more is valued by parts. */
export const WHOLE_GPUS_MAX = 8;
/** Distinct pod shapes the table is built from; the rarest beyond are left out. */
const SHAPES_MAX = 96;

/** A pod shape as the potential sees it. */
export interface FillShape {
  /** Host room it takes, in the unit of the lattice (milli-cores, or what stands for them). */
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

/** The potential of one typical workload. Immutable; 41 × 9 × 1540 doubles (4.5 MB) for 128 cores and 8 GPUs. */
export class StrandingPotential {
  private readonly lattice: GeometricLattice;
  private readonly wholeMax: number;
  private readonly table: Float64Array;
  /** Entries of one host point. */
  private readonly stride: number;

  /**
   * @param lattice  Host room.
   * @param shapes   Typical pods.
   * @param gpusMax  Most GPUs of a node; the table tells up to WHOLE_GPUS_MAX whole ones apart.
   * @cost O(host points × GPU states × shapes): about 0.2 s for 128 cores, 8 GPUs and 70 shapes.
   */
  constructor(
    lattice: GeometricLattice,
    shapes: readonly FillShape[],
    gpusMax: number,
    options: StrandingOptions = STRANDING_DEFAULTS,
  ) {
    this.lattice = lattice;
    this.wholeMax = Math.min(gpusMax, WHOLE_GPUS_MAX);
    this.stride = (this.wholeMax + 1) * TRIPLES.count;
    this.table = new Float64Array(lattice.points.length * this.stride);
    fill(this.table, lattice, mergeShapes(shapes, lattice.unit, options.hostOnlyWeight), gpusMax, options);
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
    if (whole > this.wholeMax) return this.valueOfMany(hostMilli, whole, a, b, d, rest);
    const la = (a / PARTIAL_STEP_MILLI) | 0;
    const lb = (b / PARTIAL_STEP_MILLI) | 0;
    const ld = (d / PARTIAL_STEP_MILLI) | 0;
    const triple = TRIPLES.index[(la * LEVELS + lb) * LEVELS + ld] as number;
    const offcut = rest + a + b + d - (la + lb + ld) * PARTIAL_STEP_MILLI;
    const points = this.lattice.points;
    const k = this.lattice.indexOf(hostMilli);
    const at = k * this.stride + whole * TRIPLES.count + triple;
    const low = this.table[at] as number;
    if (k === points.length - 1) return low + offcut;
    const lower = points[k] as number;
    const f = (hostMilli - lower) / ((points[k + 1] as number) - lower);
    return low + f * ((this.table[at + this.stride] as number) - low) + offcut;
  }

  /** A node with more whole GPUs than the table: as so many tables' worth, each with its part of the host. */
  private valueOfMany(host: number, whole: number, a: number, b: number, d: number, rest: number): number {
    const parts = whole / Math.max(1, this.wholeMax);
    return parts * this.value(host / parts, this.wholeMax, 0, 0, 0, 0) + a + b + d + rest;
  }
}

interface Triples {
  readonly count: number;
  /** @shape [count] levels, a ≥ b ≥ d */
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly d: Uint8Array;
  /** @shape [LEVELS³] number of the triple with these levels, in any order. */
  readonly index: Uint16Array;
}

function buildTriples(): Triples {
  const count = (LEVELS * (LEVELS + 1) * (LEVELS + 2)) / 6;
  const a = new Uint8Array(count);
  const b = new Uint8Array(count);
  const d = new Uint8Array(count);
  const index = new Uint16Array(LEVELS ** 3);
  let t = 0;
  for (let x = 0; x < LEVELS; x++) {
    for (let y = 0; y <= x; y++) {
      for (let z = 0; z <= y; z++) {
        a[t] = x;
        b[t] = y;
        d[t] = z;
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
  return { count, a, b, d, index };
}

/** Shapes as columns: the form that the inner loop reads. */
interface ShapeColumns {
  readonly count: number;
  readonly host: Float64Array;
  readonly gpus: Int32Array;
  /** Levels of a shared GPU that the shape takes, rounded up; LEVELS for whole GPUs. */
  readonly levels: Int32Array;
  readonly weight: Float64Array;
  readonly weightTotal: number;
}

/** Rounds shapes up to the table's resolution, adds equal ones, keeps the heaviest. */
function mergeShapes(shapes: readonly FillShape[], unit: number, hostOnlyWeight: number): ShapeColumns {
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
  return {
    count: kept.length,
    host: Float64Array.from(kept, (s) => s.host),
    gpus: Int32Array.from(kept, (s) => s.gpus),
    levels: Int32Array.from(kept, (s) => s.levels),
    weight: Float64Array.from(kept, (s) => s.weight),
    weightTotal: kept.reduce((sum, s) => sum + s.weight, 0),
  };
}

/** Where a shape's host room leads from one host point: the lower of two neighbouring points and how far beyond. */
interface HostStep {
  readonly base: Int32Array;
  readonly beyond: Float64Array;
}

function hostSteps(points: Float64Array, from: number, shapes: ShapeColumns, stride: number): HostStep {
  const base = new Int32Array(shapes.count).fill(-1);
  const beyond = new Float64Array(shapes.count);
  for (let j = 0; j < shapes.count; j++) {
    const left = (points[from] as number) - (shapes.host[j] as number);
    if (left < 0) continue;
    let k = from;
    while ((points[k] as number) > left) k--;
    base[j] = k * stride;
    const lower = points[k] as number;
    if (k < from) beyond[j] = (left - lower) / ((points[k + 1] as number) - lower);
  }
  return { base, beyond };
}

/**
 * Fills the table from nothing free upwards. A pod without GPU that takes less host room than one step leads back
 * to the entry itself in part; that part is moved to the other side of the equation.
 */
function fill(
  table: Float64Array,
  lattice: GeometricLattice,
  shapes: ShapeColumns,
  gpusMax: number,
  options: StrandingOptions,
): void {
  const { points } = lattice;
  const wholeMax = Math.min(gpusMax, WHOLE_GPUS_MAX);
  const stride = (wholeMax + 1) * TRIPLES.count;
  const values = new Float64Array(shapes.count);
  const weights = new Float64Array(shapes.count);
  for (let i = 0; i < points.length; i++) {
    const steps = hostSteps(points, i, shapes, stride);
    for (let whole = 0; whole <= wholeMax; whole++) {
      for (let triple = 0; triple < TRIPLES.count; triple++) {
        if (whole + partials(triple) > gpusMax) continue;
        const at = i * stride + whole * TRIPLES.count + triple;
        table[at] = expectedLoss(
          table,
          at,
          i * stride,
          whole,
          triple,
          shapes,
          steps,
          stride,
          options,
          values,
          weights,
        );
      }
    }
  }
}

/** How many GPUs of a triple have anything idle. */
function partials(triple: number): number {
  return (
    ((TRIPLES.a[triple] as number) > 0 ? 1 : 0) +
    ((TRIPLES.b[triple] as number) > 0 ? 1 : 0) +
    ((TRIPLES.d[triple] as number) > 0 ? 1 : 0)
  );
}

/** V of one entry from entries already there. `values`, `weights`: scratch. */
function expectedLoss(
  table: Float64Array,
  at: number,
  row: number,
  whole: number,
  triple: number,
  shapes: ShapeColumns,
  steps: HostStep,
  stride: number,
  options: StrandingOptions,
  values: Float64Array,
  weights: Float64Array,
): number {
  let n = 0;
  let fits = 0;
  let least = Number.POSITIVE_INFINITY;
  let sum = 0;
  let total = 0;
  let itself = 0;
  const within = at - row;
  for (let j = 0; j < shapes.count; j++) {
    const base = steps.base[j] as number;
    if (base < 0) continue;
    const beyond = steps.beyond[j] as number;
    const weight = shapes.weight[j] as number;
    if (shapes.gpus[j] === 0 && beyond > 0 && base + stride === row) {
      fits += weight;
      sum += weight * (1 - beyond) * (table[base + within] as number);
      total += weight;
      itself += weight * beyond;
      continue;
    }
    const value = afterShape(
      table,
      base,
      beyond,
      stride,
      whole,
      triple,
      shapes.gpus[j] as number,
      shapes.levels[j] as number,
    );
    if (value === Number.POSITIVE_INFINITY) continue;
    fits += weight;
    values[n] = value;
    weights[n] = weight;
    n++;
    if (value < least) least = value;
  }
  const idle =
    whole * GPU_MILLI +
    ((TRIPLES.a[triple] as number) + (TRIPLES.b[triple] as number) + (TRIPLES.d[triple] as number)) *
      PARTIAL_STEP_MILLI;
  const cold = 1 / options.temperature;
  for (let k = 0; k < n; k++) {
    const value = values[k] as number;
    const weight = (weights[k] as number) * Math.exp((least - value) * cold);
    sum += weight * value;
    total += weight;
  }
  if (total - itself <= 0) return idle;
  const lost = Math.exp((-options.patience * fits) / shapes.weightTotal);
  return lost * idle + ((1 - lost) * sum) / (total - itself);
}

/** V after one pod of a shape, by the GPU that leaves least; Infinity if its GPUs do not fit. */
function afterShape(
  table: Float64Array,
  base: number,
  beyond: number,
  stride: number,
  whole: number,
  triple: number,
  gpus: number,
  levels: number,
): number {
  if (levels === 0) return between(table, base + whole * TRIPLES.count + triple, beyond, stride);
  if (levels >= LEVELS) {
    if (whole < gpus) return Number.POSITIVE_INFINITY;
    return between(table, base + (whole - gpus) * TRIPLES.count + triple, beyond, stride);
  }
  const a = TRIPLES.a[triple] as number;
  const b = TRIPLES.b[triple] as number;
  const d = TRIPLES.d[triple] as number;
  const row = base + whole * TRIPLES.count;
  let best = Number.POSITIVE_INFINITY;
  if (d >= levels) best = between(table, row + tripleOf(a, b, d - levels), beyond, stride);
  if (b >= levels && b !== d)
    best = Math.min(best, between(table, row + tripleOf(a, b - levels, d), beyond, stride));
  if (a >= levels && a !== b)
    best = Math.min(best, between(table, row + tripleOf(a - levels, b, d), beyond, stride));
  if (whole > 0) {
    const left = LEVELS - levels;
    const lost = Math.min(left, d);
    const at = row - TRIPLES.count + tripleOf(a, b, Math.max(left, d));
    best = Math.min(best, between(table, at, beyond, stride) + lost * PARTIAL_STEP_MILLI);
  }
  return best;
}

function tripleOf(a: number, b: number, d: number): number {
  return TRIPLES.index[(a * LEVELS + b) * LEVELS + d] as number;
}

/** Linear between a host point's entry and the next point's. */
function between(table: Float64Array, at: number, beyond: number, stride: number): number {
  const low = table[at] as number;
  return beyond === 0 ? low : low + beyond * ((table[at + stride] as number) - low);
}
