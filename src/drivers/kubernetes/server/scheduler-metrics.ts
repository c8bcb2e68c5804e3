/**
 * The metrics of a scheduler: plain methods for the loop, and the text of /metrics for scrapes.
 *
 * Methods that take a total (`events`, `reflector`) repeat counts that are kept elsewhere; call them from `onCollect`.
 */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import type { BindOutcome, PodEffect } from '../../../governor/pods/pod-events.ts';
import type { RequestStatistics } from '../client/request-statistics.ts';
import { METRICS, type MetricKey } from './metric-definitions.ts';
import { MetricSeries } from './metric-series.ts';

/** Outcome of an attempt. */
export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

const ATTEMPT_RESULTS: readonly AttemptResult[] = ['scheduled', 'unschedulable', 'error'];
const BIND_OUTCOMES: readonly BindOutcome[] = ['bound', 'conflict', 'gone', 'no-node', 'failed'];

/** Queues of kube-scheduler. */
export type QueueName = 'active' | 'backoff' | 'unschedulable' | 'gated';

/** Attempts from here on are one label, as in kube-scheduler. */
const ATTEMPTS_TOLD_MAX = 15;

/** Zones that are reported one by one; the nodes of further zones are reported together. */
const ZONES_TOLD_MAX = 500;

type Rows = Readonly<Record<MetricKey, MetricSeries>>;

/** All metrics of one scheduler. Single-threaded; methods of the loop are O(buckets) and make nothing. */
export class SchedulerMetrics {
  readonly #registry = new Registry();
  readonly #series: Rows;
  readonly #profile: string;
  readonly #collectors: (() => void)[] = [];

