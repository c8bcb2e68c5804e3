/** The reasons why accounts of tenants refuse, with their figures. Equal ones in a row are the same object. */
import { type QuotaFlavor, RESOURCES_PER_FLAVOR } from '../market/tenants/spec.ts';
import type { TenantBudgets } from '../market/tenants/tenant-budgets.ts';
import type { TenantUsage } from '../market/tenants/tenant-usage.ts';
import type { TenantTable } from '../model/tenants.ts';
import type { AccountsRefusal } from './accounts.ts';
import { NO_FLAVOR_BIT } from './node-flavors.ts';

/** Names of amounts in refusals, by resource, and how many integer units make one. */
const SHOWN = [
  { name: 'Cores', units: 1000 },
  { name: 'Gib', units: 1024 },
  { name: 'Gpus', units: 1000 },
] as const;

/** A refusal by room, and the figures that it was made of. */
interface LastRefusal {
  readonly figures: readonly [number, number, number, number];
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
   */
  noHeadroom(tenant: number, lacking: number, needs: Float64Array): AccountsRefusal {
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
      known.figures[3] === room
    ) {
      return known.refusal;
    }
    const refusal =
      need > this.usage.limitRoom(tenant, flavor, resource)
        ? this.limitReached(tenant, flavor, resource, need)
        : this.quotaUsedUp(tenant, flavor, resource, need);
    this.last.set(tenant, { figures: [flavor, resource, need, room], refusal });
    return refusal;
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

  private limitReached(tenant: number, flavor: number, resource: number, need: number): AccountsRefusal {
    const { usage } = this;
    const limiter = usage.limitedBy(tenant, flavor, resource, need);
    const at = usage.tree.rowOf(limiter) * usage.tree.cells + flavor * RESOURCES_PER_FLAVOR + resource;
    return {
      code: 'limit-reached',
      data: {
        tenant: this.table.nameOf(limiter),
        flavor: this.flavorName(flavor),
        ...shown('need', resource, need),
        ...shown('held', resource, usage.heldBy(limiter, flavor, resource)),
        ...shown('limit', resource, usage.tree.limits[at] as number),
      },
    };
  }

  private quotaUsedUp(tenant: number, flavor: number, resource: number, need: number): AccountsRefusal {
    const { usage } = this;
    return {
      code: 'quota-used-up',
      data: {
        tenant: this.table.nameOf(tenant),
        flavor: this.flavorName(flavor),
        ...shown('need', resource, need),
        ...shown('available', resource, Math.max(0, usage.quotaRoom(tenant, flavor, resource))),
        ...shown('quota', resource, usage.quotaOf(tenant, flavor, resource)),
        ...shown('lent', resource, usage.lent(tenant, flavor, resource)),
      },
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

function shown(what: string, resource: number, amount: number): Record<string, number> {
  const { name, units } = SHOWN[resource] as (typeof SHOWN)[number];
  return { [`${what}${name}`]: rounded(amount / units) };
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
