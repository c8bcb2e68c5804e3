/**
 * Workload objects (Deployment, Job, …) and their pods.
 *
 * Not here: how many of them the file has already (`owned-pods.ts`), and when they are made (`expansion.ts`).
 */
import { INT32_MAX } from '../../kernel/limits.ts';
import {
  type ApiObject,
  isRecord,
  malformed,
  maybeFlag,
  maybeInteger,
  maybeList,
  maybeRecord,
  maybeText,
  recordOf,
  textOf,
} from '../../model/readers/read-object.ts';

/** Most replicated jobs of a JobSet, and tasks of a Volcano Job. */
const PARTS_MAX = 1_000;

/** Equal pods of a workload. */
export interface WorkloadPart {
  /** Key of its pods in `OwnedPods`. */
  readonly key: string;
  /** Desired pods at one time; integer ≥ 0. */
  readonly podCount: number;
  /** Pods that have to start together; 0: none, each starts on its own. At most `podCount`. */
  readonly gangMin: number;
  /** `metadata` and `spec` of a pod. */
  readonly template: ApiObject;
  /** Name of the pods without their number. */
  readonly podName: string;
  /** Number of the first pod. */
  readonly firstOrdinal: number;
}

/** A workload with its pods. */
export interface WorkloadObject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** '' in a manifest. */
  readonly uid: string;
  /** Key of the workload that controls it, '' if none of a kind that is expanded does. */
  readonly controller: string;
  readonly creationTimestamp: unknown;
  readonly parts: readonly WorkloadPart[];
  /** True if further pods follow those of `parts` once they have ended. */
  readonly hasSuccessors: boolean;
}

/** API groups of each kind; '' is the core, or a manifest without `apiVersion`. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['apps', 'extensions'],
  ReplicaSet: ['apps', 'extensions'],
  StatefulSet: ['apps'],
  ReplicationController: [],
  DaemonSet: ['apps', 'extensions'],
  Job: ['batch', 'batch.volcano.sh'],
  CronJob: ['batch'],
  JobSet: ['jobset.x-k8s.io'],
};

/** Reasons why objects of these kinds have no pods of their own here. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  DaemonSet: 'DaemonSets are not expanded, their pods count where the file has them: objects',
  CronJob: 'CronJobs are not expanded, their Jobs count where the file has them: objects',
};

/**
 * @param object An object, or an owner reference.
 * @returns Its kind if it is one of a workload (`VolcanoJob` for a Job of Volcano), undefined otherwise.
 */
export function workloadKindOf(object: ApiObject): string | undefined {
  const kind = maybeText(object.kind, 'kind');
  const groups = Object.hasOwn(GROUPS, kind) ? (GROUPS[kind] as readonly string[]) : undefined;
  if (groups === undefined) return undefined;
  const version = maybeText(object.apiVersion, 'apiVersion');
  const group = version.includes('/') ? version.slice(0, version.indexOf('/')) : '';
  if (group !== '' && !groups.includes(group)) return undefined;
  if (kind !== 'Job') return kind;
  const hasTasks = group === '' && isRecord(object.spec) && Array.isArray(object.spec.tasks);
  return group === 'batch.volcano.sh' || hasTasks ? 'VolcanoJob' : kind;
}

/** @returns The key of a workload for counting pods: kind and name, as its pods refer to it. */
export function workloadKey(kind: string, namespace: string, name: string, part = ''): string {
  return `${kind} ${namespace}/${name}${part === '' ? '' : `#${part}`}`;
}

/** @returns The reference to the controller, or to the first owner; undefined if there is none. */
export function ownerOf(metadata: ApiObject): ApiObject | undefined {
  const path = 'metadata.ownerReferences';
  const owners = maybeList(metadata.ownerReferences, path).map((entry) => recordOf(entry, `${path}[]`));
  return owners.find((reference) => reference.controller === true) ?? owners[0];
}

