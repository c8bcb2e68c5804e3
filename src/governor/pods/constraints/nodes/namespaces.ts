/**
 * Labels of namespaces, and which namespaces a term of a pod (anti-)affinity means.
 *
 * kube-scheduler reads a term in two ways. That of a pod to be placed: namespaces named, those that exist and match the
 * namespace selector, and all if the selector matches no labels at all (it then keeps the selector and asks it about
 * nothing). That of a pod that runs: namespaces named, or whose labels (none if it is not known) match.
 */
import type { PodAffinityTerm } from '../../../../model/kubernetes/pod.ts';
import { labelOf, matchesSelector } from '../../../../model/kubernetes/requirements.ts';

type Labels = Readonly<Record<string, string>>;

const NO_LABELS: Labels = {};

/** Namespaces by name. */
export class Namespaces {
  /** Changes with everything that can change what a term means. */
  version = 0;
  private readonly labels = new Map<string, Labels>();

  /** @returns Whether anything changed. */
  set(name: string, labels: Labels): boolean {
    const before = this.labels.get(name);
    if (before !== undefined && sameLabels(before, labels)) return false;
    this.labels.set(name, labels);
    this.version++;
    return true;
  }

  /** @returns Whether anything changed. */
  remove(name: string): boolean {
    if (!this.labels.delete(name)) return false;
    this.version++;
    return true;
  }

  /** Whether a pod of a namespace is meant by a term of a pod to be placed. */
  isMeantBySeeker(term: PodAffinityTerm, namespace: string): boolean {
    if (term.namespaces.includes(namespace)) return true;
    const selector = term.namespaceSelector;
    if (selector === undefined) return false;
    const labels = this.labels.get(namespace);
    return (
      (labels !== undefined && matchesSelector(selector, labels)) || matchesSelector(selector, NO_LABELS)
    );
  }

  /** Whether a pod of a namespace is meant by a term of a pod that runs. */
  isMeantByHolder(term: PodAffinityTerm, namespace: string): boolean {
    if (term.namespaces.includes(namespace)) return true;
    return matchesSelector(term.namespaceSelector, this.labels.get(namespace) ?? NO_LABELS);
  }
}

/** Whether labels of namespaces matter to a term. */
export function looksAtNamespaces(term: PodAffinityTerm): boolean {
  return term.namespaceSelector !== undefined && term.namespaceSelector.length > 0;
}

function sameLabels(a: Labels, b: Labels): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => labelOf(b, key) === a[key]);
}
