/**
 * All nodes' answers to a pod: those that would take it, with their prices, those that refuse it, with their reasons,
 * and those that lack least.
 *
 * Read-only: no input of a decision is changed.
 */
import { SHORTAGE_MILLI } from '../../../field/price.ts';
import { counted } from '../../../kernel/counted.ts';
import type { Taint } from '../../../model/kubernetes/node.ts';
import { isPlain } from '../../../model/node-state.ts';
import { tolerates } from '../../../model/readers/taints.ts';
import { Refusal, type RefusalCode } from '../constraints.ts';
import { countReasons } from '../decide/verdict.ts';
import { CPU, MEMORY } from '../state/node-accounts.ts';
import type { PlacementZone } from '../state/placement-zones.ts';
import type { PodRecord } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import {
  EXPLAINED_CANDIDATES_MAX,
  EXPLAINED_NEAREST_MAX,
  type ExplainedCandidate,
  type ExplainedLack,
  type ExplainedNearest,
  type ExplainedRefusal,
} from './explain-types.ts';

const BYTES_PER_GIB = 2 ** 30;
/**
 * Distance of a node for a rule that leaving pods could cure, and for one that they cannot; a resource counts by its
 * share of the request.
 */
const RULE_DISTANCE = 2;
const HARD_RULE_DISTANCE = 10;

/** The answers of all nodes. */
export interface NodeSurvey {
  readonly feasible: number;
  readonly better: 'lower' | 'higher';
  /** Best first. */
  readonly candidates: readonly ExplainedCandidate[];
  /** Most nodes first. */
  readonly refusals: readonly ExplainedRefusal[];
  /** Nearest first; empty where some node would take the pod. */
  readonly nearest: readonly ExplainedNearest[];
}

/**
 * Queries all nodes. @param allowed Slots that the pod's group is bound to; undefined: all. @cost O(nodes × rules +
 * classes).
 */
export function surveyNodes(
  state: SchedulerState,
  pod: PodRecord,
  allowed: ((slot: number) => boolean) | undefined,
): NodeSurvey {
  const { rules, slots } = state;
  const before = rules.preFilter(pod.shape);
  const better = rules.hasPreferences(pod.shape) ? 'higher' : 'lower';
  if (before !== undefined) {
    const refusal = { ...before, nodes: slots.live, resolvable: false };
    return {
      feasible: 0,
      better,
      candidates: [],
      refusals: slots.live > 0 ? [refusal] : [],
      nearest: [],
    };
  }
  const accepted = new Set<number>();
  let kept = 0;
  for (let slot = 0; slot < slots.count; slot++) {
    if (slots.descriptions[slot] === undefined || allowed?.(slot) === false) continue;
    if (state.accepts(pod.shape, pod.priority, slot, pod)) accepted.add(slot);
    else if (state.accounts.fits(slot, pod.shape.request) && rules.check(slot) === Refusal.None) kept++;
  }
  const refusals: ExplainedRefusal[] = [...countReasons(state, pod.shape, allowed)];
  if (kept > 0) {
    const reason = 'node(s) keep their room for nominated pods';
    refusals.push({ reason, plugin: 'DefaultPreemption', nodes: kept, resolvable: false });
  }
  refusals.sort((x, y) => y.nodes - x.nodes || (x.reason < y.reason ? -1 : 1));
  const found =
    better === 'higher' ? candidatesByScore(state, pod, accepted) : candidatesByCost(state, pod, accepted);
  const candidates = found.map((candidate) => withState(state, candidate));
  const nearest = accepted.size > 0 ? [] : nearestNodes(state, pod, allowed);
  return { feasible: accepted.size, better, candidates, refusals, nearest };
}

/** Adds the known state of the candidate's node beyond its resources, if there is any. */
function withState(state: SchedulerState, candidate: ExplainedCandidate): ExplainedCandidate {
  const known = state.slots.stateOf(state.slots.slotOf(candidate.node));
  return isPlain(known) ? candidate : { ...candidate, state: known };
}

