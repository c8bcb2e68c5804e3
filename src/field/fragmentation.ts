/**
 * Fragmentation of a node's GPUs towards a typical workload: the idle GPU that its pods could not use now.
 *
 * Computed on plain numbers: the caller passes free CPU and idle GPU parts, real or hypothetical.
 * Invariant: sums run in a fixed order (class by class, each in the order of the typical shapes), because the policy
 * that descends on this measure cuts its score to an integer and so depends on the last bit.
 *
 * @source Weng et al. 2023, Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient
 *         Descent, USENIX ATC'23, §4; the order of summation as in `docs/packing.md`.
 */
import type { ClusterState } from '../model/cluster-state.ts';
import type { Constraint, Demand, DemandTable } from '../model/demand.ts';

/** Share of pods that the typical shapes cover at least. */
const TYPICAL_COVERAGE = 0.95;

/** The most frequent pod shapes of a workload (memory is not part of a shape). */
export interface TypicalShapes {
  readonly count: number;
  /** @shape [count] */
  readonly cpuMilli: Int32Array;
  /** @shape [count] per GPU; 0 if the shape needs none. */
  readonly gpuMilli: Int32Array;
  /** @shape [count] */
  readonly gpuCount: Int32Array;
  /** @shape [count] */
  readonly constraintIds: Int32Array;
  /** @shape [count] share of the covered pods; sums to 1. */
  readonly weights: Float64Array;
}

interface Shape {
  readonly cpuMilli: number;
  readonly gpuMilli: number;
  readonly gpuCount: number;
  readonly constraintId: number;
  readonly models: string;
  weight: number;
}

/**
 * Derives the typical shapes: most frequent first (ties: more CPU, more GPU share, more GPUs, later model text),
 * until they cover TYPICAL_COVERAGE of the pods.
 *
 * @param demands Distinct demands of a workload; those that differ in memory alone become one shape.
 * @param counts  How often each occurs. @shape [demands]
 * @param table   The table that the demands belong to.
 */
export function typicalShapes(
  demands: readonly Demand[],
  counts: ArrayLike<number>,
  table: DemandTable,
): TypicalShapes {
  const shapes = mergeShapes(demands, counts, table);
  shapes.sort(byFrequency);
  let total = 0;
  for (const shape of shapes) total += shape.weight;
  let covered = 0;
  let count = 0;
  while (count < shapes.length && covered < TYPICAL_COVERAGE * total) {
    covered += (shapes[count] as Shape).weight;
    count++;
  }
  const taken = shapes.slice(0, count);
  return {
    count,
    cpuMilli: Int32Array.from(taken, (s) => s.cpuMilli),
    gpuMilli: Int32Array.from(taken, (s) => s.gpuMilli),
    gpuCount: Int32Array.from(taken, (s) => s.gpuCount),
    constraintIds: Int32Array.from(taken, (s) => s.constraintId),
    // Divided twice, as published: the resulting score is cut to an integer, so the last bit counts.
    weights: Float64Array.from(taken, (s) => s.weight / total / (covered / total)),
  };
}

function mergeShapes(demands: readonly Demand[], counts: ArrayLike<number>, table: DemandTable): Shape[] {
  const byKey = new Map<string, Shape>();
  demands.forEach((demand, i) => {
    const { cpuMilli, gpuMilli, gpuCount, constraintId } = demand;
    const key = `${cpuMilli},${gpuMilli},${gpuCount},${constraintId}`;
    let shape = byKey.get(key);
    if (shape === undefined) {
      const models = (table.constraints[constraintId] as Constraint).gpuModels.join('|');
      shape = { cpuMilli, gpuMilli, gpuCount, constraintId, models, weight: 0 };
      byKey.set(key, shape);
    }
    shape.weight += counts[i] as number;
  });
  return [...byKey.values()];
}

function byFrequency(a: Shape, b: Shape): number {
  return (
    b.weight - a.weight ||
    b.cpuMilli - a.cpuMilli ||
    b.gpuMilli - a.gpuMilli ||
    b.gpuCount - a.gpuCount ||
    (a.models < b.models ? 1 : a.models > b.models ? -1 : a.constraintId - b.constraintId)
  );
}

