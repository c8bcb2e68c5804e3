/**
 * When accounts will have headroom for a gang, and who would take of it: plans over what tenants hold, for jobs of a zone and for pods.
 *
 * Questions only: usage is changed within a call, and restored.
 */
import { QUOTA_CPU, QUOTA_GPU, QUOTA_MEMORY, RESOURCES_PER_FLAVOR } from '../../market/tenants/spec.ts';
import type { HeldAmounts } from '../../market/tenants/tenant-usage.ts';
import type { Demand } from '../../model/demand.ts';
import type { TenantAccounts } from '../tenant-accounts.ts';

/** Equal pods. */
interface NeededPods {
  readonly demand: Demand;
  readonly count: number;
  /** As `Ask.kinds`; absent: the demand says all of it. */
  readonly kind?: number;
}

/** Pods that would start together. */
export interface HeadroomNeed {
  /** Number of their tenant in the tree. */
  readonly account: number;
  readonly kinds: readonly NeededPods[];
}

/** Amounts that are returned at a time. */
export interface HeadroomEnd {
  /** Seconds, not before now; Infinity: unknown. */
  readonly endSeconds: number;
  /** Calls back for each pod: the tenant's number in the tree, its flavour ≥ 0, and its demand. */
  readonly forEachPod: (visit: (account: number, flavor: number, demand: Demand) => void) => void;
}

/** When headroom is there. */
export interface HeadroomPlan {
  readonly flavor: number;
  /** Infinity: some of it is held by jobs of which no end is known. */
  readonly startSeconds: number;
  /** Pods of the gang for which there is headroom now; of gangs with several kinds: 0, or all. */
  readonly podsNow: number;
  /** Headroom beyond the gang's need at that start: who takes no more may hold it for longer. 0 where the start is unknown. */
  readonly spare: HeldAmounts;
}

/** See the head of the file. */
export class HeadroomPlans {
  private readonly accounts: Pick<TenantAccounts, 'usage' | 'tree' | 'flavors'>;

  constructor(accounts: Pick<TenantAccounts, 'usage' | 'tree' | 'flavors'>) {
    this.accounts = accounts;
  }

  /**
   * @param ends By ascending end; read only if there is not headroom now.
   * @returns    Undefined: not even if all these had ended. O(what is read of the ends × levels).
   */
  planFor(
    need: HeadroomNeed,
    ends: () => Iterable<HeadroomEnd>,
    timeSeconds: number,
  ): HeadroomPlan | undefined {
    const { usage } = this.accounts;
    const released: (readonly [account: number, flavor: number, demand: Demand])[] = [];
    const podsNow = new Map<number, number>();
    let startSeconds = timeSeconds;
    let flavor = this.flavorFor(need, podsNow);
    for (const { endSeconds, forEachPod } of flavor >= 0 ? [] : ends()) {
      if (endSeconds > startSeconds) {
        flavor = this.flavorFor(need);
        if (flavor >= 0) break;
        startSeconds = endSeconds;
      }
      forEachPod((account, on, demand) => {
        usage.release(account, on, demand);
        released.push([account, on, demand]);
      });
    }
    if (flavor < 0) flavor = this.flavorFor(need);
    const spare =
      flavor < 0 || startSeconds === Number.POSITIVE_INFINITY ? NOTHING : this.spareOn(flavor, need);
    for (const [account, on, demand] of released) usage.hold(account, on, demand);
    return flavor < 0 ? undefined : { flavor, startSeconds, podsNow: podsNow.get(flavor) ?? 0, spare };
  }

  /** @returns True if a flavour serves none of these pods, or they take no more than is spare. */
  isSpare(flavor: number, { spare }: Pick<HeadroomPlan, 'spare'>, other: HeadroomNeed): boolean {
    const pods = this.amountsOf(other, flavor);
    return (
      pods === undefined || RESOURCES.every((resource) => needOf(pods, resource) <= needOf(spare, resource))
    );
  }

  /** @returns What is spare once others have taken. */
  spareAfter(flavor: number, { spare }: Pick<HeadroomPlan, 'spare'>, other: HeadroomNeed): HeldAmounts {
    const { cpuMilli, memoryMib, gpuTotalMilli } = this.amountsOf(other, flavor) ?? NOTHING;
    return {
      cpuMilli: Math.max(0, spare.cpuMilli - cpuMilli),
      memoryMib: Math.max(0, spare.memoryMib - memoryMib),
      gpuTotalMilli: Math.max(0, spare.gpuTotalMilli - gpuTotalMilli),
    };
  }

