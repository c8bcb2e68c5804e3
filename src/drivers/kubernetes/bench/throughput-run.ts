/**
 * One run of a workload that measures how fast pods are bound.
 *
 * Not here: restarts and packing (`restart-run.ts`, `packing-run.ts`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlPlaneProcess } from '../control-plane/control-plane.ts';
import { BenchCluster, type CpuSeconds, type RunHooks } from './bench-cluster.ts';
import { podGroupTemplate, podTemplate } from './bench-objects.ts';
import { type BenchFigures, type BenchRun, NO_FIGURES } from './bench-run.ts';
import { mean, quantile, throughputSamples } from './bench-statistics.ts';
import { CHURN_NAMESPACE, type Churn, startChurn } from './churn.ts';
import { PodTracker } from './pod-tracker.ts';
import { schedulerNameOfPods } from './schedulers.ts';
import { GANG_SIZE } from './workloads.ts';

/** Without a bind for so long a run is over, whatever is left: seconds. */
const STALL_SECONDS = 60;

/** Events that have not come after so long will not: seconds. */
const QUIET_SECONDS = 5;

/** Creations under way while it is measured: as many workers as scheduler_perf has. */
const MEASURED_IN_FLIGHT = 30;

/** Namespace of the pod that shows that the scheduler works. */
const PROBE_NAMESPACE = 'bench-probe';

/** What is known at the end of a measurement. */
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

/** Carries one out: a control plane of its own, some seconds to a minute. @throws TegError of the control plane and TEG_BENCH_FAILED. */
export async function runThroughput(run: BenchRun, hooks: RunHooks): Promise<BenchFigures> {
  const cluster = await BenchCluster.start(run.workload.kind === 'gang', hooks);
  try {
    const { workload, size } = run;
    await cluster.createNamespaces([
      PROBE_NAMESPACE,
      CHURN_NAMESPACE,
      workload.initNamespace,
      workload.measuredNamespace,
    ]);
    await cluster.createNodes(size.nodes, workload.zones);
    if (workload.kind === 'gang') return figuresOf(await measureGangs(run, cluster), true);
    return figuresOf(await measureRate(run, cluster), false);
  } finally {
    await cluster.stop();
  }
}

/** Pods are created while the scheduler runs. */
async function measureRate(run: BenchRun, cluster: BenchCluster): Promise<Measured> {
  const { workload, size } = run;
  const schedulerName = schedulerNameOfPods(run.scheduler);
  if (workload.initBound === true) {
    await cluster.createBoundPods(size.initPods, size.nodes, workload.initNamespace, workload.init);
  }
  const scheduler = await cluster.startScheduler(run.scheduler);
  await probe(run, cluster, scheduler);
  if (workload.initBound !== true && size.initPods > 0) await bindInit(run, cluster, scheduler);
  const tracker = new PodTracker('pod-', size.pods);
  cluster.track(workload.measuredNamespace, tracker);
  const template = podTemplate({
    namespace: workload.measuredNamespace,
    schedulerName,
    ...workload.measured,
  });
  const churn: Churn | undefined =
    workload.churn === undefined ? undefined : startChurn(workload.churn, cluster.client, schedulerName);
  const before = cluster.cpuSeconds(scheduler);
  const fromMs = performance.now();
  try {
    await cluster.createPods(tracker, () => template, MEASURED_IN_FLIGHT);
    await cluster.untilBound(tracker, scheduler, STALL_SECONDS);
  } finally {
    await churn?.stop();
  }
  return takeStock(cluster, scheduler, workload.measuredNamespace, { tracker, fromMs, before });
}

/** Gangs and their pods are there before the scheduler starts. */
async function measureGangs(run: BenchRun, cluster: BenchCluster): Promise<Measured> {
  const { workload, size } = run;
  const namespace = workload.measuredNamespace;
  const gangSize = Math.min(GANG_SIZE, size.pods);
  const gangs = Array.from({ length: Math.ceil(size.pods / gangSize) }, (_, g) => `gang-${g}`);
  await cluster.createObjects('gangs', podGroupTemplate(namespace, gangSize), gangs);
  const templates = gangs.map((podGroupName) => {
    const spec = { schedulingGroup: { podGroupName } };
    const schedulerName = schedulerNameOfPods(run.scheduler);
    return podTemplate({ namespace, schedulerName, ...workload.measured, spec });
  });
  const tracker = new PodTracker('pod-', size.pods);
  cluster.track(namespace, tracker);
  const templateOf = (i: number) => templates[Math.floor(i / gangSize)] as (typeof templates)[0];
  await cluster.createPods(tracker, templateOf);
  const before = cluster.cpuSeconds(undefined);
  const fromMs = performance.now();
  const scheduler = await cluster.startScheduler(run.scheduler);
  await cluster.untilBound(tracker, scheduler, STALL_SECONDS);
  return takeStock(cluster, scheduler, namespace, { tracker, fromMs, before });
}

/** Waits for the events of a namespace, then looks at what everybody used. */
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
  // Grace 0: without a kubelet nobody else would end it.
  await cluster.client.delete(`${template.path}/${tracker.name(0)}?gracePeriodSeconds=0`);
}

/** Lets the scheduler place the pods that are there before, and end what it says about them. */
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

/** @param gangs Whether throughput is that of the whole time, from the start of the process. */
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
