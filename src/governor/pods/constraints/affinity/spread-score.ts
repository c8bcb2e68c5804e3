/**
 * Soft topology spread constraints (kube-scheduler's PodTopologySpread, score): fewer matching pods in a node's domains
 * are better; domains of keys with many domains weigh more.
 *
 * Constraints that the pod does not write (kube-scheduler's system defaults) are not applied: they would spread all
 * pods of a service, against TEG's purpose of packing.
 */
import type { LabelColumn } from '../nodes/label-column.ts';
import type { ShapeState } from '../shape-states.ts';
import type { PodCounter } from './pod-counter.ts';
import { spreadSelection } from './pod-selection.ts';
import type { RuleParts } from './rule-parts.ts';
import { spreadCounter } from './spread-rule.ts';

const HOSTNAME = 'kubernetes.io/hostname';
const BEST = 100;
const IGNORED = -1;

interface ReadyConstraint {
  /** The label that a node has to have. */
  readonly key: LabelColumn;
  readonly counter: PodCounter;
  readonly maxSkew: number;
  /** Host names are counted by node, and every node counts. */
  readonly byNode: boolean;
}

/** A shape's soft constraints. */
export class SpreadScore {
  private readonly parts: RuleParts;
  private readonly constraints: readonly ReadyConstraint[];
  private seen: Uint8Array = new Uint8Array(64);

  constructor(parts: RuleParts, state: ShapeState) {
    this.parts = parts;
    const { nodes, counters } = parts;
    const { template } = state;
    const soft = template.spread.filter((constraint) => !constraint.hard);
    this.constraints = soft.map((constraint) => {
      const byNode = constraint.topologyKey === HOSTNAME;
      const counter = byNode
        ? counters.plain(spreadSelection(template.namespace, constraint.selector), nodes.slotColumn())
        : spreadCounter(parts, state, constraint, soft);
      const key = nodes.column(constraint.topologyKey);
      return { key, counter, maxSkew: constraint.maxSkew, byNode };
    });
    for (const { key } of this.constraints) key.pins++;
  }

  /** False if it must be made again. */
  get isCurrent(): boolean {
    return this.constraints.every(({ counter }) => !counter.dropped);
  }

  /** Releases its columns. */
  release(): void {
    for (const { key } of this.constraints) key.pins--;
  }

  /** Adds weight × (0…100) to the nodes' scores. O(nodes × constraints). */
  addTo(scores: Float64Array, nodes: Int32Array, count: number, weight: number): void {
    for (const { counter } of this.constraints) {
      this.parts.counters.touch(counter);
      counter.fit();
    }
    const raw = new Float64Array(count);
    const scored = this.ignoreUnlabelled(raw, nodes, count);
    for (const constraint of this.constraints) {
      const domains = constraint.byNode ? scored : this.countDomains(constraint.key, raw, nodes, count);
      addCounts(raw, nodes, count, constraint, Math.log(domains + 2));
    }
    normalise(scores, raw, count, weight);
  }

  /** Marks nodes that lack a label. @returns How many have all. */
  private ignoreUnlabelled(raw: Float64Array, nodes: Int32Array, count: number): number {
    let scored = 0;
    for (let i = 0; i < count; i++) {
      const node = nodes[i] as number;
      if (this.constraints.every(({ key }) => (key.ids[node] as number) >= 0)) scored++;
      else raw[i] = IGNORED;
    }
    return scored;
  }

  private countDomains(column: LabelColumn, raw: Float64Array, nodes: Int32Array, count: number): number {
    if (this.seen.length < column.size) this.seen = new Uint8Array(column.capacity);
    const { seen } = this;
    seen.fill(0, 0, column.size);
    let domains = 0;
    for (let i = 0; i < count; i++) {
      if (raw[i] === IGNORED) continue;
      const domain = column.ids[nodes[i] as number] as number;
      if (seen[domain] === 0) domains++;
      seen[domain] = 1;
    }
    return domains;
  }
}

function addCounts(
  raw: Float64Array,
  nodes: Int32Array,
  count: number,
  { counter, maxSkew }: ReadyConstraint,
  weight: number,
): void {
  const { ids } = counter.column;
  for (let i = 0; i < count; i++) {
    const before = raw[i] as number;
    if (before === IGNORED) continue;
    const domain = ids[nodes[i] as number] as number;
    const pods = domain < 0 ? 0 : (counter.counts[domain] as number);
    raw[i] = before + (pods * weight + (maxSkew - 1));
  }
}

function normalise(scores: Float64Array, raw: Float64Array, count: number, weight: number): void {
  let least = Number.MAX_SAFE_INTEGER;
  let most = 0;
  for (let i = 0; i < count; i++) {
    if (raw[i] === IGNORED) continue;
    const rounded = Math.round(raw[i] as number);
    raw[i] = rounded;
    if (rounded < least) least = rounded;
    if (rounded > most) most = rounded;
  }
  for (let i = 0; i < count; i++) {
    if (raw[i] === IGNORED) continue;
    const own = raw[i] as number;
    const score = most === 0 ? BEST : Math.floor((BEST * (most + least - own)) / most);
    scores[i] = (scores[i] as number) + weight * score;
  }
}
