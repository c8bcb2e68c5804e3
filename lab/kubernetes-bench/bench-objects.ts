/**
 * Objects of the benchmarks: nodes, pods and others from scheduler_perf's templates, as JSON texts that lack only their
 * name.
 *
 * @source k8s.io/kubernetes v1.36.3 test/integration/scheduler_perf/templates
 */

/** An object that is created many times. */
export interface ObjectTemplate {
  /** Where it is created: `/api/v1/namespaces/bench/pods`. */
  readonly path: string;
  /** @returns Its JSON. */
  text(name: string): string;
}

/** Placeholder of the name in a template; longer than a name may be, so it occurs in no other place. */
const NAME = 'N'.repeat(300);

/** The parts of a pod's spec in which templates differ. */
export interface BenchPodParts {
  readonly namespace: string;
  readonly schedulerName: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly requests?: Readonly<Record<string, string>>;
  /** Further fields of the spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Requests of pod-default, limits being the same. */
const DEFAULT_REQUESTS = { cpu: '100m', memory: '500Mi' };

/** @param value The object with `metadata.name` as `NAME`. */
function templateOf(path: string, value: unknown): ObjectTemplate {
  const [before = '', after = ''] = JSON.stringify(value).split(NAME);
  return { path, text: (name) => before + name + after };
}

/** @returns A pod of scheduler_perf: one pause container, requests = limits. */
export function podTemplate(parts: BenchPodParts): ObjectTemplate {
  const { namespace, schedulerName, labels, requests = DEFAULT_REQUESTS, spec } = parts;
  return templateOf(`/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: NAME, namespace, ...(labels && { labels }) },
    spec: {
      schedulerName,
      containers: [
        {
          name: 'pause',
          image: 'registry.k8s.io/pause:3.10.2',
          ports: [{ containerPort: 80 }],
          resources: { requests, limits: requests },
        },
      ],
      ...spec,
    },
  });
}

/** Deviations of a node from scheduler_perf's default (110 pods, 4 CPUs, 32Gi). */
export interface NodeParts {
  readonly labels?: Readonly<Record<string, string>>;
  readonly capacity?: Readonly<Record<string, string>>;
}

/**
 * A ready node without a kubelet, with the label of its host name.
 *
 * Its allocatable is its capacity, which the API server fills in.
 */
export function nodeText(name: string, { labels, capacity }: NodeParts = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: {},
    status: {
      capacity: capacity ?? { pods: '110', cpu: '4', memory: '32Gi' },
      conditions: [{ type: 'Ready', status: 'True' }],
      phase: 'Running',
    },
  });
}

/** @returns The service that SchedulingWithMixedChurn creates and deletes. */
export function serviceTemplate(namespace: string): ObjectTemplate {
  return templateOf(`/api/v1/namespaces/${namespace}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: NAME, namespace },
    spec: { selector: { app: 'foo' }, ports: [{ protocol: 'TCP', port: 8080, targetPort: 8080 }] },
  });
}

/** @returns An upstream PodGroup (alpha API of the pinned version) all of whose pods start together. */
export function podGroupTemplate(namespace: string, minCount: number): ObjectTemplate {
  return templateOf(`/apis/scheduling.k8s.io/v1alpha2/namespaces/${namespace}/podgroups`, {
    apiVersion: 'scheduling.k8s.io/v1alpha2',
    kind: 'PodGroup',
    metadata: { name: NAME, namespace },
    spec: { schedulingPolicy: { gang: { minCount } } },
  });
}

/** @returns A namespace. */
export function namespaceText(name: string): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
}
