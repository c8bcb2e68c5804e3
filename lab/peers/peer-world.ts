/**
 * The world that every peer schedules in: nodes, arrivals, messages in transit, pods that run and end.
 *
 * Invariants: a pod is put on a node only if it fits there at that moment (asserted, and asserted again by the
 * cluster's own accounts); events happen by time, equal times in the order in which they were announced, and before
 * arrivals of the same time; the same options give the same run, bit for bit.
 * Not here: any choice, and any queue.
 */

import { assert } from '../../src/kernel/assert.ts';
import { EventQueue } from '../../src/kernel/event-queue.ts';
import { Random } from '../../src/kernel/random.ts';
import type { ClusterState } from '../../src/model/cluster-state.ts';
import type { Demand } from '../../src/model/demand.ts';
import { TegError } from '../../src/model/errors.ts';
import type { JobTable } from '../../src/simulation/inputs/job-table.ts';
import { clusterFor } from '../../src/simulation/inputs/workload-of.ts';
import { checkPeerOptions, type PeerOptions, type PeerResult } from './peer.ts';
import { PeerMeter } from './peer-meter.ts';

/** Kinds of events that a model may have besides `JOB_ENDS`: [1, KINDS). */
export const KINDS = 8;
/** The pods of a job end. */
const JOB_ENDS = 0;
/** Events are numbered index × KINDS + kind in 31 bits. */
const INDEX_MAX: number = 2 ** 31 / KINDS;

/** Events between two calls of `shouldStop`. */
const EVENTS_PER_LOOK = 4096;

/** Streams of the seed. */
const STREAM_CHOICES = 41;
const STREAM_MESSAGES = 42;

/** The deciding model. Calls come in the order of virtual time. */
export interface PeerModel {
  /** A job arrives. Once a job, in table order. */
  arrive(job: number): void;
  /** An event that the model announced. */
  handle(kind: number, index: number): void;
  /** A pod ended on this node. */
  freed(node: number): void;
}

/** One run's state. Single writer. 8 bytes a pod, 16 a job, and the cluster. */
export class PeerWorld {
  readonly jobs: JobTable;
  readonly cluster: ClusterState;
  readonly meter: PeerMeter;
  /** For the model's choices. */
  readonly random: Random;
  readonly horizonSeconds: number;
  readonly delaySeconds: number;
  now = 0;
  /** Where the pods of a job begin in `podNodes`. @shape [jobs + 1] */
  readonly podOffsets: Int32Array;
  /** Nodes of the pods; undefined contents for waiting pods. @shape [pods] */
  readonly podNodes: Int32Array;
  private readonly podMasks: Int32Array;
  private readonly events = new EventQueue();
  private readonly messages: Random;
  private readonly options: PeerOptions;
  /** Milli-GPU and millicores held by pods on the nodes, by this file's own count. */
  private heldGpuMilli = 0;
  private heldCpuMilli = 0;

  /** @throws TegError TEG_OPTION_INVALID, TEG_CLUSTER_INVALID. */
  constructor(options: PeerOptions) {
    checkPeerOptions(options);
    const { jobs, seed } = options;
    this.options = options;
    this.jobs = jobs;
    this.cluster = clusterFor(options.nodes, options.jobs);
    this.meter = new PeerMeter(this.cluster.capacity.gpuMilli, options.horizonSeconds);
    this.random = new Random(seed, STREAM_CHOICES);
    this.messages = new Random(seed, STREAM_MESSAGES);
    this.horizonSeconds = options.horizonSeconds;
    this.delaySeconds = options.delaySeconds;
    this.podOffsets = new Int32Array(jobs.count + 1);
    for (let job = 0; job < jobs.count; job++) {
      this.podOffsets[job + 1] = (this.podOffsets[job] as number) + (jobs.podCounts[job] as number);
    }
    const pods = this.podOffsets[jobs.count] as number;
    if (pods >= INDEX_MAX) {
      throw new TegError(
        'TEG_LIMIT_REACHED',
        `the workload has ${pods} pods; expected fewer than ${INDEX_MAX}: use a shorter one`,
      );
    }
    this.podNodes = new Int32Array(pods);
    this.podMasks = new Int32Array(pods);
  }

  /** Runs to the horizon. @throws TegError TEG_INTERRUPTED. */
  run(name: string, model: PeerModel): PeerResult {
    const { events, jobs, horizonSeconds } = this;
    let next = 0;
    for (let looked = 1; ; looked++) {
      const arrival = next < jobs.count ? (jobs.submitSeconds[next] as number) : Number.POSITIVE_INFINITY;
      const pending = events.peekTime();
      if (Math.min(arrival, pending) > horizonSeconds) break;
      if (looked % EVENTS_PER_LOOK === 0) this.look(name);
      if (pending <= arrival) {
        this.now = pending;
        this.dispatch(events.pop(), model);
      } else {
        this.now = arrival;
        this.meter.arrivedJobs++;
        model.arrive(next++);
      }
    }
    this.now = horizonSeconds;
    this.checkAccounts();
    return this.meter.finish(name);
  }

  /** Announces an event. @param at Not before now. @param kind In [1, KINDS). @param index In [0, 2^28). */
  announce(at: number, kind: number, index: number): void {
    // Events beyond the horizon are never read, so they are not kept.
    if (at <= this.horizonSeconds) this.events.push(at, index * KINDS + kind);
  }

