/**
 * TEG's placement inside a zone: the cheapest class by stranding potential and rent, found through the class index.
 *
 * Also here: the same prices without the index, as references — `full-scan` prices every node exactly, `best-of-d`
 * prices d random nodes.
 */
import { ClassIndex } from '../../field/class-index.ts';
import { ClassPrices, Fit } from '../../field/class-prices.ts';
import { ClassTable } from '../../field/class-table.ts';
import { FlavorRent } from '../../field/flavor-rent.ts';
import { emptyShape, type NodeShape } from '../../field/price.ts';
import { latticeOf } from '../../field/prices.ts';
import { assert } from '../../kernel/assert.ts';
import type { Random } from '../../kernel/random.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { isSharing } from '../../model/demand.ts';
import type { Quote } from '../arbiter.ts';
import { chosenGpus, readNode, readNodeWithout } from './node-shape.ts';
import type { Explanation, PlacementPolicy, PolicyContext, PricingPolicy } from './policy.ts';
import type { SharedPrices } from './shared-prices.ts';
import { explainByClass, explainByNode } from './teg-explain.ts';
import { TEG_DEFAULTS, TEG_POWER, type TegOptions } from './teg-options.ts';
import { type PricesInForce, TypicalPrices } from './typical-prices.ts';

/** Nodes probed in the classes that fit, for a pod with a limit of pods a node. */
const SPREAD_PROBES_MAX = 256;
/** Nodes of one class probed for such a pod. */
const SPREAD_PROBES_PER_CLASS = 16;

/** The product's policy. */
export class TegPolicy implements PricingPolicy {
  readonly name: string = 'teg';
  gpuMask = 0;
  nodesExamined = 0;
  readonly classes: ClassTable;
  readonly index: ClassIndex;
  readonly rent: FlavorRent;
  readonly prices: PricesInForce;
  private readonly cluster: ClusterState;
  private readonly shape: NodeShape = emptyShape();

  /** @param shared Prices of several zones; absent: this zone makes its own. */
  constructor(context: PolicyContext, options: TegOptions = TEG_DEFAULTS, shared?: SharedPrices) {
    const { cluster, typical, tables } = context;
    const lattice = shared?.lattice ?? latticeOf(cluster);
    this.cluster = cluster;
    this.classes = new ClassTable(cluster, lattice, options.classesMax);
    this.rent = new FlavorRent(cluster, options.rent);
    this.prices = shared?.view() ?? new TypicalPrices(cluster, lattice, typical, options, tables);
    this.index = new ClassIndex(cluster, this.classes, this.rent, this.prices.price, options.index);
  }

  demandSeen(demand: Demand, count = 1): void {
    this.rent.demandSeen(demand, count);
    if (this.prices.demandSeen(demand, count)) this.index.reprice(this.prices.price);
  }

  choose(demand: Demand): number {
    this.nodesExamined = 0;
    const node = demand.podsPerNodeMax > 0 ? this.chooseSpread(demand) : this.chooseByClass(demand);
    if (node >= 0) this.gpuMask = this.gpusOn(node, demand);
    return node;
  }

  /** See `PricingPolicy.costWhere`. O(GPUs) a pod, and O(k²) for k pods on one node. */
  costWhere(demand: Demand, nodes: readonly number[], gpuMasks: readonly number[]): number {
    const { cluster, shape } = this;
    const gone = new Map<number, number[]>();
    let sum = 0;
    for (let pod = nodes.length - 1; pod >= 0; pod--) {
      const node = nodes[pod] as number;
      const masks = gone.get(node) ?? [];
      masks.push(gpuMasks[pod] as number);
      gone.set(node, masks);
      readNodeWithout(cluster, node, demand, masks, shape);
      const group = this.rent.groupOf(cluster.flavorIds[node] as number);
      sum += this.prices.price.cost(shape, demand, Number.NaN) + this.rent.rent(demand, group);
    }
    return sum;
  }

  /** @returns What one more pod costs on a node now, milli-GPU; Infinity: its GPUs do not do. O(GPUs). */
  costOn(demand: Demand, node: number): number {
    const { cluster, shape, rent } = this;
    readNode(cluster, node, shape);
    const group = rent.groupOf(cluster.flavorIds[node] as number);
    return this.prices.price.cost(shape, demand, Number.NaN) + rent.rent(demand, group);
  }

