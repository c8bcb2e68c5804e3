/** Pods that evictions keep from running, by tenant: what the disruption budgets of tenants are about. */

interface Missing {
  readonly account: number;
  pods: number;
}

/** See the head of the file. O(1) a call, O(jobs that lack pods) memory. */
export class UnavailablePods {
  private readonly byJob = new Map<number, Missing>();
  private readonly byAccount = new Map<number, number>();

  /** @returns Evicted pods of a tenant that have not come back. */
  of(account: number): number {
    return this.byAccount.get(account) ?? 0;
  }

  /** Pods of a job were evicted; negative: as many came back. */
  add(job: number, account: number, pods: number): void {
    const missing = this.byJob.get(job) ?? { account, pods: 0 };
    const more = Math.max(pods, -missing.pods);
    missing.pods += more;
    if (missing.pods > 0) this.byJob.set(job, missing);
    else this.byJob.delete(job);
    this.byAccount.set(account, this.of(account) + more);
  }

  /** A job runs again, as a whole, or has left. */
  settle(job: number): void {
    const missing = this.byJob.get(job);
    if (missing !== undefined) this.add(job, missing.account, -missing.pods);
  }
}