/**
 * Reads a workload.
 *
 * @param kind The result of `workloadKindOf`.
 * @returns The workload, or why it has no pods.
 * @throws TegError TEG_KUBE_OBJECT with the path of the field.
 */
export function workloadOf(kind: string, object: ApiObject): WorkloadObject | string {
  const reason = LEFT_OUT[kind];
  if (reason !== undefined) return reason;
  const metadata = recordOf(object.metadata, 'metadata');
  const spec = maybeRecord(object.spec, 'spec');
  const status = maybeRecord(object.status, 'status');
  const namespace = maybeText(metadata.namespace, 'metadata.namespace') || 'default';
  const name = textOf(metadata.name, 'metadata.name');
  if (maybeText(metadata.deletionTimestamp, 'metadata.deletionTimestamp') !== '') {
    return 'workloads that are being deleted are left out: objects';
  }
  if (maybeFlag(spec.suspend, 'spec.suspend')) return 'suspended workloads are left out: objects';
  if (hasEnded(status)) return 'workloads that have ended are left out: objects';
  const owner = ownerOf(metadata);
  const ownerKind = owner && workloadKindOf(owner);
  const identity = { kind, namespace, name, key: workloadKey(kind, namespace, name) };
  const parts = partsOf(identity, spec, status);
  return {
    kind,
    namespace,
    name,
    uid: maybeText(metadata.uid, 'metadata.uid'),
    controller:
      owner === undefined || ownerKind === undefined
        ? ''
        : workloadKey(ownerKind, namespace, maybeText(owner.name, 'metadata.ownerReferences[].name')),
    creationTimestamp: metadata.creationTimestamp,
    parts,
    hasSuccessors: kind === 'Job' && completionsLeft(spec, status) > atOnce(spec, status, 'spec'),
  };
}

/** Conditions of Jobs and JobSets, the phase of Volcano's. */
function hasEnded(status: ApiObject): boolean {
  const isOver = maybeList(status.conditions, 'status.conditions').some(
    (condition) =>
      isRecord(condition) &&
      // JobSet's library and that of Jobs differ in the name alone.
      ['Complete', 'Completed', 'Failed'].includes(String(condition.type)) &&
      condition.status === 'True',
  );
  const phase = isRecord(status.state) ? status.state.phase : undefined;
  return isOver || ['Completed', 'Failed', 'Terminated', 'Aborted'].includes(String(phase));
}

interface Identity {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
}

function partsOf(of: Identity, spec: ApiObject, status: ApiObject): readonly WorkloadPart[] {
  if (of.kind === 'JobSet') return replicatedJobs(of, spec);
  if (of.kind === 'VolcanoJob') return volcanoTasks(of, spec);
  const podCount = of.kind === 'Job' ? atOnce(spec, status, 'spec') : replicas(spec, 'spec');
  const ordinals = maybeRecord(spec.ordinals, 'spec.ordinals');
  const firstOrdinal = maybeInteger(ordinals.start, 'spec.ordinals.start', 0, INT32_MAX, 0);
  const template = templateOf(spec, 'spec');
  return [
    {
      key: of.key,
      podCount,
      gangMin: 0,
      template: of.kind === 'Job' ? withDeadline(template, spec) : template,
      podName: of.name,
      firstOrdinal,
    },
  ];
}

function replicas(spec: ApiObject, path: string): number {
  return maybeInteger(spec.replicas, `${path}.replicas`, 0, INT32_MAX, 1);
}

/** Pods of a Job at one time: its parallelism, and no more than its remaining completions. */
function atOnce(spec: ApiObject, status: ApiObject, path: string): number {
  const parallelism = maybeInteger(spec.parallelism, `${path}.parallelism`, 0, INT32_MAX, 1);
  return Math.min(parallelism, completionsLeft(spec, status, path));
}

