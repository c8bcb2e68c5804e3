/**
 * Waiting jobs that the accounts do not admit, by tenant: in no line, and never tried, until their tenant is woken.
 *
 * Why apart from the lines: jobs of a line are interchangeable because they fit together or not at all; admission
 * differs from tenant to tenant, and must not block the jobs behind.
 *
 * Invariants: a job in here waits and is in no line; its links in the job table are its neighbours in its tenant's
 * list.
 */
import { assert } from '../../kernel/assert.ts';
import type { AccountsRefusal } from '../accounts.ts';
import type { ZoneJobTable } from './zone-jobs.ts';

/** Lists by tenant. Written by its zone only. */
export class HeldBackJobs {
  private readonly jobs: ZoneJobTable;
  /** First job of each tenant with any. */
  private readonly firsts = new Map<number, number>();
  private readonly refusals = new Map<number, AccountsRefusal>();
  /** Tenants with jobs that were admitted on some nodes only, which were full. */
  private readonly narrowedTenants = new Set<number>();

  constructor(jobs: ZoneJobTable) {
    this.jobs = jobs;
  }

  /** Jobs held back. */
  get jobCount(): number {
    return this.refusals.size;
  }

  /** @returns Why a job is held back; undefined: it is not. O(1). */
  refusalOf(job: number): AccountsRefusal | undefined {
    return this.refusals.get(job);
  }

  /** @returns The job of a tenant that was held back last, −1 if there is none. O(1). */
  firstOf(tenant: number): number {
    return this.firsts.get(tenant) ?? -1;
  }

  /** Adds a waiting job that is in no line. O(1). @param isNarrowed It was admitted on some nodes only, which were full. */
  push(job: number, refusal: AccountsRefusal, isNarrowed: boolean): void {
    // The links in the job table would be those of another list.
    assert(!this.refusals.has(job), 'a job is held back that already is');
    const { jobs } = this;
    const tenant = jobs.tenantOf(job);
    if (isNarrowed) this.narrowedTenants.add(tenant);
    const next = this.firstOf(tenant);
    jobs.setFirst(job, -1);
    jobs.setPrevious(job, -1);
    jobs.setNext(job, next);
    if (next >= 0) jobs.setPrevious(next, job);
    this.firsts.set(tenant, job);
    this.refusals.set(job, refusal);
  }

  /** @returns The tenants that have jobs held back. */
  tenants(): number[] {
    return [...this.firsts.keys()];
  }

  /** @returns The tenants whose jobs may find room on a node that came up or joined; they are forgotten here. */
  takeNarrowed(): number[] {
    if (this.narrowedTenants.size === 0) return [];
    const tenants = [...this.narrowedTenants];
    this.narrowedTenants.clear();
    return tenants;
  }

  /** Removes a job. O(1). */
  remove(job: number): void {
    assert(this.refusals.has(job), 'a job is released that was not held back');
    const { jobs } = this;
    const before = jobs.previousOf(job);
    const after = jobs.nextOf(job);
    if (after >= 0) jobs.setPrevious(after, before);
    if (before >= 0) jobs.setNext(before, after);
    else if (after >= 0) this.firsts.set(jobs.tenantOf(job), after);
    else this.firsts.delete(jobs.tenantOf(job));
    this.refusals.delete(job);
  }

  /**
   * Visits all jobs, and checks the links; for the zone's check.
   *
   * @returns True if everything is consistent.
   */
  walk(visit: (job: number) => void): boolean {
    let count = 0;
    for (const [tenant, first] of this.firsts) {
      let before = -1;
      for (let job = first; job >= 0; job = this.jobs.nextOf(job)) {
        if (this.jobs.previousOf(job) !== before || this.jobs.tenantOf(job) !== tenant) return false;
        if (!this.refusals.has(job)) return false;
        visit(job);
        count++;
        before = job;
      }
    }
    return count === this.refusals.size;
  }
}
