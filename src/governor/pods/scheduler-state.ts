/**
 * The state that decisions are made on: nodes, pods, accounts, rules and the field, kept in step with each other.
 *
 * Invariants: a pod counts on its node from the moment it is decided (`place`) until it is gone, in the accounts, the rules,
 * the node's list and the field alike. `version` grows whenever something may fit that did not, `anyVersion` with every change.
 */
import { DemandTable } from '../../model/demand.ts';
import type { NodeDescription } from '../../model/kubernetes/node.ts';
import type { PodDescription } from '../../model/kubernetes/pod.ts';
import { type Constraints, Refusal } from './constraints.ts';
import { NodeAccounts } from './node-accounts.ts';
import { NodeSlots } from './node-slots.ts';
import { PlacementZones } from './placement-zones.ts';
import type { PodSchedulerOptions } from './pod-events.ts';
import { type PodRecord, recordOf } from './pod-records.ts';
import { type Shape, ShapeTable } from './shape-table.ts';

/** All of a cluster that decisions look at. Single writer. */
export class SchedulerState {
  readonly options: PodSchedulerOptions;
  readonly rules: Constraints;
  readonly accounts = new NodeAccounts();
  readonly slots = new NodeSlots();
  readonly demands = new DemandTable();
  readonly zones: PlacementZones;
  readonly shapes: ShapeTable;
  /** By uid. */
  readonly pods = new Map<string, PodRecord>();
  timeSeconds = 0;
  version = 0;
  anyVersion = 0;
  /** Slots that got room or were described anew since the last look. */
  readonly changedSlots = new Set<number>();
  /** Shapes of pods that came or went since the last look; null: everything may have changed. */
  readonly movedShapes = new Set<Shape>();
  everythingChanged = false;
  /** Pods for which room is kept, by slot. */
  readonly nominated = new Map<number, PodRecord[]>();
  /** Pods on nodes by priority: whether anybody can be preempted is known at once. */
  readonly priorities = new Map<number, number>();
  private sequence = 0;
  /** Pods whose node is not known (yet), by its name. */
  private readonly homeless = new Map<string, Set<PodRecord>>();

  constructor(options: PodSchedulerOptions, rules: Constraints) {
    this.options = options;
    this.rules = rules;
    this.shapes = new ShapeTable(this.accounts, this.demands, (id) => rules.forgetShape?.(id));
    this.zones = new PlacementZones(this.accounts, this.slots, this.demands, {
      label: options.zoneLabel,
      nodesMax: options.zoneNodesMax,
      seed: options.seed,
    });
  }

  /** A node is new or described anew. */
  setNode(node: NodeDescription): void {
    const slot = this.slots.set(node);
    this.accounts.setNode(slot, node);
    this.rules.setNode(slot, node);
    this.zones.setNode(slot, node);
    const waiting = this.homeless.get(node.name);
    if (waiting !== undefined) {
      this.homeless.delete(node.name);
      for (const pod of waiting) this.settle(pod, slot);
    }
    this.gained(slot);
  }

  /** A node is gone. Pods on it are remembered by its name: it may come back. */
  removeNode(name: string): void {
    const slot = this.slots.slotOf(name);
    if (slot < 0) return;
    for (const pod of [...(this.slots.pods[slot] as PodRecord[])]) {
      this.unsettle(pod);
      this.shelter(pod, name);
    }
    for (const pod of this.nominated.get(slot) ?? []) pod.nominated = -1;
    this.nominated.delete(slot);
    this.rules.removeNode(slot);
    this.zones.removeNode(slot);
    this.accounts.clear(slot);
    this.slots.remove(slot);
    this.changedSlots.delete(slot);
    this.touchAll();
  }

  /** Remembers a pod seen first. */
  addPod(pod: PodDescription): PodRecord {
    const record = recordOf(pod, this.shapes.acquire(pod.template), this.sequence++);
    this.pods.set(pod.uid, record);
    return record;
  }

  /** Forgets a pod, wherever it is. */
  removePod(pod: PodRecord): void {
    this.unplace(pod);
    this.clearNomination(pod);
    this.pods.delete(pod.uid);
    this.shapes.release(pod.shape);
  }

  /** Gives a pod, counted for it already, another shape. */
  changeShape(pod: PodRecord, shape: Shape): void {
    const { node, shape: old } = pod;
    if (node >= 0) this.unsettle(pod);
    pod.shape = shape;
    if (node >= 0) {
      this.settle(pod, node);
      this.gained(node);
    }
    this.shapes.release(old);
  }

  /** A pod counts on a node from now on, by its name: the node need not be known. */
  placeByName(pod: PodRecord, name: string): void {
    const slot = this.slots.slotOf(name);
    if (slot >= 0) this.place(pod, slot);
    else this.shelter(pod, name);
  }

