/**
 * Who is decided next, who waits for what, and who backs off.
 *
 * Pods that nothing fits wait in the line of their shape: where the first does not fit, none does, so a change is looked at
 * once for each shape, not for each pod. A line is woken only by a change that makes its shape fit, or may do so.
 * Invariants: a pod is in the active heap iff its state is Active, in a line iff Waiting, in the back-off heap iff
 * BackingOff; entries of heaps whose pod has moved on are skipped when they come up.
 */
import { Random } from '../../kernel/random.ts';
import { OrderedHeap } from './ordered-heap.ts';
import type { PodSchedulerOptions } from './pod-events.ts';
import { isGroup, type PodGroup } from './pod-groups.ts';
import { compareTurn, type PodRecord, PodState } from './pod-records.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { Shape } from './shape-table.ts';

/** Entries of pods that have moved on that a line's heap may hold, beside as many as wait. */
const STALE_KEPT = 64;

/** Something to decide: a pod, or a group as a whole. */
export type QueueItem = PodRecord | PodGroup;

/** Waiting pods of one shape. */
interface Line {
  readonly shape: Shape;
  pods: OrderedHeap<PodRecord>;
  /** Pods waiting in it (the heap also holds some that have moved on). */
  waiting: number;
  /** Whether its first pod was woken and found room, so that the next one is tried. */
  hot: boolean;
}

/** The queue. Single writer. */
export class PodQueue {
  private readonly state: SchedulerState;
  private readonly random: Random;
  private readonly active = new OrderedHeap<QueueItem>(compareItems);
  private readonly lines = new Map<Shape, Line>();
  private readonly backing = new OrderedHeap<PodRecord>(
    (x, y) => x.untilSeconds - y.untilSeconds || x.sequence - y.sequence,
  );
  /** Numbers by queue, for metrics and the limit. */
  readonly counts = { active: 0, waiting: 0, backingOff: 0 };

  constructor(state: SchedulerState, options: PodSchedulerOptions) {
    this.state = state;
    this.random = new Random(options.seed, 1);
  }

  /** Pods that wait for anything. */
  get size(): number {
    return this.counts.active + this.counts.waiting + this.counts.backingOff;
  }

  /** Shapes that wait. */
  get lineCount(): number {
    return this.lines.size;
  }

  /** Groups to decide. */
  groupsQueued = 0;

  /** A pod is to be decided. */
  activate(pod: PodRecord): void {
    if (pod.state === PodState.Active) return;
    this.leave(pod);
    pod.state = PodState.Active;
    this.counts.active++;
    this.active.push(pod);
  }

  /** A group is to be decided. Its `queued` flag says whether it is in the heap. */
  activateGroup(group: PodGroup): void {
    if (group.queued) return;
    group.queued = true;
    this.groupsQueued++;
    this.active.push(group);
  }

  /** Nothing fits the pod: it waits in the line of its shape. */
  wait(pod: PodRecord): void {
    this.leave(pod);
    pod.state = PodState.Waiting;
    this.counts.waiting++;
    let line = this.lines.get(pod.shape);
    if (line === undefined) {
      line = { shape: pod.shape, pods: new OrderedHeap(compareTurn), waiting: 0, hot: false };
      this.lines.set(pod.shape, line);
    }
    line.hot = false;
    line.waiting++;
    line.pods.push(pod);
    if (line.pods.size > 2 * line.waiting + STALE_KEPT) tidy(line);
  }

  /** The pod is tried again after a time that doubles with each failure, with jitter. */
  backOff(pod: PodRecord): void {
    const { backoffSecondsFirst, backoffSecondsMax } = this.state.options;
    this.leave(pod);
    const most = Math.min(backoffSecondsFirst * 2 ** Math.min(pod.failures, 30), backoffSecondsMax);
    pod.failures++;
    pod.untilSeconds = this.state.timeSeconds + most * (0.5 + 0.5 * this.random.nextFloat());
    pod.state = PodState.BackingOff;
    this.counts.backingOff++;
    this.backing.push(pod);
  }

