/**
 * Pods: from API objects to descriptions.
 */

import { INT32_MAX, INT32_MIN } from '../../../kernel/limits.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { expectedRuntimeOf } from '../../../model/readers/expected-runtime.ts';
import { groupNameOf } from '../../../model/readers/group-keys.ts';
import { lastCheckpointOf } from '../../../model/readers/last-checkpoint.ts';
import {
  type ApiObject,
  maybeInteger,
  maybeList,
  maybeRecord,
  maybeSeconds,
  maybeText,
  projecting,
  recordOf,
  textOf,
} from '../../../model/readers/read-object.ts';
import { tenantNameOf } from '../../../model/readers/tenant-name.ts';
import { templateOf } from './pod-template.ts';
import type { Profiles } from './profiles.ts';
import type { TemplateCache } from './template-cache.ts';

const NO_GATES: readonly string[] = Object.freeze([]);

/** Reads the name or key of a pod's tenant: its namespace and metadata are given. */
export type TenantReader = (namespace: string, metadata: ApiObject) => string;

/**
 * Describes a pod.
 *
 * @param object        Parsed JSON; not changed, and parts of it may be kept.
 * @param profiles      Pods whose `spec.schedulerName` is one of these are ours.
 * @param templates     Gives pods of equal templates one template object; without it each pod has its own.
 * @param tenantOf      Its tenant; default: the label's, or the namespace.
 * @throws TegError TEG_KUBE_OBJECT with the path of the malformed field, and nothing else for any object.
 * @cost 3 µs for a usual pod of a known template.
 */
export function podOf(
  object: unknown,
  profiles: Profiles,
  templates?: TemplateCache,
  tenantOf: TenantReader = tenantNameOf,
): PodDescription {
  return projecting('Pod', object, (pod) => describe(pod, profiles, templates, tenantOf));
}

/** A pod that has ended, reduced to what its group needs. */
export interface EndedMember {
  readonly uid: string;
  /** As `PodDescription.group`; '' if it is not a member of a group. */
  readonly group: string;
}

/**
 * Reads the remaining data of a pod that has ended.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of the malformed field.
 */
export function endedMemberOf(object: unknown): EndedMember {
  return projecting('Pod', object, (pod) => {
    const metadata = recordOf(pod.metadata, 'metadata');
    const namespace = textOf(metadata.namespace, 'metadata.namespace');
    const group = groupOf(namespace, metadata, maybeRecord(pod.spec, 'spec'));
    return { uid: textOf(metadata.uid, 'metadata.uid'), group };
  });
}

function describe(
  pod: ApiObject,
  profiles: Profiles,
  templates: TemplateCache | undefined,
  tenantOf: TenantReader,
): PodDescription {
  const metadata = recordOf(pod.metadata, 'metadata');
  const spec = recordOf(pod.spec, 'spec');
  const status = maybeRecord(pod.status, 'status');
  const namespace = textOf(metadata.namespace, 'metadata.namespace');
  const name = textOf(metadata.name, 'metadata.name');
  const nodeName = maybeText(spec.nodeName, 'spec.nodeName');
  const deleting = metadata.deletionTimestamp !== undefined && metadata.deletionTimestamp !== null;
  const profile = profiles.get(maybeText(spec.schedulerName, 'spec.schedulerName'));
  const strategy = profile ?? 'pack';
  const parts = { namespace, name, metadata, spec, status: nodeName === '' ? undefined : status, strategy };
  const expectedSeconds = expectedRuntimeOf(metadata, spec);
  const checkpointedSeconds = lastCheckpointOf(metadata);
  return {
    uid: textOf(metadata.uid, 'metadata.uid'),
    namespace,
    name,
    ours: profile !== undefined,
    nodeName,
    ended: status.phase === 'Succeeded' || status.phase === 'Failed',
    deleting,
    // Only where it matters: most pods are not being deleted.
    preempted: deleting && isPreempted(status),
    gates: gatesOf(spec.schedulingGates),
    priority: maybeInteger(spec.priority, 'spec.priority', INT32_MIN, INT32_MAX, 0),
    generation: maybeInteger(metadata.generation, 'metadata.generation', 0, Number.MAX_SAFE_INTEGER, 0),
    nominatedNodeName: maybeText(status.nominatedNodeName, 'status.nominatedNodeName'),
    createdSeconds: maybeSeconds(metadata.creationTimestamp, 'metadata.creationTimestamp'),
    startedSeconds: maybeSeconds(status.startTime, 'status.startTime'),
    group: groupOf(namespace, metadata, spec),
    tenant: tenantOf(namespace, metadata),
    ...(expectedSeconds === undefined ? {} : { expectedSeconds }),
    ...(checkpointedSeconds === undefined ? {} : { checkpointedSeconds }),
    template: templates === undefined ? templateOf(parts) : templates.templateFor(parts),
  };
}

/**
 * True if a scheduler preempted the pod; kube-scheduler distinguishes its victims from other deleted pods in the same
 * way.
 */
function isPreempted(status: ApiObject): boolean {
  for (const each of maybeList(status.conditions, 'status.conditions')) {
    const condition = recordOf(each, 'status.conditions[]');
    if (condition.type === 'DisruptionTarget') {
      return condition.status === 'True' && condition.reason === 'PreemptionByScheduler';
    }
  }
  return false;
}

function gatesOf(value: unknown): readonly string[] {
  const list = maybeList(value, 'spec.schedulingGates');
  if (list.length === 0) return NO_GATES;
  return list.map((gate) =>
    textOf(recordOf(gate, 'spec.schedulingGates[]').name, 'spec.schedulingGates[].name'),
  );
}

/** `core:ns/name` or `cosched:ns/name`. */
function groupOf(namespace: string, metadata: ApiObject, spec: ApiObject): string {
  const group = groupNameOf(metadata, spec);
  return group === undefined ? '' : `${group.api}:${namespace}/${group.name}`;
}
