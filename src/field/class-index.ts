/**
 * The class index: for each demand, the cheapest occupied class of every rent group, at a cost that does not grow
 * with the number of nodes.
 *
 * Each demand that is asked for has one heap of classes per rent group. Nothing happens to the heaps when nodes
 * change class; a demand catches up when it is asked (and one other demand in turn with every question, so that
 * no one falls far behind): it reads which classes became occupied since, and adds those it does not hold.
 * A class that could fit only by what rounding cut off is kept aside and looked at node by node, up to a limit,
 * when nothing else fits.
 *
 * Invariant: after `sync`, every occupied class is known to the demand: in a heap, aside, or never fitting.
 */
import type { ClusterState } from '../model/cluster-state.ts';
import type { Demand } from '../model/demand.ts';
import { ClassHeap } from './class-heap.ts';
import type { ClassTable } from './class-table.ts';
import type { FlavorRent } from './flavor-rent.ts';
import type { NodeShape, Price } from './price.ts';

/** What a demand knows of a class. */
const Unknown = 0;
const InHeap = 1;
const Aside = 2;
const Never = 3;

/** Limits of the index. */
export interface ClassIndexOptions {
  /** Demands with heaps of their own; the one asked least recently is dropped beyond. */
  readonly demandsMax: number;
  /** Nodes looked at one by one where no class surely fits; Infinity: all (exact). */
  readonly boundaryProbesMax: number;
}

/** Heaps of one demand. */
interface DemandOrder {
  demand: Demand;
  /** Class ids and prices are those of this epoch. */
  epoch: number;
  /** Journal entries read. */
  synced: number;
  lastAsked: number;
  /** By rent group; absent: no class yet. */
  readonly heaps: (ClassHeap | undefined)[];
  /** By class id. */
  known: Uint8Array;
  /** Classes that may fit by what rounding cut off; stale ones are dropped when met. */
  aside: number[];
  /** Where the next look at `aside` begins. */
  cursor: number;
}

/** The index of one zone. Single writer. */
export class ClassIndex {
  /** Result of the last `find`: the class, or −1; and its rent group and cost with rent. */
  foundClass = -1;
  foundGroup = -1;
  foundCost = 0;
  /** Nodes looked at one by one by the last `find`. */
  probes = 0;
  private readonly cluster: ClusterState;
  private readonly classes: ClassTable;
  private readonly rent: FlavorRent;
  private price: Price;
  private readonly options: ClassIndexOptions;
  private readonly orders = new Map<number, DemandOrder>();
  /** The same orders for taking turns. */
  private readonly turns: DemandOrder[] = [];
  private turn = 0;
  private questions = 0;
  private priceEpoch = 0;
  /** V of each class in the epoch of `potentialEpochs`. */
  private potentials = new Float64Array(1024);
  private potentialEpochs = new Int32Array(1024).fill(-1);
  private readonly shape: NodeShape;

  constructor(
    cluster: ClusterState,
    classes: ClassTable,
    rent: FlavorRent,
    price: Price,
    options: ClassIndexOptions,
  ) {
    this.cluster = cluster;
    this.classes = classes;
    this.rent = rent;
    this.price = price;
    this.options = options;
    this.shape = {
      cpuMilli: 0,
      memoryMib: 0,
      extended: [],
      whole: 0,
      a: 0,
      b: 0,
      d: 0,
      rest: 0,
      fresh: false,
    };
  }

  /** Replaces the prices; every order is rebuilt when its demand is next asked. O(1). */
  reprice(price: Price): void {
    this.price = price;
    this.priceEpoch++;
  }

  /** Demands that have heaps. */
  get demandCount(): number {
    return this.turns.length;
  }

  /** Bytes of heaps and flags. */
  get bytes(): number {
    let sum = this.potentials.byteLength + this.potentialEpochs.byteLength;
    for (const order of this.turns) {
      sum += order.known.byteLength + 8 * order.aside.length;
      for (const heap of order.heaps) sum += heap?.bytes ?? 0;
    }
    return sum;
  }

