/** The prices in force: made from a given typical workload once, or from the arrivals whenever their mix has moved. */
import type { GeometricLattice } from '../../field/lattice.ts';
import type { Price } from '../../field/price.ts';
import { pricesOf } from '../../field/prices.ts';
import type { StrandingTables } from '../../field/stranding-tables.ts';
import { TypicalLearner, type TypicalWorkload } from '../../field/typical-workload.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { TegOptions } from './teg-options.ts';

/** Prices for a policy, which reports its observations. */
export interface PricesInForce {
  /** In force; replaced as a whole. */
  readonly price: Price;
  /** Counts an arrival. @returns True if `price` differs from the last call's. */
  demandSeen(demand: Demand, pods: number): boolean;
  /** Counts a departure. */
  departureSeen(): void;
}

/** Keeps the prices of one zone. */
export class TypicalPrices implements PricesInForce {
  /** In force; replaced as a whole. */
  price: Price;
  /** Number of times they were made again. */
  renewals = 0;
  private readonly cluster: ClusterState;
  private readonly lattice: GeometricLattice;
  private readonly options: TegOptions;
  /** Absent where the typical workload is given. */
  private readonly learner: TypicalLearner | undefined;
  /** Given, or the initial expectation. */
  private readonly given: TypicalWorkload;
  private readonly tables: StrandingTables | undefined;
  private nextLook: number;
  private departures = 0;
  /** True if pods were seen to leave since the prices were made. */
  private regimeChanged = false;

  constructor(
    cluster: ClusterState,
    lattice: GeometricLattice,
    typical: TypicalWorkload | undefined,
    options: TegOptions,
    tables?: StrandingTables,
  ) {
    this.cluster = cluster;
    this.lattice = lattice;
    this.options = options;
    this.tables = tables;
    this.learner = typical === undefined ? new TypicalLearner(options.learning.halfLifePods) : undefined;
    this.nextLook = options.learning.firstLookPods;
    this.given = typical ?? prior(cluster);
    this.price = pricesOf(cluster, lattice, this.given, options.price, 0, tables);
  }

  /**
   * Counts an arrival.
   *
   * @returns True if the prices were made again. O(1), except then.
   */
  demandSeen(demand: Demand, pods: number): boolean {
    const { learner } = this;
    learner?.add(demand, pods);
    if (this.regimeChanged) {
      this.regimeChanged = false;
      this.renew();
      return true;
    }
    if (learner === undefined || learner.seen < this.nextLook) return false;
    const { lookEveryMax, driftMax } = this.options.learning;
    this.nextLook = learner.seen + Math.min(3 * learner.seen, lookEveryMax);
    if (learner.drift() <= driftMax) return false;
    this.renew();
    return true;
  }

  /** Counts a departure. The first `departuresMin` of them change the regime: pods leave. O(1). */
  departureSeen(): void {
    this.departures++;
    if (this.departures === this.options.learning.departuresMin) this.regimeChanged = true;
  }

  private renew(): void {
    const { learning, price } = this.options;
    const sizeBias = this.departures >= learning.departuresMin ? learning.sizeBias : 0;
    const typical = this.learner === undefined ? this.given : this.learner.settle();
    this.price = pricesOf(this.cluster, this.lattice, typical, price, sizeBias, this.tables);
    this.renewals++;
  }
}

/** Share of a node's CPU per GPU that a pod of the prior takes. */
const PRIOR_CPU_SHARE = 0.75;

/**
 * The expectation before any arrival: pods of a whole GPU, of half a GPU, of eight, and without, in proportion to the
 * cluster's CPU and memory. It is in force for the first arrivals only.
 */
function prior(cluster: ClusterState): TypicalWorkload {
  const { capacity } = cluster;
  const per = PRIOR_CPU_SHARE / Math.max(1, capacity.gpus > 0 ? capacity.gpus : cluster.nodeCount);
  const cpuMilli = Math.floor(capacity.cpuMilli * per);
  const memoryMib = Math.floor(capacity.memoryMib * per);
  const shape = (gpuCount: number, gpuMilli: number, part: number): Demand => ({
    id: -1,
    cpuMilli: Math.floor(cpuMilli * part),
    memoryMib: Math.floor(memoryMib * part),
    gpuCount,
    gpuMilli,
    gpuTotalMilli: gpuCount * gpuMilli,
    extended: [],
    constraintId: 0,
    spreadGroupId: -1,
    podsPerNodeMax: 0,
  });
  if (capacity.gpus === 0) return { demands: [shape(0, 0, 0.25), shape(0, 0, 0.05)], weights: [0.5, 0.5] };
  return {
    demands: [shape(1, 1000, 1), shape(1, 500, 0.5), shape(8, 1000, 8), shape(0, 0, 0.5)],
    weights: [0.5, 0.3, 0.02, 0.18],
  };
}
