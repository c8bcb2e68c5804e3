/**
 * The market at the end of a run, in its result: what a price or a balance follows from, so that a quote can be computed from it.
 */
import { z } from 'zod';
import type { IdleNodes } from '../../governor/pods/frame/market-books.ts';
import type { TenantAccounts } from '../../governor/tenant-accounts.ts';
import { MICROS_PER_SECOND, MICROS_PER_TOKEN } from '../../market/amounts.ts';
import { priceOf } from '../../market/prices/unit-price.ts';
import { QUOTA_CPU, QUOTA_GPU, QUOTA_MEMORY } from '../../market/tenants/spec.ts';
import { capacityUnits } from '../../market/tenants/tenant-mints.ts';
import { CLUSTER_TENANT } from '../../market/tenants/tenant-tree.ts';
import { MARKET_DEFAULTS } from '../../market/token-market/market-options.ts';
import type { TokenMarket } from '../../market/token-market/token-market.ts';
import type { ClusterState } from '../../model/cluster-state.ts';

const MILLI = 1000;

const freeNodesSchema = z.object({ gpus: z.number(), nodes: z.number() });

const marketFlavorSchema = z
  .object({
    name: z.string(),
    gpuModels: z.array(z.string()).describe('empty: any'),
    unitsPerHour: z.object({ core: z.number(), gib: z.number(), gpu: z.number() }),
    capacityUnits: z.number(),
    usedUnits: z.number(),
    basePrice: z.number().describe('tokens for a unit-hour of an idle flavour'),
    cap: z.number().describe('largest price ÷ base'),
    price: z.number().describe('tokens for a unit-hour'),
    slope: z.number().describe('by how much the price rises with a unit more'),
    free: z
      .array(freeNodesSchema)
      .describe('nodes that are up, by whole idle GPUs; without those that have none'),
  })
  .describe('hardware that has one price');

const marketTenantSchema = z
  .object({
    name: z.string(),
    mintPerHour: z.number().describe('tokens; 0 for a tenant with others below it'),
    ceiling: z.number().describe('tokens that it has at most'),
    balance: z.number().describe('tokens, less what is set aside and owed; may be below 0'),
    spendable: z.number().describe('tokens that it can set aside so that rents are paid until the next tick'),
    standingHours: z
      .number()
      .nullable()
      .describe(
        'what tenants are ordered by, larger goes first. By usage: hours of its share that it had less than the tenant that had most; by balance: balance in hours of mint; null: no mint',
      ),
    spendPerHour: z.number().describe('tokens of rent at the quotes of now'),
    charged: z.number().describe('tokens of rent in the run'),
    availableGpus: z
      .record(z.string(), z.number().nullable())
      .describe('by flavour: GPUs that quotas, loans and limits leave it; null: not bounded'),
  })
  .describe("a tenant's account");

/** The market in a result. */
export const marketResultSchema = z.object({
  atSeconds: z.number(),
  isFree: z.boolean().optional().describe('true: nobody has to pay, and prices are multiples of the base'),
  halfLifeSeconds: z.number(),
  order: z.enum(['Usage', 'Balance']).describe('whose turn it is goes by this'),
  memorySeconds: z.number().describe('how much of its share a tenant may be behind, by usage'),
  paysBy: z
    .enum(['job', 'pod'])
    .optional()
    .describe(
      'whether a job of several pods pays one price, or each pod its own until the next rent; absent: job',
    ),
  nextRentSeconds: z.number().optional().describe('when rents are paid and quoted again'),
  rentPeriodSeconds: z.number().describe('rent is set aside for this long, and quoted again after it'),
  flavors: z.array(marketFlavorSchema),
  tenants: z.array(marketTenantSchema),
});

/** See `marketResultSchema`. */
export type MarketResult = z.infer<typeof marketResultSchema>;
/** A flavour of it. */
export type MarketFlavorResult = MarketResult['flavors'][number];
/** A tenant of it. */
export type MarketTenantResult = MarketResult['tenants'][number];

/**
 * @param market Settled or not: it is read only. Undefined: nobody has to pay.
 * @param idle   By flavour.
 * @param paysBy Who has a lease.
 * @returns      Its figures. O(tenants × flavours).
 */
export function marketResult(
  market: TokenMarket | undefined,
  accounts: TenantAccounts,
  idle: readonly (readonly IdleNodes[])[],
  atSeconds: number,
  paysBy: 'job' | 'pod' = 'job',
): MarketResult {
  const { market: spec } = accounts.tree;
  const period = (market?.horizon ?? MARKET_DEFAULTS.rentPeriodMicros) / MICROS_PER_SECOND;
  return {
    atSeconds,
    ...(market === undefined ? { isFree: true } : {}),
    halfLifeSeconds: spec.halfLifeSeconds,
    order: market?.order ?? spec.order,
    memorySeconds: spec.memorySeconds,
    paysBy,
    nextRentSeconds: nextRent((market?.dueMicros ?? 0) / MICROS_PER_SECOND, period, atSeconds),
    rentPeriodSeconds: period,
    flavors: spec.flavors.map(({ name, gpuModels, unitsPerHour }, flavor) => ({
      name,
      gpuModels: [...gpuModels],
      unitsPerHour: { ...unitsPerHour },
      ...(market === undefined ? freePrices(accounts, flavor) : prices(market, flavor)),
      free: [...(idle[flavor] ?? [])],
    })),
    tenants: fromLeast(
      market?.order ?? 'Balance',
      accounts.tree.tenants.map((tenant) => tenantResult(market, accounts, tenant, atSeconds)),
    ),
  };
}

