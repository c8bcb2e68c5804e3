/** Waiting pods and gangs as claimants of room in the future. */
import { isGroup, type PodGroup, pendingIn, tallyOf } from '../state/pod-groups.ts';
import { type PodRecord, PodState } from '../state/pod-records.ts';
import type { MemberKind } from './room-plan.ts';

/** A pod of its own, or a gang. */
export type Claimant = PodRecord | PodGroup;

/** @returns The group's key, or the pod's uid: they are never equal, a group's key has a colon and a slash. */
export function claimantKey(claimant: Claimant): string {
  return isGroup(claimant) ? claimant.key : claimant.uid;
}

/** @returns Members that wait, in their turn; none if nothing of it waits any more. O(members). */
export function waitingMembers(claimant: Claimant): readonly PodRecord[] {
  if (isGroup(claimant)) return pendingIn(claimant);
  return claimant.state === PodState.Waiting || claimant.state === PodState.Active ? [claimant] : [];
}

/** @returns Fewest of them that have to start together, ≥ 0. O(members). */
export function missingMembers(claimant: Claimant): number {
  if (!isGroup(claimant)) return 1;
  return Math.max(0, (claimant.description?.minCount ?? 1) - tallyOf(claimant).placed);
}

/** @returns Since when all that has to start together waits, seconds. @param members Not empty. */
export function waitsSince(members: readonly PodRecord[]): number {
  return members.reduce(
    (latest, { sinceSeconds }) => Math.max(latest, sinceSeconds),
    Number.NEGATIVE_INFINITY,
  );
}

/** @returns The first `count` members by kind. O(count). */
export function kindsOf(members: readonly PodRecord[], count: number): readonly MemberKind[] {
  const kinds: { shape: MemberKind['shape']; count: number }[] = [];
  for (const { shape } of members.slice(0, count)) {
    const known = kinds.find((kind) => kind.shape === shape);
    if (known === undefined) kinds.push({ shape, count: 1 });
    else known.count++;
  }
  return kinds;
}

/** @returns `namespace/name` of a pod, or of a gang. */
export function claimantName(claimant: Claimant): string {
  if (!isGroup(claimant)) return `${claimant.namespace}/${claimant.name}`;
  return claimant.key.slice(claimant.key.indexOf(':') + 1);
}
