/**
 * Rent of scarce hardware: the cost of a GPU of one model beyond the capacity it strands.
 *
 * Where many pods name their GPU model, indifferent pods should not use it up. The rent of model f is λ · milli-GPU ·
 * min(cap, share_f · free / free_f): share_f is the part of the arriving GPU demand that is bound to f (a pod bound to
 * several models counts for each by capacity), free_f the free part of f. It rises as the demand bound to f outgrows
 * its part of the free capacity, and is 0 where nothing is bound. No horizon is needed.
 */

import { assert } from '../kernel/assert.ts';
import { grown } from '../kernel/grown.ts';
import type { ClusterState, Flavor } from '../model/cluster-state.ts';
import type { Demand } from '../model/demand.ts';
import { GPU_MILLI } from '../model/node.ts';

/** Settings of the rent. */
export interface RentOptions {
  /** λ ≥ 0, milli-GPU of rent per milli-GPU requested. */
  readonly lambda: number;
  /** Cap of the scarcity factor. */
  readonly scarcityMax: number;
  /** Arrivals of GPU pods after which one counts half. */
  readonly halfLifePods: number;
}

/** `docs/field.md` says how these were found. */
export const RENT_DEFAULTS: RentOptions = { lambda: 0.25, scarcityMax: 4, halfLifePods: 20_000 };

/** Label of the group of nodes without GPUs. */
const WITHOUT_GPU = '(none)';

/** The inputs of one group's rent, in milli-GPU. */
export interface GroupSums {
  /** Undefined: nodes without GPUs. */
  readonly gpuModel: string | undefined;
  /** Idle, and in all, on nodes that are up. */
  readonly freeMilli: number;
  readonly capacityMilli: number;
  /** Decayed demand that is bound to the group. */
  readonly boundMilli: number;
}

/** Groups of flavours that share a rent: one a GPU model, and one for nodes without GPUs. */
export class FlavorRent {
  /** Groups known. */
  groupCount = 0;
  /** Label of each group: the GPU model, '' without GPUs. */
  readonly labels: string[] = [];
  private readonly cluster: ClusterState;
  private readonly options: RentOptions;
  private readonly groupByModel = new Map<string, number>();
  /** By flavour id. */
  private readonly groupOfFlavor: number[] = [];
  /** Idle milli-GPU and capacity of nodes that are up, by group. */
  private readonly free: number[] = [];
  private readonly capacity: number[] = [];
  private freeTotal = 0;
  /** Decayed GPU demand that is bound to the group, and all of it. */
  private readonly bound: number[] = [];
  private demandTotal = 0;
  private sinceDecay = 0;
  /** Contribution of each node to `free`; 0 while it is down. @shape [nodes] */
  private counted: Int32Array;
  /** Contribution of each node to the capacity. @shape [nodes] as GPUs */
  private countedGpus: Int32Array;

  constructor(cluster: ClusterState, options: RentOptions = RENT_DEFAULTS) {
    assert(
      options.lambda >= 0 && options.scarcityMax >= 0 && options.halfLifePods > 0,
      'a rent out of its domain',
    );
    this.cluster = cluster;
    this.options = options;
    this.counted = new Int32Array(Math.max(16, cluster.nodeCount));
    this.countedGpus = new Int32Array(this.counted.length);
    for (let node = 0; node < cluster.nodeCount; node++) this.update(node);
  }

  /** @returns The group of a flavour. O(1). */
  groupOf(flavorId: number): number {
    while (this.groupOfFlavor.length <= flavorId) {
      const flavor = this.cluster.flavors[this.groupOfFlavor.length] as Flavor;
      this.groupOfFlavor.push(this.internGroup(flavor.gpuCount > 0 ? `${flavor.gpuModel}` : WITHOUT_GPU));
    }
    return this.groupOfFlavor[flavorId] as number;
  }

