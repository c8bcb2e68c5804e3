/** Drains of tenants in the pod scheduler: `TenantDrains` over accounts that are made again now and then. */
import { workLost } from '../../../market/reclaim/victim-set.ts';
import { HOLD_DEFAULTS } from '../../../market/tenants/spec.ts';
import type { TenantTree } from '../../../market/tenants/tenant-tree.ts';
import { type DrainCandidate, TenantDrains } from '../../queueing/drains.ts';
import type { RunningUnit } from './running-units.ts';

/** The drains of one scheduler. */
export class PodDrains {
  private drains: TenantDrains | undefined;
  /** Not before, whatever new accounts say: the rate holds across them. */
  private notBeforeSeconds = Number.NEGATIVE_INFINITY;
  private intervalSeconds = 0;

  /** When pods may go; Infinity: none have to. */
  get dueSeconds(): number {
    return Math.max(this.notBeforeSeconds, this.drains?.dueSeconds ?? Number.POSITIVE_INFINITY);
  }

  /** Other tenants. */
  follow(tree: TenantTree | undefined, timeSeconds: number): void {
    this.drains = tree === undefined ? undefined : new TenantDrains(tree);
    if (tree === undefined) return;
    this.notBeforeSeconds = Math.min(this.notBeforeSeconds, timeSeconds + this.intervalSeconds);
    this.intervalSeconds = 0;
    for (const tenant of tree.tenants) {
      const { state, hold = HOLD_DEFAULTS } = tree.specOf(tenant);
      if (state === 'HoldAndDrain')
        this.intervalSeconds = Math.max(this.intervalSeconds, hold.intervalSeconds);
    }
  }

  /** @returns The units that go now. O(units log units). */
  take(
    units: readonly RunningUnit[],
    timeSeconds: number,
  ): { readonly unit: RunningUnit; readonly workLost: number }[] {
    const { drains } = this;
    if (drains === undefined) return [];
    const byId = new Map<number, RunningUnit>();
    const candidates: DrainCandidate[] = [];
    for (const unit of units) {
      if (!unit.evictable || !drains.ends(unit.tenant, timeSeconds)) continue;
      byId.set(unit.id, unit);
      const lost = workLost(unit, unit.pods, timeSeconds);
      const { id: job, tenant: account, startOrder } = unit;
      candidates.push({ job, account, pods: unit.pods.length, workLost: lost, startOrder });
    }
    const taken = drains.take(candidates, timeSeconds);
    if (taken.length > 0) this.notBeforeSeconds = timeSeconds + this.intervalSeconds;
    return taken.map(({ job, workLost: lost }) => ({ unit: byId.get(job) as RunningUnit, workLost: lost }));
  }
}
