/**
 * The facts behind a report about a waiting pod. The condition's reason follows from them, and so does the code of the dominant
 * reason: neither can say something else than the other.
 */
import type { AccountsRefusal } from '../../accounts.ts';
import type { NotScheduledReason } from '../pod-events.ts';

/**
 * `accounts`: they refuse it, or it is behind a champion; `victims`: pods are leaving to make room for it; `room`: no node takes it;
 * `other`: the rest of its state says it (an incomplete gang, gates, a full queue, what is not supported, an error).
 */
export type ReportKind = 'accounts' | 'victims' | 'room' | 'other';

/** Facts of one report. */
export interface ReportCause {
  readonly kind: ReportKind;
  /**
   * Of the condition. Who waits for quota, price or a champion is not ready: no autoscaler may buy nodes for it. Who finds no room is
   * unschedulable.
   */
  readonly reason: NotScheduledReason;
  /** With `accounts`. */
  readonly refusal: AccountsRefusal | undefined;
  /** With `victims`: how many, ≥ 1; else 0. */
  readonly victims: number;
}

/** No node takes it. */
export const NO_ROOM: ReportCause = Object.freeze({
  kind: 'room',
  reason: 'Unschedulable',
  refusal: undefined,
  victims: 0,
});

/** Accounts refuse it, or a champion's room or headroom does. */
export function refusedFor(refusal: AccountsRefusal): ReportCause {
  return { kind: 'accounts', reason: 'NotReadyForScheduling', refusal, victims: 0 };
}

/**
 * Others were evicted for it.
 *
 * @param refusal What the accounts refuse until the victims are gone; undefined: they admit it, and it lacks room alone.
 */
export function awaitsVictims(victims: number, refusal: AccountsRefusal | undefined): ReportCause {
  const reason = refusal === undefined ? 'Unschedulable' : 'NotReadyForScheduling';
  return { kind: 'victims', reason, refusal: undefined, victims };
}

/** Said by the rest of its state. */
export function otherCause(reason: NotScheduledReason): ReportCause {
  return { kind: 'other', reason, refusal: undefined, victims: 0 };
}
