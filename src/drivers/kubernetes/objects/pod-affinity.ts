/**
 * Affinity of a pod: to nodes, and to and against other pods.
 *
 * @source k8s.io/kube-scheduler/framework/types.go `GetAffinityTerms`: if one term of a list is unusable, kube-scheduler drops
 *   the list and goes on, and so do we.
 */

import type { NodeSelectorTerm, PodAffinityTerm, Weighted } from '../../../model/kubernetes/pod.ts';
import {
  labelSelectorOf,
  nodeTermOf,
  podNodeTermsOf,
  withLabelKeys,
} from '../../../model/readers/label-selectors.ts';
import {
  type ApiObject,
  maybeInteger,
  maybeList,
  maybeRecord,
  maybeText,
  maybeTexts,
  recordOf,
} from '../../../model/readers/read-object.ts';

/** The parts of a template that come from `spec.affinity`. */
export interface PodAffinities {
  readonly requiredNodeTerms: readonly NodeSelectorTerm[] | undefined;
  readonly preferredNodeTerms: readonly Weighted<NodeSelectorTerm>[];
  readonly affinity: readonly PodAffinityTerm[];
  readonly antiAffinity: readonly PodAffinityTerm[];
  readonly preferredAffinity: readonly Weighted<PodAffinityTerm>[];
  readonly preferredAntiAffinity: readonly Weighted<PodAffinityTerm>[];
}

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

/** Pod whose terms are read. */
interface Owner {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Reads `spec.affinity` of a pod. @throws TegError TEG_KUBE_OBJECT. */
export function affinitiesOf(value: unknown, owner: Owner): PodAffinities {
  const affinity = maybeRecord(value, 'spec.affinity');
  const nodes = maybeRecord(affinity.nodeAffinity, 'spec.affinity.nodeAffinity');
  const together = maybeRecord(affinity.podAffinity, 'spec.affinity.podAffinity');
  const apart = maybeRecord(affinity.podAntiAffinity, 'spec.affinity.podAntiAffinity');
  return {
    requiredNodeTerms: podNodeTermsOf(nodes[REQUIRED], `spec.affinity.nodeAffinity.${REQUIRED}`),
    preferredNodeTerms: preferredNodesOf(nodes[PREFERRED]),
    affinity: requiredPodsOf(together, 'spec.affinity.podAffinity', owner),
    antiAffinity: requiredPodsOf(apart, 'spec.affinity.podAntiAffinity', owner),
    preferredAffinity: preferredPodsOf(together, 'spec.affinity.podAffinity', owner),
    preferredAntiAffinity: preferredPodsOf(apart, 'spec.affinity.podAntiAffinity', owner),
  };
}

/** Preferences for nodes; those of no weight or that match nothing are left out. */
function preferredNodesOf(value: unknown): Weighted<NodeSelectorTerm>[] {
  const path = `spec.affinity.nodeAffinity.${PREFERRED}`;
  const terms: Weighted<NodeSelectorTerm>[] = [];
  for (const entry of maybeList(value, path)) {
    const preference = recordOf(entry, `${path}[]`);
    const weight = weightOf(preference, `${path}[]`);
    const term = nodeTermOf(preference.preference, `${path}[].preference`);
    if (weight > 0 && term !== undefined) terms.push({ weight, term });
  }
  return terms;
}

/** 1 … 100 by the API; 0 means no preference. */
function weightOf(preference: ApiObject, path: string): number {
  return maybeInteger(preference.weight, `${path}.weight`, 0, 100, 0);
}

function requiredPodsOf(affinity: ApiObject, path: string, owner: Owner): PodAffinityTerm[] {
  const terms: PodAffinityTerm[] = [];
  let usable = true;
  for (const entry of maybeList(affinity[REQUIRED], `${path}.${REQUIRED}`)) {
    const term = podTermOf(entry, `${path}.${REQUIRED}[]`, owner);
    if (term === undefined) usable = false;
    else terms.push(term);
  }
  return usable ? terms : [];
}

function preferredPodsOf(affinity: ApiObject, path: string, owner: Owner): Weighted<PodAffinityTerm>[] {
  const terms: Weighted<PodAffinityTerm>[] = [];
  let usable = true;
  for (const entry of maybeList(affinity[PREFERRED], `${path}.${PREFERRED}`)) {
    const preference = recordOf(entry, `${path}.${PREFERRED}[]`);
    const weight = weightOf(preference, `${path}.${PREFERRED}[]`);
    const term = podTermOf(preference.podAffinityTerm, `${path}.${PREFERRED}[].podAffinityTerm`, owner);
    if (term === undefined) usable = false;
    else if (weight > 0) terms.push({ weight, term });
  }
  return usable ? terms : [];
}

/** @returns The term, undefined if its selectors cannot be used. */
function podTermOf(value: unknown, path: string, owner: Owner): PodAffinityTerm | undefined {
  const term = recordOf(value, path);
  const own = labelSelectorOf(term.labelSelector, `${path}.labelSelector`);
  const ofNamespaces = labelSelectorOf(term.namespaceSelector, `${path}.namespaceSelector`);
  if (own === null || ofNamespaces === null) return undefined;
  const namespaces = maybeTexts(term.namespaces, `${path}.namespaces`);
  return {
    topologyKey: maybeText(term.topologyKey, `${path}.topologyKey`),
    selector: own && mergedSelector(own, term, path, owner),
    namespaces: namespaces.length === 0 && ofNamespaces === undefined ? [owner.namespace] : namespaces,
    namespaceSelector: ofNamespaces,
  };
}

function mergedSelector(
  selector: NonNullable<PodAffinityTerm['selector']>,
  term: ApiObject,
  path: string,
  owner: Owner,
): NonNullable<PodAffinityTerm['selector']> {
  const matching = maybeTexts(term.matchLabelKeys, `${path}.matchLabelKeys`);
  const mismatching = maybeTexts(term.mismatchLabelKeys, `${path}.mismatchLabelKeys`);
  if (matching.length + mismatching.length === 0) return selector;
  return withLabelKeys(
    withLabelKeys(selector, matching, 'In', owner.labels),
    mismatching,
    'NotIn',
    owner.labels,
  );
}
