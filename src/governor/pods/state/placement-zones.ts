/**
 * Zones of a Kubernetes cluster: the field by which TEG places, fed from exact accounts.
 *
 * Every zone has its own `ClusterState` and `TegPolicy` (the ones that the simulator runs), with prices shared by all.
 * The field may show slightly more room than exists (memory is rounded up, further resources are not shown), never
 * less: `accept` has the last word, and where the cheapest node is refused all nodes are checked in the order of their
 * cost.
 */

import { assert } from '../../../kernel/assert.ts';
import { Random } from '../../../kernel/random.ts';
import { ClusterState } from '../../../model/cluster-state.ts';
import { DemandTable } from '../../../model/demand.ts';
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import { GPUS_PER_NODE_MAX, type NodeSpec } from '../../../model/node.ts';
import { isShortOf } from '../../../model/node-state.ts';
import { GPU_RESOURCES, gpuModelOf } from '../../../model/readers/gpus.ts';
import { isHealthTaint } from '../../../model/readers/taints.ts';
import { BYTES_PER_MIB } from '../../../model/units.ts';
import { SharedPrices } from '../../policy/shared-prices.ts';
import { TegPolicy } from '../../policy/teg-policy.ts';
import { CPU, MEMORY, type NodeAccounts } from './node-accounts.ts';
import type { NodeSlots } from './node-slots.ts';
import { type PodShapeTable, RESTRICTED_LABEL, type Shape } from './shape-table.ts';

/**
 * Most zones made by label: each has its own tables. Further label values share zones made by size, of which there is
 * at least one then.
 */
const ZONES_MAX = 256;
/** Factor by which a node's CPU may exceed the largest that the prices were made for before they are made again. */
const CPU_SLACK = 1.25;
/**
 * Flavours of a zone beyond which, and beyond this many a node, the zones are made again: most belong to vanished
 * nodes.
 */
const FLAVORS_KEPT = 4096;
const FLAVORS_PER_NODE = 4;
/** Demands beyond which, and beyond this many a shape, their table is rebuilt. */
const DEMANDS_KEPT = 4096;
const DEMANDS_PER_SHAPE = 4;
const INT_MAX = 2 ** 31 - 1;

/** A zone: nodes that are indexed together. */
export interface PlacementZone {
  /** Label value, or `#N` with a running number: no label value begins so, and no two zones share a name. */
  readonly name: string;
  /** Made by size, not by label. */
  readonly bySize: boolean;
  readonly cluster: ClusterState;
  readonly policy: TegPolicy;
  /** Slot by index in the cluster; −1: the index is free. */
  readonly slots: number[];
  /** Free indexes by the GPUs they have room for. */
  readonly freeIndexes: Map<number, number[]>;
  nodes: number;
}

/** A class of nodes with a pod's cost there. */
export interface RankedClass {
  readonly zone: PlacementZone;
  /** Of the zone, and of its rent group: the tie-break among equals. */
  readonly order: number;
  readonly group: number;
  readonly id: number;
  readonly cost: number;
}

/** How nodes become zones. */
export interface ZoningOptions {
  readonly label: string;
  readonly nodesMax: number;
  readonly seed: number;
}

/** All zones. Single writer; made again when hardware arrives that the prices do not cover. */
export class PlacementZones {
  readonly zones: PlacementZone[] = [];
  private readonly accounts: NodeAccounts;
  private readonly slots: NodeSlots;
  private readonly shapes: PodShapeTable;
  private readonly options: ZoningOptions;
  private demands: DemandTable;
  private prices: SharedPrices | undefined;
  /** Largest CPU and GPU count that the prices were made for. */
  private cpuMilliMax = 0;
  private gpusMax = 0;
  /** By slot. */
  private readonly zoneOf: (PlacementZone | undefined)[] = [];
  private readonly indexOf: number[] = [];
  private readonly ranked: RankedClass[] = [];
  private stale = true;
  /** Times all zones were made. */
  made = 0;
  /** Names on the field are numbers, never reused: an index can be between two nodes. */
  private named = 0;
  /** Zones made by size since all were last made. */
  private opened = 0;

  constructor(accounts: NodeAccounts, slots: NodeSlots, shapes: PodShapeTable, options: ZoningOptions) {
    this.accounts = accounts;
    this.slots = slots;
    this.shapes = shapes;
    this.demands = shapes.demands;
    this.options = options;
  }

