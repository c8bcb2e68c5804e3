/**
 * When a waiting pod or gang can start, and where: the pods on nodes leave in the order of their expected ends, until there
 * is room. The pod scheduler's counterpart of `queueing/future-room.ts`: several resources, several kinds of members, and
 * the rules of Kubernetes.
 *
 * Exact for equal members without rules about other pods, if the ends are right. Members of several kinds are packed
 * first-fit by size, which may find a start that is later than possible. Rules about other pods are assumed to hold by then.
 */
import { Refusal } from '../constraints.ts';
import type { Allowed } from '../state/gang-types.ts';
import type { PodRecord } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { Shape } from '../state/shape-table.ts';
import type { OrderedEnds } from './ordered-ends.ts';

/** Equal members. */
export interface MemberKind {
  readonly shape: Shape;
  readonly count: number;
}

/** Room in the future. */
export interface PodRoomPlan {
  /** Seconds; now: it fits at once. */
  readonly startSeconds: number;
  /** By slot: the members that go there, kind by kind, each in [0, its count]. */
  readonly slots: ReadonlyMap<number, readonly number[]>;
}

/** What to plan for. */
export interface RoomRequest {
  /** Those that have to start together; not empty. */
  readonly kinds: readonly MemberKind[];
  /** Of the pods on nodes, and of those that are about to start. */
  readonly ends: OrderedEnds;
  /** Pods of others that are about to start where room is kept for them (`nominated`): they count as if they ran. */
  readonly starting: ReadonlySet<PodRecord>;
  /** Slots that may be used. */
  readonly allowed: Allowed;
}

/** Packings that are tried for members of several kinds before a plan is given up. */
export const PACKINGS_MAX = 64;

/**
 * @returns Undefined: not even when all pods with a known end have ended. Changes the accounts meanwhile, and restores them.
 * @cost    O(slots × kinds + pods that end before the start), and for several kinds PACKINGS_MAX packings.
 */
export function planPodRoom(state: SchedulerState, request: RoomRequest): PodRoomPlan | undefined {
  const search = new RoomSearch(state, request);
  const plan = search.run();
  search.restore();
  return plan;
}

class RoomSearch {
  private readonly state: SchedulerState;
  private readonly request: RoomRequest;
  /** [kind][slot] members that find room, alone; −1: the slot is not for this kind. */
  private readonly room: Int32Array[] = [];
  /** The same for the first kind at the beginning. */
  private roomNow: Int32Array = new Int32Array(0);
  /** [kind] Σ over slots. */
  private readonly totals: number[] = [];
  private released = 0;
  private packingsLeft = PACKINGS_MAX;

  constructor(state: SchedulerState, request: RoomRequest) {
    this.state = state;
    this.request = request;
    for (const pod of request.starting) state.accounts.add(pod.nominated, pod.shape.request, 1);
    for (const kind of request.kinds) {
      const room = this.roomOf(kind);
      this.room.push(room);
      this.totals.push(room.reduce((sum, times) => sum + Math.max(0, times), 0));
    }
    this.roomNow = (this.room[0] as Int32Array).slice();
  }

  run(): PodRoomPlan | undefined {
    const { ends } = this.request;
    const { timeSeconds, accounts } = this.state;
    let startSeconds = timeSeconds;
    for (let i = 0; ; ) {
      const slots = this.isEnough() ? this.choose() : undefined;
      if (slots !== undefined) return { startSeconds, slots };
      let next = ends.at(i);
      if (next === undefined || this.packingsLeft === 0) return undefined;
      startSeconds = next.endSeconds;
      if (startSeconds === Number.POSITIVE_INFINITY) return undefined;
      // Ends at one time count together.
      for (; next?.endSeconds === startSeconds; next = ends.at(++i)) {
        const { pod } = next;
        this.released++;
        const slot = this.slotOf(pod);
        if (slot < 0) continue;
        accounts.add(slot, pod.shape.request, -1);
        this.recount(slot);
      }
    }
  }

  /** Puts the pods back that were released. */
  restore(): void {
    const { accounts } = this.state;
    for (let i = this.released - 1; i >= 0; i--) {
      const pod = this.request.ends.at(i)?.pod as PodRecord;
      const slot = this.slotOf(pod);
      if (slot >= 0) accounts.add(slot, pod.shape.request, 1);
    }
    for (const pod of this.request.starting) accounts.add(pod.nominated, pod.shape.request, -1);
  }

