/**
 * The cheapest places of some demands at one instant: the best place and the next best.
 *
 * Node classes are exact, so pricing each class once is pricing every node. The next best is kept because a pod's own
 * node is not an alternative to itself. Demands with a limit of pods a node are priced node by node, at the same
 * prices.
 */
import { DemandColumns } from '../../field/demand-columns.ts';
import { emptyShape, type Price } from '../../field/price.ts';
import { readNode } from '../../governor/policy/node-shape.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { GPU_MILLI } from '../../model/node.ts';
import type { ExactClasses } from './equilibrium-classes.ts';

/** The cheapest places of the demands last priced. */
export class CheapestPlaces {
  private readonly cluster: ClusterState;
  private readonly classes: ExactClasses;
  private readonly price: Price;
  private readonly columns = new DemandColumns();
  /** Cost of the best place, and of the best but that one; Infinity: there is none. @shape [demands] */
  private bestCosts = new Float64Array(0);
  private nextCosts = new Float64Array(0);
  /** The best place: a class, or a node for a demand with a limit of pods a node; −1: none. @shape [demands] */
  private bestPlaces = new Int32Array(0);
  /** Costs of the demands on the current class. @shape [demands] */
  private costs = new Float32Array(0);
  /** Rows of the columns that fit the current class. @shape [demands] */
  private rows = new Int32Array(0);
  private readonly shape = emptyShape();

  constructor(cluster: ClusterState, classes: ExactClasses, price: Price) {
    this.cluster = cluster;
    this.classes = classes;
    this.price = price;
  }

  /**
   * Prices demands on all classes that take pods.
   *
   * @param values V of each class.
   * @cost O(classes × demands), some 15 ns each; for each demand with a limit of pods a node O(nodes) besides.
   */
  find(demands: readonly Demand[], values: Float64Array): void {
    this.columns.setAll(demands);
    this.bestCosts = new Float64Array(demands.length).fill(Number.POSITIVE_INFINITY);
    this.nextCosts = this.bestCosts.slice();
    this.bestPlaces = new Int32Array(demands.length).fill(-1);
    this.costs = new Float32Array(demands.length);
    this.rows = new Int32Array(demands.length);
    const { classes } = this;
    for (let id = 0; id < classes.count; id++) {
      if (classes.open[id] === 0) continue;
      const count = this.priceClass(id, values[id] as number);
      for (let i = 0; i < count; i++)
        this.offerClass(this.columns.slots[this.rows[i] as number] as number, id);
    }
  }

  /** @returns The cost of a demand's cheapest place other than `node`, milli-GPU; Infinity: none has room. */
  cheapestOther(slot: number, node: number): number {
    const { classes } = this;
    const best = this.bestPlaces[slot] as number;
    const id = classes.classOf[node] as number;
    const isLimited = (this.columns.demands[slot] as Demand).podsPerNodeMax > 0;
    const isOwn = isLimited ? best === node : best === id && classes.nodeCounts[id] === 1;
    return (isOwn ? this.nextCosts[slot] : this.bestCosts[slot]) as number;
  }

  /**
   * Finds the demands that fit the nodes of a class, but for limits of pods a node, and prices them. @returns How many
   * rows.
   */
  private priceClass(id: number, value: number): number {
    const { columns, cluster, classes, price, shape, rows, costs } = this;
    const node = classes.firsts[id] as number;
    readNode(cluster, node, shape);
    const { cpuMilli: cpus, memoryMib: memories, wholeGpus, sharedMilli, special, slots, demands } = columns;
    const flavorId = cluster.flavorIds[node] as number;
    const { cpuMilli, memoryMib, whole } = shape;
    const part = whole > 0 ? GPU_MILLI : shape.a;
    let count = 0;
    let isPlain = true;
    for (let row = 0; row < slots.length; row++) {
      if ((cpus[row] as number) > cpuMilli || (memories[row] as number) > memoryMib) continue;
      if ((wholeGpus[row] as number) > whole || (sharedMilli[row] as number) > part) continue;
      if (special[row] === 1) {
        const { constraintId, extended } = demands[slots[row] as number] as Demand;
        if (!cluster.allows(flavorId, constraintId) || !covers(shape.extended, extended)) continue;
        isPlain &&= extended.length === 0;
      }
      rows[count++] = row;
    }
    if (count === 0) return 0;
    price.take(shape);
    if (isPlain) price.costsHere(columns, rows, count, value, costs, 0);
    else {
      for (let i = 0; i < count; i++) {
        const slot = slots[rows[i] as number] as number;
        costs[slot] = price.costHere(demands[slot] as Demand, value);
      }
    }
    return count;
  }

  /** Enters a class, or two of its nodes that have room under a limit of pods a node. */
  private offerClass(slot: number, id: number): void {
    const cost = this.costs[slot] as number;
    if (cost >= (this.nextCosts[slot] as number)) return;
    const { podsPerNodeMax, spreadGroupId } = this.columns.demands[slot] as Demand;
    if (podsPerNodeMax === 0) {
      this.offer(slot, id, cost);
      return;
    }
    const { firsts, next } = this.classes;
    let left = 2;
    for (let node = firsts[id] as number; node >= 0 && left > 0; node = next[node] as number) {
      if (this.cluster.groupPods(node, spreadGroupId) >= podsPerNodeMax) continue;
      this.offer(slot, node, cost);
      left--;
    }
  }

  private offer(slot: number, place: number, cost: number): void {
    if (cost < (this.bestCosts[slot] as number)) {
      this.nextCosts[slot] = this.bestCosts[slot] as number;
      this.bestCosts[slot] = cost;
      this.bestPlaces[slot] = place;
    } else if (cost < (this.nextCosts[slot] as number)) this.nextCosts[slot] = cost;
  }
}

function covers(have: readonly number[], need: readonly number[]): boolean {
  return need.every((amount, r) => (have[r] ?? 0) >= amount);
}
