/**
 * The internals of a pod scheduler: for the view, for checks of invariants, and for the arbiter, which places on the
 * live state. All other callers read `PodScheduler.view()`.
 */
import type { PodChampions } from './champion/pod-champions.ts';
import type { Placement } from './decide/placement.ts';
import type { PodQueue } from './decide/pod-queue.ts';
import type { PodReports } from './decide/pod-reports.ts';
import type { Preemption } from './decide/preemption.ts';
import type { PodReclaim } from './reclaim/pod-reclaim.ts';
import type { PodGroups } from './state/pod-groups.ts';
import type { SchedulerState } from './state/scheduler-state.ts';

/** The live tables of one scheduler. */
export interface PodSchedulerInternals {
  readonly state: SchedulerState;
  readonly queue: PodQueue;
  readonly groups: PodGroups;
  readonly preemption: Preemption;
  readonly placement: Placement;
  readonly reports: PodReports;
  readonly champions: PodChampions;
  readonly reclaim: PodReclaim;
  /** Tenants that the accounts have woken in the last step. */
  readonly wokenTenants: ReadonlySet<number>;
}
