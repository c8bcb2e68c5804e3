/** Who has what a tenant lacks of its quota: tenants that hold more than theirs. */
import { QUOTA_RESOURCES } from '../market/tenants/spec.ts';
import type { TenantTree } from '../market/tenants/tenant-tree.ts';
import type { TenantUsage } from '../market/tenants/tenant-usage.ts';
import type { TenantTable } from '../model/tenants.ts';
import type { AccountsRefusal } from './accounts.ts';

/** Borrowers that a reason names, at most. */
const BORROWERS_MAX = 5;

/** Shown amounts are in thousandths of a unit, or MiB. */
const PER_UNIT: Readonly<Record<string, number>> = { Gpus: 1000, Cores: 1000, Gib: 1024 };
const RESOURCE_OF: Readonly<Record<string, (typeof QUOTA_RESOURCES)[number]>> = {
  Gpus: 'gpuMilli',
  Cores: 'cpuMilli',
  Gib: 'memoryMib',
};

/** The tenants of one cluster, and what they hold. */
export interface BorrowerBooks {
  readonly tree: TenantTree;
  readonly table: TenantTable;
  readonly usage: TenantUsage;
}

/** Who has what the job waits for. */
export interface AmountHolder {
  readonly tenant: string;
  /** GPUs, cores or GiB above its quota, > 0. */
  readonly amount: number;
}

/** @param data Of a refusal `quota-used-up`; of another: nobody. @returns The largest first, at most `BORROWERS_MAX`. O(tenants × levels). */
export function borrowersOf(
  { tree, table, usage }: BorrowerBooks,
  data: AccountsRefusal['data'],
): AmountHolder[] {
  const suffix = Object.keys(PER_UNIT).find((unit) => `available${unit}` in data);
  if (suffix === undefined) return [];
  const flavor = tree.flavorNumber(String(data.flavor));
  const claimant = tree.accountOf(table.find(String(data.tenant)));
  const resource = QUOTA_RESOURCES.indexOf(RESOURCE_OF[suffix] as (typeof QUOTA_RESOURCES)[number]);
  const holders: AmountHolder[] = [];
  for (const tenant of tree.tenants) {
    if (tenant === claimant) continue;
    const amount = usage.reclaimableFrom(tenant, claimant, flavor, resource) / (PER_UNIT[suffix] as number);
    if (amount > 0 && Number.isFinite(amount)) holders.push({ tenant: table.nameOf(tenant), amount });
  }
  return holders
    .sort((a, b) => b.amount - a.amount || (a.tenant < b.tenant ? -1 : 1))
    .slice(0, BORROWERS_MAX);
}

/** @returns For example `vision 4, speech 2`. */
export function borrowersText(holders: readonly AmountHolder[]): string {
  return holders.map(({ tenant, amount }) => `${tenant} ${amount}`).join(', ');
}
