/**
 * The geometric lattice on which free CPU is rounded down: steps that double as the value grows.
 *
 * With unit u: steps of u up to 16u, of 2u up to 32u, of 4u up to 64u, and so on, so that a step is at most a sixteenth
 * to an eighth of the value. Rounding down is safe: a pod that fits a lattice point fits the node.
 */
import { assert } from '../kernel/assert.ts';

/** Points below the first doubling of the step. */
const POINTS_PER_OCTAVE = 8;

/** A lattice of increasing integers from 0. */
export class GeometricLattice {
  /** Smallest step. */
  readonly unit: number;
  /** All points, ascending. */
  readonly points: Float64Array;

  /**
   * @param unit  Smallest step, an integer ≥ 1.
   * @param upper The last point is the first one ≥ upper.
   */
  constructor(unit: number, upper: number) {
    assert(
      Number.isInteger(unit) && unit >= 1 && Number.isFinite(upper),
      'a lattice without a step, or without an end',
    );
    const points = [0];
    let step = unit;
    let value = 0;
    while (value < upper) {
      if (value >= 2 * POINTS_PER_OCTAVE * step) step *= 2;
      value += step;
      points.push(value);
    }
    this.unit = unit;
    this.points = Float64Array.from(points);
  }

  /** @returns The index of the largest point ≤ value (the last point beyond it). `value` ≥ 0. O(1). */
  indexOf(value: number): number {
    const k = Math.floor(value / this.unit);
    const last = this.points.length - 1;
    if (k < 2 * POINTS_PER_OCTAVE) return k < last ? k : last;
    // k in [16·2^o, 32·2^o): step 2^(o+1) units, 8 points an octave after the first 16.
    const octave = 27 - Math.clz32(k);
    const index =
      2 * POINTS_PER_OCTAVE + octave * POINTS_PER_OCTAVE + ((k >>> (octave + 1)) - POINTS_PER_OCTAVE);
    return index < last ? index : last;
  }
}

/**
 * Below this many thousandths of a core the unit follows the capacity closely: such pods are not rounded to quarters of
 * a core.
 */
const SMALL_MILLI = 1_600;

/**
 * @returns The unit of a lattice for capacities up to `largest`: about 1/128 of it, 1000 × a power of two; for machines
 *   of a few cores 50 or 25, so that halves and quarters of a core, which most pods request, are points: the rest of a
 *   node of 4 cores after a pod of 2 must not be rounded below 2.
 */
export function latticeUnit(largest: number): number {
  const unit = 1000 * 2 ** Math.round(Math.log2(Math.max(largest, 1) / 128_000));
  if (unit >= 125 || largest < SMALL_MILLI) return Math.max(1, Math.floor(unit));
  return unit > 50 ? 50 : 25;
}
