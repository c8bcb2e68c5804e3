/**
 * Why no node takes a pod, in kube-scheduler's words: `0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint(s).`
 *
 * Tools and people read these texts, so they are the stock scheduler's to the letter: one count a reason, sorted as text.
 */
import { REFUSAL_PLUGINS } from '../constraints/refusals.ts';
import { type PreFilterRefusal, Refusal } from '../constraints.ts';
import type { PodRecord } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { Shape } from '../state/shape-table.ts';
import type { Preemption } from './preemption.ts';

/** Name of the plugin that refuses because of resources. */
const RESOURCES_PLUGIN = 'NodeResourcesFit';
/** The component that would have to allocate the devices of a DeviceClass. */
const DEVICES_PLUGIN = 'DynamicResources';
/** The text for nodes outside the topology domain that a group is bound to, and its plugin. */
const OTHER_DOMAIN = "node(s) were not in the pod group's topology domain";
const GANG_PLUGIN = 'GangScheduling';

/** Why nodes refuse. */
export interface Verdict {
  readonly message: string;
  /** Names of kube-scheduler's plugins that refused some node. */
  readonly plugins: readonly string[];
}

/** One reason with its nodes. */
export interface ReasonCount {
  readonly reason: string;
  readonly plugin: string;
  readonly resolvable: boolean;
  nodes: number;
}

/**
 * Counts the nodes by their reason against a shape. After `rules.preFilter(shape)`.
 *
 * @param allowed Slots of the topology domain that the pod's group is bound to; undefined: all.
 * @cost O(nodes × rules of the shape).
 */
export function countReasons(
  state: SchedulerState,
  shape: Shape,
  allowed?: (slot: number) => boolean,
): readonly ReasonCount[] {
  const { accounts, rules, slots } = state;
  const counts = new Map<string, ReasonCount>();
  const lacks = new LackCounts(state, shape);
  const note = (reason: string, plugin: string, resolvable: boolean, nodes = 1): void => {
    const known = counts.get(reason);
    if (known === undefined) counts.set(reason, { reason, plugin, resolvable, nodes });
    else known.nodes += nodes;
  };
  for (let slot = 0; slot < slots.count; slot++) {
    if (slots.descriptions[slot] === undefined) continue;
    const refusal = rules.check(slot);
    const asked = refusal === Refusal.None || refusal > Refusal.Resources;
    if (asked && lacks.count(state, slot, shape)) {
      if (!accounts.couldFit(slot, shape.request)) continue;
      lacks.curable = true;
    } else if (refusal !== Refusal.None) {
      const plugin = REFUSAL_PLUGINS[refusal] ?? '';
      for (const text of rules.texts(slot, refusal)) note(text, plugin, rules.isResolvable(refusal));
    } else if (allowed?.(slot) === false) note(OTHER_DOMAIN, GANG_PLUGIN, false);
  }
  lacks.tell(state, shape, (reason, nodes, plugin) =>
    note(reason, plugin, lacks.curable && plugin === RESOURCES_PLUGIN, nodes),
  );
  return [...counts.values()];
}

/** Nodes that lack each resource of a shape. Numbers only: there may be many nodes. */
class LackCounts {
  /** True if some of the nodes would do if they were empty. */
  curable = false;
  private pods = 0;
  private readonly columns: number[];
  /** For each resource, the DeviceClass that stands for it, and the nodes that have none of it themselves. */
  private readonly classes: readonly (string | undefined)[];
  private readonly withoutOwn: number[];

  constructor({ accounts, devices }: SchedulerState, { request }: Shape) {
    this.classes = request.columns.map((column) => devices.classOf(accounts.resources[column] as string));
    this.columns = new Array<number>(request.columns.length).fill(0);
    this.withoutOwn = [...this.columns];
  }

  /** @returns True if the node lacks a resource. */
  count(state: SchedulerState, slot: number, shape: Shape): boolean {
    const { accounts } = state;
    const { columns, amounts } = shape.request;
    let any = false;
    if ((accounts.pods[slot] as number) >= (accounts.podsMax[slot] as number)) {
      this.pods++;
      any = true;
    }
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] as number;
      if ((amounts[i] as number) <= accounts.free(slot, column)) continue;
      const devices = this.classes[i] !== undefined && !accounts.offers(slot, column);
      const counts = devices ? this.withoutOwn : this.columns;
      counts[i] = (counts[i] as number) + 1;
      any = true;
    }
    return any;
  }

  /** Reports each resource that some node lacks. */
  tell(
    { accounts }: SchedulerState,
    shape: Shape,
    note: (reason: string, nodes: number, plugin: string) => void,
  ): void {
    if (this.pods > 0) note('Too many pods', this.pods, RESOURCES_PLUGIN);
    this.columns.forEach((nodes, i) => {
      const resource = accounts.resources[shape.request.columns[i] as number] as string;
      if (nodes > 0) note(`Insufficient ${resource}`, nodes, RESOURCES_PLUGIN);
      const devices = this.withoutOwn[i] as number;
      if (devices > 0) note(devicesText(resource, this.classes[i] as string), devices, DEVICES_PLUGIN);
    });
  }
}

