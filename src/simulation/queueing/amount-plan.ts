/**
 * Amounts over time, not nodes: exact where a node holds one pod at most (slots). Reservations are not bound to nodes
 * there, as all of the same length could change places until they start.
 */
import type { ExpectedEnd } from '../../governor/queueing/future-room.ts';
import type { SchedulingPass, StartResultCode } from '../../governor/zone/queue-discipline.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { BacklogJob } from './backlog.ts';
import type { ConservativePlan, PlannedPlace } from './conservative-plan.ts';
import { AMOUNT_KINDS, amountsOfPods, UpCapacity } from './room-amounts.ts';
import { RoomProfile } from './room-profile.ts';

/** See the head of the file. */
export class AmountPlan implements ConservativePlan {
  private readonly capacity: UpCapacity;
  private readonly profile = new RoomProfile(AMOUNT_KINDS);
  private readonly entryOf: (job: number) => BacklogJob;

  /** @param entryOf The entry of a running job. */
  constructor(cluster: ClusterState, entryOf: (job: number) => BacklogJob) {
    this.capacity = new UpCapacity(cluster);
    this.entryOf = entryOf;
  }

  nodesChanged(): void {
    this.capacity.changed();
  }

  begin({ timeSeconds }: SchedulingPass, running: Iterable<ExpectedEnd>): void {
    this.profile.reset(timeSeconds, this.capacity.get());
    for (const { job, endSeconds } of running) {
      const entry = this.entryOf(job);
      this.profile.take(timeSeconds, endSeconds, amountsOfPods(entry, entry.gangMin));
    }
  }

  earliest(entry: BacklogJob, seconds: number): PlannedPlace {
    const startSeconds = this.profile.earliest(amountsOfPods(entry, entry.gangMin), seconds);
    return { startSeconds, seconds, nodes: [] };
  }

  take(entry: BacklogJob, { startSeconds, seconds }: PlannedPlace, sign: 1 | -1): void {
    this.profile.take(startSeconds, startSeconds + seconds, amountsOfPods(entry, entry.gangMin), sign);
  }

  start(pass: SchedulingPass, { job }: BacklogJob): StartResultCode {
    return pass.start(job);
  }
}

/** True if no node could hold two pods, of whatever demands: all are more than half of every node in one resource. */
export function areSlots({ flavors, demands: { demands } }: ClusterState): boolean {
  const kinds = [
    flavors.every(({ cpuMilli }) => demands.every((demand) => 2 * demand.cpuMilli > cpuMilli)),
    flavors.every(({ memoryMib }) => demands.every((demand) => 2 * demand.memoryMib > memoryMib)),
    flavors.every(({ gpuCount }) => demands.every((demand) => 2 * demand.gpuCount > gpuCount)),
  ];
  return kinds.includes(true) && flavors.length === 1;
}
