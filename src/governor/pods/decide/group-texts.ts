/** Messages about groups and their members: made here from the results of decisions, and never parsed again. */
import { counted } from '../../../kernel/counted.ts';
import type { GangRefusal } from '../state/gang-types.ts';
import { groupName, type PodGroup, tallyOf } from '../state/pod-groups.ts';
import { isLeaving, type PodRecord, PodState } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import { SEVERAL_AT_ONCE } from './gang-attempts.ts';
import type { Verdict } from './verdict.ts';

/** Most members named. */
const NAMED_MAX = 3;

/** The reason why members that could preempt pods alone do not. */
export const GANGS_DO_NOT_PREEMPT = 'not tried: gangs do not preempt.';

/**
 * @returns The message to a member after an attempt that placed none: the nodes' reasons, and how far the gang came.
 */
export function gangRefusalText(
  state: SchedulerState,
  group: PodGroup,
  members: readonly PodRecord[],
  pod: PodRecord,
  refusal: GangRefusal,
): Verdict {
  const { message, plugins } = refusal.verdicts.get(pod.shape) ?? {
    message: `0/${state.slots.live} nodes are available: ${SEVERAL_AT_ONCE}.`,
    plugins: [],
  };
  const where = refusal.inOneDomain ? ' in one topology domain' : '';
  const needs = `pod group ${groupName(group)} needs ${counted(refusal.missing, 'pod')} at once${where}`;
  const preemption = mightPreempt(state, pod) ? ` preemption: ${GANGS_DO_NOT_PREEMPT}` : '';
  return {
    message: `${message} ${needs}, ${fitText(members, refusal)}.${preemption}`,
    plugins: [...plugins, 'GangScheduling'],
  };
}

/**
 * @returns The number of members that found room together, and, if they are unlike, those that did not: `2 of 3 fit,
 *   not head`.
 */
export function fitText(members: readonly PodRecord[], { fit, tried, leftOut }: GangRefusal): string {
  const text = `${fit} of ${tried} fit`;
  const [first] = members;
  if (fit === 0 || members.every((pod) => pod.shape === first?.shape)) return text;
  const names = leftOut.flatMap((i) => members[i]?.name ?? []);
  const more = names.length > NAMED_MAX ? `, … (${names.length - NAMED_MAX} more)` : '';
  return names.length === 0 ? text : `${text}, not ${names.slice(0, NAMED_MAX).join(', ')}${more}`;
}

/** @returns True if a pod could preempt others if it were not in a gang. */
export function mightPreempt(state: SchedulerState, pod: PodRecord): boolean {
  const { preemptionPolicy } = pod.shape.template;
  return state.options.preemption && preemptionPolicy !== 'Never' && state.hasLowerThan(pod.priority);
}

/** @returns The deficit of a group that has too few schedulable members, or no object. */
export function incompleteText(group: PodGroup): string {
  const { description } = group;
  if (description === undefined) return `waiting for the pod group ${groupName(group)}: no such object`;
  return `waiting for minCount pods from the pod group ${groupName(group)}: ${membersText(group, '')}`;
}

/**
 * @returns `2 of 3 exist`, and the members that exist, but cannot be scheduled. @param least Text before the number
 *   needed.
 */
export function membersText(group: PodGroup, least: string): string {
  const { placed, pending, alone } = tallyOf(group);
  const parts = [
    `${placed + pending + alone} of ${least}${group.description?.minCount ?? 0}${least === '' ? '' : ' members'} exist`,
  ];
  const tell = (state: number, what: string): void => {
    const names = [...group.members]
      .filter((pod) => pod.state === state && !isLeaving(pod))
      .map(({ name }) => name);
    if (names.length === 0) return;
    const more = names.length > NAMED_MAX ? ', …' : '';
    parts.push(`${names.length} more ${what} (${names.slice(0, NAMED_MAX).join(', ')}${more})`);
  };
  tell(PodState.Gated, 'with scheduling gates');
  tell(PodState.Refused, 'that TEG does not schedule');
  tell(PodState.OverLimit, 'beyond queue.waitingPodsMax');
  return parts.join(', ');
}

/** @returns The message to the pods of a released group: how far it came within its time. */
export function releaseText(group: PodGroup, bound: number, repairSeconds: number): string {
  return `pod group ${groupName(group)} is released: ${bound} of at least ${group.description?.minCount} pods could be bound within ${repairSeconds} s`;
}
