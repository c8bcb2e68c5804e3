/** The flavours of a market on the nodes of one cluster: which a node has, and which could serve a demand. */
import { flavorOfHardware } from '../market/tenants/market-flavors.ts';
import {
  MARKET_FLAVORS_MAX,
  type MarketSpec,
  QUOTA_CPU,
  QUOTA_GPU,
  QUOTA_MEMORY,
} from '../market/tenants/spec.ts';
import type { ClusterState, Flavor } from '../model/cluster-state.ts';
import type { Demand, Hardware } from '../model/demand.ts';
import { GPU_MILLI } from '../model/node.ts';

/** Stands for nodes of no flavour in sets of flavours: nothing is accounted for there. */
export const NO_FLAVOR_BIT: number = 1 << MARKET_FLAVORS_MAX;

/** Bit of a flavour, or of no flavour for −1. */
export function flavorBit(flavor: number): number {
  return flavor < 0 ? NO_FLAVOR_BIT : 1 << flavor;
}

/** The flavours of the nodes of one caller: those of a zone (`NodeFlavors`), or of a Kubernetes cluster. */
export interface FlavorMap {
  /** @returns The flavour of a node, −1 for none. O(1). */
  ofNode(node: number): number;
  /**
   * @param kind The caller's number of the kind of pod, as in `Ask.kinds`; absent or −1: the demand says all.
   * @returns    The flavours on which an empty node could hold such a pod, as bits. O(1) once known.
   */
  servingMask(demand: Demand, kind?: number): number;
  /** @returns A demand for the nodes of a set of flavours only; the same one where the caller heeds `Ask.flavors`. */
  narrow(demand: Demand, mask: number): Demand;
  /** Calls back for the capacity that was added or, where the amount is negative, lost since the last call. O(changes). */
  countNew(add: (flavor: number, resource: number, amount: number) => void): void;
}

/** Reads one cluster. Knows nodes and hardware that are added later. */
export class NodeFlavors implements FlavorMap {
  private readonly cluster: ClusterState;
  private readonly market: MarketSpec;
  /** By hardware of the cluster. */
  private readonly flavorByHardware: number[] = [];
  /** By demand: the set of flavours, and how many kinds of hardware it was made of. */
  private masks = new Int32Array(64);
  private maskHardware = new Int32Array(64);
  private nodesCounted = 0;

  constructor(cluster: ClusterState, market: MarketSpec) {
    this.cluster = cluster;
    this.market = market;
  }

  /** @returns The flavour of a node, −1 for none. O(1). */
  ofNode(node: number): number {
    return this.ofHardware(this.cluster.flavorIds[node] as number);
  }

  /** @returns The flavours on which an empty node could hold the demand, as bits. O(1) once known. */
  servingMask(demand: Demand): number {
    const { flavors } = this.cluster;
    const { id } = demand;
    if (id >= this.masks.length) this.widen(id);
    if (this.maskHardware[id] === flavors.length) return this.masks[id] as number;
    let mask = 0;
    for (const { id: hardware } of flavors) {
      if (this.cluster.flavorCouldFit(hardware, demand)) mask |= flavorBit(this.ofHardware(hardware));
    }
    this.masks[id] = mask;
    this.maskHardware[id] = flavors.length;
    return mask;
  }

  /** @returns A demand for the nodes of a set of flavours only. */
  narrow(demand: Demand, mask: number): Demand {
    const also = (hardware: Hardware): boolean =>
      (mask & flavorBit(flavorOfHardware(this.market, hardware))) !== 0;
    return this.cluster.demands.narrow(demand, `flavors ${mask}`, also);
  }

  /** Calls back for the capacity of each node that was added since the last call, up or down. O(1) if there is none. */
  countNew(add: (flavor: number, resource: number, amount: number) => void): void {
    const { cluster } = this;
    for (; this.nodesCounted < cluster.nodeCount; this.nodesCounted++) {
      const flavor = this.ofNode(this.nodesCounted);
      if (flavor < 0) continue;
      const { cpuMilli, memoryMib, gpuCount } = cluster.flavorOf(this.nodesCounted);
      add(flavor, QUOTA_CPU, cpuMilli);
      add(flavor, QUOTA_MEMORY, memoryMib);
      add(flavor, QUOTA_GPU, gpuCount * GPU_MILLI);
    }
  }

  private ofHardware(hardware: number): number {
    const { flavorByHardware, cluster, market } = this;
    for (let at = flavorByHardware.length; at <= hardware; at++) {
      flavorByHardware.push(flavorOfHardware(market, cluster.flavors[at] as Flavor));
    }
    return flavorByHardware[hardware] as number;
  }

  private widen(id: number): void {
    const capacity = Math.max(id + 1, 2 * this.masks.length);
    const masks = new Int32Array(capacity);
    masks.set(this.masks);
    this.masks = masks;
    const maskHardware = new Int32Array(capacity);
    maskHardware.set(this.maskHardware);
    this.maskHardware = maskHardware;
  }
}
