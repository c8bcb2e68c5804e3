/** The tenants of a `TenantTree` as the planner of evictions sees them, and its dimensions. */
import { QUOTA_CPU, QUOTA_GPU, QUOTA_MEMORY, RESOURCES_PER_FLAVOR } from '../tenants/spec.ts';
import type { TenantTree } from '../tenants/tenant-tree.ts';
import type { HeldAmounts } from '../tenants/tenant-usage.ts';
import type { ReclaimPolicy, ReclaimTenants } from './reclaim-world.ts';

/** Accelerators first: they are what a pod that has some is about. */
const RESOURCES_BY_IMPORTANCE = [QUOTA_GPU, QUOTA_CPU, QUOTA_MEMORY];

/** See `ReclaimTenants`. A view: reads the tree. */
export class TreeTenants implements ReclaimTenants {
  readonly tenants: readonly number[];
  /** By dimension: the cell of the tree, flavour × resource. */
  readonly cells: readonly number[];
  private readonly tree: TenantTree;

  constructor(tree: TenantTree) {
    this.tree = tree;
    this.tenants = tree.tenants;
    const cells: number[] = [];
    for (const resource of RESOURCES_BY_IMPORTANCE) {
      for (let flavor = 0; flavor < tree.market.flavors.length; flavor++) {
        const cell = flavor * RESOURCES_PER_FLAVOR + resource;
        // Shares of accelerators count without quotas, too: then all of them are surplus.
        if (tree.governed[cell] === 1 || resource === QUOTA_GPU) cells.push(cell);
      }
    }
    this.cells = cells;
  }

  /** @returns What a pod on a node of a flavour holds, by dimension; of no flavour (−1) nothing. O(dimensions). */
  amountsOf(flavor: number, { cpuMilli, memoryMib, gpuTotalMilli }: HeldAmounts): Float64Array {
    const held = new Float64Array(RESOURCES_PER_FLAVOR);
    held[QUOTA_CPU] = cpuMilli;
    held[QUOTA_MEMORY] = memoryMib;
    held[QUOTA_GPU] = gpuTotalMilli;
    return Float64Array.from(this.cells, (cell) =>
      Math.floor(cell / RESOURCES_PER_FLAVOR) === flavor ? (held[cell % RESOURCES_PER_FLAVOR] as number) : 0,
    );
  }

  parentOf(tenant: number): number {
    return this.tree.parentOf(tenant);
  }

  weightOf(tenant: number): number {
    return this.tree.specOf(tenant).weight;
  }

  quotaOf(tenant: number, dimension: number): number {
    return this.cellOf(this.tree.visible, tenant, dimension);
  }

  keptOf(tenant: number, dimension: number): number {
    return this.cellOf(this.tree.guaranteed, tenant, dimension);
  }

  policyOf(tenant: number): ReclaimPolicy {
    return this.tree.specOf(tenant).preemption;
  }

  private cellOf(columns: Float64Array, tenant: number, dimension: number): number {
    return columns[this.tree.rowOf(tenant) * this.tree.cells + (this.cells[dimension] as number)] as number;
  }
}
