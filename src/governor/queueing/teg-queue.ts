/**
 * The TEG queue: no job is the head of a queue. Every waiting job that fits starts, in the order of tenants' shares, then
 * priority and arrival; for the one that has waited longest, the champion, room is reserved, and everything that is
 * expected to end before its start flows around it.
 *
 * One pass: champions that fit start; reservations are planned from the expected ends of running jobs; then lines of
 * equal jobs are tried, each job with those reserved nodes closed that it would still hold when they are needed. A line
 * that does not fit is not tried again before room is freed.
 *
 * With exact run times a champion starts at the first start that it was promised, or before: only what ends before may
 * start on its nodes. A job that runs longer than expected is never ended for it; it postpones the promise.
 */

import type { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import type { AccountsRefusal } from '../accounts.ts';
import {
  type QueueDiscipline,
  type QueuedJob,
  type SchedulingPass,
  StartResult,
} from '../zone/queue-discipline.ts';
import { Reason, type ReasonCode } from '../zone/zone-events.ts';
import { CHAMPION_DEFAULTS, type ChampionOptions, ChampionThreshold } from './champions.ts';
import { type ExpectedEnd, earliestStart, type StartPlan } from './future-room.ts';
import { firstOf, type QueueEntry, type WaitingLine, WaitingLines } from './waiting-lines.ts';

/** The order of tenants. */
export interface TenantOrder {
  /** @returns The share that a tenant has had, by its weight; the smaller goes first. Grows with each start. */
  shareOf(tenant: number, timeSeconds: number): number;
}

/** All tenants are equal. */
const NO_ORDER: TenantOrder = Object.freeze({ shareOf: () => 0 });

/** Options of the queue. */
export interface TegQueueOptions extends ChampionOptions {
  /** Jobs that one pass looks at, at most; default 20,000. */
  readonly candidatesMax?: number;
  /** Least virtual time between two plans of one champion, seconds; default 30. */
  readonly replanSeconds?: number;
}

/** Room that is kept for a champion. */
interface Reservation {
  readonly entry: QueueEntry;
  plan: StartPlan | undefined;
  plannedAtSeconds: number;
  /** The first start that was planned for it: its promise. NaN: none yet. */
  promisedSeconds: number;
}

/** Promises of a start, and how many were kept. */
export interface PromiseCounts {
  made: number;
  kept: number;
}

/** Promises count as kept to this accuracy, seconds: rounding of sums of times. */
const PROMISE_TOLERANCE_SECONDS = 1e-6;

/** See the head of the file. */
export class TegQueue implements QueueDiscipline {
  readonly name = 'teg';
  /** Starts that champions were promised, of those that have started. */
  readonly promises: PromiseCounts = { made: 0, kept: 0 };
  private readonly options: Required<TegQueueOptions>;
  private readonly estimates: RuntimeEstimates;
  private readonly order: TenantOrder;
  private readonly lines = new WaitingLines();
  private readonly running = new Set<number>();
  private readonly threshold: ChampionThreshold;
  private reservations: Reservation[] = [];
  /** Jobs that began to wait since the last pass. */
  private fresh: QueueEntry[] = [];
  /** True if room may have been freed, or a rule changed, since the last pass. */
  private isFreed = true;
  /** True if nodes changed since the plans were made. */
  private isStale = false;
  private due = Number.POSITIVE_INFINITY;
  /** [demand × reservations closed] fewest pods that found no room since room was freed. */
  private readonly failed = new Map<number, number>();
  /** Reservations whose nodes are closed now, as bits. */
  private closedBits = 0;
  private candidatesLeft = 0;

  /** @param estimates Of this queue alone. @param order Absent: all tenants are equal. */
  constructor(estimates: RuntimeEstimates, order: TenantOrder = NO_ORDER, options: TegQueueOptions = {}) {
    this.estimates = estimates;
    this.order = order;
    this.options = { ...CHAMPION_DEFAULTS, candidatesMax: 20_000, replanSeconds: 30, ...options };
    this.threshold = new ChampionThreshold(this.options);
  }

  get dueSeconds(): number {
    return this.due;
  }

  submitted(queued: QueuedJob, timeSeconds: number): void {
    this.estimates.submitted(queued.job, queued.owner, queued.tenant, queued.expectedSeconds);
    this.enqueue(this.lines.add(queued, timeSeconds));
  }

  adopted(queued: QueuedJob, timeSeconds: number): void {
    this.estimates.submitted(queued.job, queued.owner, queued.tenant, queued.expectedSeconds);
    this.lines.add(queued, timeSeconds);
    this.estimates.started(queued.job, timeSeconds);
    this.running.add(queued.job);
  }

  withdrawn(job: number): void {
    const entry = this.lines.entryOf(job);
    this.lines.dequeue(entry);
    this.forget(entry);
    this.isFreed ||= this.reservations.some((reservation) => reservation.entry === entry);
  }

  ended(job: number, reason: ReasonCode, timeSeconds: number): void {
    this.running.delete(job);
    this.estimates.ended(job, timeSeconds, reason === Reason.Finished);
    this.isFreed = true;
    // A job that lost its node or was evicted comes back as `returned`; one that failed does not, and costs an entry.
    if (reason === Reason.Finished || reason === Reason.Cancelled) this.forget(this.lines.entryOf(job));
  }

  returned(job: number): void {
    this.enqueue(this.lines.entryOf(job));
  }

  nodesChanged(): void {
    this.isFreed = true;
    this.isStale = true;
  }

  tenantWoken(): void {
    this.isFreed = true;
  }

  decide(pass: SchedulingPass): void {
    this.candidatesLeft = this.options.candidatesMax;
    this.closedBits = 0;
    const isComplete =
      this.isFreed || this.due <= pass.timeSeconds ? this.decideAll(pass) : this.decideFresh(pass);
    // A step that is full: the next pass begins again.
    this.isFreed = !isComplete;
    if (!isComplete) return;
    this.fresh.length = 0;
    const due = this.nextDue();
    this.due = due > pass.timeSeconds ? due : Number.POSITIVE_INFINITY;
  }

  reasonOf(job: number): AccountsRefusal | undefined {
    const entry = this.lines.find(job);
    if (entry === undefined || !entry.waits) return undefined;
    const own = this.reservations.find((reservation) => reservation.entry === entry);
    if (own?.plan !== undefined) {
      const { startSeconds, nodes } = own.plan;
      return { code: 'reserved', data: { startsBySeconds: startSeconds, nodes: nodes.length } };
    }
    return entry.reason;
  }

  /** @returns The start that a champion is promised now, seconds; undefined: it is none. */
  startsBy(job: number): number | undefined {
    return this.reservations.find(({ entry }) => entry.job === job)?.plan?.startSeconds;
  }

  /** @returns False: the step is full. */
  private decideAll(pass: SchedulingPass): boolean {
    this.failed.clear();
    return this.serveChampions(pass) && this.tryAll(pass);
  }

  /** No room was freed: only new jobs can start, or become champion at once. @returns False: the step is full. */
  private decideFresh(pass: SchedulingPass): boolean {
    if (!this.tryFresh(pass)) return false;
    return this.nextDue() > pass.timeSeconds || this.decideAll(pass);
  }

  private enqueue(entry: QueueEntry): void {
    this.lines.enqueue(entry);
    this.fresh.push(entry);
  }

  private forget(entry: QueueEntry): void {
    this.reservations = this.reservations.filter((reservation) => reservation.entry !== entry);
    this.lines.forget(entry);
    this.estimates.forgotten(entry.job);
  }

  /** Starts champions that fit, and plans for those that do not. @returns False: the step is full. */
  private serveChampions(pass: SchedulingPass): boolean {
    for (;;) {
      this.electChampions(pass.timeSeconds);
      const result = this.startChampion(pass);
      if (result === StartResult.StepFull) return false;
      if (result !== StartResult.Started) break;
    }
    this.plan(pass);
    return true;
  }

  /** Starts the first champion that fits without the room of another's. @returns As `SchedulingPass.start`. */
  private startChampion(pass: SchedulingPass): number {
    for (const { entry } of this.reservations) {
      this.closeFor(pass, this.bitsAgainst(entry, pass.timeSeconds) & ~this.bitOf(entry));
      const result = this.start(pass, entry);
      if (result !== StartResult.NoRoom) {
        this.openAll(pass);
        if (result !== StartResult.NotAdmitted) return result;
      }
    }
    this.openAll(pass);
    return StartResult.NoRoom;
  }

  /** Adds the longest waiting jobs that have waited long enough, by priority and arrival. One that is champion stays so. */
  private electChampions(timeSeconds: number): void {
    const taken = new Set(this.reservations.map(({ entry }) => entry));
    while (this.reservations.length < this.options.reservationsMax) {
      const entry = this.longestWaiting(taken);
      const needSeconds = this.threshold.secondsOf(this.reservations.length);
      if (entry === undefined || timeSeconds - entry.sinceSeconds < needSeconds) break;
      taken.add(entry);
      const plannedAtSeconds = Number.NEGATIVE_INFINITY;
      this.reservations.push({ entry, plan: undefined, plannedAtSeconds, promisedSeconds: Number.NaN });
    }
  }

  private longestWaiting(taken: ReadonlySet<QueueEntry>): QueueEntry | undefined {
    let best: QueueEntry | undefined;
    this.lines.forEach((line) => {
      const entry = nextWaiting(line, taken);
      if (entry === undefined || entry.reason?.code === HELD) return;
      if (best === undefined || goesFirst(entry, best)) best = entry;
    });
    return best;
  }

  private plan(pass: SchedulingPass): void {
    const { timeSeconds } = pass;
    let ends: ExpectedEnd[] | undefined;
    if (this.isStale) for (const reservation of this.reservations) reservation.plan = undefined;
    this.isStale = false;
    for (const reservation of this.reservations) {
      if (!this.isPlanDue(reservation, timeSeconds)) continue;
      ends ??= this.expectedEnds(timeSeconds);
      const { demand, gangMin } = reservation.entry.line;
      const plan = earliestStart(pass, demand, gangMin, ends, this.nodesOfOthers(reservation));
      reservation.plannedAtSeconds = timeSeconds;
      // A plan that still holds is given up for an earlier start alone.
      const holds = reservation.plan !== undefined && reservation.plan.startSeconds > timeSeconds;
      if (holds && !(plan !== undefined && plan.startSeconds < startOf(reservation))) continue;
      reservation.plan = plan;
      if (Number.isNaN(reservation.promisedSeconds) && plan !== undefined) {
        reservation.promisedSeconds = plan.startSeconds;
      }
    }
  }

  private nodesOfOthers(reservation: Reservation): ReadonlySet<number> {
    const nodes = new Set<number>();
    for (const other of this.reservations) {
      if (other !== reservation) for (const node of other.plan?.nodes ?? []) nodes.add(node);
    }
    return nodes;
  }

  private isPlanDue({ plan, plannedAtSeconds }: Reservation, timeSeconds: number): boolean {
    if (plan === undefined || plan.startSeconds <= timeSeconds) return true;
    return timeSeconds - plannedAtSeconds >= this.options.replanSeconds;
  }

  private expectedEnds(timeSeconds: number): ExpectedEnd[] {
    const ends: ExpectedEnd[] = [];
    for (const job of this.running) {
      ends.push({ job, endSeconds: this.estimates.expectedEnd(job, timeSeconds) });
    }
    return ends.sort((a, b) => a.endSeconds - b.endSeconds || a.job - b.job);
  }

  /** Tries all lines, in the order of shares. @returns False: the step is full. */
  private tryAll(pass: SchedulingPass): boolean {
    const lines: WaitingLine[] = [];
    this.lines.forEach((line) => {
      lines.push(line);
    });
    const shares = new Map<number, number>();
    const shareOf = (tenant: number): number => {
      let share = shares.get(tenant);
      if (share === undefined) {
        share = this.order.shareOf(tenant, pass.timeSeconds);
        shares.set(tenant, share);
      }
      return share;
    };
    const before = (a: WaitingLine, b: WaitingLine): number =>
      shareOf(a.tenant) - shareOf(b.tenant) || b.priority - a.priority || firstOf(a).rank - firstOf(b).rank;
    lines.sort(before);
    while (lines.length > 0 && this.candidatesLeft > 0) {
      const line = lines.shift() as WaitingLine;
      const started = this.tryLine(pass, line);
      if (started === undefined) return false;
      if (started === 0) continue;
      shares.delete(line.tenant);
      if (line.waiting === 0) continue;
      // Its tenant has had its turn, and its first job is another one.
      const at = lines.findIndex((other) => before(line, other) < 0);
      lines.splice(at < 0 ? lines.length : at, 0, line);
    }
    return true;
  }

  /** Starts the first job of a line that can. @returns Jobs started, at most 1; undefined: the step is full. */
  private tryLine(pass: SchedulingPass, line: WaitingLine): number | undefined {
    for (let at = line.head; at < line.entries.length && this.candidatesLeft > 0; at++) {
      const entry = line.entries[at] as QueueEntry;
      if (!entry.waits || this.bitOf(entry) !== 0) continue;
      const result = this.tryEntry(pass, entry);
      if (result === StartResult.StepFull) return undefined;
      if (result === StartResult.Started) return 1;
      // Equal jobs are held for the same reason; and none of them fits if no node was closed for this one.
      if (result === StartResult.NotAdmitted || this.hasFailed(line, 0)) return 0;
    }
    return 0;
  }

  /** Tries the jobs that came since the last pass. @returns False: the step is full. */
  private tryFresh(pass: SchedulingPass): boolean {
    for (const entry of this.fresh) {
      if (!entry.waits) continue;
      if (this.tryEntry(pass, entry) === StartResult.StepFull) return false;
    }
    return true;
  }

  private tryEntry(pass: SchedulingPass, entry: QueueEntry): number {
    const { line } = entry;
    const bits = this.bitsAgainst(entry, pass.timeSeconds);
    this.candidatesLeft--;
    if (this.hasFailed(line, bits)) {
      entry.reason = this.behindReservation(line, bits);
      return StartResult.NoRoom;
    }
    this.closeFor(pass, bits);
    const result = this.start(pass, entry);
    if (result === StartResult.NoRoom) {
      const key = line.demand.id * 256 + bits;
      this.failed.set(key, Math.min(this.failed.get(key) ?? Infinity, line.gangMin));
      entry.reason = this.behindReservation(line, bits);
    }
    return result;
  }

  private start(pass: SchedulingPass, entry: QueueEntry): number {
    const result = pass.start(entry.job);
    if (result === StartResult.NotAdmitted) {
      const refusal = pass.refusal as AccountsRefusal;
      entry.reason = { code: HELD, data: { because: refusal.code, ...refusal.data } };
      this.dropReservation(pass, entry);
    }
    if (result !== StartResult.Started) return result;
    const { timeSeconds } = pass;
    const reservation = this.reservations.find((held) => held.entry === entry);
    if (reservation !== undefined) {
      this.countChampion(reservation, timeSeconds);
      this.dropReservation(pass, entry);
    }
    this.lines.dequeue(entry);
    this.estimates.started(entry.job, timeSeconds);
    this.running.add(entry.job);
    return result;
  }

  /** The nodes of all are open then: their places are bits, which change. */
  private dropReservation(pass: SchedulingPass, entry: QueueEntry): void {
    this.openAll(pass);
    this.reservations = this.reservations.filter((reservation) => reservation.entry !== entry);
  }

  private countChampion(reservation: Reservation, timeSeconds: number): void {
    const { entry, promisedSeconds } = reservation;
    this.threshold.started(timeSeconds - entry.sinceSeconds);
    if (!Number.isNaN(promisedSeconds)) {
      this.promises.made++;
      if (timeSeconds <= promisedSeconds + PROMISE_TOLERANCE_SECONDS) this.promises.kept++;
    }
  }

  /** Reservations whose nodes a job must not take, because it would hold them when they are needed, as bits. */
  private bitsAgainst(entry: QueueEntry, timeSeconds: number): number {
    if (this.reservations.length === 0) return 0;
    const endSeconds = timeSeconds + this.estimates.estimate(entry.job);
    let bits = 0;
    this.reservations.forEach((reservation, i) => {
      if (endSeconds > startOf(reservation)) bits |= 1 << i;
    });
    return bits;
  }

  private bitOf(entry: QueueEntry): number {
    const at = this.reservations.findIndex((reservation) => reservation.entry === entry);
    return at < 0 ? 0 : 1 << at;
  }

  /** Closes the nodes of these reservations, and opens the others'. */
  private closeFor(pass: SchedulingPass, bits: number): void {
    if (bits === this.closedBits) return;
    this.reservations.forEach(({ plan }, i) => {
      const wanted = (bits >> i) & 1;
      if (wanted === ((this.closedBits >> i) & 1)) return;
      for (const node of plan?.nodes ?? []) {
        if (wanted === 1) pass.close(node);
        else pass.open(node);
      }
    });
    this.closedBits = bits;
  }

  private openAll(pass: SchedulingPass): void {
    this.closeFor(pass, 0);
  }

  /** True if no job of this demand and size finds room, with at most these nodes closed. */
  private hasFailed(line: WaitingLine, bits: number): boolean {
    for (let subset = bits; ; subset = (subset - 1) & bits) {
      if ((this.failed.get(line.demand.id * 256 + subset) ?? Infinity) <= line.gangMin) return true;
      if (subset === 0) return false;
    }
  }

  /** Undefined: there is no room, reserved or not. */
  private behindReservation(line: WaitingLine, bits: number): AccountsRefusal | undefined {
    if (bits === 0 || this.hasFailed(line, 0)) return undefined;
    const first = this.reservations.find((_, i) => ((bits >> i) & 1) === 1) as Reservation;
    const startsBySeconds = first.plan?.startSeconds ?? Number.NaN;
    return { code: 'room-reserved', data: { forJob: first.entry.job, startsBySeconds } };
  }

  /** When the next job becomes champion, perhaps in the past; Infinity: none. */
  private nextDue(): number {
    const at = this.reservations.length;
    if (at >= this.options.reservationsMax) return Number.POSITIVE_INFINITY;
    const next = this.longestWaiting(new Set(this.reservations.map(({ entry }) => entry)));
    if (next === undefined) return Number.POSITIVE_INFINITY;
    return next.sinceSeconds + this.threshold.secondsOf(at);
  }
}

/** Code of the reason of jobs that the accounts do not admit. */
const HELD = 'not-admitted';

/** Start of a plan; Infinity: there is none, and nothing is reserved. */
function startOf({ plan }: Reservation): number {
  return plan?.startSeconds ?? Number.POSITIVE_INFINITY;
}

/** The first waiting job of a line that is not taken. */
function nextWaiting(line: WaitingLine, taken: ReadonlySet<QueueEntry>): QueueEntry | undefined {
  for (let at = line.head; at < line.entries.length; at++) {
    const entry = line.entries[at] as QueueEntry;
    if (entry.waits && !taken.has(entry)) return entry;
  }
  return undefined;
}

function goesFirst(a: QueueEntry, b: QueueEntry): boolean {
  return a.line.priority !== b.line.priority ? a.line.priority > b.line.priority : a.rank < b.rank;
}
