/**
 * Small random clusters and pods for property tests: several flavours, shared GPUs, further resources, constraints.
 */
import type { PlacementPolicy } from '../../src/governor/policy/policy.ts';
import { Random } from '../../src/kernel/random.ts';
import { ClusterState } from '../../src/model/cluster-state.ts';
import { type Demand, DemandTable } from '../../src/model/demand.ts';
import type { PodSpec } from '../../src/model/job.ts';

const MODELS = ['A', 'B', 'C'];

/** A cluster of `nodes` nodes in nine flavours, some with a further resource `nic`. */
export function randomCluster(
  nodes: number,
  random: Random,
  table: DemandTable = new DemandTable(),
): ClusterState {
  const cluster = new ClusterState(table);
  for (let i = 0; i < nodes; i++) {
    const kind = random.nextInt(9);
    const gpuCount = [0, 1, 2, 4, 8][kind % 5] as number;
    cluster.addNode({
      name: `n${i}`,
      cpuMilli: [32_000, 64_000, 96_000][kind % 3] as number,
      memoryMib: [131_072, 262_144, 393_216][kind % 3] as number,
      gpuCount,
      gpuModel: MODELS[kind % 3] as string,
      podsMax: kind === 4 ? 6 : 110,
      ...(kind % 2 === 0 ? { extended: { nic: 100 } } : {}),
      labels: { zone: kind < 5 ? 'east' : 'west' },
    });
  }
  return cluster;
}

/** A random pod; about one in ten is constrained, one in ten asks for `nic`. */
export function randomPod(random: Random): PodSpec {
  const kind = random.nextInt(10);
  const gpuCount = kind < 2 ? 0 : kind < 8 ? 1 : ([2, 4][random.nextInt(2)] as number);
  return {
    cpuMilli: 500 * random.nextInt(30),
    memoryMib: 512 * random.nextInt(60),
    gpuCount,
    gpuMilli: gpuCount === 0 ? 0 : kind < 6 ? 10 + 10 * random.nextInt(99) : 1000,
    gpuModels: gpuCount > 0 && random.nextInt(10) === 0 ? ['A', 'B'] : [],
    ...(random.nextInt(10) === 0 ? { extended: { nic: 1 + random.nextInt(60) } } : {}),
    ...(random.nextInt(10) === 0
      ? { affinity: [{ key: 'zone', operator: 'In' as const, values: ['east'] }] }
      : {}),
  };
}

/** A pod that runs. */
export interface RunningPod {
  readonly node: number;
  readonly demand: Demand;
  readonly gpuMask: number;
}

/**
 * Random arrivals and departures under a policy.
 *
 * @param seen Called after each arrival with the policy's answer, before it is placed.
 */
export function churn(
  cluster: ClusterState,
  policy: PlacementPolicy,
  random: Random,
  steps: number,
  shapes: readonly Demand[],
  seen: (demand: Demand, node: number) => void = () => {},
): RunningPod[] {
  const running: RunningPod[] = [];
  for (let step = 0; step < steps; step++) {
    if (running.length > 0 && random.nextInt(3) === 0) {
      const at = random.nextInt(running.length);
      const pod = running[at] as RunningPod;
      running[at] = running[running.length - 1] as RunningPod;
      running.pop();
      cluster.release(pod.node, pod.demand, pod.gpuMask);
      policy.nodeChanged?.(pod.node);
      continue;
    }
    const demand = shapes[random.nextInt(shapes.length)] as Demand;
    policy.demandSeen?.(demand);
    const node = policy.choose(demand);
    seen(demand, node);
    if (node < 0) continue;
    cluster.place(node, demand, policy.gpuMask);
    policy.nodeChanged?.(node);
    running.push({ node, demand, gpuMask: policy.gpuMask });
  }
  return running;
}

/** Distinct random demands. */
export function randomDemands(count: number, random: Random, table: DemandTable): Demand[] {
  return Array.from({ length: count }, () => table.intern(randomPod(random)));
}

/** A fresh stream. */
export function stream(seed: number): Random {
  return new Random(seed, 9);
}