  /** A node is new or has a new description. */
  setNode(slot: number, node: NodeDescription): void {
    if (node.cpuMilli > CPU_SLACK * this.cpuMilliMax || gpusOf(node) > this.gpusMax) this.stale = true;
    if (this.stale) return;
    const spec = specOf(node);
    const zone = this.zoneOf[slot];
    const index = this.indexOf[slot] as number;
    if (zone !== undefined) {
      if (this.belongs(node, zone) && spec.gpuCount <= zone.cluster.gpuSlots(index)) {
        this.vacate(zone, index);
        this.occupy(zone, index, slot, spec);
        return;
      }
      this.removeNode(slot);
    }
    this.enter(slot, node, spec);
  }

  /** A slot's node is gone. */
  removeNode(slot: number): void {
    const zone = this.zoneOf[slot];
    if (zone === undefined) return;
    const index = this.indexOf[slot] as number;
    this.vacate(zone, index);
    zone.slots[index] = -1;
    zone.nodes--;
    this.zoneOf[slot] = undefined;
    if (zone.nodes === 0 && !this.stale) {
      this.zones.splice(this.zones.indexOf(zone), 1);
      return;
    }
    const room = zone.cluster.gpuSlots(index);
    const free = zone.freeIndexes.get(room);
    if (free === undefined) zone.freeIndexes.set(room, [index]);
    else free.push(index);
  }

  /** The use of a node, or what it reports, has changed. O(its GPUs). */
  update(slot: number): void {
    const zone = this.zoneOf[slot];
    if (zone === undefined) return;
    this.show(zone, this.indexOf[slot] as number, slot);
  }

  /** Pods of a shape have come, for the typical workload. */
  seen(shape: Shape, pods: number): void {
    if (this.stale) return;
    this.prices?.demandSeen(shape.demand, pods);
    for (const zone of this.zones) zone.policy.demandSeen(shape.demand, pods);
  }

  /** A pod has left. */
  left(): void {
    this.prices?.departureSeen();
  }

  /** Makes the zones again where they do not cover the hardware, or mostly hold vanished nodes. O(nodes), rarely. */
  prepare(): void {
    if (this.slots.live === 0) return;
    if (this.demands.demands.length > Math.max(DEMANDS_KEPT, DEMANDS_PER_SHAPE * this.shapes.size)) {
      this.demands = new DemandTable();
      this.shapes.useDemands(this.demands);
      this.stale = true;
    }
    if (this.zones.some(isWornOut)) this.stale = true;
    if (this.stale) this.makeAll();
  }

  private makeAll(): void {
    this.stale = false;
    this.made++;
    this.zones.length = 0;
    this.opened = 0;
    this.zoneOf.length = 0;
    const all = new ClusterState(this.demands, { labelKeys: LABEL_KEYS, nodesExpected: this.slots.live });
    this.cpuMilliMax = 0;
    this.gpusMax = 0;
    this.eachNode((node) => {
      this.cpuMilliMax = Math.max(this.cpuMilliMax, node.cpuMilli);
      this.gpusMax = Math.max(this.gpusMax, gpusOf(node));
      all.addNode(specOf(node));
    });
    this.prices = new SharedPrices(all, undefined);
    this.eachNode((node, slot) => this.enter(slot, node, specOf(node)));
    // The known workload is the present one.
    this.shapes.each((shape) => this.seen(shape, shape.pods));
  }

  /** True if the zones will be made again at the next `prepare`. */
  get isStale(): boolean {
    return this.stale;
  }

  /** @returns The zone of a slot, undefined before `prepare`. */
  zoneOfSlot(slot: number): PlacementZone | undefined {
    return this.zoneOf[slot];
  }

  /**
   * Finds the cheapest node.
   *
   * @param accept True if a slot will do: exact resources, and all rules.
   * @returns      A slot, or −1 if no node in any zone is accepted.
   * @cost         O(zones) where the cheapest node is accepted; else O(classes log classes + nodes refused).
   */
  cheapest(shape: Shape, accept: (slot: number) => boolean): number {
    let cost = Number.POSITIVE_INFINITY;
    let best = -1;
    for (const zone of this.zones) {
      const { index, classes } = zone.policy;
      if (!index.find(shape.demand) || index.foundCost >= cost) continue;
      cost = index.foundCost;
      best = zone.slots[classes.heads[index.foundClass] as number] as number;
    }
    if (best >= 0 && accept(best)) return best;
    let found = -1;
    this.walk(shape, (slot) => {
      if (!accept(slot)) return false;
      found = slot;
      return true;
    });
    return found;
  }

