/** Whether a PersistentVolume can be used on a node: the required node affinity of the volume against the node's labels. */

import type { LabelRequirement } from '../../../model/kubernetes/pod.ts';
import { isValidRequirement, labelOf, meetsRequirement } from '../../../model/kubernetes/requirements.ts';
import { at, textAt } from './retrying-request.ts';

const OPERATORS: ReadonlySet<string> = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']);

/**
 * @param volume A PersistentVolume of the API.
 * @param node   A Node of the API.
 * @returns True if one of the alternatives holds, or the volume has none. As in kube-scheduler, fields are ignored.
 */
export function volumeAllowsNode(volume: unknown, node: unknown): boolean {
  const required = at(volume, 'spec', 'nodeAffinity', 'required');
  if (required === undefined || required === null) return true;
  const terms = at(required, 'nodeSelectorTerms');
  const labels = at(node, 'metadata', 'labels');
  const own =
    typeof labels === 'object' && labels !== null ? (labels as Readonly<Record<string, string>>) : {};
  return Array.isArray(terms) && terms.some((term) => termHolds(term, own));
}

function termHolds(term: unknown, labels: Readonly<Record<string, string>>): boolean {
  const expressions = at(term, 'matchExpressions');
  if (!Array.isArray(expressions) || expressions.length === 0) return false;
  return expressions.every((expression) => {
    const requirement = requirementOf(expression);
    return requirement !== undefined && meetsRequirement(requirement, labelOf(labels, requirement.key));
  });
}

/** @returns The requirement; undefined if it is invalid, so that nothing meets it. */
function requirementOf(expression: unknown): LabelRequirement | undefined {
  const operator = textAt(expression, 'operator');
  if (!OPERATORS.has(operator)) return undefined;
  const values = at(expression, 'values');
  const requirement: LabelRequirement = {
    key: textAt(expression, 'key'),
    operator: operator as LabelRequirement['operator'],
    values: Array.isArray(values) ? values.map(String) : [],
  };
  return isValidRequirement(requirement) ? requirement : undefined;
}