/** Without `completions`, one pod that succeeds ends the Job, and until then `parallelism` of them run. */
function completionsLeft(spec: ApiObject, status: ApiObject, path = 'spec'): number {
  const completions = maybeInteger(spec.completions, `${path}.completions`, 0, INT32_MAX, Number.NaN);
  if (Number.isNaN(completions)) {
    return maybeInteger(spec.parallelism, `${path}.parallelism`, 0, INT32_MAX, 1);
  }
  const succeeded = maybeInteger(status.succeeded, 'status.succeeded', 0, INT32_MAX, 0);
  return Math.max(0, completions - succeeded);
}

function templateOf(spec: ApiObject, path: string): ApiObject {
  const template = recordOf(spec.template, `${path}.template`);
  recordOf(template.spec, `${path}.template.spec`);
  return template;
}

/** The deadline of a Job is its pods', unless they have their own. */
function withDeadline(template: ApiObject, { activeDeadlineSeconds }: ApiObject): ApiObject {
  if (activeDeadlineSeconds === undefined) return template;
  return { ...template, spec: { activeDeadlineSeconds, ...(template.spec as ApiObject) } };
}

function replicatedJobs(of: Identity, spec: ApiObject): readonly WorkloadPart[] {
  const path = 'spec.replicatedJobs';
  const list = boundedList(spec.replicatedJobs, path);
  return list.map((entry) => {
    const replicated = recordOf(entry, `${path}[]`);
    const part = textOf(replicated.name, `${path}[].name`);
    const jobPath = `${path}[].template.spec`;
    const job = recordOf(recordOf(replicated.template, `${path}[].template`).spec, jobPath);
    return {
      key: workloadKey(of.kind, of.namespace, of.name, part),
      podCount: replicas(replicated, `${path}[]`) * atOnce(job, {}, jobPath),
      gangMin: 0,
      template: withDeadline(templateOf(job, jobPath), job),
      podName: `${of.name}-${part}`,
      firstOrdinal: 0,
    };
  });
}

/**
 * Tasks of a Volcano Job. `minAvailable` of the whole falls to the tasks in their order, since a gang has pods of one kind here;
 * where it is all of them, or the sum of theirs, that is exact for each task.
 */
function volcanoTasks(of: Identity, spec: ApiObject): readonly WorkloadPart[] {
  const path = 'spec.tasks';
  const tasks = boundedList(spec.tasks, path).map((entry, i) => {
    const task = recordOf(entry, `${path}[]`);
    const podCount = replicas(task, `${path}[]`);
    const least = maybeInteger(task.minAvailable, `${path}[].minAvailable`, 0, INT32_MAX, podCount);
    const part = maybeText(task.name, `${path}[].name`) || `default${i}`;
    return { part, podCount, least: Math.min(least, podCount), template: volcanoTemplate(task, spec, path) };
  });
  const sum = tasks.reduce((total, { least }) => total + least, 0);
  let left = maybeInteger(spec.minAvailable, 'spec.minAvailable', 0, INT32_MAX, sum) || sum;
  const isSumOfTasks = left >= sum;
  return tasks.map(({ part, podCount, least, template }) => {
    const gangMin = isSumOfTasks ? least : Math.min(left, podCount);
    left -= gangMin;
    return {
      key: workloadKey(of.kind, of.namespace, of.name, part),
      podCount,
      gangMin,
      template,
      podName: `${of.name}-${part}`,
      firstOrdinal: 0,
    };
  });
}

/** The priority of the Job is that of its pods, unless they have their own. */
function volcanoTemplate(task: ApiObject, { priorityClassName }: ApiObject, path: string): ApiObject {
  const template = templateOf(task, `${path}[]`);
  if (priorityClassName === undefined) return template;
  return { ...template, spec: { priorityClassName, ...(template.spec as ApiObject) } };
}

function boundedList(value: unknown, path: string): readonly unknown[] {
  const list = maybeList(value, path);
  if (list.length > PARTS_MAX) throw malformed(path, list.length, `at most ${PARTS_MAX} entries`);
  return list;
}
