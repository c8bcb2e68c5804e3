/**
 * Room for unlike members of a gang: orders to place them in, and a search where the first choices do not fit together.
 *
 * Trials run on the real state; the members that a method leaves placed are its answer, and the caller confirms it or
 * takes it back.
 */
import type { SpreadConstraint } from '../../../model/kubernetes/pod.ts';
import type { Allowed } from '../state/gang-types.ts';
import { compareTurn, type PodRecord } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { Shape } from '../state/shape-table.ts';
import type { Placement } from './placement.ts';

/** Most nodes that one member is tried on at a time, the cheapest first; with more it counts as no more constrained. */
const CANDIDATES_MAX = 64;
/** Most topology domains in which a gang whose members attract each other is started. */
const DIVES_MAX = 64;

/** Searches for one gang. Made for each attempt. */
export class GangSearch {
  /** Remaining checks: whether a node takes a member. */
  private left: number;
  private readonly placed: PodRecord[] = [];
  /** Accepting nodes by shape, as counted at the start; at most `CANDIDATES_MAX`. */
  private readonly counts = new Map<Shape, number>();
  private readonly sizes = new Map<Shape, number>();
  private readonly mostOf = new Map<number, number>();
  private readonly state: SchedulerState;
  private readonly placement: Placement;
  private readonly pending: readonly PodRecord[];
  private readonly missing: number;
  private readonly allowed: Allowed | undefined;

  /**
   * @param pending Members in order, none of them placed.
   * @param missing How many of them have to be placed; ≤ `pending.length`.
   * @param allowed Condition on nodes; undefined: none.
   */
  constructor(
    state: SchedulerState,
    placement: Placement,
    pending: readonly PodRecord[],
    missing: number,
    allowed: Allowed | undefined,
  ) {
    this.state = state;
    this.placement = placement;
    this.pending = pending;
    this.missing = missing;
    this.allowed = allowed;
    this.left = state.options.gangSearchChecksMax;
  }

  /** True if other orders or a search may succeed where placing members in order does not. */
  get mayHelp(): boolean {
    return this.pending.length > 1 && (this.areUnlike || this.attractedBy().length > 0);
  }

  /** Interchangeable members can be swapped without effect: only their first node matters. */
  private get areUnlike(): boolean {
    const [first] = this.pending;
    return this.pending.some((pod) => pod.shape !== first?.shape);
  }

  /** Checks made so far. */
  get asked(): number {
    return this.state.options.gangSearchChecksMax - this.left;
  }

  /** @returns Other orders than the queue's: the most constrained first, the largest first. O(nodes × shapes). */
  orders(): PodRecord[][] {
    for (const { shape } of this.pending) {
      if (this.counts.has(shape)) continue;
      const count = this.left > 0 ? this.candidates(shape, undefined).length : CANDIDATES_MAX;
      // A member whose check was cut short is not known to be constrained.
      this.counts.set(shape, this.left > 0 ? count : CANDIDATES_MAX);
      this.sizes.set(shape, this.sizeOf(shape));
    }
    const byCount = (x: PodRecord, y: PodRecord): number => this.countOf(x) - this.countOf(y);
    const bySize = (x: PodRecord, y: PodRecord): number => this.weightOf(y) - this.weightOf(x);
    const constrained = [...this.pending].sort((x, y) => byCount(x, y) || bySize(x, y) || compareTurn(x, y));
    const largest = [...this.pending].sort((x, y) => bySize(x, y) || byCount(x, y) || compareTurn(x, y));
    const inTurn = (order: readonly PodRecord[]): boolean => order.every((pod, i) => pod === this.pending[i]);
    const same = constrained.every((pod, i) => pod === largest[i]);
    return [constrained, ...(same ? [] : [largest])].filter((order) => !inTurn(order));
  }

  /**
   * True if it is certain that too few fit in any arrangement: too few have a node at all, or all nodes together lack a
   * resource. After `orders`.
   */
  get isHopeless(): boolean {
    const { rules } = this.state;
    const without = this.pending.filter(
      ({ shape }) => this.counts.get(shape) === 0 && !rules.dependsOnPods(shape),
    );
    return this.pending.length - without.length < this.missing || this.lacksRoom();
  }

  /**
   * Searches for room for enough members: started in each topology domain if members attract each other, then by
   * backtracking.
   *
   * @returns The members now placed, enough of them; undefined: none was found within the limit, and none is placed.
   */
  run(): readonly PodRecord[] | undefined {
    if (this.left <= 0 || this.isHopeless) return undefined;
    const [order = this.pending] = this.orders();
    const topologyKeys = this.attractedBy();
    if (topologyKeys.length > 0 && this.dive(order, topologyKeys)) return this.placed;
    if (!this.areUnlike) return undefined;
    return this.descend(order, this.pending.length - this.missing) ? this.placed : undefined;
  }

