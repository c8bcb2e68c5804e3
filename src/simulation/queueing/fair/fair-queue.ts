/**
 * A queue that shares by tenants: a rule says whose turn it is at each level of the tree, and that tenant's first job that fits
 * starts.
 *
 *     cluster ── smallest key among the children that have a candidate ── … ── leaf ── its first job by priority and arrival
 *
 * Whatever fits starts: a job without room is passed over, as are all of its shape until the pass ends. Nobody is evicted.
 */
import type { AccountsRefusal } from '../../../governor/accounts.ts';
import {
  type QueueDiscipline,
  type QueuedJob,
  type SchedulingPass,
  StartResult,
} from '../../../governor/zone/queue-discipline.ts';
import { Reason, type ReasonCode } from '../../../governor/zone/zone-events.ts';
import { assert } from '../../../kernel/assert.ts';
import { amountsOfPods, type UpCapacity } from '../room-amounts.ts';
import type { RoomAmounts } from '../room-profile.ts';
import { ShareChange, type ShareChangeKind, type ShareRule } from './share-rule.ts';
import { SHARE_ROOT, type ShareTree } from './share-tree.ts';

/** One waiting or running job. */
interface FairEntry {
  readonly job: number;
  readonly rank: number;
  readonly priority: number;
  readonly leaf: number;
  readonly amounts: RoomAmounts;
  /** Jobs of equal shape fit together or not at all. */
  readonly shape: string;
  /** Jobs of equal shape and leaf are refused alike, but for budgets, which run times matter to. */
  readonly refusalKey: string;
  refusal: AccountsRefusal | undefined;
}

/** The waiting jobs of one leaf. Within a pass they are read from the front; those that stay move up. */
class LeafLine {
  entries: FairEntry[] = [];
  private isSorted = true;
  private read = 0;
  private kept = 0;

  push(entry: FairEntry): void {
    const last = this.entries.at(-1);
    if (last !== undefined && goesBefore(entry, last)) this.isSorted = false;
    this.entries.push(entry);
  }

  open(): void {
    if (!this.isSorted) this.entries.sort((a, b) => (goesBefore(a, b) ? -1 : 1));
    this.isSorted = true;
    this.read = 0;
    this.kept = 0;
  }

  /** @returns The first candidate; undefined: none is left. */
  head(isPassedOver: (entry: FairEntry) => boolean): FairEntry | undefined {
    for (; this.read < this.entries.length; this.skip()) {
      const entry = this.entries[this.read] as FairEntry;
      if (!isPassedOver(entry)) return entry;
    }
    return undefined;
  }

  /** The first candidate leaves the line. */
  take(): void {
    this.read++;
  }

  /** The first candidate stays, and is none any longer. */
  skip(): void {
    this.entries[this.kept++] = this.entries[this.read++] as FairEntry;
  }

  close(): void {
    if (this.read === this.kept) return;
    while (this.read < this.entries.length) this.skip();
    this.entries.length = this.kept;
  }
}

/** A pass costs O(tenants) for each start and each shape, and O(waiting jobs). */
export class FairQueue implements QueueDiscipline {
  readonly name: string;
  private readonly tree: ShareTree;
  private readonly rule: ShareRule;
  private readonly capacity: UpCapacity;
  private readonly lines = new Map<number, LeafLine>();
  private readonly entries = new Map<number, FairEntry>();
  private waitingJobs = 0;
  /** Shapes without room in this pass. */
  private readonly failed = new Set<string>();
  /** Refusals of this pass, in which use only grows. */
  private readonly refused = new Map<string, AccountsRefusal | undefined>();
  private readonly isPassedOver = (entry: FairEntry): boolean => {
    const { refused, failed, rule } = this;
    if (failed.has(entry.shape) || rule.mayStart?.(entry.leaf, entry.amounts) === false) return true;
    if (refused.size === 0 || !refused.has(entry.refusalKey)) return false;
    entry.refusal = refused.get(entry.refusalKey);
    return true;
  };

  /** @param tree Of this queue alone, as the rule and the capacity. */
  constructor(name: string, tree: ShareTree, rule: ShareRule, capacity: UpCapacity) {
    this.name = name;
    this.tree = tree;
    this.rule = rule;
    this.capacity = capacity;
  }

  get dueSeconds(): number {
    return this.waitingJobs === 0 ? Number.POSITIVE_INFINITY : this.rule.dueSeconds;
  }

  submitted(job: QueuedJob, timeSeconds: number): void {
    this.enqueue(this.enter(job), timeSeconds);
  }

  adopted(job: QueuedJob, timeSeconds: number): void {
    this.change(this.enter(job), ShareChange.Adopted, timeSeconds);
  }

