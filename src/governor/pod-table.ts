/**
 * Which pod is where: running pods in typed arrays, linked by node and by job.
 *
 * Invariants: every pod in use is in exactly one node's list and one job's chain; a job's chain is in member
 * order; freed entries are used again before the table grows. 24 bytes a pod, 4 a node.
 */
import { assert } from '../model/errors.ts';

/** Entries that a new table has room for. */
const CAPACITY_FIRST = 64;

/** Columns by pod index. Written by its zone only. */
export class PodTable {
  /** Pods in use. */
  count = 0;
  /** @shape [capacity] job ids. */
  jobs: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] node indexes. */
  nodes: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] GPU numbers of the node as bits. */
  gpuMasks: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] next pod on the node, −1 at the end. */
  nextsOnNode: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] previous pod on the node, −1 at the start. */
  prevsOnNode: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [capacity] next member of the job, −1 at the end; links the free entries too. */
  nextsOfJob: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** @shape [nodes] first pod on each node, −1 if none. */
  private firstsOnNode: Int32Array = new Int32Array(CAPACITY_FIRST).fill(-1);
  private used = 0;
  private free = -1;

  /**
   * Enters a pod at the end of its job's chain.
   *
   * @param previous The job's member before, −1 for the first.
   * @returns        The pod's index. Amortised O(1).
   */
  add(job: number, node: number, gpuMask: number, previous: number): number {
    const pod = this.take();
    this.jobs[pod] = job;
    this.nodes[pod] = node;
    this.gpuMasks[pod] = gpuMask;
    this.nextsOfJob[pod] = -1;
    if (previous >= 0) this.nextsOfJob[previous] = pod;
    const first = this.firstOnNode(node);
    this.nextsOnNode[pod] = first;
    this.prevsOnNode[pod] = -1;
    if (first >= 0) this.prevsOnNode[first] = pod;
    this.setFirst(node, pod);
    this.count++;
    return pod;
  }

  /** Removes a pod from its node's list and frees its entry. @returns The next member of its job, or −1. O(1). */
  remove(pod: number): number {
    assert((this.jobs[pod] as number) >= 0, 'pod removed twice');
    const before = this.prevsOnNode[pod] as number;
    const after = this.nextsOnNode[pod] as number;
    if (before >= 0) this.nextsOnNode[before] = after;
    else this.firstsOnNode[this.nodes[pod] as number] = after;
    if (after >= 0) this.prevsOnNode[after] = before;
    const next = this.nextsOfJob[pod] as number;
    this.jobs[pod] = -1;
    this.nextsOfJob[pod] = this.free;
    this.free = pod;
    this.count--;
    return next;
  }

  /** @returns A pod on the node, the start of its list, or −1. */
  firstOnNode(node: number): number {
    return node < this.firstsOnNode.length ? (this.firstsOnNode[node] as number) : -1;
  }

  /** Bytes that the columns hold. */
  get bytes(): number {
    return this.jobs.length * 24 + this.firstsOnNode.byteLength;
  }

  private setFirst(node: number, pod: number): void {
    if (node >= this.firstsOnNode.length) {
      const wider = new Int32Array(Math.max(node + 1, this.firstsOnNode.length * 2)).fill(-1);
      wider.set(this.firstsOnNode);
      this.firstsOnNode = wider;
    }
    this.firstsOnNode[node] = pod;
  }

  private take(): number {
    const pod = this.free;
    if (pod >= 0) {
      this.free = this.nextsOfJob[pod] as number;
      return pod;
    }
    if (this.used === this.jobs.length) this.widen();
    return this.used++;
  }

  private widen(): void {
    const capacity = this.jobs.length * 2;
    this.jobs = widened(this.jobs, capacity);
    this.nodes = widened(this.nodes, capacity);
    this.gpuMasks = widened(this.gpuMasks, capacity);
    this.nextsOnNode = widened(this.nextsOnNode, capacity);
    this.prevsOnNode = widened(this.prevsOnNode, capacity);
    this.nextsOfJob = widened(this.nextsOfJob, capacity);
  }
}

function widened(from: Int32Array, capacity: number): Int32Array {
  const into = new Int32Array(capacity);
  into.set(from);
  return into;
}
