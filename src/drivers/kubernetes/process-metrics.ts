/**
 * Turns the activity of a scheduler process into its metrics: counters as it happens, gauges when metrics are scraped.
 */
import type { BindEffect, BindOutcome, PodEffect, PodEvent } from '../../governor/pods/pod-events.ts';
import { PodState } from '../../governor/pods/state/pod-records.ts';
import { gangsByState, pendingByQueue } from './queue-gauges.ts';
import type { ProcessObserver, SchedulerProcess } from './scheduler-process.ts';
import type { EconomyMetrics } from './server/economy-metrics.ts';
import type { QueueName, SchedulerMetrics } from './server/scheduler-metrics.ts';

/** The events that bring pods to the queue, by kube-scheduler's names. */
const POD_ADDED = 'PodAdd';
const ATTEMPT_FAILED = 'ScheduleAttemptFailure';

/** Seconds between two looks at what is held idle. */
const IDLE_LOOK_SECONDS = 1;

/** Feeds the metrics of one process; see the head of the file. */
export class ProcessMetrics implements ProcessObserver {
  private readonly metrics: SchedulerMetrics;
  private readonly economy: EconomyMetrics | undefined;
  private idleSinceSeconds = Number.NEGATIVE_INFINITY;
  private process: SchedulerProcess | undefined;
  /** Seconds of its decision, by uid of a pod that is being bound. */
  private readonly decisionSeconds = new Map<string, number>();
  /** By uid of a pod that cannot be placed: the plugins that refuse it. */
  private readonly refused = new Map<string, readonly string[]>();

  /** @param economy Undefined while the mode of the economy is off. */
  constructor(metrics: SchedulerMetrics, economy?: EconomyMetrics) {
    this.metrics = metrics;
    this.economy = economy;
  }

  /** Begins to report a process. */
  attach(process: SchedulerProcess): void {
    this.process = process;
    for (const { resource } of process.followers.reflectors) this.metrics.malformed(resource.name, 0);
    this.metrics.onCollect(() => this.collect(process));
  }

  onStep(event: PodEvent, effects: readonly PodEffect[], seconds: number): void {
    if (event.kind === 'pod-gone') this.refused.delete(event.uid);
    if (
      event.kind === 'pod' &&
      event.pod.ours &&
      this.process?.core.view().pod(event.pod.uid)?.attempts === 0
    ) {
      if (event.pod.nodeName === '' && event.pod.gates.length === 0)
        this.metrics.incoming('active', POD_ADDED);
    }
    if (event.kind !== 'decide') return;
    this.metrics.decided(seconds);
    this.noteIdle();
    const share = seconds / Math.max(1, effects.length);
    let victims = 0;
    for (const effect of effects) {
      if (effect.kind === 'unschedulable' && effect.renewed) {
        // Nothing was decided, but the reasons may have changed.
        this.refused.set(effect.uid, effect.plugins);
        continue;
      }
      this.metrics.decision(effect.kind);
      if (effect.kind === 'bind') this.placed(effect, share);
      else if (effect.kind === 'unschedulable') this.unschedulable(effect.uid, effect.plugins, share);
      else if (effect.kind === 'evict') victims++;
      else if (effect.kind === 'gang-release') this.metrics.permitWait('rejected', 0);
    }
    if (victims > 0) this.metrics.preemption(victims);
  }

  onBound(effect: BindEffect, outcome: BindOutcome, seconds: number): void {
    const decision = this.decisionSeconds.get(effect.uid) ?? 0;
    this.decisionSeconds.delete(effect.uid);
    this.metrics.bind(outcome, seconds);
    this.metrics.attempt(outcome === 'bound' ? 'scheduled' : 'error', decision + seconds);
    if (outcome === 'bound') this.metrics.bound(effect.attempts, effect.waitedSeconds + seconds);
  }

  onMalformed(resource: string): void {
    this.metrics.malformed(resource);
  }

  private noteIdle(): void {
    const view = this.economy === undefined ? undefined : this.process?.core.view();
    if (view === undefined || view.timeSeconds < this.idleSinceSeconds + IDLE_LOOK_SECONDS) return;
    this.idleSinceSeconds = view.timeSeconds;
    this.economy?.noteIdle(view.heldIdle(), view.timeSeconds);
  }

  private placed(effect: BindEffect, seconds: number): void {
    this.refused.delete(effect.uid);
    this.decisionSeconds.set(effect.uid, seconds);
    this.metrics.extensionPoint('Filter', 'Success', seconds);
  }

  private unschedulable(uid: string, plugins: readonly string[], seconds: number): void {
    this.refused.set(uid, plugins);
    this.metrics.attempt('unschedulable', seconds);
    this.metrics.extensionPoint('Filter', 'Unschedulable', seconds);
    this.metrics.incoming('unschedulable', ATTEMPT_FAILED);
  }

  /** Sets the gauges. O(members of groups + zones); with an economy O(pods), too. */
  private collect(process: SchedulerProcess): void {
    const { metrics } = this;
    const { core, writers, followers, lease } = process;
    const view = core.view();
    const pending = Object.entries(pendingByQueue(view)) as [QueueName, number][];
    for (const [queue, pods] of pending) metrics.pending(queue, pods);
    metrics.cacheSize(view.nodeCount, view.podCount, view.podsIn(PodState.Binding));
    const zones: [string, number][] = [];
    view.forEachZone((name, nodes) => zones.push([name, nodes]));
    metrics.zones(zones);
    metrics.classes(view.shapeCount);
    metrics.bindWindow(writers.binder.window, writers.binder.inFlight);
    metrics.synced(followers.synced);
    metrics.leading(process.leading);
    metrics.leaseAge(lease?.renewalAgeSeconds ?? 0);
    const { created, merged, dropped, refused, failed } = writers.events.counts;
    metrics.events({ created, merged, dropped, refused, failed }, writers.events.queued);
    metrics.requests(process.client.statistics);
    const { pauses } = process.coalescer;
    metrics.pauses(pauses.count, pauses.ms / 1000);
    for (const reflector of followers.reflectors) {
      metrics.reflector(reflector.resource.name, reflector.size, { ...reflector.counts });
    }
    this.collectRefused();
    metrics.gangs(Object.entries(gangsByState(view)));
    this.economy?.collect(view.economy(), view.economyFigures());
    const facts = process.record?.facts;
    metrics.record(facts?.recording ?? false, facts?.steps ?? 0, facts?.bytes ?? 0);
  }

  private collectRefused(): void {
    const podsByPlugin = new Map<string, number>();
    for (const [uid, plugins] of this.refused) {
      if (this.process?.core.view().pod(uid) === undefined) this.refused.delete(uid);
      else for (const plugin of plugins) podsByPlugin.set(plugin, (podsByPlugin.get(plugin) ?? 0) + 1);
    }
    this.metrics.unschedulable(podsByPlugin);
  }
}
