/**
 * What an administrator writes about a market and its tenants, read and with defaults filled in: plain data.
 *
 * Amounts are integers: thousandths of a core, MiB, thousandths of a GPU. Quotas, limits and loans are by flavour: a named
 * kind of node, of which a market has a few. Not to be confused with `Flavor` of a cluster, the distinct hardware.
 */

/** Resources that quotas and prices are about; their numbers are the indices. */
export const QUOTA_RESOURCES = ['cpuMilli', 'memoryMib', 'gpuMilli'] as const;

/** A resource by name. */
export type QuotaResourceName = (typeof QUOTA_RESOURCES)[number];

/** Number of the resource CPU, as of the two below. */
export const QUOTA_CPU = 0;
/** Number of the resource memory. */
export const QUOTA_MEMORY = 1;
/** Number of the resource GPU. */
export const QUOTA_GPU = 2;

/** Resources a flavour has. */
export const RESOURCES_PER_FLAVOR: number = QUOTA_RESOURCES.length;

/** Most flavours of a market: sets of them are 32-bit masks. */
export const MARKET_FLAVORS_MAX = 30;

/** Amounts by resource; absent: not named. Integers ≥ 0. */
export type QuotaAmounts = { readonly [Name in QuotaResourceName]?: number };

/** Amounts by name of the flavour. */
export type FlavorAmounts = Readonly<Record<string, QuotaAmounts>>;

/** A kind of node that quotas name. A node belongs to the first flavour that it matches, or to none. */
export interface QuotaFlavor {
  readonly name: string;
  /** Models of its GPUs; empty: any, and none. */
  readonly gpuModels: readonly string[];
  /** Labels that its nodes have, with these values. */
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** Units that a pod costs an hour at price 1: for each core, GiB and GPU. Finite, ≥ 0. */
  readonly unitsPerHour: { readonly core: number; readonly gib: number; readonly gpu: number };
}

/** The market: one a cluster. */
export interface MarketSpec {
  readonly flavors: readonly QuotaFlavor[];
  /** Half-life of balances and of usage, > 0: a half-life of 0 would switch fairness off in silence. */
  readonly halfLifeSeconds: number;
  /** Whose turn it is: of who had least for its share, or has most tokens for its mint (`TenantOrderKind`). */
  readonly order: 'Usage' | 'Balance';
  /** By usage: what a tenant may be behind and catch up, seconds of its share, > 0. */
  readonly memorySeconds: number;
  /** Highest price, as a multiple of the base; ≥ 1. */
  readonly priceCap: number;
  readonly champion: {
    /** A gang may become champion after it has waited for this long. */
    readonly afterSeconds: number;
    /** Reservations at a time and contention domain. */
    readonly reservationsMax: number;
    /** How long jobs of unknown run time count: predicted, by their tenant's default, or as endless. */
    readonly unknownRuntime: 'Predict' | 'Tenant' | 'Never';
  };
  /** Whether a priority holds within a tenant only, or in the whole cluster. */
  readonly priorityScope: 'Tenant' | 'Cluster';
  /** On Kubernetes: what runs pays rent, and what no quota covers must be affordable. Absent: not. */
  readonly tokens?: boolean | undefined;
}

/** What a tenant may evict, and what others may evict of its jobs. */
export interface PreemptionSpec {
  /** Its own jobs in favour of others of its own. */
  readonly within: 'LowerPriority' | 'Never';
  /** Jobs of borrowers, when it claims its quota back. */
  readonly reclaim: 'Any' | 'LowerPriority' | 'Never';
  /** Whether its borrowing jobs may be evicted by lenders. */
  readonly reclaimable: boolean;
  /** A job is not evicted before it has run for this long, ≥ 0. */
  readonly minRuntimeSeconds: number;
  /** Largest part of its running value that is evicted an hour; in [0, 1]. */
  readonly ratePerHour: number;
  /** Pods of its own that evictions should keep from running at a time, at most; ≥ 0. Absent: any number. */
  readonly maxUnavailable?: number | undefined;
}

/** What a tenant may spend in a period. */
export interface BudgetSpec {
  /** ≥ 0. A token is a unit-hour at price 1. */
  readonly tokens: number;
  /** Length of a period, > 0; the first begins at time 0. */
  readonly periodSeconds: number;
  /** Once it is spent: new jobs wait for the next period, or run on idle capacity only, as of quota 0. */
  readonly onEmpty: 'Wait' | 'IdleOnly';
}

