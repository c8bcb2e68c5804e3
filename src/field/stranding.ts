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
import type { GeometricLattice } from './lattice.ts';
import {
  type FillShape,
  LEVELS,
  PARTIAL_STEP_MILLI,
  type StrandingOptions,
  strandingTable,
  TRIPLES,
  WHOLE_GPUS_MAX,
} from './stranding-table.ts';
import type { StrandingTables } from './stranding-tables.ts';

/** One set of settings for every workload; `docs/field.md` says how they were found. */
export const STRANDING_DEFAULTS: StrandingOptions = { patience: 60, temperature: 1000, hostOnlyWeight: 0.3 };

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
   * @param tables   Where equal tables are built once; absent: this potential builds its own.
   * @cost O(host points × GPU states × shapes): about 0.2 s for 128 cores, 8 GPUs and 70 shapes.
   */
  constructor(
    lattice: GeometricLattice,
    shapes: readonly FillShape[],
    gpusMax: number,
    options: StrandingOptions = STRANDING_DEFAULTS,
    tables?: StrandingTables,
  ) {
    assert(gpusMax >= 0 && options.patience > 0 && options.temperature > 0, 'a potential out of its domain');
    this.lattice = lattice;
    this.wholeMax = Math.min(gpusMax, WHOLE_GPUS_MAX);
    this.pointCount = lattice.points.length;
    this.table =
      tables?.of(lattice, shapes, gpusMax, options) ?? strandingTable(lattice, shapes, gpusMax, options);
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
    const { points } = this.lattice;
    const k = this.lattice.indexOf(hostMilli);
    const lower = points[k] as number;
    this.hostMilli = hostMilli;
    this.point = k;
    this.beyond = k === this.pointCount - 1 ? 0 : (hostMilli - lower) / ((points[k + 1] as number) - lower);
  }

  /** V with the host room that `setHost` set. The three partials may come in any order. @cost O(1), one table line. */
  valueHere(whole: number, a: number, b: number, d: number, rest: number): number {
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
    const parts = whole / Math.max(1, this.wholeMax);
    const value = parts * this.value(host / parts, this.wholeMax, 0, 0, 0, 0) + a + b + d + rest;
    this.setHost(host);
    return value;
  }
}
