/**
 * A Kubernetes pod as a job of one pod.
 */
import type { JobSpec } from '../../model/job.ts';
import { GPU_MILLI } from '../../model/node.ts';
import { parseDecimal } from '../row.ts';
import { nodeConstraint } from './constraints.ts';
import type { FieldReader, Fields } from './fields.ts';
import { type Amounts, extendedOf, gpusOf, podRequests } from './resources.ts';
import { tolerationsOf } from './taints.ts';

/** Labels and annotations that name a pod's PodGroup, in the order in which they are believed. */
const POD_GROUP_KEYS: readonly string[] = [
  'scheduling.x-k8s.io/pod-group',
  'pod-group.scheduling.sigs.k8s.io',
  'scheduling.k8s.io/group-name',
  'pod-group-name',
];

const BYTES_PER_MIB = 1_048_576;

/** What is known from other objects of the same file, as far as it was read. */
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
 * A pod that runs or waits never ends; one that has ended ran from its start to the end of its last container.
 *
 * @returns The job, or undefined if the pod has ended and does not say when it ran.
 * @throws TegError TEG_TRACE_BAD_VALUE with the path of the field.
 */
export function podToJob(pod: Fields, around: PodSurroundings, reader: FieldReader): JobSpec | undefined {
  const metadata = reader.fields(pod, 'metadata', '');
  const spec = reader.fields(pod, 'spec', '');
  const status = reader.fields(pod, 'status', '');
  const durationSeconds = duration(status, reader);
  if (Number.isNaN(durationSeconds)) {
    reader.context.warn('pods that have ended without saying when are left out');
    return undefined;
  }
  warnOfIgnored(spec, reader);
  const namespace = reader.text(metadata, 'namespace', 'metadata') || 'default';
  const requests = podRequests(spec, reader);
  const gpus = gpuRequest(metadata, requests, reader);
  return {
    id: `${namespace}/${reader.name(metadata, 'name', 'metadata')}`,
    tenant: namespace,
    priority: priority(spec, around, reader),
    cpuMilli: requests.get('cpu') ?? 0,
    memoryMib: Math.ceil((requests.get('memory') ?? 0) / BYTES_PER_MIB),
    ...gpus,
    ...constraintFields(spec, gpus.gpuCount > 0, reader),
    ...extendedOf(requests),
    submitSeconds: submitSeconds(metadata, around, reader),
    durationSeconds,
    requestedSeconds: reader.integer(spec, 'activeDeadlineSeconds', 'spec', Number.NaN),
    podCount: 1,
    gangMin: 1,
    tolerations: tolerationsOf(spec, reader),
    ...textField('podGroup', podGroup(metadata, spec, namespace, reader)),
    ...textField('owner', owner(metadata, reader)),
    ...textField('nodeName', reader.text(spec, 'nodeName', 'spec')),
  };
}

function constraintFields(
  spec: Fields,
  usesGpus: boolean,
  reader: FieldReader,
): Pick<JobSpec, 'gpuModels' | 'affinity'> {
  const { gpuModels, affinity } = nodeConstraint(spec, usesGpus, reader);
  return { gpuModels, ...(affinity.length > 0 ? { affinity } : {}) };
}

/** Whole devices, or a share of one as the annotations of two sharing schedulers say it. */
function gpuRequest(
  metadata: Fields,
  requests: Amounts,
  reader: FieldReader,
): { gpuCount: number; gpuMilli: number } {
  const devices = gpusOf(requests);
  const annotations = reader.fields(metadata, 'annotations', 'metadata');
  const path = 'metadata.annotations';
  const fraction = reader.text(annotations, 'gpu-fraction', path);
  if (fraction !== '' && devices === 0) {
    const gpuMilli = Math.ceil(parseDecimal(fraction) * GPU_MILLI);
    if (gpuMilli >= 1 && gpuMilli <= GPU_MILLI) return { gpuCount: 1, gpuMilli };
    throw reader.bad(`${path}['gpu-fraction']`, fraction, 'a number in (0, 1]');
  }
  const count = reader.integer(annotations, 'alibabacloud.com/gpu-count', path, devices);
  const milli = reader.integer(annotations, 'alibabacloud.com/gpu-milli', path, GPU_MILLI);
  return { gpuCount: count, gpuMilli: count === 0 ? 0 : count === 1 ? milli : GPU_MILLI };
}

