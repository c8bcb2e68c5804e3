/**
 * Pods by ascending expected end. Of equal ends, the pod met first comes first.
 *
 * One number for each pod, milliseconds before its index, so that they are sorted without a comparison function: some
 * milliseconds for 10⁵. What that cannot order (ends of one millisecond, ends far away) is put in order afterwards.
 */
import type { PodRecord } from '../state/pod-records.ts';

/** A pod on a node and when it is expected to end. */
export interface PodEnd {
  readonly pod: PodRecord;
  /** Seconds, not before now; Infinity: unknown. */
  readonly endSeconds: number;
}

/** Pods that an index has room for, and milliseconds before it: their product is at most 2^53. */
const PODS_MAX = 2 ** 21;
const MILLIS_MAX = 2 ** 32 - 1;

/** See the head of the file. O(pods log pods) to make. */
export class OrderedEnds {
  private readonly pods: readonly PodRecord[];
  /** [pod] */
  private readonly ends: Float64Array;
  /** Numbers of pods in order. */
  private readonly order: Int32Array;

  /** @param endOf When a pod is expected to end; never NaN. */
  constructor(pods: readonly PodRecord[], endOf: (pod: PodRecord) => number) {
    this.pods = pods;
    this.ends = new Float64Array(pods.length);
    let first = Number.POSITIVE_INFINITY;
    for (let i = 0; i < pods.length; i++) {
      const end = endOf(pods[i] as PodRecord);
      this.ends[i] = end;
      first = Math.min(first, end);
    }
    this.order = new Int32Array(pods.length);
    this.sort(first);
  }

  /** @returns The end at a position in order; undefined: there are fewer. O(1). */
  at(position: number): PodEnd | undefined {
    const i = this.order[position];
    return i === undefined
      ? undefined
      : { pod: this.pods[i] as PodRecord, endSeconds: this.ends[i] as number };
  }

  private sort(firstSeconds: number): void {
    const { ends, order } = this;
    const isPacked = order.length <= PODS_MAX && firstSeconds < Number.POSITIVE_INFINITY;
    const keys = new Float64Array(order.length);
    for (let i = 0; i < keys.length; i++) {
      const millis = isPacked ? Math.floor(((ends[i] as number) - firstSeconds) * 1000) : MILLIS_MAX;
      keys[i] = Math.min(millis, MILLIS_MAX) * PODS_MAX + i;
    }
    keys.sort();
    let sorted = 0;
    for (; sorted < keys.length; sorted++) {
      const key = keys[sorted] as number;
      if (key >= MILLIS_MAX * PODS_MAX) break;
      this.insert(sorted, key % PODS_MAX);
    }
    const far = [...keys.subarray(sorted)].map((key) => key - MILLIS_MAX * PODS_MAX);
    order.set(
      far.sort((x, y) => this.compare(x, y)),
      sorted,
    );
  }

  /** Behind all that are not later: a few steps, within a millisecond. */
  private insert(at: number, pod: number): void {
    const { order } = this;
    let to = at;
    for (; to > 0 && this.compare(order[to - 1] as number, pod) > 0; to--)
      order[to] = order[to - 1] as number;
    order[to] = pod;
  }

  private compare(x: number, y: number): number {
    // NaN: both are unknown.
    return (this.ends[x] as number) - (this.ends[y] as number) || x - y;
  }
}
