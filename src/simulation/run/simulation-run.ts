/**
 * The event loop of one simulation: virtual time, arrivals, departures, failures, and the zone that decides.
 *
 * Invariants: events happen in order of time; at equal times departures and node events (in the order in which they
 * were scheduled) come before arrivals (in the order of the table). All decisions are in the zone; this loop only feeds
 * it and carries out its effects. The loop itself allocates nothing per event; policies may.
 */
import type { EffectBuffer } from '../../governor/zone/effects.ts';
import {
  EffectKind,
  type JobCancelledEvent,
  type JobFinishedEvent,
  type JobSubmittedEvent,
  type NodeDownEvent,
  type NodeUpEvent,
  Reason,
  type TickEvent,
  type ZoneEvent,
  ZoneEventKind,
} from '../../governor/zone/zone-events.ts';
import { EventQueue } from '../../kernel/event-queue.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { DEFAULT_TENANT } from '../../model/tenants.ts';
import type { Decider, Timers } from '../inputs/decider.ts';
import type { NodeFailures } from '../inputs/failures.ts';
import type { JobTable } from '../inputs/job-table.ts';
import type { DropReasons } from '../metrics/drop-reasons.ts';
import type { ObservedPolicy } from '../metrics/observed-policy.ts';
import type { QueueMeter } from '../metrics/queue-meter.ts';
import type { SimulationResult } from '../metrics/result.ts';
import type { RunMetrics } from '../metrics/run-metrics.ts';
import type { RunProfile } from '../metrics/run-profile.ts';
import type { JobWatch } from './job-watch.ts';

/** Events between two calls of `shouldStop`; small enough that slow policies stop soon too. */
const EVENTS_PER_CHECK = 256;

/** One of this many events is timed where a clock is given. A prime, so that no rhythm of the events is missed. */
const EVENTS_PER_TIMING = 17;

/**
 * Wake-ups in a row without a change, at one instant or with no other event to come, before no further one is taken.
 */
const WAKES_IN_VAIN_MAX = 1000;

/** Attempts with all waiting jobs, in a row and without a start, before a run without other events ends. */
const RETRIES_IN_VAIN_MAX = 1000;

/**
 * Mean lives of a node without a single job ending, after the last arrival, until a run gives up: the remaining jobs
 * are so long that failures always end them first (a job of length L on k nodes gets through with probability
 * e^(−kL/MTBF)).
 */
const HOPELESS_LIVES = 50;

/** The inputs of a run. */
export interface RunParts {
  readonly table: JobTable;
  readonly cluster: ClusterState;
  readonly zone: Decider;
  /** Absent: there is no timed work. */
  readonly timers?: Timers | undefined;
  readonly policy: ObservedPolicy;
  readonly metrics: RunMetrics;
  readonly drops: DropReasons;
  readonly failures: NodeFailures | undefined;
  /** Infinity: until every job has ended. */
  readonly horizonSeconds: number;
  /** Virtual time between two attempts with all waiting jobs; Infinity: none. */
  readonly retrySeconds: number;
  /** What queue disciplines learn about run times; absent: nothing. */
  readonly runtimes?: Runtimes | undefined;
  /** Absent: not measured. */
  readonly queueMeter?: QueueMeter | undefined;
  /** Watches one job, where one is to be explained. */
  readonly watch: JobWatch | undefined;
  /** Absent: nothing is timed. */
  readonly profile: RunProfile | undefined;
  /** Absent: the effects of single steps are not observed. */
  readonly onEffects: ((effects: EffectBuffer, nowSeconds: number) => void) | undefined;
  readonly shouldStop: () => boolean;
  /** Called from time to time with the number of jobs that left and the virtual time. */
  readonly onProgress: (jobsEnded: number, virtualSeconds: number) => void;
}

/** What a queue discipline is informed of about run times. @shape every array [jobs] */
export interface Runtimes {
  /** Numbers of the owners; −1: unknown. */
  readonly owners: Int32Array;
  /** Expected run times, seconds; NaN: unknown. */
  readonly expectedSeconds: Float64Array;
}

