/** Whether pods of one shape, coming or going, can change the nodes that pods of another fit. */
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import { meansHolder, meansSeeker, spreadSelection, termsSelection } from './affinity/pod-selection.ts';
import type { Namespaces } from './nodes/namespaces.ts';
import { portsClash } from './nodes/port-table.ts';
import { disksClash } from './volumes/disk-table.ts';
import { usesStorage } from './volumes/uses-storage.ts';

/**
 * @returns True if the nodes that `template` fits can change with pods of `other`; resources are not considered.
 *   O(constraints of both).
 */
export function canAffect(template: PodTemplate, other: PodTemplate, namespaces: Namespaces): boolean {
  return (
    portsClash(template, other) ||
    disksClash(template, other) ||
    shareVolumes(template, other) ||
    countsForSpread(template, other) ||
    bearsOnAffinity(template, other, namespaces)
  );
}

/** Common claims, or limits: volumes of one driver count together, and the template does not determine the driver. */
function shareVolumes(template: PodTemplate, other: PodTemplate): boolean {
  return usesStorage(template) && usesStorage(other);
}

function countsForSpread(template: PodTemplate, other: PodTemplate): boolean {
  return template.spread.some(
    ({ hard, selector }) => hard && spreadSelection(template.namespace, selector).matches(other),
  );
}

function bearsOnAffinity(template: PodTemplate, other: PodTemplate, namespaces: Namespaces): boolean {
  if (template.affinity.length > 0 && termsSelection(template.affinity, namespaces).matches(other))
    return true;
  return (
    template.antiAffinity.some((term) => meansSeeker(term, other, namespaces)) ||
    other.antiAffinity.some((term) => meansHolder(term, template, namespaces))
  );
}
