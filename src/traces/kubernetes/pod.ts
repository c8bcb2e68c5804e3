/**
 * A Kubernetes pod as a job of one pod.
 */
import { INT32_MAX } from '../../kernel/limits.ts';
import type { JobSpec } from '../../model/job.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX } from '../../model/node.ts';
import { groupNameOf } from '../../model/readers/group-keys.ts';
import { FROM_FILE } from '../../model/readers/leniency.ts';
import { podRequestsOf } from '../../model/readers/pod-requests.ts';
import {
  type ApiObject,
  isRecord,
  malformed,
  maybeInteger,
  maybeList,
  maybeRecord,
  maybeText,
  recordOf,
  textOf,
} from '../../model/readers/read-object.ts';
import { tolerationsOf } from '../../model/readers/taints.ts';
import { tenantNameOf } from '../../model/readers/tenant-name.ts';
import { BYTES_PER_MIB } from '../../model/units.ts';
import type { PartContext } from '../context.ts';
import { parseDecimal, parseInteger } from '../row.ts';
import { nodeConstraint } from './constraints.ts';
import { splitGpus } from './node.ts';
import { ownerOf } from './workloads.ts';

/** Data from other objects of the same file, as far as it was read. */
export interface PodSurroundings {
  /** Value of each priority class by name. */
  readonly priorityByClass: ReadonlyMap<string, number>;
  /** Time of the first pod with a creation time, in milliseconds since 1970; NaN before that. */
  originMs: number;
}

/** Priority classes that every cluster has. */
export const SYSTEM_PRIORITIES: ReadonlyMap<string, number> = new Map([
  ['system-cluster-critical', 2_000_000_000],
  ['system-node-critical', 2_000_001_000],
]);

/**
 * Reads a pod.
 *
 * A running or waiting pod never ends; one that has ended ran from its start to the end of its last container.
 *
 * @returns The job, or undefined if the pod has ended without recorded times, or will never run.
 * @throws TegError TEG_KUBE_OBJECT with the path of the field.
 */
export function podToJob(pod: ApiObject, around: PodSurroundings, context: PartContext): JobSpec | undefined {
  const metadata = recordOf(pod.metadata, 'metadata');
  const spec = maybeRecord(pod.spec, 'spec');
  const status = maybeRecord(pod.status, 'status');
  const durationSeconds = duration(status);
  if (Number.isNaN(durationSeconds)) {
    context.warn('pods that have ended without saying when are left out');
    return undefined;
  }
  const nodeName = maybeText(spec.nodeName, 'spec.nodeName');
  if (nodeName === '' && maybeText(metadata.deletionTimestamp, 'metadata.deletionTimestamp') !== '') {
    context.warn('pods that wait and are being deleted are left out');
    return undefined;
  }
  const rules = context.heedsRules ? silent(context) : context;
  warnOfIgnored(metadata, spec, rules);
  const namespace = maybeText(metadata.namespace, 'metadata.namespace') || 'default';
  const requests = podRequestsOf(spec, nodeName === '' ? undefined : status, FROM_FILE);
  const { gpus: devices, extended } = splitGpus(requests.extended, context.ignoredResources);
  if (devices.length > 1) {
    const makes = devices.map(([name]) => name).join(' and ');
    throw malformed('GPUs asked for', makes, 'those of one make');
  }
  const [gpuResource, gpuCount] = devices[0] ?? ['', 0];
  const gpus = gpuRequest(metadata, gpuCount);
  if (gpus.gpuCount > GPUS_PER_NODE_MAX) {
    throw malformed('GPUs asked for', gpus.gpuCount, `at most ${GPUS_PER_NODE_MAX} for one pod`);
  }
  const group = groupNameOf(metadata, spec, FROM_FILE);
  return {
    id: `${namespace}/${textOf(metadata.name, 'metadata.name')}`,
    tenant: tenantNameOf(namespace, metadata),
    priority: priority(spec, around, context),
    cpuMilli: requests.cpuMilli,
    memoryMib: Math.ceil(requests.memoryBytes / BYTES_PER_MIB),
    ...gpus,
    ...textField('gpuResource', gpuResource),
    ...constraintFields(spec, gpus.gpuCount > 0, rules),
    ...(Object.keys(extended).length > 0 ? { extended } : {}),
    submitSeconds: submitSeconds(metadata, around, context),
    durationSeconds,
    requestedSeconds: maybeInteger(
      spec.activeDeadlineSeconds,
      'spec.activeDeadlineSeconds',
      0,
      Number.MAX_SAFE_INTEGER,
      Number.NaN,
    ),
    podCount: 1,
    gangMin: 1,
    tolerations: tolerations(spec, rules),
    ...textField('podGroup', group === undefined ? '' : `${namespace}/${group.name}`),
    ...textField('owner', owner(metadata)),
    ...textField('nodeName', nodeName),
  };
}

