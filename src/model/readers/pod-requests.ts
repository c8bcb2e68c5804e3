/**
 * The requests of a pod, exactly as kube-scheduler 1.36 counts them.
 *
 * @source k8s.io/component-helpers/resource `PodRequests` and `AggregateContainerRequests`;
 *   pkg/scheduler/framework/types.go `CalculateResource`: containers and sidecars add up; an init container needs its
 *   own requests and those of the sidecars before it; pod-level requests replace cpu, memory and huge pages; overhead
 *   comes on top; a running pod counts the larger of its allocation and its request, and only the allocation if its
 *   resize is infeasible.
 */

import type { PodRequests } from '../kubernetes/pod.ts';
import { AS_SERVED, type Leniency } from './leniency.ts';
import { type ApiObject, isRecord, maybeList, maybeRecord, recordOf } from './read-object.ts';
import {
  type Amounts,
  addAmounts,
  amountsOf,
  isCountedResource,
  raiseAmounts,
  wholeUnits,
} from './resource-amounts.ts';

const NO_REQUESTS: Readonly<Record<string, number>> = Object.freeze({});

/** How one pod is read. */
interface Reading {
  readonly resize: ResizeState | undefined;
  readonly fillsDefaults: boolean;
}

/** The resource fields of a pod's status. */
interface ResizeState {
  /** By container name. */
  readonly containers: ReadonlyMap<string, ApiObject>;
  readonly infeasible: boolean;
  readonly status: ApiObject;
}

/**
 * @param spec   `spec` of the pod.
 * @param status `status`, or undefined for a pod that is not assigned: then the specification alone counts.
 * @param leniency `fillsDefaults`: limits stand in for requests as in `SetDefaults_Pod` of the API server.
 * @throws TegError TEG_KUBE_OBJECT for text that is not a quantity, or sums beyond 2^53.
 */
export function podRequestsOf(
  spec: ApiObject,
  status: ApiObject | undefined,
  leniency: Leniency = AS_SERVED,
): PodRequests {
  const resize = status && resizeStateOf(status);
  const fillsDefaults = leniency.fillsDefaults === true;
  const amounts = containersOf(spec, { resize, fillsDefaults });
  applyPodLevel(amounts, spec, { resize, fillsDefaults });
  addAmounts(amounts, amountsOf(spec.overhead, 'spec.overhead'));
  return wholeRequests(amounts);
}

/**
 * @param spec `spec` of a pod whose containers have their requests.
 * @returns Requests of the pod as a whole that its limits imply and `spec.resources` lacks, in billionths.
 * @throws TegError TEG_KUBE_OBJECT for text that is not a quantity.
 */
export function podLevelDefaultsOf(spec: ApiObject): Amounts {
  const implied: Amounts = new Map();
  if (spec.resources === undefined) return implied;
  const resources = maybeRecord(spec.resources, 'spec.resources');
  const limits = amountsOf(resources.limits, 'spec.resources.limits');
  if (limits.size === 0) return implied;
  const asked = amountsOf(resources.requests, 'spec.resources.requests');
  const before = new Set(asked.keys());
  fillPodLevel(asked, limits, containersOf(spec, { resize: undefined, fillsDefaults: false }));
  for (const [name, nanos] of asked) if (!before.has(name)) implied.set(name, nanos);
  return implied;
}

/** @returns The status's amounts, undefined if none of them counts. */
function resizeStateOf(status: ApiObject): ResizeState | undefined {
  const containers = new Map<string, ApiObject>();
  for (const field of ['containerStatuses', 'initContainerStatuses']) {
    for (const entry of maybeList(status[field], `status.${field}`)) {
      if (!isRecord(entry) || !isRecord(entry.resources) || typeof entry.name !== 'string') continue;
      containers.set(entry.name, entry);
    }
  }
  if (containers.size === 0 && !isRecord(status.resources)) return undefined;
  return { containers, infeasible: isResizeInfeasible(status), status };
}

/** True if the first condition PodResizePending says that the resize cannot be done here. */
export function isResizeInfeasible(status: ApiObject): boolean {
  for (const condition of maybeList(status.conditions, 'status.conditions')) {
    if (isRecord(condition) && condition.type === 'PodResizePending')
      return condition.reason === 'Infeasible';
  }
  return false;
}

