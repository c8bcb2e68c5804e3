/**
 * Who is decided next, who waits for what, and who backs off.
 *
 * Pods that nothing fits wait in the line of their shape: where the first does not fit, none does, so a change is looked at
 * once for each shape, not for each pod. A line is woken only by a change that makes its shape fit, or may do so; as long as
 * its pods find room the next one is tried.
 *
 * Invariants: a pod's state is changed here and nowhere else; a pod is in the active heap iff it is Active (or is being decided),
 * in its line's heap iff Waiting, in the back-off heap iff BackingOff, in the excess heap iff Excess.
 */
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

/** Doublings of a back-off at most: more make no difference, and must not overflow. */
const DOUBLINGS_MAX = 30;

/** Something to decide: a pod, or a group as a whole. */
export type QueueItem = PodRecord | PodGroup;

/** The queue. Single writer. */
export class PodQueue {
  /** To be decided. Read outside for checks only, as are the others. */
  readonly active = new OrderedHeap<QueueItem>(compareItems);
  readonly lines = new Map<string, WaitingLine>();
  readonly excess = new OrderedHeap<PodRecord>(compareTurn);
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

  /** Pods that wait for anything, those in excess of the limit not counted. */
  get size(): number {
    return (
      this.count(PodState.Active) +
      this.count(PodState.Waiting) +
      this.count(PodState.BackingOff) +
      this.count(PodState.InGroup)
    );
  }

  /** Whether one more pod may wait. */
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

  /** A pod is known from now on. */
  add(pod: PodRecord): void {
    this.byState[pod.state] = this.count(pod.state) + 1;
  }

  /** A pod is not known any more. */
  forget(pod: PodRecord): void {
    this.move(pod, PodState.Aside);
    this.byState[PodState.Aside] = this.count(PodState.Aside) - 1;
  }

  /** Takes a pod out of wherever it waits, into a state in which it does not wait in a heap. */
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
      line.hot--;
      pod.line = undefined;
      // It found room, or is gone without having been decided: the next one may have what it was woken for.
      if (to !== PodState.Waiting) this.wakeFirst(line);
    } else if (to === PodState.Active) line.hot++;
    else pod.line = undefined;
    if (line.hot === 0 && line.pods.size === 0) this.lines.delete(line.key);
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
   *            made for it, in a line of its own; `unadmitted`: until the accounts wake its tenant.
   */
  wait(pod: PodRecord, how: '' | 'confined' | 'nominated' | 'unadmitted'): void {
    const { line: from } = pod;
    const name = `${pod.shape.id} ${how} ${lineKey(pod, how)}`;
    this.move(pod, PodState.Waiting);
    // What it was refused for, or got, is not the others'.
    if (from !== undefined && from.key !== name) this.wakeFirst(from);
    let line = this.lines.get(name);
    if (line === undefined) {
      line = {
        key: name,
        shape: pod.shape,
        confined: how === 'confined',
        unadmittedOf: how === 'unadmitted' ? pod.tenant : -1,
        pods: new OrderedHeap(compareTurn),
        hot: 0,
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

  /** As many pods wait as may: this one comes to the queue when fewer do. */
  hold(pod: PodRecord): void {
    this.move(pod, PodState.Excess);
    this.excess.push(pod);
  }

  /** @returns What is decided next, taken out of the heap; undefined if there is nothing. */
  next(): QueueItem | undefined {
    const item = this.active.pop();
    if (item !== undefined && isGroup(item)) this.queuedGroups--;
    return item;
  }

  /** @returns The pod in excess that goes first, if one more may wait. */
  nextInExcess(): PodRecord | undefined {
    return this.hasRoom ? this.excess.peek() : undefined;
  }

  /** Moves to the active heap what is due, pods whose kept room has changed, and the first pod of each line that a change may have made room for. */
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

  /** When something happens by itself next; Infinity if nothing does. */
  get dueSeconds(): number {
    return this.backing.peek()?.untilSeconds ?? Number.POSITIVE_INFINITY;
  }

  /** @returns Whether a change since the last look may let a shape fit. O(changed nodes + moved shapes). */
  concernsShape(shape: Shape, priority: number): boolean {
    const { state } = this;
    const { rules, changes } = state;
    if (changes.concern(shape, rules)) return true;
    if (changes.slots.size === 0 || rules.begin(shape) !== undefined) return false;
    for (const slot of changes.slots) if (state.accepts(shape, priority, slot)) return true;
    return false;
  }

  private concernsLine(line: WaitingLine): boolean {
    const first = line.pods.peek();
    if (first === undefined) return false;
    // A node that was described anew may be in the domain now, or have moved the domain.
    if (line.confined && this.state.changes.nodes) return true;
    if (this.concernsShape(line.shape, first.priority)) return true;
    if (line.confined || !this.preemption.mayHelp(first)) return false;
    for (const slot of this.state.changes.slots) if (this.preemption.helps(first, slot)) return true;
    return false;
  }

  /** Another reason is to be told to each of them. */
  private wakeAll(line: WaitingLine): void {
    for (let pod = line.pods.peek(); pod !== undefined; pod = line.pods.peek()) this.activate(pod);
  }

  private wakeFirst(line: WaitingLine): void {
    const first = line.pods.peek();
    if (first !== undefined) this.activate(first);
  }

  private heapOf(pod: PodRecord): OrderedHeap<PodRecord> | OrderedHeap<QueueItem> {
    if (pod.state === PodState.BackingOff) return this.backing;
    if (pod.state === PodState.Excess) return this.excess;
    return pod.state === PodState.Waiting ? (pod.line as WaitingLine).pods : this.active;
  }
}

/** What besides its shape a pod in a line has in common with the others there. */
function lineKey(pod: PodRecord, how: '' | 'confined' | 'nominated' | 'unadmitted'): string | number {
  if (how === '') return '';
  if (how === 'unadmitted') return pod.tenant;
  return how === 'confined' ? pod.group : pod.uid;
}

/** As `compareTurn`, of pods and groups: a function of its own, so that either sees few kinds of records. */
function compareItems(x: QueueItem, y: QueueItem): number {
  return compareTurns(x.priority, x.createdSeconds, x.sequence, y.priority, y.createdSeconds, y.sequence);
}
