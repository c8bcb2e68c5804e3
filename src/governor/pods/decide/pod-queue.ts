/**
 * The queue: the next pod to decide, the pods that wait, and those that back off.
 *
 * Pods that nothing fits wait in the line of their shape: where the first does not fit, none does, so a change is
 * checked once for each shape, not for each pod. A line is woken only by a change that makes its shape fit, or may do
 * so; as long as its pods find room the next one is tried.
 *
 * Invariants: a pod's state is changed here only; a pod is in the active heap iff it is Active (or is being decided),
 * in its line's heap iff Waiting, in the back-off heap iff BackingOff, in the heap of those over the limit iff OverLimit.
 */
import { assert } from '../../../kernel/assert.ts';
import { Random } from '../../../kernel/random.ts';
import { compareTurns } from '../../queue-order.ts';
import type { PodSchedulerOptions } from '../pod-events.ts';
import { OrderedHeap } from '../state/ordered-heap.ts';
import { isGroup, type PodGroup, setTurn } from '../state/pod-groups.ts';
import {
  compareTurn,
  POD_STATE_NAMES,
  type PodRecord,
  PodState,
  type PodStateCode,
  type WaitingLine,
} from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { Shape } from '../state/shape-table.ts';
import type { Preemption } from './preemption.ts';

/** Most doublings of a back-off: more make no difference, and must not overflow. */
const DOUBLINGS_MAX = 30;

/** Which line a pod waits in. */
type WaitKind = '' | 'confined' | 'nominated' | 'unadmitted' | 'behind';

/** An item to decide: a pod, or a group as a whole. */
export type QueueItem = PodRecord | PodGroup;

/** The queue. Single writer. */
export class PodQueue {
  /** To be decided. Read from outside by checks only, as are the others. */
  readonly active = new OrderedHeap<QueueItem>(compareItems);
  readonly lines = new Map<string, WaitingLine>();
  readonly overLimit = new OrderedHeap<PodRecord>(compareTurn);
  readonly backing = new OrderedHeap<PodRecord>(
    (x, y) => x.untilSeconds - y.untilSeconds || x.sequence - y.sequence,
  );
  private readonly state: SchedulerState;
  private readonly preemption: Preemption;
  private readonly random: Random;
  /** Pods by state. */
  private readonly byState = new Int32Array(POD_STATE_NAMES.length);
  private queuedGroups = 0;

  constructor(state: SchedulerState, preemption: Preemption, options: PodSchedulerOptions) {
    this.state = state;
    this.preemption = preemption;
    this.random = new Random(options.seed, 1);
  }

  /** @returns Pods in a state. */
  count(state: PodStateCode): number {
    return this.byState[state] as number;
  }

  /** Waiting pods, without those over the limit. */
  get size(): number {
    return (
      this.count(PodState.Active) +
      this.count(PodState.Waiting) +
      this.count(PodState.BackingOff) +
      this.count(PodState.InGroup)
    );
  }

  /** True if one more pod may wait. */
  get hasRoom(): boolean {
    return this.size < this.state.options.waitingPodsMax;
  }

  /** Lines there are. */
  get lineCount(): number {
    return this.lines.size;
  }

  /** Groups to decide. */
  get groupsQueued(): number {
    return this.queuedGroups;
  }

  /** Adds a pod. */
  add(pod: PodRecord): void {
    this.byState[pod.state] = this.count(pod.state) + 1;
  }

  /** Drops a pod. */
  forget(pod: PodRecord): void {
    this.move(pod, PodState.Ignored);
    this.byState[PodState.Ignored] = this.count(PodState.Ignored) - 1;
  }

