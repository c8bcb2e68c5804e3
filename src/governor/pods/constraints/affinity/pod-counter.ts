/** The number of pods of a selection in each topology domain, kept up to date with every pod and node. */
import { grown } from '../../../../kernel/grown.ts';
import type { LabelColumn } from '../nodes/label-column.ts';
import type { NodeFilter } from '../nodes/node-filter.ts';
import type { ShapeState } from '../shape-states.ts';
import type { NodePods } from './node-pods.ts';
import type { PodSelection } from './pod-selection.ts';

const NOTHING = new Int32Array(0);

/** One selection by one topology key. */
export class PodCounter {
  readonly selection: PodSelection;
  readonly column: LabelColumn;
  /** Nodes that are counted on; undefined: all. */
  readonly filter: NodeFilter | undefined;
  /** Pods by domain; as long as the column's capacity after `fit`. @shape [domains] */
  counts: Int32Array;
  /** All of them together. */
  sum = 0;
  /** See `least-recent.ts`. */
  usedAt = 0;
  readonly pins = 0;
  dropped = false;
  /** Nodes counted on by domain. @shape [domains] */
  private nodesIn: Int32Array;
  private domains = 0;
  private leastCount = 0;
  /** Domains with `leastCount` pods. */
  private leastDomains = 0;
  private leastKnown = false;
  private domainBefore = -1;

  constructor(selection: PodSelection, column: LabelColumn, filter: NodeFilter | undefined) {
    this.selection = selection;
    this.column = column;
    this.filter = filter;
    this.counts = new Int32Array(column.capacity);
    this.nodesIn = new Int32Array(column.capacity);
    column.pins++;
  }

  /** Pods of the selection came to a node (or went, negative). O(1). */
  add(node: number, pods: number): void {
    const domain = this.domainOf(node);
    if (domain < 0) return;
    if (domain >= this.counts.length) this.fit();
    const before = this.counts[domain] as number;
    this.counts[domain] = before + pods;
    this.sum += pods;
    if (this.leastKnown) this.followLeast(before, before + pods);
  }

  /** Makes `counts` as long as the column's capacity, so that any domain can be read. */
  fit(): void {
    const capacity = this.column.capacity;
    if (this.counts.length >= capacity || this.dropped) return;
    this.counts = grown(this.counts, capacity);
    this.nodesIn = grown(this.nodesIn, capacity);
  }

  /** Fewest pods in a domain that has nodes counted on; 0 if there are fewer than `domainsMin` such domains. O(1), O(domains) after some changes. */
  least(domainsMin: number): number {
    if (!this.leastKnown) this.findLeast();
    return this.domains < domainsMin ? 0 : this.leastCount;
  }

  /** The node will be set or removed: stores where it was counted. */
  beforeNode(node: number): void {
    this.domainBefore = this.domainOf(node);
  }

  /** The node has been set or removed: its pods move with it. The filter has been refreshed. */
  afterNode(node: number, pods: NodePods): void {
    const before = this.domainBefore;
    const after = this.domainOf(node);
    if (before === after) return;
    this.fit();
    const count = this.countOn(node, pods);
    if (before >= 0) this.shift(before, -count, -1);
    if (after >= 0) this.shift(after, count, 1);
  }

  /** Counts on a node for the first time. */
  firstNode(node: number, count: number): void {
    const domain = this.domainOf(node);
    if (domain >= 0) this.shift(domain, count, 1);
  }

  /** Releases it. */
  drop(): void {
    this.dropped = true;
    this.counts = NOTHING;
    this.nodesIn = NOTHING;
    this.column.pins--;
  }

  /** Number of counted pods of a group. */
  weigh(count: number, deleting: number): number {
    return this.selection.skipsDeleting ? count - deleting : count;
  }

  private countOn(node: number, pods: NodePods): number {
    let count = 0;
    for (const group of pods.on(node)) {
      if (this.isCounted(group.state)) count += this.weigh(group.count, group.deleting);
    }
    return count;
  }

  private isCounted(state: ShapeState): boolean {
    return this.selection.matches(state.template);
  }

  private shift(domain: number, pods: number, nodes: number): void {
    this.counts[domain] = (this.counts[domain] as number) + pods;
    this.sum += pods;
    const there = (this.nodesIn[domain] as number) + nodes;
    this.nodesIn[domain] = there;
    if (nodes > 0 && there === 1) this.domains++;
    if (nodes < 0 && there === 0) this.domains--;
    this.leastKnown = false;
  }

  private domainOf(node: number): number {
    if (this.filter !== undefined && this.filter.included[node] !== 1) return -1;
    return this.column.ids[node] as number;
  }

  /** A domain's count went from one to another. */
  private followLeast(before: number, after: number): void {
    const least = this.leastCount;
    if (after < least) {
      this.leastCount = after;
      this.leastDomains = 1;
    } else if (after === least) this.leastDomains++;
    else if (before === least && --this.leastDomains === 0) this.leastKnown = false;
  }

  private findLeast(): void {
    const { counts, nodesIn } = this;
    let least = Number.MAX_SAFE_INTEGER;
    let domains = 0;
    for (let domain = 0; domain < counts.length; domain++) {
      if ((nodesIn[domain] as number) === 0) continue;
      const count = counts[domain] as number;
      if (count < least) {
        least = count;
        domains = 1;
      } else if (count === least) domains++;
    }
    this.leastCount = least;
    this.leastDomains = domains;
    this.leastKnown = true;
  }
}
