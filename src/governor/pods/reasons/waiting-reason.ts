/**
 * The one reason for which a pod or gang waits.
 *
 *     misconfigured ─ beyond-limit ─ held ─ gang ─ budget ─ quota ─ champion ─ room ─ victims ─ turn
 *
 * The first stage of this order that applies is the reason: what an administrator or the user has to mend comes before what passes
 * by itself. Codes are stable words for programs; events, conditions and tools use the same ones.
 */
import { borrowersText } from '../../quota-borrowers.ts';
import { nextStep } from './next-steps.ts';
import { reasonSentence } from './reason-sentences.ts';
import type { WaitingSituation } from './waiting-situation.ts';

/** Stages, the dominant one first. */
export const WAITING_STAGES = [
  'misconfigured',
  'beyond-limit',
  'held',
  'gang',
  'budget',
  'quota',
  'champion',
  'room',
  'victims',
  'turn',
] as const;

/** A stage by name. */
export type WaitingStage = (typeof WAITING_STAGES)[number];

/** Every code, with its stage. */
export const REASON_STAGES: Readonly<Record<string, WaitingStage>> = {
  'unknown-tenant': 'misconfigured',
  'namespace-not-allowed': 'misconfigured',
  'several-tenants': 'misconfigured',
  unsupported: 'misconfigured',
  'limit-exceeded': 'beyond-limit',
  'tenant-held': 'held',
  'scheduling-gated': 'held',
  'queue-full': 'held',
  'group-missing': 'gang',
  'gang-incomplete': 'gang',
  'budget-empty': 'budget',
  'price-too-high': 'budget',
  'limit-reached': 'quota',
  'quota-used-up': 'quota',
  'flavors-full': 'quota',
  'room-reserved': 'champion',
  'room-drained': 'champion',
  reserved: 'champion',
  'no-fit': 'room',
  'waiting-for-victims': 'victims',
  'not-tried': 'turn',
  // Of jobs in simulations.
  impossible: 'beyond-limit',
  'no-such-model': 'misconfigured',
  'saving-headroom': 'champion',
  'headroom-reserved': 'champion',
  'reserved-on-loan': 'champion',
  draining: 'champion',
  'behind-equal-job': 'turn',
  behind: 'turn',
};

/** Figures of a reason, by names with units. */
export type ReasonData = Readonly<Record<string, number | string>>;

/** Why a job waits. JSON. */
export interface WaitingReason {
  /** A key of `REASON_STAGES`, or a code of accounts that it does not name. */
  readonly code: string;
  readonly stage: WaitingStage;
  /** One sentence with the figures. */
  readonly text: string;
  /** Who has what it waits for: a tenant, a job, or pods; '' if nobody has. */
  readonly holder: string;
  /** One thing that can be done, or awaited. */
  readonly nextStep: string;
  readonly data: ReasonData;
}

/** A reason before it is put in words. */
interface Found {
  readonly code: string;
  readonly data: ReasonData;
  readonly holder?: string;
}

/** @returns The dominant reason. O(1): situations are bounded. */
export function dominantReason(situation: WaitingSituation, timeSeconds: number): WaitingReason {
  const { code, data, holder = '' } = firstOf(situation);
  return {
    code,
    stage: stageOf(code),
    text: reasonSentence(code, data, timeSeconds),
    holder,
    nextStep: nextStep(code, data),
    data,
  };
}

/** @returns Its code alone. */
export function dominantCode(situation: WaitingSituation): string {
  return firstOf(situation).code;
}

function firstOf(situation: WaitingSituation): Found {
  let first: Found = { code: 'not-tried', data: {} };
  for (const found of reasonsOf(situation)) if (rank(found) < rank(first)) first = found;
  return first;
}

/** @returns The stage of a code; of one that is not known: `quota`. */
export function stageOf(code: string): WaitingStage {
  return Object.hasOwn(REASON_STAGES, code) ? (REASON_STAGES[code] as WaitingStage) : 'quota';
}

function rank({ code }: Found): number {
  return WAITING_STAGES.indexOf(stageOf(code));
}

/** All reasons that apply, in no order. */
function reasonsOf(situation: WaitingSituation): Found[] {
  const { misconfigured, unsupported = [], gates = [], queueMax, gang, refusal, reserved } = situation;
  const { noFit, victims } = situation;
  const found: Found[] = [];
  if (unsupported.length > 0) found.push({ code: 'unsupported', data: { features: unsupported.join(', ') } });
  if (misconfigured !== undefined) {
    const { problem, namespace, label, owners } = misconfigured;
    const data = { namespace, label, tenants: owners.join(', '), countsAs: situation.tenant };
    found.push({ code: problem, data });
  }
  if (gates.length > 0) {
    found.push({ code: 'scheduling-gated', data: { gates: gates.join(', ') }, holder: gates[0] as string });
  }
  if (queueMax !== undefined) found.push({ code: 'queue-full', data: { podsMax: queueMax } });
  if (gang?.minCount !== undefined) {
    found.push({ code: 'gang-incomplete', data: { needPods: gang.minCount, havePods: gang.members } });
  } else if (gang !== undefined) found.push({ code: 'group-missing', data: { group: situation.job } });
  if (refusal !== undefined) found.push(ofRefusal(situation, refusal));
  if (reserved !== undefined) {
    const { nodes, startsBySeconds } = reserved;
    found.push({ code: 'reserved', data: { nodes, startsBySeconds: Math.ceil(startsBySeconds) } });
  }
  if (noFit !== undefined) {
    const { nodes, reason, refusing, message } = noFit;
    found.push({ code: 'no-fit', data: { needPods: situation.pods, nodes, reason, refusing, message } });
  }
  if (victims !== undefined) {
    const { node, pods, count } = victims;
    const data = { node, victims: count, pods: pods.join(', ') };
    found.push({ code: 'waiting-for-victims', data, holder: pods.join(', ') });
  }
  return found;
}

function ofRefusal(
  { holders = [] }: WaitingSituation,
  { code, data }: { code: string; data: ReasonData },
): Found {
  if (code === 'quota-used-up' && holders.length > 0) {
    return { code, data: { ...data, lentTo: borrowersText(holders) }, holder: holders[0]?.tenant ?? '' };
  }
  const holder = data.forJob ?? data.tenant;
  return { code, data, holder: holder === undefined ? '' : String(holder) };
}