  /** Takes a pod out of its queue, into a state in which it does not wait in a heap. */
  move(pod: PodRecord, to: PodStateCode): void {
    const from = pod.state;
    const { line } = pod;
    if (pod.heapAt >= 0) this.heapOf(pod).remove(pod);
    this.byState[from] = this.count(from) - 1;
    this.byState[to] = this.count(to) + 1;
    pod.state = to;
    pod.stateSeconds = this.state.timeSeconds;
    if (line === undefined) return;
    if (from === PodState.Active) {
      assert(line.activeCount > 0, 'a pod is decided that its line does not count');
      line.activeCount--;
      pod.line = undefined;
      // It found room, or is gone without having been decided: its wake-up may serve the next one.
      if (to !== PodState.Waiting) this.wakeFirst(line);
    } else if (to === PodState.Active) line.activeCount++;
    else pod.line = undefined;
    if (line.activeCount === 0 && line.pods.size === 0) this.lines.delete(line.key);
  }

  /** A pod is to be decided. */
  activate(pod: PodRecord): void {
    if (pod.state === PodState.Active) return;
    this.move(pod, PodState.Active);
    this.active.push(pod);
  }

  /** A group is to be decided. */
  activateGroup(group: PodGroup): void {
    if (group.heapAt >= 0) return;
    setTurn(group);
    this.queuedGroups++;
    this.active.push(group);
  }

  /** Sets a pod's priority; where it waited for room it is tried again. */
  reprioritise(pod: PodRecord, priority: number): void {
    const heap = pod.heapAt >= 0 ? this.heapOf(pod) : undefined;
    heap?.remove(pod);
    this.state.changePriority(pod, priority);
    heap?.push(pod);
    if (pod.state === PodState.Waiting) this.activate(pod);
  }

  /** Members of a group have other priorities: its turn follows. O(members). */
  requeueGroup(group: PodGroup): void {
    const isQueued = group.heapAt >= 0;
    this.dropGroup(group);
    setTurn(group);
    if (isQueued) this.activateGroup(group);
  }

  /** A group is not to be decided any more. */
  dropGroup(group: PodGroup): void {
    if (group.heapAt < 0) return;
    this.active.remove(group);
    this.queuedGroups--;
  }

  /**
   * Nothing fits the pod: it waits in line.
   *
   * @param how `confined`: to the topology domain of its group, with whose other members it waits; `nominated`: for the room that is
   *            made for it, in a line of its own; `unadmitted`: until the accounts wake its tenant; `behind`: for room that is kept for a
   *            champion, with others that are expected to run as long.
   */
  wait(pod: PodRecord, how: WaitKind): void {
    const { line: from } = pod;
    const name = `${pod.shape.id} ${how} ${lineKey(pod, how)}`;
    this.move(pod, PodState.Waiting);
    // Its refusals and gains do not apply to the others.
    if (from !== undefined && from.key !== name) this.wakeFirst(from);
    let line = this.lines.get(name);
    if (line === undefined) {
      line = {
        key: name,
        shape: pod.shape,
        confined: how === 'confined',
        unadmittedOf: how === 'unadmitted' ? pod.tenant : -1,
        isBehind: how === 'behind',
        pods: new OrderedHeap(compareTurn),
        activeCount: 0,
      };
      this.lines.set(name, line);
    }
    pod.line = line;
    line.pods.push(pod);
  }

  /** The pod is tried again after a time that doubles with each failure, with jitter. */
  backOff(pod: PodRecord): void {
    const { backoffSecondsFirst, backoffSecondsMax } = this.state.options;
    const most = Math.min(
      backoffSecondsFirst * 2 ** Math.min(pod.failures, DOUBLINGS_MAX),
      backoffSecondsMax,
    );
    pod.failures++;
    this.move(pod, PodState.BackingOff);
    pod.untilSeconds = this.state.timeSeconds + most * (0.5 + 0.5 * this.random.nextFloat());
    this.backing.push(pod);
  }

  /** The limit of waiting pods is reached: this one enters the queue when there are fewer. */
  hold(pod: PodRecord): void {
    this.move(pod, PodState.OverLimit);
    this.overLimit.push(pod);
  }

  /** @returns The next item to decide, taken out of the heap; undefined if there is none. */
  next(): QueueItem | undefined {
    const item = this.active.pop();
    if (item !== undefined && isGroup(item)) this.queuedGroups--;
    return item;
  }

  /** @returns The pod over the limit that goes first, if one more may wait. */
  nextInExcess(): PodRecord | undefined {
    return this.hasRoom ? this.overLimit.peek() : undefined;
  }

