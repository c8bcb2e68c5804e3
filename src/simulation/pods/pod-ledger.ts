/**
 * The pods of a simulated cluster: by uid, by job and by node, and their share of the simulator's own `ClusterState`,
 * which metrics read.
 *
 * Invariant: a pod is on the list of its node exactly while `node` ≥ 0.
 */
import { JobState, type JobStateCode } from '../../governor/zone/zone-events.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { PodDescription } from '../../model/kubernetes/pod.ts';
import type { JobTable } from '../inputs/job-table.ts';

/** A pod. */
export interface SimulatedPod {
  /** The API server's present object. */
  description: PodDescription;
  /** Index of its job, −1 if it belongs to none: such pods only hold room. */
  readonly job: number;
  readonly member: number;
  /** Index of its node, −1: none, or one that the cluster lacks. */
  node: number;
  gpuMask: number;
  /** True if the metrics' field has it: amounts beyond a node's capacity there (rounding) are not counted. */
  counted: boolean;
  readonly graceSeconds: number;
  readonly comesBack: boolean;
}

/** A job and its pods. */
export interface SimulatedJob {
  readonly job: number;
  state: JobStateCode;
  pods: SimulatedPod[];
  /** Pods of it on nodes. */
  placed: number;
  /** When it started last. */
  startedSeconds: number;
  /** Runs and pods made so far, so that no uid is used twice. */
  made: number;
}

/** The book of one run. */
export class PodLedger {
  readonly pods = new Map<string, SimulatedPod>();
  private readonly table: JobTable;
  private readonly cluster: ClusterState;
  private readonly jobs = new Map<number, SimulatedJob>();
  /** @shape [nodes] */
  private readonly onNodes: Set<SimulatedPod>[];

  constructor(table: JobTable, cluster: ClusterState) {
    this.table = table;
    this.cluster = cluster;
    this.onNodes = Array.from({ length: cluster.nodeCount }, () => new Set());
  }

  /** @returns A job, added now. */
  jobOf(job: number): SimulatedJob {
    let known = this.jobs.get(job);
    if (known === undefined) {
      known = { job, state: JobState.Unknown, pods: [], placed: 0, startedSeconds: Number.NaN, made: 0 };
      this.jobs.set(job, known);
    }
    return known;
  }

  /** @returns The state of a job. */
  stateOf(job: number): JobStateCode {
    return this.jobs.get(job)?.state ?? JobState.Unknown;
  }

  /** Pods on a node, those of no job included. */
  podsOn(node: number): ReadonlySet<SimulatedPod> {
    return this.onNodes[node] as Set<SimulatedPod>;
  }

  /** Enters a pod that is on no node. */
  add(pod: SimulatedPod): void {
    this.pods.set(pod.description.uid, pod);
    if (pod.job >= 0) this.jobOf(pod.job).pods.push(pod);
  }

  /** Puts a pod on the node that its description names, if the cluster has it. */
  place(pod: SimulatedPod): void {
    const { cluster } = this;
    const node = cluster.indexOf(pod.description.nodeName);
    if (node < 0 || pod.node >= 0) return;
    pod.node = node;
    (this.onNodes[node] as Set<SimulatedPod>).add(pod);
    if (pod.job < 0) return;
    this.jobOf(pod.job).placed++;
    const demand = this.table.demandOf(pod.job);
    pod.counted = cluster.fits(node, demand);
    if (!pod.counted) return;
    pod.gpuMask = cluster.bestFitGpus(node, demand);
    cluster.place(node, demand, pod.gpuMask);
  }

  /** Takes a pod off its node. */
  unplace(pod: SimulatedPod): void {
    const { node } = pod;
    if (node < 0) return;
    (this.onNodes[node] as Set<SimulatedPod>).delete(pod);
    pod.node = -1;
    if (pod.job < 0) return;
    this.jobOf(pod.job).placed--;
    if (pod.counted) this.cluster.release(node, this.table.demandOf(pod.job), pod.gpuMask);
    pod.counted = false;
    pod.gpuMask = 0;
  }

  /** Forgets a pod. */
  remove(pod: SimulatedPod): void {
    this.unplace(pod);
    this.pods.delete(pod.description.uid);
    if (pod.job < 0) return;
    const job = this.jobOf(pod.job);
    job.pods = job.pods.filter((other) => other !== pod);
  }
}
