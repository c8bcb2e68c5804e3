/**
 * A read-only view of a pod scheduler's state, for metrics, reports, dashboards and tests.
 *
 * A view is not a copy: it is made once, reads the state on access, and costs nothing until then. Objects from a visit
 * are valid until the next step. The state cannot be changed through it; callers that need the tables themselves
 * (checks of invariants) use `PodScheduler.internals`.
 */
import type { NodeDescription } from '../../model/kubernetes/node.ts';
import type { NodeState } from '../../model/node-state.ts';
import { type EconomyFigures, economyFiguresOf, heldIdleGpus } from './economy-figures.ts';
import type { EconomyFrame } from './frame/economy-frame.ts';
import { type MarketBooks, marketBooksOf } from './frame/market-books.ts';
import { readEconomy } from './frame/read-economy.ts';
import { waitingInTurn } from './reasons/waiting-list.ts';
import type { PodSchedulerInternals } from './scheduler-internals.ts';
import { CPU, MEMORY } from './state/node-accounts.ts';
import { type PodGroup, tallyOf } from './state/pod-groups.ts';
import type { PodStateCode } from './state/pod-records.ts';
import type { ReportCause } from './state/report-cause.ts';
import type { SchedulerState } from './state/scheduler-state.ts';

/** One pod in the scheduler's records. Live: read it, do not keep it across steps. */
export interface PodFrame {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** True if this scheduler is to place it. */
  readonly ours: boolean;
  /** A `PodState`; `POD_STATE_NAMES` has the names. */
  readonly state: PodStateCode;
  /** When it came into this state, seconds. */
  readonly stateSeconds: number;
  readonly priority: number;
  /** `metadata.creationTimestamp`, seconds. */
  readonly createdSeconds: number;
  /** Node that it counts on; '' if none. */
  readonly nodeName: string;
  /** Key of its group; '' if none. */
  readonly group: string;
  /** Number of its tenant; `PodSchedulerView.tenantName` has the name. */
  readonly tenant: number;
  readonly deleting: boolean;
  /** Attempts to place it so far. */
  readonly attempts: number;
  /** When it was first seen free to be scheduled, seconds; NaN before. */
  readonly sinceSeconds: number;
  /** The report about it, its facts, and its plugins; '': none. */
  readonly told: string;
  readonly toldCause: ReportCause;
  readonly toldPlugins: readonly string[];
}

/** One node. Made for the visit. */
export interface NodeFrame {
  readonly name: string;
  /** Pods on it, and its limit. */
  readonly pods: number;
  readonly podsMax: number;
  /** Free thousandths of a core, and free bytes; negative where the node is overbooked. */
  readonly freeCpuMilli: number;
  readonly freeMemoryBytes: number;
  readonly unschedulable: boolean;
  /** Reports of kubelet and guard about it. */
  readonly state: NodeState;
}

/**
 * The wait of a group's pending members: `missing` (members, or the object), `queued` (to be decided), `paused` (a
 * change has come, its pause is not over), `room` (nothing fits until a change).
 */
export type GroupWait = 'missing' | 'queued' | 'paused' | 'room';

/** One group of pods. Made for the visit. */
export interface GroupFrame {
  readonly key: string;
  /** Members that have to start together; 1 while the group's object is unknown. */
  readonly minCount: number;
  readonly members: number;
  /**
   * Members on nodes, those of them known to be bound, and those that wait with the group. Leaving ones are not
   * counted.
   */
  readonly placed: number;
  readonly bound: number;
  readonly pending: number;
  /** Members that wait one by one. */
  readonly alone: number;
  /** True if it has started: its members are then decided one by one. */
  readonly started: boolean;
  readonly waitsFor: GroupWait;
}

/** A read-only frame of a pod scheduler's state. */
export class PodSchedulerView {
  private readonly internals: PodSchedulerInternals;

  constructor(internals: PodSchedulerInternals) {
    this.internals = internals;
  }

  /** Time of the last step, seconds. */
  get timeSeconds(): number {
    return this.internals.state.timeSeconds;
  }

  /** Pods known. O(1), as are the other counts. */
  get podCount(): number {
    return this.internals.state.pods.size;
  }

  /** Nodes there are. */
  get nodeCount(): number {
    return this.internals.state.slots.live;
  }

  /** Distinct templates of the pods known. */
  get shapeCount(): number {
    return this.internals.state.shapes.size;
  }

  /** Groups known, by object or members. */
  get groupCount(): number {
    return this.internals.groups.groups.size;
  }

  /** Pods that wait for anything but gates, without those over the limit `waitingPodsMax`. */
  get waitingCount(): number {
    return this.internals.queue.size;
  }

  /** @returns The name of a tenant of pods known. O(1). */
  tenantName(tenant: number): string {
    return this.internals.state.tenants.nameOf(tenant);
  }

