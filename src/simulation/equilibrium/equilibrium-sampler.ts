/**
 * Measures a run's distance from an equilibrium over time: Φ of the cluster, and the possible gains of running pods by
 * moving.
 *
 * Invariants: nodes take turns in a seeded order, so that every pod is eventually sampled; where there are fewer pods
 * than `PODS_MAX` all are. One price serves the whole run, and every policy; see `equilibrium-prices.ts`.
 */
import type { Random } from '../../kernel/random.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { Equilibrium, RunningPod } from './equilibrium.ts';

/** Most pods of one sample. */
export const PODS_MAX = 512;

/** Assumed cost of a move, milli-GPU: in a μ-equilibrium no pod gains more. */
export const MOVE_COST_MILLI = 50;

/** The source of the pods' nodes; a zone is one. */
export interface PlacedPods {
  forEachPodOn(node: number, visit: (job: number, gpuMask: number) => void): void;
  demandOf(job: number): Demand;
}

/** The results of one sample. */
export interface EquilibriumLook {
  /** Φ, milli-GPU. */
  readonly potentialMilli: number;
  /** Pods whose gains were found; 0: the rest is undefined. */
  readonly pods: number;
  /** Σ of their gains, and the largest, milli-GPU. */
  readonly gainMilli: number;
  readonly gainMaxMilli: number;
  /** Σ of the GPUs they hold, milli-GPU. */
  readonly heldMilli: number;
  /** Pods that gain anything, and that gain more than MOVE_COST_MILLI. */
  readonly gaining: number;
  readonly gainingBeyondMove: number;
}

/** Takes the samples of one run. */
export class EquilibriumSampler {
  /** The source of the pods' nodes; to be set before pods run. Absent: only Φ is sampled. */
  pods: PlacedPods | undefined;
  private readonly cluster: ClusterState;
  private readonly equilibrium: Equilibrium;
  private readonly random: Random;
  private readonly podsMax: number;
  /** All nodes in a seeded order. */
  private readonly order: Int32Array;
  private cursor = 0;
  private readonly sample: RunningPod[] = [];
  private readonly gains: Float64Array;

  constructor(cluster: ClusterState, equilibrium: Equilibrium, random: Random, podsMax: number = PODS_MAX) {
    this.cluster = cluster;
    this.equilibrium = equilibrium;
    this.random = random;
    this.podsMax = podsMax;
    this.gains = new Float64Array(podsMax);
    this.order = shuffled(cluster.nodeCount, random);
  }

  /** Samples the present cluster. O(nodes), and as `Equilibrium.gains`. */
  look(): EquilibriumLook {
    const potentialMilli = this.equilibrium.observe();
    this.collect();
    const pods = this.equilibrium.gains(this.sample, this.gains);
    const look = {
      potentialMilli,
      pods,
      gainMilli: 0,
      gainMaxMilli: 0,
      heldMilli: 0,
      gaining: 0,
      gainingBeyondMove: 0,
    };
    for (let i = 0; i < pods; i++) {
      const gain = this.gains[i] as number;
      look.gainMilli += gain;
      look.heldMilli += (this.sample[i] as RunningPod).demand.gpuTotalMilli;
      look.gaining += gain > 0 ? 1 : 0;
      look.gainingBeyondMove += gain > MOVE_COST_MILLI ? 1 : 0;
      if (gain > look.gainMaxMilli) look.gainMaxMilli = gain;
    }
    return look;
  }

  /** Fills the sample with the pods of the nodes whose turn it is. */
  private collect(): void {
    const { order, sample, podsMax, cluster } = this;
    sample.length = 0;
    for (let turns = order.length; turns > 0 && sample.length < podsMax; turns--) {
      const node = order[this.cursor] as number;
      this.cursor = this.cursor + 1 < order.length ? this.cursor + 1 : 0;
      if (cluster.up[node] === 1) this.collectFrom(node);
    }
  }

  /** Takes all pods of a node, or as many in a row as fit. */
  private collectFrom(node: number): void {
    const { sample, cluster, pods } = this;
    if (pods === undefined) return;
    const room = this.podsMax - sample.length;
    const spare = (cluster.podCounts[node] as number) - room;
    let skip = spare > 0 ? this.random.nextInt(spare + 1) : 0;
    let left = room;
    pods.forEachPodOn(node, (job, gpuMask) => {
      if (skip-- > 0 || left-- <= 0) return;
      sample.push({ demand: pods.demandOf(job), node, gpuMask });
    });
  }
}

function shuffled(count: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.nextInt(i + 1);
    const taken = order[j] as number;
    order[j] = order[i] as number;
    order[i] = taken;
  }
  return order;
}
