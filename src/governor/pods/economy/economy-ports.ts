/** What the economy reads of the scheduler's state. */
import type { Demand } from '../../../model/demand.ts';
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import type { TenantTable } from '../../../model/tenants.ts';
import type { PayingPod } from './pod-market.ts';

/** A pod that counts on a node. */
export interface PlacedPod {
  readonly tenant: number;
  readonly sequence: number;
  readonly demand: Demand;
  readonly slot: number;
  readonly pod: PayingPod;
}

/** The nodes, by slot; kinds of pods are the ids of their shapes. */
export interface EconomyNodes {
  /** Slots ever used. */
  readonly slotCount: number;
  /** @returns Undefined: no node is in that slot. */
  nodeAt(slot: number): NodeDescription | undefined;
  /** @returns True if pods count on the node of a slot. */
  hasPods(slot: number): boolean;
  /** @returns The template of a kind of pods, the same object while the kind is known; undefined: it is not. */
  templateOf(kind: number): PodTemplate | undefined;
  /** @returns True if an empty node in the slot has room for a pod of a kind. */
  couldFit(slot: number, kind: number): boolean;
}

/** All of it. */
export interface EconomyPorts extends EconomyNodes {
  readonly timeSeconds: number;
  /** The keys of the pods known, by number. */
  readonly tenants: TenantTable;
  /** The pods that count on known nodes, in the order in which they were met. O(pods). */
  placedPods(): Iterable<PlacedPod>;
}
