/**
 * Waiting jobs that the accounts do not admit, by tenant and shape: in no line, and never tried, until their tenant is woken.
 *
 * Why apart from the lines: jobs of a line are interchangeable because they fit together or not at all; admission differs from
 * tenant to tenant, and must not block the jobs behind.
 *
 * Jobs of one tenant and shape are equal to the accounts as well: one of them, the first, goes to the line when the tenant is
 * woken, and the next when that one has started. So waking a tenant costs as much as it has shapes, however many jobs wait.
 *
 * Invariants: a job in here waits and is in no line; a group has at least one job; its runner, if it has one, waits in the line.
 */
import { assert } from '../../kernel/assert.ts';
import type { AccountsRefusal } from '../accounts.ts';
import { JobState, Reason } from './zone-events.ts';
import { jobGoesBefore } from './zone-heap.ts';
import type { ZoneJobTable } from './zone-jobs.ts';
import { ShapeLines } from './zone-lines.ts';

/** More than any number of a shape: a tenant and a shape make one key. */
const SHAPES_MAX = 2 ** 32;

/** The jobs of one tenant and shape. */
interface Group {
  readonly key: number;
  readonly tenant: number;
  /** Its line in `lines`. */
  readonly line: number;
  count: number;
  refusal: AccountsRefusal;
  /** The job that went to the line for all of them; −1: none, they wait to be woken. */
  runner: number;
}

/** Groups of jobs. Written by their zone only. */
export class HeldBackJobs {
  private readonly jobs: ZoneJobTable;
  /** The jobs held back. */
  private readonly members = new Set<number>();
  private readonly lines: ShapeLines;
  private lineCount = 0;
  private readonly freeLines: number[] = [];
  private readonly groups = new Map<number, Group>();
  private readonly byTenant = new Map<number, Set<Group>>();
  /** Tenants with jobs that were admitted on some nodes only, which were full. */
  private readonly narrowedTenants = new Set<number>();

  constructor(jobs: ZoneJobTable) {
    this.jobs = jobs;
    this.lines = new ShapeLines(jobs);
  }

  /** Jobs held back. */
  get jobCount(): number {
    return this.members.size;
  }

  /** @returns Why a job is held back; undefined: it is not. O(1). */
  refusalOf(job: number): AccountsRefusal | undefined {
    if (!this.members.has(job)) return undefined;
    const group = this.groupOf(job);
    if (group === undefined || group.runner < 0) return group?.refusal;
    return { code: 'behind-equal-job', data: { job: group.runner } };
  }

  /**
   * @returns Why a job that is to wait need not be tried: equal jobs before it are held back. Undefined: it is to be tried. O(1).
   */
  refusalOfEqual(job: number): AccountsRefusal | undefined {
    const group = this.groupOf(job);
    if (group === undefined || jobGoesBefore(this.jobs, job, this.lines.first(group.line))) return undefined;
    return group.refusal;
  }

  /**
   * Adds a waiting job that is in no line. O(log of the jobs of its group).
   *
   * @param isNarrowed It was admitted on some nodes only, which were full.
   */
  push(job: number, refusal: AccountsRefusal, isNarrowed: boolean): void {
    // The links in the job table would be those of another line.
    assert(!this.members.has(job), 'a job is held back that already is');
    const group = this.groupOf(job) ?? this.open(job, refusal);
    if (isNarrowed) this.narrowedTenants.add(group.tenant);
    if (group.runner === job) group.runner = -1;
    group.refusal = refusal;
    group.count++;
    this.members.add(job);
    this.lines.push(group.line, job);
  }

  /** Removes a job that is cancelled. */
  remove(job: number): void {
    assert(this.members.has(job), 'a job is released that was not held back');
    this.take(this.groupOf(job) as Group, job);
  }

  /**
   * A job of the lines has started or is cancelled. @returns The equal job that goes to the line in its place, removed; −1: none.
   */
  next(job: number): number {
    const group = this.groupOf(job);
    return group === undefined || group.runner !== job ? -1 : this.takeFirst(group);
  }

  /** Removes the first job of each group of a tenant that has none in the lines. @returns These jobs. O(groups of the tenant). */
  wake(tenant: number): number[] {
    const woken: number[] = [];
    for (const group of this.byTenant.get(tenant) ?? []) {
      if (group.runner < 0) woken.push(this.takeFirst(group));
    }
    return woken;
  }

  /** @returns The tenants that have jobs held back. */
  tenants(): number[] {
    return [...this.byTenant.keys()];
  }

  /** @returns The tenants whose jobs may find room on a node that came up or joined; they are forgotten here. */
  takeNarrowed(): number[] {
    if (this.narrowedTenants.size === 0) return [];
    const tenants = [...this.narrowedTenants];
    this.narrowedTenants.clear();
    return tenants;
  }

  /**
   * Visits all jobs, and checks the groups; for the zone's check.
   *
   * @returns True if everything is consistent.
   */
  walk(visit: (job: number) => void): boolean {
    const { jobs } = this;
    let sum = 0;
    for (const [key, { line, count, runner }] of this.groups) {
      let found = 0;
      const sound = this.lines.walk(line, (job) => {
        if (this.keyOf(job) === key && this.members.has(job)) found++;
        visit(job);
      });
      if (!sound || found !== count || count === 0) return false;
      sum += count;
      if (runner < 0) continue;
      if (jobs.stateOf(runner) !== JobState.Waiting || jobs.reasonOf(runner) !== Reason.None) return false;
      if (this.keyOf(runner) !== key) return false;
    }
    return sum === this.jobCount;
  }

  private keyOf(job: number): number {
    return this.jobs.tenantOf(job) * SHAPES_MAX + this.jobs.shapeOf(job);
  }

  private groupOf(job: number): Group | undefined {
    return this.groups.get(this.keyOf(job));
  }

  private open(job: number, refusal: AccountsRefusal): Group {
    let line = this.freeLines.pop();
    if (line === undefined) {
      line = this.lineCount++;
      this.lines.addShape();
    }
    const tenant = this.jobs.tenantOf(job);
    const group: Group = { key: this.keyOf(job), tenant, line, count: 0, refusal, runner: -1 };
    this.groups.set(group.key, group);
    const others = this.byTenant.get(tenant);
    if (others === undefined) this.byTenant.set(tenant, new Set([group]));
    else others.add(group);
    return group;
  }

  private takeFirst(group: Group): number {
    const job = this.lines.first(group.line);
    group.runner = job;
    this.take(group, job);
    return job;
  }

  private take(group: Group, job: number): void {
    this.lines.remove(group.line, job);
    this.members.delete(job);
    if (--group.count > 0) return;
    this.groups.delete(group.key);
    this.freeLines.push(group.line);
    const others = this.byTenant.get(group.tenant) as Set<Group>;
    others.delete(group);
    if (others.size === 0) this.byTenant.delete(group.tenant);
  }
}
