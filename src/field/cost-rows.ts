/**
 * The cost of each class to each demand: a matrix of 32-bit numbers, a row a class, a column a demand.
 *
 * Cells: a cost (ΔV in milli-GPU), Infinity where the demand does not surely fit, NaN where the cost has not been
 * computed. Why a row a class: the most frequent change is that one class gets its first node, which concerns all
 * demands.
 */
import { assert } from '../kernel/assert.ts';

/** Costs of classes by demand slot. Single writer. */
export class CostRows {
  /** @shape [classes × stride] */
  cells: Float32Array;
  /** Capacity in columns. */
  stride = 16;
  /** Capacity in rows. */
  private capacity = 1024;

  constructor() {
    this.cells = new Float32Array(this.capacity * this.stride).fill(Number.NaN);
  }

  /** Makes room for rows [0, rows) and columns [0, columns). Amortised O(1) a cell. */
  widen(rows: number, columns: number): void {
    if (rows <= this.capacity && columns <= this.stride) return;
    assert(rows >= 0 && columns >= 0, 'a negative number of rows or columns');
    const { cells, stride, capacity } = this;
    const from = Math.min(capacity, rows);
    this.capacity = rows <= capacity ? capacity : Math.max(rows, 2 * capacity);
    this.stride = columns <= stride ? stride : 16 * Math.ceil(Math.max(columns, 1.25 * stride) / 16);
    this.cells = new Float32Array(this.capacity * this.stride).fill(Number.NaN);
    if (this.stride === stride) {
      this.cells.set(cells);
      return;
    }
    for (let row = 0; row < from; row++) {
      this.cells.set(cells.subarray(row * stride, (row + 1) * stride), row * this.stride);
    }
  }

  /** Forgets everything. O(cells). */
  clear(): void {
    this.cells.fill(Number.NaN);
  }

  /** Clears a column. O(rows). */
  clearColumn(column: number): void {
    for (let at = column; at < this.cells.length; at += this.stride) this.cells[at] = Number.NaN;
  }

  /** Gives rows new numbers, in the order of the old ones. @param ids New row by old row, −1: it goes. O(cells). */
  renumber(ids: Int32Array): void {
    const { cells, stride } = this;
    let kept = 0;
    for (let row = 0; row < ids.length && row < this.capacity; row++) {
      if ((ids[row] as number) < 0) continue;
      cells.copyWithin(kept * stride, row * stride, (row + 1) * stride);
      kept++;
    }
    cells.fill(Number.NaN, kept * stride);
  }

  /** Bytes of the matrix. */
  get bytes(): number {
    return this.cells.byteLength;
  }
}

/**
 * Collects those of some slots whose cost in the row at `at` is not above its limit, or is unknown.
 *
 * @param limits  By slot. @param reached Gets the slots. @returns How many.
 */
export function slotsReached(
  cells: Float32Array,
  at: number,
  limits: Float32Array,
  slots: Int32Array,
  reached: Int32Array,
): number {
  const { length } = slots;
  let count = 0;
  let i = 0;
  // No branch: the reached slots cannot be predicted. Four a turn: a sixth of the time was the loop's own.
  for (; i + 3 < length; i += 4) {
    const a = slots[i] as number;
    const b = slots[i + 1] as number;
    const c = slots[i + 2] as number;
    const d = slots[i + 3] as number;
    reached[count] = a;
    count += Number(!((cells[at + a] as number) > (limits[a] as number)));
    reached[count] = b;
    count += Number(!((cells[at + b] as number) > (limits[b] as number)));
    reached[count] = c;
    count += Number(!((cells[at + c] as number) > (limits[c] as number)));
    reached[count] = d;
    count += Number(!((cells[at + d] as number) > (limits[d] as number)));
  }
  for (; i < length; i++) {
    const slot = slots[i] as number;
    reached[count] = slot;
    count += Number(!((cells[at + slot] as number) > (limits[slot] as number)));
  }
  return count;
}
