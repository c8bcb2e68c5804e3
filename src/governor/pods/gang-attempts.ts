/**
 * Deciding a group as a whole: enough members at once, or none.
 */

import type { Placement } from './placement.ts';
import { type PodGroup, pendingIn, placedIn } from './pod-groups.ts';
import type { PodRecord } from './pod-records.ts';
import { PodState } from './pod-records.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { Shape } from './shape-table.ts';
import { verdictOf } from './verdict.ts';

/** Topology domains that a group is tried in at most, those with most room first. */
const DOMAINS_MAX = 64;

/** What came of an attempt. */
export interface GangOutcome {
  /** Members that were placed: with what was placed before at least the minimum; empty if it was in vain. */
  readonly placed: readonly PodRecord[];
  /** Why not, '' if placed. */
  readonly message: string;
  readonly plugins: readonly string[];
}

/** Members found room for in one go. */
interface Found {
  readonly placed: PodRecord[];
  readonly refused: Shape | undefined;
  readonly before: string;
}

/**
 * Tries to place all pending members of a group. Nothing is held if they are too few.
 *
 * @cost O(members) choices, for each topology domain tried.
 */
export function attemptGang(state: SchedulerState, placement: Placement, group: PodGroup): GangOutcome {
  const pending = pendingIn(group);
  const already = placedIn(group);
  const minimum = group.description?.minCount ?? Number.POSITIVE_INFINITY;
  const key = group.description?.topologyKeys[0];
  let best: Found | undefined;
  for (const allowed of key === undefined ? [undefined] : domainsOf(state, group, pending, key)) {
    const found = placeAll(state, placement, pending, allowed);
    if (already + found.placed.length >= minimum) return { placed: found.placed, message: '', plugins: [] };
    for (const pod of [...found.placed].reverse()) state.undo(pod);
    if (best === undefined || found.placed.length > best.placed.length) best = found;
  }
  return refusal(state, group, pending, best, already, minimum);
}

function refusal(
  state: SchedulerState,
  group: PodGroup,
  pending: readonly PodRecord[],
  best: Found | undefined,
  already: number,
  minimum: number,
): GangOutcome {
  const shape = best?.refused ?? pending[0]?.shape;
  const before = best?.before ?? '';
  const needed = `pod group ${nameOf(group)} needs ${minimum - already} pods at once, ${best?.placed.length ?? 0} of ${pending.length} fit`;
  if (shape === undefined) return { placed: [], message: needed, plugins: [] };
  const text = before !== '' ? before : state.rules.begin(shape);
  const { message, plugins } = verdictOf(state, shape, text);
  return { placed: [], message: `${message} ${needed}.`, plugins: [...plugins, 'GangScheduling'] };
}

/** Places members one after the other; equal ones after the first that fits nowhere are not tried. */
function placeAll(
  state: SchedulerState,
  placement: Placement,
  pending: readonly PodRecord[],
  allowed: ((slot: number) => boolean) | undefined,
): Found {
  const placed: PodRecord[] = [];
  const hopeless = new Set<Shape>();
  let refused: Shape | undefined;
  let before = '';
  for (const pod of pending) {
    if (hopeless.has(pod.shape)) continue;
    const text = state.rules.begin(pod.shape);
    const slot = text === '' ? placement.find(pod.shape, pod.priority, pod, allowed) : -1;
    if (slot < 0) {
      hopeless.add(pod.shape);
      refused ??= pod.shape;
      before ||= text;
      continue;
    }
    state.place(pod, slot);
    placed.push(pod);
  }
  return { placed, refused, before };
}

/** Conditions for one domain each: that of the members placed already, or all, those with most nodes for the first pod first. */
function domainsOf(
  state: SchedulerState,
  group: PodGroup,
  pending: readonly PodRecord[],
  key: string,
): ((slot: number) => boolean)[] {
  const labelOf = (slot: number): string | undefined => state.slots.descriptions[slot]?.labels[key];
  const bound = groupDomain(state, group);
  if (bound !== undefined) return [bound];
  const first = pending[0];
  if (first === undefined || state.rules.begin(first.shape) !== '') return [];
  const nodes = new Map<string, number>();
  for (let slot = 0; slot < state.slots.count; slot++) {
    const value = labelOf(slot);
    if (value === undefined || !state.accepts(first.shape, first.priority, slot, first)) continue;
    nodes.set(value, (nodes.get(value) ?? 0) + 1);
  }
  return [...nodes]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, DOMAINS_MAX)
    .map(
      ([value]) =>
        (slot: number) =>
          labelOf(slot) === value,
    );
}

/** @returns Whether a slot is in the domain that the group's placed members are in; undefined: it is bound to none. */
export function groupDomain(state: SchedulerState, group: PodGroup): ((slot: number) => boolean) | undefined {
  const key = group.description?.topologyKeys[0];
  if (key === undefined) return undefined;
  for (const pod of group.members) {
    if (pod.node < 0 || pod.state < PodState.Binding) continue;
    const value = state.slots.descriptions[pod.node]?.labels[key];
    return (slot) => value !== undefined && state.slots.descriptions[slot]?.labels[key] === value;
  }
  return undefined;
}

/** @returns `namespace/name` of a group. */
export function nameOf(group: PodGroup): string {
  return group.key.slice(group.key.indexOf(':') + 1);
}