  /** See `PricingPolicy.quote`. A trial: pods are placed, priced where they are, and taken back. */
  quote(demand: Demand, podCount: number, into: Quote): void {
    const { cluster, rent, index, gpuMask, nodesExamined } = this;
    const nodes: number[] = [];
    const gpuMasks: number[] = [];
    const cursor = index.beginTrial(demand);
    while (nodes.length < podCount) {
      const node = this.choose(demand);
      if (node < 0) break;
      cluster.place(node, demand, this.gpuMask);
      rent.update(node);
      nodes.push(node);
      gpuMasks.push(this.gpuMask);
      // No choice follows the last one.
      if (nodes.length < podCount) this.classes.update(node);
    }
    into.pods = nodes.length;
    into.price = this.costWhere(demand, nodes, gpuMasks);
    for (let pod = nodes.length - 1; pod >= 0; pod--) {
      cluster.release(nodes[pod] as number, demand, gpuMasks[pod] as number);
      rent.update(nodes[pod] as number);
    }
    index.endTrial(cursor, demand);
    this.gpuMask = gpuMask;
    this.nodesExamined = nodesExamined;
  }

  nodeChanged(node: number): void {
    this.classes.update(node);
    if (this.rent.update(node) > 0 && this.cluster.podCounts[node] !== 0) this.prices.departureSeen();
  }

  /** Prices the classes itself: the index's state, and the position of its next scan, stay unchanged. */
  explain(demand: Demand, chosen?: number): Explanation {
    const { cluster, classes, rent } = this;
    const prices = new ClassPrices(cluster, classes, this.prices.price);
    const node = chosen ?? this.expected(demand, prices);
    return explainByClass(this.name, cluster, classes, prices, rent, demand, node);
  }

  private chooseByClass(demand: Demand): number {
    if (this.index.find(demand)) {
      const node = this.classes.heads[this.index.foundClass] as number;
      assert(this.cluster.fits(node, demand), 'a class fits, but not its node');
      return node;
    }
    const node = this.index.findMaybeFitting(demand);
    this.nodesExamined = this.index.probes;
    return node;
  }

  /** Classes in the order of their cost, node by node until one has room under the pod's spread limit. */
  private chooseSpread(demand: Demand): number {
    const ranked = this.ranked(demand, (id) => this.index.costOf(demand, id));
    const found = this.firstWithRoom(demand, ranked);
    if (found >= 0) return found;
    // Rounding may have hidden room, as for any other pod; it is found once the index has scanned.
    this.index.find(demand);
    const node = this.index.findMaybeFitting(demand);
    this.nodesExamined += this.index.probes;
    return node;
  }

  /** Occupied classes that surely fit, the cheapest first. @param costOf ΔV on a class; Infinity: it does not surely fit. */
  private ranked(demand: Demand, costOf: (id: number) => number): number[] {
    const { classes, rent } = this;
    const ranked: { id: number; cost: number }[] = [];
    for (let i = 0; i < classes.occupiedCount; i++) {
      const id = classes.occupied[i] as number;
      const cost = costOf(id);
      if (cost === Number.POSITIVE_INFINITY) continue;
      ranked.push({ id, cost: cost + rent.rent(demand, rent.groupOf(classes.flavorIds[id] as number)) });
    }
    ranked.sort((x, y) => x.cost - y.cost || x.id - y.id);
    return ranked.map(({ id }) => id);
  }

  /** The first node with room among some of each class, −1 if none of those has. */
  private firstWithRoom(demand: Demand, ranked: readonly number[]): number {
    const { classes } = this;
    this.nodesExamined = 0;
    for (const id of ranked) {
      let node = classes.heads[id] as number;
      for (let k = 0; k < SPREAD_PROBES_PER_CLASS && node >= 0; k++) {
        this.nodesExamined++;
        if (this.cluster.fits(node, demand)) return node;
        node = classes.nextNode(node);
      }
      if (this.nodesExamined >= SPREAD_PROBES_MAX) break;
    }
    return -1;
  }

  /** The likely answer of `choose`: among classes of equal cost it may take another one. */
  private expected(demand: Demand, prices: ClassPrices): number {
    const { nodesExamined } = this;
    const ranked = this.ranked(demand, (id) => {
      prices.load(id);
      return prices.fit(demand) === Fit.Surely ? prices.cost(demand) : Number.POSITIVE_INFINITY;
    });
    let node = this.firstWithRoom(demand, ranked);
    this.nodesExamined = nodesExamined;
    for (let n = 0; node < 0 && n < this.cluster.nodeCount; n++) {
      if (this.cluster.fits(n, demand)) node = n;
    }
    return node;
  }

  private gpusOn(node: number, demand: Demand): number {
    if (!isSharing(demand)) return this.cluster.bestFitGpus(node, demand);
    readNode(this.cluster, node, this.shape);
    const cost = this.prices.price.cost(this.shape, demand, 0);
    // A fourth partial GPU may fit where the three largest do not show it (they are larger, so they fit too).
    assert(cost !== Number.POSITIVE_INFINITY, 'a node fits, but none of its GPUs');
    return chosenGpus(this.cluster, node, demand, this.shape, this.prices.price.choice);
  }
}

