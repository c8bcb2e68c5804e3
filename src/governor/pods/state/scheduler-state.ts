/**
 * The state that decisions use: nodes, pods, accounts, rules and the field, kept in step with each other.
 *
 * Invariants: a pod counts on its node from the moment it is decided (`place`) until it is gone, in the accounts, the
 * rules, the node's list and the field alike. `version` grows whenever a pod may fit that did not (also where room is
 * no longer kept for another), `anyVersion` with every change of pods or nodes.
 */
import { SYSTEM_PRIORITY_MIN } from '../../../market/reclaim/reclaim-world.ts';
import { DemandTable } from '../../../model/demand.ts';
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { isPlain, type NodeState } from '../../../model/node-state.ts';
import { TenantTable } from '../../../model/tenants.ts';
import type { Accounts } from '../../accounts.ts';
import { type Constraints, Refusal } from '../constraints.ts';
import { PodEconomy } from '../economy/pod-economy.ts';
import type { PodSchedulerOptions } from '../pod-events.ts';
import { Changes } from './changes.ts';
import { DeviceClasses } from './device-classes.ts';
import { EconomyView } from './economy-view.ts';
import { EmptiestFirst } from './emptiest-first.ts';
import { sameJson } from './equal-json.ts';
import type { Allowed, KeptRoom } from './gang-types.ts';
import { NodeAccounts } from './node-accounts.ts';
import { NodeSlots } from './node-slots.ts';
import { PlacementZones } from './placement-zones.ts';
import { newPodRecord, type PodRecord, PodState } from './pod-records.ts';
import { PodShapeTable, type Shape } from './shape-table.ts';

/** The cluster state that decisions read. Single writer. */
export class SchedulerState {
  readonly options: PodSchedulerOptions;
  readonly rules: Constraints;
  readonly accounts = new NodeAccounts();
  readonly slots = new NodeSlots();
  readonly zones: PlacementZones;
  /** The order of nodes for pods that are to be spread. */
  readonly emptiest = new EmptiestFirst(this.accounts, this.slots);
  readonly shapes: PodShapeTable;
  readonly devices = new DeviceClasses();
  /** Tenants of the pods known: each pod holds its own. */
  readonly tenants = new TenantTable();
  /** Admits pods, and receives all capacity that they take and return. */
  readonly economy: PodEconomy;
  /** While a pod or gang is tried that its accounts admit on some nodes only: these; else undefined. */
  confinedTo: Allowed | undefined;
  /** While a pod or gang is tried that must leave room for champions; else undefined. */
  keptRoom: KeptRoom | undefined;
  /** By uid. */
  readonly pods = new Map<string, PodRecord>();
  timeSeconds = 0;
  version = 0;
  anyVersion = 0;
  /** Since the last check of waiting pods. */
  readonly changes: Changes;
  /** Pods for which room is kept, by slot. */
  readonly nominated = new Map<number, PodRecord[]>();
  /**
   * Pods for which room is to be kept on a node at its next description, by its name: it is unknown, or could not take
   * them.
   */
  readonly expecting = new Map<string, Set<PodRecord>>();
  /** Pods on nodes by priority: the existence of possible victims is known at once. */
  readonly priorities = new Map<number, number>();
  /** Nominated pods whose room the economy is freeing: of whatever priority, it is theirs. */
  readonly claimed = new Set<PodRecord>();
  private sequence = 0;
  /** Pods whose node is unknown (yet), by its name. */
  private readonly podsOfUnknownNodes = new Map<string, Set<PodRecord>>();

  constructor(options: PodSchedulerOptions, rules: Constraints, accounts: Accounts) {
    this.options = options;
    this.rules = rules;
    this.shapes = new PodShapeTable(this.accounts, new DemandTable(), (id) => rules.forgetShape?.(id));
    this.changes = new Changes(this.shapes);
    this.economy = new PodEconomy(new EconomyView(this), accounts);
    this.zones = new PlacementZones(this.accounts, this.slots, this.shapes, {
      label: options.zoneLabel,
      nodesMax: options.zoneNodesMax,
      seed: options.seed,
    });
  }

  /**
   * A node is new or has a new description. Nothing happens if it is unchanged, and no pod is woken if only its
   * shortages changed.
   */
  setNode(node: NodeDescription): void {
    const known = this.slots.slotOf(node.name);
    if (known >= 0 && differsInStateOnly(this.slots.descriptions[known] as NodeDescription, node)) {
      this.slots.set(node);
      this.zones.update(known);
      return;
    }
    const slot = this.slots.set(node);
    this.economy.nodeChanged(slot);
    this.accounts.setNode(slot, node);
    this.rules.setNode(slot, node);
    this.zones.setNode(slot, node);
    const waiting = this.podsOfUnknownNodes.get(node.name);
    if (waiting !== undefined) {
      this.podsOfUnknownNodes.delete(node.name);
      for (const pod of waiting) this.confirmOn(pod, slot, true);
    }
    for (const pod of [...(this.expecting.get(node.name) ?? [])]) this.nominate(pod, slot);
    this.changes.nodes = true;
    this.gained(slot);
  }

