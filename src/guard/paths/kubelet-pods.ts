/**
 * What a kubelet says about its pods (`GET /pods`, a PodList), as facts for freezing, and how long each container may be frozen
 * before a probe would have it killed.
 *
 * Anything that is not as expected is missing from the facts: what is not known is not frozen.
 */
import type { ContainerFacts, PodFacts } from './freezable.ts';

/** Key of the annotation or label by which a pod opts in, and its value. */
export const OPT_IN_KEY = 'teg.dev/guard';
const OPT_IN_VALUE = 'enabled';
/** A thaw takes effect after this, at the latest: kept free before the probe that would be one too many. */
const PROBE_MARGIN_SECONDS = 1;
/** Defaults of the API. */
const PROBE_DEFAULTS = { periodSeconds: 10, failureThreshold: 3, timeoutSeconds: 1 } as const;
/** Most pods that are read: a kubelet runs some hundreds. */
const PODS_MAX = 4096;

/** How long a container may be frozen, and must run afterwards. */
export interface ProbeBudget {
  /** Seconds; Infinity: no probe looks at it. 0 or less: it must not be frozen at all. */
  readonly frozenSecondsMax: number;
  /** Until each probe has succeeded once. */
  readonly breatherSeconds: number;
}

/** A node's pods. */
export interface KubeletPods {
  /** By uid, static ones by their hash. */
  readonly pods: ReadonlyMap<string, PodFacts>;
  /** By identity. */
  readonly containers: ReadonlyMap<string, ContainerFacts>;
  readonly budgets: ReadonlyMap<string, ProbeBudget>;
}

type Json = { readonly [key: string]: unknown };

/** @returns The facts. @param list Parsed JSON of the kubelet's answer. O(containers). */
export function readKubeletPods(list: unknown): KubeletPods {
  const pods = new Map<string, PodFacts>();
  const containers = new Map<string, ContainerFacts>();
  const budgets = new Map<string, ProbeBudget>();
  for (const pod of listAt(objectOf(list), 'items').slice(0, PODS_MAX)) {
    const metadata = objectAt(pod, 'metadata');
    const annotations = objectAt(metadata, 'annotations');
    const podUid = textAt(annotations, 'kubernetes.io/config.hash') ?? textAt(metadata, 'uid');
    if (podUid === undefined) continue;
    pods.set(podUid, podFacts(metadata, objectAt(pod, 'spec')));
    const specs = listAt(objectAt(pod, 'spec'), 'containers');
    for (const status of listAt(objectAt(pod, 'status'), 'containerStatuses')) {
      const id = textAt(status, 'containerID')?.split('://')[1];
      if (id === undefined || id === '') continue;
      containers.set(id, { podUid, isRunning: 'running' in objectAt(status, 'state') });
      const spec = specs.find((container) => container.name === status.name);
      budgets.set(id, probeBudget(spec ?? {}));
    }
  }
  return { pods, containers, budgets };
}

function podFacts(metadata: Json, spec: Json): PodFacts {
  const annotations = objectAt(metadata, 'annotations');
  const source = textAt(annotations, 'kubernetes.io/config.source');
  const isStatic = source === 'file' || source === 'http' || 'kubernetes.io/config.mirror' in annotations;
  const { priority } = spec;
  return {
    optedIn: [annotations, objectAt(metadata, 'labels')].some((keys) => keys[OPT_IN_KEY] === OPT_IN_VALUE),
    isStatic,
    isTerminating: metadata.deletionTimestamp !== undefined && metadata.deletionTimestamp !== null,
    // The API server gives every pod a priority; static pods have none if their file says so.
    priority: typeof priority === 'number' ? priority : isStatic ? 0 : undefined,
    priorityClass: textAt(spec, 'priorityClassName'),
  };
}

/**
 * The kubelet asks a frozen container over the network, gets no answer, and restarts it after `failureThreshold` failures in a
 * row. Commands in a frozen container are refused by the runtime, and the kubelet discards the answer: they cost nothing.
 *
 * @returns The strictest budget of liveness and startup probe.
 */
export function probeBudget(container: { readonly [key: string]: unknown }): ProbeBudget {
  let frozenSecondsMax = Number.POSITIVE_INFINITY;
  let breatherSeconds = 0;
  for (const name of ['livenessProbe', 'startupProbe']) {
    const probe = objectAt(container, name);
    if (!['httpGet', 'tcpSocket', 'grpc'].some((kind) => kind in probe)) continue;
    const period = positiveAt(probe, 'periodSeconds', PROBE_DEFAULTS.periodSeconds);
    const failures = positiveAt(probe, 'failureThreshold', PROBE_DEFAULTS.failureThreshold);
    const timeout = positiveAt(probe, 'timeoutSeconds', PROBE_DEFAULTS.timeoutSeconds);
    frozenSecondsMax = Math.min(frozenSecondsMax, (failures - 1) * period - PROBE_MARGIN_SECONDS);
    breatherSeconds = Math.max(breatherSeconds, 2 * period + timeout);
  }
  return { frozenSecondsMax, breatherSeconds };
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function objectAt(parent: Json, key: string): Json {
  return objectOf(parent[key]);
}

function listAt(parent: Json, key: string): readonly Json[] {
  const value = parent[key];
  return Array.isArray(value) ? value.map(objectOf) : [];
}

function textAt(parent: Json, key: string): string | undefined {
  const value = parent[key];
  return typeof value === 'string' ? value : undefined;
}

function positiveAt(parent: Json, key: string, standard: number): number {
  const value = parent[key];
  return typeof value === 'number' && value > 0 ? value : standard;
}