  /** Starts with the first member that has a node, in one domain after the other, and places the others in order. */
  private dive(order: readonly PodRecord[], keys: readonly string[]): boolean {
    const first = order.find((pod) => this.candidates(pod.shape, pod).length > 0);
    if (first === undefined) return false;
    const begun = new Set<string>();
    for (const slot of this.candidates(first.shape, first, this.state.slots.count)) {
      const labels = this.state.slots.descriptions[slot]?.labels ?? {};
      const domain = JSON.stringify(keys.map((key) => labels[key]));
      if (begun.has(domain)) continue;
      if (begun.size >= DIVES_MAX || this.left <= 0) return false;
      begun.add(domain);
      this.assume(first, slot);
      for (const pod of order) if (pod !== first) this.assumeCheapest(pod);
      if (this.placed.length >= this.missing) return true;
      while (this.placed.length > 0) this.forgetLast();
    }
    return false;
  }

  /**
   * Places `rest` by backtracking; the first member first. A member whose rules depend on other pods may come after the
   * next ones.
   *
   * @param spare Members that may stay without room.
   */
  private descend(rest: readonly PodRecord[], spare: number): boolean {
    if (rest.length === 0) return true;
    const seen = new Set<Shape>();
    for (const [i, pod] of rest.entries()) {
      const before = rest[i - 1];
      if (before !== undefined && !this.state.rules.dependsOnPods(before.shape)) break;
      if (seen.has(pod.shape)) continue;
      seen.add(pod.shape);
      const others = rest.filter((other) => other !== pod);
      const from = this.firstSlotFor(pod);
      for (const slot of this.candidates(pod.shape, pod)) {
        if (slot < from) continue;
        this.assume(pod, slot);
        if (this.descend(others, spare)) return true;
        this.forgetLast();
        if (this.left <= 0) return false;
      }
      if (this.left <= 0) return false;
    }
    return spare > 0 && this.descend(rest.slice(1), spare - 1);
  }

  /** Of interchangeable members the later one goes to no earlier node: other arrangements differ in names only. */
  private firstSlotFor(pod: PodRecord): number {
    const last = this.placed.at(-1);
    const alike = last?.shape === pod.shape && last.priority === pod.priority;
    return alike && !this.state.rules.dependsOnPods(pod.shape) ? (last?.node ?? 0) : 0;
  }

  private assume(pod: PodRecord, slot: number): void {
    this.state.assume(pod, slot);
    this.placed.push(pod);
  }

  private forgetLast(): void {
    this.state.forget(this.placed.pop() as PodRecord);
  }

  private assumeCheapest(pod: PodRecord): void {
    if (this.left <= 0 || this.state.rules.preFilter(pod.shape) !== undefined) return;
    const slot = this.placement.find(pod.shape, pod.priority, pod, this.allowed);
    this.left -= this.placement.examined;
    if (slot >= 0) this.assume(pod, slot);
  }

  /** Nodes that take a member now, the cheapest first. */
  private candidates(shape: Shape, pod: PodRecord | undefined, most = CANDIDATES_MAX): number[] {
    const { state, allowed } = this;
    const found: number[] = [];
    if (state.rules.preFilter(shape) !== undefined) return found;
    const priority = pod?.priority ?? Number.POSITIVE_INFINITY;
    state.zones.walk(shape, (slot) => {
      this.left--;
      if ((allowed?.(slot) ?? true) && state.accepts(shape, priority, slot, pod)) found.push(slot);
      return found.length >= most || this.left <= 0;
    });
    return found;
  }

  /** Topology keys by which members must be near other pods. */
  private attractedBy(): readonly string[] {
    const keys = new Set<string>();
    for (const { shape } of this.pending) {
      for (const { topologyKey } of shape.template.affinity) keys.add(topologyKey);
      for (const each of shape.template.spread) if (isHard(each)) keys.add(each.topologyKey);
    }
    return [...keys];
  }

  private countOf({ shape }: PodRecord): number {
    return this.counts.get(shape) ?? 0;
  }

  private weightOf({ shape }: PodRecord): number {
    return this.sizes.get(shape) ?? 0;
  }

  /** Its largest share of some node's remaining resource. */
  private sizeOf({ request }: Shape): number {
    return request.columns.reduce(
      (size, column, i) => Math.max(size, (request.amounts[i] as number) / this.mostFree(column)),
      0,
    );
  }

  /** The largest remaining amount of a resource on a node; ≥ 1. O(nodes), once for each resource. */
  private mostFree(column: number): number {
    const { accounts, slots } = this.state;
    let most = this.mostOf.get(column) ?? 0;
    if (most > 0) return most;
    most = 1;
    for (let slot = 0; slot < slots.count; slot++) most = Math.max(most, accounts.free(slot, column));
    this.mostOf.set(column, most);
    return most;
  }

  /** True if the least demand of enough members exceeds the resource on all nodes. O(nodes × resources). */
  private lacksRoom(): boolean {
    const { accounts, slots } = this.state;
    const columns = new Set(this.pending.flatMap(({ shape }) => [...shape.request.columns]));
    for (const column of columns) {
      const asked = this.pending.map(
        ({ shape: { request } }) => request.amounts[request.columns.indexOf(column)] ?? 0,
      );
      let least = 0;
      for (const amount of asked.sort((x, y) => x - y).slice(0, this.missing)) least += amount;
      for (let slot = 0; slot < slots.count && least > 0; slot++) {
        if (slots.descriptions[slot] !== undefined) least -= Math.max(0, accounts.free(slot, column));
      }
      if (least > 0) return true;
    }
    return false;
  }
}

function isHard({ hard }: SpreadConstraint): boolean {
  return hard;
}
