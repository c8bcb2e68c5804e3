/**
 * What a table of jobs implies for a run: the distribution of its pods, and the cluster as its jobs can tell it apart.
 */
import type { TypicalWorkload } from '../../field/typical-workload.ts';
import { flavorLabelKeys } from '../../market/tenants/market-flavors.ts';
import type { MarketSpec } from '../../market/tenants/spec.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import type { NodeSpec } from '../../model/node.ts';
import type { JobTable } from './job-table.ts';

/** A distribution with its counts. */
export interface CountedWorkload extends TypicalWorkload {
  /** Pods of each demand. @shape [demands] */
  readonly counts: readonly number[];
}

/**
 * @returns The distribution of a workload's pods, for `--workload-mix list` and the fragmentation measure; demands that
 *   no job has are left out.
 */
export function typicalOf(table: JobTable): CountedWorkload {
  const byDemand = new Float64Array(table.demands.demands.length);
  for (let job = 0; job < table.count; job++) {
    const id = table.demandIds[job] as number;
    byDemand[id] = (byDemand[id] as number) + (table.podCounts[job] as number);
  }
  const demands = table.demands.demands.filter((demand) => (byDemand[demand.id] as number) > 0);
  const counts = demands.map((demand) => byDemand[demand.id] as number);
  return { demands, counts, weights: counts.map((count) => count / table.podTotal) };
}

/**
 * @param market Its flavours tell nodes apart as well; demands may then be narrowed, in a table of this cluster alone.
 * @returns The cluster of all nodes, empty. A label that nothing selects on does not split a flavour.
 */
export function clusterFor(nodes: readonly NodeSpec[], table: JobTable, market?: MarketSpec): ClusterState {
  const labelKeys = table.demands.labelKeys();
  if (market !== undefined) for (const key of flavorLabelKeys(market)) labelKeys.add(key);
  const demands = market === undefined ? table.demands : table.demands.clone();
  const cluster = new ClusterState(demands, { labelKeys, nodesExpected: nodes.length });
  for (const node of nodes) cluster.addNode(node);
  return cluster;
}
