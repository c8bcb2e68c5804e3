/**
 * Deciding a group as a whole: enough members at once, or none.
 */

import type { Allowed, GangRefusal } from '../state/gang-types.ts';
import { type PodGroup, pendingIn, tallyOf } from '../state/pod-groups.ts';
import { isPlaced, type PodRecord } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { Shape } from '../state/shape-table.ts';
import { GangSearch } from './gang-search.ts';
import type { Placement } from './placement.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** The message to a member that some node would take if it were alone. */
export const SEVERAL_AT_ONCE = 'room is needed for several pods at once';

/** Most topology domains that a group is tried in, those with most room first. */
export const DOMAINS_MAX = 64;

/** Most kinds of members that get a reason of their own. */
const REASONS_MAX = 64;

/** Outcome of an attempt. */
export interface GangOutcome {
  /** Placed members: together with earlier placements at least the minimum; empty on failure. */
  readonly placed: readonly PodRecord[];
  /** Their slots. */
  readonly slots: readonly number[];
  /** Undefined on success. */
  readonly refusal: GangRefusal | undefined;
  /** Checks that a search made: whether a node takes a member. */
  readonly searched: number;
}

/**
 * Tries to place all pending members of a group that has enough of them: in their turn; if members are unlike, with the
 * most constrained first and with the largest first; then by a search of at most `gangSearchChecksMax` checks. Nothing
 * is held, and nothing has changed, if too few fit.
 *
 * @param isTrial True: members that find room are taken back, too.
 * @param pending Members to place, at least as many as are missing; default: all that wait.
 * @cost  O(members) choices, for each topology domain tried.
 */
export function attemptGang(
  state: SchedulerState,
  placement: Placement,
  group: PodGroup,
  isTrial = false,
  pending: readonly PodRecord[] = pendingIn(group),
): GangOutcome {
  const { placed: already } = tallyOf(group);
  const missing = (group.description?.minCount ?? Number.POSITIVE_INFINITY) - already;
  let best: readonly PodRecord[] = [];
  let searched = 0;
  for (const allowed of domainsOf(state, group, pending)) {
    const search = new GangSearch(state, placement, pending, missing, allowed);
    for (const attempt of attemptsIn(state, placement, pending, allowed, search)) {
      if (attempt.length >= missing) {
        const slots = attempt.map(({ node }) => node);
        if (isTrial) for (const pod of [...attempt].reverse()) state.forget(pod);
        else for (const pod of attempt) state.confirm(pod);
        return { placed: [...attempt], slots, refusal: undefined, searched: searched + search.asked };
      }
      for (const pod of [...attempt].reverse()) state.forget(pod);
      if (attempt.length > best.length) best = [...attempt];
    }
    searched += search.asked;
  }
  const refusal = refusalOf(state, group, pending, best, missing);
  return { placed: [], slots: [], refusal, searched };
}

/** Yields members placed by one method after the other; the caller confirms them or takes them back. */
function* attemptsIn(
  state: SchedulerState,
  placement: Placement,
  pending: readonly PodRecord[],
  allowed: Allowed | undefined,
  search: GangSearch,
): Generator<readonly PodRecord[]> {
  yield placeAll(state, placement, pending, allowed);
  if (!search.mayHelp) return;
  for (const order of search.orders()) yield placeAll(state, placement, order, allowed);
  const found = search.run();
  if (found !== undefined) yield found;
}

/** Each kind of member has its own reasons. O(nodes × rules) for each. */
function refusalOf(
  state: SchedulerState,
  group: PodGroup,
  pending: readonly PodRecord[],
  best: readonly PodRecord[],
  missing: number,
): GangRefusal {
  const allowed = groupDomain(state, group);
  const verdicts = new Map<Shape, Verdict>();
  for (const { shape } of pending) {
    if (verdicts.has(shape)) continue;
    if (verdicts.size >= REASONS_MAX) break;
    const before = state.rules.preFilter(shape);
    verdicts.set(shape, verdictOf(state, shape, before, { otherwise: SEVERAL_AT_ONCE, allowed }));
  }
  const placed = new Set(best);
  return {
    missing,
    tried: pending.length,
    fit: best.length,
    leftOut: pending.flatMap((pod, i) => (placed.has(pod) ? [] : [i])),
    inOneDomain: (group.description?.topologyKeys.length ?? 0) > 0,
    verdicts,
  };
}

/** Places members one after the other; equal ones after the first that fits nowhere are not tried. */
function placeAll(
  state: SchedulerState,
  placement: Placement,
  order: readonly PodRecord[],
  allowed: Allowed | undefined,
): PodRecord[] {
  const placed: PodRecord[] = [];
  const hopeless = new Set<Shape>();
  for (const pod of order) {
    if (hopeless.has(pod.shape)) continue;
    const refusal = state.rules.preFilter(pod.shape);
    const slot = refusal === undefined ? placement.find(pod.shape, pod.priority, pod, allowed) : -1;
    if (slot < 0) {
      hopeless.add(pod.shape);
      continue;
    }
    state.assume(pod, slot);
    placed.push(pod);
  }
  return placed;
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
  if (first === undefined || state.rules.preFilter(first.shape) !== undefined) return [];
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

/**
 * @returns True if a slot is in the domain of the group's placed members; undefined: it is bound to none. O(members).
 */
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
