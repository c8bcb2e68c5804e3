/**
 * The jobs of one agent host, as columns by slot.
 *
 *     Free ──submit──▶ Waiting ──propose──▶ Proposed ──Offer──▶ Confirming ──Started──▶ Running ──Ended──▶ Free
 *                         ▲                    │                     │                     │
 *                         └──Refuse, silence───┴────────Gone─────────┴──Ended: node lost───┘
 *
 *     Running ──Quoted: dearer than elsewhere──▶ Moving ──Offer──▶ Leaving ──Ended──▶ Confirming, at the new place
 *        ▲──Refuse, silence, saves too little───────┘                 └──Gone──▶ Waiting
 *
 *     Confirming, Running, Moving, Leaving ──cancel──▶ Stopping ──Ended, Gone──▶ Free
 *     Waiting, Proposed ──cancel──▶ Free
 *
 *     Waiting ──no zone has room for the whole gang──▶ Spanning, with a claim (`gang-claim.ts`) ──▶ Waiting, Free
 *
 * Besides: Waiting becomes Confirming when a standing request is offered a place, Proposed becomes Running when the zone
 * says that the job runs there already, and Free becomes Running when the job is adopted. In Moving, the run may end as
 * in Running.
 *
 * A row, column by column, is a `HostJobRow`.
 */
import { grown } from '../../../kernel/grown.ts';
import { goesBefore } from '../../queue-order.ts';
import type { JobLine } from './host-lines.ts';

/** Slots that a new table has room for. */
const CAPACITY_FIRST = 64;

/** States of an agent. */
export const AgentState = {
  Free: 0,
  /** In its line; `reasons` says why. */
  Waiting: 1,
  /** A proposal is out. */
  Proposed: 2,
  /** It has an offer and confirms it: bound to that zone until the zone answers. */
  Confirming: 3,
  Running: 4,
  /** Its owner cancelled it; the stop is repeated until the zone answers. */
  Stopping: 5,
  /** It runs, and a proposal to move it is out. */
  Moving: 6,
  /** It has an offer elsewhere; the stop is repeated to its zone until it answers. */
  Leaving: 7,
  /** A gang across zones: its claim says how far it is. */
  Spanning: 8,
} as const;

/** Names of the states for people, by number. */
export const AGENT_STATE_NAMES: readonly string[] = [
  'unknown',
  'waiting',
  'proposed',
  'confirming',
  'running',
  'stopping',
  'moving',
  'leaving',
  'in several zones',
];

/** Why an agent waits. */
export const WaitReason = {
  None: 0,
  /** No board has arrived yet, or all of it has expired. */
  NoBoard: 1,
  /** No zone on the board shows room. */
  NoRoom: 2,
  /** Zones that showed room refused; the next board is awaited. */
  Refused: 3,
  /** A zone did not answer. */
  Unanswered: 4,
  /** Others of its kind go first: the line's window, or the host's limit of proposals in flight. */
  Queued: 5,
  /** It ran and lost a node. */
  NodeLost: 6,
  /** Its escrow was gone when it confirmed. */
  EscrowGone: 7,
  /** Several zones together had too little room for long: it has released what it held there. */
  PartsMissing: 8,
  /** As `PartsMissing`; it could not pay the tax on what it held idle, or gave way to an older gang. */
  Taxed: 9,
} as const;

/** A number of `WaitReason`. */
export type WaitReasonCode = (typeof WaitReason)[keyof typeof WaitReason];

/** Names of the reasons for people, by number. */
export const WAIT_REASON_NAMES: readonly string[] = [
  'none',
  'no board yet',
  'no zone shows room',
  'refused where room was shown',
  'a zone did not answer',
  'others of its shape go first',
  'lost a node',
  'the offer had expired',
  'several zones together had too little room',
  'gave back parts that it held idle',
];

/** A job as it is given to a host. Plain numbers, of which the host keeps copies: the caller may reuse the record. */
export interface SubmittedJob {
  /** The caller's number: an integer in [0, JOB_NUMBERS). */
  readonly job: number;
  readonly demandId: number;
  /** Pods, and the fewest that have to be placed together; 1 ≤ gangMin ≤ podCount. */
  readonly podCount: number;
  readonly gangMin: number;
  /** Larger goes first; a 32-bit integer. */
  readonly priority: number;
  /** Number of its owner in the federation's table of tenants, in [0, TENANTS_MAX). */
  readonly tenant: number;
}

