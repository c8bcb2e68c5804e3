/**
 * Makes the pods of workloads that the file itself does not list.
 *
 * Pods and workloads come in any order, so that workloads are held until the end of the file: with the requirements of
 * one pod each.
 */
import type { JobSpec } from '../../model/job.ts';
import { type ApiObject, malformed, maybeRecord } from '../../model/readers/read-object.ts';
import type { PartContext, ReadContext } from '../context.ts';
import { OwnedPods, type PodsThere } from './owned-pods.ts';
import { neverPreempts } from './pod.ts';
import { type WorkloadObject, type WorkloadPart, workloadKey, workloadOf } from './workloads.ts';

/** Most workloads that are held. */
const WORKLOADS_MAX = 50_000;

/** Equal pods of a workload, with the requirements of one of them. */
interface HeldPart extends Omit<WorkloadPart, 'template'> {
  readonly pod: JobSpec;
  /** The pod itself, if a caller receives objects. */
  readonly object: ApiObject | undefined;
  /** True if its pods would preempt others. */
  readonly preempts: boolean;
  /** The warnings about the one pod that was read. */
  readonly warnings: readonly string[];
}

interface Held {
  readonly workload: Omit<WorkloadObject, 'parts'>;
  readonly parts: readonly HeldPart[];
}

/** Reads a pod; undefined: it is ignored. */
type PodReader = (pod: ApiObject, context: PartContext) => JobSpec | undefined;

/** A pod, or a gang of them, of a workload. */
export interface MadePods {
  readonly job: JobSpec;
  readonly object: ApiObject | undefined;
  /** True if they would preempt others. */
  readonly preempts: boolean;
}

/** Collects the workloads of one file. */
export class Expansion {
  readonly pods = new OwnedPods();
  private readonly context: ReadContext;
  /** By key. */
  private readonly held = new Map<string, Held>();

  constructor(context: ReadContext) {
    this.context = context;
  }

  /**
   * Takes a workload.
   *
   * @param kind  The result of `workloadKindOf`.
   * @param toJob Reads a pod.
   * @throws TegError TEG_KUBE_OBJECT if it cannot be used.
   */
  add(kind: string, object: ApiObject, toJob: PodReader): void {
    const { context } = this;
    const workload = workloadOf(kind, object);
    if (typeof workload === 'string') {
      context.warn(workload);
      return;
    }
    const { parts, ...rest } = workload;
    const most = context.limits.podsPerWorkloadMax;
    const count = parts.reduce((sum, { podCount }) => sum + podCount, 0);
    if (count > most) throw malformed('pods', count, `at most ${most} of one object`);
    const held: HeldPart[] = [];
    for (const part of parts) {
      if (part.podCount > 0) held.push(...this.heldOf(part, podOf(rest, part), toJob));
    }
    if (held.length === 0) return;
    const key = workloadKey(kind, rest.namespace, rest.name);
    if (this.held.has(key)) context.warn('objects that the file has twice count once: objects');
    else if (this.held.size >= WORKLOADS_MAX) {
      context.warn(`workloads beyond the first ${WORKLOADS_MAX} are left out: objects`);
    } else this.held.set(key, { workload: rest, parts: held });
  }

  /** Makes the pods, at the end of the file. */
  *jobs(): Generator<MadePods> {
    const { context, held, pods } = this;
    if (held.size === 0) return;
    if (pods.isFull) {
      context.warn(
        'workloads are left out, the file has more of their pods than can be tracked: objects',
        held.size,
      );
      return;
    }
    let made = 0;
    for (const { workload, parts } of held.values()) {
      if (workload.controller !== '' && held.has(workload.controller)) continue;
      if (workload.hasSuccessors) context.warn(SUCCESSORS);
      if (workload.kind === 'VolcanoJob' && parts.length > 1) context.warn(TASKS);
      for (const part of parts) {
        const missing = missingOf(part, pods.of(part.key, workload.uid));
        made += missing.count;
        if (made > context.limits.workloadPodsMax) {
          context.warn(
            `pods of workloads beyond ${context.limits.workloadPodsMax} are left out`,
            missing.count,
          );
          made -= missing.count;
        } else if (missing.count > 0) {
          context.warn('pods that the file does not list are made from their workloads', missing.count);
          for (const warning of part.warnings) context.warn(warning, missing.count);
          for (const job of jobsOf(part, missing))
            yield { job, object: part.object, preempts: part.preempts };
        }
      }
    }
  }

  private heldOf({ template: _, ...part }: WorkloadPart, pod: ApiObject, toJob: PodReader): HeldPart[] {
    const { context } = this;
    const { ignoredResources, heedsRules } = context;
    const object = context.onObject === undefined ? undefined : pod;
    const warnings: string[] = [];
    const collecting: PartContext = {
      ignoredResources,
      heedsRules,
      warn: (message) => warnings.push(message),
      note: (key, value) => context.note(key, value),
    };
    const job = toJob(pod, collecting);
    return job === undefined ? [] : [{ ...part, pod: job, object, preempts: !neverPreempts(pod), warnings }];
  }
}

const SUCCESSORS =
  'of Jobs with more completions than parallelism only the pods that run at once count: Jobs';

const TASKS = 'each task of a Volcano Job is a gang of its own: Jobs';

/** A pod as its controller would create it. */
function podOf(
  { kind, name, namespace, creationTimestamp }: Omit<WorkloadObject, 'parts'>,
  { podName, template }: WorkloadPart,
): ApiObject {
  const own = { name: podName, namespace, creationTimestamp };
  const ownerReferences = [{ kind: kind === 'VolcanoJob' ? 'Job' : kind, name, controller: true }];
  const metadata = { ...maybeRecord(template.metadata, 'template.metadata'), ...own, ownerReferences };
  return { metadata, spec: template.spec };
}

/** The missing pods of a part. */
interface Missing {
  readonly count: number;
  readonly gangMin: number;
  /** Numbers that are taken. */
  readonly ordinals: ReadonlySet<number>;
}

function missingOf({ podCount, gangMin }: HeldPart, { live, ordinals }: PodsThere): Missing {
  const count = Math.max(0, podCount - live);
  // Existing pods make up their share of the gang.
  return { count, gangMin: Math.min(count, Math.max(0, gangMin - live)), ordinals };
}

function* jobsOf({ pod, firstOrdinal }: HeldPart, { count, gangMin, ordinals }: Missing): Generator<JobSpec> {
  if (gangMin > 1) {
    yield { ...pod, podCount: count, gangMin };
    return;
  }
  for (let i = 0, ordinal = firstOrdinal; i < count; ordinal++) {
    if (ordinals.has(ordinal)) continue;
    yield { ...pod, id: `${pod.id}-${ordinal}` };
    i++;
  }
}
