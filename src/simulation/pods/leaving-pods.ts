/** Pods in their grace period, by the time at which they are gone. */
import { TimeHeap } from '../../kernel/time-heap.ts';
import type { SimulatedPod } from './pod-ledger.ts';

/** Pods that leave. Pods of one time leave in the order in which they were added. */
export class LeavingPods {
  private readonly heap = new TimeHeap();
  private readonly pods: SimulatedPod[] = [];

  get size(): number {
    return this.heap.size;
  }

  /** When the next pod is gone; Infinity: none leaves. */
  get dueSeconds(): number {
    return this.heap.size > 0 ? (this.heap.times[0] as number) : Number.POSITIVE_INFINITY;
  }

  /** O(log leaving). */
  add(pod: SimulatedPod, seconds: number): void {
    this.heap.push(seconds, this.pods.length, this.pods.length);
    this.pods.push(pod);
  }

  /** @returns The next pod that is gone by now, removed; undefined: none is. O(log leaving). */
  takeDue(nowSeconds: number): SimulatedPod | undefined {
    return this.dueSeconds <= nowSeconds ? (this.pods[this.heap.pop()] as SimulatedPod) : undefined;
  }
}
