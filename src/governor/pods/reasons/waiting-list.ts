/** Everything that waits, each with the code of its dominant reason: for metrics, statuses and queues of people. */
import { type Claimant, claimantKey } from '../champion/claimants.ts';
import { type PodRecord, PodState } from '../state/pod-records.ts';
import { type SituationParts, situationOf } from './situation-of.ts';
import { dominantCode } from './waiting-reason.ts';

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