  /**
   * Finds the cheapest class for a demand; the result is in `foundClass` and its companions.
   *
   * @returns Whether there is one that surely fits.
   * @cost O(groups + log classes) amortised, whatever the number of nodes.
   */
  find(demand: Demand): boolean {
    this.questions++;
    const order = this.orderOf(demand);
    this.sync(order);
    this.syncOther();
    this.foundClass = -1;
    this.foundCost = Number.POSITIVE_INFINITY;
    this.probes = 0;
    const { nodeCounts } = this.classes;
    const { heaps, known } = order;
    for (let group = 0; group < heaps.length; group++) {
      const heap = heaps[group];
      if (heap === undefined) continue;
      while (heap.size > 0 && nodeCounts[heap.topClass()] === 0) {
        known[heap.topClass()] = Unknown;
        heap.pop();
      }
      if (heap.size === 0) continue;
      const cost = heap.topCost() + this.rent.rent(demand, group);
      if (cost < this.foundCost) {
        this.foundCost = cost;
        this.foundClass = heap.topClass();
        this.foundGroup = group;
      }
    }
    return this.foundClass >= 0;
  }

  /**
   * Looks node by node where rounding may have hidden room, after `find` found nothing.
   *
   * Successive calls go on where the last one stopped, so that all are looked at in turn.
   * @returns A node that fits, or −1. @cost at most `boundaryProbesMax` nodes.
   */
  findAside(demand: Demand): number {
    const order = this.orderOf(demand);
    const { nodeCounts, heads } = this.classes;
    const aside = order.aside;
    let left = this.options.boundaryProbesMax;
    for (let looked = aside.length; looked > 0 && left > 0; looked--) {
      if (order.cursor >= aside.length) order.cursor = 0;
      const id = aside[order.cursor] as number;
      if (nodeCounts[id] === 0) {
        order.known[id] = Unknown;
        aside[order.cursor] = aside[aside.length - 1] as number;
        aside.pop();
        continue;
      }
      for (let node = heads[id] as number; node >= 0 && left > 0; node = this.classes.nextNode(node)) {
        this.probes++;
        left--;
        if (this.cluster.fits(node, demand)) return node;
      }
      order.cursor++;
    }
    return -1;
  }

  /** ΔV of a demand on a class, Infinity if it does not surely fit. For explanations and exact lists. */
  costOf(demand: Demand, id: number): number {
    return this.verdict(demand, id) === InHeap ? this.priceOf(demand, id) : Number.POSITIVE_INFINITY;
  }

  /** @returns V before and after, of the last finite `costOf`. */
  partsOf(): { readonly before: number; readonly after: number } {
    return { before: this.price.before, after: this.price.after };
  }

  private orderOf(demand: Demand): DemandOrder {
    let order = this.orders.get(demand.id);
    if (order === undefined) {
      order = {
        demand,
        epoch: -1,
        synced: 0,
        lastAsked: 0,
        heaps: [],
        known: new Uint8Array(1024),
        aside: [],
        cursor: 0,
      };
      if (this.turns.length >= this.options.demandsMax) this.dropOldest();
      this.orders.set(demand.id, order);
      this.turns.push(order);
    }
    order.lastAsked = this.questions;
    return order;
  }

  private dropOldest(): void {
    let oldest = 0;
    for (let i = 1; i < this.turns.length; i++) {
      if ((this.turns[i] as DemandOrder).lastAsked < (this.turns[oldest] as DemandOrder).lastAsked)
        oldest = i;
    }
    this.orders.delete((this.turns[oldest] as DemandOrder).demand.id);
    this.turns[oldest] = this.turns[this.turns.length - 1] as DemandOrder;
    this.turns.pop();
  }

  /** Brings one other demand up to date, in turn. */
  private syncOther(): void {
    if (this.turn >= this.turns.length) this.turn = 0;
    const order = this.turns[this.turn++] as DemandOrder;
    if (order.epoch === this.epoch()) this.sync(order);
  }

  private epoch(): number {
    return this.classes.epoch * 1_000_000 + this.priceEpoch;
  }

  private sync(order: DemandOrder): void {
    const { classes } = this;
    const epoch = this.epoch();
    if (order.epoch !== epoch) this.reset(order, epoch);
    else if (order.synced === classes.journalEnd) return;
    if (order.known.length < classes.count) {
      const known = new Uint8Array(Math.max(classes.count, 2 * order.known.length));
      known.set(order.known);
      order.known = known;
    }
    if (classes.journalReaches(order.synced)) {
      for (let i = order.synced; i < classes.journalEnd; i++) {
        const id = classes.journalEntry(i);
        if (order.known[id] === Unknown && classes.nodeCounts[id] !== 0) this.learn(order, id);
      }
    } else {
      for (let i = 0; i < classes.occupiedCount; i++) {
        const id = classes.occupied[i] as number;
        if (order.known[id] === Unknown) this.learn(order, id);
      }
    }
    order.synced = classes.journalEnd;
  }