  /**
   * A node is gone. Pods on it are kept by its name: it may come back.
   *
   * @returns Pods for which room was kept on it.
   */
  removeNode(name: string): readonly PodRecord[] {
    const slot = this.slots.slotOf(name);
    if (slot < 0) return [];
    for (const pod of [...(this.slots.pods[slot] as PodRecord[])]) {
      this.unconfirm(pod);
      this.holdForUnknownNode(pod, name);
    }
    const nominated = [...(this.nominated.get(slot) ?? [])];
    for (const pod of nominated) {
      this.clearNomination(pod);
      if (pod.foreignNode === name) this.expect(pod);
    }
    this.rules.removeNode(slot);
    this.zones.removeNode(slot);
    this.accounts.clear(slot);
    this.slots.remove(slot);
    this.economy.nodeChanged(slot);
    this.version++;
    this.anyVersion++;
    this.changes.nodes = true;
    this.changes.slots.delete(slot);
    this.changes.crowded.delete(slot);
    return nominated;
  }

  /** The number that the next new pod gets: its name with the accounts. */
  get nextSequence(): number {
    return this.sequence;
  }

  /** Adds a new pod. */
  addPod(pod: PodDescription): PodRecord {
    const tenant = this.tenants.acquire(pod.tenant);
    const record = newPodRecord(
      pod,
      this.shapes.acquire(pod.template),
      tenant,
      this.sequence++,
      this.timeSeconds,
    );
    this.pods.set(pod.uid, record);
    return record;
  }

  /** Drops a pod, wherever it is. */
  removePod(pod: PodRecord): void {
    this.unplace(pod);
    this.clearNomination(pod);
    this.pods.delete(pod.uid);
    this.shapes.release(pod.shape);
    this.releaseTenant(pod.tenant);
  }

  /** Gives a pod another shape, which counts it already. */
  changeShape(pod: PodRecord, shape: Shape): void {
    const { node, shape: old } = pod;
    if (node >= 0) this.unconfirm(pod);
    pod.shape = shape;
    if (node >= 0) {
      this.confirmOn(pod, node);
      this.gained(node);
    }
    // Different room is kept for it now.
    if (pod.nominated >= 0) this.gained(pod.nominated);
    this.shapes.release(old);
  }

  /** Sets a pod's tenant: a label can be changed. @param name As `PodDescription.tenant`. */
  changeTenant(pod: PodRecord, name: string): void {
    const tenant = this.tenants.acquire(name);
    if (pod.node >= 0) this.tellReleased(pod);
    this.releaseTenant(pod.tenant);
    pod.tenant = tenant;
    if (pod.node >= 0) this.tellHeld(pod);
  }

  /** Sets a pod's priority. Not while it is in a heap that is ordered by it. */
  changePriority(pod: PodRecord, priority: number): void {
    const isOnNode = pod.node >= 0;
    if (isOnNode) this.countPriority(pod.priority, -1);
    pod.priority = priority;
    if (isOnNode) {
      this.countPriority(priority, 1);
      // Others may preempt it now.
      this.gained(pod.node);
    }
    if (pod.nominated >= 0) this.gained(pod.nominated);
  }

  /** A guard reports a node: it costs more while it is short. Ignored if the node is unknown. */
  setNodeState(name: string, state: NodeState): void {
    const slot = this.slots.slotOf(name);
    if (slot < 0) return;
    this.slots.reported[slot] = isPlain(state) ? undefined : state;
    this.zones.update(slot);
  }

  /** A pod is being deleted: rules about pods no longer count it, though it still has its room. */
  setDeleting(pod: PodRecord): void {
    pod.deleting = true;
    if (pod.node < 0) return;
    this.rules.removePod(pod.node, pod.shape, pod.uid);
    this.rules.addPod(pod.node, pod.shape, pod.uid, true);
    this.moved(pod.shape);
  }

  /** A pod counts on a node from now on, by its name: the node may be unknown. */
  placeByName(pod: PodRecord, name: string): void {
    const slot = this.slots.slotOf(name);
    if (slot >= 0) {
      this.confirmOn(pod, slot, true);
      this.clearNomination(pod);
    } else {
      this.clearNomination(pod);
      this.holdForUnknownNode(pod, name);
    }
  }

