/**
 * Whether pods of one shape, coming or going, can change where pods of another fit.
 */
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import { disksClash } from './disk-table.ts';
import type { Namespaces } from './namespaces.ts';
import { meansHolder, meansSeeker, spreadSelection, termsSelection } from './pod-selection.ts';
import { portsClash } from './port-table.ts';
import { usesStorage } from './uses-storage.ts';

/** Whether where `template` fits can change with pods of `other`; resources are not looked at. O(constraints of both). */
export function areConcerned(template: PodTemplate, other: PodTemplate, namespaces: Namespaces): boolean {
  return (
    portsClash(template, other) ||
    disksClash(template, other) ||
    shareVolumes(template, other) ||
    countsForSpread(template, other) ||
    bearsOnAffinity(template, other, namespaces)
  );
}

/** Claims in common, or limits: volumes of one driver count together, and which driver is not the template's to say. */
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