  /** Brings the free GPU of a node's group up to date. @returns By how many milli-GPU it grew. O(1). */
  update(node: number): number {
    if (node >= this.counted.length) this.growNodes(node + 1);
    const { cluster } = this;
    const group = this.groupOf(cluster.flavorIds[node] as number);
    const free = cluster.up[node] === 1 ? (cluster.freeGpuMilli[node] as number) : 0;
    const change = free - (this.counted[node] as number);
    if (change !== 0) {
      this.free[group] = (this.free[group] as number) + change;
      this.freeTotal += change;
      this.counted[node] = free;
    }
    const gpus = cluster.up[node] === 1 ? cluster.gpuSlots(node) + cluster.unnumberedGpus(node).size : 0;
    if (gpus !== this.countedGpus[node]) {
      this.capacity[group] = (this.capacity[group] as number) + gpus - (this.countedGpus[node] as number);
      this.countedGpus[node] = gpus;
    }
    return change;
  }

  /** Counts an arrival of `pods` equal pods. O(1), or O(groups) for a constrained demand. */
  demandSeen(demand: Demand, pods: number): void {
    if (demand.gpuCount === 0) return;
    const amount = demand.gpuTotalMilli * pods;
    this.demandTotal += amount;
    if (demand.constraintId !== 0) this.bind(demand, amount);
    this.sinceDecay += pods;
    if (this.sinceDecay >= this.options.halfLifePods) this.decay();
  }

  /** @returns Rent of a demand on a group, in milli-GPU. O(1). */
  rent(demand: Demand, group: number): number {
    const bound = this.bound[group] as number;
    if (bound === 0 || demand.gpuCount === 0) return 0;
    const scarcity = ((bound / this.demandTotal) * this.freeTotal) / Math.max(1, this.free[group] as number);
    return this.options.lambda * demand.gpuTotalMilli * Math.min(this.options.scarcityMax, scarcity);
  }

  /** Decayed demand of all arrivals, milli-GPU. */
  get demandMilli(): number {
    return this.demandTotal;
  }

  /** @returns The sums of a group, from which rents of several zones can be computed. O(1). */
  sumsOf(group: number): GroupSums {
    const label = this.labels[group] as string;
    return {
      gpuModel: label === WITHOUT_GPU ? undefined : label,
      freeMilli: this.free[group] as number,
      capacityMilli: GPU_MILLI * (this.capacity[group] as number),
      boundMilli: this.bound[group] as number,
    };
  }

  private bind(demand: Demand, amount: number): void {
    const allowed = new Uint8Array(this.groupCount);
    let total = 0;
    let all = true;
    for (let f = 0; f < this.cluster.flavors.length; f++) {
      const group = this.groupOf(f);
      if (this.cluster.allows(f, demand.constraintId)) allowed[group] = 1;
    }
    for (let group = 0; group < allowed.length; group++) {
      if (allowed[group] === 1) total += this.capacity[group] as number;
      else if ((this.capacity[group] as number) > 0) all = false;
    }
    if (all || total === 0) return;
    for (let group = 0; group < allowed.length; group++) {
      if (allowed[group] === 0) continue;
      this.bound[group] = (this.bound[group] as number) + (amount * (this.capacity[group] as number)) / total;
    }
  }

  private decay(): void {
    this.sinceDecay = 0;
    this.demandTotal /= 2;
    for (let group = 0; group < this.bound.length; group++)
      this.bound[group] = (this.bound[group] as number) / 2;
  }

  private internGroup(model: string): number {
    let group = this.groupByModel.get(model);
    if (group === undefined) {
      group = this.groupCount++;
      this.groupByModel.set(model, group);
      this.labels.push(model);
      this.free.push(0);
      this.capacity.push(0);
      this.bound.push(0);
    }
    return group;
  }

  private growNodes(count: number): void {
    const n = Math.max(count, 2 * this.counted.length);
    this.counted = grown(this.counted, n);
    this.countedGpus = grown(this.countedGpus, n);
  }
}
