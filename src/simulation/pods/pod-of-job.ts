/**
 * A job of a table of jobs (CSV, a trace, a generated workload) as a pod of a Kubernetes cluster.
 */
import type { JobSpec } from '../../model/job.ts';
import { barePod, bareTemplate } from '../../model/kubernetes/bare-pod.ts';
import type { NodeDescription } from '../../model/kubernetes/node.ts';
import type {
  NodeSelectorTerm,
  PodAffinityTerm,
  PodDescription,
  PodTemplate,
  Toleration,
} from '../../model/kubernetes/pod.ts';
import { GPU_MODEL_LABELS, GPU_RESOURCES } from '../../model/readers/gpus.ts';
import { BYTES_PER_MIB } from '../../model/units.ts';

const HOSTNAME = 'kubernetes.io/hostname';

/** Label that stands for the group of pods that `podsPerNodeMax` counts. */
const SPREAD_LABEL = 'teg.dev/spread-group';

/** Nodes with these taints accept no pods: they are cordoned or not healthy. */
const CONDITIONS = 'node.kubernetes.io/';

/** Cluster-dependent defaults of jobs that come without a cluster. */
export interface ClusterHabits {
  /** Resource of their GPUs. */
  readonly gpuResource: string;
  /** They may run on all nodes except those that accept no pods. */
  readonly tolerations: readonly Toleration[];
}

/** @returns The defaults of jobs on these nodes. O(nodes). */
export function habitsOf(nodes: Iterable<NodeDescription>): ClusterHabits {
  const gpus = new Map<string, number>();
  const keys = new Set<string>();
  for (const { extended, taints } of nodes) {
    for (const name of GPU_RESOURCES) {
      const count = Object.hasOwn(extended, name) ? (extended[name] as number) : 0;
      if (count > 0) gpus.set(name, (gpus.get(name) ?? 0) + count);
    }
    for (const { key } of taints) if (!key.startsWith(CONDITIONS)) keys.add(key);
  }
  let gpuResource = GPU_RESOURCES[0] as string;
  for (const [name, count] of gpus) if (count > (gpus.get(gpuResource) ?? 0)) gpuResource = name;
  const tolerations = [...keys].map((key) => ({
    key,
    operator: 'Exists' as const,
    value: '',
    effect: '' as const,
  }));
  return { gpuResource, tolerations };
}

/** @returns Requirements of a job that no pod can express, for people; usually none. */
export function unsaidOf({ gpuCount, gpuMilli, podsPerNodeMax = 1 }: JobSpec): string[] {
  return [
    ...(gpuCount === 1 && gpuMilli < 1000 ? ['shares of a GPU count as a whole one'] : []),
    ...(podsPerNodeMax > 1 ? ['limits of more than one pod of a group on a node are ignored'] : []),
  ];
}

/** @returns A pod of the job, not assigned. Equal jobs have equal templates, not one object. */
export function podOfJob(job: JobSpec, habits: ClusterHabits): PodDescription {
  const namespace = job.tenant === '' ? 'default' : job.tenant;
  const name = job.id.slice(job.id.indexOf('/') + 1);
  const template = templateOf(job, namespace, habits);
  return { ...barePod(`job ${job.id}`, name, template), priority: job.priority, tenant: job.tenant };
}

function templateOf(job: JobSpec, namespace: string, habits: ClusterHabits): PodTemplate {
  const { podsPerNodeMax, spreadGroup = '' } = job;
  const isApart = podsPerNodeMax === 1;
  const apart: PodAffinityTerm = {
    topologyKey: HOSTNAME,
    selector: [{ key: SPREAD_LABEL, operator: 'In', values: [spreadGroup] }],
    namespaces: [namespace],
    namespaceSelector: undefined,
  };
  const extended = { ...job.extended };
  if (job.gpuCount > 0) extended[job.gpuResource ?? habits.gpuResource] = job.gpuCount;
  for (const name of Object.keys(extended)) {
    extended[name] = Math.ceil(extended[name] as number);
    if (extended[name] === 0) delete extended[name];
  }
  return {
    ...bareTemplate(namespace, {
      cpuMilli: job.cpuMilli,
      memoryBytes: job.memoryMib * BYTES_PER_MIB,
      extended,
    }),
    labels: isApart ? { [SPREAD_LABEL]: spreadGroup } : {},
    requiredNodeTerms: nodeTermsOf(job),
    tolerations: job.tolerations ?? habits.tolerations,
    antiAffinity: isApart ? [apart] : [],
  };
}

/** The terms of the job; a GPU model may be under any of the labels that name one. */
function nodeTermsOf({ affinity = [], gpuModels }: JobSpec): readonly NodeSelectorTerm[] | undefined {
  if (gpuModels.length === 0) {
    return affinity.length === 0 ? undefined : [{ expressions: affinity, fields: [] }];
  }
  return GPU_MODEL_LABELS.map((key) => ({
    expressions: [...affinity, { key, operator: 'In' as const, values: gpuModels }],
    fields: [],
  }));
}
