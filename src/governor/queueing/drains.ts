/**
 * Drains: what runs of a tenant in the state HoldAndDrain, and of all below it, is evicted at a bounded rate.
 *
 * Who goes first: the jobs that lose the least work, the newest of equals. In each interval as many as have `drainPods` pods together, at least
 * one. Bounded: between two intervals nothing is looked at.
 */
import { HOLD_DEFAULTS, type HoldSpec } from '../../market/tenants/spec.ts';
import { CLUSTER_TENANT, type TenantTree } from '../../market/tenants/tenant-tree.ts';

/** A running job of a tenant that is drained. */
export interface DrainCandidate {
  readonly job: number;
  /** Its tenant in the tree. */
  readonly account: number;
  readonly pods: number;
  /** GPU-seconds that its eviction loses. */
  readonly workLost: number;
  readonly startOrder: number;
}

interface Drain {
  readonly hold: HoldSpec;
  /** When the next ones may go. */
  dueSeconds: number;
}

/** The drains of one zone. */
export class TenantDrains {
  private readonly tree: TenantTree;
  /** By tenant in the state HoldAndDrain. */
  private readonly drains = new Map<number, Drain>();

  constructor(tree: TenantTree) {
    this.tree = tree;
    for (const tenant of tree.tenants) {
      const { state, hold = HOLD_DEFAULTS } = tree.specOf(tenant);
      if (state === 'HoldAndDrain') this.drains.set(tenant, { hold, dueSeconds: hold.fromSeconds });
    }
  }

  /** When jobs may go; Infinity: none has to. */
  get dueSeconds(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const drain of this.drains.values()) due = Math.min(due, drain.dueSeconds);
    return due;
  }

  /** @returns True if jobs may go now. O(drained tenants). */
  isDue(timeSeconds: number): boolean {
    return this.dueSeconds <= timeSeconds;
  }

  /** @returns True if jobs of a tenant may go now. O(levels). */
  ends(account: number, timeSeconds: number): boolean {
    return this.drainOf(account, timeSeconds) !== undefined;
  }

  /**
   * @param candidates All running jobs for which `ends` holds.
   * @returns          Those to evict now.
   */
  take(candidates: readonly DrainCandidate[], timeSeconds: number): DrainCandidate[] {
    const cheapest = [...candidates].sort((a, b) => a.workLost - b.workLost || b.startOrder - a.startOrder);
    const taken: DrainCandidate[] = [];
    const pods = new Map<Drain, number>();
    const left = new Set<Drain>();
    for (const candidate of cheapest) {
      const drain = this.drainOf(candidate.account, timeSeconds) as Drain;
      const before = pods.get(drain) ?? 0;
      if (before > 0 && before + candidate.pods > drain.hold.drainPods) {
        left.add(drain);
        continue;
      }
      pods.set(drain, before + candidate.pods);
      taken.push(candidate);
    }
    for (const drain of this.drains.values()) {
      if (drain.dueSeconds > timeSeconds) continue;
      // Nothing starts any more: once nothing is left, nothing will be.
      drain.dueSeconds = left.has(drain)
        ? timeSeconds + drain.hold.intervalSeconds
        : Number.POSITIVE_INFINITY;
    }
    return taken;
  }

  /** The first drain on the way up whose time has come. */
  private drainOf(account: number, timeSeconds: number): Drain | undefined {
    for (let at = account; at !== CLUSTER_TENANT; at = this.tree.parentOf(at)) {
      const drain = this.drains.get(at);
      if (drain !== undefined && drain.dueSeconds <= timeSeconds) return drain;
    }
    return undefined;
  }
}
