/**
 * How transcripts name processes, messages and actions.
 */
import {
  type Action,
  ActionKind,
  FEDERATION_REASON_NAMES,
  MESSAGE_NAMES,
  type Message,
  MessageKind,
  PROPOSAL_MODE_NAMES,
  ProposalMode,
} from '../../src/governor/federation/messages.ts';
import type { Topology } from '../../src/governor/federation/topology.ts';

/** Numbers of one incarnation. */
const PER_INCARNATION = 2 ** 32;

/** @returns `zone 0`, `host 0`, `node 0`. */
export function nameOf({ zones, hosts }: Topology, id: number): string {
  if (id < zones) return `zone ${id}`;
  return id < zones + hosts ? `host ${id - zones}` : `node ${id - zones - hosts}`;
}

/** @returns The name of a message's kind. */
export function kindOf(message: Message): string {
  return MESSAGE_NAMES[message.kind] as string;
}

/** @returns A number of seconds, to the millisecond. */
export function numberOf(seconds: number): string {
  return String(Math.round(seconds * 1000) / 1000);
}

/** @returns Who says what to whom. Prices are left out: they are not what transcripts are about. */
export function describeMessage(m: Message, name: (id: number) => string, gpus: readonly number[]): string {
  const rest = detailsOf(m, name, gpus);
  const job = 'job' in m ? ` job ${m.job}` : '';
  return `${name(m.from)} → ${name(m.to)}: ${kindOf(m)}${job}${rest === '' ? '' : `, ${rest}`}`;
}

/** @returns What a process has done. */
export function describeAction(action: Action, name: (id: number) => string): string {
  const { kind, job, offer, zone, reason } = action;
  if (kind === ActionKind.Start) return `job ${job} starts, offer ${shortOf(offer)}`;
  if (kind === ActionKind.Stop) return `job ${job} is stopped: ${FEDERATION_REASON_NAMES[reason]}`;
  if (kind === ActionKind.Forget) return `the end of job ${job} is known, offer ${shortOf(offer)}`;
  if (kind === ActionKind.JobPlaced) return `job ${job} runs in ${name(zone)}`;
  return `job ${job} has ended: ${FEDERATION_REASON_NAMES[reason]}`;
}

function detailsOf(m: Message, name: (id: number) => string, gpus: readonly number[]): string {
  if (m.kind === MessageKind.Propose) {
    const gang = m.gangMin === m.podCount ? '' : ` (at least ${m.gangMin})`;
    const pods = `${m.podCount} × ${gpus[m.demandId]} GPU${gang}`;
    const by = m.from === m.host ? '' : ` for ${name(m.host)}`;
    const mode = m.mode === ProposalMode.Priced ? '' : `, ${PROPOSAL_MODE_NAMES[m.mode]}`;
    return `attempt ${shortOf(m.attempt)}${by}, ${pods}, until ${numberOf(m.deadline)}${mode}`;
  }
  if (m.kind === MessageKind.Refuse)
    return `attempt ${shortOf(m.attempt)}: ${FEDERATION_REASON_NAMES[m.reason]}`;
  if (m.kind === MessageKind.Offer) {
    return `attempt ${shortOf(m.attempt)}, offer ${shortOf(m.offer)}, until ${numberOf(m.deadline)}`;
  }
  if (!('offer' in m)) return '';
  const offer = m.offer === 0 ? 'its request' : `offer ${shortOf(m.offer)}`;
  const done = 'doneSeconds' in m && m.doneSeconds > 0 ? `, ${numberOf(m.doneSeconds)} s done` : '';
  const reason = 'reason' in m ? `: ${FEDERATION_REASON_NAMES[m.reason]}` : '';
  return `${offer}${done}${reason}`;
}

/** Attempts and offers as incarnation and count: `1.3`. */
function shortOf(number: number): string {
  return `${Math.floor(number / PER_INCARNATION)}.${number % PER_INCARNATION}`;
}
