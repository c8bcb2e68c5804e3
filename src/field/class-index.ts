/**
 * The class index: for each demand, the cheapest occupied class of every rent group, at a cost that does not grow with
 * the number of nodes.
 *
 * Every demand that has been looked up has a column in a matrix of costs, one row a class, and for each rent group a
 * heap of the cheapest classes: all occupied ones up to a limit. When a class gets its first node, its row is compared
 * with the limits, and it is entered where it is cheap enough; a class that loses its last node stays in the heaps
 * until it reaches the top. An empty heap is filled again from the occupied classes, and given a new limit. A class
 * that could fit only by the amounts that rounding cut off is listed apart and checked node by node, up to a number, when
 * no other fits.
 *
 * Invariant, after `catchUp`, for every order that is built: each heap holds all occupied classes of its group that
 * surely fit and cost no more than its limit.
 */

import { assert } from '../kernel/assert.ts';
import { grown } from '../kernel/grown.ts';
import type { ClusterState } from '../model/cluster-state.ts';
import type { Demand } from '../model/demand.ts';
import { type ClassHeap, kthSmallest } from './class-heap.ts';
import { ClassPrices, Fit } from './class-prices.ts';
import type { ClassTable } from './class-table.ts';
import { CostRows, slotsReached } from './cost-rows.ts';
import { DemandColumns } from './demand-columns.ts';
import { DemandOrder } from './demand-order.ts';
import type { FlavorRent } from './flavor-rent.ts';
import { INBOX_SIZE, Inboxes } from './inboxes.ts';
import type { Price } from './price.ts';
import { growScratch, type ScratchHeap } from './scratch-heap.ts';

/** Classes that a heap is filled with; it may grow to twice as many before the dearest are cut off. */
const NEAR = 16;

/** An order that received this many entries (times the occupied classes) rests until its next look-up. */
const IDLE_ENTRIES_MIN = 1024;
const IDLE_FACTOR = 4;

/** Limit of a heap that holds everything that fits: above every cost, below Infinity. */
const UNLIMITED_32 = Math.fround(3e38);

/** Limits of the index. */
export interface ClassIndexOptions {
  /** Demands with heaps of their own; beyond it the least recently used one is dropped. */
  readonly demandsMax: number;
  /** Nodes checked one by one where no class surely fits; Infinity: all (exact). */
  readonly boundaryProbesMax: number;
}

