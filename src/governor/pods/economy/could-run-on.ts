/** Whether a pod could ever run on a node as it is described: selectors, required node affinity and taints; not its room. */
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import type { NodeSelectorTerm, PodTemplate } from '../../../model/kubernetes/pod.ts';
import {
  isValidFieldRequirement,
  isValidRequirement,
  labelOf,
  meetsRequirement,
} from '../../../model/kubernetes/requirements.ts';
import { isHealthTaint, tolerates } from '../../../model/readers/taints.ts';

/** @returns False if the template's selectors, affinity or tolerations exclude the node. Cordons and taints of ill health pass. */
export function couldRunOn(template: PodTemplate, node: NodeDescription): boolean {
  for (const [key, value] of Object.entries(template.nodeSelector)) {
    if (labelOf(node.labels, key) !== value) return false;
  }
  const terms = template.requiredNodeTerms;
  if (terms !== undefined && !terms.some((term) => matches(term, node))) return false;
  return node.taints.every(
    (taint) =>
      taint.effect === 'PreferNoSchedule' ||
      isHealthTaint(taint.key) ||
      template.tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

/** An empty or invalid term matches nothing. */
function matches({ expressions, fields }: NodeSelectorTerm, node: NodeDescription): boolean {
  if (expressions.length + fields.length === 0) return false;
  return (
    expressions.every((e) => isValidRequirement(e) && meetsRequirement(e, labelOf(node.labels, e.key))) &&
    fields.every(
      (f) =>
        isValidFieldRequirement(f) && meetsRequirement(f, f.key === 'metadata.name' ? node.name : undefined),
    )
  );
}
