/**
 * Explains why a pod is where it is, or on no node: its state, and the answers of all nodes now.
 *
 * Read-only: later decisions are the same as without the explanation.
 */
import { counted } from '../../../kernel/counted.ts';
import { refusalWords } from '../../accounts.ts';
import { groupDomain } from '../decide/gang-attempts.ts';
import { fitText, GANGS_DO_NOT_PREEMPT, membersText, mightPreempt } from '../decide/group-texts.ts';
import { INELIGIBLE_TEXTS } from '../decide/preemption.ts';
import type { SchedulerParts } from '../decide/scheduler-parts.ts';
import { vainPreemptionText } from '../decide/verdict.ts';
import { situationOf } from '../reasons/situation-of.ts';
import { dominantReason, type WaitingReason } from '../reasons/waiting-reason.ts';
import { groupName, type PodGroup, pendingIn, tallyOf } from '../state/pod-groups.ts';
import { isPlaced, type PodRecord, PodState } from '../state/pod-records.ts';
import { type NodeSurvey, surveyNodes } from './explain-nodes.ts';
import {
  EXPLAINED_NEAREST_MAX,
  type ExplainedGroup,
  type ExplainedPreemption,
  type ExplainedState,
  type PodExplanation,
} from './explain-types.ts';

/** Inputs of an explanation. */
export type ExplainedParts = Pick<SchedulerParts, 'state' | 'groups' | 'preemption' | 'champions'>;

/**
 * @returns An explanation; undefined if the pod is unknown. @cost O(nodes × rules + pods on them if it may preempt).
 */
export function explainPod(parts: ExplainedParts, uid: string): PodExplanation | undefined {
  const { state, groups } = parts;
  const pod = state.pods.get(uid);
  if (pod === undefined) return undefined;
  const group = pod.group === '' ? undefined : groups.get(pod.group);
  const stands = stateOf(pod, group);
  const allowed = group === undefined ? undefined : groupDomain(state, group);
  const survey = surveyNodes(state, pod, allowed);
  const own = pod.shape.template.unsupported;
  const reported = pod.state === PodState.Refused && own.length === 0 ? group?.description?.unsupported : own;
  return {
    uid,
    namespace: pod.namespace,
    name: pod.name,
    state: stands,
    sinceSeconds: pod.stateSeconds,
    seenSeconds: pod.seenSeconds,
    priority: pod.priority,
    attempts: pod.attempts,
    retryAtSeconds: retryAt(pod, group),
    retriedOn: retriedOn(parts, pod),
    node: nodeOf(parts, pod, survey),
    gates: pod.gates,
    unsupported: reported ?? [],
    group: group === undefined ? null : explainGroup(group),
    message: pod.told,
    reason: pod.told === '' ? '' : pod.toldCause.reason,
    nodesTotal: state.slots.live,
    nodesFeasible: survey.feasible,
    refusals: survey.refusals,
    policy: 'teg',
    better: survey.better,
    candidates: survey.candidates,
    why: whyFirst(survey),
    nearest: survey.nearest,
    waitsFor: explainWait(parts, pod, survey),
    preemption: explainPreemption(parts, pod, survey),
  };
}

function explainWait(parts: ExplainedParts, pod: PodRecord, survey: NodeSurvey): WaitingReason | null {
  const situation = situationOf(parts, pod, survey);
  return situation === undefined ? null : dominantReason(situation, parts.state.timeSeconds);
}

function stateOf(pod: PodRecord, group: PodGroup | undefined): ExplainedState {
  switch (pod.state) {
    case PodState.Gated:
      return 'gated';
    case PodState.Refused:
    case PodState.OverLimit:
      return 'refused';
    case PodState.InGroup:
      if (group === undefined || (!group.waiting && group.heapAt < 0)) return 'waiting-for-group';
      return group.waiting ? 'backing-off' : 'waiting';
    case PodState.Active:
      return pod.nominated >= 0 ? 'nominated' : 'waiting';
    case PodState.Waiting:
      return pod.nominated >= 0 ? 'nominated' : 'backing-off';
    case PodState.BackingOff:
      return 'backing-off';
    case PodState.Binding:
      return 'binding';
    case PodState.Bound:
      return 'bound';
    default:
      // Ignored pods were deleted before they were placed, or reported gone.
      return pod.ours ? 'deleting' : 'not-ours';
  }
}

function retryAt(pod: PodRecord, group: PodGroup | undefined): number | null {
  if (pod.state === PodState.BackingOff) return pod.untilSeconds;
  if (pod.state === PodState.InGroup && group?.waiting === true && group.stale) return group.notBeforeSeconds;
  return null;
}

/** The node where it is, is going, or would go. */
function nodeOf({ state }: ExplainedParts, pod: PodRecord, survey: NodeSurvey): string {
  if (pod.nodeName !== '') return pod.nodeName;
  const decides =
    pod.state === PodState.Active || pod.state === PodState.Waiting || pod.state === PodState.BackingOff;
  if (!decides) return '';
  if (pod.nominated >= 0) return state.slots.nameOf(pod.nominated);
  return survey.candidates[0]?.node ?? '';
}

