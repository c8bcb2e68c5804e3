/**
 * The semantics of a zone in the simplest form: the oracle of the zone's tests.
 *
 * Plain objects, every waiting job tried after every event, everything recomputed; no limit on attempts or effects.
 * With a policy that finds a node whenever one fits, the real zone must give the same effects.
 */
import { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { PlacementPolicy } from '../policy/policy.ts';
import {
  EffectKind,
  type JobSubmittedEvent,
  Reason,
  type ZoneEvent,
  ZoneEventKind,
  type ZoneOptions,
} from './zone-events.ts';

/** One effect: kind, reason, job, member, node, gpuMask, count. */
export type PlainEffect = readonly [number, number, number, number, number, number, number];

interface Pod {
  node: number;
  gpuMask: number;
  sequence: number;
}

interface Job {
  id: number;
  demand: Demand;
  podCount: number;
  gangMin: number;
  priority: number;
  rank: number;
  pods: Pod[];
}

/** The slow zone. */
export class OracleZone {
  readonly running: Map<number, Job> = new Map();
  readonly waiting: Map<number, Job> = new Map();
  private readonly cluster: ClusterState;
  private readonly policy: PlacementPolicy;
  private readonly options: ZoneOptions;
  private effects: PlainEffect[] = [];
  private sequence = 0;
  private readonly impossible = new Map<string, boolean>();

  constructor(cluster: ClusterState, policy: PlacementPolicy, options: ZoneOptions) {
    this.cluster = cluster;
    this.policy = policy;
    this.options = options;
  }

  /** @returns The effects of one event. */
  step(event: ZoneEvent): PlainEffect[] {
    this.effects = [];
    if (event.kind === ZoneEventKind.JobSubmitted) this.submit(event);
    if (event.kind === ZoneEventKind.JobFinished) this.end(event.job, Reason.Finished);
    if (event.kind === ZoneEventKind.JobCancelled) this.cancel(event.job);
    if (event.kind === ZoneEventKind.NodeJoined) {
      this.effects.push([EffectKind.NodeAdded, 0, -1, -1, this.cluster.addNode(event.spec), 0, 0]);
    }
    if (event.kind === ZoneEventKind.NodeUp) this.cluster.setUp(event.node, true);
    if (event.kind === ZoneEventKind.NodeDown) this.lose(event.node);
    this.retry();
    return this.effects;
  }

  private submit(event: JobSubmittedEvent): void {
    const { job: id, demandId, podCount, gangMin, priority } = event;
    const demand = this.cluster.demands.demands[demandId] as Demand;
    const job = { id, demand, podCount, gangMin, priority, rank: ++this.sequence, pods: [] };
    const first = this.inOrder()[0];
    const behind = this.options.queue === 'strict-fifo' && first !== undefined && goesBefore(first, job);
    if (!behind && this.tryStart(job)) return;
    let reason: number = behind ? Reason.Behind : Reason.NoFit;
    if (this.isImpossible(job)) reason = Reason.Impossible;
    if (this.options.onUnplaceable === 'drop') {
      this.tell(EffectKind.JobDropped, reason, id, 0);
    } else if (this.waiting.size >= (this.options.waitingJobsMax ?? Number.POSITIVE_INFINITY)) {
      this.tell(EffectKind.JobDropped, Reason.QueueFull, id, 0);
    } else {
      this.waiting.set(id, job);
      this.tell(EffectKind.JobWaiting, reason, id, 0);
    }
  }

  private end(id: number, reason: number): void {
    const job = this.running.get(id);
    if (job === undefined) return;
    for (const { node, gpuMask } of job.pods) this.cluster.release(node, job.demand, gpuMask);
    this.tell(EffectKind.JobReleased, reason, id, job.pods.length);
    job.pods = [];
    this.running.delete(id);
  }

  private cancel(id: number): void {
    if (this.waiting.delete(id)) this.tell(EffectKind.JobDropped, Reason.Cancelled, id, 0);
    else this.end(id, Reason.Cancelled);
  }

  /** Jobs of a lost node go in the reverse order of their pods' placement. */
  private lose(node: number): void {
    if (this.cluster.up[node] === 0) return;
    this.cluster.setUp(node, false);
    const last = (job: Job): number =>
      Math.max(-1, ...job.pods.filter((pod) => pod.node === node).map((pod) => pod.sequence));
    const lost = [...this.running.values()].filter((job) => last(job) >= 0).sort((a, b) => last(b) - last(a));
    for (const job of lost) {
      this.end(job.id, Reason.NodeLost);
      const requeue = this.options.onNodeLost !== 'fail';
      this.tell(requeue ? EffectKind.JobRequeued : EffectKind.JobFailed, Reason.NodeLost, job.id, 0);
      if (requeue) this.waiting.set(job.id, job);
    }
  }

  private retry(): void {
    for (const job of this.inOrder()) {
      if (this.tryStart(job)) this.waiting.delete(job.id);
      else if (this.options.queue === 'strict-fifo') return;
    }
  }

  /** Waiting jobs that are possible, in order. */
  private inOrder(): Job[] {
    return [...this.waiting.values()]
      .filter((job) => !this.isImpossible(job))
      .sort((a, b) => (goesBefore(a, b) ? -1 : 1));
  }

  private tryStart(job: Job): boolean {
    const pods: Pod[] = [];
    for (let node = 0; pods.length < job.podCount && node >= 0; ) {
      node = this.policy.choose(job.demand);
      if (node < 0) break;
      const { gpuMask } = this.policy;
      this.cluster.place(node, job.demand, gpuMask);
      pods.push({ node, gpuMask, sequence: ++this.sequence });
    }
    if (pods.length < job.gangMin) {
      for (const { node, gpuMask } of pods.reverse()) this.cluster.release(node, job.demand, gpuMask);
      return false;
    }
    job.pods = pods;
    this.running.set(job.id, job);
    pods.forEach((pod, member) => {
      this.effects.push([EffectKind.PodPlaced, 0, job.id, member, pod.node, pod.gpuMask, 0]);
    });
    this.tell(EffectKind.JobStarted, 0, job.id, pods.length);
    return true;
  }

  private isImpossible(job: Job): boolean {
    const key = `${job.demand.id} ${job.gangMin} ${this.cluster.nodeCount}`;
    let answer = this.impossible.get(key);
    if (answer === undefined) {
      answer = this.roomWhenEmpty(job) < job.gangMin;
      this.impossible.set(key, answer);
    }
    return answer;
  }

  private roomWhenEmpty(job: Job): number {
    const empty = new ClusterState(this.cluster.demands);
    let room = 0;
    for (let node = 0; node < this.cluster.nodeCount && room < job.gangMin; node++) {
      const { extended, ...flavor } = this.cluster.flavorOf(node);
      const amounts = Object.fromEntries(
        extended.map((v, r) => [this.cluster.demands.resourceNames[r] as string, v]),
      );
      empty.addNode({ ...flavor, extended: amounts, name: String(node) });
      for (; empty.fits(node, job.demand) && room < job.gangMin; room++) {
        empty.place(node, job.demand, empty.bestFitGpus(node, job.demand));
      }
    }
    return room;
  }

  private tell(kind: number, reason: number, job: number, count: number): void {
    this.effects.push([kind, reason, job, -1, -1, 0, count]);
  }
}

function goesBefore(a: Job, b: Job): boolean {
  return a.priority !== b.priority ? a.priority > b.priority : a.rank < b.rank;
}
