/**
 * The guard's journal: what it changed and the values from before, so that another process can restore them.
 *
 * A record is written before the change it is about. Undoing is idempotent: a record of a change that did not happen restores
 * what is already there. Freezes that others made have no record, and so are never ended.
 */

/** One line of a journal. */
export type JournalRecord =
  /** First line: the boot that the changes belong to; after another boot they are gone. */
  | { readonly op: 'open'; readonly boot: string; readonly pid: number }
  | { readonly op: 'freeze' | 'thaw'; readonly group: string; readonly identity: string }
  /** Limits from before the guard's first change; null: there was none; undefined: not changed. Bytes. */
  | {
      readonly op: 'limits';
      readonly group: string;
      readonly identity: string;
      readonly high?: number | null | undefined;
      readonly max?: number | null | undefined;
    }
  /** The limits are what they were. */
  | { readonly op: 'restored'; readonly group: string; readonly identity: string };

/** What is to be restored of one group. */
export interface Undo {
  readonly group: string;
  readonly identity: string;
  readonly thaw: boolean;
  /** Former limits; undefined: unchanged. */
  readonly limits: { readonly high: number | undefined; readonly max: number | undefined } | undefined;
}

/** Longest line that is read. */
const LINE_CHARS_MAX = 8192;

/** @returns The record as a line. */
export function journalLine(record: JournalRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/**
 * @param text The journal. A last line without its end, and lines that are none, are passed over: a write was cut short.
 * @param boot Of this boot; changes of another one are gone.
 * @returns    What is to be restored, by group, in the order of the first record.
 */
export function pendingUndos(text: string, boot: string): Undo[] {
  const pending = new Map<string, { -readonly [K in keyof Undo]: Undo[K] }>();
  let isThisBoot = false;
  for (const record of recordsOf(text)) {
    if (record.op === 'open') {
      isThisBoot = record.boot === boot;
      if (!isThisBoot) pending.clear();
      continue;
    }
    if (!isThisBoot) continue;
    const { group, identity } = record;
    const key = `${identity} ${group}`;
    const undo = pending.get(key) ?? { group, identity, thaw: false, limits: undefined };
    if (record.op === 'freeze') undo.thaw = true;
    if (record.op === 'thaw') undo.thaw = false;
    if (record.op === 'restored') undo.limits = undefined;
    if (record.op === 'limits')
      undo.limits = {
        high: undo.limits?.high ?? orInfinity(record.high),
        max: undo.limits?.max ?? orInfinity(record.max),
      };
    pending.set(key, undo);
  }
  return [...pending.values()].filter((undo) => undo.thaw || undo.limits !== undefined);
}

/** @returns The process that writes a journal; undefined if it has no first line. */
export function journalWriter(text: string): number | undefined {
  for (const record of recordsOf(text)) if (record.op === 'open') return record.pid;
  return undefined;
}

function orInfinity(value: number | null | undefined): number | undefined {
  return value === null ? Number.POSITIVE_INFINITY : value;
}

function* recordsOf(text: string): Generator<JournalRecord> {
  const lines = text.split('\n');
  lines.pop();
  for (const line of lines) {
    if (line.length > LINE_CHARS_MAX) continue;
    try {
      const record: unknown = JSON.parse(line);
      if (isRecord(record)) yield record;
    } catch {}
  }
}

function isRecord(value: unknown): value is JournalRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { op, boot, group, identity, high, max } = value as Record<string, unknown>;
  if (op === 'open') return typeof boot === 'string';
  if (typeof group !== 'string' || typeof identity !== 'string') return false;
  const isLimit = (limit: unknown): boolean =>
    limit === undefined || limit === null || (typeof limit === 'number' && limit >= 0);
  return (
    op === 'freeze' ||
    op === 'thaw' ||
    op === 'restored' ||
    (op === 'limits' && isLimit(high) && isLimit(max))
  );
}
