/**
 * Whether the accounts will admit a job at a later time: what the promise of a start rests on.
 *
 *     firm      what it needs is its own: within a quota on its tenant's path, or bounded by limits alone. The queue keeps others from
 *               taking it (`takes`)
 *     estimate  it needs what others lend, has a budget, or may be held: a lender or a period can take it back
 *     refused   the accounts do not admit it now
 *
 * Questions only: usage is changed within a call, and restored.
 */
import { QUOTA_CPU, QUOTA_GPU, QUOTA_MEMORY, QUOTA_RESOURCES } from '../../market/tenants/spec.ts';
import { CLUSTER_TENANT } from '../../market/tenants/tenant-tree.ts';
import { addPods, type HeldAmounts, newAmounts } from '../../market/tenants/tenant-usage.ts';
import { NO_FLAVOR_BIT } from '../node-flavors.ts';
import type { TenantAccounts } from '../tenant-accounts.ts';
import type { TegLine } from './teg-lines.ts';

/** See the head of the file. */
export type StartTerms = 'firm' | 'estimate' | 'refused';

/** What is asked about jobs that are equal. */
type Asked = Pick<TegLine, 'demand' | 'podCount' | 'tenant'>;

/** See the head of the file. */
export class AccountsTerms {
  private readonly accounts: TenantAccounts;

  /** @param accounts Of the queue's zone. */
  constructor(accounts: TenantAccounts) {
    this.accounts = accounts;
  }

  /**
   * @param beside Jobs that are promised a start already: what they need is not there for this one.
   * @returns      On what terms a job could be promised a start, if it waits for room alone. O(flavours × levels² × cells).
   */
  of(asked: Asked, timeSeconds: number, beside: readonly Asked[] = []): StartTerms {
    return this.withHeld(beside, () => this.termsOf(asked, timeSeconds));
  }

  private termsOf(asked: Asked, timeSeconds: number): StartTerms {
    const { tree, flavors, budgets } = this.accounts;
    const account = tree.accountOf(asked.tenant);
    if (tree.heldBy(account, timeSeconds) !== CLUSTER_TENANT) return 'refused';
    const mask = flavors.servingMask(asked.demand);
    const serving = flavorsOf(mask);
    const admitted = serving.filter((flavor) => this.hasHeadroom(account, flavor, asked));
    if (admitted.length === 0 && serving.length > 0 && (mask & NO_FLAVOR_BIT) === 0) return 'refused';
    const mayBeHeld = tree.heldBy(account, Number.POSITIVE_INFINITY) !== CLUSTER_TENANT;
    if (mayBeHeld || budgets.has(account) || admitted.length < serving.length) return 'estimate';
    return admitted.every((flavor) => this.isOwn(account, flavor, asked)) ? 'firm' : 'estimate';
  }

  /**
   * @returns True if a job that starts would take of the headroom that another needs and has now: of the tenant's own, or, while
   *   quota is lent, of what the cluster has left for those within their quotas. O(flavours × levels), × promises where it is scarce.
   * @param beside Others that are promised a start: what they need is not there for the two.
   */
  takes(starting: Asked, from: Asked, beside: readonly Asked[] = []): boolean {
    const { tree, flavors } = this.accounts;
    const [own, other] = [tree.accountOf(from.tenant), tree.accountOf(starting.tenant)];
    const both = flavors.servingMask(from.demand) & flavors.servingMask(starting.demand) & ~NO_FLAVOR_BIT;
    if (both === 0 || this.isPlenty(both, own, [starting, from, ...beside])) return false;
    return this.withHeld(beside, () =>
      flavorsOf(both).some((flavor) => this.takesOn(flavor, starting, other, from, own)),
    );
  }

