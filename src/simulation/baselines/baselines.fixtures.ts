/**
 * Small clusters on which the tests of the baselines place and release pods as a zone would.
 */
import type { PlacementPolicy, PolicyFactory } from '../../governor/policy/policy.ts';
import { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, DemandTable } from '../../model/demand.ts';
import type { PodSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';

const NODE: NodeSpec = { name: '', cpuMilli: 0, memoryMib: 0, gpuCount: 0, gpuModel: '', podsMax: 12 };

/** Kinds of nodes: none, one, two and eight GPUs, of two models. */
export const NODE_KINDS: readonly NodeSpec[] = [
  { ...NODE, cpuMilli: 16_000, memoryMib: 32_000 },
  { ...NODE, cpuMilli: 8_000, memoryMib: 32_000, gpuCount: 1, gpuModel: 'T4' },
  { ...NODE, cpuMilli: 32_000, memoryMib: 64_000, gpuCount: 2, gpuModel: 'T4' },
  { ...NODE, cpuMilli: 96_000, memoryMib: 256_000, gpuCount: 8, gpuModel: 'G2' },
];

const POD: PodSpec = { cpuMilli: 0, memoryMib: 0, gpuCount: 0, gpuMilli: 0, gpuModels: [] };

/** Pod shapes that compete for those nodes: CPU only, shares, whole GPUs, bound to a model, without requests. */
export const POD_KINDS: readonly PodSpec[] = [
  { ...POD, cpuMilli: 4_000, memoryMib: 8_000 },
  { ...POD, cpuMilli: 1_000, memoryMib: 30_000 },
  { ...POD, cpuMilli: 1_000, memoryMib: 2_000, gpuCount: 1, gpuMilli: 300 },
  { ...POD, cpuMilli: 2_000, memoryMib: 2_000, gpuCount: 1, gpuMilli: 600 },
  { ...POD, cpuMilli: 6_000, memoryMib: 8_000, gpuCount: 1, gpuMilli: 1_000 },
  { ...POD, cpuMilli: 12_000, memoryMib: 16_000, gpuCount: 2, gpuMilli: 1_000 },
  { ...POD, cpuMilli: 64_000, memoryMib: 64_000, gpuCount: 8, gpuMilli: 1_000 },
  { ...POD, cpuMilli: 2_000, memoryMib: 4_000, gpuCount: 1, gpuMilli: 1_000, gpuModels: ['T4'] },
  { ...POD, cpuMilli: 2_000, memoryMib: 0, gpuCount: 1, gpuMilli: 500, gpuModels: ['G2', 'T4'] },
  { ...POD, cpuMilli: 0, memoryMib: 100 },
  POD,
];

/** @returns A cluster with nodes of these kinds in this order. */
export function makeCluster(kinds: readonly number[]): ClusterState {
  const cluster = new ClusterState(new DemandTable());
  kinds.forEach((kind, i) => {
    cluster.addNode({ ...(NODE_KINDS[kind] as NodeSpec), name: `node-${i}` });
  });
  return cluster;
}

/** A running pod. */
interface Running {
  readonly node: number;
  readonly demand: Demand;
  readonly gpuMask: number;
}

/** A cluster, a policy, and the pods that run by its choice. */
export class PolicyBench {
  readonly cluster: ClusterState;
  readonly policy: PlacementPolicy;
  readonly demands: readonly Demand[];
  readonly running: Running[] = [];

  constructor(create: PolicyFactory, kinds: readonly number[], seed = 1) {
    this.cluster = makeCluster(kinds);
    this.demands = POD_KINDS.map((pod) => this.cluster.demands.intern(pod));
    this.policy = create({ cluster: this.cluster, random: new Random(seed) });
  }

  /** A pod arrives and is placed by the policy's choice. @returns Its node, or −1. */
  arrive(kind: number): number {
    const demand = this.demands[kind] as Demand;
    this.policy.demandSeen?.(demand);
    const node = this.policy.choose(demand);
    if (node >= 0) {
      const gpuMask = demand.gpuCount > 0 ? this.policy.gpuMask : 0;
      this.cluster.place(node, demand, gpuMask);
      this.policy.nodeChanged?.(node);
      this.running.push({ node, demand, gpuMask });
    }
    return node;
  }

  /** One of the running pods, if any, leaves. @param pick Any number ≥ 0. */
  leave(pick: number): void {
    const index = pick % Math.max(1, this.running.length);
    const [pod] = this.running.splice(index, 1);
    if (pod === undefined) return;
    this.cluster.release(pod.node, pod.demand, pod.gpuMask);
    this.policy.nodeChanged?.(pod.node);
  }
}
