/**
 * Groups of pods: PodGroup of Kubernetes itself, and PodGroup of the coscheduling plugin; and disruption budgets.
 */

import { INT32_MAX, INT32_MIN } from '../../../kernel/limits.ts';
import type { BudgetDescription, PodGroupDescription } from '../../../model/kubernetes/pod.ts';
import { labelSelectorOf } from '../../../model/readers/label-selectors.ts';
import {
  type ApiObject,
  isRecord,
  malformed,
  maybeInteger,
  maybeList,
  maybeRecord,
  maybeText,
  projecting,
  recordOf,
  textOf,
} from '../../../model/readers/read-object.ts';
import { preemptionPolicyOf } from './pod-template.ts';

/**
 * Describes a PodGroup of scheduling.k8s.io (v1alpha2 of 1.36, v1alpha3 and v1beta1 of 1.37) or of scheduling.x-k8s.io
 * (v1alpha1); its `apiVersion` says which one. Objects of a list have none: then the caller passes `apiGroup`.
 *
 * @param apiGroup The group of the API that it was read from, if known.
 * @throws TegError TEG_KUBE_OBJECT with the path of the malformed field.
 */
export function podGroupOf(object: unknown, apiGroup?: string): PodGroupDescription {
  return projecting('PodGroup', object, (group) => {
    const metadata = recordOf(group.metadata, 'metadata');
    const spec = maybeRecord(group.spec, 'spec');
    const namespace = textOf(metadata.namespace, 'metadata.namespace');
    const key = `${namespace}/${textOf(metadata.name, 'metadata.name')}`;
    const uid = textOf(metadata.uid, 'metadata.uid');
    const api = apiGroup ?? maybeText(group.apiVersion, 'apiVersion').split('/')[0];
    if (api === 'scheduling.x-k8s.io') {
      const minCount = maybeInteger(spec.minMember, 'spec.minMember', 0, INT32_MAX, 1);
      return {
        key: `cosched:${key}`,
        uid,
        minCount: Math.max(1, minCount),
        topologyKeys: [],
        unsupported: [],
      };
    }
    if (api !== 'scheduling.k8s.io') {
      throw malformed('apiVersion', group.apiVersion, 'scheduling.k8s.io or scheduling.x-k8s.io');
    }
    return { key: `core:${key}`, uid, ...coreGroupOf(spec) };
  });
}

function coreGroupOf(spec: ApiObject): Omit<PodGroupDescription, 'key' | 'uid'> {
  const policy = maybeRecord(spec.schedulingPolicy, 'spec.schedulingPolicy');
  const gang = maybeRecord(policy.gang, 'spec.schedulingPolicy.gang');
  const topologyKeys = topologyKeysOf(spec);
  return {
    minCount: maybeInteger(gang.minCount, 'spec.schedulingPolicy.gang.minCount', 1, INT32_MAX, 1),
    topologyKeys: topologyKeys.slice(0, 1),
    ...termsOf(spec),
    unsupported: unsupportedOf(spec, policy, topologyKeys),
  };
}

/** What stands before the pods' own fields; admission fills in the priority of the class that is named. */
function termsOf(spec: ApiObject): Pick<PodGroupDescription, 'priority' | 'preemptionPolicy' | 'disruption'> {
  const hasPriority = spec.priority !== undefined && spec.priority !== null;
  const policy = maybeText(spec.preemptionPolicy, 'spec.preemptionPolicy');
  return {
    ...(hasPriority
      ? { priority: maybeInteger(spec.priority, 'spec.priority', INT32_MIN, INT32_MAX, 0) }
      : {}),
    ...(policy === '' ? {} : { preemptionPolicy: preemptionPolicyOf(policy) }),
    ...(modeOf(spec.disruptionMode) === 'all' ? { disruption: 'all' } : {}),
  };
}

/** `Pod` or `PodGroup` in 1.36, `{single: {}}` or `{all: {}}` from 1.37 on. @returns undefined if it is another one. */
function modeOf(mode: unknown): 'single' | 'all' | undefined {
  if (mode === undefined || mode === null || mode === '' || mode === 'Pod') return 'single';
  if (mode === 'PodGroup') return 'all';
  if (!isRecord(mode)) return undefined;
  const given = Object.keys(mode).filter((name) => mode[name] !== undefined && mode[name] !== null);
  if (given.length === 0) return 'single';
  const [name] = given;
  return given.length === 1 && (name === 'single' || name === 'all') ? name : undefined;
}

function topologyKeysOf(spec: ApiObject): string[] {
  const constraints = maybeRecord(spec.schedulingConstraints, 'spec.schedulingConstraints');
  const path = 'spec.schedulingConstraints.topology';
  return maybeList(constraints.topology, path).map((entry) =>
    textOf(recordOf(entry, `${path}[]`).key, `${path}[].key`),
  );
}

function unsupportedOf(spec: ApiObject, policy: ApiObject, topologyKeys: readonly string[]): string[] {
  const found: string[] = [];
  for (const name in policy) {
    if (name !== 'gang' && name !== 'basic') found.push(`spec.schedulingPolicy.${name.slice(0, 40)}`);
  }
  if (topologyKeys.length > 1) found.push('more than one topology key (spec.schedulingConstraints.topology)');
  if (maybeList(spec.resourceClaims, 'spec.resourceClaims').length > 0) {
    found.push('dynamic resource claims of a group (spec.resourceClaims)');
  }
  if (modeOf(spec.disruptionMode) === undefined) {
    found.push('a mode of disruption that is not known (spec.disruptionMode)');
  }
  if (maybeText(spec.parentCompositePodGroupName, 'spec.parentCompositePodGroupName') !== '') {
    found.push('groups of groups (spec.parentCompositePodGroupName)');
  }
  return found;
}

/**
 * Describes a PodDisruptionBudget.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of the malformed field.
 */
export function budgetOf(object: unknown): BudgetDescription {
  return projecting('PodDisruptionBudget', object, (budget) => {
    const metadata = recordOf(budget.metadata, 'metadata');
    const spec = maybeRecord(budget.spec, 'spec');
    const status = maybeRecord(budget.status, 'status');
    const namespace = textOf(metadata.namespace, 'metadata.namespace');
    const allowed = 'status.disruptionsAllowed';
    return {
      key: `${namespace}/${textOf(metadata.name, 'metadata.name')}`,
      namespace,
      // A selector that cannot be used protects nothing, as in kube-scheduler.
      selector: labelSelectorOf(spec.selector, 'spec.selector') ?? undefined,
      disruptionsAllowed: maybeInteger(status.disruptionsAllowed, allowed, 0, INT32_MAX, 0),
      disruptedPods: Object.keys(maybeRecord(status.disruptedPods, 'status.disruptedPods')).sort(),
    };
  });
}
