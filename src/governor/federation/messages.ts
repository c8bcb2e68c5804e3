/**
 * The messages between governors, agent hosts and summary nodes, and the outbox of a step.
 *
 * One record for all kinds, so that the hot loops see one shape; each kind's comment names the fields it fills, the
 * others keep their zero. Messages may be lost, doubled, late and reordered: every receiver is idempotent.
 *
 *     host ──Propose──▶ zone (or a summary node, which routes it to one of its zones)
 *     host ◀──Offer──── zone    capacity is in escrow until it is confirmed, declined, or expires
 *     host ──Confirm──▶ zone
 *     host ◀─Started─── zone    from here on pods run
 *     host ◀──Ended──── zone    again and again until EndedAck
 */
import type { Hologram } from '../../field/hologram/hologram.ts';

/** Kinds of messages. The numbers are written to logs and never change their meaning. */
export const MessageKind = {
  /**
   * host → zone or summary node: job, attempt, demandId, podCount, gangMin, host, deadline (no offer after it), hops,
   * reason (NoRoom: after many refusals it asks at random; Standing), version (1: the job asks for the first time, and
   * counts as an arrival).
   */
  Propose: 1,
  /** zone → host: job, attempt, offer, zone, price (of all its pods there, milli-GPU), deadline (the escrow ends). */
  Offer: 2,
  /**
   * zone or summary node → host: job, attempt, zone (the refusing process), reason, version (its last published
   * summary).
   */
  Refuse: 3,
  /** host → zone: job, offer, price = seconds of work done already (of a moving job). */
  Confirm: 4,
  /** zone → host: job, offer, zone. */
  Started: 5,
  /** zone → host: job, offer: no such escrow (any more). */
  Gone: 6,
  /** host → zone: job, offer: declined, end the escrow. */
  Decline: 7,
  /** zone → host: job, offer, reason (Finished, NodeLost, Cancelled, Moved), price = seconds of work done, if Moved. */
  Ended: 8,
  /** host → zone: job, offer. */
  EndedAck: 9,
  /** zone, or summary node → its parent: version, hologram. */
  Summary: 10,
  /** summary node → hosts and summary nodes below it: entries. */
  Board: 11,
  /** host → its home zone: waitingJobs and the like, for the sums: podCount = jobs, price = milli-GPU, deadline = oldest. */
  HostReport: 12,
  /** host → zone: job, offer, reason: stop the job (its owner cancelled it, or it moves elsewhere). */
  Stop: 13,
  /** host → zone: job, offer: request for the cost of the job's place. */
  Quote: 14,
  /** zone → host: job, offer, price (of its place now, milli-GPU). */
  Quoted: 15,
} as const;

/** A number of `MessageKind`. */
export type MessageKindCode = (typeof MessageKind)[keyof typeof MessageKind];

/** Names of the kinds, by number. */
export const MESSAGE_NAMES: readonly string[] = [
  '',
  'propose',
  'offer',
  'refuse',
  'confirm',
  'started',
  'gone',
  'decline',
  'ended',
  'ended-ack',
  'summary',
  'board',
  'host-report',
  'stop',
  'quote',
  'quoted',
];

/** Why a proposal was refused or a job ended. */
export const FederationReason = {
  None: 0,
  /** The zone has no room for it now. */
  NoRoom: 1,
  /** A limit of the zone was reached (escrows, notices); try elsewhere or later. */
  Busy: 2,
  /** It arrived after its deadline. */
  Late: 3,
  /** None of the zones known to a summary node shows room. */
  NoZone: 4,
  Finished: 5,
  NodeLost: 6,
  Cancelled: 7,
  /** Stopped to continue in another zone. */
  Moved: 8,
  /** Of a proposal: it may wait in the zone until there is room, and expects no refusal. */
  Standing: 9,
} as const;

/** A number of `FederationReason`. */
export type FederationReasonCode = (typeof FederationReason)[keyof typeof FederationReason];

/** Names of the reasons for people, by number. */
export const FEDERATION_REASON_NAMES: readonly string[] = [
  'none',
  'no room in the zone',
  'zone busy',
  'too late',
  'no zone shows room',
  'finished',
  'node lost',
  'cancelled',
  'moved',
  'standing request',
];

/** A board's entry for one zone, or for one group of zones. Immutable. */
export interface BoardEntry {
  /** The process that takes proposals for it. */
  readonly id: number;
  /** True if `id` is a summary node, which routes on. */
  readonly isGroup: boolean;
  /** On the locality axis; see `ZoneOffers.positions`. */
  readonly position: number;
  readonly version: number;
  readonly hologram: Hologram;
}