/** The reason of a node against a pod that requests a resource which only a DeviceClass could provide there. */
function devicesText(resource: string, deviceClass: string): string {
  return `node(s) have no ${resource} of their own: it is backed by DeviceClass ${deviceClass}, which TEG does not allocate`;
}

/** Inputs of a verdict besides the shape. */
export interface VerdictOptions {
  /** The text where every single node would do. */
  readonly otherwise?: string;
  /** As for `countReasons`. */
  readonly allowed?: ((slot: number) => boolean) | undefined;
}

/**
 * Makes the text of a refusal by all nodes. After `rules.preFilter(shape)`. @param before A reason that no node can change.
 */
export function verdictOf(
  state: SchedulerState,
  shape: Shape,
  before: PreFilterRefusal | undefined,
  { otherwise = 'room is kept for nominated pods', allowed }: VerdictOptions = {},
): Verdict {
  const { live } = state.slots;
  if (live === 0) return { message: 'no nodes available to schedule pods', plugins: [] };
  const head = `0/${live} nodes are available:`;
  if (before !== undefined) return { message: `${head} ${before.reason}.`, plugins: [before.plugin] };
  const reasons = countReasons(state, shape, allowed);
  const texts = reasons.map(({ reason, nodes }) => `${nodes} ${reason}`).sort();
  const plugins = [...new Set(reasons.map(({ plugin }) => plugin))].sort();
  const what = texts.length > 0 ? texts.join(', ') : otherwise;
  return { message: `${head} ${what}.`, plugins };
}

/**
 * kube-scheduler's texts for nodes where preemption could not even be tried, and for those without possible victims.
 */
const NOT_HELPFUL = 'Preemption is not helpful for scheduling';
/** Nodes that would take the pod without the pods of lower priority, if no others were nominated there. */
const KEPT = 'node(s) keep their room for nominated pods';
const NO_VICTIMS = 'No preemption victims found for incoming pod';

/**
 * @returns kube-scheduler's addition after a failed preemption: for each node why it would refuse the pod even
 *          without all pods of lower priority.
 * @cost O(nodes × rules of the shape + pods of lower priority).
 */
export function vainPreemptionText(state: SchedulerState, preemption: Preemption, pod: PodRecord): string {
  const { rules, slots } = state;
  const { shape } = pod;
  const counts = new Map<string, number>();
  const note = (text: string, nodes: number): void => {
    if (nodes > 0) counts.set(text, (counts.get(text) ?? 0) + nodes);
  };
  const lacks = new LackCounts(state, shape);
  let notHelpful = 0;
  let withoutVictims = 0;
  if (rules.preFilter(shape) !== undefined) notHelpful = slots.live;
  else {
    const anyLower = state.hasLowerThan(pod.priority);
    let looked = 0;
    const look = (): void => refuseAt(state, shape, looked, lacks, note);
    for (let slot = 0; slot < slots.count; slot++) {
      if (slots.descriptions[slot] === undefined) continue;
      looked = slot;
      if (!isCurable(state, shape, slot)) notHelpful++;
      else if (!anyLower || !preemption.lookPast(pod, slot, look)) withoutVictims++;
    }
  }
  lacks.tell(state, shape, note);
  note(NOT_HELPFUL, notHelpful);
  note(NO_VICTIMS, withoutVictims);
  const texts = [...counts].map(([text, nodes]) => `${nodes} ${text}`).sort();
  return `preemption: 0/${slots.live} nodes are available: ${texts.join(', ')}.`;
}

/** True if taking pods away from a node could make it take the shape. */
function isCurable({ accounts, rules }: SchedulerState, shape: Shape, slot: number): boolean {
  const refusal = rules.check(slot);
  const asked = refusal === Refusal.None || refusal > Refusal.Resources;
  if (asked && !accounts.fits(slot, shape.request)) return accounts.couldFit(slot, shape.request);
  return refusal === Refusal.None || rules.isResolvable(refusal);
}

/** Records one node's present reason against a shape. */
function refuseAt(
  state: SchedulerState,
  shape: Shape,
  slot: number,
  lacks: LackCounts,
  note: (text: string, nodes: number) => void,
): void {
  const { rules } = state;
  const refusal = rules.check(slot);
  const asked = refusal === Refusal.None || refusal > Refusal.Resources;
  if (asked && lacks.count(state, slot, shape)) return;
  const texts = refusal === Refusal.None ? [KEPT] : rules.texts(slot, refusal);
  for (const text of texts) note(text, 1);
}
