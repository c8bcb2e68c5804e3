/**
 * The running pods, linked by node and by job.
 *
 * One record of 24 bytes for each pod in a single array of integers (for the reason see `zone-jobs.ts`), and 4 bytes
 * for each node.
 *
 * Invariants: every pod in use is in exactly one node's list and one job's chain; a job's chain is in member order;
 * freed records are used again before the table grows.
 */

import { assert } from '../../kernel/assert.ts';
import { grown } from '../../kernel/grown.ts';

/** Pods that a new table has room for. */
const CAPACITY_FIRST = 64;

/** Integers in a record, and the places of the fields. */
const INTS = 6;
const JOB = 0;
const NODE = 1;
const GPU_MASK = 2;
const NEXT_ON_NODE = 3;
const PREVIOUS_ON_NODE = 4;
/** Links the free records too. */
const NEXT_OF_JOB = 5;

/** Records by pod index. Written by its zone only. */
export class PodTable {
  /** Pods in use. */
  count = 0;
  /** @shape [capacity × INTS] */
  private ints: Int32Array = new Int32Array(CAPACITY_FIRST * INTS);
  /** @shape [nodes] first pod on each node, −1 if none. */
  private firstsOnNode: Int32Array = new Int32Array(CAPACITY_FIRST).fill(-1);
  private used = 0;
  private free = -1;

  /** Bytes that the records hold. */
  get bytes(): number {
    return this.ints.byteLength + this.firstsOnNode.byteLength;
  }

  /**
   * Enters a pod at the end of its job's chain.
   *
   * @param previous The job's member before, −1 for the first.
   * @returns        The pod's index. Amortised O(1).
   */
  add(job: number, node: number, gpuMask: number, previous: number): number {
    assert(node >= 0, 'a pod on no node');
    assert(
      previous < 0 || this.isLastOf(job, previous),
      'a member follows a pod that is not the last of its job',
    );
    const pod = this.take();
    const first = this.firstOnNode(node);
    const { ints } = this;
    const at = pod * INTS;
    ints[at + JOB] = job;
    ints[at + NODE] = node;
    ints[at + GPU_MASK] = gpuMask;
    ints[at + NEXT_ON_NODE] = first;
    ints[at + PREVIOUS_ON_NODE] = -1;
    ints[at + NEXT_OF_JOB] = -1;
    if (previous >= 0) ints[previous * INTS + NEXT_OF_JOB] = pod;
    if (first >= 0) ints[first * INTS + PREVIOUS_ON_NODE] = pod;
    this.setFirst(node, pod);
    this.count++;
    return pod;
  }

  /** Removes a pod from its node's list and frees its record. @returns The next member of its job, or −1. O(1). */
  remove(pod: number): number {
    const { ints } = this;
    const at = pod * INTS;
    assert((ints[at + JOB] as number) >= 0, 'pod removed twice');
    const before = ints[at + PREVIOUS_ON_NODE] as number;
    const after = ints[at + NEXT_ON_NODE] as number;
    if (before >= 0) ints[before * INTS + NEXT_ON_NODE] = after;
    else this.firstsOnNode[ints[at + NODE] as number] = after;
    if (after >= 0) ints[after * INTS + PREVIOUS_ON_NODE] = before;
    const next = ints[at + NEXT_OF_JOB] as number;
    ints[at + JOB] = -1;
    ints[at + NEXT_OF_JOB] = this.free;
    this.free = pod;
    this.count--;
    return next;
  }

  /** Takes the member behind this one out of its job's chain. `remove` has to follow. O(1). */
  skipNext(pod: number): void {
    const { ints } = this;
    const next = ints[pod * INTS + NEXT_OF_JOB] as number;
    assert(next >= 0, 'no member follows');
    ints[pod * INTS + NEXT_OF_JOB] = ints[next * INTS + NEXT_OF_JOB] as number;
  }

  /** @returns The pod's job, −1 if the record is free. */
  jobOf(pod: number): number {
    return this.ints[pod * INTS + JOB] as number;
  }

  /** @returns The pod's node. */
  nodeOf(pod: number): number {
    return this.ints[pod * INTS + NODE] as number;
  }

  /** @returns GPU numbers of its node as bits. */
  gpuMaskOf(pod: number): number {
    return this.ints[pod * INTS + GPU_MASK] as number;
  }

  /** @returns The next pod in its node's list, −1 at the end. */
  nextOnNode(pod: number): number {
    return this.ints[pod * INTS + NEXT_ON_NODE] as number;
  }

  /** @returns The pod before in its node's list, −1 at the start. */
  previousOnNode(pod: number): number {
    return this.ints[pod * INTS + PREVIOUS_ON_NODE] as number;
  }

  /** @returns The next member of its job, −1 after the last. */
  nextOfJob(pod: number): number {
    return this.ints[pod * INTS + NEXT_OF_JOB] as number;
  }

  /** @returns A pod on the node, the start of its list, or −1. */
  firstOnNode(node: number): number {
    return node < this.firstsOnNode.length ? (this.firstsOnNode[node] as number) : -1;
  }

  private isLastOf(job: number, pod: number): boolean {
    const at = pod * INTS;
    return this.ints[at + JOB] === job && this.ints[at + NEXT_OF_JOB] === -1;
  }

  private setFirst(node: number, pod: number): void {
    if (node >= this.firstsOnNode.length) {
      this.firstsOnNode = grown(this.firstsOnNode, Math.max(node + 1, this.firstsOnNode.length * 2), -1);
    }
    this.firstsOnNode[node] = pod;
  }

  private take(): number {
    const pod = this.free;
    if (pod >= 0) {
      this.free = this.ints[pod * INTS + NEXT_OF_JOB] as number;
      return pod;
    }
    if (this.used * INTS === this.ints.length) {
      this.ints = grown(this.ints, this.ints.length * 2);
    }
    return this.used++;
  }
}
