/**
 * Why a job of the TEG queue waits, as of now.
 *
 * A reason is noted when a job is tried, and only the first of a line of equal jobs is tried in each pass. So what was noted may name a
 * champion that has started since, or a start that has moved: champions are looked up here, and a job that was not tried takes
 * the reason of the one of its line that was.
 */
import type { AccountsRefusal } from '../accounts.ts';
import type { HeadroomClaims } from './headroom.ts';
import type { Reservations } from './reservations.ts';
import { nextWaiting, type TegEntry } from './teg-lines.ts';

/** Reasons that name the job in whose way it would be. */
const NAMES_ANOTHER: ReadonlySet<string> = new Set(['room-reserved', 'room-drained', 'headroom-reserved']);

/** @param entry Waits. @returns Undefined: it finds no room. O(champions + jobs of its line before the one that is tried). */
export function reasonOfEntry(
  entry: TegEntry,
  reservations: Reservations,
  headroom: HeadroomClaims | undefined,
): AccountsRefusal | undefined {
  const reserved = reservations.reasonOf(entry) ?? headroom?.reasonOf(entry);
  if (reserved !== undefined) return reserved;
  const tried = nextWaiting(entry.line, new Set(reservations.entries)) ?? entry;
  const current = ({ reason }: TegEntry): AccountsRefusal | undefined => {
    if (reason === undefined || !NAMES_ANOTHER.has(reason.code)) return reason;
    const forJob = Number(reason.data.forJob);
    return reason.code === 'headroom-reserved' ? headroom?.behindJob(forJob) : reservations.behindJob(forJob);
  };
  // Where another is in its way, jobs of a line are tried one by one: they end at different times.
  const isOwn = [entry, tried].every(({ reason }) => reason !== undefined && NAMES_ANOTHER.has(reason.code));
  return (isOwn ? current(entry) : undefined) ?? current(tried);
}
