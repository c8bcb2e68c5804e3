/**
 * Host room: the room that a node's CPU, memory and further resources leave for pods, as one number in milli-cores.
 *
 * Each resource r can host free_r / ρ_r, where ρ_r is the typical pods' use of r per milli-core; the scarcest decides.
 * So memory and any further resource enter the potential through the same coordinate as CPU, and where CPU is the
 * scarce one host room is simply the free CPU.
 */
import { assert } from '../kernel/assert.ts';
import type { TypicalWorkload } from './typical-workload.ts';

/** How much more of a resource than its mean ratio a pod may need before it counts as scarce. */
const RATIO_MARGIN = 1;

/** Converts free resources to milli-cores of host room, for one typical workload. Immutable. */
export class HostRoom {
  /** Milli-cores per MiB; Infinity: memory is never scarce. */
  readonly perMemory: number;
  /** Milli-cores per unit of each further resource. */
  readonly perExtended: readonly number[];

  /** Only pods with GPUs count, as long as there are any: room for them is the quantity priced. */
  constructor(typical: TypicalWorkload) {
    assert(typical.demands.length === typical.weights.length, 'a typical demand without a weight');
    const gpuPods = typical.demands.some((d, i) => d.gpuCount > 0 && (typical.weights[i] as number) > 0);
    let cpu = 0;
    let memory = 0;
    const extended: number[] = [];
    typical.demands.forEach((demand, i) => {
      if (gpuPods && demand.gpuCount === 0) return;
      const weight = typical.weights[i] as number;
      cpu += weight * demand.cpuMilli;
      memory += weight * demand.memoryMib;
      demand.extended.forEach((amount, r) => {
        extended[r] = (extended[r] ?? 0) + weight * amount;
      });
    });
    this.perMemory = ratio(cpu, memory);
    this.perExtended = Array.from(extended, (amount) => ratio(cpu, amount ?? 0));
  }

  /** @returns Milli-cores, at most cpuMilli. @param extended Free amounts by resource id. */
  of(cpuMilli: number, memoryMib: number, extended: readonly number[]): number {
    let room = cpuMilli;
    if (this.perMemory !== Number.POSITIVE_INFINITY) room = Math.min(room, memoryMib * this.perMemory);
    for (let r = 0; r < this.perExtended.length; r++) {
      const per = this.perExtended[r] as number;
      if (per !== Number.POSITIVE_INFINITY) room = Math.min(room, (extended[r] ?? 0) * per);
    }
    return room;
  }
}

/** Milli-cores that one unit stands for; Infinity where no pod requests the resource (or CPU). */
function ratio(cpu: number, amount: number): number {
  return amount > 0 && cpu > 0 ? (RATIO_MARGIN * cpu) / amount : Number.POSITIVE_INFINITY;
}
