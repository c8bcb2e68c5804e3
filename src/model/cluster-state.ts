/**
 * The free resources of every node: a structure of typed arrays indexed by node.
 *
 * Invariants, asserted on every change: nothing free is negative or above the node's capacity; a GPU's idle part lies
 * in [0, 1000]. A node that is down (lost, cordoned) fits nothing but keeps its accounts.
 * Not here: the pods of each node (the zone's pod table), and any choice.
 */

import { assert } from '../kernel/assert.ts';
import { grown } from '../kernel/grown.ts';
import { isCount32 } from '../kernel/limits.ts';
import type { Constraint, Demand, DemandTable, Hardware } from './demand.ts';
import { TegError } from './errors.ts';
import { GpuReserves } from './gpu-reserve.ts';
import { labelOf, meetsRequirement } from './kubernetes/requirements.ts';
import { SPREAD_GROUPS_MAX } from './limits.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX, type NodeSpec } from './node.ts';

/** Hardware that several nodes share: capacities, GPU model and the labels that jobs can select on. */
export interface Flavor {
  readonly id: number;
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly gpuCount: number;
  readonly gpuModel: string;
  readonly podsMax: number;
  /** By resource id of the demand table. */
  readonly extended: readonly number[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Most distinct flavours: their ids are 16 bits. */
export const FLAVORS_MAX = 65_535;

/** Options of a `ClusterState`. */
export interface ClusterStateOptions {
  /** Label keys that jobs select on; other keys do not distinguish flavours. Absent: every key counts. */
  readonly labelKeys?: ReadonlySet<string>;
  /** Expected nodes; the arrays grow by doubling beyond it. */
  readonly nodesExpected?: number;
}

/** Free resources of all nodes. Single writer. About 50 bytes a node with 8 GPUs. */
export class ClusterState {
  readonly demands: DemandTable;
  readonly flavors: Flavor[] = [];
  /** Names by node index. */
  readonly names: string[] = [];
  nodeCount = 0;
  /** @shape [nodes] free thousandths of a core. */
  freeCpuMilli: Int32Array;
  /** @shape [nodes] free MiB. */
  freeMemoryMib: Int32Array;
  /** @shape [nodes] sum of the idle parts of the node's GPUs. */
  freeGpuMilli: Int32Array;
  /** @shape [nodes] pods on the node. */
  podCounts: Int32Array;
  /** @shape [nodes] flavour ids. */
  flavorIds: Uint16Array;
  /** @shape [nodes] 1: takes pods, 0: down. */
  up: Uint8Array;
  /** Nodes short of memory or power, as their guards report: placement prefers others. Few, and mostly none. */
  readonly short: ReadonlySet<number> = new Set();
  /** @shape [nodes + 1] where the node's GPUs begin in `gpuIdleMilli`. */
  gpuOffsets: Int32Array;
  /** @shape [all GPUs] idle part of each, in [0, 1000]. */
  gpuIdleMilli: Uint16Array;
  /** @shape [resource][nodes] free amount of each further resource. */
  readonly freeExtended: Float64Array[] = [];
  /** How often a node went down or came back. */
  turns = 0;
  /** Nodes that are up but for a pass, which keeps them for others: `up` is 0. Few, and none between passes. */
  readonly closed: ReadonlySet<number> = new Set();
  /** Total capacities over all nodes, up or down. */
  readonly capacity = { cpuMilli: 0, memoryMib: 0, gpuMilli: 0, gpus: 0 };

  private readonly gpuReserves = new GpuReserves();
  private readonly labelKeys: ReadonlySet<string> | undefined;
  private readonly flavorByKey = new Map<string, number>();
  private readonly indexByName = new Map<string, number>();
  /** [constraint] → by flavour id: 0 unknown, 1 no, 2 yes. */
  private readonly allowedCache: Uint8Array[] = [];
  /** Pods by `node × SPREAD_GROUPS_MAX + group`, only for demands with a limit. */
  private readonly groupCounts = new Map<number, number>();

  constructor(demands: DemandTable, options: ClusterStateOptions = {}) {
    const n = Math.max(16, options.nodesExpected ?? 16);
    this.demands = demands;
    this.labelKeys = options.labelKeys;
    this.freeCpuMilli = new Int32Array(n);
    this.freeMemoryMib = new Int32Array(n);
    this.freeGpuMilli = new Int32Array(n);
    this.podCounts = new Int32Array(n);
    this.flavorIds = new Uint16Array(n);
    this.up = new Uint8Array(n);
    this.gpuOffsets = new Int32Array(n + 1);
    this.gpuIdleMilli = new Uint16Array(n * 4);
  }

  /**
   * Adds an empty node that is up.
   *
   * @returns Its index: nodes are numbered in the order in which they are added.
   * @throws TegError TEG_CLUSTER_INVALID if the name is taken; TEG_LIMIT_REACHED at FLAVORS_MAX flavours.
   */
  addNode(spec: NodeSpec): number {
    if (this.indexByName.has(spec.name)) {
      throw new TegError(
        'TEG_CLUSTER_INVALID',
        `two nodes are named '${spec.name}'; node names must be unique: rename one`,
      );
    }
    const node = this.nodeCount;
    this.growNodes(node + 1);
    const flavor = this.flavors[this.internFlavor(spec)] as Flavor;
    this.names.push(spec.name);
    this.indexByName.set(spec.name, node);
    this.flavorIds[node] = flavor.id;
    this.freeCpuMilli[node] = spec.cpuMilli;
    this.freeMemoryMib[node] = spec.memoryMib;
    this.freeGpuMilli[node] = spec.gpuCount * GPU_MILLI;
    this.up[node] = 1;
    const begin = this.gpuOffsets[node] as number;
    const numbered = Math.min(spec.gpuCount, GPUS_PER_NODE_MAX);
    this.growGpus(begin + numbered);
    this.gpuIdleMilli.fill(GPU_MILLI, begin, begin + numbered);
    this.gpuOffsets[node + 1] = begin + numbered;
    if (spec.gpuCount > numbered) this.gpuReserves.add(node, spec.gpuCount - numbered);
    for (let r = 0; r < flavor.extended.length; r++) {
      this.extendedColumn(r)[node] = flavor.extended[r] as number;
    }
    this.nodeCount++;
    this.capacity.cpuMilli += spec.cpuMilli;
    this.capacity.memoryMib += spec.memoryMib;
    this.capacity.gpuMilli += spec.gpuCount * GPU_MILLI;
    this.capacity.gpus += spec.gpuCount;
    return node;
  }

  /** @returns The node's index, or −1 if no node has that name. */
  indexOf(name: string): number {
    return this.indexByName.get(name) ?? -1;
  }

  /** @returns The flavour of a node. */
  flavorOf(node: number): Flavor {
    return this.flavors[this.flavorIds[node] as number] as Flavor;
  }

  /** Marks a node as taking pods (true) or down (false). Its accounts stay. */
  setUp(node: number, up: boolean): void {
    assert(node >= 0 && node < this.nodeCount, 'a node is turned up or down that is not there');
    assert(!this.closed.has(node), 'a node goes down or comes back while a pass keeps it closed');
    if ((this.up[node] === 1) !== up) this.turns++;
    this.up[node] = up ? 1 : 0;
  }

  /** Marks a node as short of memory or power, or as having enough. @returns True if that is a change. */
  setShort(node: number, isShort: boolean): boolean {
    if (this.short.has(node) === isShort) return false;
    if (isShort) (this.short as Set<number>).add(node);
    else (this.short as Set<number>).delete(node);
    return true;
  }

  /** Keeps pods off a node that is up, or takes that back. It counts as up to all that ask what the cluster has. */
  setClosed(node: number, closed: boolean): void {
    assert(closed === (this.up[node] === 1), 'a node is closed that is down, or opened that is not closed');
    if (closed) (this.closed as Set<number>).add(node);
    else assert((this.closed as Set<number>).delete(node), 'a node is opened that is not closed');
    this.up[node] = closed ? 0 : 1;
  }

  /** @returns True if nodes of a flavour satisfy the demand's constraint. O(1) after the first call. */
  allows(flavorId: number, constraintId: number): boolean {
    if (constraintId === 0) return true;
    let row = this.allowedCache[constraintId] ?? new Uint8Array(0);
    if (row.length <= flavorId) {
      row = grown(row, Math.max(this.flavors.length, 16));
      this.allowedCache[constraintId] = row;
    }
    if (row[flavorId] === 0) {
      const constraint = this.demands.constraints[constraintId] as Constraint;
      row[flavorId] = flavorMatches(this.flavors[flavorId] as Flavor, constraint) ? 2 : 1;
    }
    return row[flavorId] === 2;
  }

  /** @returns True if the pod could be placed on the node now: up, allowed, and enough of everything. */
  fits(node: number, demand: Demand): boolean {
    if (
      (this.freeCpuMilli[node] as number) < demand.cpuMilli ||
      (this.freeMemoryMib[node] as number) < demand.memoryMib ||
      (this.freeGpuMilli[node] as number) < demand.gpuTotalMilli ||
      this.up[node] === 0
    ) {
      return false;
    }
    const flavorId = this.flavorIds[node] as number;
    const flavor = this.flavors[flavorId] as Flavor;
    if ((this.podCounts[node] as number) >= flavor.podsMax) return false;
    if (demand.constraintId !== 0 && !this.allows(flavorId, demand.constraintId)) return false;
    if (demand.gpuCount > 0 && !this.gpusFit(node, demand.gpuCount, demand.gpuMilli)) return false;
    if (demand.extended.length > 0 && !this.extendedFits(node, demand.extended)) return false;
    return demand.podsPerNodeMax === 0 || this.groupPods(node, demand.spreadGroupId) < demand.podsPerNodeMax;
  }

  /** @returns True if the flavour's empty node could hold the pod (capacity and constraint; not spread limits). */
  flavorCouldFit(flavorId: number, demand: Demand): boolean {
    const flavor = this.flavors[flavorId] as Flavor;
    if (flavor.cpuMilli < demand.cpuMilli || flavor.memoryMib < demand.memoryMib) return false;
    if (flavor.gpuCount < demand.gpuCount) return false;
    for (let r = 0; r < demand.extended.length; r++) {
      if ((flavor.extended[r] ?? 0) < (demand.extended[r] as number)) return false;
    }
    return this.allows(flavorId, demand.constraintId);
  }

  /** @returns Pods of a spread group on a node. */
  groupPods(node: number, spreadGroupId: number): number {
    // −1 stands for no group, and would be the last one of the node before.
    assert(spreadGroupId >= 0, 'the pods of no spread group');
    return this.groupCounts.get(node * SPREAD_GROUPS_MAX + spreadGroupId) ?? 0;
  }

  /**
   * The GPUs a pod gets by the default rule: whole-GPU pods the lowest-numbered fully idle ones, a sharing pod the GPU
   * with the least idle part that fits (lowest number on ties).
   *
   * @returns A mask of GPU numbers of the node; 0 if the pod requests none.
   */
  bestFitGpus(node: number, demand: Demand): number {
    if (demand.gpuCount === 0) return 0;
    const begin = this.gpuOffsets[node] as number;
    const end = this.gpuOffsets[node + 1] as number;
    const idle = this.gpuIdleMilli;
    if (demand.gpuCount === 1 && demand.gpuMilli < GPU_MILLI) {
      let best = -1;
      let bestIdle = GPU_MILLI + 1;
      for (let g = begin; g < end; g++) {
        const r = idle[g] as number;
        if (r >= demand.gpuMilli && r < bestIdle) {
          best = g - begin;
          bestIdle = r;
        }
      }
      assert(best >= 0, 'bestFitGpus: no GPU fits');
      return 1 << best;
    }
    let mask = 0;
    let left = demand.gpuCount;
    for (let g = begin; g < end && left > 0; g++) {
      if (idle[g] === GPU_MILLI) {
        mask |= 1 << (g - begin);
        left--;
      }
    }
    assert(left === 0, 'bestFitGpus: too few idle GPUs');
    return mask;
  }

  /** Takes the pod's share of the node. @param gpuMask Its GPUs, as many bits as gpuCount. */
  place(node: number, demand: Demand, gpuMask: number): void {
    this.apply(node, demand, gpuMask, 1);
  }

  /** Gives the pod's share back. @param gpuMask As at its placement. */
  release(node: number, demand: Demand, gpuMask: number): void {
    this.apply(node, demand, gpuMask, -1);
  }

  /**
   * Sets the free resources of a node, for drivers that keep exact accounts of their own (a real cluster can be
   * overbooked).
   *
   * @param cpuMilli  Clamped to [0, capacity], as are the others.
   * @param wholeGpus Idle GPUs; which ones is unknown, so the lowest-numbered are taken as idle.
   */
  setFree(node: number, cpuMilli: number, memoryMib: number, wholeGpus: number, pods: number): void {
    assert(!Number.isNaN(cpuMilli + memoryMib + wholeGpus + pods), 'a free amount is not a number');
    const flavor = this.flavors[this.flavorIds[node] as number] as Flavor;
    const gpus = clamp(wholeGpus, flavor.gpuCount);
    this.freeCpuMilli[node] = clamp(cpuMilli, flavor.cpuMilli);
    this.freeMemoryMib[node] = clamp(memoryMib, flavor.memoryMib);
    this.freeGpuMilli[node] = gpus * GPU_MILLI;
    this.podCounts[node] = clamp(pods, flavor.podsMax);
    const begin = this.gpuOffsets[node] as number;
    const end = this.gpuOffsets[node + 1] as number;
    this.gpuIdleMilli.fill(GPU_MILLI, begin, begin + gpus);
    this.gpuIdleMilli.fill(0, begin + gpus, end);
  }

  /** @returns GPUs of a node that have no number, and how many of them are free; nearly always none. */
  unnumberedGpus(node: number): { readonly size: number; readonly idle: number } {
    return { size: this.gpuReserves.size(node), idle: this.gpuReserves.idle(node) };
  }

  /** @returns GPUs that the node's index has room for: `redescribe` takes nodes with at most as many. */
  gpuSlots(node: number): number {
    return (this.gpuOffsets[node + 1] as number) - (this.gpuOffsets[node] as number);
  }

  /**
   * Gives a node's index to a new description (other capacity, labels, or another name); none of its resources is used
   * afterwards.
   *
   * @param spec With at most `gpuSlots(node)` GPUs.
   * @throws TegError As `addNode`.
   */
  redescribe(node: number, spec: NodeSpec): void {
    assert(spec.gpuCount <= this.gpuSlots(node), 'redescribe: more GPUs than the index has room for');
    const known = this.indexByName.get(spec.name) ?? node;
    if (known !== node)
      throw new TegError('TEG_CLUSTER_INVALID', `two nodes are named '${spec.name}'; rename one`);
    const before = this.flavorOf(node);
    const flavor = this.flavors[this.internFlavor(spec)] as Flavor;
    this.indexByName.delete(this.names[node] as string);
    this.indexByName.set(spec.name, node);
    this.names[node] = spec.name;
    this.flavorIds[node] = flavor.id;
    for (let r = 0; r < Math.max(flavor.extended.length, before.extended.length); r++) {
      this.extendedColumn(r)[node] = flavor.extended[r] ?? 0;
    }
    this.capacity.cpuMilli += flavor.cpuMilli - before.cpuMilli;
    this.capacity.memoryMib += flavor.memoryMib - before.memoryMib;
    this.capacity.gpuMilli += (flavor.gpuCount - before.gpuCount) * GPU_MILLI;
    this.capacity.gpus += flavor.gpuCount - before.gpuCount;
    this.setFree(node, flavor.cpuMilli, flavor.memoryMib, flavor.gpuCount, 0);
  }

  /** Bytes that the arrays of this state hold, without names. */
  get bytes(): number {
    let sum =
      this.freeCpuMilli.byteLength +
      this.freeMemoryMib.byteLength +
      this.freeGpuMilli.byteLength +
      this.podCounts.byteLength +
      this.flavorIds.byteLength +
      this.up.byteLength +
      this.gpuOffsets.byteLength +
      this.gpuIdleMilli.byteLength;
    for (const column of this.freeExtended) sum += column.byteLength;
    return sum;
  }

  private apply(node: number, demand: Demand, gpuMask: number, sign: 1 | -1): void {
    const flavor = this.flavors[this.flavorIds[node] as number] as Flavor;
    const cpu = (this.freeCpuMilli[node] as number) - sign * demand.cpuMilli;
    const memory = (this.freeMemoryMib[node] as number) - sign * demand.memoryMib;
    const pods = (this.podCounts[node] as number) + sign;
    assert(cpu >= 0 && cpu <= flavor.cpuMilli, 'node cpu out of bounds');
    assert(memory >= 0 && memory <= flavor.memoryMib, 'node memory out of bounds');
    assert(pods >= 0 && pods <= flavor.podsMax, 'node pods out of bounds');
    this.freeCpuMilli[node] = cpu;
    this.freeMemoryMib[node] = memory;
    this.podCounts[node] = pods;
    if (demand.gpuCount > 0) this.applyGpus(node, demand, gpuMask, sign);
    for (let r = 0; r < demand.extended.length; r++) {
      const column = this.extendedColumn(r);
      const left = (column[node] as number) - sign * (demand.extended[r] as number);
      assert(left >= 0 && left <= (flavor.extended[r] ?? 0), 'further resource out of bounds');
      column[node] = left;
    }
    if (demand.podsPerNodeMax > 0) {
      const key = node * SPREAD_GROUPS_MAX + demand.spreadGroupId;
      const count = (this.groupCounts.get(key) ?? 0) + sign;
      if (count > 0) this.groupCounts.set(key, count);
      else this.groupCounts.delete(key);
    }
  }

  private applyGpus(node: number, demand: Demand, gpuMask: number, sign: 1 | -1): void {
    const begin = this.gpuOffsets[node] as number;
    const count = (this.gpuOffsets[node + 1] as number) - begin;
    let taken = 0;
    for (let mask = gpuMask; mask !== 0; mask &= mask - 1) {
      const g = 31 - Math.clz32(mask & -mask);
      assert(g < count, 'GPU number out of bounds');
      taken++;
      const number = demand.gpuMilli < GPU_MILLI ? g : this.wholeGpu(node, begin, g, sign);
      if (number < 0) continue;
      const idle = (this.gpuIdleMilli[begin + number] as number) - sign * demand.gpuMilli;
      assert(idle >= 0 && idle <= GPU_MILLI, 'GPU share out of bounds');
      this.gpuIdleMilli[begin + number] = idle;
    }
    assert(taken === demand.gpuCount, 'GPU mask does not match the demand');
    this.freeGpuMilli[node] = (this.freeGpuMilli[node] as number) - sign * demand.gpuTotalMilli;
  }

  /** @returns The number whose idle part changes; −1 if the node's reserve changes instead. */
  private wholeGpu(node: number, begin: number, g: number, sign: 1 | -1): number {
    if (sign < 0) return this.gpuReserves.giveBack(node, g);
    assert(this.gpuIdleMilli[begin + g] === GPU_MILLI, 'GPU share out of bounds');
    return this.gpuReserves.take(node, g) ? -1 : g;
  }

  private gpusFit(node: number, gpuCount: number, gpuMilli: number): boolean {
    const end = this.gpuOffsets[node + 1] as number;
    let left = gpuCount;
    for (let g = this.gpuOffsets[node] as number; g < end; g++) {
      if ((this.gpuIdleMilli[g] as number) >= gpuMilli && --left === 0) return true;
    }
    return false;
  }

  private extendedFits(node: number, extended: readonly number[]): boolean {
    for (let r = 0; r < extended.length; r++) {
      const column = this.freeExtended[r];
      const free = column === undefined ? 0 : (column[node] as number);
      if (free < (extended[r] as number)) return false;
    }
    return true;
  }

  private extendedColumn(resource: number): Float64Array {
    while (this.freeExtended.length <= resource) {
      this.freeExtended.push(new Float64Array(this.freeCpuMilli.length));
    }
    return this.freeExtended[resource] as Float64Array;
  }

  private internFlavor(spec: NodeSpec): number {
    // The columns would cut off what is not an integer of 32 bits; validation refuses it before.
    assert(isCount32(spec.cpuMilli) && isCount32(spec.memoryMib), 'a capacity is not an integer of 32 bits');
    assert(isCount32(spec.gpuCount) && isCount32(spec.gpuCount * GPU_MILLI), 'GPUs are not a count');
    const labels: Record<string, string> = {};
    for (const key of Object.keys(spec.labels ?? {}).sort()) {
      if (this.labelKeys?.has(key) ?? true) labels[key] = spec.labels?.[key] ?? '';
    }
    const extended: number[] = [];
    for (const [name, amount] of Object.entries(spec.extended ?? {})) {
      const id = this.demands.resourceId(name);
      while (extended.length <= id) extended.push(0);
      extended[id] = amount;
    }
    const model = spec.gpuCount > 0 ? spec.gpuModel : '';
    const key = JSON.stringify([
      spec.cpuMilli,
      spec.memoryMib,
      spec.gpuCount,
      model,
      spec.podsMax,
      extended,
      labels,
    ]);
    let id = this.flavorByKey.get(key);
    if (id !== undefined) return id;
    id = this.flavors.length;
    if (id >= FLAVORS_MAX) {
      throw new TegError(
        'TEG_LIMIT_REACHED',
        `more than ${FLAVORS_MAX} distinct node flavours; expected fewer: drop labels that are unique to nodes`,
      );
    }
    this.flavors.push({
      id,
      cpuMilli: spec.cpuMilli,
      memoryMib: spec.memoryMib,
      gpuCount: spec.gpuCount,
      gpuModel: model,
      podsMax: spec.podsMax,
      extended,
      labels,
    });
    this.flavorByKey.set(key, id);
    return id;
  }

  private growNodes(count: number): void {
    const old = this.freeCpuMilli.length;
    if (count <= old) return;
    const n = old * 2;
    this.freeCpuMilli = grown(this.freeCpuMilli, n);
    this.freeMemoryMib = grown(this.freeMemoryMib, n);
    this.freeGpuMilli = grown(this.freeGpuMilli, n);
    this.podCounts = grown(this.podCounts, n);
    this.flavorIds = grown(this.flavorIds, n);
    this.up = grown(this.up, n);
    this.gpuOffsets = grown(this.gpuOffsets, n + 1);
    for (let r = 0; r < this.freeExtended.length; r++) {
      this.freeExtended[r] = grown(this.freeExtended[r] as Float64Array, n);
    }
  }

  private growGpus(count: number): void {
    if (count <= this.gpuIdleMilli.length) return;
    this.gpuIdleMilli = grown(this.gpuIdleMilli, Math.max(count, this.gpuIdleMilli.length * 2));
  }
}

function clamp(value: number, most: number): number {
  return value < 0 ? 0 : value > most ? most : value;
}

/** @returns True if nodes of a model and labels satisfy a constraint: the model is allowed and every term holds. */
export function flavorMatches(flavor: Hardware, constraint: Constraint): boolean {
  if (constraint.gpuModels.length > 0 && !constraint.gpuModels.includes(flavor.gpuModel)) return false;
  if (constraint.also !== undefined && !constraint.also(flavor)) return false;
  return constraint.affinity.every((term) => meetsRequirement(term, labelOf(flavor.labels, term.key)));
}
