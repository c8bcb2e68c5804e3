/**
 * Terms of running pods that affect pods to be placed: required anti-affinity keeps them away, and required and
 * preferred affinity and preferred anti-affinity make a domain better or worse. One counter for all pods with the same
 * term, by topology domain.
 */
import { grown } from '../../../../kernel/grown.ts';
import type { PodAffinityTerm, PodTemplate, Weighted } from '../../../../model/kubernetes/pod.ts';
import type { LabelColumn } from '../nodes/label-column.ts';
import type { Namespaces } from '../nodes/namespaces.ts';
import type { NodeTable } from '../nodes/node-table.ts';
import type { ShapeState } from '../shape-states.ts';
import type { NodePods } from './node-pods.ts';
import { meansHolder } from './pod-selection.ts';

/** kube-scheduler's `hardPodAffinityWeight`. */
const HARD_AFFINITY_WEIGHT = 1;
/** Terms without carriers are searched for when there are more than this, or twice as many as were left. */
const SWEEP_FIRST = 64;
const NOTHING = new Int32Array(0);

/** All pods with one term. */
export class ExistingTerm {
  readonly term: PodAffinityTerm;
  /** 0: it forbids (required anti-affinity); else a carrier's addition to its domain's score. */
  readonly weight: number;
  readonly column: LabelColumn;
  /** Carriers by domain; as long as the column's capacity after `fit`. @shape [domains] */
  counts: Int32Array;
  /** All carriers, also on nodes without the topology key. */
  total = 0;
  dropped = false;

  constructor(term: PodAffinityTerm, weight: number, column: LabelColumn) {
    this.term = term;
    this.weight = weight;
    this.column = column;
    this.counts = new Int32Array(column.capacity);
    column.pins++;
  }

  /** Counts carriers on a node (or, negative, removes them). O(1). */
  place(node: number, pods: number): void {
    const domain = this.column.ids[node] as number;
    if (domain < 0) return;
    if (domain >= this.counts.length) this.fit();
    this.counts[domain] = (this.counts[domain] as number) + pods;
  }

  /** Makes `counts` as long as the column's capacity. */
  fit(): void {
    if (this.counts.length >= this.column.capacity || this.dropped) return;
    this.counts = grown(this.counts, this.column.capacity);
  }

  /** Releases it. */
  drop(): void {
    this.dropped = true;
    this.counts = NOTHING;
    this.column.pins--;
  }
}

/** The terms that match one shape, of those created before `seen` in `epoch`. */
interface ShapeTerms {
  enemies: ExistingTerm[];
  admirers: ExistingTerm[];
  seen: number;
  epoch: number;
}

/** The terms that pods carry. As many as running pods have, and some. */
export class ExistingAffinityTerms {
  private readonly nodes: NodeTable;
  private readonly pods: NodePods;
  private readonly namespaces: Namespaces;
  private readonly carriers = new Map<string, ExistingTerm>();
  /** By shape id: its own terms, and those that match it. */
  private readonly own: (readonly ExistingTerm[] | undefined)[] = [];
  private readonly meant: (ShapeTerms | undefined)[] = [];
  private log: ExistingTerm[] = [];
  private epoch = 0;
  private sweepAbove = SWEEP_FIRST;

  constructor(nodes: NodeTable, pods: NodePods, namespaces: Namespaces) {
    this.nodes = nodes;
    this.pods = pods;
    this.namespaces = namespaces;
  }

  /** A pod of a shape came to a node (1) or went (-1). O(its terms). */
  onPod(node: number, state: ShapeState, pods: number): void {
    if (!state.hasTerms) return;
    for (const carrier of this.carriedBy(state)) {
      carrier.total += pods;
      carrier.place(node, pods);
    }
  }

  /** A node will be set or removed (-1), or has been (1). O(terms on the node). */
  onNode(node: number, sign: 1 | -1): void {
    for (const group of this.pods.on(node)) {
      if (!group.state.hasTerms) continue;
      for (const carrier of this.carriedBy(group.state)) carrier.place(node, sign * group.count);
    }
  }

  /** Labels of namespaces changed. */
  forgetNamespaces(): void {
    this.epoch++;
  }

  /** Required anti-affinity terms, perhaps without carriers, that match a shape. O(terms created since). */
  enemiesOf(state: ShapeState): readonly ExistingTerm[] {
    return this.meaning(state).enemies;
  }

  /** The other terms, perhaps without carriers, that match a shape. O(terms created since). */
  preferencesFor(state: ShapeState): readonly ExistingTerm[] {
    return this.meaning(state).admirers;
  }

  /** The id may mean another shape from now on. */
  forgetShape(id: number): void {
    if (id < this.own.length) this.own[id] = undefined;
    if (id < this.meant.length) this.meant[id] = undefined;
  }

  /** Number of carriers, for tests of bounds. */
  get size(): number {
    return this.carriers.size;
  }

  private meaning(state: ShapeState): ShapeTerms {
    let terms = this.meant[state.id];
    if (terms === undefined || terms.epoch !== this.epoch) {
      terms = { enemies: [], admirers: [], seen: 0, epoch: this.epoch };
      while (this.meant.length < state.id) this.meant.push(undefined);
      this.meant[state.id] = terms;
    }
    const { log } = this;
    for (let i = terms.seen; i < log.length; i++) {
      const carrier = log[i] as ExistingTerm;
      if (!meansHolder(carrier.term, state.template, this.namespaces)) continue;
      if (carrier.weight === 0) terms.enemies.push(carrier);
      else terms.admirers.push(carrier);
    }
    terms.seen = log.length;
    return terms;
  }

  private carriedBy(state: ShapeState): readonly ExistingTerm[] {
    const known = this.own[state.id];
    if (known !== undefined && !known.some((carrier) => carrier.dropped)) return known;
    this.sweep();
    const made = this.make(state.template);
    while (this.own.length < state.id) this.own.push(undefined);
    this.own[state.id] = made;
    return made;
  }

  private make(template: PodTemplate): readonly ExistingTerm[] {
    return [
      ...template.antiAffinity.map((term) => this.find(term, 0)),
      ...template.affinity.map((term) => this.find(term, HARD_AFFINITY_WEIGHT)),
      ...template.preferredAffinity.filter(hasWeight).map(({ term, weight }) => this.find(term, weight)),
      ...template.preferredAntiAffinity.filter(hasWeight).map(({ term, weight }) => this.find(term, -weight)),
    ];
  }

  private find(term: PodAffinityTerm, weight: number): ExistingTerm {
    const { topologyKey, namespaces, namespaceSelector, selector } = term;
    const key = JSON.stringify([weight, topologyKey, namespaces, namespaceSelector ?? 0, selector ?? 0]);
    const known = this.carriers.get(key);
    if (known !== undefined) return known;
    const carrier = new ExistingTerm(term, weight, this.nodes.column(topologyKey));
    this.carriers.set(key, carrier);
    this.log.push(carrier);
    return carrier;
  }

  /** Drops terms without carriers, if it may be worth it. Amortised O(1). */
  private sweep(): void {
    if (this.carriers.size <= this.sweepAbove) return;
    for (const [key, carrier] of this.carriers) {
      if (carrier.total > 0) continue;
      this.carriers.delete(key);
      carrier.drop();
    }
    this.log = [...this.carriers.values()];
    this.epoch++;
    this.sweepAbove = Math.max(SWEEP_FIRST, 2 * this.carriers.size);
  }
}

function hasWeight({ weight }: Weighted<PodAffinityTerm>): boolean {
  return weight !== 0;
}
