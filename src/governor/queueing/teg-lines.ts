/**
 * The waiting jobs of the TEG queue: lines of jobs that are equal in demand, size, tenant and priority, each by rank.
 *
 * Why lines: of equal jobs the first that does not fit answers for those behind it, so that a pass costs as many
 * attempts as there are lines, not jobs.
 */
import { assert } from '../../kernel/assert.ts';
import { KeyTable } from '../../kernel/key-table.ts';
import type { Demand } from '../../model/demand.ts';
import type { EvictionTerms } from '../../model/eviction-terms.ts';
import type { AccountsRefusal } from '../accounts.ts';
import type { QueuedJob } from '../zone/queue-discipline.ts';
import type { RoomClaim } from './room-maker.ts';

/** A job as the queue keeps it, from its submission until it has left. */
export interface TegEntry {
  readonly job: number;
  readonly rank: number;
  /** When it arrived: a job that was evicted or lost its node keeps it. */
  readonly sinceSeconds: number;
  /** How it takes evictions. */
  readonly terms: EvictionTerms;
  /** Of jobs that are equal to it. */
  line: TegLine;
  /** True while it waits. */
  waits: boolean;
  /** Why it did not start in the last pass; undefined: for want of room. */
  reason: AccountsRefusal | undefined;
  /** True if that is the accounts' refusal: no room is reserved for it. */
  isHeld: boolean;
}

/** Lines without a waiting job that are kept, besides as many as have one. */
const EMPTY_LINES_MAX = 4096;

/** Lines no longer than this keep the entries of jobs that have left until these come to the front. */
const GONE_MIN = 64;

/** Waiting jobs that are interchangeable but for their rank and run time. */
export interface TegLine {
  /** As of `QueuedJob`. */
  readonly shape: number;
  readonly demand: Demand;
  readonly podCount: number;
  readonly gangMin: number;
  readonly tenant: number;
  readonly priority: number;
  /** By ascending rank; those that no longer wait are taken out when they come to the front, or are more than the others. */
  readonly entries: TegEntry[];
  /** Position of the first entry that may wait. */
  head: number;
  waiting: number;
  /** Position among the lines with waiting jobs; −1: it has none. */
  activeAt: number;
}

/** All lines. */
export class TegLines {
  /** Lines by slot, found by shape, tenant and priority; some have no waiting jobs. */
  private readonly slots = new KeyTable();
  private lines: TegLine[] = [];
  private readonly active: TegLine[] = [];
  /** [job] */
  private readonly entries: (TegEntry | undefined)[] = [];
  /** Jobs that wait. */
  jobCount = 0;

  /** @returns The entry of a job that was submitted and has not left. */
  entryOf(job: number): TegEntry {
    const entry = this.entries[job];
    assert(entry !== undefined, 'a job that was not submitted to this queue');
    return entry;
  }

  /** @returns The entry of a job, if there is one. */
  find(job: number): TegEntry | undefined {
    return this.entries[job];
  }

  /** Makes the entry of a job that does not wait yet. O(1). */
  add(queued: QueuedJob, timeSeconds: number): TegEntry {
    const line = this.lineOf(queued);
    const { entries } = this;
    const entry: TegEntry = {
      job: queued.job,
      rank: queued.rank,
      sinceSeconds: timeSeconds,
      terms: queued.terms,
      line,
      waits: false,
      reason: undefined,
      isHeld: false,
    };
    while (entries.length <= queued.job) entries.push(undefined);
    entries[queued.job] = entry;
    return entry;
  }

  /** The job waits from now on. O(1) in order of rank; else O(jobs of its line). */
  enqueue(entry: TegEntry): void {
    assert(!entry.waits, 'a job waits twice');
    const line = this.lineOf(entry.line);
    entry.line = line;
    const { entries } = line;
    let at = entries.length;
    while (at > line.head && (entries[at - 1] as TegEntry).rank > entry.rank) at--;
    // Entries that left stay until they come to the front: a job that returns may find its own.
    if (at === line.head || entries[at - 1] !== entry) entries.splice(at, 0, entry);
    entry.waits = true;
    this.jobCount++;
    if (line.waiting++ > 0) return;
    line.activeAt = this.active.length;
    this.active.push(line);
  }

  /** The job does not wait any more. O(1) amortised. */
  dequeue(entry: TegEntry): void {
    assert(entry.waits, 'a job that does not wait is taken out');
    entry.waits = false;
    entry.reason = undefined;
    entry.isHeld = false;
    const { line } = entry;
    line.waiting--;
    this.jobCount--;
    if (line.waiting === 0) {
      line.entries.length = 0;
      line.head = 0;
      this.deactivate(line);
      return;
    }
    while (!(line.entries[line.head] as TegEntry).waits) line.head++;
    if (line.entries.length > GONE_MIN && line.entries.length > 2 * line.waiting) dropGone(line);
  }

