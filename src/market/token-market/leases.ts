/**
 * Leases: what runs, for whom and at which rate. A table of columns whose slots are used again.
 */
import { assert } from '../../kernel/assert.ts';

const CAPACITY_FIRST = 64;

/** Leases by slot. Single writer: the market. */
export class Leases {
  /** @shape [capacity] −1: the slot is free. */
  tenants: Int32Array = new Int32Array(CAPACITY_FIRST).fill(-1);
  flavors: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] Milli-units. */
  millis: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] Micro-tokens an hour at the price quoted at its start. */
  rates: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] Start, µs. */
  starts: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] Micro-tokens set aside at its start. */
  commitments: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Leases that run. */
  count = 0;
  private free: number[] = [];
  private used = 0;

  /** @returns A slot. Amortised O(1). */
  add(
    tenant: number,
    flavor: number,
    milli: number,
    rate: number,
    start: number,
    commitment: number,
  ): number {
    const slot = this.free.pop() ?? this.used++;
    if (slot === this.tenants.length) this.widen();
    this.tenants[slot] = tenant;
    this.flavors[slot] = flavor;
    this.millis[slot] = milli;
    this.rates[slot] = rate;
    this.starts[slot] = start;
    this.commitments[slot] = commitment;
    this.count++;
    return slot;
  }

  /** Frees a slot. @param slot Of a lease that runs. */
  remove(slot: number): void {
    assert((this.tenants[slot] ?? -1) >= 0, 'a lease ends that does not run');
    this.tenants[slot] = -1;
    this.count--;
    this.free.push(slot);
  }

  private widen(): void {
    const wider = <T extends Float64Array | Int32Array>(column: T, next: T): T => {
      next.set(column);
      return next;
    };
    const capacity = 2 * this.tenants.length;
    this.tenants = wider(this.tenants, new Int32Array(capacity));
    this.flavors = wider(this.flavors, new Int32Array(capacity));
    this.millis = wider(this.millis, new Float64Array(capacity));
    this.rates = wider(this.rates, new Float64Array(capacity));
    this.starts = wider(this.starts, new Float64Array(capacity));
    this.commitments = wider(this.commitments, new Float64Array(capacity));
  }
}
