/**
 * Preferred affinity and anti-affinity between pods (kube-scheduler's InterPodAffinity, score): the pod's preferences,
 * and those of running pods about it.
 */

import type { ShapeState } from '../shape-states.ts';
import type { ExistingAffinityTerms } from './existing-affinity-terms.ts';
import type { PodCounter } from './pod-counter.ts';
import { termsSelection } from './pod-selection.ts';
import type { RuleParts } from './rule-parts.ts';

const BEST = 100;

interface Liking {
  readonly counter: PodCounter;
  readonly weight: number;
}

/** A shape's own preferences. */
export class AffinityScore {
  private readonly parts: RuleParts;
  private readonly namespacesVersion: number;
  private readonly likings: readonly Liking[];

  constructor(parts: RuleParts, state: ShapeState) {
    const { nodes, namespaces, counters } = parts;
    const { preferredAffinity, preferredAntiAffinity } = state.template;
    this.parts = parts;
    this.namespacesVersion = namespaces.version;
    const signed = [
      ...preferredAffinity,
      ...preferredAntiAffinity.map(({ term, weight }) => ({ term, weight: -weight })),
    ];
    this.likings = signed
      .filter(({ weight }) => weight !== 0)
      .map(({ term, weight }) => ({
        counter: counters.plain(termsSelection([term], namespaces), nodes.column(term.topologyKey)),
        weight,
      }));
  }

  /** False if it must be made again. */
  get isCurrent(): boolean {
    return (
      this.namespacesVersion === this.parts.namespaces.version &&
      this.likings.every(({ counter }) => !counter.dropped)
    );
  }

  /** Adds the shape's preferences. O(nodes × terms). */
  addRaw(raw: Float64Array, nodes: Int32Array, count: number): void {
    for (const { counter, weight } of this.likings) {
      this.parts.counters.touch(counter);
      counter.fit();
      addDomains(raw, nodes, count, counter.column.ids, counter.counts, weight);
    }
  }
}

/** Adds the preferences of running pods about a shape. O(nodes × terms that match it). */
export function addAdmirers(
  carriers: ExistingAffinityTerms,
  state: ShapeState,
  raw: Float64Array,
  nodes: Int32Array,
  count: number,
): void {
  for (const carrier of carriers.preferencesFor(state)) {
    if (carrier.total <= 0) continue;
    carrier.fit();
    addDomains(raw, nodes, count, carrier.column.ids, carrier.counts, carrier.weight);
  }
}

/** Adds weight × (0…100), from the least liked to the most liked node; nothing if all are liked alike. O(nodes). */
export function addNormalised(scores: Float64Array, raw: Float64Array, count: number, weight: number): void {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const own = raw[i] as number;
    if (own < least) least = own;
    if (own > most) most = own;
  }
  const range = most - least;
  if (!(range > 0)) return;
  for (let i = 0; i < count; i++) {
    const score = Math.floor(BEST * (((raw[i] as number) - least) / range));
    scores[i] = (scores[i] as number) + weight * score;
  }
}

function addDomains(
  raw: Float64Array,
  nodes: Int32Array,
  count: number,
  ids: Int32Array,
  pods: Int32Array,
  weight: number,
): void {
  for (let i = 0; i < count; i++) {
    const domain = ids[nodes[i] as number] as number;
    if (domain >= 0) raw[i] = (raw[i] as number) + weight * (pods[domain] as number);
  }
}
