/**
 * Topology spread constraints of a pod, with kube-scheduler's defaults filled in.
 *
 * @source pkg/scheduler/framework/plugins/podtopologyspread/common.go `filterTopologySpreadConstraints`.
 */

import { INT32_MAX } from '../../../kernel/limits.ts';
import type { SpreadConstraint } from '../../../model/kubernetes/pod.ts';
import { labelSelectorOf, withLabelKeys } from '../../../model/readers/label-selectors.ts';
import {
  type ApiObject,
  maybeInteger,
  maybeList,
  maybeText,
  maybeTexts,
  recordOf,
} from '../../../model/readers/read-object.ts';

/** The constraints of a pod, and their unsupported parts, for people. */
export interface SpreadReading {
  readonly spread: readonly SpreadConstraint[];
  readonly unsupported: readonly string[];
}

/**
 * Reads `spec.topologySpreadConstraints`.
 *
 * @param labels Labels of the pod, for `matchLabelKeys`.
 * @throws TegError TEG_KUBE_OBJECT for wrong types.
 */
export function readSpread(value: unknown, labels: Readonly<Record<string, string>>): SpreadReading {
  const spread: SpreadConstraint[] = [];
  const unsupported: string[] = [];
  const list = maybeList(value, 'spec.topologySpreadConstraints');
  for (let i = 0; i < list.length; i++) {
    const path = `spec.topologySpreadConstraints[${i}]`;
    const constraint = constraintOf(recordOf(list[i], path), path, labels);
    if (typeof constraint === 'string') unsupported.push(constraint);
    else spread.push(constraint);
  }
  return { spread, unsupported };
}

/** @returns The constraint, or its unsupported part. */
function constraintOf(
  constraint: ApiObject,
  path: string,
  labels: Readonly<Record<string, string>>,
): SpreadConstraint | string {
  const action = maybeText(constraint.whenUnsatisfiable, `${path}.whenUnsatisfiable`);
  const affinity = maybeText(constraint.nodeAffinityPolicy, `${path}.nodeAffinityPolicy`) || 'Honor';
  const taints = maybeText(constraint.nodeTaintsPolicy, `${path}.nodeTaintsPolicy`) || 'Ignore';
  const selector = labelSelectorOf(constraint.labelSelector, `${path}.labelSelector`);
  const keys = maybeTexts(constraint.matchLabelKeys, `${path}.matchLabelKeys`);
  if (action !== 'DoNotSchedule' && action !== 'ScheduleAnyway') return `${path}.whenUnsatisfiable ${action}`;
  if (selector === null) return `a label selector that is not valid (${path}.labelSelector)`;
  if (!isPolicy(affinity)) return `${path}.nodeAffinityPolicy ${affinity}`;
  if (!isPolicy(taints)) return `${path}.nodeTaintsPolicy ${taints}`;
  return {
    topologyKey: maybeText(constraint.topologyKey, `${path}.topologyKey`),
    maxSkew: maybeInteger(constraint.maxSkew, `${path}.maxSkew`, 1, INT32_MAX, 1),
    hard: action === 'DoNotSchedule',
    selector: selector && withLabelKeys(selector, keys, 'In', labels),
    minDomains: maybeInteger(constraint.minDomains, `${path}.minDomains`, 0, INT32_MAX, 0),
    honorNodeAffinity: affinity === 'Honor',
    honorNodeTaints: taints === 'Honor',
  };
}

function isPolicy(text: string): boolean {
  return text === 'Honor' || text === 'Ignore';
}