  /** A pod counts on a node from now on. */
  place(pod: PodRecord, slot: number): void {
    this.settle(pod, slot);
    this.clearNomination(pod);
  }

  /** A pod does not count anywhere any more. */
  unplace(pod: PodRecord): void {
    if (pod.node >= 0) {
      const slot = pod.node;
      this.unsettle(pod);
      this.zones.left();
      this.gained(slot);
    } else if (pod.nodeName !== '') {
      const waiting = this.homeless.get(pod.nodeName);
      waiting?.delete(pod);
      if (waiting?.size === 0) this.homeless.delete(pod.nodeName);
    }
    pod.nodeName = '';
  }

  /** Takes back a placement that was only tried: as if it had not been. */
  undo(pod: PodRecord): void {
    this.unsettle(pod);
    pod.nodeName = '';
  }

  /** Keeps room for a pod on a node. */
  nominate(pod: PodRecord, slot: number): void {
    this.clearNomination(pod);
    pod.nominated = slot;
    const list = this.nominated.get(slot);
    if (list === undefined) this.nominated.set(slot, [pod]);
    else list.push(pod);
  }

  /** Keeps no room for a pod any more. */
  clearNomination(pod: PodRecord): void {
    if (pod.nominated < 0) return;
    const slot = pod.nominated;
    const left = (this.nominated.get(slot) ?? []).filter((other) => other !== pod);
    if (left.length > 0) this.nominated.set(slot, left);
    else this.nominated.delete(slot);
    pod.nominated = -1;
    this.gained(slot);
  }

  /**
   * Whether a node takes a pod now, with room kept for others that go first. After `rules.begin(shape)`.
   *
   * @param priority Of the pod; room kept for pods of this or higher priority is not its.
   * @param self     The pod, if room may be kept for itself.
   */
  accepts(shape: Shape, priority: number, slot: number, self?: PodRecord): boolean {
    if (!this.accounts.fits(slot, shape.request)) return false;
    if (this.rules.check(slot) !== Refusal.None) return false;
    return this.nominated.size === 0 || this.fitsBesideNominated(shape, priority, slot, self);
  }

  /** The version that tells whether a refusal of a shape still holds. */
  versionFor(shape: Shape): number {
    return this.rules.dependsOnPods(shape) ? this.anyVersion : this.version;
  }

  /** Something changed that may concern every waiting pod. */
  touchAll(): void {
    this.version++;
    this.anyVersion++;
    this.everythingChanged = true;
  }

  /** @returns Whether some pod on a node has a lower priority. O(priorities). */
  hasLowerThan(priority: number): boolean {
    for (const known of this.priorities.keys()) if (known < priority) return true;
    return false;
  }

  private fitsBesideNominated(
    shape: Shape,
    priority: number,
    slot: number,
    self: PodRecord | undefined,
  ): boolean {
    const others = (this.nominated.get(slot) ?? []).filter((pod) => pod !== self && pod.priority >= priority);
    if (others.length === 0) return true;
    for (const pod of others) this.accounts.add(slot, pod.shape.request, 1);
    const fits = this.accounts.fits(slot, shape.request);
    for (const pod of others) this.accounts.add(slot, pod.shape.request, -1);
    return fits;
  }

  private gained(slot: number): void {
    this.version++;
    this.anyVersion++;
    this.changedSlots.add(slot);
  }

  private shelter(pod: PodRecord, name: string): void {
    pod.nodeName = name;
    const waiting = this.homeless.get(name);
    if (waiting === undefined) this.homeless.set(name, new Set([pod]));
    else waiting.add(pod);
  }

  private settle(pod: PodRecord, slot: number): void {
    pod.node = slot;
    pod.nodeName = this.slots.nameOf(slot);
    this.slots.addPod(slot, pod);
    this.accounts.add(slot, pod.shape.request, 1);
    this.rules.addPod(slot, pod.shape, pod.uid, pod.leaving);
    this.zones.update(slot);
    this.priorities.set(pod.priority, (this.priorities.get(pod.priority) ?? 0) + 1);
    this.moved(pod.shape);
  }

  private unsettle(pod: PodRecord): void {
    const slot = pod.node;
    this.slots.removePod(slot, pod);
    this.accounts.add(slot, pod.shape.request, -1);
    this.rules.removePod(slot, pod.shape, pod.uid);
    this.zones.update(slot);
    pod.node = -1;
    const left = (this.priorities.get(pod.priority) ?? 1) - 1;
    if (left > 0) this.priorities.set(pod.priority, left);
    else this.priorities.delete(pod.priority);
    this.moved(pod.shape);
  }

  private moved(shape: Shape): void {
    this.anyVersion++;
    this.movedShapes.add(shape);
  }
}
