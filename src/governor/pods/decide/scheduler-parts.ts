/** State that the parts of the pod scheduler share. */

import type { PodChampions } from '../champion/pod-champions.ts';
import type { PodEffect } from '../pod-events.ts';
import type { PodReclaim } from '../reclaim/pod-reclaim.ts';
import type { PodGroups } from '../state/pod-groups.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { Admission } from './admission.ts';
import type { Nominations } from './nominations.ts';
import type { Placement } from './placement.ts';
import type { PodQueue } from './pod-queue.ts';
import type { PodReports } from './pod-reports.ts';
import type { Preemption } from './preemption.ts';

/** Counters of the scheduler since it was made. */
export interface PodSchedulerCounters {
  /** Attempts by outcome. */
  scheduled: number;
  unschedulable: number;
  /** Bindings that the driver reported as successful, and as failed. */
  bound: number;
  notBound: number;
  preemptions: number;
  victims: number;
  gangsPlaced: number;
  gangsReleased: number;
  /** Nodes checked one by one. */
  examined: number;
}

/** The parts. */
export interface SchedulerParts {
  readonly state: SchedulerState;
  readonly queue: PodQueue;
  readonly groups: PodGroups;
  readonly preemption: Preemption;
  readonly placement: Placement;
  readonly admission: Admission;
  readonly champions: PodChampions;
  readonly reclaim: PodReclaim;
  readonly nominations: Nominations;
  readonly reports: PodReports;
  readonly counters: PodSchedulerCounters;
  /** Groups of which a member has changed in this step: they are reviewed at its end. */
  readonly touched: Set<string>;
  /** Those of them that lost members to evictions: they are reviewed before the next decision. */
  readonly torn: Set<string>;
  /** Adds an effect to those of the step. */
  readonly emit: (effect: PodEffect) => void;
}