/** A message. Written by its sender only; receivers must not keep it beyond the step, except `hologram` and `entries`. */
export interface Message {
  kind: MessageKindCode;
  from: number;
  to: number;
  /** The caller's number of the job: an integer in [0, 2^53). */
  job: number;
  /** Number of the host's attempt to place the job; grows. */
  attempt: number;
  /** Number of the offer; unique in its zone, also across restarts. */
  offer: number;
  zone: number;
  host: number;
  demandId: number;
  podCount: number;
  gangMin: number;
  hops: number;
  reason: FederationReasonCode;
  price: number;
  deadline: number;
  version: number;
  hologram: Hologram | undefined;
  entries: readonly BoardEntry[] | undefined;
}

/** The numeric fields of a message, in the order of digests. */
export const MESSAGE_NUMBERS: readonly NumberField<Message>[] = fieldNames<NumberField<Message>>({
  kind: 1,
  from: 1,
  to: 1,
  job: 1,
  attempt: 1,
  offer: 1,
  zone: 1,
  host: 1,
  demandId: 1,
  podCount: 1,
  gangMin: 1,
  hops: 1,
  reason: 1,
  price: 1,
  deadline: 1,
  version: 1,
});

/** Names of the numeric fields of a record. */
type NumberField<T> = { [K in keyof T]: T[K] extends number ? K : never }[keyof T];

/** Names in the given order. The type checker ensures completeness: `given` has to have them all. */
function fieldNames<K extends PropertyKey>(given: Readonly<Record<K, 1>>): readonly K[] {
  return Object.keys(given) as K[];
}

/** @returns A message with every further field zero. */
export function makeMessage(kind: MessageKindCode, from: number, to: number, job: number): Message {
  return {
    kind,
    from,
    to,
    job,
    attempt: 0,
    offer: 0,
    zone: 0,
    host: 0,
    demandId: 0,
    podCount: 0,
    gangMin: 0,
    hops: 0,
    reason: FederationReason.None,
    price: 0,
    deadline: 0,
    version: 0,
    hologram: undefined,
    entries: undefined,
  };
}

/** Kinds of actions for a driver, besides sending. */
export const ActionKind = {
  /**
   * Zone: the job's pods start: `Zone.forEachPod(local)` gives their nodes. job, offer, local, doneSeconds (work done
   * already).
   */
  Start: 1,
  /** Zone: the running job's pods are stopped and released. job, offer, reason. */
  Stop: 2,
  /** Zone: the host knows the end of the job; nothing of it needs to be kept. job, offer. */
  Forget: 3,
  /** Host: the job ended finally. job, reason. */
  JobEnded: 4,
  /** Host: the job runs in a zone. job, zone, offer. */
  JobPlaced: 5,
} as const;

/** A number of `ActionKind`. */
export type ActionKindCode = (typeof ActionKind)[keyof typeof ActionKind];

/** An action for the driver. */
export interface Action {
  readonly kind: ActionKindCode;
  readonly job: number;
  readonly offer: number;
  readonly zone: number;
  readonly local: number;
  readonly reason: FederationReasonCode;
  /** Only of `Start`. */
  readonly doneSeconds: number;
}

/** The fields of an action, all of them numbers, in the order of digests. */
export const ACTION_NUMBERS: readonly NumberField<Action>[] = fieldNames<keyof Action>({
  kind: 1,
  job: 1,
  offer: 1,
  zone: 1,
  local: 1,
  reason: 1,
  doneSeconds: 1,
});

/** The messages and actions of a step, in order. Reused; cleared by the driver between steps. */
export class Outbox {
  readonly messages: Message[] = [];
  readonly actions: Action[] = [];

  /** Adds a message. */
  send(message: Message): void {
    this.messages.push(message);
  }

  /** Adds an action. */
  act(
    kind: ActionKindCode,
    job: number,
    offer: number,
    zone: number,
    local: number,
    reason: FederationReasonCode,
    doneSeconds = 0,
  ): void {
    this.actions.push({ kind, job, offer, zone, local, reason, doneSeconds });
  }

  /** Forgets everything. */
  clear(): void {
    this.messages.length = 0;
    this.actions.length = 0;
  }
}

/** A deterministic state machine of the federation: a zone governor, an agent host, or a summary node. */
export interface Process {
  readonly id: number;
  /** Time of its next `wake`; Infinity: not until an event. */
  readonly wakeAt: number;
  /** Takes one message. */
  receive(message: Message, timeSeconds: number, out: Outbox): void;
  /** Does the due work. Harmless if called early. */
  wake(timeSeconds: number, out: Outbox): void;
}
