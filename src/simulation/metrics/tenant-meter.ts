/**
 * What tenants held, borrowed and lent during a run, and how long their jobs waited.
 *
 * It stands in front of the accounts and sees every hold and release. What a tenant holds and borrows changes with these on its
 * own path only, and is integrated exactly; what it has lent changes with those of others, and is sampled.
 */
import type { Accounts, AccountsRefusal, Ask } from '../../governor/accounts.ts';
import type { TenantAccounts } from '../../governor/tenant-accounts.ts';
import type { EffectBuffer } from '../../governor/zone/effects.ts';
import { EffectKind } from '../../governor/zone/zone-events.ts';
import { QuantileSketch } from '../../kernel/quantile-sketch.ts';
import { QUOTA_CPU, QUOTA_GPU } from '../../market/tenants/spec.ts';
import { CLUSTER_TENANT, type TenantTree } from '../../market/tenants/tenant-tree.ts';
import type { Demand } from '../../model/demand.ts';
import type { JobTable } from '../inputs/job-table.ts';
import type { TenantResult } from './tenant-result.ts';

/** Samples of loans until the last arrival. */
const SAMPLES = 500;

const MILLI = 1000;
const HOUR = 3600;

/** Integrals of one tenant: amounts × seconds, and its jobs. */
interface Meter {
  /** Until when the integrals are complete. */
  at: number;
  usedGpu: number;
  usedCpu: number;
  borrowedGpu: number;
  borrowedCpu: number;
  /** Micro-units an hour × seconds at base prices. */
  units: number;
  lentGpu: number;
  lentCpu: number;
  started: number;
  waiting: number;
  readonly waits: QuantileSketch;
}

/** Measures the accounts of one run. */
export class TenantMeter implements Accounts {
  readonly accounts: TenantAccounts;
  private readonly table: JobTable;
  private readonly warmupSeconds: number;
  private readonly meters = new Map<number, Meter>();
  private readonly flavorCount: number;
  private readonly interval: number;
  private sampledAt: number;
  /** @shape [jobs] 1: waits. */
  private readonly waitingFlags: Uint8Array;
  /** @shape [jobs] 1: has started. */
  private readonly ran: Uint8Array;

  constructor(accounts: TenantAccounts, table: JobTable, warmupSeconds: number) {
    this.accounts = accounts;
    this.table = table;
    this.warmupSeconds = warmupSeconds;
    this.flavorCount = accounts.tree.market.flavors.length;
    this.interval = Math.max(table.spanSeconds / SAMPLES, Number.MIN_VALUE);
    this.sampledAt = warmupSeconds;
    this.waitingFlags = new Uint8Array(table.count);
    this.ran = new Uint8Array(table.count);
    for (const tenant of accounts.tree.tenants) {
      const zero = {
        usedGpu: 0,
        usedCpu: 0,
        borrowedGpu: 0,
        borrowedCpu: 0,
        units: 0,
        lentGpu: 0,
        lentCpu: 0,
      };
      const meter = { ...zero, at: warmupSeconds, started: 0, waiting: 0, waits: new QuantileSketch() };
      this.meters.set(tenant, meter);
    }
  }

  /** The tenants of the accounts. */
  get tree(): TenantTree {
    return this.accounts.tree;
  }

  get dueSeconds(): number {
    return this.accounts.dueSeconds;
  }

  admit(ask: Ask, timeSeconds: number): AccountsRefusal | undefined {
    return this.accounts.admit(ask, timeSeconds);
  }

  onHold(tenant: number, holder: number, demand: Demand, node: number, timeSeconds: number): void {
    this.settlePath(tenant, timeSeconds);
    this.accounts.onHold(tenant, holder, demand, node, timeSeconds);
  }

  onRelease(tenant: number, holder: number, demand: Demand, node: number, timeSeconds: number): void {
    this.settlePath(tenant, timeSeconds);
    this.accounts.onRelease(tenant, holder, demand, node, timeSeconds);
  }

  tick(timeSeconds: number, wake: (tenant: number) => void): void {
    this.accounts.tick(timeSeconds, wake);
  }

  /** Takes the effects of a step: jobs start and wait. */
  afterStep({ kinds, jobs, length }: EffectBuffer, now: number): void {
    for (let i = 0; i < length; i++) {
      const job = jobs[i] as number;
      switch (kinds[i]) {
        case EffectKind.JobStarted:
          this.waits(job, 0);
          this.started(job, now);
          break;
        case EffectKind.JobWaiting:
        case EffectKind.JobRequeued:
          this.waits(job, 1);
          break;
        case EffectKind.JobDropped:
          this.waits(job, 0);
          break;
        default:
          break;
      }
    }
  }