/** Evaluates F_n(M) for one typical workload M on the flavours of one cluster. */
export class Fragmentation {
  readonly shapes: TypicalShapes;
  private readonly cluster: ClusterState;
  /** [flavour] → by shape: 1 if the flavour is allowed. */
  private readonly allowed: Uint8Array[] = [];
  /** Distinct GPU shares of the shapes. @shape [shares] */
  private readonly shares: Int32Array;
  /** @shape [shapes] index into `shares`, −1 if the shape needs no GPU. */
  private readonly shareIndex: Int32Array;
  /** Scratch: GPUs with at least that share idle, and the idle sum of the others. @shape [shares] */
  private readonly fitting: Int32Array;
  private readonly tooSmall: Int32Array;

  constructor(shapes: TypicalShapes, cluster: ClusterState) {
    this.shapes = shapes;
    this.cluster = cluster;
    const distinct = [...new Set(shapes.gpuMilli)].filter((milli) => milli > 0).sort((a, b) => a - b);
    this.shares = Int32Array.from(distinct);
    this.shareIndex = shapes.gpuMilli.map((milli) => distinct.indexOf(milli));
    this.fitting = new Int32Array(distinct.length);
    this.tooSmall = new Int32Array(distinct.length);
  }

  /** @returns F_n(M) in milli-GPU of a node as it is. */
  ofNode(node: number): number {
    const { cluster } = this;
    const begin = cluster.gpuOffsets[node] as number;
    const end = cluster.gpuOffsets[node + 1] as number;
    const idle = cluster.gpuIdleMilli;
    this.countShares(idle, begin, end);
    return this.sum(
      cluster.flavorIds[node] as number,
      cluster.freeCpuMilli[node] as number,
      cluster.freeGpuMilli[node] as number,
    );
  }

  /**
   * @param flavorId The node's flavour.
   * @param cpuMilli Its free CPU.
   * @param idle     Idle part of each of its GPUs. @shape [gpuCount] in [0, 1000]
   * @param gpuCount How many GPUs it has.
   * @returns F_n(M) in milli-GPU, in [0, sum of idle]. O(shares × GPUs + shapes), no allocation.
   */
  ofState(flavorId: number, cpuMilli: number, idle: Uint16Array, gpuCount: number): number {
    let idleSum = 0;
    for (let g = 0; g < gpuCount; g++) idleSum += idle[g] as number;
    this.countShares(idle, 0, gpuCount);
    return this.sum(flavorId, cpuMilli, idleSum);
  }

  private countShares(idle: Uint16Array, begin: number, end: number): void {
    const { shares, fitting, tooSmall } = this;
    for (let s = 0; s < shares.length; s++) {
      const share = shares[s] as number;
      let fit = 0;
      let small = 0;
      for (let g = begin; g < end; g++) {
        const r = idle[g] as number;
        if (r >= share) fit++;
        else small += r;
      }
      fitting[s] = fit;
      tooSmall[s] = small;
    }
  }

  /** Adds up the classes Q1, Q2, Q4, XL, XR and no access: everything but the GPU that a shape could use now (Q3). */
  private sum(flavorId: number, cpuMilli: number, idleSum: number): number {
    const { shapes, shareIndex, fitting, tooSmall } = this;
    const { count, weights, cpuMilli: needCpu, gpuCount: needGpus } = shapes;
    const allowed = this.allowed[flavorId] ?? this.allowedShapes(flavorId);
    let q1 = 0;
    let q2 = 0;
    let q4 = 0;
    let xl = 0;
    let xr = 0;
    let noAccess = 0;
    for (let m = 0; m < count; m++) {
      const weight = weights[m] as number;
      const share = shareIndex[m] as number;
      const cpuFits = cpuMilli >= (needCpu[m] as number);
      if (share < 0) {
        if (cpuFits) xl += weight * idleSum;
        else xr += weight * idleSum;
      } else if (allowed[m] === 0) {
        noAccess += weight * idleSum;
      } else if ((fitting[share] as number) >= (needGpus[m] as number)) {
        if (cpuFits) q2 += weight * (tooSmall[share] as number);
        else q4 += weight * idleSum;
      } else if (cpuFits) {
        q2 += weight * idleSum;
      } else {
        q1 += weight * idleSum;
      }
    }
    return q1 + q2 + q4 + xl + xr + noAccess;
  }

  private allowedShapes(flavorId: number): Uint8Array {
    const row = new Uint8Array(this.shapes.count);
    this.shapes.constraintIds.forEach((constraint, m) => {
      row[m] = this.cluster.allows(flavorId, constraint) ? 1 : 0;
    });
    this.allowed[flavorId] = row;
    return row;
  }
}