function retriedOn({ state, groups }: ExplainedParts, pod: PodRecord): string[] {
  const { shape } = pod;
  switch (pod.state) {
    case PodState.Gated:
      return ['its last scheduling gate removed'];
    case PodState.OverLimit:
      return ['fewer pods waiting'];
    case PodState.Refused:
      return ['pod or pod group changed'];
    case PodState.Waiting:
    case PodState.InGroup: {
      const isAdmitted =
        (pod.line?.unadmittedOf ?? -1) < 0 && groups.get(pod.group)?.notAdmitted === undefined;
      if (!isAdmitted)
        return [`the accounts of its tenant ${state.economy.resolve(pod.tenant).name} admit it`];
      const on = ['node added, or changed so that it fits', 'pod gone from a node where it then fits'];
      if (state.rules.dependsOnPods(shape)) on.push('pods that its rules look at coming or going');
      if (shape.template.claims.length > 0) on.push('its claims, their volumes or storage classes changed');
      if (pod.nominated >= 0) on.push('a pod gone that makes room for it');
      if (pod.state === PodState.InGroup) on.push('members or object of its pod group changed');
      return on;
    }
    default:
      return [];
  }
}

/** A complete group waits for room; the result of the last attempt says for which members. */
function roomText(group: PodGroup, needed: number): string {
  const wanted = `room for ${needed} of its pods at once`;
  const { refusal } = group;
  const members = pendingIn(group);
  // It says nothing about members other than those that were tried.
  if (refusal === undefined || refusal.tried !== members.length) return wanted;
  return `${wanted}; at the last attempt ${fitText(members, refusal)}`;
}

/** The missing condition of a group with enough members: admission, or room. */
function waitText(group: PodGroup, needed: number): string {
  return group.notAdmitted === undefined ? roomText(group, needed) : refusalWords(group.notAdmitted);
}

function explainGroup(group: PodGroup): ExplainedGroup {
  const { description } = group;
  const { placed, pending, alone } = tallyOf(group);
  const minCount = description?.minCount ?? 0;
  let members = 0;
  for (const pod of group.members) if (!pod.deleting) members++;
  let text = '';
  if (description === undefined) text = `its object ${groupName(group)} does not exist`;
  else if (description.unsupported.length > 0) text = `not supported: ${description.unsupported.join(', ')}`;
  else if (!group.started && placed < minCount) {
    const enough = placed + pending + alone >= minCount;
    text = enough ? waitText(group, minCount - placed) : membersText(group, 'at least ');
  }
  return {
    key: group.key,
    known: description !== undefined,
    minCount,
    members,
    placed,
    waiting: pending + alone,
    text,
  };
}

/** In one sentence, why the first candidate and not the second. */
function whyFirst({ candidates, better }: NodeSurvey): string {
  const [first, second] = candidates;
  if (first === undefined) return '';
  if (second === undefined) {
    return first.nodes === 1
      ? `${first.node} is the only node that takes it`
      : `all ${first.nodes} nodes that take it are alike`;
  }
  if (first.value === second.value)
    return `${first.node} and ${second.node} are worth the same; ${first.node} comes first`;
  const [x, y] = [first.value, second.value].map((value) => Number(value.toPrecision(4)));
  return better === 'lower'
    ? `${first.node} costs ${x}, ${second.node} ${y}: less room is left that no usual pod can use`
    : `its preferences are worth ${x} on ${first.node}, ${y} on ${second.node}`;
}

function explainPreemption(
  { state, preemption }: ExplainedParts,
  pod: PodRecord,
  survey: NodeSurvey,
): ExplainedPreemption | null {
  const waits =
    pod.state === PodState.Active || pod.state === PodState.Waiting || pod.state === PodState.BackingOff;
  if (pod.state === PodState.InGroup && mightPreempt(state, pod)) {
    return { allowed: false, node: '', victims: [], victimCount: 0, text: GANGS_DO_NOT_PREEMPT };
  }
  if (!waits || isPlaced(pod) || survey.feasible > 0) return null;
  const why = preemption.ineligible(pod);
  if (why === 'terminating') {
    return toldPreemption(
      state.slots.nameOf(pod.nominated),
      preemption.victimsOf(pod),
      'room is being made: pods are on their way out',
    );
  }
  const none = { node: '', victims: [], victimCount: 0 };
  if (why !== undefined) return { ...none, allowed: false, text: INELIGIBLE_TEXTS[why] };
  const candidate = preemption.find(pod);
  if (candidate === undefined) {
    return { ...none, allowed: true, text: vainPreemptionText(state, preemption, pod) };
  }
  const { slot, victims, broken } = candidate;
  const budgets = broken > 0 ? `, breaking ${counted(broken, 'disruption budget')}` : '';
  const node = state.slots.nameOf(slot);
  return toldPreemption(
    node,
    victims,
    `${counted(victims.length, 'pod')} would go from ${node}${budgets}`,
    candidate.breaking,
  );
}

function toldPreemption(
  node: string,
  victims: readonly PodRecord[],
  text: string,
  breaking: ReadonlySet<PodRecord> = new Set(),
): ExplainedPreemption {
  return {
    allowed: true,
    node,
    victims: victims.slice(0, EXPLAINED_NEAREST_MAX).map((victim) => ({
      pod: `${victim.namespace}/${victim.name}`,
      node,
      priority: victim.priority,
      breaksBudget: breaking.has(victim),
    })),
    victimCount: victims.length,
    text,
  };
}
