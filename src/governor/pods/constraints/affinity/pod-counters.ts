/** The pod counters in use, and which of them count a shape's pods. Bounded: the least recently used one goes. */

import { evictOldest } from '../least-recent.ts';
import type { LabelColumn } from '../nodes/label-column.ts';
import { NodeFilter, type NodeFilterParts } from '../nodes/node-filter.ts';
import type { ByNode, NodeTable } from '../nodes/node-table.ts';
import type { ShapeState, ShapeStates } from '../shape-states.ts';
import type { NodePods } from './node-pods.ts';
import { PodCounter } from './pod-counter.ts';
import type { PodSelection } from './pod-selection.ts';

/** Dropped counters that the log of creations may hold before it is rewritten. */
const DEAD_MAX = 256;

/** Which counters count a shape's pods, of those created before `seen` in `epoch`. */
interface CounterList {
  counters: PodCounter[];
  seen: number;
  epoch: number;
}

interface SharedFilter {
  readonly filter: NodeFilter;
  users: number;
}

/** Counters by key. */
export class PodCounters implements ByNode {
  private readonly nodes: NodeTable;
  private readonly pods: NodePods;
  private readonly states: ShapeStates;
  private readonly max: number;
  private readonly counters = new Map<string, PodCounter>();
  private readonly filters = new Map<string, SharedFilter>();
  /** By shape id. */
  private readonly lists: (CounterList | undefined)[] = [];
  private readonly filterKeys = new Map<PodCounter, string>();
  /** In order of creation, so that a shape checks each only once. */
  private log: PodCounter[] = [];
  private epoch = 0;
  private dead = 0;
  private clock = 0;
  private pinnedSince = 0;

  constructor(nodes: NodeTable, pods: NodePods, states: ShapeStates, max: number) {
    this.nodes = nodes;
    this.pods = pods;
    this.states = states;
    this.max = max;
    nodes.follow(this);
  }

  /** Counters requested from now on stay until this is called again. */
  beginUse(): void {
    this.pinnedSince = this.clock + 1;
  }

  /** The counter is in use. */
  touch(counter: PodCounter): void {
    counter.usedAt = ++this.clock;
  }

  /** A counter on all nodes. O(1), O(pod groups) for the first time. */
  plain(selection: PodSelection, column: LabelColumn): PodCounter {
    const key = `${column.key}\n${selection.key}`;
    return this.known(key) ?? this.create(key, selection, column, undefined);
  }

  /** A counter on the nodes of a filter; `filterKey` is equal for equal parts. O(1), O(nodes + pod groups) for the first time. */
  filtered(
    selection: PodSelection,
    column: LabelColumn,
    filterKey: string,
    parts: NodeFilterParts,
  ): PodCounter {
    const key = `${column.key}\n${selection.key}\n${filterKey}`;
    const known = this.known(key);
    if (known !== undefined) return known;
    let shared = this.filters.get(filterKey);
    if (shared === undefined) {
      shared = { filter: new NodeFilter(this.nodes, parts), users: 0 };
      this.filters.set(filterKey, shared);
    }
    shared.users++;
    const created = this.create(key, selection, column, shared.filter);
    this.filterKeys.set(created, filterKey);
    return created;
  }

  /** A pod of a shape came to a node (1) or went (-1). O(its counters). */
  onPod(node: number, state: ShapeState, pods: number, deleting: boolean): void {
    if (this.counters.size === 0) return;
    for (const counter of this.listOf(state)) {
      if (counter.dropped || (deleting && counter.selection.skipsDeleting)) continue;
      counter.add(node, pods);
    }
  }

  /** A node will be set or removed. O(counters). */
  beforeNode(node: number): void {
    for (const counter of this.counters.values()) counter.beforeNode(node);
  }

  /** The node has been set or removed. O(counters + pods on the node). */
  afterNode(node: number): void {
    for (const { filter } of this.filters.values()) filter.refresh(node);
    for (const counter of this.counters.values()) counter.afterNode(node, this.pods);
  }

  /** Labels of namespaces changed: affected counters are counted again at their next use. */
  forgetNamespaces(): void {
    for (const [key, counter] of this.counters) {
      if (!counter.selection.looksAtNamespaces) continue;
      this.counters.delete(key);
      this.drop(counter);
    }
  }

  /** The id may mean another shape from now on. */
  forgetShape(id: number): void {
    if (id < this.lists.length) this.lists[id] = undefined;
  }

  grow(capacity: number): void {
    for (const { filter } of this.filters.values()) filter.grow(capacity);
  }

  /** Number of counters, for tests of bounds. */
  get size(): number {
    return this.counters.size;
  }

  private known(key: string): PodCounter | undefined {
    const counter = this.counters.get(key);
    if (counter !== undefined) this.touch(counter);
    return counter;
  }

  /** The counters that count a shape's pods, and some that were dropped. O(counters created since). */
  private listOf(state: ShapeState): readonly PodCounter[] {
    let list = this.lists[state.id];
    if (list === undefined || list.epoch !== this.epoch) {
      list = { counters: [], seen: 0, epoch: this.epoch };
      while (this.lists.length < state.id) this.lists.push(undefined);
      this.lists[state.id] = list;
    }
    const { log } = this;
    for (let i = list.seen; i < log.length; i++) {
      const counter = log[i] as PodCounter;
      if (!counter.dropped && counter.selection.matches(state.template)) list.counters.push(counter);
    }
    list.seen = log.length;
    return list.counters;
  }

  private create(
    key: string,
    selection: PodSelection,
    column: LabelColumn,
    filter: NodeFilter | undefined,
  ): PodCounter {
    const counter = new PodCounter(selection, column, filter);
    this.countAll(counter);
    this.counters.set(key, counter);
    this.touch(counter);
    this.log.push(counter);
    evictOldest(this.counters, this.max, this.pinnedSince, (gone) => this.drop(gone));
    return counter;
  }

  private countAll(counter: PodCounter): void {
    const verdicts = new Int8Array(this.states.length).fill(-1);
    for (let node = 0; node < this.nodes.capacity; node++) {
      if (this.nodes.known[node] !== 1) continue;
      let count = 0;
      for (const group of this.pods.on(node)) {
        const { id, template } = group.state;
        if (verdicts[id] === -1) verdicts[id] = counter.selection.matches(template) ? 1 : 0;
        if (verdicts[id] === 1) count += counter.weigh(group.count, group.deleting);
      }
      counter.firstNode(node, count);
    }
  }

  private drop(counter: PodCounter): void {
    counter.drop();
    const filterKey = this.filterKeys.get(counter);
    if (filterKey !== undefined) {
      this.filterKeys.delete(counter);
      this.giveBack(filterKey);
    }
    if (++this.dead > DEAD_MAX) this.rewriteLog();
  }

  private giveBack(filterKey: string): void {
    const shared = this.filters.get(filterKey) as SharedFilter;
    shared.users--;
    if (shared.users > 0) return;
    shared.filter.release();
    this.filters.delete(filterKey);
  }

  private rewriteLog(): void {
    this.log = this.log.filter((counter) => !counter.dropped);
    this.dead = 0;
    this.epoch++;
  }
}
