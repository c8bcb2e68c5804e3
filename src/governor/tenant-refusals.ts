/** The reasons why accounts of tenants refuse, with their figures. Equal ones in a row are the same object. */
import {
  QUOTA_CPU,
  QUOTA_GPU,
  QUOTA_MEMORY,
  type QuotaFlavor,
  RESOURCES_PER_FLAVOR,
} from '../market/tenants/spec.ts';
import type { TenantBudgets } from '../market/tenants/tenant-budgets.ts';
import type { TenantUsage } from '../market/tenants/tenant-usage.ts';
import type { TenantTable } from '../model/tenants.ts';
import type { AccountsRefusal } from './accounts.ts';
import { NO_FLAVOR_BIT } from './node-flavors.ts';

const MILLI = 1000;
const MIB_PER_GIB = 1024;

/** A refusal by room, and the figures that it was made of. */
interface LastRefusal {
  readonly figures: readonly [number, number, number, number, number];
  readonly refusal: AccountsRefusal;
}

/** Makes refusals for one tree. */
export class TenantRefusals {
  private readonly usage: TenantUsage;
  private readonly budgets: TenantBudgets;
  private readonly table: TenantTable;
  private readonly last = new Map<number, LastRefusal>();
  private readonly byHolding = new Map<number, AccountsRefusal>();
  private readonly full = new Map<string, AccountsRefusal>();

  constructor(usage: TenantUsage, budgets: TenantBudgets, table: TenantTable) {
    this.usage = usage;
    this.budgets = budgets;
    this.table = table;
  }

  /** A tenant, or one above it, holds. @param tenant The one that holds. */
  held(tenant: number): AccountsRefusal {
    let refusal = this.byHolding.get(tenant);
    if (refusal === undefined) {
      const state = this.usage.tree.specOf(tenant).state;
      refusal = { code: 'tenant-held', data: { tenant: this.table.nameOf(tenant), state } };
      this.byHolding.set(tenant, refusal);
    }
    return refusal;
  }

  /** A budget does not cover the job. @param tenant Whose budget. */
  budgetEmpty(tenant: number, timeSeconds: number): AccountsRefusal {
    const { budget } = this.usage.tree.specOf(tenant);
    return {
      code: 'budget-empty',
      data: {
        tenant: this.table.nameOf(tenant),
        budgetTokens: budget?.tokens ?? 0,
        spentTokens: rounded(this.budgets.spentOf(tenant, timeSeconds)),
        reservedTokens: rounded(this.budgets.reservedOf(tenant, timeSeconds)),
        periodEndsAtSeconds: this.budgets.nextPeriodOf(tenant, timeSeconds),
      },
    };
  }

  /**
   * Limits or quotas leave no room.
   *
   * @param lacking Flavours, as bits; the first is reported.
   * @param needs   Amounts needed on each flavour.
   * @param serving Flavours that could serve any of its pods.
   */
  noHeadroom(tenant: number, lacking: number, needs: Float64Array, serving: number): AccountsRefusal {
    const flavor = 31 - Math.clz32(lacking & -lacking);
    let resource = RESOURCES_PER_FLAVOR - 1;
    for (; resource > 0; resource--) {
      const need = needs[flavor * RESOURCES_PER_FLAVOR + resource] as number;
      if (need > 0 && need > this.usage.available(tenant, flavor, resource)) break;
    }
    const need = needs[flavor * RESOURCES_PER_FLAVOR + resource] as number;
    const room = this.usage.available(tenant, flavor, resource);
    const known = this.last.get(tenant);
    if (
      known?.figures[0] === flavor &&
      known.figures[1] === resource &&
      known.figures[2] === need &&
      known.figures[3] === room &&
      known.figures[4] === serving
    ) {
      return known.refusal;
    }
    const refusal =
      need > this.usage.limitRoom(tenant, flavor, resource)
        ? (this.beyondLimit(tenant, serving, needs) ?? this.limitReached(tenant, flavor, resource, need))
        : this.quotaUsedUp(tenant, flavor, resource, need);
    this.last.set(tenant, { figures: [flavor, resource, need, room, serving], refusal });
    return refusal;
  }

  /**
   * Limits rule the job out on each of these flavours, whatever ends.
   *
   * @param flavors As bits; the first is reported.
   * @param needs   Amounts needed on each flavour.
   * @returns       Undefined: they do not. O(flavours × levels).
   */
  beyondLimit(tenant: number, flavors: number, needs: Float64Array): AccountsRefusal | undefined {
    if (flavors === 0 || (flavors & NO_FLAVOR_BIT) !== 0) return undefined;
    let first: AccountsRefusal | undefined;
    for (let left = flavors; left !== 0; left &= left - 1) {
      const flavor = 31 - Math.clz32(left & -left);
      const resource = this.exceeded(tenant, flavor, needs);
      if (resource < 0) return undefined;
      const need = needs[flavor * RESOURCES_PER_FLAVOR + resource] as number;
      first ??= { ...this.limitReached(tenant, flavor, resource, need), code: 'limit-exceeded' };
    }
    return first;
  }

