/**
 * The messages between governors, agent hosts and summary nodes, and the outbox of a step.
 *
 * One type for each kind, so that a field has one meaning and one unit; `message-fields.ts` lists them for logs, digests
 * and the way between threads. Messages may be lost, doubled, late and reordered: every receiver is idempotent.
 *
 *     host ──Propose──▶ zone (or a summary node, which routes it to one of its zones)
 *     host ◀──Offer──── zone    capacity is in escrow until it is confirmed, declined, or expires
 *     host ──Confirm──▶ zone
 *     host ◀─Started─── zone    from here on pods run
 *     host ◀──Ended──── zone    again and again until EndedAck
 *
 * Of a gang across zones: `Renew` keeps the escrow of a part, which the zone answers with its offer again, or `Gone`.
 * Where held-idle escrows are taxed, `HeldIdle` says that a gang is stuck, and `Champion` which gang goes first.
 */
import type { Hologram } from '../../field/hologram/hologram.ts';

/** Kinds of messages. The numbers are written to logs and never change their meaning. */
export const MessageKind = {
  Propose: 1,
  Offer: 2,
  Refuse: 3,
  Confirm: 4,
  Started: 5,
  Gone: 6,
  Decline: 7,
  Ended: 8,
  EndedAck: 9,
  Summary: 10,
  Board: 11,
  HostReport: 12,
  Stop: 13,
  Quote: 14,
  Quoted: 15,
  Renew: 16,
  HeldIdle: 17,
  Champion: 18,
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
  'renew',
  'held-idle',
  'champion',
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
  /** A part of a gang across zones is stopped because its gang is over, or another part is lost. */
  GangOver: 9,
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
  'gang over',
];

/** How a proposal is to be treated. */
export const ProposalMode = {
  /** Summary nodes route it by price; where there is no room it is refused. */
  Priced: 0,
  /** Summary nodes route it at random to any zone that shows room: it was refused often. */
  Random: 1,
  /** It may wait in the zone until there is room, and expects no refusal. */
  Standing: 2,
} as const;

/** A number of `ProposalMode`. */
export type ProposalModeCode = (typeof ProposalMode)[keyof typeof ProposalMode];

/** Names of the modes for people, by number. */
export const PROPOSAL_MODE_NAMES: readonly string[] = ['by price', 'at random', 'standing request'];

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

/** Sender and receiver: numbers of processes. */
interface Ends {
  readonly from: number;
  readonly to: number;
}

/** A message about a job. */
interface AboutJob extends Ends {
  /** The caller's number of the job, an integer in [0, JOB_NUMBERS), or that of a gang's part; see `partNumber`. */
  readonly job: number;
}

/** A message about an offer. */
interface AboutOffer extends AboutJob {
  /** Number of the offer; unique in its zone, also across restarts. */
  readonly offer: number;
}

/** host → zone or summary node: asks for a place. */
export interface ProposeMessage extends AboutJob {
  readonly kind: typeof MessageKind.Propose;
  /** Number of the host's attempt to place the job; grows. */
  readonly attempt: number;
  /** Process of the host, which gets the answer; `from` is a summary node where one routed the proposal. */
  readonly host: number;
  readonly demandId: number;
  /** Number of the job's owner in the federation's table of tenants, in [0, TENANTS_MAX). */
  readonly tenant: number;
  /** Pods, and the fewest that have to be placed together; 1 ≤ gangMin ≤ podCount. */
  readonly podCount: number;
  readonly gangMin: number;
  /** No offer after it, seconds. */
  readonly deadline: number;
  /** Summary nodes on its way so far. */
  readonly hops: number;
  readonly mode: ProposalModeCode;
  /** The job asks for the first time, and counts as an arrival. */
  readonly isFirst: boolean;
}

/** zone → host: a place, in escrow. */
export interface OfferMessage extends AboutOffer {
  readonly kind: typeof MessageKind.Offer;
  readonly attempt: number;
  /** Of all pods there, milli-GPU. */
  readonly priceMilli: number;
  /** Pods that the escrow holds capacity for: from the proposal's `gangMin` to its `podCount`. */
  readonly pods: number;
  /** When the escrow ends, seconds. */
  readonly deadline: number;
}

/** zone or summary node → host: no place. */
export interface RefuseMessage extends AboutJob {
  readonly kind: typeof MessageKind.Refuse;
  readonly attempt: number;
  /** NoRoom, Busy, Late or NoZone. */
  readonly reason: FederationReasonCode;
  /** Of the summary that its sender published last: it refused knowing more than that. */
  readonly version: number;
}

/** host → zone: accepts an offer. */
export interface ConfirmMessage extends AboutOffer {
  readonly kind: typeof MessageKind.Confirm;
  /** Work that the job has done elsewhere already, seconds; 0 unless it moves. */
  readonly doneSeconds: number;
}

