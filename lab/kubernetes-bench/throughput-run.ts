/**
 * One run of a workload that measures the rate of bindings.
 *
 * Not here: restarts and packing (`restart-run.ts`, `packing-run.ts`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { mean } from '../../src/kernel/statistics.ts';
import type { ControlPlaneProcess } from '../control-plane/control-plane.ts';
import { BenchCluster, type CpuSeconds, type RunHooks } from './bench-cluster.ts';
import { type ObjectTemplate, podGroupTemplate, podTemplate } from './bench-objects.ts';
import { type BenchFigures, type BenchRun, NO_FIGURES } from './bench-run.ts';
import { quantile, throughputSamples } from './bench-statistics.ts';
import { CHURN_NAMESPACE, startChurn } from './churn.ts';
import { createEconomy, RATE_TENANTS, tenantLabelOf } from './economy-of-bench.ts';
import { PodTracker } from './pod-tracker.ts';
import { hasEconomy, type SchedulerName, schedulerNameOfPods } from './schedulers.ts';
import { CORES_PER_NODE, GANG_SIZE } from './workloads.ts';

/** A run is over when there was no bind for this time, whatever is left: seconds. */
const STALL_SECONDS = 60;

/** Longest wait for missing events: seconds. */
const QUIET_SECONDS = 5;

/** Creations in flight during the measurement: the number of scheduler_perf's workers. */
const MEASURED_IN_FLIGHT = 30;

/** Namespace of the pod that shows that the scheduler works. */
const PROBE_NAMESPACE = 'bench-probe';

/** State at the end of a measurement. */
export interface Measured {
  readonly tracker: PodTracker;
  /** When it began. */
  readonly fromMs: number;
  readonly before: CpuSeconds;
  readonly after: CpuSeconds;
  readonly lastEventMs: number;
  readonly scheduledEvents: number;
  readonly peakMemory: number;
}

/**
 * Carries out a run: a private control plane, some seconds to a minute. @throws TegError of the control plane and
 * TEG_BENCH_FAILED.
 */
export async function runThroughput(run: BenchRun, hooks: RunHooks): Promise<BenchFigures> {
  const gangs = run.workload.kind === 'gang';
  const cluster = await BenchCluster.start(gangs, hooks);
  try {
    const { workload, size } = run;
    await cluster.createNamespaces([
      PROBE_NAMESPACE,
      CHURN_NAMESPACE,
      workload.initNamespace,
      workload.measuredNamespace,
    ]);
    await cluster.createNodes(size.nodes, workload.zones);
    if (hasEconomy(run.scheduler))
      await createEconomy(cluster.client, RATE_TENANTS, CORES_PER_NODE * size.nodes);
    const tracker = new PodTracker('pod-', size.pods);
    cluster.track(workload.measuredNamespace, tracker);
    const templateOf = gangs ? await createGangs(run, cluster) : plainTemplates(run);
    const measure = run.created === 'before' ? measureBacklog : measureArrivals;
    return figuresOf(await measure(run, cluster, tracker, templateOf), gangs);
  } finally {
    await cluster.stop();
  }
}

type TemplateOf = (i: number) => ObjectTemplate;

function plainTemplates({ workload, scheduler }: BenchRun): TemplateOf {
  const schedulerName = schedulerNameOfPods(scheduler);
  const parts = { namespace: workload.measuredNamespace, schedulerName, ...workload.measured };
  const templates = labelsOf(scheduler).map((labels) =>
    podTemplate({ ...parts, labels: { ...parts.labels, ...labels } }),
  );
  return (i) => templates[i % templates.length] as ObjectTemplate;
}

/** Labels of the pods, in turn: of their tenants. */
function labelsOf(scheduler: SchedulerName): Record<string, string>[] {
  if (!hasEconomy(scheduler)) return [{}];
  return Array.from({ length: RATE_TENANTS }, (_, i) => tenantLabelOf(i, RATE_TENANTS));
}

/** Makes the groups. @returns Templates of their pods. */
async function createGangs(
  { workload, size, scheduler }: BenchRun,
  cluster: BenchCluster,
): Promise<TemplateOf> {
  const namespace = workload.measuredNamespace;
  const schedulerName = schedulerNameOfPods(scheduler);
  const gangSize = Math.min(GANG_SIZE, size.pods);
  const gangs = Array.from({ length: Math.ceil(size.pods / gangSize) }, (_, g) => `gang-${g}`);
  await cluster.createObjects('gangs', podGroupTemplate(namespace, gangSize), gangs);
  const labels = labelsOf(scheduler);
  const templates = gangs.map((podGroupName, g) => {
    const spec = { schedulingGroup: { podGroupName } };
    const of = { ...workload.measured.labels, ...labels[g % labels.length] };
    return podTemplate({ namespace, schedulerName, ...workload.measured, spec, labels: of });
  });
  return (i) => templates[Math.floor(i / gangSize)] as ObjectTemplate;
}

/** Pods are created while the scheduler runs. */
async function measureArrivals(
  run: BenchRun,
  cluster: BenchCluster,
  tracker: PodTracker,
  templateOf: TemplateOf,
): Promise<Measured> {
  const { workload, size } = run;
  if (workload.initBound === true) await createInitBound(run, cluster);
  const scheduler = await cluster.startScheduler(run.scheduler);
  await probe(run, cluster, scheduler);
  if (workload.initBound !== true && size.initPods > 0) await bindInit(run, cluster, scheduler);
  const before = cluster.cpuSeconds(scheduler);
  const fromMs = performance.now();
  await withChurn(run, cluster, async () => {
    await cluster.createPods(tracker, templateOf, MEASURED_IN_FLIGHT);
    await cluster.untilBound(tracker, scheduler, STALL_SECONDS);
  });
  return takeStock(cluster, scheduler, workload.measuredNamespace, { tracker, fromMs, before });
}