  /** @param profile Label `profile`: the scheduler's name. */
  constructor(profile: string, version: string) {
    this.#profile = profile;
    const entries = Object.entries(METRICS).map(([key, definition]) => [key, new MetricSeries(definition)]);
    this.#series = Object.fromEntries(entries) as Record<MetricKey, MetricSeries>;
    for (const series of Object.values(this.#series)) this.serve(series);
    collectDefaultMetrics({ register: this.#registry });
    this.#set('build', 1, version, process.version);
    // A counter that begins with its first event has no rate yet: alerts would miss that event.
    for (const result of ATTEMPT_RESULTS) this.#add('attempts', 0, result, profile);
    for (const outcome of BIND_OUTCOMES) this.#add('binds', 0, outcome);
  }

  /** Adds a metric that is kept elsewhere. */
  serve(series: MetricSeries): void {
    this.#registry.registerMetric(exposed(series));
  }

  /** Calls `collect` before every exposition: the place to set gauges. */
  onCollect(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** @returns The text of /metrics. */
  async text(): Promise<string> {
    for (const collect of this.#collectors) collect();
    return this.#registry.metrics();
  }

  /** Content type of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** @returns The value of a metric (of a histogram: its number of observations), for tests and summaries. */
  value(metric: MetricKey, ...labels: string[]): number {
    const series = this.#series[metric];
    return series.value(series.row(labels));
  }

  /** An attempt ended. @param seconds The decision, and the binding if there was one. */
  attempt(result: AttemptResult, seconds: number): void {
    this.#add('attempts', 1, result, this.#profile);
    this.#observe('attemptSeconds', seconds, result, this.#profile);
  }

  /** Duration of a deciding step of the core. */
  decided(seconds: number): void {
    this.#observe('algorithmSeconds', seconds);
    this.#observe('decisionSeconds', seconds);
    this.#add('turnSeconds', seconds);
  }

  /** The core decided. */
  decision(kind: PodEffect['kind']): void {
    this.#add('decisions', 1, kind);
  }

  /**
   * A pod was bound.
   *
   * @param attempts      Attempts it took.
   * @param waitedSeconds From the time it was first seen schedulable to now.
   */
  bound(attempts: number, waitedSeconds: number): void {
    const told = attempts >= ATTEMPTS_TOLD_MAX ? `${ATTEMPTS_TOLD_MAX}+` : String(attempts);
    this.#observe('sliSeconds', waitedSeconds, told);
    this.#observe('podAttempts', attempts);
  }

  /** A binding ended. @param seconds Of the request, retries included. */
  bind(outcome: BindOutcome, seconds: number): void {
    this.#add('binds', 1, outcome);
    this.#observe('bindSeconds', seconds);
    this.extensionPoint('Bind', outcome === 'bound' ? 'Success' : 'Error', seconds);
  }

  /** Allowed bindings, and bindings in flight. */
  bindWindow(window: number, inFlight: number): void {
    this.#set('bindWindow', window);
    this.#set('bindsInFlight', inFlight);
    this.#set('goroutines', inFlight, 'binding');
  }

  /** A step that kube-scheduler has too: `Filter`, `PostFilter`, `PreBind`, `Bind`. @param status `Success`, `Unschedulable`, `Error`. */
  extensionPoint(point: string, status: string, seconds: number): void {
    this.#observe('pointSeconds', seconds, point, status, this.#profile);
  }

  /** A timed part of such a step. */
  plugin(plugin: string, point: string, status: string, seconds: number): void {
    this.#observe('pluginSeconds', seconds, plugin, point, status);
  }

  /** Pods in a queue. */
  pending(queue: QueueName, pods: number): void {
    this.#set('pending', pods, queue);
  }

  /** Pods came to a queue. @param event `PodAdd`, `NodeAdd`, `AssignedPodDelete`, `ScheduleAttemptFailure`, …. */
  incoming(queue: QueueName, event: string, pods = 1): void {
    this.#add('incoming', pods, queue, event);
  }

  /** Preemption was attempted. @param victims 0: no node was found. */
  preemption(victims: number): void {
    this.#add('preemptionAttempts', 1);
    if (victims > 0) this.#observe('preemptionVictims', victims);
  }

  /** Pods that cannot be placed, by the name of the refusing plugin; replaces all. */
  unschedulable(podsByPlugin: Iterable<readonly [string, number]>): void {
    this.#series.unschedulable.clear();
    for (const [plugin, pods] of podsByPlugin) this.#set('unschedulable', pods, plugin, this.#profile);
  }

  /** Objects that the scheduler knows. */
  cacheSize(nodes: number, pods: number, assumedPods: number): void {
    this.#set('cacheSize', nodes, 'nodes');
    this.#set('cacheSize', pods, 'pods');
    this.#set('cacheSize', assumedPods, 'assumed_pods');
  }

  /** A gang was placed or released after a time. */
  permitWait(result: 'allowed' | 'rejected', seconds: number): void {
    this.#observe('permitWaitSeconds', seconds, result);
  }

  /** An attempt to place a gang ended. */
  groupAttempt(result: AttemptResult, seconds: number): void {
    this.#add('groupAttempts', 1, result, this.#profile);
    this.#observe('groupAttemptSeconds', seconds, result, this.#profile);
  }

  /** Gangs by state; replaces all. */
  gangs(gangsByState: Iterable<readonly [string, number]>): void {
    this.#series.gangs.clear();
    for (const [state, gangs] of gangsByState) this.#set('gangs', gangs, state);
  }

  /** True if everything that is watched has been listed. */
  synced(synced: boolean): void {
    this.#set('synced', synced ? 1 : 0);
  }

  /** The Lease was acquired or lost. */
  leading(leading: boolean): void {
    const before = this.value('leader');
    this.#set('leader', leading ? 1 : 0);
    if (before !== this.value('leader')) this.#add('leaderChanges', 1);
  }

  /** Age of the last renewal. */
  leaseAge(seconds: number): void {
    this.#set('leaseAge', seconds);
  }

  /** Totals of events by result, and how many wait. */
  events(totals: Readonly<Record<string, number>>, waiting: number): void {
    for (const result in totals) this.#set('events', totals[result] as number, result);
    this.#set('eventsWaiting', waiting);
  }

  /** Nodes by zone; replaces all. Zones beyond 500 are reported together as `other`. */
  zones(nodesByZone: Iterable<readonly [string, number]>): void {
    this.#series.zoneNodes.clear();
    let zones = 0;
    for (const [zone, nodes] of nodesByZone) {
      zones++;
      this.#add('zoneNodes', nodes, zones <= ZONES_TOLD_MAX ? zone : 'other');
    }
    this.#set('zones', zones);
  }

  /** Kinds of pods that are distinguished. */
  classes(classes: number): void {
    this.#set('classes', classes);
  }

  /** Objects of a watched resource, and totals of its watch. */
  reflector(resource: string, objects: number, totals: Readonly<Record<string, number>>): void {
    this.#set('reflectorObjects', objects, resource);
    for (const what in totals) this.#set('reflectorCounts', totals[what] as number, resource, what);
  }

  /** Objects of a resource were skipped. @param objects 0: none so far, but they are counted from now on. */
  malformed(kind: string, objects = 1): void {
    this.#add('malformed', objects, kind);
  }

  /** Totals of the log of events. */
  record(recording: boolean, steps: number, bytes: number): void {
    this.#set('recording', recording ? 1 : 0);
    this.#set('recordSteps', steps);
    this.#set('recordBytes', bytes);
  }

  /** Totals of the pauses of the loop. */
  pauses(count: number, seconds: number): void {
    this.#set('pauses', count);
    this.#set('pauseSeconds', seconds);
  }

  /** Totals of the requests of a client. */
  requests(statistics: RequestStatistics): void {
    for (const { method, resource, code, count } of statistics.counts()) {
      this.#set('clientRequests', count, code, method, resource);
    }
    const series = this.#series.clientSeconds;
    for (const [method, { counts, sumSeconds }] of statistics.durations()) {
      series.setHistogram(series.row([method]), counts, sumSeconds);
    }
  }

  #add(metric: MetricKey, amount: number, ...labels: string[]): void {
    const series = this.#series[metric];
    series.add(series.row(labels), amount);
  }

  #set(metric: MetricKey, value: number, ...labels: string[]): void {
    const series = this.#series[metric];
    series.set(series.row(labels), value);
  }

  #observe(metric: MetricKey, value: number, ...labels: string[]): void {
    const series = this.#series[metric];
    series.observe(series.row(labels), value);
  }
}

/** Exposes a series to prom-client's registry, which only writes it out: it calls `get` and reads `name`. */
function exposed(series: MetricSeries): Metric {
  const { name, help, type } = series.definition;
  const get = () => ({
    name,
    help,
    type,
    aggregator: 'sum' as const,
    values: series.samples().map(({ name: metricName, labels, value }) => ({ metricName, labels, value })),
  });
  return { name, help, type, get, reset: () => series.clear() } as unknown as Metric;
}
