/** A read-only view of a zone, and of one of its jobs. */
import type { Demand } from '../../model/demand.ts';
import { isPlain, type NodeState } from '../../model/node-state.ts';
import type { AccountsRefusal } from '../accounts.ts';
import type { Explanation } from '../policy/policy.ts';
import type { ZoneCore, ZoneCounters } from './zone-core.ts';
import {
  JOB_STATE_NAMES,
  JobState,
  type JobStateCode,
  REASON_NAMES,
  type ReasonCode,
} from './zone-events.ts';

/** The place of one pod of a job. */
export interface PodView {
  /** Node name. */
  readonly node: string;
  /** The report of that node; absent: none. */
  readonly state?: NodeState;
  /** GPU numbers of the node as bits. */
  readonly gpuMask: number;
}

/** One job, at one moment. */
export interface JobView {
  readonly job: number;
  /** One of `JOB_STATE_NAMES`. */
  readonly state: string;
  /** Why it waits or left, one of `REASON_NAMES`; 'none' if it runs. */
  readonly reason: string;
  /** When it entered this state. */
  readonly sinceSeconds: number;
  readonly demandId: number;
  readonly podCount: number;
  readonly gangMin: number;
  readonly priority: number;
  /** Its tenant: the number that its submission named. */
  readonly tenant: number;
  /** Attempts to place it since its submission. Jobs behind an equal one that does not fit are not tried. */
  readonly attempts: number;
  /** Starts; more than one if it lost nodes. */
  readonly runs: number;
  /** Waiting: why the accounts do not admit it; such a job is in no line. */
  readonly refusal?: AccountsRefusal;
  /** Waiting: the job of its shape that goes first, and how many of its shape wait. */
  readonly queue?: { readonly firstJob: number; readonly jobs: number };
  /** Waiting: how many of its pods would fit now, if known. */
  readonly room?: number;
  /** Running: its pods in member order. */
  readonly pods?: readonly PodView[];
  /** Waiting: the policy's explanation for one of its pods now, if it has one. */
  readonly choice?: Explanation;
}

/**
 * A read-only view of a zone: the zone itself, without its mutators. Live: counts are O(1), nothing is computed before
 * it is accessed.
 *
 * Nodes are [0, nodeCount); their free resources are the cluster's.
 */
export interface ZoneFrame {
  /** Events processed: the view is unchanged while this is. */
  readonly steps: number;
  readonly timeSeconds: number;
  readonly nodeCount: number;
  readonly waitingJobs: number;
  readonly runningJobs: number;
  readonly runningPods: number;
  readonly counters: Readonly<ZoneCounters>;
  stateOf(job: number): JobStateCode;
  reasonOf(job: number): ReasonCode;
  demandOf(job: number): Demand;
  nodeStateOf(node: number): NodeState;
  forEachWaiting(visit: (demandId: number, podCount: number, gangMin: number, jobs: number) => void): void;
  forEachWaitingJob(visit: (job: number) => void): void;
  forEachPod(job: number, visit: (member: number, node: number, gpuMask: number) => void): void;
  forEachPodOn(node: number, visit: (job: number, gpuMask: number) => void): void;
  explain(job: number): JobView | undefined;
}

/** @returns A view of the job; undefined if it was never submitted. O(its pods) and the policy's explanation. */
export function describeJob(
  core: ZoneCore,
  job: number,
  reason: ReasonCode,
  refusal: AccountsRefusal | undefined,
): JobView | undefined {
  const { jobs, shapes } = core;
  const state = jobs.stateOf(job);
  if (state === JobState.Unknown) return undefined;
  const shape = jobs.shapeOf(job);
  const common: JobView = {
    job,
    state: JOB_STATE_NAMES[state] as string,
    reason: REASON_NAMES[reason] as string,
    sinceSeconds: jobs.sinceOf(job),
    demandId: core.demandOf(shape).id,
    podCount: shapes.podCounts[shape] as number,
    gangMin: shapes.gangMins[shape] as number,
    priority: jobs.priorityOf(job),
    tenant: jobs.tenantOf(job),
    attempts: jobs.attemptsOf(job),
    runs: jobs.runOf(job),
  };
  if (state === JobState.Running) return { ...common, pods: podViews(core, job) };
  if (state !== JobState.Waiting) return common;
  if (refusal !== undefined) return { ...common, refusal };
  const { heads, counts, gangs } = core.waiting;
  const inLine = core.waiting.holds(shape);
  const room = !inLine ? Number.NaN : common.podCount === 1 ? 0 : gangs.roomFor(shape);
  const choice = core.policy.explain?.(core.demandOf(shape));
  return {
    ...common,
    ...(inLine ? { queue: { firstJob: heads.jobOf(shape), jobs: counts[shape] as number } } : {}),
    ...(Number.isFinite(room) ? { room } : {}),
    ...(choice === undefined ? {} : { choice }),
  };
}

function podViews(core: ZoneCore, job: number): PodView[] {
  const { pods, cluster, jobs } = core;
  const views: PodView[] = [];
  for (let pod = jobs.firstOf(job); pod >= 0; pod = pods.nextOfJob(pod)) {
    const node = pods.nodeOf(pod);
    const state = core.nodeStates.of(node);
    const view = { node: cluster.names[node] as string, gpuMask: pods.gpuMaskOf(pod) };
    views.push(isPlain(state) ? view : { ...view, state });
  }
  return views;
}