/** One run. Single use: `run`, then read `endSeconds` and the metrics. */
export class SimulationRun {
  /** Virtual time now. */
  now = 0;
  events = 0;
  private readonly parts: RunParts;
  private readonly queue = new EventQueue();
  /** Jobs submitted so far: the index of the next one. */
  private nextJob = 0;
  /** Running jobs that will end on their own. */
  private finiteRuns = 0;
  /** Jobs that no node could ever hold, to be abandoned after the step. */
  private readonly impossible: number[] = [];
  private nextRetryAt: number;
  private retriesInVain = 0;
  private wakesInVain = 0;
  /** When a job last arrived or ended on its own. */
  private progressAt = 0;
  /** Virtual time without progress after which the run gives up; Infinity without failures. */
  private readonly hopelessSeconds: number;
  private readonly submitted: JobSubmittedEvent = {
    kind: ZoneEventKind.JobSubmitted,
    job: 0,
    demandId: 0,
    podCount: 1,
    gangMin: 1,
    priority: 0,
    tenant: DEFAULT_TENANT,
  };
  private readonly finished: JobFinishedEvent = { kind: ZoneEventKind.JobFinished, job: 0 };
  private readonly cancelled: JobCancelledEvent = { kind: ZoneEventKind.JobCancelled, job: 0 };
  private readonly nodeUp: NodeUpEvent = { kind: ZoneEventKind.NodeUp, node: 0 };
  private readonly nodeDown: NodeDownEvent = { kind: ZoneEventKind.NodeDown, node: 0 };
  private readonly tick: TickEvent = { kind: ZoneEventKind.Tick };
  /** A tick requested by the decider. */
  private readonly wakeUp: TickEvent = { kind: ZoneEventKind.Tick };
  /** When it last got one. */
  private wokeAt = 0;

  constructor(parts: RunParts) {
    this.parts = parts;
    this.nextRetryAt = parts.retrySeconds;
    const { failures, cluster, table } = parts;
    this.hopelessSeconds =
      failures === undefined ? Number.POSITIVE_INFINITY : HOPELESS_LIVES * failures.meanLifeSeconds;
    if (failures === undefined) return;
    for (let node = 0; node < cluster.nodeCount; node++) {
      this.queue.push(failures.nextUpSeconds(node), table.count + node);
    }
  }

  /** The latest time that the decider has seen: it may have been woken in vain after `now`. */
  get decidedSeconds(): number {
    return Math.max(this.now, this.wokeAt);
  }

  /**
   * Runs to the end.
   *
   * @returns How it ended; `now` is then the end of virtual time.
   * @throws TegError TEG_POLICY_INVALID if the policy violated its contract.
   */
  run(): SimulationResult['ended'] {
    const { horizonSeconds, metrics, shouldStop, profile } = this.parts;
    let untilCheck = 1;
    let untilTiming = 1;
    let going = true;
    while (going) {
      if (--untilCheck === 0) {
        untilCheck = EVENTS_PER_CHECK;
        this.reportProgress();
        if (shouldStop()) return 'interrupted';
      }
      if (profile !== undefined && --untilTiming === 0) {
        untilTiming = EVENTS_PER_TIMING;
        going = this.timedEvent(profile);
      } else {
        going = this.event();
      }
    }
    this.reportProgress();
    if (horizonSeconds !== Number.POSITIVE_INFINITY) {
      this.now = horizonSeconds;
      this.parts.queueMeter?.advance(horizonSeconds);
      metrics.finish(horizonSeconds);
      return 'horizon';
    }
    metrics.finish(this.now);
    return metrics.waitingJobs > 0 || this.finiteRuns > 0 ? 'stalled' : 'drained';
  }

  /** Takes the next event. @returns True if there was one. */
  private event(): boolean {
    const event = this.take();
    if (event === undefined) return false;
    if (event === this.wakeUp) return this.wake();
    this.countEvent(event);
    this.carryOut(this.parts.zone.step(event, this.now));
    this.settle();
    return true;
  }

  /** As `event`, with the time of each part added to the profile. */
  private timedEvent(profile: RunProfile): boolean {
    const { policy, zone } = this.parts;
    profile.start();
    const event = this.take();
    profile.queueMicros += profile.lap();
    if (event === undefined) return false;
    if (event === this.wakeUp) return this.wake();
    const sampled = profile.sampleMicros;
    this.countEvent(event);
    profile.metricsMicros += Math.max(0, profile.lap() - (profile.sampleMicros - sampled));
    const { microsSum, timedCalls } = policy;
    const effects = zone.step(event, this.now);
    const readings = 2 * (policy.timedCalls - timedCalls) * profile.clockCost;
    profile.zoneMicros += Math.max(0, profile.lap() - (policy.microsSum - microsSum) - readings);
    this.carryOut(effects);
    this.settle();
    profile.metricsMicros += profile.lap();
    profile.timedEvents++;
    return true;
  }