  /** @returns Pods in a state. O(1). */
  podsIn(state: PodStateCode): number {
    return this.internals.queue.count(state);
  }

  /** @returns A pod; undefined if it is unknown. O(1). */
  pod(uid: string): PodFrame | undefined {
    return this.internals.state.pods.get(uid);
  }

  /**
   * @returns A pod by its name; undefined if it is not known.
   * @cost    O(pods), some milliseconds for 10⁵: people ask by name, and an index would be paid for by every pod event.
   */
  podNamed(namespace: string, name: string): PodFrame | undefined {
    for (const pod of this.internals.state.pods.values()) {
      if (pod.name === name && pod.namespace === namespace) return pod;
    }
    return undefined;
  }

  /** Visits all pods in the order in which they were seen. O(pods). */
  forEachPod(visit: (pod: PodFrame) => void): void {
    for (const pod of this.internals.state.pods.values()) visit(pod);
  }

  /** @returns A group by its key; undefined if it has no members. O(its members). */
  group(key: string): GroupFrame | undefined {
    const group = this.internals.groups.get(key);
    return group === undefined || group.members.size === 0 ? undefined : frameOf(group);
  }

  /** Visits all groups that have members. O(their members). */
  forEachGroup(visit: (group: GroupFrame) => void): void {
    for (const group of this.internals.groups.groups.values()) {
      if (group.members.size > 0) visit(frameOf(group));
    }
  }

  /** @returns A node; undefined if it is unknown. O(1). */
  node(name: string): NodeFrame | undefined {
    const { state } = this.internals;
    const slot = state.slots.slotOf(name);
    return slot < 0 ? undefined : nodeFrameOf(state, slot);
  }

  /** Visits all nodes. O(nodes). */
  forEachNode(visit: (node: NodeFrame) => void): void {
    const { state } = this.internals;
    for (let slot = 0; slot < state.slots.count; slot++) {
      if (state.slots.descriptions[slot] !== undefined) visit(nodeFrameOf(state, slot));
    }
  }

  /** @returns Undefined while the mode is off. @cost O(pods + members of groups). */
  economyFigures(): EconomyFigures | undefined {
    return economyFiguresOf(this.internals);
  }

  /** @returns GPUs that are kept idle now, by name of the tenant for whom; see `heldIdleGpus`. */
  heldIdle(): ReadonlyMap<string, number> {
    return heldIdleGpus(this.internals);
  }

  /**
   * @returns The economy now: a copy, made on each call; undefined while its mode is off.
   * @cost    O(pods + tenants × (flavours + namespaces)), some milliseconds: for reports at intervals, not for every step.
   */
  economy(): EconomyFrame | undefined {
    return readEconomy(this.internals);
  }

  /**
   * @param timeSeconds Default: of the last step.
   * @returns What quotes are computed from: live, to be read only; undefined while the mode is off. O(nodes).
   */
  marketBooks(timeSeconds: number = this.timeSeconds): MarketBooks | undefined {
    return marketBooksOf(this.internals.state, Math.max(timeSeconds, this.timeSeconds));
  }

  /** @returns How many pods and gangs wait, and the first of them in their turn; see `waitingInTurn`. */
  waitingInTurn(max: number): ReturnType<typeof waitingInTurn> {
    return waitingInTurn(this.internals, max);
  }

  /** Visits the champions, the first elected one first. */
  forEachChampion(visit: (key: string, startsBySeconds: number) => void): void {
    this.internals.champions.forEach(({ key, startsBySeconds }) => {
      visit(key, startsBySeconds);
    });
  }

  /** Visits the zones of the field, with their nodes; there are none before the first decision. O(zones). */
  forEachZone(visit: (name: string, nodes: number) => void): void {
    for (const zone of this.internals.state.zones.zones) visit(zone.name, zone.nodes);
  }
}

function nodeFrameOf(state: SchedulerState, slot: number): NodeFrame {
  const { name, podsMax, unschedulable } = state.slots.descriptions[slot] as NodeDescription;
  const { accounts } = state;
  return {
    name,
    pods: accounts.pods[slot] as number,
    podsMax,
    freeCpuMilli: accounts.free(slot, CPU),
    freeMemoryBytes: accounts.free(slot, MEMORY),
    unschedulable,
    state: state.slots.stateOf(slot),
  };
}

function frameOf(group: PodGroup): GroupFrame {
  const { placed, bound, pending, alone } = tallyOf(group);
  return {
    key: group.key,
    minCount: group.description?.minCount ?? 1,
    members: group.members.size,
    placed,
    bound,
    pending,
    alone,
    started: group.started,
    waitsFor: waitOf(group),
  };
}

function waitOf(group: PodGroup): GroupWait {
  if (group.heapAt >= 0) return 'queued';
  if (!group.waiting) return 'missing';
  return group.stale ? 'paused' : 'room';
}