/** The common part of `full-scan` and `best-of-d`: exact prices of single nodes. */
abstract class ExactPolicy implements PlacementPolicy {
  abstract readonly name: string;
  gpuMask = 0;
  nodesExamined = 0;
  protected readonly cluster: ClusterState;
  protected readonly rent: FlavorRent;
  protected readonly prices: TypicalPrices;
  protected readonly random: Random;
  private readonly shape: NodeShape = emptyShape();
  private bestCost = 0;
  private bestNode = -1;
  private bestChoice = 0;

  constructor(context: PolicyContext, options: TegOptions) {
    const { cluster, random, typical, tables } = context;
    this.cluster = cluster;
    this.random = random;
    this.rent = new FlavorRent(cluster, options.rent);
    this.prices = new TypicalPrices(cluster, latticeOf(cluster), typical, options, tables);
  }

  demandSeen(demand: Demand, count = 1): void {
    this.rent.demandSeen(demand, count);
    this.prices.demandSeen(demand, count);
  }

  choose(demand: Demand): number {
    this.nodesExamined = 0;
    this.bestNode = -1;
    this.bestCost = Number.POSITIVE_INFINITY;
    this.search(demand);
    if (this.bestNode < 0) return -1;
    if (isSharing(demand)) {
      readNode(this.cluster, this.bestNode, this.shape);
      this.gpuMask = chosenGpus(this.cluster, this.bestNode, demand, this.shape, this.bestChoice);
    } else this.gpuMask = this.cluster.bestFitGpus(this.bestNode, demand);
    return this.bestNode;
  }

  nodeChanged(node: number): void {
    if (this.rent.update(node) > 0 && this.cluster.podCounts[node] !== 0) this.prices.departureSeen();
  }

  explain(demand: Demand, chosen?: number): Explanation {
    return explainByNode(this.name, this.cluster, this.prices.price, this.rent, demand, chosen);
  }

  /** Calls `consider` for the nodes to check. */
  protected abstract search(demand: Demand): void;

  /** Prices a node if it fits; keeps the cheapest (ties: the one seen first). @returns True if it fits. */
  protected consider(node: number, demand: Demand): boolean {
    this.nodesExamined++;
    const { cluster, shape } = this;
    if (!cluster.fits(node, demand)) return false;
    readNode(cluster, node, shape);
    const group = this.rent.groupOf(cluster.flavorIds[node] as number);
    const cost = this.prices.price.cost(shape, demand, Number.NaN) + this.rent.rent(demand, group);
    if (cost < this.bestCost) {
      this.bestCost = cost;
      this.bestNode = node;
      this.bestChoice = this.prices.price.choice;
    }
    return true;
  }
}

/** Prices every node exactly: the reference of quality, at a cost that grows with the cluster. */
export class FullScanPolicy extends ExactPolicy {
  readonly name = 'full-scan';

  protected override search(demand: Demand): void {
    for (let node = 0; node < this.cluster.nodeCount; node++) this.consider(node, demand);
  }
}

/** Nodes that `best-of-d` prices. */
const BEST_OF = 8;
/** Nodes it draws before it gives up, as a multiple of the cluster: near saturation few fit. */
const DRAWS_PER_NODE = 4;

/** Prices d = 8 fitting nodes drawn at random; gives up after four draws for each node. */
export class BestOfDPolicy extends ExactPolicy {
  readonly name = 'best-of-d';

  override explain(demand: Demand, chosen = -1): Explanation {
    return super.explain(demand, chosen);
  }

  protected override search(demand: Demand): void {
    const n = this.cluster.nodeCount;
    let fitting = 0;
    for (let draw = 0; draw < DRAWS_PER_NODE * n && fitting < BEST_OF; draw++) {
      if (this.consider(this.random.nextInt(n), demand)) fitting++;
    }
  }
}

/** Makes the product's policy. */
export function createTegPolicy(context: PolicyContext): PlacementPolicy {
  return new TegPolicy(context);
}

/** The product's policy with a price on power. */
class TegPowerPolicy extends TegPolicy {
  override readonly name = 'teg-power';
}

/** Makes the product's policy with a price on power. */
export function createTegPowerPolicy(context: PolicyContext): PlacementPolicy {
  return new TegPowerPolicy(context, TEG_POWER);
}

/** Makes the exact reference. */
export function createFullScanPolicy(context: PolicyContext): PlacementPolicy {
  return new FullScanPolicy(context, TEG_DEFAULTS);
}

/** Makes the sampling baseline on the same potential. */
export function createBestOfDPolicy(context: PolicyContext): PlacementPolicy {
  return new BestOfDPolicy(context, TEG_DEFAULTS);
}
