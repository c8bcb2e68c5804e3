/**
 * Required affinity and anti-affinity between pods (kube-scheduler's InterPodAffinity, filter): the pod's terms about
 * running pods, and their terms about it.
 */
import { Refusal, type RefusalCode } from '../../constraints.ts';
import type { ShapeState } from '../shape-states.ts';
import type { ExistingAffinityTerms, ExistingTerm } from './existing-affinity-terms.ts';
import type { PodCounter } from './pod-counter.ts';
import { meansSeeker, termsSelection } from './pod-selection.ts';
import type { RuleParts } from './rule-parts.ts';

/** A shape's own terms. */
export class AffinityRule {
  private readonly parts: RuleParts;
  private readonly namespacesVersion: number;
  /** Pods that match all affinity terms, by each of their topology keys. */
  private readonly wanted: readonly PodCounter[];
  /** Pods that each anti-affinity term matches. */
  private readonly unwanted: readonly PodCounter[];
  /** True if the pod matches all its own affinity terms: then it may be the first of its group. */
  private readonly meansItself: boolean;
  /** True if it is the first of its group; found by `preFilter`. */
  private isFirst = false;

  constructor(parts: RuleParts, state: ShapeState) {
    const { nodes, namespaces, counters } = parts;
    const { affinity, antiAffinity } = state.template;
    this.parts = parts;
    this.namespacesVersion = namespaces.version;
    const all = termsSelection(affinity, namespaces);
    const keys = [...new Set(affinity.map(({ topologyKey }) => topologyKey))];
    this.wanted = keys.map((key) => counters.plain(all, nodes.column(key)));
    this.unwanted = antiAffinity.map((term) =>
      counters.plain(termsSelection([term], namespaces), nodes.column(term.topologyKey)),
    );
    this.meansItself = affinity.every((term) => meansSeeker(term, state.template, namespaces));
  }

  /** False if it must be made again. */
  get isCurrent(): boolean {
    return (
      this.namespacesVersion === this.parts.namespaces.version &&
      this.wanted.every(({ dropped }) => !dropped) &&
      this.unwanted.every(({ dropped }) => !dropped)
    );
  }

  /** Prepares `check`. O(terms). */
  preFilter(): void {
    for (const counter of this.wanted) this.makeReady(counter);
    for (const counter of this.unwanted) this.makeReady(counter);
    this.isFirst = this.meansItself && this.wanted.every(({ sum }) => sum === 0);
  }

  /** O(terms). */
  check(node: number): RefusalCode {
    const { wanted, unwanted } = this;
    let missing = false;
    for (let i = 0; i < wanted.length; i++) {
      const counter = wanted[i] as PodCounter;
      const domain = counter.column.ids[node] as number;
      if (domain < 0) return Refusal.PodAffinity;
      if ((counter.counts[domain] as number) <= 0) missing = true;
    }
    if (missing && !this.isFirst) return Refusal.PodAffinity;
    for (let i = 0; i < unwanted.length; i++) {
      const counter = unwanted[i] as PodCounter;
      const domain = counter.column.ids[node] as number;
      if (domain >= 0 && (counter.counts[domain] as number) > 0) return Refusal.PodAntiAffinity;
    }
    return Refusal.None;
  }

  private makeReady(counter: PodCounter): void {
    this.parts.counters.touch(counter);
    counter.fit();
  }
}

/** Anti-affinity terms of running pods against one shape at a time. */
export class ExistingAntiAffinity {
  private readonly carriers: ExistingAffinityTerms;
  private active: ExistingTerm[] = [];

  constructor(carriers: ExistingAffinityTerms) {
    this.carriers = carriers;
  }

  /** Prepares `check`. @returns True if some running pod has a term against the shape. O(terms that match it). */
  preFilter(state: ShapeState): boolean {
    const { active } = this;
    active.length = 0;
    for (const carrier of this.carriers.enemiesOf(state)) {
      if (carrier.total <= 0) continue;
      carrier.fit();
      active.push(carrier);
    }
    return active.length > 0;
  }

  /** O(terms that pods carry against the shape). */
  check(node: number): RefusalCode {
    const { active } = this;
    for (let i = 0; i < active.length; i++) {
      const carrier = active[i] as ExistingTerm;
      const domain = carrier.column.ids[node] as number;
      if (domain >= 0 && (carrier.counts[domain] as number) > 0) return Refusal.ExistingAntiAffinity;
    }
    return Refusal.None;
  }
}
