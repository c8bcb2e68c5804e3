/**
 * Objects of a file in the form in which the API server would have stored them: manifests lack what it fills in.
 *
 * Filled in, as far as scheduling reads it: uid and namespace, the scheduler's name, requests from limits, the priority
 * of a priority class. Objects that a server has stored stay as they are.
 *
 * @source kubernetes pkg/apis/core/v1/defaults.go `SetDefaults_Pod`, `SetDefaults_PodSpec`; plugin/pkg/admission/priority.
 */
import { podLevelDefaultsOf } from '../../../model/readers/pod-requests.ts';
import {
  type ApiObject,
  isRecord,
  maybeList,
  maybeRecord,
  projecting,
} from '../../../model/readers/read-object.ts';
import { amountsOf } from '../../../model/readers/resource-amounts.ts';
import { SYSTEM_PRIORITIES } from '../../../traces/kubernetes/pod.ts';

/** Kinds that live in a namespace. */
const NAMESPACED: ReadonlySet<string> = new Set([
  'Pod',
  'PodGroup',
  'PodDisruptionBudget',
  'PersistentVolumeClaim',
  'CSIStorageCapacity',
]);

/** Most priority classes that are kept. */
const CLASSES_MAX = 10_000;

/** Brings objects of one file into their stored form. */
export class StoredForm {
  private readonly priorityByClass = new Map<string, number>(SYSTEM_PRIORITIES);

  /**
   * @param object With its kind. Classes have an effect on pods after them, as in the reader of traces.
   * @returns      The object itself if nothing was missing.
   * @throws TegError TEG_KUBE_OBJECT for limits or requests that cannot be read.
   */
  of(object: ApiObject): ApiObject {
    if (object.kind === 'PriorityClass') this.keepClass(object);
    const identified = withIdentity(object);
    if (!isRecord(identified.spec)) return identified;
    if (object.kind === 'PodGroup') return { ...identified, spec: this.withPriority(identified.spec) };
    if (object.kind !== 'Pod') return identified;
    return projecting('Pod', identified, (pod) => {
      const spec = withRequests(this.withPriority(withScheduler(pod.spec as ApiObject)));
      return spec === pod.spec ? pod : { ...pod, spec };
    });
  }

  private keepClass({ metadata, value }: ApiObject): void {
    const name = isRecord(metadata) ? metadata.name : undefined;
    const priority = Number(value);
    if (typeof name !== 'string' || !Number.isInteger(priority)) return;
    if (this.priorityByClass.size < CLASSES_MAX) this.priorityByClass.set(name, priority);
  }

  private withPriority(spec: ApiObject): ApiObject {
    if (spec.priority !== undefined || typeof spec.priorityClassName !== 'string') return spec;
    const priority = this.priorityByClass.get(spec.priorityClassName);
    return priority === undefined ? spec : { ...spec, priority };
  }
}

function withScheduler(spec: ApiObject): ApiObject {
  return spec.schedulerName === undefined ? { ...spec, schedulerName: 'default-scheduler' } : spec;
}

/** Objects of a manifest have a name, and no more. */
function withIdentity(object: ApiObject): ApiObject {
  if (!isRecord(object.metadata)) return object;
  const { metadata } = object;
  const kind = String(object.kind);
  const namespace = metadata.namespace ?? (NAMESPACED.has(kind) ? 'default' : undefined);
  const uid = metadata.uid ?? `${kind} ${String(namespace)}/${String(metadata.name)}`;
  if (uid === metadata.uid && namespace === metadata.namespace) return object;
  return { ...object, metadata: { ...metadata, uid, ...(namespace === undefined ? {} : { namespace }) } };
}

/** Requests from limits, resource by resource: of containers, then of the pod as a whole. */
function withRequests(spec: ApiObject): ApiObject {
  let filled = spec;
  for (const field of ['containers', 'initContainers']) {
    const containers = maybeList(spec[field], `spec.${field}`);
    if (!containers.some(lacksRequests)) continue;
    filled = {
      ...filled,
      [field]: containers.map((each) => (lacksRequests(each) ? withLimits(each) : each)),
    };
  }
  const more = podLevelDefaultsOf(filled);
  if (more.size === 0) return filled;
  const resources = maybeRecord(filled.resources, 'spec.resources');
  const requests = { ...maybeRecord(resources.requests, 'spec.resources.requests') };
  for (const [name, nanos] of more) requests[name] = `${nanos}n`;
  return { ...filled, resources: { ...resources, requests } };
}

interface WithLimits extends ApiObject {
  readonly resources: { readonly limits: ApiObject; readonly requests?: ApiObject };
}

/** True for a container with a limit of a resource that it does not request. @throws TegError TEG_KUBE_OBJECT. */
function lacksRequests(container: unknown): container is WithLimits {
  if (!isRecord(container) || !isRecord(container.resources)) return false;
  const { limits, requests = {} } = container.resources;
  if (!isRecord(limits) || !(requests === null || isRecord(requests))) return false;
  // A server would store none of them if one is not a quantity.
  amountsOf(limits, 'spec.containers[].resources.limits');
  return Object.keys(limits).some((name) => requests === null || !Object.hasOwn(requests, name));
}

function withLimits(container: WithLimits): ApiObject {
  const { limits, requests } = container.resources;
  return { ...container, resources: { ...container.resources, requests: { ...limits, ...requests } } };
}
