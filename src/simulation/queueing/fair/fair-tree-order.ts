/** Slurm's Fair Tree over tenants and their users: who had least for its share, level by level. */
import { levelShare } from '../../../market/prices/level-share.ts';
import { fairTreeFactors } from '../../../market/shares/fair-tree.ts';
import { HALF_LIFE_SECONDS_DEFAULT } from '../../../market/tenants/spec.ts';
import type { TenantTree } from '../../../market/tenants/tenant-tree.ts';
import { DecayedUsage } from '../decayed-usage.ts';
import { ShareTree } from './share-tree.ts';

/** A job's place in the tree. */
export interface TenantUser {
  readonly tenant: number;
  /** −1: unknown. */
  readonly owner: number;
}

/** Users of a tenant are numbered apart from those of others: owner + 1 in the low part. */
const USERS_SPAN = 2 ** 31;

/** Usage of the tenants and users of one queue. Users of a tenant have equal shares. */
export class FairTreeOrder {
  private readonly tree: ShareTree;
  /** By node, and by user. */
  private readonly tenants: DecayedUsage;
  private readonly users: DecayedUsage;
  /** Users by leaf of the tree, in the order of their first jobs. */
  private readonly usersOf = new Map<number, Set<number>>();

  /** @param tenants Undefined: no tenants file, all have equal shares. */
  constructor(tenants: TenantTree | undefined) {
    this.tree = new ShareTree(tenants);
    const halfLifeSeconds = tenants?.market.halfLifeSeconds ?? HALF_LIFE_SECONDS_DEFAULT;
    this.tenants = new DecayedUsage(halfLifeSeconds);
    this.users = new DecayedUsage(halfLifeSeconds);
  }

  /** A job of a user arrives, waiting or running. @returns The leaf of its tenant. O(1). */
  enter(job: TenantUser): number {
    const leaf = this.tree.leafOf(job.tenant);
    const users = this.usersOf.get(leaf) ?? new Set();
    this.usersOf.set(leaf, users.add(userOf(job)));
    return leaf;
  }

  /** A user holds more from now on, or less. O(levels). */
  hold(job: TenantUser, amount: number, nowSeconds: number): void {
    const leaf = this.enter(job);
    for (let at = leaf; at >= 0; at = this.tree.nodeAt(at).parent) this.tenants.hold(at, amount, nowSeconds);
    this.users.hold(userOf(job), amount, nowSeconds);
  }

  /** @returns The Fair Tree factor of a job's user as of now, in (0, 1]; 1 for a user that entered none. O(users log users). */
  factors(nowSeconds: number): (job: TenantUser) => number {
    const { tree, usersOf } = this;
    const children = tree.children.map((below) => [...below]);
    const shares = new Array<number>(children.length).fill(0);
    const nodeOf = new Map<number, number>();
    for (const below of tree.children) {
      const usages = below.map((node) => this.tenants.of(node, nowSeconds));
      const weights = below.map((node) => tree.nodeAt(node).weight);
      for (const [i, node] of below.entries()) shares[node] = shareAmong(i, weights, usages);
    }
    for (const [leaf, users] of usersOf) {
      const usages = [...users].map((user) => this.users.of(user, nowSeconds));
      const ones = usages.map(() => 1);
      let i = 0;
      for (const user of users) {
        nodeOf.set(user, children.length);
        (children[leaf] as number[]).push(children.length);
        children.push([]);
        shares.push(shareAmong(i++, ones, usages));
      }
    }
    const factors = fairTreeFactors(children, shares);
    return (job) => factors[nodeOf.get(userOf(job)) ?? -1] ?? 1;
  }
}

/** Level share of one of some siblings. */
function shareAmong(at: number, weights: readonly number[], usages: readonly number[]): number {
  // Rounding may leave a usage a little below 0 after a job has ended.
  const used = usages.map((usage) => Math.max(0, usage));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return levelShare(weights[at] as number, sum(weights), used[at] as number, sum(used));
}

function userOf({ tenant, owner }: TenantUser): number {
  return tenant * USERS_SPAN + owner + 1;
}