  /** Begins a trial on all zones: what changes until `endTrial` is undone in their classes. The caller takes back the accounts. */
  beginTrial(): void {
    for (const { policy } of this.zones) policy.index.beginTrial();
  }

  /** See `beginTrial`. */
  endTrial(): void {
    for (const { policy } of this.zones) policy.index.endTrial(0);
  }

  /** @returns What one more pod costs on a node now, milli-GPU. The field is made. O(its GPUs). */
  priceOn(shape: Shape, slot: number): number {
    const zone = this.zoneOf[slot];
    assert(zone !== undefined, 'a node is priced before it is on the field');
    return zone.policy.costOn(shape.demand, this.indexOf[slot] as number);
  }

  /** Visits every node that takes pods, the cheapest class first, until `visit` returns true. */
  walk(shape: Shape, visit: (slot: number) => boolean): void {
    for (const { zone, id } of this.rank(shape)) {
      const { classes } = zone.policy;
      for (let node = classes.heads[id] as number; node >= 0; node = classes.nextNode(node)) {
        if (visit(zone.slots[node] as number)) return;
      }
    }
  }

  /**
   * Classes with nodes in the order of a pod's cost there (Infinity where it does not surely fit). The first is the one
   * that `cheapest` finds. The array is reused by the next call.
   */
  rank(shape: Shape): readonly RankedClass[] {
    const { ranked } = this;
    ranked.length = 0;
    this.zones.forEach((zone, order) => {
      const { index, rent, classes } = zone.policy;
      for (let i = 0; i < classes.occupiedCount; i++) {
        const id = classes.occupied[i] as number;
        const group = rent.groupOf(classes.flavorIds[id] as number);
        // As in the index: costs are kept in 32 bits.
        const cost = Math.fround(index.costOf(shape.demand, id)) + rent.rent(shape.demand, group);
        ranked.push({ zone, order, group, id, cost });
      }
    });
    return ranked.sort(compareRanks);
  }

  private eachNode(visit: (node: NodeDescription, slot: number) => void): void {
    for (let slot = 0; slot < this.slots.count; slot++) {
      const node = this.slots.descriptions[slot];
      if (node !== undefined) visit(node, slot);
    }
  }

  /** @returns True if a node stays in its zone; zones made by size keep theirs. */
  private belongs(node: NodeDescription, at: PlacementZone): boolean {
    const value = this.labelOf(node);
    return at.bySize ? value === undefined || this.zones.length >= ZONES_MAX : at.name === value;
  }

  private labelOf(node: NodeDescription): string | undefined {
    const { label } = this.options;
    return label !== '' && Object.hasOwn(node.labels, label) ? node.labels[label] : undefined;
  }

  private zoneFor(node: NodeDescription): PlacementZone {
    const value = this.labelOf(node);
    if (value !== undefined) {
      const known = this.zones.find((zone) => !zone.bySize && zone.name === value);
      if (known !== undefined) return known;
      if (this.zones.length < ZONES_MAX) return this.open(value, false);
    }
    let smallest: PlacementZone | undefined;
    for (const zone of this.zones) {
      if (!zone.bySize) continue;
      if (zone.nodes < this.options.nodesMax) return zone;
      if (smallest === undefined || zone.nodes < smallest.nodes) smallest = zone;
    }
    if (smallest !== undefined && this.zones.length >= ZONES_MAX) return smallest;
    return this.open(`#${this.opened++}`, true);
  }

  private open(name: string, bySize: boolean): PlacementZone {
    const cluster = new ClusterState(this.demands, { labelKeys: LABEL_KEYS });
    const random = new Random(this.options.seed + this.zones.length);
    const policy = new TegPolicy({ cluster, random }, undefined, this.prices);
    const zone: PlacementZone = {
      name,
      bySize,
      cluster,
      policy,
      slots: [],
      freeIndexes: new Map(),
      nodes: 0,
    };
    this.zones.push(zone);
    return zone;
  }

