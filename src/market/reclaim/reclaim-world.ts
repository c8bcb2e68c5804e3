/**
 * What the planner of evictions sees of a cluster: tenants with quotas, running units, a claimant, and an oracle of placement.
 *
 * A zone and a pod scheduler each implement `ReclaimWorld`; the planner knows neither nodes nor pods of either. All numbers are
 * the caller's: tenants, units and pods by dense or sparse ids, places by the numbers that it uses for nodes.
 *
 * **Dimensions** are the pairs of flavour and resource that some tenant has a quota of, the important ones first: accelerators,
 * then CPU, then memory. A unit is accounted for by its *principal* dimension, the first that it uses: a pod that holds a
 * borrowed GPU is borrowed, whatever its CPUs.
 */

/** Priorities from here on are Kubernetes' system classes; they hold across tenants always. */
export const SYSTEM_PRIORITY_MIN = 2_000_000_000;

/** A running pod. */
export interface ReclaimPod {
  /** Unique among all pods. */
  readonly id: number;
  /** Its node. */
  readonly place: number;
  /** @shape [dimensions] what it holds; ≥ 0. */
  readonly amounts: ArrayLike<number>;
  /** GPUs that a second of its work occupies, for the value of lost work; ≥ 0. */
  readonly gpus: number;
  /** Disruption budgets that cover it, by number. */
  readonly budgets: readonly number[];
}

/** A running job or gang; evicted whole, or pod by pod. */
export interface ReclaimUnit {
  /** Unique among units and claimants; the same again if the job is created again (by its owner, for example). */
  readonly id: number;
  readonly tenant: number;
  /** Larger is more important. */
  readonly priority: number;
  /** `all`: whole or not at all. `single`: pods beyond `minCount` one by one, then all that is left. */
  readonly disruption: 'single' | 'all';
  /** Members below which the unit falls, ≥ 1. */
  readonly minCount: number;
  /** True: it is a claim of a pod beyond the minimum of a gang, and stands with such pods. Absent: false. */
  readonly isExtra?: boolean;
  /** At least one. Of a unit that waits for lost members, the lost ones are not here. */
  readonly pods: readonly ReclaimPod[];
  readonly startedSeconds: number;
  /** Number of its start: unique, larger than those of all that started before it. */
  readonly startOrder: number;
  /** Time of its last checkpoint; −Infinity: none. */
  readonly checkpointedSeconds: number;
  /** False if its pods could run nowhere else (a DaemonSet's). */
  readonly replaceable: boolean;
  /** False if it is leaving already, holds room for a claim, or must not be touched. It counts as usage all the same. */
  readonly evictable: boolean;
}

/** Who needs room: a job whose `minimum` pods have to start together. */
export interface ReclaimClaimant {
  readonly id: number;
  readonly tenant: number;
  readonly priority: number;
  /** Pods that have to start together, ≥ 1; only for these is room made. */
  readonly minimum: number;
  /** @shape [dimensions] what one pod takes. */
  readonly amounts: ArrayLike<number>;
  /** True: a pod beyond the minimum of a gang that runs; it stands behind the minima of its tenant that are as important. Absent: false. */
  readonly isExtra?: boolean;
  /** False: it runs on idle capacity only (preemptionPolicy Never, an empty budget). */
  readonly mayEvict: boolean;
}

/** What a tenant may evict, and what others may evict of its units. */
export interface ReclaimPolicy {
  /** Evictions of its own units of lower priority. */
  readonly within: 'LowerPriority' | 'Never';
  /** Evictions of other tenants' units: to get its quota back, and its share of the surplus. */
  readonly reclaim: 'Any' | 'LowerPriority' | 'Never';
  /** Whether its borrowing units may be evicted by others. */
  readonly reclaimable: boolean;
  /** A unit is not evicted before it has run for this long, ≥ 0. */
  readonly minRuntimeSeconds: number;
}

/** The tenants as a tree. Tenants are integers ≥ 0. */
export interface ReclaimTenants {
  /** Every tenant, parents before children. */
  readonly tenants: readonly number[];
  /** @returns The tenant above; −1 for one at the top. */
  parentOf(tenant: number): number;
  /** @returns Share of the surplus among its siblings, ≥ 0; 0: idle capacity only. */
  weightOf(tenant: number): number;
  /** @returns Quota of it and all below it, as far as it is lent upwards by these; ≥ 0. */
  quotaOf(tenant: number, dimension: number): number;
  /** @returns The part of that quota that is not lent to others. */
  keptOf(tenant: number, dimension: number): number;
  policyOf(tenant: number): ReclaimPolicy;
}

/** Where the claimant's pods would go. Callers add what they need to start them. */
export interface ReclaimPlacement {
  /** Place of each of the `minimum` pods. */
  readonly places: readonly number[];
}

/** A cluster at one moment. Nothing of it changes during a plan. */
export interface ReclaimWorld<Placement extends ReclaimPlacement = ReclaimPlacement> {
  readonly nowSeconds: number;
  /** Number of dimensions, ≥ 1, the important ones first. */
  readonly dimensions: number;
  readonly tenants: ReclaimTenants;
  /** Whether a priority holds between tenants as well, among what is borrowed. System priorities always do. */
  readonly priorityScope: 'Tenant' | 'Cluster';
  /** All that runs or is about to, the claims of others included. */
  readonly units: readonly ReclaimUnit[];
  /** @returns Pods that may still be evicted under a disruption budget, ≥ 0. */
  allowanceOf(budget: number): number;
  /** @returns False while fair-share evictions have lost more of a tenant's work than its rate allows (`EvictionRates`). */
  withinRate(tenant: number): boolean;
  /**
   * Places the claimant's minimum as if the given pods were gone, under all rules of placement, limits and lending of the caller,
   * and takes the trial back.
   *
   * @param avoided Places that must not be used.
   * @returns Undefined: it does not fit.
   */
  fitsWithout(victims: readonly ReclaimPod[], avoided: ReadonlySet<number>): Placement | undefined;
}
