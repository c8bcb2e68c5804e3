/**
 * Whether pods of one shape, coming or going, can change where pods of another fit.
 */
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import { meansHolder, meansSeeker, spreadSelection, termsSelection } from './affinity/pod-selection.ts';
import type { Namespaces } from './nodes/namespaces.ts';
import { portsClash } from './nodes/port-table.ts';
import { disksClash } from './volumes/disk-table.ts';
import { usesStorage } from './volumes/uses-storage.ts';

/** Whether where `template` fits can change with pods of `other`; resources are not looked at. O(constraints of both). */
export function canAffect(template: PodTemplate, other: PodTemplate, namespaces: Namespaces): boolean {
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