  /** A pod counts on a node from now on. */
  place(pod: PodRecord, slot: number): void {
    this.confirmOn(pod, slot);
    this.clearNomination(pod);
  }

  /** A pod no longer counts on any node. */
  unplace(pod: PodRecord): void {
    if (pod.node >= 0) {
      const slot = pod.node;
      this.unconfirm(pod);
      if (pod.state === PodState.Bound) this.zones.left();
      this.gained(slot);
    } else if (pod.nodeName !== '') {
      const waiting = this.podsOfUnknownNodes.get(pod.nodeName);
      waiting?.delete(pod);
      if (waiting?.size === 0) this.podsOfUnknownNodes.delete(pod.nodeName);
    }
    pod.nodeName = '';
  }

  /** Puts a pod on a node for a trial, without any report. `confirm` or `forget` ends it. */
  assume(pod: PodRecord, slot: number): void {
    this.addToNode(pod, slot);
  }

  /** Undoes a trial. Of several pods, the last one first. */
  forget(pod: PodRecord): void {
    this.removeFromNode(pod);
    pod.nodeName = '';
  }

  /** A trial has become a placement. */
  confirm(pod: PodRecord): void {
    this.tellHeld(pod);
    this.moved(pod.shape);
    this.clearNomination(pod);
  }

  /** Keeps room for a pod on a node. No effect if it is kept there already. */
  nominate(pod: PodRecord, slot: number): void {
    if (pod.nominated === slot) return;
    this.clearNomination(pod);
    pod.nominated = slot;
    const list = this.nominated.get(slot);
    if (list === undefined) this.nominated.set(slot, [pod]);
    else list.push(pod);
  }

  /** Keeps no room for a pod now, but on the node to which others nominated it, at that node's next description. */
  expect(pod: PodRecord): void {
    this.clearNomination(pod);
    const { foreignNode: name } = pod;
    pod.expected = name;
    const pods = this.expecting.get(name);
    if (pods === undefined) this.expecting.set(name, new Set([pod]));
    else pods.add(pod);
  }

  /** Releases the room kept for a pod. */
  clearNomination(pod: PodRecord): void {
    if (pod.expected !== '') {
      const pods = this.expecting.get(pod.expected);
      pods?.delete(pod);
      if (pods?.size === 0) this.expecting.delete(pod.expected);
      pod.expected = '';
    }
    if (pod.nominated < 0) return;
    const slot = pod.nominated;
    const left = (this.nominated.get(slot) ?? []).filter((other) => other !== pod);
    if (left.length > 0) this.nominated.set(slot, left);
    else this.nominated.delete(slot);
    pod.nominated = -1;
    this.gained(slot);
  }

  /**
   * True if a node takes a pod now, with room kept for others that go first. After `rules.preFilter(shape)`.
   *
   * @param priority Of the pod; room kept for pods of this or higher priority is not available.
   * @param self     The pod, if room may be kept for itself.
   */
  accepts(shape: Shape, priority: number, slot: number, self?: PodRecord): boolean {
    if (!this.accounts.fits(slot, shape.request)) return false;
    if (this.confinedTo !== undefined && !this.confinedTo(slot)) return false;
    if (this.keptRoom !== undefined && !this.keptRoom(shape, slot)) return false;
    if (this.rules.check(slot) !== Refusal.None) return false;
    return this.nominated.size === 0 || this.fitsBesideNominated(shape, priority, slot, self);
  }

  /**
   * True if a shape is known to be refused by all nodes: no helpful change since, for a pod that may take at least as
   * much room.
   */
  isRefused(shape: Shape, priority: number): boolean {
    const { refused } = shape;
    return (
      refused.version === this.version &&
      priority <= refused.priority &&
      (refused.anyVersion === this.anyVersion || !this.rules.dependsOnPods(shape))
    );
  }

  /** All nodes refuse a shape, for a pod of a priority. */
  setRefused(shape: Shape, priority: number): void {
    const { version, anyVersion } = this;
    Object.assign(shape.refused, { version, anyVersion, priority });
  }

  /** Sets the DeviceClass's resource; '': none, or the class is gone. */
  setDeviceClass(name: string, resource: string): void {
    const changed = this.devices.set(name, resource);
    if (changed.length === 0) return;
    for (const each of changed) this.changes.devices.add(each);
    this.touchAll();
  }

  /** Room on slots is no longer kept for a champion. */
  opened(slots: Iterable<number>): void {
    for (const slot of slots) this.gained(slot);
  }

  /** An event that only the rules use. */
  touchAll(): void {
    this.version++;
    this.anyVersion++;
  }

