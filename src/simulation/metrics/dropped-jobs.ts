/** Jobs that a run dropped because the cluster could never hold them, each with what it lacks. */
import type { ClusterState, Flavor } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { JobTable } from '../inputs/job-table.ts';
import { type DropReasons, lackOf } from './drop-reasons.ts';
import type { DroppedJob, DroppedReport } from './dropped-result.ts';

const MILLI = 1000;
const MIB_PER_GIB = 1024;

/** GPU models of the cluster that a reason names, at most. */
const MODELS_SHOWN = 8;

/** @returns Undefined: none was dropped. O(listed jobs × kinds of node). */
export function droppedReport(
  drops: DropReasons,
  table: JobTable,
  cluster: ClusterState,
): DroppedReport | undefined {
  if (drops.first.length === 0) return undefined;
  const count = [...drops.counts.values()].reduce((sum, jobs) => sum + jobs, 0);
  return {
    count,
    jobs: drops.first.map(({ job, atSeconds }) => {
      const pods = table.podCounts[job] as number;
      return {
        id: table.idOf(job),
        tenant: table.tenants.nameOf(table.tenantIds[job] as number),
        atSeconds,
        pods,
        ...reasonOf(cluster, table.demandOf(job), pods),
      };
    }),
  };
}

function reasonOf(cluster: ClusterState, demand: Demand, pods: number): Pick<DroppedJob, 'code' | 'data'> {
  const { flavors, demands } = cluster;
  const lacks = lackOf(cluster, demand);
  const code = 'impossible';
  const most = (amount: (flavor: Flavor) => number): number => Math.max(0, ...flavors.map(amount));
  if (lacks === 'cpu') {
    const data = {
      needCores: demand.cpuMilli / MILLI,
      mostCores: most(({ cpuMilli }) => cpuMilli) / MILLI,
    };
    return { code, data: { lacks, ...data } };
  }
  if (lacks === 'memory') {
    const data = {
      needGib: demand.memoryMib / MIB_PER_GIB,
      mostGib: most(({ memoryMib }) => memoryMib) / MIB_PER_GIB,
    };
    return { code, data: { lacks, ...data } };
  }
  if (lacks === 'gpu') {
    const data = { needGpus: demand.gpuCount, mostGpus: most(({ gpuCount }) => gpuCount) };
    return { code, data: { lacks, ...data } };
  }
  const wanted = demands.constraints[demand.constraintId]?.gpuModels ?? [];
  const models = [...new Set(flavors.map(({ gpuModel }) => gpuModel))].filter((model) => model !== '').sort();
  if (
    lacks === 'gpu model or labels' &&
    wanted.length > 0 &&
    !wanted.some((model) => models.includes(model))
  ) {
    const more = models.length > MODELS_SHOWN ? ', …' : '';
    const known = models.length === 0 ? 'none' : models.slice(0, MODELS_SHOWN).join(', ') + more;
    return { code: 'no-such-model', data: { gpuModels: wanted.join(', '), ofNodes: known } };
  }
  return { code, data: { lacks, pods } };
}
