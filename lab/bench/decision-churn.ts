/**
 * Churn: a cluster that is kept at one fill while pods leave at random and new ones arrive, to measure the cost of one
 * decision.
 *
 * A step is one pod that leaves and one that arrives. The timed part is a zone's whole work for the two: the release
 * and the policy's update; then the arrival's report to the policy, its choice, the placement and the update. The draws
 * of the leaving pod and the arriving demand are the workload's work and are not timed.
 *
 * Why not arrivals alone: pods that leave make free shapes that packing alone never makes, so an index is judged where
 * shapes are most numerous. A pure function of its options and the clock's readings, which decide only the number of
 * steps within a time limit.
 */

import type { PlacementPolicy, TypicalWorkload } from '../../src/governor/policy/policy.ts';
import { grown } from '../../src/kernel/grown.ts';
import type { Random } from '../../src/kernel/random.ts';
import type { ClusterState } from '../../src/model/cluster-state.ts';
import type { Demand } from '../../src/model/demand.ts';
import { TegError } from '../../src/model/errors.ts';

/** Arrivals in a row that found no room, after which a fill gives up. */
const FILL_FAILURES_MAX = 10_000;

/** How far from its target the fill may drift before an extra pod leaves or arrives, as a share of all GPUs. */
const FILL_TOLERANCE = 0.001;

/** A run of steps. */
export interface ChurnRun {
  /** Most steps; ≥ 1. */
  readonly stepsMax: number;
  /** Stops after this time too, but not before `stepsMin` steps. Default: no limit. */
  readonly microsMax?: number;
  readonly stepsMin?: number;
  /** Microseconds from any origin. */
  readonly clockMicros: () => number;
}

/** Costs of the steps of a run. */
export interface ChurnSamples {
  readonly steps: number;
  /** Arrivals that found no room. */
  readonly unplaced: number;
  /** Pods that left or arrived beyond the steps, to keep the fill. Not in the samples. */
  readonly corrections: number;
  /** Nodes checked one by one, over all choices. */
  readonly nodesExamined: number;
  /** Microseconds of each step, ascending. @shape [steps] */
  readonly stepMicros: Float64Array;
  /** Its parts, each ascending: the arrival with its choice and updates; the departure with its updates. @shape [steps] */
  readonly arrivalMicros: Float64Array;
  readonly departureMicros: Float64Array;
}

/** Pods on one cluster, and the stream of those that leave and arrive. Single writer of the cluster. */
export class DecisionChurn {
  /** Pods that run. */
  podCount = 0;
  /** Milli-GPU in use. */
  usedGpuMilli = 0;
  private readonly cluster: ClusterState;
  private readonly demands: readonly Demand[];
  /** Upper ends of the demands' parts of [0, 1). @shape [demands] */
  private readonly upper: Float64Array;
  private readonly random: Random;
  private policy: PlacementPolicy;
  /** The pod that leaves next. */
  private leaver: Demand | undefined;
  private leaverNode = 0;
  private leaverMask = 0;
  /** The fill to keep. */
  private targetGpuMilli = 0;
  /** Of the running pods. @shape [capacity] index into `demands`, node, GPU mask */
  private podDemands: Int32Array = new Int32Array(1024);
  private podNodes: Int32Array = new Int32Array(1024);
  private podMasks: Int32Array = new Int32Array(1024);

  /**
   * @param cluster  Without pods.
   * @param policy   Made for this cluster.
   * @param workload The arrivals: independent draws.
   * @param random   Advanced by one draw an arrival and one a departure.
   */
  constructor(cluster: ClusterState, policy: PlacementPolicy, workload: TypicalWorkload, random: Random) {
    this.cluster = cluster;
    this.policy = policy;
    this.random = random;
    this.demands = workload.demands;
    this.upper = new Float64Array(workload.weights.length);
    const total = workload.weights.reduce((sum, weight) => sum + weight, 0);
    let sum = 0;
    workload.weights.forEach((weight, i) => {
      sum += weight / total;
      this.upper[i] = sum;
    });
  }

  /** Bytes of the table of pods. */
  get bytes(): number {
    return this.podDemands.byteLength + this.podNodes.byteLength + this.podMasks.byteLength;
  }

  /** Hands the cluster with all its pods to another policy, made for its present state. */
  handTo(policy: PlacementPolicy): void {
    this.policy = policy;
  }

  /** Share of the cluster's GPUs in use. */
  get fill(): number {
    return this.usedGpuMilli / this.cluster.capacity.gpuMilli;
  }

  /**
   * Lets pods arrive until a share of the GPUs is in use, which later steps keep.
   *
   * @throws TegError TEG_OPTION_INVALID if the workload cannot fill the cluster that far. O(pods) choices.
   */
  fillTo(gpuShare: number): void {
    this.targetGpuMilli = gpuShare * this.cluster.capacity.gpuMilli;
    let failures = 0;
    while (this.usedGpuMilli < this.targetGpuMilli) {
      if (this.join()) failures = 0;
      else if (++failures > FILL_FAILURES_MAX) {
        throw new TegError(
          'TEG_OPTION_INVALID',
          `pods of the workload fill ${(100 * this.fill).toFixed(1)} % of the GPUs, expected ${100 * gpuShare} %: ` +
            'choose a lower fill or a workload that requests less CPU and memory per GPU',
        );
      }
    }
  }

