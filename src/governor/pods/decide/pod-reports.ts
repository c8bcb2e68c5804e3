/**
 * What is reported of pods that wait: event FailedScheduling and condition PodScheduled=False.
 *
 * A report is made when its text changes, and renewed before it is `renewalSeconds` old, in words that are true then: events
 * live for an hour on the API server, and the cluster changes without a change for the pod. Renewals are spread evenly and
 * bounded: at most `RENEWALS_PER_SECOND`. With n reports a report is so at most max(`renewalSeconds`, n / RENEWALS_PER_SECOND) old.
 */
import type { NotScheduledReason, PodEffect } from '../pod-events.ts';
import { isPlaced, type PodRecord, PodState } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';

/** Renewals a second at most; 60,000 pods are renewed within five minutes. */
export const RENEWALS_PER_SECOND = 200;
/** Renewals of one turn at most, so that decisions do not wait for them. */
const RENEWALS_A_TURN = 8;
/** Time whose renewals are done in one turn at most: the rate holds within it, too. */
const TURN_SECONDS = 0.05;
/** By so much turns may be late without a loss of pace. */
const LATE_SECONDS = 0.1;
/** How much faster than needed, so that a late turn breaks no bound. */
const HASTE = 1.1;

/** What is reported, and by which plugins. */
export interface Report {
  readonly message: string;
  readonly plugins: readonly string[];
  readonly reason: NotScheduledReason;
}

/** Reports. Single writer of `PodRecord.told` and its kin. */
export class PodReports {
  private readonly state: SchedulerState;
  private readonly emit: (effect: PodEffect) => void;
  /** Pods with a report that stands, the oldest first. */
  private readonly standing = new Set<PodRecord>();
  private notBeforeSeconds = Number.NEGATIVE_INFINITY;

  constructor(state: SchedulerState, emit: (effect: PodEffect) => void) {
    this.state = state;
    this.emit = emit;
  }

  /** Reports that stand. */
  get size(): number {
    return this.standing.size;
  }

  /** Reports why a pod waits, unless that is what was reported last. */
  tell(pod: PodRecord, report: Report): void {
    if (pod.told !== report.message || pod.toldReason !== report.reason) this.report(pod, report, false);
  }

  /** Nothing is to be reported of a pod any more. */
  forget(pod: PodRecord): void {
    if (pod.told === '') return;
    pod.told = '';
    pod.toldPlugins = [];
    this.standing.delete(pod);
  }

  /** When the next renewal is due; Infinity: none is. */
  get dueSeconds(): number {
    const { renewalSeconds } = this.state.options;
    const [oldest] = this.standing;
    if (oldest === undefined || renewalSeconds <= 0) return Number.POSITIVE_INFINITY;
    const ahead = Math.min(this.standing.size / this.perSecond, renewalSeconds);
    return Math.max(oldest.toldSeconds + renewalSeconds - ahead, this.notBeforeSeconds);
  }

  /**
   * Renews what is due, oldest first.
   *
   * @param reportOf What is true of a pod now. Asked for at most RENEWALS_A_TURN pods.
   */
  renew(reportOf: (pod: PodRecord) => Report): void {
    const { timeSeconds } = this.state;
    const { perSecond } = this;
    let renewed = 0;
    while (renewed < RENEWALS_A_TURN && this.dueSeconds <= timeSeconds) {
      const [pod] = this.standing;
      if (pod === undefined) return;
      if (isPlaced(pod) || pod.state <= PodState.Gated) {
        this.forget(pod);
        continue;
      }
      this.report(pod, reportOf(pod), true);
      renewed++;
      // Of a turn that comes late not everything is made up for at once.
      if (renewed / perSecond >= TURN_SECONDS) break;
    }
    if (renewed === 0) return;
    // A turn that came late is made up for, as far as it is not many.
    this.notBeforeSeconds = Math.max(this.notBeforeSeconds, timeSeconds - LATE_SECONDS) + renewed / perSecond;
  }

  /** As many a second as it takes to renew all in time, within the bound. */
  private get perSecond(): number {
    const { renewalSeconds } = this.state.options;
    return Math.min(Math.max((HASTE * this.standing.size) / renewalSeconds, 1), RENEWALS_PER_SECOND);
  }

  private report(pod: PodRecord, { message, plugins, reason }: Report, renewed: boolean): void {
    pod.told = message;
    pod.toldPlugins = plugins;
    pod.toldReason = reason;
    pod.toldSeconds = this.state.timeSeconds;
    this.standing.delete(pod);
    this.standing.add(pod);
    const { uid, namespace, name, generation } = pod;
    this.emit({
      kind: 'unschedulable',
      uid,
      namespace,
      name,
      message,
      reason,
      plugins,
      generation,
      renewed,
    });
  }
}
