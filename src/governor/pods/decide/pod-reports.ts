/**
 * Reports about waiting pods: event FailedScheduling and condition PodScheduled=False.
 *
 * A report is made when its text changes, and renewed before it is `renewalSeconds` old, in words that are true then:
 * events live for an hour on the API server, and the cluster changes without a change for the pod. Renewals are spread
 * evenly and bounded: at most `RENEWALS_PER_SECOND`. With n reports a report is thus at most max(`renewalSeconds`, n /
 * RENEWALS_PER_SECOND) old.
 */
import type { PodEffect } from '../pod-events.ts';
import { isPlaced, type PodRecord, PodState } from '../state/pod-records.ts';
import type { ReportCause } from '../state/report-cause.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';

/** Most renewals a second; 60,000 pods are renewed within five minutes. */
export const RENEWALS_PER_SECOND = 200;
/** Most renewals of one turn, so that decisions do not wait for them. */
const RENEWALS_A_TURN = 8;
/** Most time whose renewals are done in one turn: the rate holds within it, too. */
const TURN_SECONDS = 0.05;
/** Lateness of turns that causes no loss of pace. */
const LATE_SECONDS = 0.1;
/** Excess of the pace over the need, so that a late turn breaks no bound. */
const HASTE = 1.1;

/** A report, and its plugins. */
export interface Report {
  readonly message: string;
  readonly plugins: readonly string[];
  readonly cause: ReportCause;
}

/** Reports. Single writer of `PodRecord.told` and related fields. */
export class PodReports {
  private readonly state: SchedulerState;
  private readonly emit: (effect: PodEffect) => void;
  /** Pods with a current report, the oldest first. */
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

  /** Reports why a pod waits, unless that was reported last. */
  tell(pod: PodRecord, report: Report): void {
    const isSame = pod.told === report.message && pod.toldCause.reason === report.cause.reason;
    if (!isSame) this.report(pod, report, false);
    else pod.toldCause = report.cause;
  }

  /** Ends the reports about a pod. */
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
   * Renews the due reports, oldest first.
   *
   * @param reportOf The present verdict on a pod. Called for at most RENEWALS_A_TURN pods.
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
      // After a late turn not all arrears are made up at once.
      if (renewed / perSecond >= TURN_SECONDS) break;
    }
    if (renewed === 0) return;
    // A late turn is made up for, up to a bound.
    this.notBeforeSeconds = Math.max(this.notBeforeSeconds, timeSeconds - LATE_SECONDS) + renewed / perSecond;
  }

  /** The rate that renews all in time, within the bound. */
  private get perSecond(): number {
    const { renewalSeconds } = this.state.options;
    return Math.min(Math.max((HASTE * this.standing.size) / renewalSeconds, 1), RENEWALS_PER_SECOND);
  }

  private report(pod: PodRecord, { message, plugins, cause }: Report, renewed: boolean): void {
    pod.told = message;
    pod.toldPlugins = plugins;
    pod.toldCause = cause;
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
      reason: cause.reason,
      plugins,
      generation,
      renewed,
    });
  }
}
