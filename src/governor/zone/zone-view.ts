/**
 * What a zone tells people about one job.
 */
import type { AccountsRefusal } from '../accounts.ts';
import type { Explanation } from '../policy/policy.ts';
import type { ZoneCore } from './zone-core.ts';
import { JOB_STATE_NAMES, JobState, REASON_NAMES, type ReasonCode } from './zone-events.ts';

/** Where one pod of a job runs. */
export interface PodView {
  /** Node name. */
  readonly node: string;
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
  /** When it came into this state. */
  readonly sinceSeconds: number;
  readonly demandId: number;
  readonly podCount: number;
  readonly gangMin: number;
  readonly priority: number;
  /** Whom it belongs to: the number that its submission named. */
  readonly tenant: number;
  /** Attempts to place it since its submission. Jobs behind an equal one that does not fit are not tried. */
  readonly attempts: number;
  /** Starts; more than one if it lost nodes. */
  readonly runs: number;
  /** Waiting: why the accounts do not admit it; such a job stands in no line. */
  readonly refusal?: AccountsRefusal;
  /** Waiting: the job of its shape that goes first, and how many of its shape wait. */
  readonly queue?: { readonly firstJob: number; readonly jobs: number };
  /** Waiting: how many of its pods would fit now, if that is known. */
  readonly room?: number;
  /** Running: its pods in member order. */
  readonly pods?: readonly PodView[];
  /** Waiting: what the policy says about one of its pods now, if it can say. */
  readonly choice?: Explanation;
}

/** @returns A view of the job; undefined if it was never submitted. O(its pods) and the policy's explanation. */
export function describeJob(core: ZoneCore, job: number, reason: ReasonCode): JobView | undefined {
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
  const refusal = core.heldBack.refusalOf(job);
  if (refusal !== undefined) return { ...common, refusal };
  const { heads, counts, gangs } = core.waiting;
  const room = common.podCount === 1 ? 0 : gangs.roomFor(shape);
  const choice = core.policy.explain?.(core.demandOf(shape));
  return {
    ...common,
    queue: { firstJob: heads.jobOf(shape), jobs: counts[shape] as number },
    ...(Number.isFinite(room) ? { room } : {}),
    ...(choice === undefined ? {} : { choice }),
  };
}

function podViews(core: ZoneCore, job: number): PodView[] {
  const { pods, cluster, jobs } = core;
  const views: PodView[] = [];
  for (let pod = jobs.firstOf(job); pod >= 0; pod = pods.nextOfJob(pod)) {
    views.push({
      node: cluster.names[pods.nodeOf(pod)] as string,
      gpuMask: pods.gpuMaskOf(pod),
    });
  }
  return views;
}