/** The index of one zone. Single writer. */
export class ClassIndex {
  /** Result of the last `find`: the class, or −1; and its rent group and cost with rent. */
  foundClass = -1;
  foundGroup = -1;
  foundCost = 0;
  /** Nodes checked one by one by the last `find`. */
  probes = 0;
  private readonly cluster: ClusterState;
  private readonly classes: ClassTable;
  private readonly rent: FlavorRent;
  private readonly prices: ClassPrices;
  private readonly options: ClassIndexOptions;
  /** By demand id. */
  private readonly orders: (DemandOrder | undefined)[] = [];
  /** The same orders by their slot. */
  private readonly slots: DemandOrder[] = [];
  private questions = 0;
  private repriced = false;
  /** Epoch of the class table that the ids of classes belong to. */
  private classEpoch: number;
  /** Entries of the class table's journal read. */
  private drained: number;
  private readonly rows = new CostRows();
  private readonly inboxes = new Inboxes();
  private readonly columns = new DemandColumns();
  /** 1: the row was priced for the demands of that time. @shape [classes] */
  private priced: Uint8Array = new Uint8Array(1024);
  /** Scratch: slots of demands that a class perhaps fits. */
  private perhaps: Int32Array = new Int32Array(16);
  /** The cost up to which each heap is complete; −Infinity where it is not built. @shape [groups][slots] */
  private readonly limits: Float32Array[] = [];
  /**
   * Slots of the demands that a group's nodes are allowed for, by group; valid for these numbers of flavours and slots.
   */
  private readonly allowed: Int32Array[] = [];
  private allowedFlavors = 0;
  private allowedSlots = 0;
  /** Scratch: slots that a row reaches; ids and costs of a heap under construction. */
  private reached: Int32Array = new Int32Array(16);
  private readonly found: ScratchHeap = { ids: new Int32Array(256), costs: new Float32Array(256) };
  /** Scratch: the classes that a heap holds. @shape [classes] */
  private stamps: Int32Array = new Int32Array(1024);
  private stamp = 0;

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
    this.prices = new ClassPrices(cluster, classes, price);
    this.options = options;
    assert(options.demandsMax >= 1 && options.boundaryProbesMax >= 0, 'an index of no demands');
    this.classEpoch = classes.epoch;
    this.drained = classes.journalEnd;
  }

  /** Replaces the prices; every order is rebuilt at its demand's next look-up. O(1). */
  reprice(price: Price): void {
    this.prices.use(price);
    this.repriced = true;
  }

  /** Demands that have heaps. */
  get demandCount(): number {
    return this.slots.length;
  }

  /** Bytes of costs, heaps, columns and scratch arrays. */
  get bytes(): number {
    const { rows, inboxes, prices, columns, stamps, priced, perhaps, reached, found } = this;
    let sum = rows.bytes + inboxes.bytes + prices.bytes + columns.bytes;
    for (const array of [stamps, priced, perhaps, reached, found.ids, found.costs]) sum += array.byteLength;
    for (const array of [...this.limits, ...this.allowed]) sum += array.byteLength;
    for (const order of this.slots) sum += order.bytes;
    return sum;
  }

  /**
   * Finds the cheapest class for a demand; the result is in `foundClass` and its companions.
   *
   * @returns True if there is one that surely fits.
   * @cost O(groups + log classes) amortised, for any number of nodes.
   */
  find(demand: Demand): boolean {
    this.catchUp();
    const order = this.orderOf(demand);
    // In this order: an overfull inbox makes the order drop its heaps.
    this.empty(order);
    if (!order.built) this.build(order);
    order.unaskedEntries = 0;
    this.probes = 0;
    const { heaps, tops } = order;
    const { nodeCounts } = this.classes;
    for (;;) {
      let group = -1;
      let cost = Number.POSITIVE_INFINITY;
      for (let g = 0; g < heaps.length; g++) {
        const bound = (tops[g] as number) + this.rent.rent(demand, g);
        if (bound < cost) {
          cost = bound;
          group = g;
        }
      }
      this.foundGroup = group;
      this.foundCost = cost;
      this.foundClass = -1;
      if (group < 0) return false;
      const heap = heaps[group] as ClassHeap;
      if (heap.size === 0) {
        this.fill(order, group);
        continue;
      }
      const id = heap.topClass();
      if ((nodeCounts[id] as number) > 0) {
        this.foundClass = id;
        return true;
      }
      heap.pop();
      tops[group] = heap.size > 0 ? heap.topCost() : this.boundOf(group, order.slot);
    }
  }

  /**
   * Checks nodes one by one where rounding may have hidden room, after `find` found nothing.
   *
   * Successive calls continue where the last one stopped, so that all are checked in turn.
   * @returns A node that fits, or −1. @cost at most `boundaryProbesMax` nodes.
   */
  findMaybeFitting(demand: Demand): number {
    const order = this.orderOf(demand);
    const { nodeCounts, heads } = this.classes;
    const { maybeFitting } = order;
    let left = this.options.boundaryProbesMax;
    for (let looked = maybeFitting.length; looked > 0 && left > 0; looked--) {
      if (order.cursor >= maybeFitting.length) order.cursor = 0;
      const id = maybeFitting[order.cursor] as number;
      let node = nodeCounts[id] === 0 ? -1 : (heads[id] as number);
      for (; node >= 0 && left > 0; node = this.classes.nextNode(node)) {
        this.probes++;
        left--;
        if (this.cluster.fits(node, demand)) return node;
      }
      order.cursor++;
    }
    return -1;
  }

  /**
   * Begins a trial: placements until `endTrial`, which undoes their effect on classes. @returns The argument of
   * `endTrial`.
   */
  beginTrial(demand?: Demand): number {
    this.catchUp();
    this.classes.beginTrial();
    return (demand === undefined ? undefined : this.orders[demand.id])?.cursor ?? 0;
  }

  /** Ends a trial: `find` and `findMaybeFitting` answer as if there had been none. */
  endTrial(cursor: number, demand?: Demand): void {
    this.classes.rollBack();
    this.catchUp();
    const order = demand === undefined ? undefined : this.orders[demand.id];
    if (order !== undefined) order.cursor = cursor;
  }

  /** ΔV of a demand on a class, Infinity if it does not surely fit. For explanations and exact lists. */
  costOf(demand: Demand, id: number): number {
    this.catchUp();
    this.widen(this.classes.count, this.slots.length);
    this.prices.load(id);
    return this.prices.fit(demand) === Fit.Surely ? this.prices.cost(demand) : Number.POSITIVE_INFINITY;
  }

  /** @returns V before and after, of the last finite `costOf`. */
  partsOf(): { readonly before: number; readonly after: number } {
    return this.prices.parts();
  }

  /** Lower bound of the costs of an empty heap's group. */
  private boundOf(group: number, slot: number): number {
    const limit = (this.limits[group] as Float32Array)[slot] as number;
    return limit >= UNLIMITED_32 ? Number.POSITIVE_INFINITY : limit;
  }

  private orderOf(demand: Demand): DemandOrder {
    let order = this.orders[demand.id];
    if (order === undefined) {
      while (this.orders.length <= demand.id) this.orders.push(undefined);
      order = new DemandOrder(demand, this.freeSlot());
      this.orders[demand.id] = order;
      this.slots[order.slot] = order;
      this.columns.set(order.slot, demand);
    }
    order.lastAsked = this.questions++;
    return order;
  }

  /** A slot for a new order; at the limit that of the least recently used one. */
  private freeSlot(): number {
    const { slots } = this;
    if (slots.length < this.options.demandsMax) {
      this.widen(this.classes.count, slots.length + 1);
      return slots.length;
    }
    let oldest = slots[0] as DemandOrder;
    for (const order of slots) if (order.lastAsked < oldest.lastAsked) oldest = order;
    this.orders[oldest.demand.id] = undefined;
    this.rows.clearColumn(oldest.slot);
    assert(oldest.demand.id < this.orders.length, 'the oldest order is not among the orders');
    this.unbuild(oldest);
    this.allowedSlots = -1;
    return oldest.slot;
  }

  /** Applies the changes of prices and classes since the last look-up. */
  private catchUp(): void {
    const { classes } = this;
    if (this.repriced || classes.epoch > this.classEpoch + 1) this.forgetAll();
    else if (classes.epoch !== this.classEpoch) this.renumber(classes.renumbering);
    if (this.drained === classes.journalEnd) return;
    this.widen(classes.count, this.slots.length);
    if (this.allowedSlots !== this.slots.length || this.allowedFlavors !== this.cluster.flavors.length) {
      this.findAllowed();
    }
    if (!classes.journalReaches(this.drained)) for (const order of this.slots) this.unbuild(order);
    else {
      for (let i = this.drained; i < classes.journalEnd; i++) {
        const id = classes.journalEntry(i);
        if (id >= 0 && (classes.nodeCounts[id] as number) > 0) this.enter(id);
      }
    }
    this.drained = classes.journalEnd;
  }

  /** Enters a class that has nodes again wherever it is cheap enough. O(demands), about a nanosecond each. */
  private enter(id: number): void {
    const { rows, reached, slots, inboxes } = this;
    const group = this.groupOf(id);
    const limits = this.limits[group] as Float32Array;
    const { cells } = rows;
    const at = id * rows.stride;
    if (this.priced[id] === 0) this.priceRow(id, at);
    const count = slotsReached(cells, at, limits, this.allowed[group] as Int32Array, reached);
    const { sizes, ids, costs } = inboxes;
    for (let i = 0; i < count; i++) {
      const slot = reached[i] as number;
      let cost = cells[at + slot] as number;
      if (Number.isNaN(cost)) {
        const order = slots[slot] as DemandOrder;
        if (!order.built) continue;
        cost = this.priceCell(order, id);
        if (cost > (limits[slot] as number)) continue;
      }
      if (sizes[slot] === INBOX_SIZE) this.empty(slots[slot] as DemandOrder);
      const entry = slot * INBOX_SIZE + (sizes[slot] as number);
      ids[entry] = id;
      costs[entry] = cost;
      sizes[slot] = (sizes[slot] as number) + 1;
    }
  }

  /** Enters into an order's heaps the classes of its inbox that still have nodes. */
  private empty(order: DemandOrder): void {
    const { slot } = order;
    const { sizes, ids, costs } = this.inboxes;
    const { nodeCounts, occupiedCount } = this.classes;
    const begin = slot * INBOX_SIZE;
    const end = begin + (sizes[slot] as number);
    sizes[slot] = 0;
    order.unaskedEntries += end - begin;
    if (order.unaskedEntries > IDLE_ENTRIES_MIN && order.unaskedEntries > IDLE_FACTOR * occupiedCount) {
      this.unbuild(order);
      return;
    }
    for (let i = begin; i < end; i++) {
      const id = ids[i] as number;
      if (nodeCounts[id] === 0) continue;
      const cost = costs[i] as number;
      const group = this.groupOf(id);
      if (cost > ((this.limits[group] as Float32Array)[slot] as number)) continue;
      const heap = order.heaps[group] as ClassHeap;
      if (heap.size >= heap.tidyAt) this.tidy(order, group);
      heap.push(id, cost);
      order.tops[group] = heap.topCost();
    }
  }

  /** Rids a heap of stale and double entries, and of the dearest ones if there are many. */
  private tidy(order: DemandOrder, group: number): void {
    const heap = order.heaps[group] as ClassHeap;
    const highest = heap.tidy(this.classes.nodeCounts, this.stamps, ++this.stamp, 2 * NEAR);
    if (highest !== Number.POSITIVE_INFINITY) (this.limits[group] as Float32Array)[order.slot] = highest;
    order.tops[group] = heap.size > 0 ? heap.topCost() : this.boundOf(group, order.slot);
  }

  private build(order: DemandOrder): void {
    const { classes } = this;
    for (let i = 0; i < classes.occupiedCount; i++) this.groupOf(classes.occupied[i] as number);
    order.widen(this.limits.length);
    this.inboxes.sizes[order.slot] = 0;
    for (let group = 0; group < this.limits.length; group++) this.fill(order, group);
    order.built = true;
  }

  /** Fills a heap with the cheapest occupied classes, and sets its limit. O(occupied classes). */
  private fill(order: DemandOrder, group: number): void {
    const { classes, found } = this;
    const { cells, stride } = this.rows;
    let count = 0;
    for (let i = 0; i < classes.occupiedCount; i++) {
      const id = classes.occupied[i] as number;
      if (this.groupOf(id) !== group) continue;
      let cost = cells[id * stride + order.slot] as number;
      if (Number.isNaN(cost)) cost = this.priceCell(order, id);
      if (cost === Number.POSITIVE_INFINITY) continue;
      if (count === found.ids.length) growScratch(found);
      found.ids[count] = id;
      found.costs[count++] = cost;
    }
    const limit = count <= NEAR ? UNLIMITED_32 : kthSmallest(found.costs.slice(0, count), NEAR);
    const heap = order.heaps[group] as ClassHeap;
    heap.clear();
    for (let i = 0; i < count; i++) {
      if ((found.costs[i] as number) <= limit) heap.push(found.ids[i] as number, found.costs[i] as number);
    }
    heap.tidyAt = Math.max(heap.tidyAt, 2 * heap.size);
    (this.limits[group] as Float32Array)[order.slot] = limit;
    order.tops[group] = heap.size > 0 ? heap.topCost() : this.boundOf(group, order.slot);
  }

  /** Finds which demands each group's nodes are allowed for. O(flavours × demands), when either grows. */
  private findAllowed(): void {
    const { cluster, rent, slots } = this;
    const lists: Set<number>[] = [];
    for (let flavor = 0; flavor < cluster.flavors.length; flavor++) {
      const group = rent.groupOf(flavor);
      while (lists.length <= group) lists.push(new Set());
      for (const { demand, slot } of slots) {
        if (cluster.allows(flavor, demand.constraintId)) (lists[group] as Set<number>).add(slot);
      }
    }
    lists.forEach((list, group) => {
      this.allowed[group] = Int32Array.from(list).sort();
    });
    this.allowedFlavors = cluster.flavors.length;
    this.allowedSlots = slots.length;
  }

  /** Makes an order rebuild its heaps at its next look-up. */
  private unbuild(order: DemandOrder): void {
    order.built = false;
    this.inboxes.sizes[order.slot] = 0;
    for (const limits of this.limits) limits[order.slot] = Number.NEGATIVE_INFINITY;
  }

  private forgetAll(): void {
    this.repriced = false;
    this.classEpoch = this.classes.epoch;
    this.drained = this.classes.journalEnd;
    this.rows.clear();
    this.priced.fill(0);
    for (const order of this.slots) {
      this.unbuild(order);
      order.maybeFitting.length = 0;
    }
  }

  private renumber(ids: Int32Array): void {
    this.classEpoch = this.classes.epoch;
    for (const order of this.slots) order.renumber(ids);
    for (const order of this.slots)
      order.heaps.forEach((heap, g) => {
        order.tops[g] = heap.size > 0 ? heap.topCost() : this.boundOf(g, order.slot);
      });
    this.rows.renumber(ids);
    let kept = 0;
    for (let id = 0; id < ids.length && id < this.priced.length; id++) {
      if ((ids[id] as number) >= 0) this.priced[kept++] = this.priced[id] as number;
    }
    this.priced.fill(0, kept);
    this.inboxes.renumber(ids);
    this.prices.renumber(ids);
  }

  /** Makes room for classes and demands. */
  private widen(classes: number, slots: number): void {
    this.rows.widen(classes, slots);
    this.inboxes.widen(slots);
    const { stride } = this.rows;
    if (this.reached.length < stride) {
      this.reached = new Int32Array(stride);
      this.perhaps = new Int32Array(stride);
      this.limits.forEach((limits, group) => {
        this.limits[group] = grown(limits, stride, Number.NEGATIVE_INFINITY);
      });
    }
    if (this.stamps.length >= classes) return;
    this.stamps = new Int32Array(Math.max(classes, 2 * this.stamps.length));
    this.priced = grown(this.priced, this.stamps.length);
  }

  /** The rent group of a class; a new one begins with complete, empty heaps. */
  private groupOf(id: number): number {
    const group = this.rent.groupOf(this.classes.flavorIds[id] as number);
    while (this.limits.length <= group) {
      const limits = new Float32Array(this.rows.stride).fill(Number.NEGATIVE_INFINITY);
      this.limits.push(limits);
      for (const order of this.slots) {
        order.widen(this.limits.length);
        if (order.built) limits[order.slot] = UNLIMITED_32;
      }
    }
    return group;
  }

  /** Prices a class for all demands, and stores the costs. */
  private priceRow(id: number, at: number): void {
    const { slots, perhaps } = this;
    const { cells } = this.rows;
    this.priced[id] = 1;
    this.prices.load(id);
    const count = this.prices.costs(this.columns, cells, at, perhaps);
    for (let i = 0; i < count; i++) (slots[perhaps[i] as number] as DemandOrder).maybeFitting.push(id);
  }

  /** Prices a class for a demand, and stores the cost. */
  private priceCell(order: DemandOrder, id: number): number {
    const { demand, slot } = order;
    this.prices.load(id);
    const fit = this.prices.fit(demand);
    let cost = Number.POSITIVE_INFINITY;
    if (fit === Fit.Surely) cost = this.prices.cost(demand);
    else if (fit === Fit.Perhaps) order.maybeFitting.push(id);
    this.rows.cells[id * this.rows.stride + slot] = cost;
    return cost;
  }
}