  /** Admitted on some flavours only, and these are full. */
  flavorsFull(tenant: number, left: number, lacking: number): AccountsRefusal {
    const key = `${tenant} ${left} ${lacking}`;
    let refusal = this.full.get(key);
    if (refusal === undefined) {
      refusal = {
        code: 'flavors-full',
        data: {
          tenant: this.table.nameOf(tenant),
          fullFlavors: this.namesOf(left),
          withoutHeadroom: this.namesOf(lacking),
        },
      };
      this.full.set(key, refusal);
    }
    return refusal;
  }

  /** @returns The resource of which more is needed than a limit on the path allows; −1: none. */
  private exceeded(tenant: number, flavor: number, needs: Float64Array): number {
    const { tree } = this.usage;
    for (let resource = RESOURCES_PER_FLAVOR - 1; resource >= 0; resource--) {
      const cell = flavor * RESOURCES_PER_FLAVOR + resource;
      const need = needs[cell] as number;
      for (let row = tree.rowOf(tenant); row > 0; row = tree.parents[row] as number) {
        if (need > (tree.limits[row * tree.cells + cell] as number)) return resource;
      }
    }
    return -1;
  }

  private limitReached(tenant: number, flavor: number, resource: number, need: number): AccountsRefusal {
    const { usage } = this;
    const limiter = usage.limitedBy(tenant, flavor, resource, need);
    const at = usage.tree.rowOf(limiter) * usage.tree.cells + flavor * RESOURCES_PER_FLAVOR + resource;
    const held = shown(resource, usage.heldBy(limiter, flavor, resource));
    const limit = shown(resource, usage.tree.limits[at] as number);
    const needed = shown(resource, need);
    const of = { tenant: this.table.nameOf(limiter), flavor: this.flavorName(flavor) };
    const code = 'limit-reached';
    // Written out: these are made for each refused job, and computed names of fields cost ten times as much.
    if (resource === QUOTA_GPU) {
      return { code, data: { ...of, needGpus: needed, heldGpus: held, limitGpus: limit } };
    }
    if (resource === QUOTA_CPU) {
      return { code, data: { ...of, needCores: needed, heldCores: held, limitCores: limit } };
    }
    return { code, data: { ...of, needGib: needed, heldGib: held, limitGib: limit } };
  }

  private quotaUsedUp(tenant: number, flavor: number, resource: number, need: number): AccountsRefusal {
    const { usage } = this;
    const available = shown(resource, Math.max(0, usage.quotaRoom(tenant, flavor, resource)));
    const quota = shown(resource, usage.quotaOf(tenant, flavor, resource));
    const lent = shown(resource, usage.lent(tenant, flavor, resource));
    const needed = shown(resource, need);
    const of = { tenant: this.table.nameOf(tenant), flavor: this.flavorName(flavor) };
    const code = 'quota-used-up';
    if (resource === QUOTA_GPU) {
      const data = { ...of, needGpus: needed, availableGpus: available, quotaGpus: quota, lentGpus: lent };
      return { code, data };
    }
    if (resource === QUOTA_CPU) {
      const data = {
        ...of,
        needCores: needed,
        availableCores: available,
        quotaCores: quota,
        lentCores: lent,
      };
      return { code, data };
    }
    return {
      code,
      data: { ...of, needGib: needed, availableGib: available, quotaGib: quota, lentGib: lent },
    };
  }

  private namesOf(mask: number): string {
    const { flavors } = this.usage.tree.market;
    const names = flavors.filter((_, flavor) => (mask & (1 << flavor)) !== 0).map(({ name }) => name);
    if ((mask & NO_FLAVOR_BIT) !== 0) names.push('nodes of no flavour');
    return names.join(', ');
  }

  private flavorName(flavor: number): string {
    return (this.usage.tree.market.flavors[flavor] as QuotaFlavor).name;
  }
}

/** An amount in cores, GiB or GPUs, to the thousandth. */
function shown(resource: number, amount: number): number {
  return resource === QUOTA_MEMORY ? rounded(amount / MIB_PER_GIB) : amount / MILLI;
}

function rounded(value: number): number {
  return Math.round(value * MILLI) / MILLI;
}
