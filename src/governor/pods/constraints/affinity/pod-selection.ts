/** The selection of counted pods: by a topology spread constraint, or by the terms of a pod (anti-)affinity. */
import type { LabelSelector, PodAffinityTerm, PodTemplate } from '../../../../model/kubernetes/pod.ts';
import { matchesSelector } from '../../../../model/kubernetes/requirements.ts';
import { looksAtNamespaces, type Namespaces } from '../nodes/namespaces.ts';

/** A set of pods, by their templates. */
export interface PodSelection {
  /** Equal for equal selections. */
  readonly key: string;
  /** True if labels of namespaces matter. */
  readonly looksAtNamespaces: boolean;
  /** True if pods that are being deleted are ignored. */
  readonly skipsDeleting: boolean;
  /** @returns True if pods of a template are counted. */
  matches(template: PodTemplate): boolean;
}

/**
 * Pods that a spread constraint counts: of the pod's namespace, not being deleted. A selector that is empty counts none,
 * though the pod matches it (kube-scheduler's rule).
 */
export function spreadSelection(namespace: string, selector: LabelSelector | undefined): PodSelection {
  return {
    key: `spread${JSON.stringify([namespace, selector])}`,
    looksAtNamespaces: false,
    skipsDeleting: true,
    matches: (template) =>
      template.namespace === namespace &&
      selector !== undefined &&
      selector.length > 0 &&
      matchesSelector(selector, template.labels),
  };
}

/** Pods that match all terms of a pod to be placed. Topology is not considered. */
export function termsSelection(terms: readonly PodAffinityTerm[], namespaces: Namespaces): PodSelection {
  const what = terms.map((term) => [term.namespaces, term.namespaceSelector ?? 0, term.selector ?? 0]);
  return {
    key: `terms${JSON.stringify(what)}`,
    looksAtNamespaces: terms.some(looksAtNamespaces),
    skipsDeleting: false,
    matches: (template) => terms.every((term) => meansSeeker(term, template, namespaces)),
  };
}

/** @returns True if a term of a pod to be placed matches pods of a template. */
export function meansSeeker(term: PodAffinityTerm, template: PodTemplate, namespaces: Namespaces): boolean {
  return (
    namespaces.isMeantBySeeker(term, template.namespace) && matchesSelector(term.selector, template.labels)
  );
}

/** @returns True if a term of a running pod matches pods of a template. */
export function meansHolder(term: PodAffinityTerm, template: PodTemplate, namespaces: Namespaces): boolean {
  return (
    namespaces.isMeantByHolder(term, template.namespace) && matchesSelector(term.selector, template.labels)
  );
}
