/** A small zone with tenants and evictions, in virtual time. */
import { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import { type PreemptionSpec, type TenantSpec, tenantSpec } from '../../market/tenants/spec.ts';
import { TenantTree } from '../../market/tenants/tenant-tree.ts';
import { gpus, marketOf } from '../../market/tenants/tenants.fixtures.ts';
import { EVICTION_DEFAULTS, type EvictionTerms } from '../../model/eviction-terms.ts';
import { TenantTable } from '../../model/tenants.ts';
import { NodeFlavors } from '../node-flavors.ts';
import { TenantAccounts } from '../tenant-accounts.ts';
import { FirstFit, makeCluster } from '../zone/zone.fixtures.ts';
import { Zone } from '../zone/zone.ts';
import { JobState, ZoneEventKind } from '../zone/zone-events.ts';
import { TegQueue } from './teg-queue.ts';
import { ZoneReclaim } from './zone-reclaim.ts';

/** One GPU. */
const ONE_GPU = 4;
/** The kind of its nodes: four A100. */
const FOUR_GPUS = 2;
/** Everything may be evicted, at once. */
export const EVICT_AT_ONCE: PreemptionSpec = {
  within: 'LowerPriority',
  reclaim: 'Any',
  reclaimable: true,
  minRuntimeSeconds: 0,
  ratePerHour: 1,
};

/** A tenant with a quota of GPUs. */
export function evictingTeam(name: string, quota: number, more: Partial<TenantSpec> = {}): TenantSpec {
  return tenantSpec(name, { quota: gpus('A100', quota), preemption: EVICT_AT_ONCE, ...more });
}

/** A zone with tenants in virtual time; jobs run until they are finished. */
export class EvictionWorld {
  readonly reclaim: ZoneReclaim;
  readonly accounts: TenantAccounts;
  readonly zone: Zone;
  time = 0;
  private readonly table = new TenantTable();

  /** @param nodes Of four GPUs each. */
  constructor(nodes: number, tenants: readonly TenantSpec[]) {
    const cluster = makeCluster(Array.from({ length: nodes }, () => FOUR_GPUS));
    const tree = new TenantTree(marketOf('A100'), tenants, this.table);
    this.accounts = new TenantAccounts(new NodeFlavors(cluster, tree.market), tree, this.table);
    this.reclaim = new ZoneReclaim(this.accounts, { refusalsMax: 4, intervalSeconds: 30 });
    const queue = new TegQueue(new RuntimeEstimates(), undefined, {
      rooms: this.reclaim,
      reservationsMax: 0,
    });
    this.zone = new Zone(cluster, new FirstFit(cluster), {}, this.accounts, queue);
  }

  /** A job of one-GPU pods arrives. */
  submit(
    job: number,
    tenant: string,
    pods: number,
    priority = 0,
    gangMin = pods,
    terms: Partial<EvictionTerms> = {},
  ): void {
    this.zone.step(
      {
        kind: ZoneEventKind.JobSubmitted,
        ...{ job, demandId: ONE_GPU, podCount: pods, gangMin, priority },
        tenant: this.table.find(tenant),
        terms: { ...EVICTION_DEFAULTS, ...terms },
      },
      this.time,
    );
  }

  /** A job ends. */
  finish(job: number): void {
    this.zone.step({ kind: ZoneEventKind.JobFinished, job }, this.time);
  }

  /** Passes until one changes nothing. @returns How many evicted. */
  settle(): number {
    let passes = 0;
    for (let plans = -1; plans !== this.reclaim.counts.plans; passes++) {
      plans = this.reclaim.counts.plans;
      this.time += 31;
      this.zone.step({ kind: ZoneEventKind.Tick }, this.time);
      if (passes > 100) throw new Error('evictions do not stop');
    }
    this.zone.check();
    return passes - 1;
  }

  /** @returns Those of the jobs that run. */
  running(...jobs: readonly number[]): number[] {
    return jobs.filter((job) => this.zone.stateOf(job) === JobState.Running);
  }

  /** @returns Pods of a job that run. */
  pods(job: number): number {
    let pods = 0;
    this.zone.forEachPod(job, () => pods++);
    return pods;
  }

  /** @returns GPUs of a tenant and all below it. */
  held(tenant: string): number {
    return this.accounts.usage.heldBy(this.table.find(tenant), 0, 2) / 1000;
  }
}
