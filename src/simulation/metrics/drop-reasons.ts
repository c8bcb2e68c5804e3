/** Why jobs can never run on a cluster: the first resource that no node has enough of. */
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { JobShapes } from './job-shapes.ts';

/** Dropped jobs that a result lists, at most: the first ones. */
const LISTED_MAX = 1000;

/** Counts jobs that were dropped, by reason. */
export class DropReasons {
  /** Jobs by reason, for example `memory` or `rdma`. */
  readonly counts: Map<string, number> = new Map();
  /** The first of them, at most `LISTED_MAX`. */
  readonly first: { readonly job: number; readonly atSeconds: number }[] = [];
  private readonly cluster: ClusterState;
  private readonly shapes: JobShapes;
  /** By shape, found when first needed. */
  private readonly reasons: (string | undefined)[] = [];

  constructor(cluster: ClusterState, shapes: JobShapes) {
    this.cluster = cluster;
    this.shapes = shapes;
  }

  /** Counts a job that can never run. */
  add(job: number, atSeconds: number): void {
    if (this.first.length < LISTED_MAX) this.first.push({ job, atSeconds });
    const shape = this.shapes.shapeIds[job] as number;
    let reason = this.reasons[shape];
    if (reason === undefined) {
      reason = lackOf(this.cluster, this.shapes.demands[shape] as Demand);
      this.reasons[shape] = reason;
    }
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1);
  }
}

/**
 * @returns `cpu`, `memory`, `gpu` or the name of a further resource if no node has enough of it; `gpu model or labels` if
 *   none is allowed; `one node with all of it` if no allowed node has everything at once; else `nodes for the gang`.
 */
export function lackOf(cluster: ClusterState, demand: Demand): string {
  const { flavors, demands } = cluster;
  if (flavors.every((flavor) => flavor.cpuMilli < demand.cpuMilli)) return 'cpu';
  if (flavors.every((flavor) => flavor.memoryMib < demand.memoryMib)) return 'memory';
  if (flavors.every((flavor) => flavor.gpuCount < demand.gpuCount)) return 'gpu';
  for (let r = 0; r < demand.extended.length; r++) {
    const amount = demand.extended[r] as number;
    if (flavors.every((flavor) => (flavor.extended[r] ?? 0) < amount))
      return demands.resourceNames[r] as string;
  }
  if (!flavors.some((flavor) => cluster.allows(flavor.id, demand.constraintId))) return 'gpu model or labels';
  if (!flavors.some((flavor) => cluster.flavorCouldFit(flavor.id, demand))) return 'one node with all of it';
  return 'nodes for the gang';
}
