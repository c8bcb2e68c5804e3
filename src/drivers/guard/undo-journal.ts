/** Restores what a journal says a guard has changed: freezes of its own end, limits get their former values. */
import type { CgroupBackend, CgroupHandle } from '../../guard/node/cgroup-backend.ts';
import type { Undo } from '../../guard/node/journal-records.ts';
import { TegError } from '../../model/errors.ts';
import { JournalFile, readJournal } from './journal-file.ts';

/** What was done about one group. */
export interface UndoResult {
  readonly group: string;
  readonly thawed: boolean;
  readonly limitsRestored: boolean;
  /** Why nothing was done; undefined: something was. */
  readonly fault: string | undefined;
}

/**
 * Restores everything that is pending in a journal, and records it there. Groups that are gone, or are other groups of the same
 * path, are passed over. Idempotent; freezes without a record are left as they are.
 */
export function undoJournal(path: string, backend: CgroupBackend): UndoResult[] {
  const undos = readJournal(path);
  if (undos.length === 0) return [];
  const journal = new JournalFile(path);
  try {
    return undos.map((undo) => {
      const result = undoOne(undo, backend);
      const { group, identity } = undo;
      if (undo.thaw && (result.thawed || result.fault !== undefined))
        journal.append({ op: 'thaw', group, identity });
      if (undo.limits !== undefined && (result.limitsRestored || result.fault !== undefined))
        journal.append({ op: 'restored', group, identity });
      return result;
    });
  } finally {
    journal.close();
  }
}

function undoOne(undo: Undo, backend: CgroupBackend): UndoResult {
  const base = { group: undo.group, thawed: false, limitsRestored: false };
  let handle: CgroupHandle;
  try {
    handle = backend.open(undo.group);
  } catch (error) {
    if (error instanceof TegError) return { ...base, fault: 'it is gone' };
    throw error;
  }
  try {
    if (handle.identity !== undo.identity) return { ...base, fault: 'another group has its path' };
    // Limits first: what runs into the former limit is better held than killed.
    const limitsRestored = undo.limits !== undefined && setBack(handle, undo.limits);
    const thawed = undo.thaw && handle.thaw();
    return { group: undo.group, thawed, limitsRestored, fault: undefined };
  } finally {
    handle.close();
  }
}

function setBack(handle: CgroupHandle, { high, max }: NonNullable<Undo['limits']>): boolean {
  const isHighBack = high === undefined || handle.setHigh(high);
  return (max === undefined || handle.setMax(max)) && isHighBack;
}
