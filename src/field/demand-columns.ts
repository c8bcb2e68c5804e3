/**
 * Demands as columns of numbers, so that a class is priced for all of them in one loop.
 *
 * Rows are sorted by their GPU request: those with equal requests are adjacent. A slot is a demand's number elsewhere,
 * and does not change.
 */
import { assert } from '../kernel/assert.ts';
import type { Demand } from '../model/demand.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX } from '../model/node.ts';

/** Kinds below it request that many whole GPUs; others share kind − SHARING milli of one GPU. */
export const SHARING: number = GPUS_PER_NODE_MAX;

/** Columns of all demands. Single writer. */
export class DemandColumns {
  /** By slot. */
  readonly demands: Demand[] = [];
  /** Slot of each row; the other columns are in the same order. @shape [demands] */
  slots: Int32Array = new Int32Array(0);
  /** GPU request of a demand, see `SHARING`; ascending. @shape [demands] */
  kinds: Int32Array = new Int32Array(0);
  /** @shape [demands] */
  cpuMilli: Int32Array = new Int32Array(0);
  /** @shape [demands] */
  memoryMib: Int32Array = new Int32Array(0);
  /** Whole GPUs requested. @shape [demands] */
  wholeGpus: Int32Array = new Int32Array(0);
  /** Milli-GPU of one shared GPU requested; 0: none. @shape [demands] */
  sharedMilli: Int32Array = new Int32Array(0);
  /** 1 if a constraint or a further resource matters too. @shape [demands] */
  special: Uint8Array = new Uint8Array(0);

  /** Sets the demand of a slot, a new one (the number of slots) or one in use. O(slots log slots). */
  set(slot: number, demand: Demand): void {
    assert(slot >= 0 && slot <= this.demands.length, 'a slot beyond the next new one');
    this.demands[slot] = demand;
    this.sort();
  }

  /** Sets all demands at once, in the order of their slots. O(slots log slots). */
  setAll(demands: readonly Demand[]): void {
    this.demands.length = 0;
    this.demands.push(...demands);
    this.sort();
  }

  /** Bytes of the arrays. */
  get bytes(): number {
    const { slots, kinds, cpuMilli, memoryMib, wholeGpus, sharedMilli, special } = this;
    const columns = [slots, kinds, cpuMilli, memoryMib, wholeGpus, sharedMilli, special];
    return columns.reduce((sum, column) => sum + column.byteLength, 0);
  }

  private sort(): void {
    const order = this.demands.map((_, i) => i).sort((x, y) => this.compare(x, y));
    const sorted = order.map((i) => this.demands[i] as Demand);
    this.slots = Int32Array.from(order);
    this.kinds = Int32Array.from(sorted, kindOf);
    this.cpuMilli = Int32Array.from(sorted, (d) => d.cpuMilli);
    this.memoryMib = Int32Array.from(sorted, (d) => d.memoryMib);
    this.wholeGpus = this.kinds.map((kind) => (kind <= SHARING ? kind : 0));
    this.sharedMilli = this.kinds.map((kind) => (kind <= SHARING ? 0 : kind - SHARING));
    this.special = Uint8Array.from(sorted, (d) => (d.constraintId !== 0 || d.extended.length > 0 ? 1 : 0));
  }

  private compare(x: number, y: number): number {
    const a = this.demands[x] as Demand;
    const b = this.demands[y] as Demand;
    return kindOf(a) - kindOf(b) || a.cpuMilli - b.cpuMilli || x - y;
  }
}

function kindOf(demand: Demand): number {
  return demand.gpuCount > 0 && demand.gpuMilli < GPU_MILLI ? SHARING + demand.gpuMilli : demand.gpuCount;
}