  withdrawn(job: number, timeSeconds: number): void {
    const entry = this.entryOf(job);
    const { entries } = this.lines.get(entry.leaf) as LeafLine;
    entries.splice(entries.indexOf(entry), 1);
    this.change(entry, ShareChange.Withdrawn, timeSeconds);
    this.entries.delete(job);
  }

  ended(job: number, reason: ReasonCode, timeSeconds: number): void {
    this.change(this.entryOf(job), ShareChange.Ends, timeSeconds);
    if (reason === Reason.Finished || reason === Reason.Cancelled) this.entries.delete(job);
  }

  returned(job: number, _reason: ReasonCode, timeSeconds: number): void {
    this.enqueue(this.entryOf(job), timeSeconds);
  }

  nodesChanged(): void {
    this.capacity.changed();
  }

  tenantWoken(): void {}

  decide(pass: SchedulingPass): void {
    const { rule, lines, failed } = this;
    rule.begin(pass.timeSeconds, this.waitingJobs > 0);
    failed.clear();
    this.refused.clear();
    for (const line of lines.values()) line.open();
    for (;;) {
      const entry = this.firstBelow(SHARE_ROOT);
      if (entry === undefined) break;
      const line = lines.get(entry.leaf) as LeafLine;
      const result = pass.start(entry.job);
      if (result === StartResult.Started) {
        entry.refusal = undefined;
        line.take();
        this.change(entry, ShareChange.Starts, pass.timeSeconds);
        continue;
      }
      entry.refusal = result === StartResult.NotAdmitted ? pass.refusal : undefined;
      if (result === StartResult.StepFull) break;
      line.skip();
      if (result === StartResult.NoRoom) failed.add(entry.shape);
      else if (entry.refusal?.code !== 'budget-empty') this.refused.set(entry.refusalKey, entry.refusal);
    }
    for (const line of lines.values()) line.close();
  }

  reasonOf(job: number): AccountsRefusal | undefined {
    return this.entries.get(job)?.refusal;
  }

  /** @returns The job whose turn it is among those of a node. O(nodes below it). */
  private firstBelow(node: number): FairEntry | undefined {
    const children = this.tree.children[node] as readonly number[];
    if (children.length === 0) return this.lines.get(node)?.head(this.isPassedOver);
    let best: FairEntry | undefined;
    let bestKey = Number.POSITIVE_INFINITY;
    for (const child of children) {
      const entry = this.firstBelow(child);
      if (entry === undefined) continue;
      const key = this.rule.keyOf(child, entry.amounts);
      if (best !== undefined && (key > bestKey || (key === bestKey && !goesBefore(entry, best)))) continue;
      best = entry;
      bestKey = key;
    }
    return best;
  }

  private enter(queued: QueuedJob): FairEntry {
    const { job, rank, priority, tenant, demand, podCount, gangMin } = queued;
    const leaf = this.tree.leafOf(tenant);
    const shape = `${demand.id}:${podCount}:${gangMin}`;
    const entry: FairEntry = {
      ...{ job, rank, priority, leaf, shape, refusal: undefined },
      amounts: amountsOfPods(queued, podCount),
      refusalKey: `${leaf}/${shape}`,
    };
    this.entries.set(job, entry);
    return entry;
  }

  private enqueue(entry: FairEntry, timeSeconds: number): void {
    let line = this.lines.get(entry.leaf);
    if (line === undefined) {
      line = new LeafLine();
      this.lines.set(entry.leaf, line);
    }
    line.push(entry);
    this.change(entry, ShareChange.Arrives, timeSeconds);
  }

  /** Counts a change of one job. */
  private change({ leaf, amounts }: FairEntry, kind: ShareChangeKind, timeSeconds: number): void {
    const { tree } = this;
    this.rule.changing(leaf, timeSeconds, amounts, kind);
    if (kind === ShareChange.Arrives) this.waitingJobs++;
    if (kind === ShareChange.Starts || kind === ShareChange.Withdrawn) this.waitingJobs--;
    if (kind === ShareChange.Arrives) tree.count(leaf, 'waiting', amounts, 1);
    if (kind === ShareChange.Starts || kind === ShareChange.Withdrawn)
      tree.count(leaf, 'waiting', amounts, -1);
    if (kind === ShareChange.Starts || kind === ShareChange.Adopted) tree.count(leaf, 'used', amounts, 1);
    if (kind === ShareChange.Ends) tree.count(leaf, 'used', amounts, -1);
  }

  private entryOf(job: number): FairEntry {
    const entry = this.entries.get(job);
    assert(entry !== undefined, 'a job that was not submitted to this discipline');
    return entry;
  }
}

/** Priority, then arrival. */
function goesBefore(a: FairEntry, b: FairEntry): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.rank < b.rank);
}