  /** @returns The arrival time of a message sent now. Two draws; none if messages take no time. */
  arrivalOfMessage(): number {
    const { delaySeconds } = this;
    if (delaySeconds === 0) return this.now;
    return this.now + delaySeconds * (0.5 + 0.5 * this.messages.nextExponential());
  }

  /** Takes a pod's share of a node. @returns Its GPUs. */
  hold(node: number, demand: Demand): number {
    const { cluster } = this;
    assert(cluster.fits(node, demand), 'a pod is put where it does not fit');
    const mask = cluster.bestFitGpus(node, demand);
    cluster.place(node, demand, mask);
    this.heldGpuMilli += demand.gpuTotalMilli;
    this.heldCpuMilli += demand.cpuMilli;
    return mask;
  }

  /** Gives a pod's share back. */
  giveBack(node: number, demand: Demand, mask: number): void {
    this.cluster.release(node, demand, mask);
    this.heldGpuMilli -= demand.gpuTotalMilli;
    this.heldCpuMilli -= demand.cpuMilli;
  }

  /** As `hold`, for a pod of a job, whose node is stored. @param member In [0, pods of the job). */
  holdMember(job: number, member: number, node: number): void {
    const pod = (this.podOffsets[job] as number) + member;
    this.podMasks[pod] = this.hold(node, this.jobs.demandOf(job));
    this.podNodes[pod] = node;
  }

  /** Returns the room held by the first `members` pods of a job. */
  giveBackMembers(job: number, members: number): void {
    const demand = this.jobs.demandOf(job);
    const begin = this.podOffsets[job] as number;
    for (let pod = begin; pod < begin + members; pod++) {
      this.giveBack(this.podNodes[pod] as number, demand, this.podMasks[pod] as number);
    }
  }

  /**
   * Holds a place for every pod of a job, or for none.
   *
   * @param nodeOf The node of the pod with that number, given that those before it hold their places; −1: none.
   * @returns How many pods had found a place: all, or the number given back.
   */
  holdAll(job: number, nodeOf: (job: number, member: number) => number): number {
    const pods = this.jobs.podCounts[job] as number;
    for (let member = 0; member < pods; member++) {
      const node = nodeOf(job, member);
      if (node < 0) {
        this.giveBackMembers(job, member);
        return member;
      }
      this.holdMember(job, member, node);
    }
    return pods;
  }

  /** Starts the pods of a job, which all hold their places. @param probes Nodes queried for the job. */
  startJob(job: number, startSeconds: number, probes: number): void {
    const pods = this.jobs.podCounts[job] as number;
    const begin = this.podOffsets[job] as number;
    this.meter.use(pods * this.jobs.demandOf(job).gpuTotalMilli, this.now);
    this.meter.placedPods += pods;
    this.jobPlaced(job, startSeconds, probes);
    const { onStart } = this.options;
    for (let member = 0; onStart !== undefined && member < pods; member++) {
      onStart(job, member, this.podNodes[begin + member] as number, startSeconds);
    }
    const end = startSeconds + (this.jobs.durationSeconds[job] as number);
    if (end <= this.horizonSeconds) this.events.push(end, job * KINDS + JOB_ENDS);
  }

  /** Starts one pod, which holds its place; the model announces its end. */
  startPod(job: number, member: number, node: number, startSeconds: number): void {
    this.meter.use(this.jobs.demandOf(job).gpuTotalMilli, this.now);
    this.meter.placedPods++;
    this.options.onStart?.(job, member, node, startSeconds);
  }

  /** Every pod of a job has been started. */
  jobPlaced(job: number, startSeconds: number, probes: number): void {
    this.meter.placed(startSeconds - (this.jobs.submitSeconds[job] as number), probes);
  }

  private dispatch(id: number, model: PeerModel): void {
    const index = Math.floor(id / KINDS);
    const kind = id % KINDS;
    if (kind === JOB_ENDS) this.endJob(index, model);
    else model.handle(kind, index);
  }

  private endJob(job: number, model: PeerModel): void {
    const pods = this.jobs.podCounts[job] as number;
    const begin = this.podOffsets[job] as number;
    this.meter.use(-pods * this.jobs.demandOf(job).gpuTotalMilli, this.now);
    this.giveBackMembers(job, pods);
    for (let pod = begin; pod < begin + pods; pod++) model.freed(this.podNodes[pod] as number);
  }

  private look(name: string): void {
    if (this.options.shouldStop?.() !== true) return;
    throw new TegError(
      'TEG_INTERRUPTED',
      `the run of '${name}' was stopped at ${this.now} s of ${this.horizonSeconds} s; expected it to end: run it again`,
    );
  }

  /** The room held by pods equals the room missing from nodes, summed over the cluster. */
  private checkAccounts(): void {
    const { cluster } = this;
    let gpuMilli = cluster.capacity.gpuMilli;
    let cpuMilli = cluster.capacity.cpuMilli;
    for (let node = 0; node < cluster.nodeCount; node++) {
      gpuMilli -= cluster.freeGpuMilli[node] as number;
      cpuMilli -= cluster.freeCpuMilli[node] as number;
    }
    assert(gpuMilli === this.heldGpuMilli, 'GPUs of the nodes and of the pods do not agree');
    assert(cpuMilli === this.heldCpuMilli, 'cores of the nodes and of the pods do not agree');
    assert(this.meter.usedGpuMilli <= gpuMilli, 'more GPUs in use than held');
  }
}