/** What the columns say of one job. All are in force in every state unless one says otherwise. */
export interface HostJobRow {
  /** An `AgentState`. */
  readonly state: number;
  /** A `WaitReason`; `None` unless it waits. */
  readonly reason: number;
  /** The caller's number. */
  readonly job: number;
  /** Larger goes first; then the smaller rank, the order of submission, which is kept when a job waits again. */
  readonly priority: number;
  readonly rank: number;
  /** Number of its owner in the federation's table of tenants. */
  readonly tenant: number;
  /** When it entered its state, and since when it has not run, seconds. The latter has no meaning from `Running` on. */
  readonly sinceSeconds: number;
  readonly waitingSinceSeconds: number;
  /** Number of the current or last proposal, unique in the host; 0: none yet. */
  readonly attempt: number;
  /** Offers for attempts up to this one are not accepted: they may belong to a run that has ended since. */
  readonly attemptFloor: number;
  /** Attempt in which it was first proposed anywhere; 0: not yet. */
  readonly firstAttempt: number;
  /** Offer that it confirms or runs on. In force from `Confirming` on. */
  readonly offer: number;
  /** `Proposed`: the process proposed to. From `Confirming` on: its zone. */
  readonly target: number;
  /** Repetitions of the current message, and number of the timer that repeats it; 0: none. */
  readonly repeats: number;
  readonly timer: number;
  /** Proposals answered or abandoned since it last ran. */
  readonly probes: number;
  /** `Moving`: the zone proposed to. `Leaving`: the zone and the offer that it moves to. */
  readonly nextZone: number;
  readonly nextOffer: number;
  /** `Moving`, `Leaving`: what its place costs, as last reported, milli-GPU. */
  readonly quote: number;
  /** Work that is done already, of a job that moves, seconds. */
  readonly doneSeconds: number;
  /** True from the end at its old place until it runs at the new one. */
  readonly moves: boolean;
  /** Before then it leaves no further standing requests, seconds. */
  readonly standingUntilSeconds: number;
  /** Zones that it left its last two standing requests in; −1: none. */
  readonly standingFirst: number;
  readonly standingSecond: number;
}

/** Columns by slot; slots are dense and reused. Written by its host only. About 195 bytes a job. */
export class HostJobs {
  /** @shape [capacity] `AgentState`. */
  states: Uint8Array = new Uint8Array(CAPACITY_FIRST);
  /** @shape [capacity] `WaitReason`. */
  reasons: Uint8Array = new Uint8Array(CAPACITY_FIRST);
  /** The caller's number. @shape [capacity] */
  jobs: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Larger goes first. @shape [capacity] */
  priorities: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** Owner: a number of the federation's table of tenants. @shape [capacity] */
  tenants: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** Order of submission; kept when a job waits again. @shape [capacity] */
  ranks: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** When it entered its state, seconds. @shape [capacity] */
  since: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Since when it has not run, seconds. @shape [capacity] */
  waitingSince: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Number of the current or last proposal; unique in the host. @shape [capacity] */
  attempts: Float64Array = new Float64Array(CAPACITY_FIRST);
  /**
   * Offers for attempts up to this one are not accepted: they may belong to a run that has ended since, whose late
   * `Started` would be mistaken for the present one. @shape [capacity]
   */
  attemptFloors: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Offer that it confirms or runs on. @shape [capacity] */
  offers: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Process that was proposed to; zone that it confirms to or runs in. @shape [capacity] */
  targets: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** Repetitions of the current message. @shape [capacity] */
  repeats: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** Number of the current timer; older ones that fire are ignored. @shape [capacity] */
  timers: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Proposals answered or abandoned since it last ran. @shape [capacity] */
  probes: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** Offer and zone that a job moves to; 0 and −1: none yet. @shape [capacity] */
  nextOffers: Float64Array = new Float64Array(CAPACITY_FIRST);
  nextZones: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** Last reported cost of its place, milli-GPU. @shape [capacity] */
  quotes: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Work that is done already, of a job that moves. @shape [capacity] */
  doneSeconds: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** 1: it is moving to another zone, after it ran. @shape [capacity] */
  moves: Uint8Array = new Uint8Array(CAPACITY_FIRST);
  /** Attempt in which it was first proposed anywhere; 0: not yet. @shape [capacity] */
  firstAttempts: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Before then it leaves no further standing requests, seconds. @shape [capacity] */
  standingUntil: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Zones that it left its last two standing requests in; −1: none. @shape [capacity] */
  standingFirst: Int32Array = new Int32Array(CAPACITY_FIRST);
  standingSecond: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** Shape. @shape [capacity] */
  readonly lines: (JobLine | undefined)[] = [];
  private readonly slots = new Map<number, number>();
  private readonly free: number[] = [];
  private used = 0;

  /** Slots in use or free again: all lie in [0, slotsUsed). */
  get slotsUsed(): number {
    return this.used;
  }

  /** Jobs known. */
  get size(): number {
    return this.slots.size;
  }

  /** @returns The slot of a job, −1 if it is unknown. */
  slotOf(job: number): number {
    return this.slots.get(job) ?? -1;
  }

  /** @returns What is known of a job, undefined if it is unknown. A new object: for checks and people. */
  row(job: number): HostJobRow | undefined {
    const slot = this.slotOf(job);
    return slot < 0 ? undefined : this.rowAt(slot);
  }

