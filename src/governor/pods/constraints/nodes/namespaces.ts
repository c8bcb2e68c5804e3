/**
 * Labels of namespaces, and the namespaces that a term of a pod (anti-)affinity matches.
 *
 * kube-scheduler reads a term in two ways. That of a pod to be placed: the named namespaces, existing ones that match
 * the namespace selector, and all if the selector matches no labels at all (it then keeps the selector and evaluates it
 * on empty labels). That of a running pod: the named namespaces, and those whose labels (none if it is unknown) match.
 */
import type { PodAffinityTerm } from '../../../../model/kubernetes/pod.ts';
import { labelOf, matchesSelector } from '../../../../model/kubernetes/requirements.ts';

type Labels = Readonly<Record<string, string>>;

const NO_LABELS: Labels = {};

/** Namespaces by name. */
export class Namespaces {
  /** Changes with every event that can change the match of a term. */
  version = 0;
  private readonly labels = new Map<string, Labels>();

  /** @returns True if anything changed. */
  set(name: string, labels: Labels): boolean {
    const before = this.labels.get(name);
    if (before !== undefined && sameLabels(before, labels)) return false;
    this.labels.set(name, labels);
    this.version++;
    return true;
  }

  /** @returns True if anything changed. */
  remove(name: string): boolean {
    if (!this.labels.delete(name)) return false;
    this.version++;
    return true;
  }

  /** @returns True if a term of a pod to be placed matches a pod's namespace. */
  isMeantBySeeker(term: PodAffinityTerm, namespace: string): boolean {
    if (term.namespaces.includes(namespace)) return true;
    const selector = term.namespaceSelector;
    if (selector === undefined) return false;
    const labels = this.labels.get(namespace);
    return (
      (labels !== undefined && matchesSelector(selector, labels)) || matchesSelector(selector, NO_LABELS)
    );
  }

  /** @returns True if a term of a running pod matches a pod's namespace. */
  isMeantByHolder(term: PodAffinityTerm, namespace: string): boolean {
    if (term.namespaces.includes(namespace)) return true;
    return matchesSelector(term.namespaceSelector, this.labels.get(namespace) ?? NO_LABELS);
  }
}

/** @returns True if labels of namespaces matter to a term. */
export function looksAtNamespaces(term: PodAffinityTerm): boolean {
  return term.namespaceSelector !== undefined && term.namespaceSelector.length > 0;
}

function sameLabels(a: Labels, b: Labels): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => labelOf(b, key) === a[key]);
}
