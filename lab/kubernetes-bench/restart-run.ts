/**
 * The time that a scheduler takes from the start of its process to its first bind, in a cluster full of bound pods.
 *
 * All starts see the same cluster: it takes a minute or two to fill, and a start leaves nothing behind but a pod that
 * is deleted.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { BenchCluster, type RunHooks } from './bench-cluster.ts';
import { podTemplate } from './bench-objects.ts';
import { type BenchFigures, NO_FIGURES } from './bench-run.ts';
import { createEconomy, RESTART_TENANTS, tenantLabelOf } from './economy-of-bench.ts';
import { PodTracker } from './pod-tracker.ts';
import { type SchedulerName, schedulerNameOfPods } from './schedulers.ts';
import { CORES_PER_NODE, type Workload, type WorkloadSize } from './workloads.ts';

/** A start has failed when there was no bind after this time: seconds. */
const BIND_SECONDS_MAX = 180;

/** How long a scheduler runs on after its first bind, for its memory to show: milliseconds. */
const SETTLE_MS = 3000;

/** A full cluster in which schedulers are started. */
export class RestartCluster {
  private readonly cluster: BenchCluster;
  private readonly namespace: string;
  private starts = 0;

  private constructor(cluster: BenchCluster, namespace: string) {
    this.cluster = cluster;
    this.namespace = namespace;
  }

  /** Starts a control plane and fills it. @param withEconomy Its pods are of tenants, which exist. @throws TegError of the control plane and TEG_BENCH_FAILED. */
  static async start(
    workload: Workload,
    size: WorkloadSize,
    hooks: RunHooks,
    withEconomy = false,
  ): Promise<RestartCluster> {
    const cluster = await BenchCluster.start(false, hooks);
    try {
      await cluster.createNamespaces([workload.initNamespace, workload.measuredNamespace]);
      await cluster.createNodes(size.nodes, workload.zones);
      if (withEconomy) await createEconomy(cluster.client, RESTART_TENANTS, CORES_PER_NODE * size.nodes);
      await cluster.createBoundPods(size.pods, size.nodes, workload.initNamespace, workload.init, (node) =>
        withEconomy ? tenantLabelOf(node, RESTART_TENANTS) : {},
      );
      return new RestartCluster(cluster, workload.measuredNamespace);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Starts a scheduler while a pod waits for it, and stops it again. */
  async run(scheduler: SchedulerName, hooks: RunHooks): Promise<BenchFigures> {
    const { cluster, namespace } = this;
    cluster.hooks = hooks;
    const tracker = new PodTracker(`start-${this.starts++}-`, 1);
    cluster.track(namespace, tracker);
    const template = podTemplate({ namespace, schedulerName: schedulerNameOfPods(scheduler) });
    await cluster.createPods(tracker, () => template);
    const before = cluster.cpuSeconds(undefined);
    const fromMs = performance.now();
    const process = await cluster.startScheduler(scheduler);
    try {
      const bound = await cluster.untilBound(tracker, process, BIND_SECONDS_MAX);
      const after = cluster.cpuSeconds(process);
      await delay(SETTLE_MS);
      const { peakBytes } = process.usage();
      return {
        ...NO_FIGURES,
        timeToFirstBind: bound ? (tracker.lastBoundMs - fromMs) / 1000 : Number.NaN,
        startCpu: after.scheduler,
        startServerCpu: after.server - before.server,
        peakMemory: peakBytes,
        bound: tracker.boundCount,
      };
    } finally {
      await process.stop();
      await cluster.client.delete(`${template.path}/${tracker.name(0)}?gracePeriodSeconds=0`);
    }
  }

  /** Stops the control plane. */
  stop(): Promise<void> {
    return this.cluster.stop();
  }
}
