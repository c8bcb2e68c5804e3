/**
 * Sparrow's reservations: each represents a pod that may come, in the queue of one node, first in, first out.
 *
 * A reservation that has been taken from its queue keeps its slot while its node waits for the scheduler's answer, and
 * while the pod runs that it was given; then the slot is used again.
 */
import { grown } from '../../src/kernel/grown.ts';

/** Queues by node. 12 bytes a node and 16 a reservation. */
export class ReservationQueues {
  /** Most reservations in the queue of one node. */
  readonly lengthMax: number;
  /** @shape [slots] */
  nodes: Int32Array = new Int32Array(1024);
  /** The purpose of a reservation. @shape [slots] */
  owners: Int32Array = new Int32Array(1024);
  /** GPUs that are held for it. @shape [slots] */
  masks: Int32Array = new Int32Array(1024);
  /** The next in the queue, or the next free slot; −1: none. @shape [slots] */
  private nexts: Int32Array = new Int32Array(1024);
  /** @shape [nodes] −1: empty */
  private readonly heads: Int32Array;
  private readonly tails: Int32Array;
  private readonly lengths: Int32Array;
  private freeSlot = -1;
  private slots = 0;

  /** @param nodes Of the cluster. @param lengthMax Most reservations in one queue; ≥ 1. */
  constructor(nodes: number, lengthMax: number) {
    this.lengthMax = lengthMax;
    this.heads = new Int32Array(nodes).fill(-1);
    this.tails = new Int32Array(nodes).fill(-1);
    this.lengths = new Int32Array(nodes);
  }

  /** @returns A new reservation, in no queue yet. */
  take(node: number, owner: number): number {
    let slot = this.freeSlot;
    if (slot >= 0) {
      this.freeSlot = this.nexts[slot] as number;
    } else {
      slot = this.slots++;
      if (slot === this.nodes.length) this.grow();
    }
    this.nodes[slot] = node;
    this.owners[slot] = owner;
    return slot;
  }

  /** Ends a reservation that is in no queue. */
  drop(slot: number): void {
    this.nexts[slot] = this.freeSlot;
    this.freeSlot = slot;
  }

  /** Puts a reservation at the end of its node's queue. @returns True if there was room. */
  push(slot: number): boolean {
    const node = this.nodes[slot] as number;
    if ((this.lengths[node] as number) >= this.lengthMax) return false;
    this.lengths[node] = (this.lengths[node] as number) + 1;
    this.nexts[slot] = -1;
    const last = this.tails[node] as number;
    if (last >= 0) this.nexts[last] = slot;
    else this.heads[node] = slot;
    this.tails[node] = slot;
    return true;
  }

  /** @returns The first reservation of a node's queue, −1 if it is empty. */
  first(node: number): number {
    return this.heads[node] as number;
  }

  /** @returns The reservation behind one that is in a queue, −1 if it is the last. */
  after(slot: number): number {
    return this.nexts[slot] as number;
  }

  /** Takes a reservation out of its queue. @param before The one before it, −1 if it is the first. */
  remove(slot: number, before: number): void {
    const node = this.nodes[slot] as number;
    const next = this.nexts[slot] as number;
    if (before < 0) this.heads[node] = next;
    else this.nexts[before] = next;
    if (next < 0) this.tails[node] = before;
    this.lengths[node] = (this.lengths[node] as number) - 1;
  }

  private grow(): void {
    const capacity = 2 * this.nodes.length;
    this.nodes = grown(this.nodes, capacity);
    this.owners = grown(this.owners, capacity);
    this.masks = grown(this.masks, capacity);
    this.nexts = grown(this.nexts, capacity);
  }
}