  /** @returns As `row`. @param slot In use. */
  rowAt(slot: number): HostJobRow {
    const of = (column: ArrayLike<number>): number => column[slot] as number;
    return {
      state: of(this.states),
      reason: of(this.reasons),
      job: of(this.jobs),
      priority: of(this.priorities),
      rank: of(this.ranks),
      tenant: of(this.tenants),
      sinceSeconds: of(this.since),
      waitingSinceSeconds: of(this.waitingSince),
      attempt: of(this.attempts),
      attemptFloor: of(this.attemptFloors),
      firstAttempt: of(this.firstAttempts),
      offer: of(this.offers),
      target: of(this.targets),
      repeats: of(this.repeats),
      timer: of(this.timers),
      probes: of(this.probes),
      nextZone: of(this.nextZones),
      nextOffer: of(this.nextOffers),
      quote: of(this.quotes),
      doneSeconds: of(this.doneSeconds),
      moves: of(this.moves) === 1,
      standingUntilSeconds: of(this.standingUntil),
      standingFirst: of(this.standingFirst),
      standingSecond: of(this.standingSecond),
    };
  }

  /** @returns True if a job is bound to this very offer. Numbers of offers are unique within a zone only. */
  isBoundTo(slot: number, zone: number, offer: number): boolean {
    return this.offers[slot] === offer && this.targets[slot] === zone;
  }

  /** @returns True if the job of slot `a` goes before that of slot `b`. */
  goesBefore(a: number, b: number): boolean {
    const { priorities, ranks } = this;
    return goesBefore(
      priorities[a] as number,
      ranks[a] as number,
      priorities[b] as number,
      ranks[b] as number,
    );
  }

  /** Enters an unknown job. @returns Its slot. */
  add(
    { job, priority, tenant }: Pick<SubmittedJob, 'job' | 'priority' | 'tenant'>,
    line: JobLine,
    rank: number,
    timeSeconds: number,
  ): number {
    const slot = this.free.pop() ?? this.used++;
    if (slot >= this.states.length) this.grow();
    this.slots.set(job, slot);
    this.states[slot] = AgentState.Waiting;
    this.reasons[slot] = WaitReason.None;
    this.jobs[slot] = job;
    this.priorities[slot] = priority;
    this.tenants[slot] = tenant;
    this.ranks[slot] = rank;
    this.since[slot] = timeSeconds;
    this.waitingSince[slot] = timeSeconds;
    this.attempts[slot] = 0;
    this.attemptFloors[slot] = 0;
    this.offers[slot] = 0;
    this.targets[slot] = -1;
    this.repeats[slot] = 0;
    this.timers[slot] = 0;
    this.probes[slot] = 0;
    this.nextOffers[slot] = 0;
    this.nextZones[slot] = -1;
    this.quotes[slot] = 0;
    this.doneSeconds[slot] = 0;
    this.moves[slot] = 0;
    this.firstAttempts[slot] = 0;
    this.standingUntil[slot] = Number.NEGATIVE_INFINITY;
    this.standingFirst[slot] = -1;
    this.standingSecond[slot] = -1;
    this.lines[slot] = line;
    return slot;
  }

  /** A job enters a state; a timer that was set for it is ignored. */
  turn(slot: number, state: number, timeSeconds: number): void {
    this.states[slot] = state;
    this.since[slot] = timeSeconds;
    this.reasons[slot] = WaitReason.None;
    this.timers[slot] = 0;
  }

  /** Forgets a job. */
  remove(slot: number): void {
    this.slots.delete(this.jobs[slot] as number);
    this.states[slot] = AgentState.Free;
    this.lines[slot] = undefined;
    this.free.push(slot);
  }

  /** Visits all jobs known, in the order of their slots. */
  forEach(visit: (slot: number) => void): void {
    for (let slot = 0; slot < this.used; slot++) if (this.states[slot] !== AgentState.Free) visit(slot);
  }

  private grow(): void {
    const n = 2 * this.states.length;
    this.states = grown(this.states, n);
    this.reasons = grown(this.reasons, n);
    this.jobs = grown(this.jobs, n);
    this.priorities = grown(this.priorities, n);
    this.tenants = grown(this.tenants, n);
    this.ranks = grown(this.ranks, n);
    this.since = grown(this.since, n);
    this.waitingSince = grown(this.waitingSince, n);
    this.attempts = grown(this.attempts, n);
    this.attemptFloors = grown(this.attemptFloors, n);
    this.offers = grown(this.offers, n);
    this.targets = grown(this.targets, n);
    this.repeats = grown(this.repeats, n);
    this.timers = grown(this.timers, n);
    this.nextOffers = grown(this.nextOffers, n);
    this.nextZones = grown(this.nextZones, n);
    this.quotes = grown(this.quotes, n);
    this.doneSeconds = grown(this.doneSeconds, n);
    this.firstAttempts = grown(this.firstAttempts, n);
    this.standingUntil = grown(this.standingUntil, n);
    this.standingFirst = grown(this.standingFirst, n);
    this.standingSecond = grown(this.standingSecond, n);
    this.moves = grown(this.moves, n);
    this.probes = grown(this.probes, n);
  }
}
