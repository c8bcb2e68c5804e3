/**
 * The lattice on which a hologram rounds free amounts down: steps that double with the value, so that a step is never
 * more than a share e of the value.
 *
 * With unit u and e = 1/4: steps of u up to 8u, of 2u up to 16u, of 4u up to 32u, and so on. Two neighbours differ by a
 * factor of at most 1 + e, as on a geometric lattice, but the points are round numbers (1, 1.25, 1.5, 1.75, 2, 2.5, 3,
 * … cores), which pods request: an exact fit is recognised. Integers and shifts only, no logarithm that could round an
 * amount up.
 */
import { assert } from '../../kernel/assert.ts';

/** A lattice of increasing integers from 0, without end. */
export class StepLattice {
  /** Smallest step. */
  readonly unit: number;
  /** e: the largest gap above a point, as a share of the point, from `unit` / e on; below, gaps are `unit`. */
  readonly coarseness: number;
  /** 1 + log2 of the steps of an octave. */
  private readonly shift: number;

  /**
   * @param unit       Smallest step, an integer ≥ 1.
   * @param coarseness e = 1, 1/2, 1/4, … ≥ 1/1024.
   */
  constructor(unit: number, coarseness: number) {
    const steps = 1 / coarseness;
    assert(Number.isInteger(unit) && unit >= 1, 'the unit of a lattice is a positive integer');
    assert(
      steps >= 1 && steps <= 1024 && Number.isInteger(Math.log2(steps)),
      'a coarseness is 1, 1/2, 1/4, … 1/1024',
    );
    this.unit = unit;
    this.coarseness = coarseness;
    this.shift = 1 + Math.log2(steps);
  }

  /** @returns The largest point ≤ value. @param value In [0, 2^52]. O(1). */
  floorOf(value: number): number {
    const k = Math.floor(value / this.unit);
    if (k >= 2 ** 31) return (k - (k % this.farStep(k))) * this.unit;
    const bits = 32 - Math.clz32(k >>> this.shift);
    return ((k >>> bits) << bits) * this.unit;
  }

  /** @returns The smallest point > value: a node may have less than this where it shows `floorOf`. As `floorOf`. */
  above(value: number): number {
    const floor = this.floorOf(value);
    const k = floor / this.unit;
    const step = k >= 2 ** 31 ? this.farStep(k) : 2 ** (32 - Math.clz32(k >>> this.shift));
    return floor + step * this.unit;
  }

  /** The step above k ≥ 2^31 units, in units. */
  private farStep(k: number): number {
    return 2 ** (32 - Math.clz32(Math.floor(k / 2 ** 31))) * 2 ** (31 - this.shift);
  }
}