  /** @returns True if others would leave less for a gang than there is and it needs: of its own tenant, or borrowers. O(levels). */
  takes(flavor: number, need: HeadroomNeed, other: HeadroomNeed): boolean {
    const { usage, tree } = this.accounts;
    const needs = this.amountsOf(need, flavor);
    const pods = this.amountsOf(other, flavor);
    if (pods === undefined || needs === undefined) return false;
    const { account } = need;
    const before = RESOURCES.map((resource) => usage.available(account, flavor, resource));
    usage.hold(other.account, flavor, pods);
    const isLess = RESOURCES.some((resource, i) => {
      const least = Math.min(before[i] as number, needOf(needs, resource));
      return needOf(needs, resource) > 0 && usage.available(account, flavor, resource) < least;
    });
    const borrows = RESOURCES.some(
      (resource) =>
        tree.governed[flavor * RESOURCES_PER_FLAVOR + resource] === 1 &&
        needOf(pods, resource) > 0 &&
        usage.borrowed(other.account, flavor, resource) > 0,
    );
    usage.release(other.account, flavor, pods);
    return isLess && (account === other.account || borrows);
  }

  /** Headroom beyond a gang's need; Infinity of what it does not need. */
  private spareOn(flavor: number, need: HeadroomNeed): HeldAmounts {
    const needs = this.amountsOf(need, flavor) as HeldAmounts;
    const spareOf = (resource: number): number => {
      const needed = needOf(needs, resource);
      if (needed === 0) return Number.POSITIVE_INFINITY;
      return Math.max(0, this.accounts.usage.available(need.account, flavor, resource) - needed);
    };
    return {
      cpuMilli: spareOf(QUOTA_CPU),
      memoryMib: spareOf(QUOTA_MEMORY),
      gpuTotalMilli: spareOf(QUOTA_GPU),
    };
  }

  /** @returns A flavour with headroom for all of a gang; −1: none has. @param pods Set: by flavour, pods that it has headroom for. */
  private flavorFor(need: HeadroomNeed, pods?: Map<number, number>): number {
    const { tree } = this.accounts;
    const all = need.kinds.reduce((sum, { count }) => sum + count, 0);
    for (let flavor = 0; flavor < tree.market.flavors.length; flavor++) {
      const served = need.kinds.every((kind) => this.serves(flavor, kind));
      if (!served) continue;
      const count = this.podsOn(flavor, need, all);
      if (count === all) return flavor;
      pods?.set(flavor, count);
    }
    return -1;
  }

  /** Pods of a gang that a flavour has headroom for. */
  private podsOn(flavor: number, need: HeadroomNeed, all: number): number {
    const { usage } = this.accounts;
    const needs = this.amountsOf(need, flavor) as HeldAmounts;
    let count = all;
    for (const resource of RESOURCES) {
      const each = needOf(needs, resource) / all;
      const available = each > 0 ? usage.available(need.account, flavor, resource) : Number.POSITIVE_INFINITY;
      if (available < needOf(needs, resource)) count = Math.min(count, Math.floor(available / each));
    }
    if (count === all || need.kinds.length === 1) return Math.max(0, count);
    return 0;
  }

  private serves(flavor: number, { demand, kind }: NeededPods): boolean {
    return (this.accounts.flavors.servingMask(demand, kind) & (1 << flavor)) !== 0;
  }

  /** What those take that a flavour serves; undefined: none of them. */
  private amountsOf({ kinds }: HeadroomNeed, flavor: number): HeldAmounts | undefined {
    let [cpuMilli, memoryMib, gpuTotalMilli] = [0, 0, 0];
    let isServed = false;
    for (const kind of kinds) {
      if (!this.serves(flavor, kind)) continue;
      const { demand, count } = kind;
      isServed = true;
      cpuMilli += count * demand.cpuMilli;
      memoryMib += count * demand.memoryMib;
      gpuTotalMilli += count * demand.gpuTotalMilli;
    }
    return isServed ? { cpuMilli, memoryMib, gpuTotalMilli } : undefined;
  }
}

const NOTHING: HeldAmounts = { cpuMilli: 0, memoryMib: 0, gpuTotalMilli: 0 };

const RESOURCES: readonly number[] = Array.from({ length: RESOURCES_PER_FLAVOR }, (_, i) => i);

function needOf(amounts: HeldAmounts, resource: number): number {
  if (resource === QUOTA_CPU) return amounts.cpuMilli;
  if (resource === QUOTA_MEMORY) return amounts.memoryMib;
  return resource === QUOTA_GPU ? amounts.gpuTotalMilli : 0;
}
