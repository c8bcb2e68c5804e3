/**
 * The tables of stranding potentials that several prices have in common.
 *
 * Runs that are compared build the same tables again: the expectation before any arrival for every seed, those of the
 * same arrivals for every seed or policy that sees them. One takes some tenths of a second of CPU, so an owner of several
 * runs keeps the last ones. What is kept shows in time only, never in a result: a table is found by exactly the numbers
 * it was made of.
 */
import { assert } from '../kernel/assert.ts';
import type { GeometricLattice } from './lattice.ts';
import { type FillShape, type StrandingOptions, strandingTable } from './stranding-table.ts';

/** Tables kept, 2.3 MB each: two runs' worth, for a run with a prior, an equilibrium and a few looks at the mix. */
export const STRANDING_TABLES_MAX = 12;

/** A table and what it was made of. */
interface Kept {
  /** @shape [6 + 4 × shapes] */
  readonly inputs: Float64Array;
  readonly table: Float32Array;
}

/** Builds tables and keeps the last `max` different ones; at the limit it drops the least recently used one. */
export class StrandingTables {
  /** Tables built so far. */
  built = 0;
  private readonly max: number;
  /** The most recently used one last. */
  private readonly kept: Kept[] = [];

  /** @param max ≥ 1 */
  constructor(max = STRANDING_TABLES_MAX) {
    assert(max >= 1, 'a store of tables that keeps none');
    this.max = max;
  }

  /**
   * @returns `strandingTable` of the arguments; nobody may write to it.
   * @cost O(kept tables + shapes) if it is kept, else as `strandingTable`.
   */
  of(
    lattice: GeometricLattice,
    shapes: readonly FillShape[],
    gpusMax: number,
    options: StrandingOptions,
  ): Float32Array {
    const inputs = inputsOf(lattice, shapes, gpusMax, options);
    const at = this.kept.findIndex((kept) => equal(kept.inputs, inputs));
    const found = at < 0 ? undefined : this.kept.splice(at, 1)[0];
    const entry = found ?? { inputs, table: strandingTable(lattice, shapes, gpusMax, options) };
    if (found === undefined) this.built++;
    this.kept.push(entry);
    if (this.kept.length > this.max) this.kept.shift();
    return entry.table;
  }
}

/** All numbers that a table depends on. The unit and the number of points determine a lattice's points. */
function inputsOf(
  { unit, points }: GeometricLattice,
  shapes: readonly FillShape[],
  gpusMax: number,
  { patience, temperature, hostOnlyWeight }: StrandingOptions,
): Float64Array {
  const inputs = new Float64Array(6 + 4 * shapes.length);
  inputs.set([unit, points.length, gpusMax, patience, temperature, hostOnlyWeight]);
  for (const [i, { hostMilli, gpuCount, gpuMilli, weight }] of shapes.entries()) {
    inputs.set([hostMilli, gpuCount, gpuMilli, weight], 6 + 4 * i);
  }
  return inputs;
}

function equal(x: Float64Array, y: Float64Array): boolean {
  return x.length === y.length && x.every((value, i) => value === y[i]);
}