/** zone → host: the job runs. */
export interface StartedMessage extends AboutOffer {
  readonly kind: typeof MessageKind.Started;
  /** Of the proposal that it answers; 0: it answers a confirmation. */
  readonly attempt: number;
}

/** zone → host: no such escrow (any more). */
export interface GoneMessage extends AboutOffer {
  readonly kind: typeof MessageKind.Gone;
}

/** host → zone: ends an escrow, or withdraws a standing request (offer 0). */
export interface DeclineMessage extends AboutOffer {
  readonly kind: typeof MessageKind.Decline;
}

/** zone → host: the job ran, and does so no more. */
export interface EndedMessage extends AboutOffer {
  readonly kind: typeof MessageKind.Ended;
  /** Finished, NodeLost, Cancelled, Moved or GangOver. */
  readonly reason: FederationReasonCode;
  /** Work that the job has done, seconds; 0 unless it moves. */
  readonly doneSeconds: number;
}

/** host → zone: the end is known. */
export interface EndedAckMessage extends AboutOffer {
  readonly kind: typeof MessageKind.EndedAck;
}

/** zone, or summary node → its parent. */
export interface SummaryMessage extends Ends {
  readonly kind: typeof MessageKind.Summary;
  /** Grows with every summary of its sender, also across restarts. */
  readonly version: number;
  readonly hologram: Hologram;
}

/** summary node → hosts and summary nodes below it. */
export interface BoardMessage extends Ends {
  readonly kind: typeof MessageKind.Board;
  readonly entries: readonly BoardEntry[];
}

/** host → its home zone: the jobs that wait in it, for the sums of the zone's summary. */
export interface HostReportMessage extends Ends {
  readonly kind: typeof MessageKind.HostReport;
  readonly waitingJobs: number;
  /** Demand of all their pods. */
  readonly waitingGpuMilli: number;
  /** How long the oldest has waited. */
  readonly oldestSeconds: number;
}

/** host → zone: stop the job. */
export interface StopMessage extends AboutOffer {
  readonly kind: typeof MessageKind.Stop;
  /** Cancelled by its owner, Moved or GangOver. */
  readonly reason: FederationReasonCode;
}

/** host → zone: keeps an escrow. The zone answers with its offer and the deadline in force, or `Gone`. */
export interface RenewMessage extends AboutOffer {
  readonly kind: typeof MessageKind.Renew;
  /** When the escrow is to end, seconds; an earlier one than in force changes nothing. */
  readonly deadline: number;
}

/** host → zone: the gang of an escrow is stuck, so that what it holds is idle. Sent with every renewal while it is. */
export interface HeldIdleMessage extends AboutOffer {
  readonly kind: typeof MessageKind.HeldIdle;
  /** It counts until then unless it is said again, seconds. */
  readonly deadline: number;
}

/**
 * host → its home zone: the first of its gangs that wait for parts. summary node → its zones: the first of all gangs.
 * A bid as in `ChampionBid`; 0 pods: none waits.
 */
export interface ChampionMessage extends Ends {
  readonly kind: typeof MessageKind.Champion;
  readonly rankSeconds: number;
  readonly gang: number;
  readonly demandId: number;
  readonly pods: number;
}

/** host → zone: asks for the cost of the job's place. */
export interface QuoteMessage extends AboutOffer {
  readonly kind: typeof MessageKind.Quote;
}

/** zone → host: the cost of the job's place. */
export interface QuotedMessage extends AboutOffer {
  readonly kind: typeof MessageKind.Quoted;
  /** Now, milli-GPU. */
  readonly priceMilli: number;
}

/** A message. Immutable. */
export type Message =
  | ProposeMessage
  | OfferMessage
  | RefuseMessage
  | ConfirmMessage
  | StartedMessage
  | GoneMessage
  | DeclineMessage
  | EndedMessage
  | EndedAckMessage
  | SummaryMessage
  | BoardMessage
  | HostReportMessage
  | StopMessage
  | QuoteMessage
  | QuotedMessage
  | RenewMessage
  | HeldIdleMessage
  | ChampionMessage;

/** The messages of one kind. */
export type MessageOf<K extends MessageKindCode> = Extract<Message, { readonly kind: K }>;

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
  /** Host: tax on what a gang holds idle. job (the gang), offer (number of the charge), microTokens. */
  Tax: 6,
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
  /** Only of `Tax`, and absent otherwise: micro-tokens, a whole number. */
  readonly microTokens?: number;
}

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

  /** A gang owes tax. @param charge Number of the charge, unique in the host's incarnation. */
  tax(gang: number, charge: number, microTokens: number): void {
    const reason = FederationReason.None;
    const action = { kind: ActionKind.Tax, job: gang, offer: charge, zone: -1, local: -1, reason };
    this.actions.push({ ...action, doneSeconds: 0, microTokens });
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