/** Nodes with their scores by the pod's preferences; equals by the pod's strategy. */
function candidatesByScore(
  state: SchedulerState,
  pod: PodRecord,
  accepted: ReadonlySet<number>,
): ExplainedCandidate[] {
  const order = new Map<number, number>();
  const visit = (slot: number): boolean => {
    if (accepted.has(slot)) order.set(slot, order.size);
    return false;
  };
  if (pod.shape.template.strategy === 'spread') state.emptiest.walk(pod.shape, visit);
  else state.zones.walk(pod.shape, visit);
  for (const slot of accepted) if (!order.has(slot)) order.set(slot, order.size);
  const nodes = Int32Array.from(order.keys());
  const scores = new Float64Array(nodes.length);
  state.rules.scoreAll(nodes, nodes.length, scores);
  const all = [...nodes].map((slot, i) => ({ slot, value: scores[i] as number, rank: i }));
  all.sort((x, y) => y.value - x.value || x.rank - y.rank);
  return all.slice(0, EXPLAINED_CANDIDATES_MAX).map(({ slot, value }) => ({
    node: state.slots.nameOf(slot),
    nodes: 1,
    value,
    parts: { preferences: value },
  }));
}

/** Nodes of a class that would take the pod. */
interface CostedClass {
  readonly cost: number;
  readonly slots: readonly number[];
  readonly parts: Readonly<Record<string, number>>;
}

/** Classes of nodes with the pod's cost there. */
function candidatesByCost(
  state: SchedulerState,
  pod: PodRecord,
  accepted: ReadonlySet<number>,
): ExplainedCandidate[] {
  if (pod.shape.template.strategy === 'spread') return candidatesByFullness(state, pod, accepted);
  const classes = classesByCost(state, pod, accepted);
  const dearest = classes.reduce(
    (most, { cost }) => (cost < Number.POSITIVE_INFINITY ? Math.max(most, cost) : most),
    0,
  );
  const candidates = classes.map(({ cost, slots, parts }) => ({
    node: state.slots.nameOf(slots[0] as number),
    nodes: slots.length,
    value: cost < Number.POSITIVE_INFINITY ? cost : dearest + 1,
    parts: cost < Number.POSITIVE_INFINITY ? parts : { 'room hidden by rounding': 1 },
  }));
  return candidates.slice(0, EXPLAINED_CANDIDATES_MAX);
}

/** Nodes by how full they would be with the pod, the emptiest first. */
function candidatesByFullness(
  state: SchedulerState,
  { shape }: PodRecord,
  accepted: ReadonlySet<number>,
): ExplainedCandidate[] {
  const all = [...accepted].map((slot) => ({ slot, value: state.emptiest.fullnessWith(shape, slot) }));
  all.sort((x, y) => x.value - y.value || x.slot - y.slot);
  return all.slice(0, EXPLAINED_CANDIDATES_MAX).map(({ slot, value }) => ({
    node: state.slots.nameOf(slot),
    nodes: 1,
    value,
    parts: { 'part of the fullest resource in use': value },
  }));
}

/** In search order, so that the first node of the first class is the one that is taken. */
function classesByCost(state: SchedulerState, pod: PodRecord, accepted: ReadonlySet<number>): CostedClass[] {
  const found: CostedClass[] = [];
  const shown = new Set<number>();
  for (const { zone, id, cost } of state.zones.rank(pod.shape)) {
    const slots: number[] = [];
    const { classes } = zone.policy;
    for (let node = classes.heads[id] as number; node >= 0; node = classes.nextNode(node)) {
      const slot = zone.slots[node] as number;
      shown.add(slot);
      if (accepted.has(slot)) slots.push(slot);
    }
    if (slots.length === 0) continue;
    found.push({ cost, slots, parts: cost < Number.POSITIVE_INFINITY ? partsOf(zone, pod, id) : {} });
  }
  const others = [...accepted].filter((slot) => !shown.has(slot));
  return others.length === 0
    ? found
    : [...found, { cost: Number.POSITIVE_INFINITY, slots: others, parts: {} }];
}

/** The components of a class's cost. */
function partsOf(zone: PlacementZone, pod: PodRecord, id: number): Record<string, number> {
  const { index, rent, classes } = zone.policy;
  const { demand } = pod.shape;
  const cost = index.costOf(demand, id);
  const { before, after } = index.partsOf();
  const isShort = classes.short[id] === 1;
  return {
    'stranding before': before,
    'stranding after': after,
    opening: cost - (after - before) - (isShort ? SHORTAGE_MILLI : 0),
    rent: rent.rent(demand, rent.groupOf(classes.flavorIds[id] as number)),
    ...(isShort ? { shortage: SHORTAGE_MILLI } : {}),
  };
}