  /** Takes a pod out of wherever it waits; its state is the caller's to set. */
  leave(pod: PodRecord): void {
    if (pod.state === PodState.Active) this.counts.active--;
    else if (pod.state === PodState.BackingOff) this.counts.backingOff--;
    else if (pod.state === PodState.Waiting) {
      this.counts.waiting--;
      const line = this.lines.get(pod.shape);
      if (line !== undefined && --line.waiting === 0) this.lines.delete(pod.shape);
    }
    pod.state = PodState.Aside;
  }

  /** @returns What is decided next, taken out of the heap; undefined if there is nothing. */
  next(): QueueItem | undefined {
    for (;;) {
      const item = this.active.pop();
      if (item === undefined) return undefined;
      if (isGroup(item)) {
        if (!item.queued) continue;
        item.queued = false;
        this.groupsQueued--;
        return item;
      }
      if (item.state === PodState.Active) return item;
    }
  }

  /** A pod of the shape found room: the next one of its line is tried. */
  placed(shape: Shape): void {
    const line = this.lines.get(shape);
    if (line?.hot) this.wakeFirst(line);
  }

  /** Moves to the active heap what is due, and the first pod of each line that a change may have made room for. */
  wake(): void {
    const { state } = this;
    for (let pod = this.backing.peek(); pod !== undefined; pod = this.backing.peek()) {
      if (pod.state === PodState.BackingOff && pod.untilSeconds > state.timeSeconds) break;
      this.backing.pop();
      if (pod.state === PodState.BackingOff && pod.untilSeconds <= state.timeSeconds) this.activate(pod);
    }
    if (state.changedSlots.size === 0 && state.movedShapes.size === 0 && !state.everythingChanged) return;
    for (const line of [...this.lines.values()]) {
      if (state.everythingChanged || this.concerns(line)) this.wakeFirst(line);
    }
  }

  /** When something happens by itself next; Infinity if nothing does. */
  get dueSeconds(): number {
    return this.backing.peek()?.untilSeconds ?? Number.POSITIVE_INFINITY;
  }

  /** @returns Whether a change since the last look may let a shape fit. O(changed nodes + moved shapes). */
  concernsShape(shape: Shape, priority: number): boolean {
    const { state } = this;
    const { rules } = state;
    if (rules.dependsOnPods(shape)) {
      if (state.changedSlots.size > 0) return true;
      for (const moved of state.movedShapes) if (rules.concerns(shape, moved)) return true;
      return false;
    }
    if (rules.begin(shape) !== '') return false;
    for (const slot of state.changedSlots) if (state.accepts(shape, priority, slot)) return true;
    return false;
  }

  private concerns(line: Line): boolean {
    const first = this.firstOf(line);
    if (first === undefined) return false;
    if (first.nominated >= 0 && this.state.changedSlots.has(first.nominated)) return true;
    return this.concernsShape(line.shape, first.priority);
  }

  private wakeFirst(line: Line): void {
    const first = this.firstOf(line);
    if (first === undefined) return;
    line.hot = true;
    line.pods.pop();
    this.activate(first);
    // The line may be gone with its last pod; one that comes back makes a new one.
  }

  private firstOf(line: Line): PodRecord | undefined {
    for (;;) {
      const pod = line.pods.peek();
      if (pod === undefined || (pod.state === PodState.Waiting && pod.shape === line.shape)) return pod;
      line.pods.pop();
    }
  }
}

/** Rids a line's heap of pods that have moved on. */
function tidy(line: Line): void {
  const kept = new Set<PodRecord>();
  line.pods.forEach((pod) => {
    if (pod.state === PodState.Waiting && pod.shape === line.shape) kept.add(pod);
  });
  line.pods = new OrderedHeap(compareTurn);
  for (const pod of kept) line.pods.push(pod);
}

function compareItems(x: QueueItem, y: QueueItem): number {
  return y.priority - x.priority || x.createdSeconds - y.createdSeconds || x.sequence - y.sequence;
}
