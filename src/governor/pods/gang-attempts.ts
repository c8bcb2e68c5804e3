/**
 * Deciding a group as a whole: enough members at once, or none.
 */
import type { Placement } from './placement.ts';
import { nameOf, type PodGroup, pendingIn, tallyOf } from './pod-groups.ts';
import { isPlaced, type PodRecord } from './pod-records.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { Shape } from './shape-table.ts';
import { verdictOf } from './verdict.ts';

/** Topology domains that a group is tried in at most, those with most room first. */
export const DOMAINS_MAX = 64;

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

/** A condition on slots. */
export type Allowed = (slot: number) => boolean;

/**
 * Tries to place all pending members of a group that has enough of them. Nothing is held, and nothing has changed, if too few fit.
 *
 * @cost O(members) choices, for each topology domain tried.
 */
export function attemptGang(state: SchedulerState, placement: Placement, group: PodGroup): GangOutcome {
  const pending = pendingIn(group);
  const { placed: already } = tallyOf(group);
  const minimum = group.description?.minCount ?? Number.POSITIVE_INFINITY;
  let best: Found | undefined;
  for (const allowed of domainsOf(state, group, pending)) {
    const found = placeAll(state, placement, pending, allowed);
    if (already + found.placed.length >= minimum) {
      for (const pod of found.placed) state.confirm(pod);
      return { placed: found.placed, message: '', plugins: [] };
    }
    for (const pod of [...found.placed].reverse()) state.takeBack(pod);
    if (best === undefined || found.placed.length > best.placed.length) best = found;
  }
  return refusal(state, group, pending, best, minimum - already);
}

function refusal(
  state: SchedulerState,
  group: PodGroup,
  pending: readonly PodRecord[],
  best: Found | undefined,
  missing: number,
): GangOutcome {
  const shape = best?.refused ?? pending[0]?.shape;
  const where = (group.description?.topologyKeys.length ?? 0) > 0 ? ' in one topology domain' : '';
  const needed = `pod group ${nameOf(group)} needs ${missing} pods at once${where}, ${best?.placed.length ?? 0} of ${pending.length} fit`;
  if (shape === undefined) return { placed: [], message: needed, plugins: [] };
  const before = best === undefined || best.before === '' ? state.rules.begin(shape) : best.before;
  const { message, plugins } = verdictOf(state, shape, before, {
    otherwise: 'room is needed for several pods at once',
    allowed: groupDomain(state, group),
  });
  return { placed: [], message: `${message} ${needed}.`, plugins: [...plugins, 'GangScheduling'] };
}

/** Places members one after the other; equal ones after the first that fits nowhere are not tried. */
function placeAll(
  state: SchedulerState,
  placement: Placement,
  pending: readonly PodRecord[],
  allowed: Allowed | undefined,
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
    state.tryOn(pod, slot);
    placed.push(pod);
  }
  return { placed, refused, before };
}

/** Conditions to try: none; or that of the domain of the members placed already; or one for each domain, those with room for most pods like the first one first. */
function domainsOf(
  state: SchedulerState,
  group: PodGroup,
  pending: readonly PodRecord[],
): (Allowed | undefined)[] {
  const key = group.description?.topologyKeys[0];
  if (key === undefined) return [undefined];
  const bound = groupDomain(state, group);
  if (bound !== undefined) return [bound];
  const first = pending[0];
  if (first === undefined || state.rules.begin(first.shape) !== '') return [];
  const room = new Map<string, number>();
  for (let slot = 0; slot < state.slots.count; slot++) {
    const value = labelAt(state, slot, key);
    if (value === undefined || !state.accepts(first.shape, first.priority, slot, first)) continue;
    room.set(value, (room.get(value) ?? 0) + state.accounts.times(slot, first.shape.request, pending.length));
  }
  return [...room]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, DOMAINS_MAX)
    .map(
      ([value]): Allowed =>
        (slot) =>
          labelAt(state, slot, key) === value,
    );
}

/** @returns Whether a slot is in the domain that the group's placed members are in; undefined: it is bound to none. O(members). */
export function groupDomain(state: SchedulerState, group: PodGroup): Allowed | undefined {
  const member = placedMember(group);
  const key = group.description?.topologyKeys[0];
  if (member === undefined || key === undefined) return undefined;
  const value = labelAt(state, member.node, key);
  return (slot) => value !== undefined && labelAt(state, slot, key) === value;
}

/** @returns The domain for people and comparisons: `key=value`, '' if the group is bound to none. O(members). */
export function domainName(state: SchedulerState, group: PodGroup): string {
  const member = placedMember(group);
  const key = group.description?.topologyKeys[0];
  return member === undefined || key === undefined ? '' : `${key}=${labelAt(state, member.node, key) ?? ''}`;
}

function placedMember(group: PodGroup): PodRecord | undefined {
  if (group.description?.topologyKeys[0] === undefined) return undefined;
  for (const pod of group.members) if (pod.node >= 0 && isPlaced(pod)) return pod;
  return undefined;
}

function labelAt(state: SchedulerState, slot: number, key: string): string | undefined {
  const labels = state.slots.descriptions[slot]?.labels;
  return labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
}
