/** One reservation: a job, and the plan that nodes are kept by. */
import type { AccountsRefusal } from '../accounts.ts';
import type { RoomPlan } from './future-room.ts';
import type { TegEntry } from './teg-lines.ts';

/** Room that is kept for a champion, or that one to be saves for. Changed by `Reservations` alone. */
export interface Reservation {
  readonly entry: TegEntry;
  plan: RoomPlan | undefined;
  plannedAtSeconds: number;
  /** The start that it was promised when it became champion; NaN: none was, or it is not champion yet. */
  promisedSeconds: number;
  /** True: nobody can take what its promise rests on; else its start is an estimate (`accounts-terms.ts`). */
  isFirm: boolean;
  /** True: no end is known, and nodes are drained for it. */
  isDrain: boolean;
  /** A drain ends when savings fall below, seconds. */
  leastSaved: number;
  /** Part of the cluster that one of its pods takes. */
  ofCluster: number;
}

/** @returns That of a job which has no plan yet. */
export function newReservation(entry: TegEntry): Reservation {
  return {
    entry,
    plan: undefined,
    plannedAtSeconds: Number.NEGATIVE_INFINITY,
    promisedSeconds: Number.NaN,
    isFirm: false,
    isDrain: false,
    leastSaved: 0,
    ofCluster: 0,
  };
}

/** @returns True if two plans have the same start and the same nodes, or there is none. O(nodes). */
export function isSamePlan(a: RoomPlan | undefined, b: RoomPlan | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.startSeconds !== b.startSeconds || a.nodes.length !== b.nodes.length) return false;
  return a.nodes.every((node, i) => node === b.nodes[i]);
}

/** @returns Start of a plan; Infinity: there is none, and nothing is reserved. */
export function startOf({ plan }: Reservation): number {
  return plan?.startSeconds ?? Number.POSITIVE_INFINITY;
}

/** @returns What a champion waits for; undefined: it is none, or has no plan. */
export function reasonOfChampion(champion: Reservation | undefined): AccountsRefusal | undefined {
  if (champion?.plan === undefined) return undefined;
  const { startSeconds, nodes } = champion.plan;
  if (startSeconds === Number.POSITIVE_INFINITY) return { code: 'draining', data: { nodes: nodes.length } };
  return champion.isFirm
    ? { code: 'reserved', data: { startsBySeconds: startSeconds, nodes: nodes.length } }
    : { code: 'reserved-on-loan', data: { expectedAtSeconds: startSeconds, nodes: nodes.length } };
}

/** @returns Why a job waits that would be in a champion's way. */
export function reasonBehind(champion: Reservation): AccountsRefusal {
  const forJob = champion.entry.job;
  const startSeconds = startOf(champion);
  if (startSeconds === Number.POSITIVE_INFINITY) return { code: 'room-drained', data: { forJob } };
  const when = champion.isFirm ? { startsBySeconds: startSeconds } : { expectedAtSeconds: startSeconds };
  return { code: 'room-reserved', data: { forJob, ...when } };
}