/** Infinity for a pod that has not ended; NaN for one that has, without times. */
function duration(status: Fields, reader: FieldReader): number {
  const phase = reader.text(status, 'phase', 'status');
  if (phase !== 'Succeeded' && phase !== 'Failed') return Number.POSITIVE_INFINITY;
  const begin = time(status, 'startTime', 'status', reader);
  let end = Number.NaN;
  for (const container of reader.listOfFields(status, 'containerStatuses', 'status')) {
    const state = reader.fields(container, 'state', 'status.containerStatuses[]');
    const ended = reader.fields(state, 'terminated', 'status.containerStatuses[].state');
    const finished = time(ended, 'finishedAt', 'status.containerStatuses[].state.terminated', reader);
    if (!(finished <= end)) end = finished;
  }
  return Math.max(0, (end - begin) / 1_000);
}

function submitSeconds(metadata: Fields, around: PodSurroundings, reader: FieldReader): number {
  const created = time(metadata, 'creationTimestamp', 'metadata', reader);
  if (Number.isNaN(created)) return 0;
  if (Number.isNaN(around.originMs)) {
    around.originMs = created;
    reader.context.note('time 0', new Date(created).toISOString());
  }
  return (created - around.originMs) / 1_000;
}

/** Milliseconds since 1970; NaN if the field is absent. */
function time(parent: Fields, key: string, path: string, reader: FieldReader): number {
  const text = reader.text(parent, key, path);
  if (text === '') return Number.NaN;
  const isTime = text.length <= 40 && /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d/.test(text);
  const ms = isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw reader.bad(`${path}.${key}`, text, 'a time such as 2026-01-31T12:00:00Z');
  return ms;
}

function priority(spec: Fields, around: PodSurroundings, reader: FieldReader): number {
  const name = reader.text(spec, 'priorityClassName', 'spec');
  const known = SYSTEM_PRIORITIES.get(name) ?? around.priorityByClass.get(name);
  const value = reader.integer(spec, 'priority', 'spec', known ?? Number.NaN);
  if (!Number.isNaN(value)) return value;
  if (name !== '') {
    reader.context.warn('priority classes that no earlier object of the file defines count as 0: pods');
  }
  return 0;
}

function podGroup(metadata: Fields, spec: Fields, namespace: string, reader: FieldReader): string {
  const group = reader.fields(spec, 'schedulingGroup', 'spec');
  const labels = reader.fields(metadata, 'labels', 'metadata');
  const annotations = reader.fields(metadata, 'annotations', 'metadata');
  const names = [
    reader.text(group, 'podGroupName', 'spec.schedulingGroup'),
    ...POD_GROUP_KEYS.map((key) => reader.text(labels, key, 'metadata.labels')),
    ...POD_GROUP_KEYS.map((key) => reader.text(annotations, key, 'metadata.annotations')),
  ];
  const name = names.find((text) => text !== '');
  return name === undefined ? '' : `${namespace}/${name}`;
}

/** The controller that made the pod, else its first owner. */
function owner(metadata: Fields, reader: FieldReader): string {
  const path = 'metadata.ownerReferences[]';
  const owners = reader.listOfFields(metadata, 'ownerReferences', 'metadata');
  const made = owners.find((o) => reader.text(o, 'controller', path) === 'true') ?? owners[0];
  if (made === undefined) return '';
  return `${reader.text(made, 'kind', path)}/${reader.text(made, 'name', path)}`;
}

function textField<Key extends string>(key: Key, text: string): { [K in Key]?: string } {
  return text === '' ? {} : ({ [key]: text } as { [K in Key]?: string });
}

function warnOfIgnored(spec: Fields, reader: FieldReader): void {
  const affinity = reader.fields(spec, 'affinity', 'spec');
  const spreads = reader.list(spec, 'topologySpreadConstraints', 'spec').length > 0;
  if (spreads || Object.hasOwn(affinity, 'podAffinity') || Object.hasOwn(affinity, 'podAntiAffinity')) {
    reader.context.warn('affinity between pods and topology spread constraints are ignored: pods');
  }
  if (reader.list(spec, 'schedulingGates', 'spec').length > 0) {
    reader.context.warn('scheduling gates are ignored: pods');
  }
}
