/**
 * The packing of a scheduler on a real cluster: the nodes of a trace, and whole-GPU pods in a given order until nothing
 * more fits.
 */
import type { JobSpec } from '../../src/model/job.ts';
import type { NodeSpec } from '../../src/model/node.ts';
import { BenchCluster, type RunHooks } from './bench-cluster.ts';
import { nodeText, podTemplate } from './bench-objects.ts';
import type { BenchFigures } from './bench-run.ts';
import { PodTracker } from './pod-tracker.ts';
import { type SchedulerName, schedulerNameOfPods } from './schedulers.ts';
import { figuresOf, takeStock } from './throughput-run.ts';

const GPU = 'nvidia.com/gpu';

/** A run ends when nothing has changed for this time. Seconds. */
const STILL_SECONDS = 15;

const NAMESPACE = 'bench';

/** Pods in the order in which they are created, one after the other. */
export interface PackingSequence {
  readonly nodes: readonly NodeSpec[];
  /** One pod each. */
  readonly jobs: readonly JobSpec[];
}

/**
 * Carries out a run: a private control plane, about a minute for 9,000 pods. @throws TegError of the control plane and
 * TEG_BENCH_FAILED.
 */
export async function runPackingOnCluster(
  { nodes, jobs }: PackingSequence,
  scheduler: SchedulerName,
  hooks: RunHooks,
): Promise<BenchFigures> {
  const cluster = await BenchCluster.start(false, hooks);
  try {
    await cluster.createNamespaces([NAMESPACE]);
    await cluster.createNodesOf(nodes.map(nodeOf));
    const process = await cluster.startScheduler(scheduler);
    const tracker = new PodTracker('pod-', jobs.length);
    cluster.track(NAMESPACE, tracker);
    const schedulerName = schedulerNameOfPods(scheduler);
    const templateOf = (i: number) => {
      const requests = requestsOf(jobs[i] as JobSpec);
      return podTemplate({ namespace: NAMESPACE, schedulerName, requests });
    };
    const before = cluster.cpuSeconds(process);
    const fromMs = performance.now();
    await cluster.createPods(tracker, templateOf, 1);
    await cluster.untilBound(tracker, process, STILL_SECONDS);
    const stock = await takeStock(cluster, process, NAMESPACE, { tracker, fromMs, before });
    return { ...figuresOf(stock, false), ...packed(nodes, jobs, tracker) };
  } finally {
    await cluster.stop();
  }
}

function nodeOf({ name, cpuMilli, memoryMib, gpuCount, podsMax }: NodeSpec): string {
  const gpus = gpuCount > 0 ? { [GPU]: String(gpuCount) } : {};
  const capacity = { cpu: `${cpuMilli}m`, memory: `${memoryMib}Mi`, pods: String(podsMax) };
  return nodeText(name, { capacity: { ...capacity, ...gpus } });
}

function requestsOf({ cpuMilli, memoryMib, gpuCount }: JobSpec): Record<string, string> {
  const gpus = gpuCount > 0 ? { [GPU]: String(gpuCount) } : {};
  return { cpu: `${cpuMilli}m`, memory: `${memoryMib}Mi`, ...gpus };
}

/** Use and capacity. */
function packed(
  nodes: readonly NodeSpec[],
  jobs: readonly JobSpec[],
  tracker: PodTracker,
): Pick<BenchFigures, 'gpuPercent' | 'cpuPercent'> {
  const bound = jobs.filter((_, i) => !Number.isNaN(tracker.boundMs[i] as number));
  const percent = (field: 'gpuCount' | 'cpuMilli'): number =>
    (100 * total(bound, field)) / total(nodes, field);
  return { gpuPercent: percent('gpuCount'), cpuPercent: percent('cpuMilli') };
}

function total<Field extends string>(items: readonly Record<Field, number>[], field: Field): number {
  return items.reduce((sum, item) => sum + item[field], 0);
}
