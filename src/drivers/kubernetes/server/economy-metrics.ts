/**
 * The metrics of the economy: gauges that are set on a scrape, and counters of what is kept in the core.
 *
 * Bounded: as many tenants as the configuration allows have rows, those that come first in the tree; flavours and codes are few.
 */
import type { EconomyFigures } from '../../../governor/pods/economy-figures.ts';
import { QUOTA_RESOURCES, type QuotaResourceName } from '../../../market/tenants/spec.ts';
import { ECONOMY_METRICS } from './metric-definitions.ts';
import { MetricSeries } from './metric-series.ts';
import type { SchedulerMetrics } from './scheduler-metrics.ts';

type Amounts = Readonly<Record<QuotaResourceName, number>>;

/** What the gauges need of an `EconomyFrame`. */
export interface EconomyGauges {
  readonly timeSeconds: number;
  /** Parents first. */
  readonly tenants: readonly {
    readonly name: string;
    readonly flavors: readonly {
      readonly flavor: string;
      readonly quota: Amounts;
      readonly used: Amounts;
      readonly borrowed: Amounts;
      readonly lent: Amounts;
    }[];
    readonly levelShare: number;
    readonly tokens:
      | { readonly balance: number; readonly reserved: number; readonly spendPerHour: number }
      | undefined;
  }[];
  readonly flavors: readonly { readonly name: string; readonly price: number }[];
  readonly champions: readonly { readonly job: string; readonly startsBySeconds: number }[];
}

/** Rows of a metric at most, whatever the tenants. */
const ROWS_MAX = 100_000;

/** Stands for the tenants beyond the limit. */
const FURTHER = 'other';

/** Value of the label `resource`, and how many of its units are one of the metric's. */
const UNITS: Readonly<Record<QuotaResourceName, readonly [label: string, factor: number]>> = {
  cpuMilli: ['cpu', 1 / 1000],
  memoryMib: ['memory', 2 ** 20],
  gpuMilli: ['gpu', 1 / 1000],
};

type EconomyKey = keyof typeof ECONOMY_METRICS;

/** The metrics of one scheduler's economy. */
export class EconomyMetrics {
  private readonly series: Readonly<Record<EconomyKey, MetricSeries>>;
  private readonly tenantsMax: number;
  /** GPU-seconds held idle by tenant, and what has been held since the last note. */
  private readonly idleTotals = new Map<string, number>();
  private idle: ReadonlyMap<string, number> = new Map();
  private idleSinceSeconds = Number.NaN;

  /** @param tenantsMax Tenants with rows of their own, ≥ 0. */
  constructor(metrics: SchedulerMetrics, tenantsMax: number) {
    this.tenantsMax = tenantsMax;
    const entries = Object.entries(ECONOMY_METRICS).map(([key, definition]) => [
      key,
      new MetricSeries(definition, ROWS_MAX),
    ]);
    this.series = Object.fromEntries(entries) as Record<EconomyKey, MetricSeries>;
    for (const series of Object.values(this.series)) metrics.serve(series);
  }

  /** GPUs are held idle from now on, by tenant. O(tenants). */
  noteIdle(idle: ReadonlyMap<string, number>, timeSeconds: number): void {
    const seconds = Math.max(0, timeSeconds - this.idleSinceSeconds);
    if (seconds > 0) {
      for (const [tenant, gpus] of this.idle) {
        this.idleTotals.set(tenant, (this.idleTotals.get(tenant) ?? 0) + gpus * seconds);
      }
    }
    this.idle = idle;
    this.idleSinceSeconds = timeSeconds;
  }

  /** Sets all of them. @param gauges Undefined, as `figures`: there is no economy now. */
  collect(gauges: EconomyGauges | undefined, figures: EconomyFigures | undefined): void {
    for (const series of Object.values(this.series)) series.clear();
    if (gauges === undefined || figures === undefined) return;
    const shown = new Set(gauges.tenants.slice(0, this.tenantsMax).map(({ name }) => name));
    for (const tenant of gauges.tenants) if (shown.has(tenant.name)) this.collectTenant(tenant);
    for (const { name, price } of gauges.flavors) this.add('price', price, name);
    for (const { job, startsBySeconds } of gauges.champions) {
      this.add('championStart', Math.max(0, startsBySeconds - gauges.timeSeconds), job);
    }
    this.add('psi', figures.psi);
    const labelOf = (tenant: string) => (shown.has(tenant) ? tenant : FURTHER);
    for (const [tenant, byCode] of figures.waitingPods) {
      for (const [code, pods] of byCode) this.add('waiting', pods, labelOf(tenant), code);
    }
    for (const [why, pods] of Object.entries(figures.evicted)) this.add('evictions', pods, why);
    for (const [tenant, seconds] of figures.workLost) this.add('workLost', seconds, labelOf(tenant));
    const known = new Set(gauges.tenants.map(({ name }) => name));
    for (const [tenant, seconds] of this.idleTotals) {
      if (known.has(tenant)) this.add('heldIdle', seconds, labelOf(tenant));
      else this.idleTotals.delete(tenant);
    }
  }

  private collectTenant({ name, flavors, levelShare, tokens }: EconomyGauges['tenants'][number]): void {
    this.add('levelShare', levelShare, name);
    if (tokens !== undefined) {
      this.add('balance', tokens.balance, name);
      this.add('reserved', tokens.reserved, name);
      this.add('spend', tokens.spendPerHour, name);
    }
    for (const { flavor, quota, used, borrowed, lent } of flavors) {
      for (const resource of QUOTA_RESOURCES) {
        if (quota[resource] === 0 && used[resource] === 0) continue;
        const [label, factor] = UNITS[resource];
        this.add('quota', quota[resource] * factor, name, flavor, label);
        this.add('used', used[resource] * factor, name, flavor, label);
        this.add('borrowed', borrowed[resource] * factor, name, flavor, label);
        this.add('lent', lent[resource] * factor, name, flavor, label);
      }
    }
  }

  private add(metric: EconomyKey, amount: number, ...labels: string[]): void {
    const series = this.series[metric];
    series.add(series.row(labels), amount);
  }
}