  /**
   * @param endSeconds     End of virtual time.
   * @param decidedSeconds The latest time that the accounts have seen, at least `endSeconds`: that of what is spent.
   * @returns              The tenants, parents first.
   */
  results(endSeconds: number, decidedSeconds: number = endSeconds): TenantResult[] {
    const { tree, usage } = this.accounts;
    for (const tenant of tree.tenants) this.settle(tenant, endSeconds);
    this.sampleLoans(endSeconds);
    const hasGpus = tree.market.flavors.some((_, flavor) => usage.capacityOf(flavor, QUOTA_GPU) > 0);
    const time = (meter: Meter): number => (hasGpus ? meter.usedGpu : meter.usedCpu);
    const top = tree.childrenOf(CLUSTER_TENANT);
    const all = top.reduce((sum, tenant) => sum + time(this.meterOf(tenant)), 0);
    return tree.tenants.map((tenant) =>
      this.resultOf(tenant, all === 0 ? 0 : time(this.meterOf(tenant)) / all, endSeconds, decidedSeconds),
    );
  }

  private resultOf(tenant: number, share: number, endSeconds: number, decidedSeconds: number): TenantResult {
    const { tree, budgets } = this.accounts;
    const meter = this.meterOf(tenant);
    const { name, parent, weight, quota, budget } = tree.specOf(tenant);
    const seconds = Math.max(endSeconds - this.warmupSeconds, Number.MIN_VALUE);
    const mean = (gpu: number, cpu: number) => ({
      gpus: gpu / seconds / MILLI,
      cpuCores: cpu / seconds / MILLI,
    });
    const amounts = Object.values(quota);
    const sum = (resource: 'gpuMilli' | 'cpuMilli'): number =>
      amounts.reduce((total, amount) => total + (amount[resource] ?? 0), 0) / MILLI;
    const siblings = tree.childrenOf(tree.parentOf(tenant));
    const cost = siblings.reduce((total, sibling) => total + this.meterOf(sibling).units, 0);
    const levelShare = tree.levelShare(tenant, meter.units, cost);
    const hasWaits = meter.started > 0 && !Number.isNaN(meter.waits.quantile(0.5));
    return {
      name,
      parent,
      weight,
      quota: { gpus: sum('gpuMilli'), cpuCores: sum('cpuMilli') },
      used: mean(meter.usedGpu, meter.usedCpu),
      borrowed: mean(meter.borrowedGpu, meter.borrowedCpu),
      lent: mean(meter.lentGpu, meter.lentCpu),
      started: meter.started,
      waiting: meter.waiting,
      waitP50: hasWaits ? meter.waits.quantile(0.5) : null,
      waitP99: hasWaits ? meter.waits.quantile(0.99) : null,
      gpuHours: meter.usedGpu / MILLI / HOUR,
      share,
      levelShare: Number.isFinite(levelShare) ? levelShare : null,
      spentTokens: budget === undefined ? null : budgets.spentOf(tenant, decidedSeconds),
    };
  }

  private meterOf(tenant: number): Meter {
    return this.meters.get(tenant) as Meter;
  }

  private settlePath(tenant: number, time: number): void {
    const { tree } = this.accounts;
    if (time >= this.sampledAt + this.interval) this.sampleLoans(time);
    for (let at = tree.accountOf(tenant); at !== CLUSTER_TENANT; at = tree.parentOf(at))
      this.settle(at, time);
  }

  private settle(tenant: number, time: number): void {
    const meter = this.meterOf(tenant);
    const seconds = time - meter.at;
    if (seconds <= 0) return;
    const { usage } = this.accounts;
    meter.at = time;
    meter.units += seconds * usage.unitsPerHourOf(tenant);
    for (let flavor = 0; flavor < this.flavorCount; flavor++) {
      meter.usedGpu += seconds * usage.heldBy(tenant, flavor, QUOTA_GPU);
      meter.usedCpu += seconds * usage.heldBy(tenant, flavor, QUOTA_CPU);
      meter.borrowedGpu += seconds * usage.borrowed(tenant, flavor, QUOTA_GPU);
      meter.borrowedCpu += seconds * usage.borrowed(tenant, flavor, QUOTA_CPU);
    }
  }

  /** Counts the loans of now for the time since the last sample. */
  private sampleLoans(time: number): void {
    const seconds = time - this.sampledAt;
    if (seconds <= 0) return;
    const { usage } = this.accounts;
    this.sampledAt = time;
    for (const [tenant, meter] of this.meters) {
      for (let flavor = 0; flavor < this.flavorCount; flavor++) {
        meter.lentGpu += seconds * usage.lent(tenant, flavor, QUOTA_GPU);
        meter.lentCpu += seconds * usage.lent(tenant, flavor, QUOTA_CPU);
      }
    }
  }

  private waits(job: number, flag: 0 | 1): void {
    if (this.waitingFlags[job] === flag) return;
    this.waitingFlags[job] = flag;
    this.meterOfJob(job).waiting += flag === 1 ? 1 : -1;
  }

  private started(job: number, now: number): void {
    if (this.ran[job] === 1) return;
    this.ran[job] = 1;
    const meter = this.meterOfJob(job);
    meter.started++;
    const submit = this.table.submitSeconds[job] as number;
    if (submit >= this.warmupSeconds) meter.waits.insert(now - submit);
  }

  private meterOfJob(job: number): Meter {
    return this.meterOf(this.accounts.tree.accountOf(this.table.tenantIds[job] as number));
  }
}