/** Nodes that lack least for the pod. */
function nearestNodes(
  state: SchedulerState,
  pod: PodRecord,
  allowed: ((slot: number) => boolean) | undefined,
): ExplainedNearest[] {
  const near: { readonly slot: number; readonly distance: number }[] = [];
  for (let slot = 0; slot < state.slots.count; slot++) {
    if (state.slots.descriptions[slot] === undefined || allowed?.(slot) === false) continue;
    const distance = distanceOf(state, pod, slot);
    const last = near[EXPLAINED_NEAREST_MAX - 1];
    if (distance === 0 || (last !== undefined && distance >= last.distance)) continue;
    near.push({ slot, distance });
    near.sort((x, y) => x.distance - y.distance || x.slot - y.slot);
    if (near.length > EXPLAINED_NEAREST_MAX) near.pop();
  }
  return near.map(({ slot }) => ({ node: state.slots.nameOf(slot), lacks: lacksOf(state, pod, slot) }));
}

/** A node's deficit, for comparison; 0: none. */
function distanceOf({ accounts, rules }: SchedulerState, pod: PodRecord, slot: number): number {
  const { columns, amounts } = pod.shape.request;
  let distance = (accounts.pods[slot] as number) >= (accounts.podsMax[slot] as number) ? 1 : 0;
  columns.forEach((column, i) => {
    const amount = amounts[i] as number;
    distance += Math.max(0, amount - accounts.free(slot, column)) / amount;
  });
  const refusal = rules.check(slot);
  if (refusal === Refusal.None) return distance;
  return distance + (rules.isResolvable(refusal) ? RULE_DISTANCE : HARD_RULE_DISTANCE);
}

function lacksOf(state: SchedulerState, pod: PodRecord, slot: number): ExplainedLack[] {
  const { accounts, rules } = state;
  const { columns, amounts } = pod.shape.request;
  const lacks: ExplainedLack[] = [];
  const pods = (accounts.pods[slot] as number) + 1 - (accounts.podsMax[slot] as number);
  if (pods > 0) lacks.push({ resource: 'pods', amount: pods, text: `room for ${counted(pods, 'more pod')}` });
  columns.forEach((column, i) => {
    const amount = (amounts[i] as number) - accounts.free(slot, column);
    if (amount <= 0) return;
    const resource = accounts.resources[column] as string;
    const backing = accounts.offers(slot, column) ? undefined : state.devices.classOf(resource);
    const text = amountText(column, resource, amount);
    const own = `${text} from a device plugin (TEG does not allocate devices of DeviceClass ${backing})`;
    lacks.push({ resource, amount, text: backing === undefined ? text : own });
  });
  const refusal = rules.check(slot);
  if (refusal !== Refusal.None) {
    lacks.push({ resource: '', amount: 0, text: ruleText(state, pod, slot, refusal) });
  }
  return lacks;
}

function amountText(column: number, resource: string, amount: number): string {
  if (column === CPU) return `${amount / 1000} cpu`;
  if (column === MEMORY) return `${Number((amount / BYTES_PER_GIB).toPrecision(3))} GiB of memory`;
  return `${amount} ${resource}`;
}

/** The change that would make a rule accept the pod; where nothing shorter is known, its reason. */
function ruleText(state: SchedulerState, pod: PodRecord, slot: number, refusal: RefusalCode): string {
  if (refusal === Refusal.Unschedulable) return 'to be uncordoned (spec.unschedulable)';
  if (refusal === Refusal.Taint) {
    const { tolerations } = pod.shape.template;
    const taints = state.slots.descriptions[slot]?.taints ?? [];
    const hard = (taint: Taint): boolean => taint.effect !== 'PreferNoSchedule';
    const hurting = taints.filter(
      (taint) => hard(taint) && !tolerations.some((each) => tolerates(each, taint)),
    );
    const names = hurting.map(
      ({ key, value, effect }) => `${key}${value === '' ? '' : `=${value}`}:${effect}`,
    );
    return `a toleration of the taint${names.length > 1 ? 's' : ''} ${names.join(', ')}`;
  }
  return state.rules.text(slot, refusal);
}
