/**
 * Disciplines that follow one order of jobs: the first in line starts, and the next only if the rule allows it.
 *
 * best-effort goes through the whole line in each pass. Within a pass nodes only fill up, so a shape that did not fit
 * is not tried again: a pass costs as many attempts as shapes wait, besides the starts, and O(waiting jobs).
 */
import type { AccountsRefusal } from '../../governor/accounts.ts';
import {
  BEHIND,
  type QueueDiscipline,
  type QueuedJob,
  type SchedulingPass,
  StartResult,
} from '../../governor/zone/queue-discipline.ts';
import { assert } from '../../kernel/assert.ts';

/** One waiting or running job as its discipline keeps it. */
interface Entry {
  readonly job: number;
  readonly rank: number;
  readonly priority: number;
  /** Jobs of equal shape fit together or not at all. */
  readonly shape: string;
  /** Milli-GPU, milli-CPU of all pods: its size. */
  readonly gpuMilli: number;
  readonly cpuMilli: number;
  refusal: AccountsRefusal | undefined;
}

/** How a line is ordered and how far a pass goes. */
export interface LineRule {
  readonly name: string;
  /** < 0 if the first goes before the second; never 0 for two jobs. */
  readonly compare: (a: OrderedJob, b: OrderedJob) => number;
  /** True if the first job that does not fit blocks all behind it. */
  readonly isStrict: boolean;
}

/** What an order may look at. */
export interface OrderedJob {
  readonly rank: number;
  readonly priority: number;
  readonly gpuMilli: number;
  readonly cpuMilli: number;
}

/** Priority, then arrival. */
export function byArrival(a: OrderedJob, b: OrderedJob): number {
  return b.priority - a.priority || a.rank - b.rank;
}

/** Smaller jobs first: GPUs, then CPUs, then arrival. */
export function bySize(a: OrderedJob, b: OrderedJob): number {
  return a.gpuMilli - b.gpuMilli || a.cpuMilli - b.cpuMilli || a.rank - b.rank;
}

/** A line of jobs under one rule. */
export class OrderedQueue implements QueueDiscipline {
  readonly name: string;
  readonly dueSeconds: number = Number.POSITIVE_INFINITY;
  private readonly rule: LineRule;
  /** Waiting jobs; sorted up to `sorted`. */
  private line: Entry[] = [];
  private isSorted = true;
  private readonly entries = new Map<number, Entry>();

  constructor(rule: LineRule) {
    this.rule = rule;
    this.name = rule.name;
  }

  submitted(job: QueuedJob): void {
    const entry = toEntry(job);
    this.entries.set(job.job, entry);
    this.enqueue(entry);
  }

  adopted(job: QueuedJob): void {
    this.entries.set(job.job, toEntry(job));
  }

  withdrawn(job: number): void {
    const entry = this.entryOf(job);
    this.entries.delete(job);
    this.line.splice(this.line.indexOf(entry), 1);
  }

  ended(): void {}

  returned(job: number): void {
    this.enqueue(this.entryOf(job));
  }

  nodesChanged(): void {}

  tenantWoken(): void {}

  decide(pass: SchedulingPass): void {
    if (!this.isSorted) this.line.sort(this.rule.compare);
    this.isSorted = true;
    const failed = new Set<string>();
    const left: Entry[] = [];
    let blocked = false;
    for (const entry of this.line) {
      if (blocked || failed.has(entry.shape)) {
        left.push(entry);
        continue;
      }
      const result = pass.start(entry.job);
      if (result === StartResult.Started) continue;
      entry.refusal = result === StartResult.NotAdmitted ? pass.refusal : undefined;
      left.push(entry);
      if (result === StartResult.NoRoom) failed.add(entry.shape);
      if (result === StartResult.StepFull || (this.rule.isStrict && result === StartResult.NoRoom))
        blocked = true;
    }
    this.line = left;
  }

  reasonOf(job: number): AccountsRefusal | undefined {
    const entry = this.entries.get(job);
    if (entry === undefined || entry.refusal !== undefined || !this.rule.isStrict) return entry?.refusal;
    return entry === this.line.find(({ refusal }) => refusal === undefined) ? undefined : BEHIND;
  }

  private enqueue(entry: Entry): void {
    const last = this.line.at(-1);
    if (last !== undefined && this.rule.compare(last, entry) > 0) this.isSorted = false;
    this.line.push(entry);
  }

  private entryOf(job: number): Entry {
    const entry = this.entries.get(job);
    assert(entry !== undefined, 'a job that was not submitted to this discipline');
    return entry;
  }
}

function toEntry({ job, rank, priority, demand, podCount, gangMin }: QueuedJob): Entry {
  return {
    job,
    rank,
    priority,
    shape: `${demand.id}:${podCount}:${gangMin}`,
    gpuMilli: podCount * demand.gpuCount * demand.gpuMilli,
    cpuMilli: podCount * demand.cpuMilli,
    refusal: undefined,
  };
}