  /** Lets virtual time pass until the event, and counts it. */
  private countEvent(event: ZoneEvent): void {
    const { metrics, queueMeter } = this.parts;
    queueMeter?.advance(this.now);
    metrics.advance(this.now);
    switch (event.kind) {
      case ZoneEventKind.JobSubmitted:
        metrics.jobArrived(event.job);
        break;
      case ZoneEventKind.NodeDown:
        metrics.nodeFailed();
        break;
      case ZoneEventKind.NodeUp:
        metrics.nodeReturned();
        break;
      default:
        break;
    }
  }

  /** The next event of virtual time, with `now` moved to it; undefined at the end. */
  private take(): ZoneEvent | undefined {
    const { table, metrics, horizonSeconds, zone } = this.parts;
    for (;;) {
      const arrivalAt =
        this.nextJob < table.count ? (table.submitSeconds[this.nextJob] as number) : Number.POSITIVE_INFINITY;
      const hasMore = arrivalAt < Number.POSITIVE_INFINITY || this.finiteRuns > 0 || metrics.waitingJobs > 0;
      if (!hasMore && (zone.leavingPods ?? 0) === 0) return undefined;
      const queuedAt = this.queue.peekTime();
      const at = queuedAt <= arrivalAt ? queuedAt : arrivalAt;
      // One pass for all events of an instant, after the last of them.
      if (zone.isDecisionDue === true && at > this.now) return this.tick;
      const { timers } = this.parts;
      if (timers !== undefined) {
        const dueAt = timers.dueSeconds;
        const isBefore = zone.isDecisionDue === undefined ? dueAt <= at : dueAt < at;
        if (isBefore && dueAt < horizonSeconds && this.mayWake(dueAt, at)) return this.takeWake(dueAt);
      }
      if (at >= this.nextRetryAt && this.nextRetryAt < horizonSeconds && metrics.waitingJobs > 0) {
        if (this.mayRetry(at)) return this.takeRetry();
      }
      if (at >= horizonSeconds || at === Number.POSITIVE_INFINITY) return undefined;
      if (at - this.progressAt > this.hopelessSeconds && this.nextJob >= table.count) return undefined;
      const event = queuedAt <= arrivalAt ? this.takeQueued() : this.takeArrival(arrivalAt);
      if (event !== undefined) return event;
    }
  }

  private takeArrival(at: number): ZoneEvent {
    const { table, watch } = this.parts;
    const job = this.nextJob++;
    this.now = at;
    this.progressAt = at;
    if (watch !== undefined && watch.job === job) watch.aboutToArrive(at);
    const { submitted } = this;
    submitted.job = job;
    submitted.demandId = table.demandIds[job] as number;
    submitted.podCount = table.podCounts[job] as number;
    submitted.gangMin = table.gangMins[job] as number;
    submitted.priority = table.priorities[job] as number;
    submitted.tenant = table.tenantIds[job] as number;
    if (this.parts.runtimes !== undefined) {
      setRuntime(submitted, this.parts.runtimes);
      if (table.hasTerms) submitted.terms = table.termsOf(job);
    }
    return submitted;
  }

  /** @returns undefined for an obsolete entry. */
  private takeQueued(): ZoneEvent | undefined {
    const { table, metrics } = this.parts;
    const id = this.queue.pop();
    const at = this.queue.time;
    if (id >= table.count) return this.takeNodeEvent(id - table.count, at);
    if (metrics.runEnd(id) !== at) return undefined;
    this.now = at;
    this.finished.job = id;
    return this.finished;
  }

  /** An up node fails, a down node returns. Where no job arrives or ends any more, nodes only return. */
  private takeNodeEvent(node: number, at: number): ZoneEvent | undefined {
    const { cluster, failures, table } = this.parts;
    if (failures === undefined) return undefined;
    if (cluster.up[node] === 1) {
      if (this.nextJob >= table.count && this.finiteRuns === 0) return undefined;
      this.queue.push(at + failures.nextDownSeconds(node), table.count + node);
      this.now = at;
      this.nodeDown.node = node;
      return this.nodeDown;
    }
    this.queue.push(at + failures.nextUpSeconds(node), table.count + node);
    this.now = at;
    this.nodeUp.node = node;
    return this.nodeUp;
  }

  /** While another event is to come, or for a bounded number of times in a row. */
  private mayRetry(nextEventAt: number): boolean {
    if (nextEventAt < Number.POSITIVE_INFINITY) return true;
    return this.retriesInVain < RETRIES_IN_VAIN_MAX;
  }

