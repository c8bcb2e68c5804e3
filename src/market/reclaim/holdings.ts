/**
 * What each tenant uses of its quota, for the questions that concern a whole set of victims: is a claim within the quota, and is
 * the claimant's share after it still below the victim's share before?
 *
 * `used` of a tenant is what itself holds, and of each child what passes the part that the child keeps to itself (`keptOf`).
 * Not the tenants' own books: those count what is placed; this is a scratch copy that trial evictions change and restore.
 */
import type { ReclaimTenants } from './reclaim-world.ts';

/** Usage by tenant and dimension. */
export class Holdings {
  private readonly tenants: ReclaimTenants;
  private readonly dimensions: number;
  /** @shape by tenant [dimensions] of itself. */
  private readonly own = new Map<number, Float64Array>();
  /** @shape by tenant [dimensions] that count against its quota. */
  private readonly used = new Map<number, Float64Array>();

  constructor(tenants: ReclaimTenants, dimensions: number) {
    this.tenants = tenants;
    this.dimensions = dimensions;
    for (const tenant of tenants.tenants) {
      this.own.set(tenant, new Float64Array(dimensions));
      this.used.set(tenant, new Float64Array(dimensions));
    }
  }

  /** Adds n times an amount to what a tenant holds; n may be negative. O(levels × dimensions). */
  add(tenant: number, amounts: ArrayLike<number>, n: number): void {
    for (let dimension = 0; dimension < this.dimensions; dimension++) {
      const amount = n * (amounts[dimension] ?? 0);
      if (amount !== 0) this.addTo(tenant, dimension, amount);
    }
  }

  /** Adds what pods hold, n times each; pods of one shape at once. */
  addPods(tenant: number, pods: readonly { readonly amounts: ArrayLike<number> }[], n: number): void {
    for (let first = 0; first < pods.length; ) {
      const { amounts } = pods[first] as { amounts: ArrayLike<number> };
      let end = first + 1;
      while (end < pods.length && pods[end]?.amounts === amounts) end++;
      this.add(tenant, amounts, n * (end - first));
      first = end;
    }
  }

  /** @returns What a tenant itself holds, without those below it. */
  ownOf(tenant: number, dimension: number): number {
    return (this.own.get(tenant) as Float64Array)[dimension] as number;
  }

  /** @returns What counts against a tenant's quota. */
  usedOf(tenant: number, dimension: number): number {
    return (this.used.get(tenant) as Float64Array)[dimension] as number;
  }

  private addTo(from: number, dimension: number, amount: number): void {
    const own = this.own.get(from) as Float64Array;
    own[dimension] = (own[dimension] as number) + amount;
    let passing = amount;
    for (let tenant = from; tenant >= 0 && passing !== 0; tenant = this.tenants.parentOf(tenant)) {
      const used = this.used.get(tenant) as Float64Array;
      const kept = this.tenants.keptOf(tenant, dimension);
      const before = used[dimension] as number;
      const after = before + passing;
      used[dimension] = after;
      passing = Math.max(0, after - kept) - Math.max(0, before - kept);
    }
  }
}
