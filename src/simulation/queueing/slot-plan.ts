/**
 * Slots over time: exact where a node holds one pod at most. Reservations are not bound to nodes there, as all of the same
 * length could change places until they start.
 *
 * A pod counts as a node, not as what it requests: three of four GPUs leave a fourth that no pod can use.
 */
import type { ExpectedEnd } from '../../governor/queueing/future-room.ts';
import type { SchedulingPass, StartResultCode } from '../../governor/zone/queue-discipline.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { GPU_MILLI } from '../../model/node.ts';
import type { BacklogJob } from './backlog.ts';
import type { ConservativePlan, PlannedPlace } from './conservative-plan.ts';
import { RoomProfile } from './room-profile.ts';

/** See the head of the file. */
export class SlotPlan implements ConservativePlan {
  private readonly cluster: ClusterState;
  private readonly profile = new RoomProfile(1);
  private readonly entryOf: (job: number) => BacklogJob;
  /** Nodes that are up; −1: to be counted. */
  private slots = -1;

  /** @param entryOf The entry of a running job. */
  constructor(cluster: ClusterState, entryOf: (job: number) => BacklogJob) {
    this.cluster = cluster;
    this.entryOf = entryOf;
  }

  nodesChanged(): void {
    this.slots = -1;
  }

  begin({ timeSeconds }: SchedulingPass, running: Iterable<ExpectedEnd>): void {
    this.profile.reset(timeSeconds, [this.countSlots()]);
    for (const { job, endSeconds } of running) {
      this.profile.take(timeSeconds, endSeconds, [this.entryOf(job).gangMin]);
    }
  }

  earliest({ demand, gangMin }: BacklogJob, seconds: number): PlannedPlace {
    const couldFit = this.cluster.flavors.some(({ id }) => this.cluster.flavorCouldFit(id, demand));
    const startSeconds = couldFit ? this.profile.earliest([gangMin], seconds) : Number.POSITIVE_INFINITY;
    return { startSeconds, seconds, nodes: [] };
  }

  take({ gangMin }: BacklogJob, { startSeconds, seconds }: PlannedPlace, sign: 1 | -1): void {
    if (startSeconds === Number.POSITIVE_INFINITY) return;
    this.profile.take(startSeconds, startSeconds + seconds, [gangMin], sign);
  }

  start(pass: SchedulingPass, { job }: BacklogJob): StartResultCode {
    return pass.start(job);
  }

  private countSlots(): number {
    if (this.slots < 0) {
      this.slots = 0;
      for (let node = 0; node < this.cluster.nodeCount; node++) this.slots += this.cluster.up[node] as number;
    }
    return this.slots;
  }
}

/**
 * True if no node could hold two pods, of whatever demands: all are more than half of every node in one resource. Of GPUs: more
 * than half of them, and more than half of each, as any two pods would meet on one.
 */
export function areSlots({ flavors, demands: { demands } }: ClusterState): boolean {
  const wholes = demands.every(({ gpuMilli }) => 2 * gpuMilli > GPU_MILLI);
  const kinds = [
    flavors.every(({ cpuMilli }) => demands.every((demand) => 2 * demand.cpuMilli > cpuMilli)),
    flavors.every(({ memoryMib }) => demands.every((demand) => 2 * demand.memoryMib > memoryMib)),
    wholes && flavors.every(({ gpuCount }) => demands.every((demand) => 2 * demand.gpuCount > gpuCount)),
  ];
  return kinds.includes(true) && flavors.length === 1;
}