  /**
   * Runs steps without keeping their times, until there were `steps` or `microsMax` have passed; at least one.
   *
   * @returns Steps.
   */
  warmUp(
    steps: number,
    clockMicros: () => number = () => 0,
    microsMax: number = Number.POSITIVE_INFINITY,
  ): number {
    const begin = clockMicros();
    let done = 0;
    while (done < steps && this.podCount > 0) {
      this.leave();
      this.join();
      this.correct();
      done++;
      if (clockMicros() - begin > microsMax) break;
    }
    return done;
  }

  /** Runs steps and times each. The cluster must have pods. */
  run(options: ChurnRun): ChurnSamples {
    const { stepsMax, microsMax = Number.POSITIVE_INFINITY, stepsMin = 1, clockMicros } = options;
    const arrivals = new Float64Array(stepsMax);
    const departures = new Float64Array(stepsMax);
    const begin = clockMicros();
    let steps = 0;
    let unplaced = 0;
    let corrections = 0;
    let nodesExamined = 0;
    while (steps < stepsMax && this.podCount > 0) {
      this.pickLeaver();
      const index = this.draw();
      const demand = this.demands[index] as Demand;
      const start = clockMicros();
      this.depart();
      const between = clockMicros();
      const node = this.arrive(demand);
      const end = clockMicros();
      if (node >= 0) this.enter(index, node);
      departures[steps] = between - start;
      arrivals[steps] = end - between;
      steps++;
      nodesExamined += this.policy.nodesExamined;
      if (node < 0) unplaced++;
      if (this.correct()) corrections++;
      if (steps >= stepsMin && end - begin > microsMax) break;
    }
    const whole = new Float64Array(steps);
    for (let i = 0; i < steps; i++) whole[i] = (arrivals[i] as number) + (departures[i] as number);
    return {
      steps,
      unplaced,
      corrections,
      nodesExamined,
      stepMicros: whole.sort(),
      arrivalMicros: arrivals.subarray(0, steps).sort(),
      departureMicros: departures.subarray(0, steps).sort(),
    };
  }

  /** The demand that arrives next: its index. O(log demands). */
  private draw(): number {
    const { upper } = this;
    const u = this.random.nextFloat();
    let low = 0;
    let high = upper.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (u < (upper[middle] as number)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Draws the pod that leaves next and takes it out of the table; the last pod takes its place there. */
  private pickLeaver(): void {
    const pod = this.random.nextInt(this.podCount);
    this.leaver = this.demands[this.podDemands[pod] as number] as Demand;
    this.leaverNode = this.podNodes[pod] as number;
    this.leaverMask = this.podMasks[pod] as number;
    const last = --this.podCount;
    this.podDemands[pod] = this.podDemands[last] as number;
    this.podNodes[pod] = this.podNodes[last] as number;
    this.podMasks[pod] = this.podMasks[last] as number;
    this.usedGpuMilli -= this.leaver.gpuTotalMilli;
  }

  /** The departure of the pod that was picked, with all its updates. */
  private depart(): void {
    this.cluster.release(this.leaverNode, this.leaver as Demand, this.leaverMask);
    this.policy.nodeChanged?.(this.leaverNode);
  }

  /** One arrival, with all its updates. @returns Its node, or −1. */
  private arrive(demand: Demand): number {
    const { cluster, policy } = this;
    policy.demandSeen?.(demand);
    const node = policy.choose(demand);
    if (node < 0) return -1;
    cluster.place(node, demand, policy.gpuMask);
    policy.nodeChanged?.(node);
    return node;
  }

  /** Enters the pod that was just placed into the table. */
  private enter(index: number, node: number): void {
    if (this.podCount === this.podNodes.length) this.grow();
    const pod = this.podCount++;
    this.podDemands[pod] = index;
    this.podNodes[pod] = node;
    this.podMasks[pod] = this.policy.gpuMask;
    this.usedGpuMilli += (this.demands[index] as Demand).gpuTotalMilli;
  }

  /** An untimed departure. */
  private leave(): void {
    this.pickLeaver();
    this.depart();
  }

  /** An untimed arrival. @returns True if it found room. */
  private join(): boolean {
    const index = this.draw();
    const node = this.arrive(this.demands[index] as Demand);
    if (node >= 0) this.enter(index, node);
    return node >= 0;
  }

  /** If the fill has drifted, lets one more pod leave or arrive. @returns True if it did. */
  private correct(): boolean {
    const off = this.usedGpuMilli - this.targetGpuMilli;
    const tolerance = FILL_TOLERANCE * this.cluster.capacity.gpuMilli;
    if (off > tolerance && this.podCount > 0) this.leave();
    else if (off < -tolerance) this.join();
    else return false;
    return true;
  }

  private grow(): void {
    const capacity = 2 * this.podNodes.length;
    this.podDemands = grown(this.podDemands, capacity);
    this.podNodes = grown(this.podNodes, capacity);
    this.podMasks = grown(this.podMasks, capacity);
  }
}

/** @returns The q-quantile of ascending values, q in [0, 1]; NaN of none. */
export function quantileOf(sorted: Float64Array, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number;
}
