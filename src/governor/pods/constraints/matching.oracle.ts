/**
 * Matching of labels, taints, ports, disks and zones for the oracle of the rules: word by word from the API's
 * documentation.
 */
import type { NodeDescription, Taint, VolumeDescription } from '../../../model/kubernetes/node.ts';
import type {
  LabelRequirement,
  LabelSelector,
  NodeSelectorTerm,
  PodTemplate,
} from '../../../model/kubernetes/pod.ts';

type Labels = Readonly<Record<string, string>>;

/** @returns True if labels meet a requirement. */
export function meets({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = labels[key];
  if (operator === 'In') return value !== undefined && values.includes(value);
  if (operator === 'NotIn') return value === undefined || !values.includes(value);
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'DoesNotExist') return value === undefined;
  if (value === undefined || !/^[0-9]+$/.test(value)) return false;
  return operator === 'Gt' ? Number(value) > Number(values[0]) : Number(value) < Number(values[0]);
}

/** @returns True if labels match a selector; none matches nothing. */
export function matches(selector: LabelSelector | undefined, labels: Labels): boolean {
  return selector?.every((requirement) => meets(requirement, labels)) ?? false;
}

/** @returns True if a node matches a term. */
export function matchesTerm(term: NodeSelectorTerm, node: NodeDescription): boolean {
  if (term.expressions.length + term.fields.length === 0) return false;
  if (
    term.expressions.some(
      (r) => (r.operator === 'Gt' || r.operator === 'Lt') && !/^[0-9]+$/.test(r.values[0] ?? ''),
    )
  ) {
    return false;
  }
  return (
    term.expressions.every((requirement) => meets(requirement, node.labels)) &&
    term.fields.every((field) => field.values.length === 1 && meets(field, { 'metadata.name': node.name }))
  );
}

/** @returns True if a node satisfies a pod's selector and required affinity. */
export function matchesNode(pod: PodTemplate, node: NodeDescription): boolean {
  if (Object.entries(pod.nodeSelector).some(([key, value]) => node.labels[key] !== value)) return false;
  return pod.requiredNodeTerms?.some((term) => matchesTerm(term, node)) ?? true;
}

/** @returns True if a pod tolerates a taint. */
export function isTolerated(pod: PodTemplate, taint: Taint): boolean {
  return pod.tolerations.some(
    ({ key, operator, value, effect }) =>
      (key === '' || key === taint.key) &&
      (effect === '' || effect === taint.effect) &&
      (operator === 'Exists' || value === taint.value),
  );
}

/** @returns True if a pod tolerates the hard taints of a node. */
export function toleratesNode(pod: PodTemplate, node: NodeDescription): boolean {
  return node.taints.every((taint) => taint.effect === 'PreferNoSchedule' || isTolerated(pod, taint));
}

/** @returns True if two pods cannot be on one node because of a port. */
export function shareAPort(a: PodTemplate, b: PodTemplate): boolean {
  const all = (ip: string): boolean => ip === '' || ip === '0.0.0.0';
  return a.hostPorts.some((x) =>
    b.hostPorts.some(
      (y) => x.port === y.port && x.protocol === y.protocol && (all(x.ip) || all(y.ip) || x.ip === y.ip),
    ),
  );
}

/** @returns True if two pods cannot be on one node because of a disk. */
export function shareADisk(a: PodTemplate, b: PodTemplate): boolean {
  return a.exclusiveDisks.some((x) =>
    b.exclusiveDisks.some(
      (y) => x.replace(/:ro$/, '') === y.replace(/:ro$/, '') && !(x === y && x.endsWith(':ro')),
    ),
  );
}

/** @returns True if a node is in a zone and region of a volume. */
export function isInZone(volume: VolumeDescription, node: NodeDescription): boolean {
  const newer: Record<string, string> = {
    'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
    'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
    'topology.kubernetes.io/zone': 'topology.kubernetes.io/zone',
    'topology.kubernetes.io/region': 'topology.kubernetes.io/region',
  };
  const keys = Object.keys(newer);
  if (!keys.some((key) => key in node.labels)) return true;
  return keys.every((key) => {
    const text = volume.labels[key];
    if (text === undefined || text.split('__').some((part) => part.trim() === '')) return true;
    const value = node.labels[key] ?? node.labels[newer[key] as string];
    return value !== undefined && text.split('__').includes(value);
  });
}
