/**
 * The journal on disk. A record is in the file before the change that it is about, and so survives the guard's death; it is synced
 * to the device right after, outside of the tick. A machine that stops loses the records, and with them the changes.
 */
import {
  closeSync,
  fdatasync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import {
  type JournalRecord,
  journalLine,
  pendingUndos,
  type Undo,
} from '../../guard/node/journal-records.ts';

/** Bytes after which a journal is written again with what is pending alone. */
const COMPACT_BYTES = 256 * 1024;

/** @returns Identifies this boot of the machine. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** @returns What a journal leaves to be restored; nothing if there is none. */
export function readJournal(path: string): Undo[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return pendingUndos(text, bootId());
}

/** A journal being written. Single writer. */
export class JournalFile {
  readonly path: string;
  private readonly boot = bootId();
  private fd: number;
  private size = 0;
  private isSyncing = false;
  private isDirty = false;

  /** Begins with what is pending. @throws The file system's error. */
  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.fd = this.writeWhole(readJournal(path));
  }

  /** Appends a record; it survives this process from here on. A few microseconds. */
  append(record: JournalRecord): void {
    this.size += writeSync(this.fd, journalLine(record));
    this.isDirty = true;
  }

  /** To be called outside of the tick: syncs, and compacts a journal that has become long. */
  settle(): void {
    if (this.size > COMPACT_BYTES) this.compact();
    if (this.isSyncing || !this.isDirty) return;
    this.isSyncing = true;
    this.isDirty = false;
    fdatasync(this.fd, () => {
      this.isSyncing = false;
    });
  }

  /** Records synced, file closed. */
  close(): void {
    fsyncSync(this.fd);
    closeSync(this.fd);
  }

  private compact(): void {
    // A sync in flight holds the descriptor.
    if (this.isSyncing) return;
    const old = this.fd;
    this.fd = this.writeWhole(readJournal(this.path));
    closeSync(old);
  }

  /** A file beside it, synced and renamed: there is a whole journal at all times. */
  private writeWhole(undos: readonly Undo[]): number {
    const beside = `${this.path}.new`;
    const fd = openSync(beside, 'w', 0o600);
    const lines = [{ op: 'open', boot: this.boot, pid: process.pid } as const, ...undos.flatMap(recordsOf)];
    this.size = writeSync(fd, lines.map(journalLine).join(''));
    fsyncSync(fd);
    renameSync(beside, this.path);
    return fd;
  }
}

function recordsOf({ group, identity, thaw, limits }: Undo): JournalRecord[] {
  const records: JournalRecord[] = [];
  if (thaw) records.push({ op: 'freeze', group, identity });
  if (limits !== undefined) {
    records.push({
      op: 'limits',
      group,
      identity,
      high: recordedLimit(limits.high),
      max: recordedLimit(limits.max),
    });
  }
  return records;
}

/** @returns A limit as records have it: null where there was none. */
export function recordedLimit(bytes: number | undefined): number | null | undefined {
  return bytes === Number.POSITIVE_INFINITY ? null : bytes;
}