/** A context without warnings, for rules that another part applies. */
function silent({ ignoredResources, heedsRules }: PartContext): PartContext {
  return { ignoredResources, heedsRules, warn: () => undefined, note: () => undefined };
}

/** @returns True if a pod declares that it preempts no other. */
export function neverPreempts({ spec }: ApiObject): boolean {
  return isRecord(spec) && spec.preemptionPolicy === 'Never';
}

function constraintFields(
  spec: ApiObject,
  usesGpus: boolean,
  context: PartContext,
): Pick<JobSpec, 'gpuModels' | 'affinity'> {
  const { gpuModels, affinity } = nodeConstraint(spec, usesGpus, context);
  return { gpuModels, ...(affinity.length > 0 ? { affinity } : {}) };
}

/** Tolerations that open nodes; PreferNoSchedule keeps no pod away. */
function tolerations(spec: ApiObject, context: PartContext): NonNullable<JobSpec['tolerations']> {
  const { usable, unsupported } = tolerationsOf(spec.tolerations);
  if (unsupported.length > 0) {
    context.warn('tolerations with an operator other than Equal and Exists count for nothing: pods');
  }
  return usable.filter(({ effect }) => effect !== 'PreferNoSchedule');
}

/** Whole devices, or a share of one from the annotations of two sharing schedulers. */
function gpuRequest(metadata: ApiObject, devices: number): { gpuCount: number; gpuMilli: number } {
  const path = 'metadata.annotations';
  const annotations = maybeRecord(metadata.annotations, path);
  const fraction = maybeText(annotations['gpu-fraction'], `${path}[gpu-fraction]`);
  if (fraction !== '' && devices === 0) {
    const gpuMilli = Math.ceil(parseDecimal(fraction) * GPU_MILLI);
    if (gpuMilli >= 1 && gpuMilli <= GPU_MILLI) return { gpuCount: 1, gpuMilli };
    throw malformed(`${path}[gpu-fraction]`, fraction, 'a number in (0, 1]');
  }
  const count = integerText(
    annotations['alibabacloud.com/gpu-count'],
    `${path}[alibabacloud.com/gpu-count]`,
    devices,
  );
  const milli = integerText(
    annotations['alibabacloud.com/gpu-milli'],
    `${path}[alibabacloud.com/gpu-milli]`,
    GPU_MILLI,
  );
  return { gpuCount: count, gpuMilli: count === 0 ? 0 : count === 1 ? milli : GPU_MILLI };
}

/** Annotations are texts. */
function integerText(value: unknown, path: string, absent: number): number {
  const text = maybeText(value, path);
  if (text === '') return absent;
  const integer = parseInteger(text);
  if (Number.isNaN(integer)) throw malformed(path, text, 'an integer');
  return integer;
}

/** Infinity for a pod that has not ended; NaN for one that has, without times. */
function duration(status: ApiObject): number {
  if (status.phase !== 'Succeeded' && status.phase !== 'Failed') return Number.POSITIVE_INFINITY;
  const begin = time(status.startTime, 'status.startTime');
  const path = 'status.containerStatuses';
  let end = Number.NaN;
  for (const entry of maybeList(status.containerStatuses, path)) {
    const state = maybeRecord(recordOf(entry, `${path}[]`).state, `${path}[].state`);
    const ended = maybeRecord(state.terminated, `${path}[].state.terminated`);
    const finished = time(ended.finishedAt, `${path}[].state.terminated.finishedAt`);
    if (!(finished <= end)) end = finished;
  }
  return Math.max(0, (end - begin) / 1_000);
}

