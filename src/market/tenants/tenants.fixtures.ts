/** Random trees of tenants, and pods, for tests. */
import type { Random } from '../../kernel/random.ts';
import {
  type MarketSpec,
  marketSpec,
  QUOTA_RESOURCES,
  type QuotaAmounts,
  quotaFlavor,
  type TenantSpec,
  tenantSpec,
} from './spec.ts';
import type { HeldAmounts } from './tenant-usage.ts';

/** A market and its tenants. */
export interface DrawnTenants {
  readonly market: MarketSpec;
  readonly tenants: readonly TenantSpec[];
}

/** @returns A market with flavours of the given names. */
export function marketOf(...names: string[]): MarketSpec {
  return marketSpec({ flavors: names.map((name) => quotaFlavor(name, { gpuModels: [name] })) });
}

/** @returns Amounts of GPUs of one flavour. */
export function gpus(flavor: string, count: number): Readonly<Record<string, QuotaAmounts>> {
  return { [flavor]: { gpuMilli: count * 1000 } };
}

/** @returns A pod that holds GPUs and nothing else. */
export function gpuPod(count: number): HeldAmounts {
  return { cpuMilli: 0, memoryMib: 0, gpuTotalMilli: count * 1000 };
}

/** Up to 8 tenants on up to 4 levels, two flavours; quotas of few units, so that bounds are hit; all valid. */
export function drawTenants(random: Random): DrawnTenants {
  const market = marketOf('a', 'b');
  const count = 1 + random.nextInt(8);
  const parents = Array.from({ length: count }, (_, i) =>
    i > 0 && random.nextInt(3) > 0 ? random.nextInt(i) : -1,
  );
  const drafts = parents.map((parent, i) => ({
    ...{ name: `t${i}`, parent: parent < 0 ? '' : `t${parent}`, weight: random.nextInt(4) },
    ...{ quota: emptyAmounts(), limit: emptyAmounts(), lend: emptyAmounts() },
  }));
  for (const flavor of ['a', 'b']) {
    for (const resource of QUOTA_RESOURCES) {
      if (random.nextInt(4) === 0) continue;
      const visible = new Array<number>(count).fill(0);
      const total = new Array<number>(count).fill(0);
      for (let i = count - 1; i >= 0; i--) {
        const quota = Math.max(0, random.nextInt(12) - 3);
        const draft = drafts[i] as (typeof drafts)[number];
        const here = (visible[i] as number) + quota;
        const sum = (total[i] as number) + quota;
        let lent = here;
        put(draft.quota, flavor, resource, quota);
        if (random.nextInt(2) === 0) {
          lent = random.nextInt(here + 1);
          put(draft.lend, flavor, resource, lent);
        }
        if (random.nextInt(3) === 0) put(draft.limit, flavor, resource, sum + random.nextInt(6));
        const parent = parents[i] as number;
        if (parent < 0) continue;
        visible[parent] = (visible[parent] as number) + lent;
        total[parent] = (total[parent] as number) + sum;
      }
    }
  }
  // In any order: the tree sorts them.
  const tenants = drafts.map(({ name, ...given }) => tenantSpec(name, given));
  return { market, tenants: random.nextInt(2) === 0 ? tenants : tenants.reverse() };
}

type DraftAmounts = Record<string, { cpuMilli?: number; memoryMib?: number; gpuMilli?: number }>;

function emptyAmounts(): DraftAmounts {
  return {};
}

function put(
  into: DraftAmounts,
  flavor: string,
  resource: (typeof QUOTA_RESOURCES)[number],
  amount: number,
): void {
  into[flavor] ??= {};
  into[flavor][resource] = amount;
}