/** @returns The same with times from an origin on, such as the start of a run. */
export function marketFrom(market: MarketResult, originSeconds: number): MarketResult {
  const { atSeconds, nextRentSeconds = atSeconds } = market;
  return {
    ...market,
    atSeconds: atSeconds - originSeconds,
    nextRentSeconds: nextRentSeconds - originSeconds,
  };
}

/** @returns The first of the rents after a time. */
function nextRent(dueSeconds: number, period: number, atSeconds: number): number {
  if (dueSeconds > atSeconds) return dueSeconds;
  return dueSeconds + period * (Math.floor((atSeconds - dueSeconds) / period) + 1);
}

type FlavorPrices = Pick<
  MarketFlavorResult,
  'capacityUnits' | 'usedUnits' | 'basePrice' | 'cap' | 'price' | 'slope'
>;

function prices(market: TokenMarket, flavor: number): FlavorPrices {
  const { value, slope } = market.priceOf(flavor);
  const { base, cap } = market.ruleOf(flavor);
  return {
    capacityUnits: (market.capacities[flavor] as number) / MILLI,
    usedUnits: (market.loads[flavor] as number) / MILLI,
    basePrice: base / MICROS_PER_TOKEN,
    cap,
    price: value / MICROS_PER_TOKEN,
    slope: (slope * MILLI) / MICROS_PER_TOKEN,
  };
}

/** By what tenants hold, at base 1. */
function freePrices({ tree, usage }: TenantAccounts, flavor: number): FlavorPrices {
  const held = (resource: number): number => usage.heldBy(CLUSTER_TENANT, flavor, resource);
  const demand = {
    cpuMilli: held(QUOTA_CPU),
    memoryMib: held(QUOTA_MEMORY),
    gpuTotalMilli: held(QUOTA_GPU),
  };
  const usedUnits = usage.unitsOfPod(flavor, demand) / MICROS_PER_TOKEN;
  const units = capacityUnits(usage, flavor) / MICROS_PER_TOKEN;
  const cap = tree.market.priceCap;
  const { value: price, slope } = priceOf({ base: 1, cap }, usedUnits, units);
  return { capacityUnits: units, usedUnits, basePrice: 1, cap, price, slope };
}

/** By usage: standings count from the tenant that had most, what runs included. */
function fromLeast(order: MarketResult['order'], tenants: MarketTenantResult[]): MarketTenantResult[] {
  if (order === 'Balance') return tenants;
  const least = Math.min(...tenants.map(({ standingHours }) => standingHours ?? Number.POSITIVE_INFINITY));
  return tenants.map((tenant) => ({
    ...tenant,
    standingHours: tenant.standingHours === null ? null : tenant.standingHours - least,
  }));
}

function tenantResult(
  market: TokenMarket | undefined,
  { tree, usage }: TenantAccounts,
  tenant: number,
  atSeconds: number,
): MarketTenantResult {
  const available = tree.market.flavors.map(({ name }, flavor) => {
    const milli = usage.available(tenant, flavor, QUOTA_GPU);
    return [name, Number.isFinite(milli) ? milli / MILLI : null] as const;
  });
  return {
    name: tree.specOf(tenant).name,
    ...(market === undefined ? NO_TOKENS : tokens(market, tree.rowOf(tenant) - 1, atSeconds)),
    availableGpus: Object.fromEntries(available),
  };
}

const NO_TOKENS: Omit<MarketTenantResult, 'name' | 'availableGpus'> = {
  mintPerHour: 0,
  ceiling: 0,
  balance: 0,
  spendable: 0,
  standingHours: null,
  spendPerHour: 0,
  charged: 0,
};

function tokens(market: TokenMarket, number: number, atSeconds: number): typeof NO_TOKENS {
  const now = Math.round(atSeconds * MICROS_PER_SECOND);
  const mint = market.mints[number] as number;
  return {
    mintPerHour: mint / MICROS_PER_TOKEN,
    ceiling: (market.book.ceilings[number] as number) / MICROS_PER_TOKEN,
    balance: market.balanceOf(number, now) / MICROS_PER_TOKEN,
    spendable: market.spendableOf(number, now) / MICROS_PER_TOKEN,
    standingHours: mint === 0 ? null : market.standingOf(number, now),
    spendPerHour: market.rents.perHourOf(number) / MICROS_PER_TOKEN,
    charged: ((market.book.charged[number] as number) + market.rents.dueAt(number, now)) / MICROS_PER_TOKEN,
  };
}

/** @returns By flavour: nodes that are up by whole idle GPUs, most first. O(nodes). */
export function idleNodes({ tree, flavors }: TenantAccounts, cluster: ClusterState): IdleNodes[][] {
  const counts = tree.market.flavors.map(() => new Map<number, number>());
  for (let node = 0; node < cluster.nodeCount; node++) {
    const flavor = flavors.ofNode(node);
    if (flavor < 0 || cluster.up[node] === 0) continue;
    const [begin, end] = [cluster.gpuOffsets[node] as number, cluster.gpuOffsets[node + 1] as number];
    const gpus = cluster.gpuIdleMilli
      .subarray(begin, end)
      .reduce((n, idle) => n + (idle === MILLI ? 1 : 0), 0);
    const byGpus = counts[flavor] as Map<number, number>;
    if (gpus > 0) byGpus.set(gpus, (byGpus.get(gpus) ?? 0) + 1);
  }
  return counts.map((byGpus) =>
    [...byGpus].sort(([a], [b]) => b - a).map(([gpus, nodes]) => ({ gpus, nodes })),
  );
}
