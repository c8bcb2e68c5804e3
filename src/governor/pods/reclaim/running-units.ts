/** The pods on nodes as the planner of evictions sees them: units, by gang or alone. */
import type { ReclaimPod, ReclaimUnit } from '../../../market/reclaim/reclaim-world.ts';
import type { TreeTenants } from '../../../market/reclaim/tree-tenants.ts';
import { GPU_MILLI } from '../../../model/node.ts';
import type { Claimant } from '../champion/claimants.ts';
import type { EconomyBooks } from '../economy/pod-economy.ts';
import { isGroup, type PodGroup, tallyOf } from '../state/pod-groups.ts';
import { isLeaving, isPlaced, type PodRecord, PodState, startedAt } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { ReclaimSeat } from './reclaim-ports.ts';
import type { StartNumbers } from './start-numbers.ts';

/** A running pod that knows its record. */
export interface EvictablePod extends ReclaimPod {
  readonly record: PodRecord;
}

/** A running unit. */
export interface RunningUnit extends ReclaimUnit {
  /** The same again if its owner creates it again. */
  readonly key: string;
  readonly pods: readonly EvictablePod[];
}

/** Of a claim: what counts as running. */
interface ClaimedRoom {
  readonly claimant: Claimant;
  readonly key: string;
  readonly id: number;
  readonly flavor: number;
  readonly seats: readonly ReclaimSeat[];
}

/** What of the scheduler is read. */
export interface UnitSources {
  readonly state: SchedulerState;
  readonly groupOf: (key: string) => PodGroup | undefined;
  readonly budgetsOf: (pod: PodRecord) => readonly number[];
  readonly starts: StartNumbers;
}

/** Makes units for plans. */
export class RunningUnits {
  private readonly sources: UnitSources;

  constructor(sources: UnitSources) {
    this.sources = sources;
  }

  /**
   * @param idOf   Number of a unit by its key.
   * @param claims Open ones of others: their seats count instead of the victims that leave them.
   * @returns      All that counts on known nodes; only ours, bound and not leaving, may be evicted. O(pods log pods).
   */
  list(
    books: EconomyBooks,
    tenants: TreeTenants,
    idOf: (key: string) => number,
    claims: readonly ClaimedRoom[],
    leaving: ReadonlySet<PodRecord>,
  ): RunningUnit[] {
    const { state, starts } = this.sources;
    const torn = new Set<string>();
    const byKey = new Map<string, PodRecord[]>();
    const running: PodRecord[] = [];
    for (const pod of state.pods.values()) {
      if (pod.node < 0 || !isPlaced(pod)) continue;
      running.push(pod);
      const key = pod.group === '' ? unitKey(pod) : pod.group;
      // Its tenant has no more of it: it must not lose others for what is leaving already.
      if (leaving.has(pod) || isLeaving(pod)) {
        torn.add(key);
        continue;
      }
      const known = byKey.get(key);
      if (known === undefined) byKey.set(key, [pod]);
      else known.push(pod);
    }
    starts.started(running);
    const units: RunningUnit[] = [];
    for (const [key, pods] of byKey) {
      const unit = this.unitOf(key, idOf(key), pods, books, tenants);
      units.push(torn.has(key) ? { ...unit, evictable: false } : unit);
    }
    for (const claim of claims) if (claim.seats.length > 0) units.push(this.claimedUnit(claim, tenants));
    return units;
  }

  /** @returns True for a member beyond the minimum of a gang of which members go one by one: where it will stand once it runs. O(members). */
  isExtra(claimant: Claimant): boolean {
    if (isGroup(claimant) || claimant.group === '') return false;
    const group = this.sources.groupOf(claimant.group);
    if (group === undefined) return false;
    const { disruption, minCount = 1 } = group.description ?? {};
    return disruption !== 'all' && tallyOf(group).placed >= minCount;
  }

  /** A claimant as if it ran: nobody else may count on its quota. */
  private claimedUnit({ claimant, key, id, flavor, seats }: ClaimedRoom, tenants: TreeTenants): RunningUnit {
    const { state, starts } = this.sources;
    const { economy, timeSeconds } = state;
    const pods = seats.map(({ pod, slot }): EvictablePod => {
      const amounts = tenants.amountsOf(flavor, pod.shape.demand);
      return { id: pod.sequence, place: slot, amounts, gpus: 0, budgets: [], record: pod };
    });
    return {
      key,
      id,
      tenant: economy.tenantOf((pods[0] as EvictablePod).record.tenant),
      priority: pods.reduce((most, { record }) => Math.max(most, record.priority), Number.NEGATIVE_INFINITY),
      disruption: 'all',
      minCount: pods.length,
      isExtra: this.isExtra(claimant),
      pods,
      startedSeconds: timeSeconds,
      startOrder: pods.reduce(
        (least, { record }) => Math.min(least, starts.of(record)),
        Number.POSITIVE_INFINITY,
      ),
      checkpointedSeconds: Number.NEGATIVE_INFINITY,
      replaceable: true,
      evictable: false,
    };
  }

  private unitOf(
    key: string,
    id: number,
    records: readonly PodRecord[],
    books: EconomyBooks,
    tenants: TreeTenants,
  ): RunningUnit {
    const { state, groupOf, budgetsOf, starts } = this.sources;
    const first = records[0] as PodRecord;
    const description = first.group === '' ? undefined : groupOf(first.group)?.description;
    let evictable = true;
    let startOrder = Number.POSITIVE_INFINITY;
    let startedSeconds = Number.POSITIVE_INFINITY;
    let checkpointedSeconds = Number.NEGATIVE_INFINITY;
    let priority = first.priority;
    const pods = records.map((record): EvictablePod => {
      const { demand } = record.shape;
      if (!record.ours || record.state !== PodState.Bound) evictable = false;
      startOrder = Math.min(startOrder, starts.of(record));
      startedSeconds = Math.min(startedSeconds, startedAt(record));
      checkpointedSeconds = Math.max(checkpointedSeconds, record.checkpointedSeconds);
      priority = Math.max(priority, record.priority);
      return {
        id: record.sequence,
        place: record.node,
        amounts: tenants.amountsOf(books.flavors.ofNode(record.node), demand),
        gpus: demand.gpuTotalMilli / GPU_MILLI,
        budgets: budgetsOf(record),
        record,
      };
    });
    return {
      key,
      id,
      tenant: state.economy.tenantOf(first.tenant),
      priority,
      disruption: description?.disruption ?? 'single',
      minCount: Math.max(1, Math.min(description?.minCount ?? 1, pods.length)),
      pods,
      startedSeconds,
      startOrder,
      checkpointedSeconds,
      replaceable: true,
      evictable,
    };
  }
}

/** @returns The key of a pod without a gang: a pod that its owner creates again under the same name has it, too. */
function unitKey({ namespace, name }: PodRecord): string {
  return `${namespace}/${name}`;
}
