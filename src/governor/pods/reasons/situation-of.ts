/** The facts about a waiting pod, read from the scheduler's state. Changes nothing. */
import { borrowersOf } from '../../quota-borrowers.ts';
import { claimantKey } from '../champion/claimants.ts';
import type { PodChampions } from '../champion/pod-champions.ts';
import { groupName, type PodGroup, type PodGroups, pendingIn, tallyOf } from '../state/pod-groups.ts';
import { isPlaced, isVictim, type PodRecord, PodState } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import { HOLDERS_MAX, type WaitingSituation } from './waiting-situation.ts';

/** What is read. */
export interface SituationParts {
  readonly state: SchedulerState;
  readonly groups: PodGroups;
  readonly champions: PodChampions;
}

/** The nodes' answers to it now. */
interface NodeAnswers {
  /** Nodes that would take it. */
  readonly feasible: number;
  /** Those that would not, by reason, most nodes first. */
  readonly refusals: readonly { readonly reason: string; readonly nodes: number }[];
}

/** Nodes that were not asked may take it. */
const UNASKED: NodeAnswers = { feasible: 1, refusals: [] };

/**
 * @param answers Read only where it waits for room. Undefined: for the code alone, holders and nodes are left out.
 * @returns       Undefined: it does not wait (it is placed, is leaving, or another scheduler's).
 * @cost          O(members of its group + tenants).
 */
export function situationOf(
  parts: SituationParts,
  pod: PodRecord,
  answers: NodeAnswers | undefined,
): WaitingSituation | undefined {
  const { state, groups, champions } = parts;
  if (!pod.ours || pod.deleting || isPlaced(pod) || pod.state === PodState.Ignored) return undefined;
  const group = pod.group === '' ? undefined : groups.get(pod.group);
  // What was decided last is what it waits for; before a decision, what its state says.
  const told = pod.told === '' || pod.toldCause.kind === 'other' ? undefined : pod.toldCause;
  const refusal = told === undefined ? refusalOf(pod, group) : told.refusal;
  // A gang that was decided was complete then; one that no longer is reports it itself after a while.
  const gang =
    told === undefined && pod.state === PodState.InGroup && group !== undefined ? gangOf(group) : undefined;
  const unsupported = unsupportedOf(pod, group);
  const reserved = champions.count === 0 ? undefined : champions.planFor(claimantKey(group ?? pod));
  const seats = new Set(
    pod.state === PodState.InGroup ? pendingIn(group as PodGroup).map(seatOf) : [seatOf(pod)],
  );
  const leaving = [...seats].flatMap((slot) => (state.slots.pods[slot] ?? []).filter(isVictim));
  const victimCount = Math.max(leaving.length, told?.victims ?? 0);
  const isRoomWait = gang === undefined && refusal === undefined && victimCount === 0;
  const { books } = state.economy;
  const isWhole = answers !== undefined && books !== undefined && refusal !== undefined;
  const holders = isWhole
    ? borrowersOf({ tree: books.tree, table: books.table, usage: books.accounts.usage }, refusal.data)
    : [];
  return {
    job: group === undefined ? `${pod.namespace}/${pod.name}` : groupName(group),
    tenant: books === undefined ? '' : state.economy.resolve(pod.tenant).name,
    pods: group === undefined ? 1 : Math.max(1, group.description?.minCount ?? 1),
    ...misconfigured(state, pod),
    ...(unsupported.length > 0 ? { unsupported } : {}),
    ...(pod.state === PodState.Gated ? { gates: pod.gates.slice(0, HOLDERS_MAX) } : {}),
    ...(pod.state === PodState.OverLimit ? { queueMax: state.options.waitingPodsMax } : {}),
    ...(gang === undefined ? {} : { gang }),
    ...(refusal === undefined ? {} : { refusal }),
    ...(holders.length === 0 ? {} : { holders }),
    ...(reserved === undefined ? {} : { reserved }),
    ...(isRoomWait ? noFit(state, pod, group, answers ?? UNASKED, told?.kind === 'room') : {}),
    ...(victimCount === 0 ? {} : { victims: victims(state, leaving, victimCount) }),
  };
}

function refusalOf(pod: PodRecord, group: PodGroup | undefined) {
  if (pod.state === PodState.InGroup) return group?.notAdmitted ?? group?.reservedFor;
  return pod.state === PodState.Waiting || pod.state === PodState.Active ? pod.notAdmitted : undefined;
}

function unsupportedOf(pod: PodRecord, group: PodGroup | undefined): readonly string[] {
  if (pod.state !== PodState.Refused) return [];
  const own = pod.shape.template.unsupported;
  return own.length > 0 ? own : (group?.description?.unsupported ?? []);
}

function misconfigured({ economy, tenants }: SchedulerState, pod: PodRecord) {
  const { books } = economy;
  if (books === undefined) return {};
  const { problem } = economy.resolve(pod.tenant);
  if (problem === undefined) return {};
  const [namespace = '', label = ''] = tenants.nameOf(pod.tenant).split('/');
  const owners = books.keys.ownersOf(namespace).slice(0, HOLDERS_MAX);
  return { misconfigured: { problem, namespace, label, owners } };
}

/** @returns Undefined: it is complete, or has started. */
function gangOf(group: PodGroup): WaitingSituation['gang'] {
  const { placed, pending, alone } = tallyOf(group);
  const minCount = group.description?.minCount;
  const members = placed + pending + alone;
  if (minCount !== undefined && (group.started || members >= minCount)) return undefined;
  return { minCount, members };
}

function noFit(
  { slots }: SchedulerState,
  pod: PodRecord,
  group: PodGroup | undefined,
  { feasible, refusals }: NodeAnswers,
  isTold: boolean,
) {
  if (pod.state === PodState.Gated || pod.state === PodState.Refused || pod.state === PodState.OverLimit)
    return {};
  const isGang = pod.state === PodState.InGroup;
  const wasRefused = isGang
    ? group?.refusal !== undefined
    : pod.attempts > 0 && pod.state !== PodState.Active;
  if (!isTold && !wasRefused && (isGang || feasible > 0)) return {};
  const [first] = refusals;
  return {
    noFit: {
      message: pod.told,
      nodes: slots.live,
      reason: first?.reason ?? '',
      refusing: first?.nodes ?? 0,
    },
  };
}

/** The slot that room is kept on for a pod; −1: none. */
function seatOf({ nominated }: PodRecord): number {
  return nominated;
}

function victims({ slots }: SchedulerState, leaving: readonly PodRecord[], count: number) {
  return {
    node: leaving.every(({ node }) => node === leaving[0]?.node) ? slots.nameOf(leaving[0]?.node ?? -1) : '',
    pods: leaving.slice(0, HOLDERS_MAX).map(({ namespace, name }) => `${namespace}/${name}`),
    count,
  };
}