  private reset(order: DemandOrder, epoch: number): void {
    order.epoch = epoch;
    order.synced = Number.NEGATIVE_INFINITY;
    order.known.fill(Unknown);
    order.aside.length = 0;
    order.cursor = 0;
    for (const heap of order.heaps) heap?.clear();
  }

  private learn(order: DemandOrder, id: number): void {
    const verdict = this.verdict(order.demand, id);
    order.known[id] = verdict;
    if (verdict === Never) return;
    if (verdict === Aside) {
      order.aside.push(id);
      return;
    }
    const cost = this.priceOf(order.demand, id);
    const group = this.rent.groupOf(this.classes.flavorIds[id] as number);
    while (order.heaps.length <= group) order.heaps.push(undefined);
    let heap = order.heaps[group];
    if (heap === undefined) {
      heap = new ClassHeap();
      order.heaps[group] = heap;
    }
    heap.push(id, cost);
  }

  /** Whether a class fits surely (InHeap), perhaps (Aside) or never. */
  private verdict(demand: Demand, id: number): number {
    const { classes } = this;
    const fresh = classes.fresh[id] === 1;
    let verdict = InHeap;
    if ((classes.memoryMib[id] as number) < demand.memoryMib) {
      if (fresh || 2 * (classes.memoryMib[id] as number) <= demand.memoryMib) return Never;
      verdict = Aside;
    }
    if ((classes.cpuMilli[id] as number) < demand.cpuMilli) {
      const above =
        classes.lattice.points[(classes.cpuIndexes[id] as number) + 1] ?? Number.POSITIVE_INFINITY;
      if (fresh || above <= demand.cpuMilli) return Never;
      verdict = Aside;
    }
    if (demand.gpuCount > 0) {
      const whole = classes.whole[id] as number;
      if (demand.gpuMilli === 1000 || whole > 0) {
        if (whole < demand.gpuCount) return Never;
      } else if ((classes.partials[3 * id] as number) < demand.gpuMilli) {
        if ((classes.partials[3 * id] as number) + 9 < demand.gpuMilli) return Never;
        verdict = Aside;
      }
    }
    const flavorId = classes.flavorIds[id] as number;
    if (demand.constraintId !== 0 && !this.cluster.allows(flavorId, demand.constraintId)) return Never;
    if (demand.extended.length > 0) return this.extendedVerdict(demand, id, verdict);
    return verdict;
  }

  private extendedVerdict(demand: Demand, id: number, verdict: number): number {
    const floors = this.classes.extendedFloors[this.classes.extendedIds[id] as number] as readonly number[];
    let result = verdict;
    for (let r = 0; r < demand.extended.length; r++) {
      const need = demand.extended[r] as number;
      const floor = floors[r] ?? 0;
      if (floor >= need) continue;
      if (this.classes.fresh[id] === 1 || Math.max(1, 2 * floor) <= need) return Never;
      result = Aside;
    }
    return result;
  }

  private priceOf(demand: Demand, id: number): number {
    this.loadShape(id);
    return this.price.cost(this.shape, demand, this.potentialOf(id));
  }

  private potentialOf(id: number): number {
    const epoch = this.epoch();
    if (id >= this.potentials.length) {
      const n = Math.max(id + 1, 2 * this.potentials.length);
      const potentials = new Float64Array(n);
      potentials.set(this.potentials);
      this.potentials = potentials;
      const epochs = new Int32Array(n).fill(-1);
      epochs.set(this.potentialEpochs);
      this.potentialEpochs = epochs;
    }
    if (this.potentialEpochs[id] !== epoch) {
      this.potentialEpochs[id] = epoch;
      this.potentials[id] = this.price.potential(this.shape);
    }
    return this.potentials[id] as number;
  }

  private loadShape(id: number): void {
    const { classes, shape } = this;
    shape.cpuMilli = classes.cpuMilli[id] as number;
    shape.memoryMib = classes.memoryMib[id] as number;
    shape.extended = classes.extendedFloors[classes.extendedIds[id] as number] as readonly number[];
    shape.whole = classes.whole[id] as number;
    shape.a = classes.partials[3 * id] as number;
    shape.b = classes.partials[3 * id + 1] as number;
    shape.d = classes.partials[3 * id + 2] as number;
    shape.rest = 0;
    shape.fresh = classes.fresh[id] === 1;
  }
}