  private enter(slot: number, node: NodeDescription, spec: NodeSpec): void {
    const zone = this.zoneFor(node);
    const { cluster } = zone;
    const free = zone.freeIndexes.get(spec.gpuCount)?.pop();
    zone.nodes++;
    if (free !== undefined) {
      this.occupy(zone, free, slot, spec);
      return;
    }
    const index = cluster.addNode({ ...spec, name: this.nextName() });
    cluster.setUp(index, false);
    this.occupy(zone, index, slot, spec);
  }

  private nextName(): string {
    return `#${this.named++}`;
  }

  /** Takes an index out of the field; its contribution there is removed. */
  private vacate(zone: PlacementZone, index: number): void {
    zone.cluster.setUp(index, false);
    zone.policy.nodeChanged(index);
  }

  private occupy(zone: PlacementZone, index: number, slot: number, spec: NodeSpec): void {
    this.zoneOf[slot] = zone;
    this.indexOf[slot] = index;
    zone.slots[index] = slot;
    zone.cluster.redescribe(index, { ...spec, name: this.nextName() });
    zone.cluster.setUp(index, true);
    this.show(zone, index, slot);
  }

  /** Shows the free resources on the field. */
  private show(zone: PlacementZone, index: number, slot: number): void {
    const { accounts } = this;
    const { cluster } = zone;
    const flavor = cluster.flavorOf(index);
    const memoryUsed = (accounts.used[MEMORY] as Float64Array)[slot] as number;
    const gpus = flavor.gpuCount === 0 ? 0 : this.freeGpus(slot);
    const memoryMib = flavor.memoryMib - Math.floor(memoryUsed / BYTES_PER_MIB);
    cluster.setShort(index, isShortOf(this.slots.stateOf(slot)));
    cluster.setFree(
      index,
      Math.min(accounts.free(slot, CPU), INT_MAX),
      memoryMib,
      gpus,
      accounts.pods[slot] as number,
    );
    zone.policy.nodeChanged(index);
  }

  private freeGpus(slot: number): number {
    const node = this.slots.descriptions[slot] as NodeDescription;
    let free = 0;
    for (const name of GPU_RESOURCES) {
      if (node.extended[name] !== undefined) free += Math.max(0, this.accounts.freeOf(slot, name));
    }
    return free;
  }
}

/** Labels that distinguish flavours on the field; all others are rules, checked node by node. */
const LABEL_KEYS: ReadonlySet<string> = new Set([RESTRICTED_LABEL]);

function compareRanks(x: RankedClass, y: RankedClass): number {
  if (x.cost !== y.cost) return x.cost < y.cost ? -1 : 1;
  return x.order - y.order || x.group - y.group || x.id - y.id;
}

function isWornOut(zone: PlacementZone): boolean {
  return zone.cluster.flavors.length > Math.max(FLAVORS_KEPT, FLAVORS_PER_NODE * zone.nodes);
}

function gpusOf(node: NodeDescription): number {
  const gpus = GPU_RESOURCES.reduce((sum, name) => sum + (node.extended[name] ?? 0), 0);
  return Math.min(gpus, GPUS_PER_NODE_MAX);
}

/** A node in the field's terms. Memory is rounded up slightly, so that equal machines are of one flavour. */
function specOf(node: NodeDescription): NodeSpec {
  const gpuCount = gpusOf(node);
  const restricted =
    node.unschedulable ||
    node.taints.some(
      ({ key, effect }) => effect !== 'PreferNoSchedule' && !(effect === 'NoExecute' && isHealthTaint(key)),
    );
  return {
    name: node.name,
    cpuMilli: Math.min(node.cpuMilli, INT_MAX),
    memoryMib: roundedUp(node.memoryBytes / BYTES_PER_MIB),
    gpuCount,
    gpuModel: gpuCount > 0 ? gpuModelOf(node.labels) : '',
    podsMax: Math.max(1, node.podsMax),
    labels: restricted ? { [RESTRICTED_LABEL]: 'true' } : {},
  };
}

/** Up to 1.6 % more: a multiple of 1/64 of the largest power of two below. */
function roundedUp(mib: number): number {
  if (mib <= 64) return Math.ceil(mib);
  const step = 2 ** (Math.floor(Math.log2(mib)) - 6);
  return Math.min(Math.ceil(mib / step) * step, INT_MAX);
}
