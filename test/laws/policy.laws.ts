/**
 * Laws of a placement policy: it takes no more than there is room for, finds room where there is any, changes nothing
 * itself, and answers the same to the same calls.
 */
import { expect } from 'vitest';
import type { PolicyFactory } from '../../src/governor/policy/policy.ts';
import type { ClusterState } from '../../src/model/cluster-state.ts';
import type { Demand } from '../../src/model/demand.ts';
import { churn, randomCluster, randomDemands, stream } from '../support/random-cluster.ts';

/** What a policy could change of a cluster. */
function accounts(cluster: ClusterState): string {
  const { freeCpuMilli, freeMemoryMib, freeGpuMilli, podCounts, gpuIdleMilli, up } = cluster;
  return [freeCpuMilli, freeMemoryMib, freeGpuMilli, podCounts, gpuIdleMilli, up].map(String).join(';');
}

/** Asserts that the pod has room on the node, and that the GPUs named are those that it asks for. */
function expectRoom(cluster: ClusterState, demand: Demand, node: number, gpuMask: number): void {
  expect(cluster.fits(node, demand), 'the node has room').toBe(true);
  const begin = cluster.gpuOffsets[node] as number;
  let named = 0;
  for (let g = 0; g < cluster.gpuSlots(node); g++) {
    if ((gpuMask & (1 << g)) === 0) continue;
    named++;
    expect(cluster.gpuIdleMilli[begin + g], 'idle part of a GPU named').toBeGreaterThanOrEqual(
      demand.gpuMilli,
    );
  }
  expect(named, 'GPUs named').toBe(demand.gpuCount);
}

/** Random arrivals and departures until the cluster is full, each answer checked. @returns The answers. */
export function checkedAnswers(create: PolicyFactory, seed: number): number[] {
  const random = stream(seed);
  const cluster = randomCluster(12, random);
  const shapes = randomDemands(20, random, cluster.demands);
  const policy = create({ cluster, random: stream(seed + 1) });
  const answers: number[] = [];
  let before = accounts(cluster);
  churn(
    cluster,
    {
      name: policy.name,
      nodesExamined: 0,
      get gpuMask() {
        return policy.gpuMask;
      },
      demandSeen: (demand, count) => policy.demandSeen?.(demand, count),
      nodeChanged: (node) => policy.nodeChanged?.(node),
      choose: (demand) => {
        before = accounts(cluster);
        return policy.choose(demand);
      },
    },
    random,
    250,
    shapes,
    (demand, node) => {
      expect(accounts(cluster), 'a choice changes nothing').toBe(before);
      if (node >= 0) expectRoom(cluster, demand, node, policy.gpuMask);
      else {
        const fitting = cluster.names.filter((_, other) => cluster.fits(other, demand));
        expect(fitting, 'nodes with room where none was found').toEqual([]);
      }
      answers.push(node, node < 0 ? 0 : policy.gpuMask);
    },
  );
  return answers;
}
