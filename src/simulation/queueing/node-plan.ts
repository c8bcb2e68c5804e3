/**
 * The free room of every node over time: reservations of conservative backfilling that name their nodes.
 *
 * With exact run times a start that is planned on nodes is kept: whatever else is planned or started leaves the room of its
 * pods free from its start to its end. Whole GPUs are exact; parts of GPUs are counted as amounts of a node.
 *
 * A job that may start now goes where the policy wants among the nodes of which nobody has reserved a part for the time that
 * it runs; where these do not suffice, on its own nodes.
 *
 * @cost A search: O(ends of runs and reservations before the start × nodes × ends on a node within the run).
 */
import type { ExpectedEnd } from '../../governor/queueing/future-room.ts';
import {
  type SchedulingPass,
  StartResult,
  type StartResultCode,
} from '../../governor/zone/queue-discipline.ts';
import { podsFitting } from '../../governor/zone/zone-capacity.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { GPU_MILLI } from '../../model/node.ts';
import type { BacklogJob } from './backlog.ts';
import type { ConservativePlan, PlannedPlace } from './conservative-plan.ts';
import { type RoomAmounts, RoomProfile } from './room-profile.ts';

/** Milli-GPU, milli-CPU, MiB, pods. */
const KINDS = 4;

/** See the head of the file. */
export class NodePlan implements ConservativePlan {
  private readonly cluster: ClusterState;
  private readonly entryOf: (job: number) => BacklogJob;
  /** By node. */
  private readonly profiles: RoomProfile[] = [];
  /** Times at which a run or a reservation ends or ended, ascending. */
  private ends: number[] = [];
  private now = 0;

  /** @param entryOf The entry of a running job. */
  constructor(cluster: ClusterState, entryOf: (job: number) => BacklogJob) {
    this.cluster = cluster;
    this.entryOf = entryOf;
  }

  nodesChanged(): void {}

  begin(pass: SchedulingPass, running: Iterable<ExpectedEnd>): void {
    const { cluster, profiles } = this;
    const now = pass.timeSeconds;
    this.now = now;
    const ends = new Set<number>();
    for (let node = 0; node < cluster.nodeCount; node++) {
      const profile = profiles[node] ?? new RoomProfile(KINDS);
      profiles[node] = profile;
      const { gpuCount, cpuMilli, memoryMib, podsMax } = cluster.flavorOf(node);
      const isUp = cluster.up[node] === 1;
      profile.reset(now, isUp ? [gpuCount * GPU_MILLI, cpuMilli, memoryMib, podsMax] : [0, 0, 0, 0]);
    }
    for (const { job, endSeconds } of running) {
      const { demand } = this.entryOf(job);
      pass.forEachPod(job, (node) => this.takePod(node, demand, now, endSeconds, 1));
      if (endSeconds > now && endSeconds < Number.POSITIVE_INFINITY) ends.add(endSeconds);
    }
    this.ends = [...ends].sort((a, b) => a - b);
  }

  earliest({ demand, gangMin }: BacklogJob, seconds: number): PlannedPlace {
    const need = needOf(demand);
    for (const startSeconds of [this.now, ...this.ends]) {
      if (startSeconds < this.now) continue;
      const nodes = this.nodesFor(demand, need, gangMin, startSeconds, seconds);
      if (nodes !== undefined) return { startSeconds, seconds, nodes };
    }
    return { startSeconds: Number.POSITIVE_INFINITY, seconds, nodes: [] };
  }

  take({ demand }: BacklogJob, { startSeconds, seconds, nodes }: PlannedPlace, sign: 1 | -1): void {
    for (const node of nodes) this.takePod(node, demand, startSeconds, startSeconds + seconds, sign);
    if (sign > 0) this.addEnd(startSeconds + seconds);
  }

  start(pass: SchedulingPass, entry: BacklogJob, place: PlannedPlace): StartResultCode {
    const { demand, job } = entry;
    const now = pass.timeSeconds;
    const need = needOf(demand);
    // Without its own reservation: what is left is what others need.
    this.take(entry, place, -1);
    const closed: number[] = [];
    for (let node = 0; node < this.cluster.nodeCount; node++) {
      const fitting = podsFitting(this.cluster, node, demand);
      if (fitting > 0 && fitting > this.room(node, need, now, place.seconds)) closed.push(node);
    }
    for (const node of closed) pass.close(node);
    let result = pass.start(job);
    for (const node of closed) pass.open(node);
    if (result === StartResult.NoRoom) result = pass.startOn(job, place.nodes);
    if (result === StartResult.Started)
      pass.forEachPod(job, (node) => this.takePod(node, demand, now, now + place.seconds, 1));
    else this.take(entry, place, 1);
    return result;
  }

  private takePod(node: number, demand: Demand, from: number, to: number, sign: 1 | -1): void {
    (this.profiles[node] as RoomProfile).take(from, to, needOf(demand), sign);
  }

  private addEnd(seconds: number): void {
    if (seconds === Number.POSITIVE_INFINITY) return;
    const { ends } = this;
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ends[middle] as number) < seconds) low = middle + 1;
      else high = middle;
    }
    if (ends[low] !== seconds) ends.splice(low, 0, seconds);
  }

  /** @returns Pods that a node has room for from a time on for so long. */
  private room(node: number, need: RoomAmounts, from: number, seconds: number): number {
    return (this.profiles[node] as RoomProfile).multiples(need, from, seconds);
  }

  /** The nodes of a gang from a time on: those first that have least room left beside it. */
  private nodesFor(
    demand: Demand,
    need: RoomAmounts,
    pods: number,
    startSeconds: number,
    seconds: number,
  ): readonly number[] | undefined {
    const { cluster } = this;
    const rooms: { node: number; pods: number }[] = [];
    let total = 0;
    for (let node = 0; node < cluster.nodeCount; node++) {
      if (cluster.up[node] === 0 || !cluster.flavorCouldFit(cluster.flavorIds[node] as number, demand))
        continue;
      let room = Math.min(pods, this.room(node, need, startSeconds, seconds));
      if (demand.podsPerNodeMax > 0) room = Math.min(room, demand.podsPerNodeMax);
      if (room <= 0) continue;
      rooms.push({ node, pods: room });
      total += room;
    }
    if (total < pods) return undefined;
    rooms.sort((a, b) => a.pods - b.pods || a.node - b.node);
    const nodes: number[] = [];
    for (const { node, pods: room } of rooms)
      for (let i = 0; i < room && nodes.length < pods; i++) nodes.push(node);
    return nodes;
  }
}

function needOf({ gpuTotalMilli, cpuMilli, memoryMib }: Demand): RoomAmounts {
  return [gpuTotalMilli, cpuMilli, memoryMib, 1];
}