function submitSeconds(metadata: ApiObject, around: PodSurroundings, context: PartContext): number {
  const created = time(metadata.creationTimestamp, 'metadata.creationTimestamp');
  if (Number.isNaN(created)) return 0;
  if (Number.isNaN(around.originMs)) {
    around.originMs = created;
    context.note('time 0', new Date(created).toISOString());
  }
  return (created - around.originMs) / 1_000;
}

/** Milliseconds since 1970; NaN if the field is absent. */
function time(value: unknown, path: string): number {
  const text = maybeText(value, path);
  if (text === '') return Number.NaN;
  const isTime = text.length <= 40 && /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d/.test(text);
  const ms = isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw malformed(path, text, 'a time such as 2026-01-31T12:00:00Z');
  return ms;
}

function priority(spec: ApiObject, around: PodSurroundings, context: PartContext): number {
  const name = maybeText(spec.priorityClassName, 'spec.priorityClassName');
  const known = SYSTEM_PRIORITIES.get(name) ?? around.priorityByClass.get(name);
  const value = maybeInteger(spec.priority, 'spec.priority', -INT32_MAX - 1, INT32_MAX, known ?? Number.NaN);
  if (!Number.isNaN(value)) return value;
  if (name !== '') {
    context.warn('priority classes that no earlier object of the file defines count as 0: pods');
  }
  return 0;
}

/** The controller that made the pod, else its first owner. */
function owner(metadata: ApiObject): string {
  const path = 'metadata.ownerReferences';
  const made = ownerOf(metadata);
  if (made === undefined) return '';
  return `${maybeText(made.kind, `${path}[].kind`)}/${maybeText(made.name, `${path}[].name`)}`;
}

function textField<Key extends string>(key: Key, text: string): { [K in Key]?: string } {
  return text === '' ? {} : ({ [key]: text } as { [K in Key]?: string });
}

/** Reports each field that affects where or when the pod may run, and that simulations ignore. */
function warnOfIgnored(metadata: ApiObject, spec: ApiObject, context: PartContext): void {
  const affinity = maybeRecord(spec.affinity, 'spec.affinity');
  if (hasTerms(affinity.podAffinity) || hasTerms(affinity.podAntiAffinity)) {
    context.warn('affinity between pods is ignored: pods');
  }
  if (maybeList(spec.topologySpreadConstraints, 'spec.topologySpreadConstraints').length > 0) {
    context.warn('topology spread constraints are ignored: pods');
  }
  if (maybeList(spec.schedulingGates, 'spec.schedulingGates').length > 0) {
    context.warn('scheduling gates are ignored, gated pods are placed: pods');
  }
  if (groupNameOf(metadata, spec, FROM_FILE) !== undefined) {
    context.warn(
      'gangs are ignored, each pod of a group is placed on its own, with or without its PodGroup: pods',
    );
  }
  if (maybeList(spec.volumes, 'spec.volumes').some(isPlacedVolume)) {
    context.warn('volumes are ignored, where they are and how many a node can attach: pods');
  }
  if (maybeList(spec.resourceClaims, 'spec.resourceClaims').length > 0) {
    context.warn('dynamic resource claims are ignored: pods');
  }
}

function hasTerms(value: unknown): boolean {
  return isRecord(value) && Object.values(value).some((terms) => Array.isArray(terms) && terms.length > 0);
}

/** Fields of volumes that affect where a pod can run. */
const PLACED_VOLUMES: readonly string[] = [
  'persistentVolumeClaim',
  'ephemeral',
  'csi',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'azureDisk',
  'cinder',
  'iscsi',
  'rbd',
];

function isPlacedVolume(volume: unknown): boolean {
  return isRecord(volume) && PLACED_VOLUMES.some((field) => isRecord(volume[field]));
}