  /** The job has left. O(1). */
  forget(entry: TegEntry): void {
    assert(!entry.waits, 'a waiting job is forgotten');
    this.entries[entry.job] = undefined;
  }

  /** Visits the lines with waiting jobs, in no particular order. The visitor must not add or remove jobs. */
  forEach(visit: (line: TegLine) => void): void {
    for (const line of this.active) visit(line);
  }

  /** @returns The first waiting job of each line: the others of it are equal. */
  firsts(): TegEntry[] {
    return this.active.map(firstOf);
  }

  private deactivate(line: TegLine): void {
    const last = this.active.pop() as TegLine;
    if (last !== line) {
      this.active[line.activeAt] = last;
      last.activeAt = line.activeAt;
    }
    line.activeAt = -1;
  }

  /** The line of jobs that are equal to these, perhaps a new one. */
  private lineOf({ shape, demand, podCount, gangMin, tenant, priority }: LineKey): TegLine {
    const slot = this.slots.get(shape, tenant, priority);
    if (slot >= 0) return this.lines[slot] as TegLine;
    if (this.lines.length >= EMPTY_LINES_MAX + 2 * this.active.length) this.dropEmpty();
    this.slots.add(shape, tenant, priority, this.lines.length);
    const line: TegLine = {
      ...{ shape, demand, podCount, gangMin, tenant, priority },
      ...{ entries: [], head: 0, waiting: 0, activeAt: -1 },
    };
    this.lines.push(line);
    return line;
  }

  /** Forgets the lines without waiting jobs: entries that come back to one find another. O(lines), after as many were added. */
  private dropEmpty(): void {
    this.lines = [...this.active];
    this.slots.clear();
    this.lines.forEach(({ shape, tenant, priority }, slot) => {
      this.slots.add(shape, tenant, priority, slot);
    });
  }
}

type LineKey = Pick<QueuedJob, 'shape' | 'demand' | 'podCount' | 'gangMin' | 'tenant' | 'priority'>;

/** Takes out the entries that do not wait. O(entries), after at least half as many have left. */
function dropGone(line: TegLine): void {
  const { entries } = line;
  let kept = 0;
  for (let at = line.head; at < entries.length; at++) {
    const entry = entries[at] as TegEntry;
    if (entry.waits) entries[kept++] = entry;
  }
  entries.length = kept;
  line.head = 0;
}

/** @returns The first waiting job of a line with any. */
export function firstOf(line: TegLine): TegEntry {
  return line.entries[line.head] as TegEntry;
}

/** @returns The first waiting job of a line that is not taken. */
export function nextWaiting(line: TegLine, taken: ReadonlySet<TegEntry>): TegEntry | undefined {
  for (let at = line.head; at < line.entries.length; at++) {
    const entry = line.entries[at] as TegEntry;
    if (entry.waits && !taken.has(entry)) return entry;
  }
  return undefined;
}

/**
 * The jobs that would start next if there were room, one of each domain, in the order of turns: of the tenant whose turn it is, the
 * longest waiting of its most important. Those that are taken, or that the accounts hold back, are passed over.
 *
 * @param domainOf A small number ≥ 0.
 * @cost O(lines).
 */
export function firstsByDomain(
  lines: TegLines,
  taken: ReadonlySet<TegEntry>,
  domainOf: (line: TegLine) => number,
  shareOf: (tenant: number) => number,
): TegEntry[] {
  const best: (TegEntry | undefined)[] = [];
  lines.forEach((line) => {
    const entry = nextWaiting(line, taken);
    if (entry === undefined || entry.isHeld) return;
    const domain = domainOf(line);
    const other = best[domain];
    if (other === undefined || compareTegTurn(entry, other, shareOf) < 0) best[domain] = entry;
  });
  const firsts = best.filter((entry) => entry !== undefined);
  return firsts.length > 1 ? firsts.sort((a, b) => compareTegTurn(a, b, shareOf)) : firsts;
}

/** The tenant that had less for its share goes first, then priority, then arrival. < 0: the first one. */
export function compareTegTurn(a: TegEntry, b: TegEntry, shareOf: (tenant: number) => number): number {
  const [shareA, shareB] = [shareOf(a.line.tenant), shareOf(b.line.tenant)];
  // Not a difference: both are infinite for tenants that have idle capacity only.
  if (shareA !== shareB) return shareA < shareB ? -1 : 1;
  return b.line.priority - a.line.priority || a.rank - b.rank;
}

/** @returns A job as evictions know it. */
export function roomClaimOf({ job, terms, line }: TegEntry): RoomClaim {
  const { demand, podCount, gangMin, tenant, priority } = line;
  return { job, terms, demand, podCount, gangMin, tenant, priority };
}
