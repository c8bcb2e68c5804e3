/**
 * Allocation and fragmentation against arrived load, binned as in the published benchmark.
 *
 * @source The rules of `docs/packing.md`, section Metrics.
 */
import type { Fragmentation } from '../../field/fragmentation.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';

/** Last column: arrived GPU load in percent of the cluster's GPUs. */
export const LOAD_PERCENT_MAX = 130;

const COLUMNS = LOAD_PERCENT_MAX + 1;

/** The three curves of one run. @shape [131] each, NaN where no event fell near. */
export interface PackingColumns {
  readonly alloc: Float64Array;
  readonly fragRatio: Float64Array;
  readonly fragAmount: Float64Array;
}

/** Records one event an arrival. */
export class PackingMetrics {
  private readonly fragmentation: Fragmentation;
  private readonly totalMilli: number;
  /** Last known F of each node. */
  private readonly nodeFragments: Float64Array;
  private fragments = 0;
  private arrivedMilli = 0;
  private usedMilli = 0;
  private readonly counts = new Float64Array(COLUMNS + 1);
  private readonly allocSums = new Float64Array(COLUMNS + 1);
  private readonly ratioSums = new Float64Array(COLUMNS + 1);
  private readonly amountSums = new Float64Array(COLUMNS + 1);

  /** @param cluster Empty, with all its nodes. */
  constructor(cluster: ClusterState, fragmentation: Fragmentation) {
    this.fragmentation = fragmentation;
    this.totalMilli = cluster.capacity.gpuMilli;
    this.nodeFragments = new Float64Array(cluster.nodeCount);
    for (let node = 0; node < cluster.nodeCount; node++) this.nodeSeen(node);
  }

  /** A pod arrived. @param node Where it was placed (already applied to the cluster), −1 if it was dropped. */
  record(demand: Demand, node: number): void {
    this.arrivedMilli += demand.gpuTotalMilli;
    if (node >= 0) {
      this.usedMilli += demand.gpuTotalMilli;
      this.nodeSeen(node);
    }
    const bin = roundHalfEven((100 * this.arrivedMilli) / this.totalMilli);
    if (!(bin <= COLUMNS)) return;
    const idle = this.totalMilli - this.usedMilli;
    this.counts[bin] = (this.counts[bin] as number) + 1;
    this.allocSums[bin] = (this.allocSums[bin] as number) + percent(this.usedMilli, this.totalMilli);
    this.ratioSums[bin] = (this.ratioSums[bin] as number) + percent(this.fragments, idle);
    this.amountSums[bin] = (this.amountSums[bin] as number) + percent(this.fragments, this.totalMilli);
  }

  /** @returns The curves of the events so far. */
  columns(): PackingColumns {
    return {
      alloc: this.means(this.allocSums).map(round2),
      fragRatio: this.means(this.ratioSums),
      fragAmount: this.means(this.amountSums).map(round2),
    };
  }

  private nodeSeen(node: number): void {
    const now = this.fragmentation.ofNode(node);
    this.fragments += now - (this.nodeFragments[node] as number);
    this.nodeFragments[node] = now;
  }

  /** Mean of each bin; of the bin and its neighbours where it is empty. */
  private means(sums: Float64Array): Float64Array {
    const means = new Float64Array(COLUMNS);
    for (let k = 0; k < COLUMNS; k++) {
      let count = this.counts[k] as number;
      let sum = sums[k] as number;
      if (count === 0) {
        count = (this.counts[k - 1] ?? 0) + (this.counts[k + 1] as number);
        sum = (sums[k - 1] ?? 0) + (sums[k + 1] as number);
      }
      means[k] = count === 0 ? Number.NaN : sum / count;
    }
    return means;
  }
}

/** A share in percent with two decimals; 0 of nothing is 0. */
function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : round2((100 * part) / whole);
}

function round2(x: number): number {
  return roundHalfEven(x * 100) / 100;
}

/** @returns The nearest integer, the even one where two are equally near. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