  private takeRetry(): ZoneEvent {
    this.now = Math.max(this.now, this.nextRetryAt);
    this.nextRetryAt = this.now + this.parts.retrySeconds;
    this.retriesInVain++;
    return this.tick;
  }

  /** While virtual time passes towards another event, or for a bounded number of times in a row. */
  private mayWake(dueAt: number, nextEventAt: number): boolean {
    if (dueAt > Math.max(this.now, this.wokeAt) && nextEventAt < Number.POSITIVE_INFINITY) return true;
    return this.wakesInVain < WAKES_IN_VAIN_MAX;
  }

  private takeWake(dueAt: number): ZoneEvent {
    this.wokeAt = Math.max(this.now, dueAt);
    this.wakesInVain++;
    return this.wakeUp;
  }

  /** Something fell due in the decider. Where nothing comes of it, virtual time is not moved. */
  private wake(): boolean {
    const { zone, metrics } = this.parts;
    this.parts.queueMeter?.advance(this.wokeAt);
    const effects = zone.step(this.wakeUp, this.wokeAt);
    if (effects.length === 0) return true;
    this.now = this.wokeAt;
    metrics.advance(this.now);
    this.carryOut(effects);
    this.settle();
    return true;
  }

  /** The rest of an event: attempts that the zone postponed, and jobs that can never run. */
  private settle(): void {
    const { zone, drops } = this.parts;
    while (zone.hasPostponed) this.carryOut(zone.step(this.tick, this.now));
    while (this.impossible.length > 0) {
      this.cancelled.job = this.impossible.pop() as number;
      drops.add(this.cancelled.job, this.now);
      this.carryOut(zone.step(this.cancelled, this.now));
    }
    this.events++;
  }

  private carryOut(effects: EffectBuffer): void {
    const { kinds, jobs, counts, reasons, length } = effects;
    const { metrics, watch, onEffects } = this.parts;
    if (watch !== undefined) watch.afterStep(effects, this.now);
    if (length > 0) this.wakesInVain = 0;
    if (onEffects !== undefined && length > 0) onEffects(effects, this.now);
    for (let i = 0; i < length; i++) {
      const job = jobs[i] as number;
      switch (kinds[i]) {
        case EffectKind.JobStarted:
          this.started(job, counts[i] as number);
          break;
        case EffectKind.JobReleased:
          this.released(job, counts[i] as number, reasons[i] as number);
          break;
        case EffectKind.PodJoined:
          metrics.jobResized(job, 1);
          break;
        case EffectKind.PodLeft:
          metrics.jobResized(job, -1);
          break;
        case EffectKind.JobWaiting:
          metrics.jobWaits(job);
          if (reasons[i] === Reason.Impossible) this.impossible.push(job);
          break;
        case EffectKind.JobRequeued:
          metrics.requeues++;
          metrics.jobWaits(job);
          break;
        case EffectKind.JobDropped:
          metrics.dropped++;
          metrics.jobWaitsNoMore(job);
          break;
        case EffectKind.JobFailed:
          metrics.failed++;
          break;
        default:
          break;
      }
    }
  }

  private started(job: number, pods: number): void {
    const { metrics } = this.parts;
    metrics.jobStarted(job, pods, this.now);
    this.retriesInVain = 0;
    const end = metrics.runEnd(job);
    if (end === Number.POSITIVE_INFINITY) return;
    this.finiteRuns++;
    this.queue.push(end, job);
  }

  private released(job: number, pods: number, reason: number): void {
    const { metrics } = this.parts;
    if (metrics.runEnd(job) !== Number.POSITIVE_INFINITY) this.finiteRuns--;
    if (reason === Reason.Finished) {
      this.progressAt = this.now;
      metrics.jobFinished(job, pods, this.now);
    } else {
      metrics.jobLost(job, pods, this.now);
    }
    metrics.jobReleased(job, pods);
  }

  private reportProgress(): void {
    const { metrics, profile } = this.parts;
    if (profile !== undefined) profile.events = this.events;
    this.parts.onProgress(metrics.finished + metrics.dropped + metrics.failed, this.now);
  }
}

/** Fills in what is known of a job's run time. */
function setRuntime(event: JobSubmittedEvent, { owners, expectedSeconds }: Runtimes): void {
  const owner = owners[event.job] as number;
  const seconds = expectedSeconds[event.job] as number;
  if (owner >= 0) event.owner = owner;
  else delete event.owner;
  if (seconds >= 0 && seconds < Number.POSITIVE_INFINITY) event.expectedSeconds = seconds;
  else delete event.expectedSeconds;
}
