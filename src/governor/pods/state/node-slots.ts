/** Nodes by slot: a dense index that is reused once a node is gone, and the pods on each node. */
import { assert } from '../../../kernel/assert.ts';
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import { type NodeState, PLAIN_STATE, pressureBits, pressuresOf } from '../../../model/node-state.ts';
import type { PodRecord } from './pod-records.ts';

/** Slots of nodes. Single writer. */
export class NodeSlots {
  /** Slots ever used; those of nodes that are gone have no description. */
  count = 0;
  /** Nodes there are. */
  live = 0;
  readonly descriptions: (NodeDescription | undefined)[] = [];
  /** Guards' reports of nodes; undefined: none. */
  readonly reported: (NodeState | undefined)[] = [];
  /** Pods on each node, in no particular order. */
  readonly pods: PodRecord[][] = [];
  private readonly slotByName = new Map<string, number>();
  private readonly free: number[] = [];

  /** @returns The slot of a node, or −1. */
  slotOf(name: string): number {
    return this.slotByName.get(name) ?? -1;
  }

  /** @returns The name of the node in a slot; '' if there is none. */
  nameOf(slot: number): string {
    return this.descriptions[slot]?.name ?? '';
  }

  /**
   * @returns The reports of kubelet and guard about the node in a slot: pressure reported by either, power by a report, else by
   *   the node's conditions.
   */
  stateOf(slot: number): NodeState {
    const reported = this.reported[slot];
    const { pressure = PLAIN_STATE.pressure, powerHeadroomWatts } = this.descriptions[slot] ?? {};
    const known = powerHeadroomWatts === undefined ? {} : { powerHeadroomWatts };
    if (reported !== undefined) {
      const both = pressuresOf(pressureBits(pressure) | pressureBits(reported.pressure));
      return { ...known, ...reported, pressure: both };
    }
    return pressure.length === 0 && powerHeadroomWatts === undefined ? PLAIN_STATE : { ...known, pressure };
  }

  /** Describes a node, new or known. @returns Its slot. */
  set(node: NodeDescription): number {
    let slot = this.slotOf(node.name);
    if (slot < 0) {
      slot = this.free.pop() ?? this.count++;
      this.slotByName.set(node.name, slot);
      this.pods[slot] = [];
      this.live++;
    }
    this.descriptions[slot] = node;
    return slot;
  }

  /** Frees the slot of a node that is gone. */
  remove(slot: number): void {
    // Freed twice, it would be given to two nodes.
    assert(this.descriptions[slot] !== undefined, 'a slot is freed that no node has');
    this.slotByName.delete(this.nameOf(slot));
    this.descriptions[slot] = undefined;
    if (slot < this.reported.length) this.reported[slot] = undefined;
    this.pods[slot] = [];
    this.free.push(slot);
    this.live--;
  }

  /** Puts a pod into its node's list. */
  addPod(slot: number, pod: PodRecord): void {
    const pods = this.pods[slot] as PodRecord[];
    pod.place = pods.length;
    pods.push(pod);
  }

  /** Takes a pod out of its node's list. O(1). */
  removePod(slot: number, pod: PodRecord): void {
    const pods = this.pods[slot] as PodRecord[];
    assert(pods[pod.place] === pod, 'a pod leaves a node that it is not on');
    const last = pods.pop() as PodRecord;
    if (last !== pod) {
      pods[pod.place] = last;
      last.place = pod.place;
    }
  }
}
