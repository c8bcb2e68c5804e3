/**
 * The order in which pods count as started. A claim starts when it is made: what starts before its victims are gone starts after it, so
 * that no equal of its tenant takes the place for which others were evicted.
 */
import { type PodRecord, startedAt } from '../state/pod-records.ts';

/** Numbers of starts; a later start has a larger one. Single writer of them. */
export class StartNumbers {
  private readonly numbers = new WeakMap<PodRecord, number>();
  private next = 1;

  /** @returns The number of a pod that has one; 0: none. */
  of(pod: PodRecord): number {
    return this.numbers.get(pod) ?? 0;
  }

  /** Numbers pods on nodes that have none, by the time of their start, then by arrival. O(n log n) of these. */
  started(pods: Iterable<PodRecord>): void {
    const fresh = [...pods].filter((pod) => !this.numbers.has(pod));
    fresh.sort((x, y) => startedAt(x) - startedAt(y) || x.sequence - y.sequence);
    for (const pod of fresh) this.numbers.set(pod, this.next++);
  }

  /** Room is claimed for a pod: it starts now, after all that has a number. */
  claimed(pod: PodRecord): void {
    this.numbers.set(pod, this.next++);
  }

  /** A claim ends. A pod that did not start with it starts after others again. */
  released(pod: PodRecord): void {
    if (pod.node < 0) this.numbers.delete(pod);
  }
}
