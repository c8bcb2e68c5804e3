/** A zone under a discipline, moved by hand: jobs end when a test says so. */
import type { Accounts } from '../../governor/accounts.ts';
import type { QueueDiscipline } from '../../governor/zone/queue-discipline.ts';
import { FirstFit, makeCluster } from '../../governor/zone/zone.fixtures.ts';
import { Zone } from '../../governor/zone/zone.ts';
import { JobState, ZoneEventKind } from '../../governor/zone/zone-events.ts';
import type { ClusterState } from '../../model/cluster-state.ts';

/** Demands of one GPU of any model, and of an A100. Nodes of kind 1 have two T4, of kind 2 four A100. */
export const ANY_GPU = 4;
/** See `ANY_GPU`. */
export const A100_GPU = 6;

/** Places pods on the first node that fits. */
export class ZoneLine {
  readonly zone: Zone;
  time = 0;

  constructor(
    kinds: readonly number[],
    create: (cluster: ClusterState) => QueueDiscipline,
    accounts?: Accounts,
  ) {
    const cluster = makeCluster(kinds);
    this.zone = new Zone(cluster, new FirstFit(cluster), {}, accounts, create(cluster));
  }

  /** Submits a gang now. */
  submit(job: number, pods: number, expectedSeconds: number, demandId = ANY_GPU, tenant = 0): void {
    const gang = { job, demandId, podCount: pods, gangMin: pods, priority: 0, tenant };
    this.zone.step({ kind: ZoneEventKind.JobSubmitted, ...gang, expectedSeconds }, this.time);
  }

  /** Time passes, some jobs end, then a pass. */
  passAt(time: number, ...ended: readonly number[]): void {
    this.time = time;
    for (const job of ended) this.zone.step({ kind: ZoneEventKind.JobFinished, job }, time);
    this.zone.step({ kind: ZoneEventKind.Tick }, time);
  }

  /** @returns By node, the pods of a running job; undefined: it waits. */
  nodesOf(job: number): number[] | undefined {
    if (this.zone.stateOf(job) !== JobState.Running) return undefined;
    const nodes: number[] = [];
    this.zone.forEachPod(job, (_, node) => nodes.push(node));
    return nodes.sort();
  }
}
