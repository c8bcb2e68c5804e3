/** Everything that waits, each with the code of its dominant reason: for metrics, statuses and queues of people. */

import { compareTurns } from '../../queue-order.ts';
import { type Claimant, claimantKey } from '../champion/claimants.ts';
import { type PodRecord, PodState } from '../state/pod-records.ts';
import { type SituationParts, situationOf } from './situation-of.ts';
import { dominantCode, dominantReason, type WaitingReason } from './waiting-reason.ts';

/** As if the nodes had not been asked: they may take it. */
const NODES_UNASKED = { feasible: 1, refusals: [] };

/** A pod that waits alone, or the waiting members of a gang. */
export interface WaitingEntry {
  readonly claimant: Claimant;
  /** The pod, or the member that was seen first: `PodScheduler.explain` of its uid says more. */
  readonly first: PodRecord;
  /** Pods of it that wait, ≥ 1. */
  pods: number;
  /** A key of `REASON_STAGES`, or a code of accounts. */
  readonly code: string;
}

/**
 * @returns In the order in which they were seen. @cost O(pods + members of groups); no node is asked: a pod that was not tried yet has
 *   the code `not-tried`.
 */
export function waitingEntries(parts: SituationParts): WaitingEntry[] {
  const entries: WaitingEntry[] = [];
  const gangs = new Map<string, WaitingEntry>();
  for (const pod of parts.state.pods.values()) {
    const group = pod.state === PodState.InGroup ? parts.groups.get(pod.group) : undefined;
    const known = group === undefined ? undefined : gangs.get(group.key);
    if (known !== undefined && !pod.deleting) {
      known.pods++;
      continue;
    }
    const situation = situationOf(parts, pod, undefined);
    if (situation === undefined) continue;
    const entry = { claimant: group ?? pod, first: pod, pods: 1, code: dominantCode(situation) };
    entries.push(entry);
    if (group !== undefined) gangs.set(claimantKey(group), entry);
  }
  return entries;
}

/** A job that waits, and its one reason with figures. */
export interface ReasonedEntry extends WaitingEntry {
  readonly tenant: string;
  /** Pods that have to start together, ≥ 1. */
  readonly needPods: number;
  readonly reason: WaitingReason;
}

/**
 * @param max Jobs that are listed, ≥ 0.
 * @returns   The number of all that wait, and the first of them in their turn: by priority, then as they came.
 * @cost      O(pods log pods + listed × tenants); no node is asked.
 */
export function waitingInTurn(
  parts: SituationParts,
  max: number,
): { readonly count: number; readonly listed: readonly ReasonedEntry[] } {
  const entries = waitingEntries(parts);
  entries.sort(({ claimant: x }, { claimant: y }) =>
    compareTurns(x.priority, x.createdSeconds, x.sequence, y.priority, y.createdSeconds, y.sequence),
  );
  const listed: ReasonedEntry[] = [];
  for (const entry of entries.slice(0, max)) {
    const situation = situationOf(parts, entry.first, NODES_UNASKED);
    if (situation === undefined) continue;
    const reason = dominantReason(situation, parts.state.timeSeconds);
    listed.push({ ...entry, tenant: situation.tenant, needPods: situation.pods, reason });
  }
  return { count: entries.length, listed };
}