/** Open: admits. Hold: starts nothing. HoldAndDrain: what runs is to end as well. */
export type TenantState = 'Open' | 'Hold' | 'HoldAndDrain';

/** When a state other than Open begins, and how fast HoldAndDrain ends what runs. */
export interface HoldSpec {
  /** The tenant is Open before; ≥ 0. */
  readonly fromSeconds: number;
  /** Most pods that are evicted in an interval, or one job that has more; integer ≥ 1. */
  readonly drainPods: number;
  /** Length of an interval, > 0. */
  readonly intervalSeconds: number;
}

/** From the start; 64 pods a minute. */
export const HOLD_DEFAULTS: HoldSpec = Object.freeze({ fromSeconds: 0, drainPods: 64, intervalSeconds: 60 });

/** One tenant. */
export interface TenantSpec {
  readonly name: string;
  /** The tenant above; '': the cluster. */
  readonly parent: string;
  /** Share of the surplus among its siblings; finite, ≥ 0. 0: idle capacity only. */
  readonly weight: number;
  /** Its own contribution, beside its children's: a parent's quota is there for all below it. */
  readonly quota: FlavorAmounts;
  /** Most that it and all below it hold together; absent: none. */
  readonly limit: FlavorAmounts;
  /** Most of the quota of it and all below it that others may use while it is idle; absent: all of it. */
  readonly lend: FlavorAmounts;
  readonly preemption: PreemptionSpec;
  readonly budget?: BudgetSpec;
  /** Expected run time of its jobs that declare none, > 0; Infinity: endless. */
  readonly defaultRuntimeSeconds: number;
  readonly state: TenantState;
  /** Absent: `HOLD_DEFAULTS`. */
  readonly hold?: HoldSpec;
}

/** Half-life if none is given to `marketSpec`: a week. */
export const HALF_LIFE_SECONDS_DEFAULT: number = 168 * 3600;

/** Memory if none is given to `marketSpec`: 30 days. */
export const MEMORY_SECONDS_DEFAULT: number = 720 * 3600;

/** Run time of jobs that declare none, unless their tenant says otherwise: eight hours. */
export const DEFAULT_RUNTIME_SECONDS: number = 8 * 3600;

/** @returns A market with defaults for the fields left out. Nothing is checked: `TenantTree` does. */
export function marketSpec(given: Partial<MarketSpec> = {}): MarketSpec {
  return {
    flavors: [],
    halfLifeSeconds: HALF_LIFE_SECONDS_DEFAULT,
    order: 'Usage',
    memorySeconds: MEMORY_SECONDS_DEFAULT,
    priceCap: 20,
    champion: { afterSeconds: 60, reservationsMax: 6, unknownRuntime: 'Predict' },
    priorityScope: 'Tenant',
    ...given,
  };
}

/** @returns A flavour with defaults for the fields left out: every node, 1 unit an hour for a GPU. */
export function quotaFlavor(name: string, given: Partial<QuotaFlavor> = {}): QuotaFlavor {
  return { name, gpuModels: [], nodeLabels: {}, unitsPerHour: { core: 0, gib: 0, gpu: 1 }, ...given };
}

/** @returns A tenant with defaults for the fields left out: weight 1, no quota, no limit, open. */
export function tenantSpec(name: string, given: Partial<TenantSpec> = {}): TenantSpec {
  return {
    name,
    parent: '',
    weight: 1,
    quota: {},
    limit: {},
    lend: {},
    preemption: PREEMPTION_DEFAULTS,
    defaultRuntimeSeconds: DEFAULT_RUNTIME_SECONDS,
    state: 'Open',
    ...given,
  };
}

/**
 * Lenders claim back from whom they like, after 10 minutes. Nobody is evicted for fair shares alone: that loses work
 * (docs/results/fairness.md).
 */
export const PREEMPTION_DEFAULTS: PreemptionSpec = {
  within: 'LowerPriority',
  reclaim: 'Any',
  reclaimable: true,
  minRuntimeSeconds: 600,
  ratePerHour: 0,
};