  /** @returns True if some pod on a node has a lower priority. O(priorities). */
  hasLowerThan(priority: number): boolean {
    for (const known of this.priorities.keys()) if (known < priority) return true;
    return false;
  }

  /** True if a pod would also fit with all those beside it for which room is kept. */
  private fitsBesideNominated(
    shape: Shape,
    priority: number,
    slot: number,
    self: PodRecord | undefined,
  ): boolean {
    const kept = this.nominated.get(slot);
    if (kept === undefined) return true;
    const others = kept.filter((pod) => pod !== self && this.isKeptFrom(pod, priority));
    if (others.length === 0) return true;
    const { accounts, rules } = this;
    for (const pod of others) accounts.add(slot, pod.shape.request, 1);
    let fits = accounts.fits(slot, shape.request);
    if (fits && [shape, ...others.map((pod) => pod.shape)].some((each) => rules.dependsOnPods(each))) {
      for (const pod of others) rules.addPod(slot, pod.shape, pod.uid);
      fits = rules.preFilter(shape) === undefined && rules.check(slot) === Refusal.None;
      for (const pod of others) rules.removePod(slot, pod.shape, pod.uid);
      rules.preFilter(shape);
    }
    for (const pod of others) accounts.add(slot, pod.shape.request, -1);
    return fits;
  }

  /** Room of a claim is kept from all but system priorities, and not twice from the members of a gang on trial. */
  private isKeptFrom(pod: PodRecord, priority: number): boolean {
    if (!this.claimed.has(pod)) return pod.priority >= priority;
    return pod.node < 0 && priority < SYSTEM_PRIORITY_MIN;
  }

  /** One use of a tenant's number is over. */
  private releaseTenant(tenant: number): void {
    this.tenants.release(tenant);
    if (this.tenants.nameOf(tenant) === '') this.economy.keyReleased(tenant);
  }

  private gained(slot: number): void {
    this.version++;
    this.anyVersion++;
    this.changes.slots.add(slot);
  }

  private holdForUnknownNode(pod: PodRecord, name: string): void {
    pod.nodeName = name;
    const waiting = this.podsOfUnknownNodes.get(name);
    if (waiting === undefined) this.podsOfUnknownNodes.set(name, new Set([pod]));
    else waiting.add(pod);
  }

  /** @param seen It was on the node before we knew of it. */
  private confirmOn(pod: PodRecord, slot: number, seen = false): void {
    this.addToNode(pod, slot, seen);
    this.tellHeld(pod);
    this.moved(pod.shape);
    // The room kept there may be too small now: the pod that waits for it is checked again.
    if (this.nominated.has(slot)) this.changes.crowded.add(slot);
  }

  private unconfirm(pod: PodRecord): void {
    this.tellReleased(pod);
    this.removeFromNode(pod);
    this.moved(pod.shape);
  }

  private tellHeld(pod: PodRecord): void {
    const { tenant, sequence, shape, node } = pod;
    this.economy.onHold(tenant, sequence, shape.demand, node, this.timeSeconds, pod);
  }

  private tellReleased({ tenant, sequence, shape, node }: PodRecord): void {
    this.economy.onRelease(tenant, sequence, shape.demand, node, this.timeSeconds);
  }

  private addToNode(pod: PodRecord, slot: number, seen = false): void {
    pod.node = slot;
    pod.nodeName = this.slots.nameOf(slot);
    this.slots.addPod(slot, pod);
    this.accounts.add(slot, pod.shape.request, 1);
    this.rules.addPod(slot, pod.shape, pod.uid, pod.deleting, seen);
    this.zones.update(slot);
    this.countPriority(pod.priority, 1);
  }

  private removeFromNode(pod: PodRecord): void {
    const slot = pod.node;
    this.slots.removePod(slot, pod);
    this.accounts.add(slot, pod.shape.request, -1);
    this.rules.removePod(slot, pod.shape, pod.uid);
    this.zones.update(slot);
    pod.node = -1;
    this.countPriority(pod.priority, -1);
  }

  private countPriority(priority: number, sign: 1 | -1): void {
    const count = (this.priorities.get(priority) ?? 0) + sign;
    if (count > 0) this.priorities.set(priority, count);
    else this.priorities.delete(priority);
  }

  private moved(shape: Shape): void {
    this.anyVersion++;
    this.changes.moved(shape);
  }
}

/** @returns True if two descriptions of a node are equal in all fields that decisions read. */
function differsInStateOnly(x: NodeDescription, y: NodeDescription): boolean {
  const { pressure: _, powerHeadroomWatts: __, ...known } = x;
  const { pressure: ___, powerHeadroomWatts: ____, ...next } = y;
  return sameJson(known, next);
}