  /** True if an account has headroom for all of them on each of these flavours: a hold takes no more than its amount, also of others. */
  private isPlenty(mask: number, account: number, jobs: readonly Asked[]): boolean {
    const { usage } = this.accounts;
    const sum = [0, 0, 0];
    for (const { demand, podCount } of jobs) {
      sum[QUOTA_CPU] = (sum[QUOTA_CPU] as number) + podCount * demand.cpuMilli;
      sum[QUOTA_MEMORY] = (sum[QUOTA_MEMORY] as number) + podCount * demand.memoryMib;
      sum[QUOTA_GPU] = (sum[QUOTA_GPU] as number) + podCount * demand.gpuTotalMilli;
    }
    for (let left = mask; left !== 0; left &= left - 1) {
      const flavor = 31 - Math.clz32(left & -left);
      for (const resource of RESOURCES) {
        if (usage.available(account, flavor, resource) < (sum[resource] as number)) return false;
      }
    }
    return true;
  }

  /** Asks while jobs hold what they need, on each flavour that could serve them. */
  private withHeld<T>(jobs: readonly Asked[], ask: () => T): T {
    const { tree, flavors, usage } = this.accounts;
    const held: (readonly [account: number, flavor: number, amounts: HeldAmounts])[] = [];
    for (const job of jobs) {
      for (const flavor of flavorsOf(flavors.servingMask(job.demand))) {
        held.push([tree.accountOf(job.tenant), flavor, heldOf(job)]);
      }
    }
    for (const [account, flavor, amounts] of held) usage.hold(account, flavor, amounts);
    const answer = ask();
    for (const [account, flavor, amounts] of held) usage.release(account, flavor, amounts);
    return answer;
  }

  private takesOn(flavor: number, starting: Asked, other: number, from: Asked, own: number): boolean {
    const { usage } = this.accounts;
    const needs = amountsOf(from);
    const before = RESOURCES.map((resource) => usage.available(own, flavor, resource));
    const more = heldOf(starting);
    usage.hold(other, flavor, more);
    const isTaken = RESOURCES.some((resource) => {
      const need = needs[resource] as number;
      if (need === 0 || (amountsOf(starting)[resource] as number) === 0) return false;
      const least = Math.min(before[resource] as number, need);
      return usage.available(own, flavor, resource) < least;
    });
    usage.release(other, flavor, more);
    return isTaken;
  }

  private hasHeadroom(account: number, flavor: number, asked: Asked): boolean {
    const { usage, tree } = this.accounts;
    const needs = newAmounts(tree);
    addPods(needs, flavor, asked.demand, asked.podCount);
    return usage.mayHold(account, needs);
  }

  /** True if a quota covers it, or nobody has a quota of what it needs. */
  private isOwn(account: number, flavor: number, { demand, podCount }: Asked): boolean {
    const { usage, tree } = this.accounts;
    const needs = newAmounts(tree);
    addPods(needs, flavor, demand, podCount);
    if (!needs.some((amount, cell) => amount > 0 && tree.governed[cell] === 1)) return true;
    return usage.coveredBy(account, needs) !== CLUSTER_TENANT;
  }
}

const RESOURCES: readonly number[] = QUOTA_RESOURCES.map((_, resource) => resource);

function flavorsOf(mask: number): number[] {
  const flavors: number[] = [];
  for (let left = mask & ~NO_FLAVOR_BIT; left !== 0; left &= left - 1)
    flavors.push(31 - Math.clz32(left & -left));
  return flavors;
}

function heldOf({ demand, podCount }: Asked): HeldAmounts {
  const { cpuMilli, memoryMib, gpuTotalMilli } = demand;
  return {
    cpuMilli: podCount * cpuMilli,
    memoryMib: podCount * memoryMib,
    gpuTotalMilli: podCount * gpuTotalMilli,
  };
}

/** @shape [RESOURCES_PER_FLAVOR] */
function amountsOf(asked: Asked): readonly number[] {
  const { cpuMilli, memoryMib, gpuTotalMilli } = heldOf(asked);
  const amounts: number[] = [];
  amounts[QUOTA_CPU] = cpuMilli;
  amounts[QUOTA_MEMORY] = memoryMib;
  amounts[QUOTA_GPU] = gpuTotalMilli;
  return amounts;
}
