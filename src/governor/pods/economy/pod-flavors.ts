/**
 * The flavours of a market on the nodes of a Kubernetes cluster.
 *
 * A node's flavour is read when its slot is described, and stays until the slot is free or described without pods on it:
 * what is held there is released on the flavour that it was held on. `isStale` reports that a node with pods is now of
 * another flavour; then the accounts are made again.
 */
import { flavorOfHardware } from '../../../market/tenants/market-flavors.ts';
import { type MarketSpec, QUOTA_CPU, QUOTA_GPU, QUOTA_MEMORY } from '../../../market/tenants/spec.ts';
import type { Demand } from '../../../model/demand.ts';
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import { GPU_MILLI } from '../../../model/node.ts';
import { GPU_RESOURCES, gpuModelOf } from '../../../model/readers/gpus.ts';
import { BYTES_PER_MIB } from '../../../model/units.ts';
import { type FlavorMap, flavorBit } from '../../node-flavors.ts';
import { couldRunOn } from './could-run-on.ts';
import type { EconomyNodes } from './economy-ports.ts';

/** Stands for a slot without a node. */
const NO_NODE = -2;

/** A change of capacity that is not reported yet. */
interface Delta {
  readonly flavor: number;
  readonly sign: 1 | -1;
  readonly node: NodeDescription;
}

/** Reads a scheduler's nodes. */
export class PodFlavors implements FlavorMap {
  /** True if a node that has pods is of another flavour than it counts as. */
  isStale = false;
  private readonly nodes: EconomyNodes;
  private readonly market: MarketSpec;
  /** By slot: number of its flavour, −1 for none, NO_NODE. */
  private readonly flavors: number[] = [];
  /** By slot: the description whose capacity was reported. */
  private readonly counted: (NodeDescription | undefined)[] = [];
  private deltas: Delta[] = [];
  /** Grows when a node comes, goes, or is described differently: masks of before are void. */
  private version = 1;
  /** By template: the flavours that serve it, and the version that they were found at. */
  private readonly masks = new WeakMap<PodTemplate, { mask: number; version: number }>();

  constructor(nodes: EconomyNodes, market: MarketSpec) {
    this.nodes = nodes;
    this.market = market;
    for (let slot = 0; slot < nodes.slotCount; slot++) this.nodeChanged(slot);
    this.isStale = false;
  }

  /** The node of a slot is new, described differently, or gone. O(flavours). */
  nodeChanged(slot: number): void {
    const node = this.nodes.nodeAt(slot);
    const before = this.counted[slot];
    if (node === before) return;
    this.version++;
    const was = this.flavors[slot] ?? NO_NODE;
    let flavor = node === undefined ? NO_NODE : this.flavorOf(node);
    const isKept = was !== NO_NODE && flavor !== was && this.nodes.hasPods(slot);
    if (isKept) {
      this.isStale = true;
      flavor = was;
    }
    this.flavors[slot] = flavor;
    this.counted[slot] = node;
    if (before !== undefined && was >= 0) this.deltas.push({ flavor: was, sign: -1, node: before });
    if (node !== undefined && flavor >= 0) this.deltas.push({ flavor, sign: 1, node });
  }

  ofNode(slot: number): number {
    const flavor = this.flavors[slot] ?? -1;
    return flavor === NO_NODE ? -1 : flavor;
  }

  /** @param kind Id of the shape. O(nodes) after a change of nodes, usually O(flavours). */
  servingMask(_demand: Demand, kind = -1): number {
    const template = this.nodes.templateOf(kind);
    if (template === undefined) return 0;
    const known = this.masks.get(template);
    if (known?.version === this.version) return known.mask;
    const mask = this.findMask(kind, template);
    this.masks.set(template, { mask, version: this.version });
    return mask;
  }

  /** The demand itself: placements heed `Ask.flavors`. */
  narrow(demand: Demand): Demand {
    return demand;
  }

  countNew(add: (flavor: number, resource: number, amount: number) => void): void {
    if (this.deltas.length === 0) return;
    const { deltas } = this;
    this.deltas = [];
    for (const { flavor, sign, node } of deltas) {
      add(flavor, QUOTA_CPU, sign * node.cpuMilli);
      add(flavor, QUOTA_MEMORY, sign * Math.floor(node.memoryBytes / BYTES_PER_MIB));
      add(flavor, QUOTA_GPU, sign * GPU_MILLI * gpusOf(node));
    }
  }

  /** Stops as soon as every flavour is known to serve the kind. */
  private findMask(kind: number, template: PodTemplate): number {
    const { nodes } = this;
    const all = 2 ** (this.market.flavors.length + 1) - 1;
    let mask = 0;
    let found = 0;
    for (let slot = 0; slot < nodes.slotCount && found < all; slot++) {
      const node = nodes.nodeAt(slot);
      if (node === undefined) continue;
      const flavor = this.ofNode(slot);
      const bit = flavorBit(flavor);
      if ((mask & bit) !== 0 || !nodes.couldFit(slot, kind)) continue;
      if (!couldRunOn(template, node)) continue;
      mask |= bit;
      found += 2 ** (flavor + 1);
    }
    return mask;
  }

  private flavorOf({ labels }: NodeDescription): number {
    return flavorOfHardware(this.market, { gpuModel: gpuModelOf(labels), labels });
  }
}

function gpusOf({ extended }: NodeDescription): number {
  return GPU_RESOURCES.reduce((sum, name) => sum + (extended[name] ?? 0), 0);
}