/** Pods exist before the scheduler starts. */
async function measureBacklog(
  run: BenchRun,
  cluster: BenchCluster,
  tracker: PodTracker,
  templateOf: TemplateOf,
): Promise<Measured> {
  const { workload, size } = run;
  if (workload.initBound === true) await createInitBound(run, cluster);
  else if (size.initPods > 0) {
    const earlier = await cluster.startScheduler(run.scheduler);
    await bindInit(run, cluster, earlier);
    await earlier.stop();
  }
  await cluster.createPods(tracker, templateOf);
  const before = cluster.cpuSeconds(undefined);
  const fromMs = performance.now();
  return withChurn(run, cluster, async () => {
    const scheduler = await cluster.startScheduler(run.scheduler);
    await cluster.untilBound(tracker, scheduler, STALL_SECONDS);
    return takeStock(cluster, scheduler, workload.measuredNamespace, { tracker, fromMs, before });
  });
}

/** Runs the churn of the workload, if it has any, around an action. */
async function withChurn<T>(run: BenchRun, cluster: BenchCluster, action: () => Promise<T>): Promise<T> {
  const { churn } = run.workload;
  if (churn === undefined) return action();
  const running = startChurn(churn, cluster.client, schedulerNameOfPods(run.scheduler));
  try {
    return await action();
  } finally {
    await running.stop();
  }
}

function createInitBound({ workload, size }: BenchRun, cluster: BenchCluster): Promise<void> {
  return cluster.createBoundPods(size.initPods, size.nodes, workload.initNamespace, workload.init);
}

/** Waits for the events of a namespace, then reads the resource use of all processes. */
export async function takeStock(
  cluster: BenchCluster,
  scheduler: ControlPlaneProcess,
  namespace: string,
  begun: Pick<Measured, 'tracker' | 'fromMs' | 'before'>,
): Promise<Measured> {
  const events = cluster.scheduledEvents(namespace);
  let after = begun.before;
  await cluster.untilEventsRest(events, begun.tracker.boundCount, QUIET_SECONDS, () => {
    after = cluster.cpuSeconds(scheduler);
  });
  const peakMemory = scheduler.usage().peakBytes;
  return { ...begun, after, lastEventMs: events.lastMs, scheduledEvents: events.count, peakMemory };
}

/** Waits until the scheduler has bound a pod, which is then removed. */
async function probe(run: BenchRun, cluster: BenchCluster, scheduler: ControlPlaneProcess): Promise<void> {
  const tracker = new PodTracker('probe-', 1);
  cluster.track(PROBE_NAMESPACE, tracker);
  const schedulerName = schedulerNameOfPods(run.scheduler);
  const template = podTemplate({ namespace: PROBE_NAMESPACE, schedulerName, requests: { cpu: '1m' } });
  await cluster.createPods(tracker, () => template);
  await cluster.untilBound(tracker, scheduler, STALL_SECONDS);
  // Grace 0: without a kubelet nothing else would end it.
  await cluster.client.delete(`${template.path}/${tracker.name(0)}?gracePeriodSeconds=0`);
}

/** Lets the scheduler place the existing pods, and finish its reports about them. */
async function bindInit(run: BenchRun, cluster: BenchCluster, scheduler: ControlPlaneProcess): Promise<void> {
  const { workload, size } = run;
  const tracker = new PodTracker('init-', size.initPods);
  cluster.track(workload.initNamespace, tracker);
  const schedulerName = schedulerNameOfPods(run.scheduler);
  const template = podTemplate({ namespace: workload.initNamespace, schedulerName, ...workload.init });
  await cluster.createPods(tracker, () => template);
  await cluster.untilBound(tracker, scheduler, STALL_SECONDS);
  const events = cluster.scheduledEvents(workload.initNamespace);
  await cluster.untilEventsRest(events, size.initPods, QUIET_SECONDS);
  await delay(500);
}

/** @param gangs True if throughput is that of the whole time, from the start of the process. */
export function figuresOf(m: Measured, gangs: boolean): BenchFigures {
  const { tracker, fromMs, before, after } = m;
  const waits = tracker.waitSeconds(fromMs);
  const timeToLastBind = (tracker.lastBoundMs - fromMs) / 1000;
  const samples = throughputSamples(tracker.bindSeconds(fromMs));
  const whole = tracker.boundCount / timeToLastBind;
  const perThousand = (kind: keyof CpuSeconds): number =>
    (after[kind] - before[kind]) / (tracker.boundCount / 1000);
  return {
    ...NO_FIGURES,
    podsPerSecond: gangs || samples.length === 0 ? whole : mean(samples),
    createToBindP50: quantile(waits, 0.5),
    createToBindP99: quantile(waits, 0.99),
    timeToLastBind,
    timeToLastEvent: (m.lastEventMs - fromMs) / 1000,
    schedulerCpuPer1000: perThousand('scheduler'),
    serverCpuPer1000: perThousand('server'),
    observerCpuPer1000: perThousand('observer'),
    peakMemory: m.peakMemory,
    bound: tracker.boundCount,
    scheduledEvents: m.scheduledEvents,
  };
}