  /** Where a pod counts in this plan; −1: nowhere, it is one of those planned for. */
  private slotOf(pod: PodRecord): number {
    if (pod.node >= 0) return pod.node;
    return this.request.starting.has(pod) ? pod.nominated : -1;
  }

  private roomOf({ shape, count }: MemberKind): Int32Array {
    const { state } = this;
    const room = new Int32Array(state.slots.count).fill(-1);
    if (state.rules.preFilter(shape) !== undefined) return room;
    for (let slot = 0; slot < room.length; slot++) {
      if (state.slots.descriptions[slot] === undefined || !this.request.allowed(slot)) continue;
      const refusal = state.rules.check(slot);
      if (refusal !== Refusal.None && !state.rules.isResolvable(refusal)) continue;
      room[slot] = state.accounts.times(slot, shape.request, count);
    }
    return room;
  }

  private recount(slot: number): void {
    this.request.kinds.forEach(({ shape, count }, kind) => {
      const room = this.room[kind] as Int32Array;
      const before = room[slot] as number;
      if (before < 0) return;
      const now = this.state.accounts.times(slot, shape.request, count);
      room[slot] = now;
      this.totals[kind] = (this.totals[kind] as number) + now - before;
    });
  }

  private isEnough(): boolean {
    return this.request.kinds.every(({ count }, kind) => (this.totals[kind] as number) >= count);
  }

  /** The slots that the members go to; undefined: together they find no room. */
  private choose(): ReadonlyMap<number, readonly number[]> | undefined {
    const { kinds } = this.request;
    const order = this.slotsInOrder();
    const single = kinds[0] as MemberKind;
    if (kinds.length > 1) return this.pack(order);
    const slots = new Map<number, readonly number[]>();
    let left = single.count;
    for (const slot of order) {
      if (left === 0) break;
      const here = Math.min(left, (this.room[0] as Int32Array)[slot] as number);
      slots.set(slot, [here]);
      left -= here;
    }
    return slots;
  }

  /** Slots without room now first, of these the roomiest: what is free now stays open for others. */
  private slotsInOrder(): readonly number[] {
    const { room, roomNow } = this;
    const slots: number[] = [];
    for (let slot = 0; slot < roomNow.length; slot++) {
      if (room.some((of) => (of[slot] as number) > 0)) slots.push(slot);
    }
    const then = room[0] as Int32Array;
    return slots.sort(
      (x, y) =>
        Math.max(0, roomNow[x] as number) - Math.max(0, roomNow[y] as number) ||
        (then[y] as number) - (then[x] as number) ||
        x - y,
    );
  }

  /** First fit, the kinds with the fewest places first. */
  private pack(order: readonly number[]): ReadonlyMap<number, readonly number[]> | undefined {
    this.packingsLeft--;
    const { accounts } = this.state;
    const { kinds } = this.request;
    const bySize = kinds.map((_, kind) => kind);
    bySize.sort((x, y) => (this.totals[x] as number) - (this.totals[y] as number) || x - y);
    const slots = new Map<number, number[]>();
    const put: { readonly slot: number; readonly shape: Shape; readonly times: number }[] = [];
    let isWhole = true;
    for (const kind of bySize) {
      const { shape, count } = kinds[kind] as MemberKind;
      let left = count;
      for (const slot of order) {
        if (left === 0) break;
        if (((this.room[kind] as Int32Array)[slot] as number) <= 0) continue;
        const times = accounts.times(slot, shape.request, left);
        if (times === 0) continue;
        for (let i = 0; i < times; i++) accounts.add(slot, shape.request, 1);
        put.push({ slot, shape, times });
        const counts = slots.get(slot) ?? kinds.map(() => 0);
        counts[kind] = times;
        slots.set(slot, counts);
        left -= times;
      }
      isWhole &&= left === 0;
    }
    for (const { slot, shape, times } of put)
      for (let i = 0; i < times; i++) accounts.add(slot, shape.request, -1);
    return isWhole ? slots : undefined;
  }
}