/** Containers, sidecars and init containers, without overhead. */
function containersOf(spec: ApiObject, reading: Reading): Amounts {
  const sum: Amounts = new Map();
  for (const entry of maybeList(spec.containers, 'spec.containers')) {
    addAmounts(sum, containerAmounts(recordOf(entry, 'spec.containers[]'), 'spec.containers[]', reading));
  }
  const sidecars: Amounts = new Map();
  const peak: Amounts = new Map();
  for (const entry of maybeList(spec.initContainers, 'spec.initContainers')) {
    const path = 'spec.initContainers[]';
    const container = recordOf(entry, path);
    if (isSidecar(container)) {
      const own = containerAmounts(container, path, reading);
      addAmounts(sum, own);
      addAmounts(sidecars, own);
      raiseAmounts(peak, sidecars);
    } else {
      const own = containerAmounts(container, path, { ...reading, resize: undefined });
      addAmounts(own, sidecars);
      raiseAmounts(peak, own);
    }
  }
  raiseAmounts(sum, peak);
  return sum;
}

/** True if an init container stays as long as the pod does. */
export function isSidecar(container: ApiObject): boolean {
  return container.restartPolicy === 'Always';
}

/** A new map: the amounts of one container. */
function containerAmounts(container: ApiObject, path: string, { resize, fillsDefaults }: Reading): Amounts {
  const resources = maybeRecord(container.resources, `${path}.resources`);
  const asked = amountsOf(resources.requests, `${path}.resources.requests`);
  if (fillsDefaults) fillFrom(asked, amountsOf(resources.limits, `${path}.resources.limits`));
  const entry = resize?.containers.get(container.name as string);
  if (resize === undefined || entry === undefined) return asked;
  const given = maybeRecord(entry.resources, 'status.containerStatuses[].resources');
  return effective(
    resize.infeasible ? new Map() : asked,
    amountsOf(given.requests, 'status.containerStatuses[].resources.requests'),
    amountsOf(entry.allocatedResources, 'status.containerStatuses[].allocatedResources'),
  );
}

/** The maximum of three, resource by resource. */
function effective(asked: Amounts, actuated: Amounts, allocated: Amounts): Amounts {
  raiseAmounts(asked, actuated);
  raiseAmounts(asked, allocated);
  return asked;
}

/** Replaces the sums by the requests of the pod as a whole, for the resources that can have them. */
function applyPodLevel(amounts: Amounts, spec: ApiObject, { resize, fillsDefaults }: Reading): void {
  const resources = maybeRecord(spec.resources, 'spec.resources');
  const asked = amountsOf(resources.requests, 'spec.resources.requests');
  if (fillsDefaults) {
    const limits = amountsOf(resources.limits, 'spec.resources.limits');
    if (limits.size > 0) fillPodLevel(asked, limits, amounts);
  }
  let inEffect: Amounts | undefined;
  if (resize !== undefined && isRecord(resize.status.resources)) {
    inEffect = effective(
      resize.infeasible ? new Map() : new Map(asked),
      amountsOf(resize.status.resources.requests, 'status.resources.requests'),
      amountsOf(resize.status.allocatedResources, 'status.allocatedResources'),
    );
  }
  for (const [name, nanos] of asked) {
    if (!isPodLevel(name)) continue;
    amounts.set(name, inEffect === undefined ? nanos : (inEffect.get(name) ?? 0n));
  }
}

/** Adds the entries of `more` that `amounts` lacks. */
function fillFrom(amounts: Amounts, more: Amounts): void {
  for (const [name, nanos] of more) {
    if (!amounts.has(name)) amounts.set(name, nanos);
  }
}

/**
 * Requests of the pod as a whole that its limits imply: the containers' requests where they have them, else the limit.
 */
function fillPodLevel(asked: Amounts, limits: Amounts, ofContainers: Amounts): void {
  for (const [name, limit] of limits) {
    if (asked.has(name) || !isPodLevel(name)) continue;
    const sum = name === 'cpu' || name === 'memory' ? ofContainers.get(name) : undefined;
    asked.set(name, sum ?? limit);
  }
}

/** True if a pod can request a resource as a whole. */
function isPodLevel(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}

/** Rounded up once, in whole units; only counted resources, no zeros, in the order of names. */
function wholeRequests(amounts: Amounts): PodRequests {
  let extended: Record<string, number> | undefined;
  for (const name of [...amounts.keys()].sort()) {
    const nanos = amounts.get(name) as bigint;
    if (nanos === 0n || name === 'cpu' || name === 'memory' || !isCountedResource(name)) continue;
    extended ??= {};
    extended[name] = wholeUnits(nanos, 'one');
  }
  return {
    cpuMilli: wholeUnits(amounts.get('cpu') ?? 0n, 'milli'),
    memoryBytes: wholeUnits(amounts.get('memory') ?? 0n, 'one'),
    extended: extended ?? NO_REQUESTS,
  };
}
