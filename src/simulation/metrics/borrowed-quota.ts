/** What a run knows of a job whose tenant has used up its quota: who borrows, and until when nobody may be evicted for it. */
import type { AccountsRefusal } from '../../governor/accounts.ts';
import { borrowersOf, borrowersText } from '../../governor/quota-borrowers.ts';
import type { TenantAccounts } from '../../governor/tenant-accounts.ts';
import { CLUSTER_TENANT } from '../../market/tenants/tenant-tree.ts';
import { addPods, newAmounts } from '../../market/tenants/tenant-usage.ts';
import type { JobTable } from '../inputs/job-table.ts';

/** Who evicts for quotas, and when a tenant's jobs lose their protection. */
export interface ProtectedJobs {
  /** @returns When the first running job of these tenants passes its `minRuntime`; undefined: one has, or none runs. */
  protectedUntil(accounts: ReadonlySet<number>, timeSeconds: number): number | undefined;
}

/**
 * @param evictions Undefined: the queue evicts nobody.
 * @returns         What to add to the data of a refusal: `lentTo`, `protectedUntilSeconds`, and `withinQuota` if the job is beyond
 *                  its quota. O(tenants × levels + running jobs).
 */
export function borrowedQuota(
  accounts: TenantAccounts,
  table: JobTable,
  evictions: ProtectedJobs | undefined,
  atSeconds: number,
): (refusal: AccountsRefusal, job: number) => AccountsRefusal['data'] {
  const { tree, usage } = accounts;
  return ({ code, data }, job) => {
    if (code !== 'quota-used-up') return {};
    const borrowers = borrowersOf({ tree, table: table.tenants, usage }, data);
    if (borrowers.length === 0) return {};
    const lentTo = borrowersText(borrowers);
    const needs = newAmounts(tree);
    const pods = table.podCounts[job] as number;
    addPods(needs, tree.flavorNumber(String(data.flavor)), table.demandOf(job), pods);
    const isCovered =
      usage.coveredBy(tree.accountOf(table.tenantIds[job] as number), needs) !== CLUSTER_TENANT;
    if (!isCovered) return { lentTo, withinQuota: 'no' };
    const owners = new Set(borrowers.map(({ tenant }) => tree.accountOf(table.tenants.find(tenant))));
    const until = evictions?.protectedUntil(owners, atSeconds);
    return until === undefined ? { lentTo } : { lentTo, protectedUntilSeconds: until };
  };
}