  /**
   * Moves to the active heap the due items, pods whose kept room has changed, and the first pod of each line that a
   * change may have made room for.
   */
  wake(): void {
    const { changes, nominated, timeSeconds } = this.state;
    for (let pod = this.backing.peek(); pod !== undefined; pod = this.backing.peek()) {
      if (pod.untilSeconds > timeSeconds) break;
      this.activate(pod);
    }
    if (!changes.any) return;
    for (const slots of [changes.slots, changes.crowded]) {
      for (const slot of slots) {
        for (const pod of nominated.get(slot) ?? []) if (pod.state === PodState.Waiting) this.activate(pod);
      }
    }
    for (const line of [...this.lines.values()]) {
      if (line.unadmittedOf >= 0) continue;
      if (changes.concernsDevices(line.shape)) this.wakeAll(line);
      else if (this.concernsLine(line)) this.wakeFirst(line);
    }
  }

  /** The refusals of these tenants may be over: the first pod of each line is tried, and where it is admitted the next one is. O(lines). */
  wakeTenants(tenants: ReadonlySet<number>): void {
    for (const line of [...this.lines.values()]) if (tenants.has(line.unadmittedOf)) this.wakeFirst(line);
  }

  /** The pods that wait for room: the first of each line stands for the others. */
  *waitingForRoom(): Iterable<PodRecord> {
    for (const line of this.lines.values()) {
      const first = line.pods.peek();
      const isFree = line.unadmittedOf < 0 && !line.confined;
      if (first !== undefined && isFree && first.nominated < 0) yield first;
    }
  }

  /** Time of the next timed event; Infinity if there is none. */
  get dueSeconds(): number {
    return this.backing.peek()?.untilSeconds ?? Number.POSITIVE_INFINITY;
  }

  /** @returns True if a change since the last call may let a shape fit. O(changed nodes + moved shapes). */
  concernsShape(shape: Shape, priority: number): boolean {
    const { state } = this;
    const { rules, changes } = state;
    if (changes.concern(shape, rules)) return true;
    if (changes.slots.size === 0 || rules.preFilter(shape) !== undefined) return false;
    for (const slot of changes.slots) if (state.accepts(shape, priority, slot)) return true;
    return false;
  }

  private concernsLine(line: WaitingLine): boolean {
    const first = line.pods.peek();
    if (first === undefined) return false;
    // A node with a new description may be in the domain now, or have moved the domain.
    if (line.confined && this.state.changes.nodes) return true;
    if (this.concernsShape(line.shape, first.priority)) return true;
    if (line.confined || !this.preemption.mayHelp(first)) return false;
    for (const slot of this.state.changes.slots) if (this.preemption.helps(first, slot)) return true;
    return false;
  }

  /** Each of them gets another reason. */
  private wakeAll(line: WaitingLine): void {
    for (let pod = line.pods.peek(); pod !== undefined; pod = line.pods.peek()) this.activate(pod);
  }

  private wakeFirst(line: WaitingLine): void {
    const first = line.pods.peek();
    if (first !== undefined) this.activate(first);
  }

  private heapOf(pod: PodRecord): OrderedHeap<PodRecord> | OrderedHeap<QueueItem> {
    if (pod.state === PodState.BackingOff) return this.backing;
    if (pod.state === PodState.OverLimit) return this.overLimit;
    return pod.state === PodState.Waiting ? (pod.line as WaitingLine).pods : this.active;
  }
}

/** What a pod in a line shares with the others there besides its shape. */
function lineKey(pod: PodRecord, how: WaitKind): string | number {
  if (how === '') return '';
  if (how === 'behind') return `${pod.expectedSeconds} ${pod.tenant}`;
  if (how === 'unadmitted') return pod.tenant;
  return how === 'confined' ? pod.group : pod.uid;
}

/** As `compareTurn`, of pods and groups: a separate function, so that each sees few kinds of records. */
function compareItems(x: QueueItem, y: QueueItem): number {
  return compareTurns(x.priority, x.createdSeconds, x.sequence, y.priority, y.createdSeconds, y.sequence);
}
