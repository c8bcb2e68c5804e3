/**
 * A start from running pods: the first jobs of the workload go where they were recorded.
 *
 * Invariants: the inner policy's answers are unchanged once those are placed; it is informed of them as of any other
 * pod.
 */
import type { Explanation, PlacementPolicy } from '../../governor/policy/policy.ts';
import { JobState } from '../../governor/zone/zone-events.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { Decider } from './decider.ts';
import type { JobTable } from './job-table.ts';
import type { WhatIfResult } from './what-if-result.ts';
import { WHAT_IF_PODS_MAX } from './what-if-result.ts';

/** The recorded start of a workload. */
export interface RecordedStart {
  /** Node index of each of the first jobs, which have one pod and room there, and arrive at 0. */
  readonly nodes: readonly number[];
  /** Jobs after those that waited when it was recorded. */
  readonly pending: number;
}

/** Sends the first pods to their recorded nodes, then asks the policy. */
export class RecordedPlaces implements PlacementPolicy {
  readonly name: string;
  gpuMask = 0;
  private readonly inner: PlacementPolicy;
  private readonly cluster: ClusterState;
  private readonly nodes: readonly number[];
  private next = 0;

  constructor(inner: PlacementPolicy, cluster: ClusterState, { nodes }: RecordedStart) {
    this.name = inner.name;
    this.inner = inner;
    this.cluster = cluster;
    this.nodes = nodes;
  }

  /** By the last choice. */
  get nodesExamined(): number {
    return this.inner.nodesExamined;
  }

  choose(demand: Demand): number {
    if (this.next < this.nodes.length) {
      const node = this.nodes[this.next++] as number;
      this.gpuMask = this.cluster.bestFitGpus(node, demand);
      return node;
    }
    const node = this.inner.choose(demand);
    this.gpuMask = this.inner.gpuMask;
    return node;
  }

  demandSeen(demand: Demand, count?: number): void {
    this.inner.demandSeen?.(demand, count);
  }

  nodeChanged(node: number): void {
    this.inner.nodeChanged?.(node);
  }

  explain(demand: Demand, chosen?: number): Explanation {
    const explanation = this.inner.explain?.(demand, chosen);
    return explanation ?? { policy: this.name, node: '', better: 'lower', candidates: [], lacking: {} };
  }
}

/** Outcome of the jobs that waited. O(kept + pending). */
export function whatBecame(
  start: RecordedStart,
  table: JobTable,
  cluster: ClusterState,
  zone: Pick<Decider, 'stateOf' | 'forEachPod'>,
): WhatIfResult {
  const kept = start.nodes.length;
  const before = new Used();
  const after = new Used();
  for (let job = 0; job < kept; job++) {
    before.add(table.demandOf(job));
    zone.forEachPod(job, () => after.add(table.demandOf(job)));
  }
  const placements: { pod: string; node: string }[] = [];
  const waiting: string[] = [];
  const counts = { pods: 0, placed: 0, waiting: 0, impossible: 0 };
  for (let job = kept; job < kept + start.pending; job++) {
    const pods = table.podCounts[job] as number;
    const state = zone.stateOf(job);
    // The run ended before it arrived.
    if (state === JobState.Unknown) continue;
    let placed = state === JobState.Finished ? pods : 0;
    if (state === JobState.Running) {
      zone.forEachPod(job, (_, node) => {
        placed++;
        after.add(table.demandOf(job));
        if (placements.length >= WHAT_IF_PODS_MAX) return;
        placements.push({ pod: table.idOf(job), node: cluster.names[node] as string });
      });
    }
    counts.pods += pods;
    counts.placed += placed;
    if (state === JobState.Cancelled || state === JobState.Dropped) counts.impossible += pods;
    else counts.waiting += pods - placed;
    if (placed === 0 && waiting.length < WHAT_IF_PODS_MAX) waiting.push(table.idOf(job));
  }
  return {
    decidedBy: 'zone',
    kept,
    pending: counts.pods,
    pendingPlaced: counts.placed,
    pendingWaiting: counts.waiting,
    pendingImpossible: counts.impossible,
    before: before.shares(cluster),
    after: after.shares(cluster),
    placements,
    waiting,
  };
}

/** Sums of the pods' requests. */
class Used {
  private gpuMilli = 0;
  private cpuMilli = 0;
  private memoryMib = 0;

  add(demand: Demand): void {
    this.gpuMilli += demand.gpuTotalMilli;
    this.cpuMilli += demand.cpuMilli;
    this.memoryMib += demand.memoryMib;
  }

  shares({ capacity }: ClusterState): WhatIfResult['before'] {
    const share = (used: number, all: number): number => (all > 0 ? used / all : 0);
    return {
      gpu: capacity.gpuMilli > 0 ? this.gpuMilli / capacity.gpuMilli : null,
      cpu: share(this.cpuMilli, capacity.cpuMilli),
      memory: share(this.memoryMib, capacity.memoryMib),
    };
  }
}
