/**
 * The choice of a pod's node among those that every rule accepts: TEG's cheapest one (strategy `pack`) or the emptiest
 * one (`spread`), or the one that its preferences rate best.
 */
import { grown } from '../../../kernel/grown.ts';
import type { PodRecord } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { Shape } from '../state/shape-table.ts';

/**
 * A pod with preferences is compared on all nodes up to this number; beyond it on every second, third, … of them, in
 * turn, so that nodes of all prices are among them (kube-scheduler checks a tenth of 5,000).
 */
export const COMPARED_NODES_MAX = 2048;

/** Finds nodes for pods. Owns its scratch arrays. */
export class Placement {
  /** Nodes checked by the last `find`. */
  examined = 0;
  private readonly state: SchedulerState;
  private nodes: Int32Array = new Int32Array(1024);
  private scores: Float64Array = new Float64Array(1024);
  /** The part of the nodes that is compared next. */
  private turn = 0;

  constructor(state: SchedulerState) {
    this.state = state;
  }

  /**
   * Finds a node for a pod. After `rules.preFilter(shape)` refused nothing.
   *
   * @param allowed Further condition on a slot (a gang's topology); absent: none.
   * @returns       A slot that takes the pod, or −1.
   * @cost          As `PlacementZones.cheapest`; O(nodes) for a shape with preferences or to be spread.
   */
  find(shape: Shape, priority: number, self?: PodRecord, allowed?: (slot: number) => boolean): number {
    const { state } = this;
    this.examined = 0;
    const accept = (slot: number): boolean => {
      this.examined++;
      return state.accepts(shape, priority, slot, self) && (allowed?.(slot) ?? true);
    };
    if (self !== undefined && self.nominated >= 0 && accept(self.nominated)) return self.nominated;
    const named = state.rules.namedNodes(shape);
    if (named !== undefined) return this.firstOf(named, accept);
    if (state.rules.hasPreferences(shape)) return this.best(shape, accept);
    return this.first(shape, accept);
  }

  /** @returns The first node by the pod's strategy that is accepted, or −1. */
  private first(shape: Shape, accept: (slot: number) => boolean): number {
    const { zones, emptiest } = this.state;
    if (shape.template.strategy !== 'spread') return zones.cheapest(shape, accept);
    let found = -1;
    emptiest.walk(shape, (slot) => {
      if (!accept(slot)) return false;
      found = slot;
      return true;
    });
    return found;
  }

  /** @returns What `reset` takes to let later answers be as if nothing had been asked since. */
  mark(): number {
    return this.turn;
  }

  /** See `mark`. */
  reset(mark: number): void {
    this.turn = mark;
  }

  private firstOf(names: readonly string[], accept: (slot: number) => boolean): number {
    for (const name of names) {
      const slot = this.state.slots.slotOf(name);
      if (slot >= 0 && accept(slot)) return slot;
    }
    return -1;
  }

  /** Of the nodes that accept, the best by preferences; of equals, the first by the pod's strategy. */
  private best(shape: Shape, accept: (slot: number) => boolean): number {
    const { state } = this;
    const parts = Math.ceil(state.slots.live / COMPARED_NODES_MAX);
    const part = this.turn++ % parts;
    let count = 0;
    const order = shape.template.strategy === 'spread' ? state.emptiest : state.zones;
    order.walk(shape, (slot) => {
      if (slot % parts !== part || !accept(slot)) return false;
      if (count === this.nodes.length) this.widen();
      this.nodes[count++] = slot;
      return false;
    });
    if (count === 0) return parts > 1 ? this.first(shape, accept) : -1;
    if (count === 1) return this.nodes[0] as number;
    state.rules.scoreAll(this.nodes, count, this.scores);
    let best = 0;
    for (let i = 1; i < count; i++) if ((this.scores[i] as number) > (this.scores[best] as number)) best = i;
    return this.nodes[best] as number;
  }

  private widen(): void {
    this.nodes = grown(this.nodes, 2 * this.nodes.length);
    this.scores = new Float64Array(this.nodes.length);
  }
}
