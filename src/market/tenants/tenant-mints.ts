/**
 * Who mints how much in a tree of tenants: from the cluster downwards each gives what it mints to those below it, the sums of
 * their quotas first, and what is left by weight.
 *
 *     cluster 100 ─┬─ research  quota 0 + 24 below it, weight 1 → 62 ─┬─ nlp     quota 16, weight 1 → 25.5
 *                  │                                                  └─ vision  quota 8,  weight 3 → 36.5
 *                  └─ default   quota 0, weight 1               → 38
 *
 * A tenant with others below it keeps nothing: jobs of its own run on idle capacity.
 */
import { mintRates } from '../mint-rates.ts';
import { QUOTA_CPU, QUOTA_GPU, QUOTA_MEMORY, RESOURCES_PER_FLAVOR } from './spec.ts';
import { CLUSTER_TENANT, type TenantTree } from './tenant-tree.ts';
import type { TenantUsage } from './tenant-usage.ts';

/**
 * @param usage Of the tree; its capacity has been set.
 * @param units Micro-units of the cluster to be minted. Default: its capacity.
 * @returns Micro-tokens an hour by row of the tree; 0 for the cluster. O(tenants).
 * @throws TegError as `mintRates`.
 */
export function tenantMints(
  tree: TenantTree,
  usage: TenantUsage,
  units: number = unitsOfAll(tree, usage),
): number[] {
  const rates: number[] = new Array(tree.rows).fill(0);
  const give = (parent: number, mint: number): void => {
    const children = tree.childrenOf(parent);
    const shares = children.map((tenant) => ({
      quota: quotaUnits(tree, usage, tenant),
      weight: tree.specOf(tenant).weight,
    }));
    for (const [at, rate] of mintRates(shares, mint).entries()) {
      const tenant = children[at] as number;
      const isLeaf = tree.childrenOf(tenant).length === 0;
      rates[tree.rowOf(tenant)] = isLeaf ? rate : 0;
      if (!isLeaf) give(tenant, rate);
    }
  };
  give(CLUSTER_TENANT, units);
  return rates;
}

function unitsOfAll(tree: TenantTree, usage: TenantUsage): number {
  return tree.market.flavors.reduce((sum, _, flavor) => sum + capacityUnits(usage, flavor), 0);
}

/** @returns Micro-units of all nodes of a flavour. */
export function capacityUnits(usage: TenantUsage, flavor: number): number {
  return usage.unitsOfPod(flavor, {
    cpuMilli: usage.capacityOf(flavor, QUOTA_CPU),
    memoryMib: usage.capacityOf(flavor, QUOTA_MEMORY),
    gpuTotalMilli: usage.capacityOf(flavor, QUOTA_GPU),
  });
}

/** @returns Micro-units of the quotas of a tenant and all below it. */
function quotaUnits(tree: TenantTree, usage: TenantUsage, tenant: number): number {
  let units = 0;
  for (let flavor = 0; flavor < tree.market.flavors.length; flavor++) {
    const cell = tree.rowOf(tenant) * tree.cells + flavor * RESOURCES_PER_FLAVOR;
    units += usage.unitsOfPod(flavor, {
      cpuMilli: tree.total[cell + QUOTA_CPU] as number,
      memoryMib: tree.total[cell + QUOTA_MEMORY] as number,
      gpuTotalMilli: tree.total[cell + QUOTA_GPU] as number,
    });
  }
  return units;
}
