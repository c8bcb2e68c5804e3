/**
 * The TEG queue: no job is the head of a queue. Every waiting job that fits starts, in the order of tenants' shares, then
 * priority and arrival; for the one whose turn it is, the champion, room is reserved once it can pay for it
 * (`champions.ts`), and everything that is expected to end before its start flows around it.
 *
 * One pass: champions that fit start; reservations are planned from the expected ends of running jobs; then lines of
 * equal jobs are tried, each job with those reserved nodes closed that it would still hold when they are needed. A line
 * that does not fit is not tried again before room is freed.
 *
 * With exact run times a champion starts at the first start that it was promised, or before: only what ends before may
 * start on its nodes. A job that runs longer than expected is never ended for it; it postpones the promise. What rests on loans is
 * promised nothing: its start is an estimate, and those who are owed room may take its nodes (`accounts-terms.ts`).
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
import { FailedRoom } from './failed-room.ts';
import type { ExpectedEnd } from './future-room.ts';
import type { HeadroomClaims } from './headroom.ts';
import { IncompleteJobs } from './incomplete-jobs.ts';
import { type PromiseCounts, Reservations } from './reservations.ts';
import type { RoomMaker } from './room-maker.ts';
import { RunningEnds } from './running-ends.ts';
import {
  firstsByDomain,
  nextWaiting,
  roomClaimOf,
  type TegEntry,
  type TegLine,
  TegLines,
} from './teg-lines.ts';
import {
  CANDIDATES_MAX_DEFAULT,
  NO_ENTRIES,
  NO_ORDER,
  NOT_FOR_WANT_OF_ROOM,
  REST_SECONDS,
  type TegQueueOptions,
} from './teg-queue-options.ts';
import { reasonOfEntry } from './teg-reasons.ts';
import { sharesAt, type TenantOrder, TurnOrder } from './turn-order.ts';

/** See the head of the file. */
export class TegQueue implements QueueDiscipline {
  readonly name = 'teg';
  private readonly estimates: RuntimeEstimates;
  private readonly order: TenantOrder;
  private readonly lines = new TegLines();
  private readonly running: RunningEnds;
  private readonly reservations: Reservations;
  private readonly candidatesMax: number;
  private readonly rooms: RoomMaker | undefined;
  private readonly headroom: HeadroomClaims | undefined;
  /** Jobs that began to wait since the last pass. */
  private fresh: TegEntry[] = [];
  /** Number of these, the first ones, that were tried in this pass. */
  private triedFresh = 0;
  /** True if jobs may fit for another reason than freed room. */
  private isRuleChanged = false;
  /** True if room may have been freed, or a rule changed, since the last pass. */
  private isFreed = true;
  /** When room was freed last for which nobody waited. */
  private freedAt = Number.NEGATIVE_INFINITY;
  private due = Number.POSITIVE_INFINITY;
  /** When new jobs beyond those that one pass looks at are looked at. */
  private restDue = Number.POSITIVE_INFINITY;
  private readonly failed = new FailedRoom();
  private candidatesLeft = 0;
  /** True if a job may start in the next pass although it has no more room than in the last one. */
  private isUnsettled = true;
  /** Of the estimates at the last complete pass. */
  private learned = 0;
  private readonly incomplete: IncompleteJobs;
  /** What jobs that would fit now are kept from by reservations: thousandths of a GPU, or of a CPU without GPUs. */
  private wanted = 0;
  /** The job for which room was made in a step that was full then. */
  private owed: TegEntry | undefined;

  /** @param estimates Of this queue alone. @param order Absent: all tenants are equal. */
  constructor(estimates: RuntimeEstimates, order: TenantOrder = NO_ORDER, options: TegQueueOptions = {}) {
    this.estimates = estimates;
    this.order = order;
    this.candidatesMax = options.candidatesMax ?? CANDIDATES_MAX_DEFAULT;
    this.rooms = options.rooms;
    this.headroom = options.headroom;
    this.running = new RunningEnds((job, timeSeconds) => estimates.expectedEnd(job, timeSeconds));
    const ageOf = (job: number, timeSeconds: number): number => estimates.age(job, timeSeconds);
    this.reservations = new Reservations(options, this.running, this.failed, ageOf);
    this.incomplete = new IncompleteJobs(estimates, this.reservations, this.failed, this.rooms);
  }

  get dueSeconds(): number {
    return Math.min(this.due, this.restDue);
  }

  get isIdle(): boolean {
    return this.lines.jobCount === 0 && this.incomplete.size === 0 && !this.isRuleChanged && !this.isFreed;
  }

  /** Starts that champions were promised, of those that have started. */
  get promises(): Readonly<PromiseCounts> {
    return this.reservations.promises;
  }

  submitted(queued: QueuedJob, timeSeconds: number): void {
    this.enqueue(this.add(queued, timeSeconds));
  }

  adopted(queued: QueuedJob, timeSeconds: number): void {
    this.runs(this.add(queued, timeSeconds), timeSeconds);
  }

  withdrawn(job: number): void {
    const entry = this.lines.entryOf(job);
    this.lines.dequeue(entry);
    this.isFreed ||= this.reservations.bitOf(entry) !== 0;
    this.isUnsettled = true;
    this.rooms?.ended(job);
    this.forget(entry);
  }

  ended(job: number, reason: ReasonCode, timeSeconds: number): void {
    this.running.remove(job);
    this.incomplete.delete(job);
    this.rooms?.ended(job);
    this.estimates.ended(job, timeSeconds, reason === Reason.Finished);
    // Evicted within a pass: the room counts as freed for no later one.
    if (reason === Reason.Preempted) this.isRuleChanged = true;
    if (this.isIdle && reason !== Reason.Preempted && reason !== Reason.NodeLost) {
      // No pass is needed for that, but one at this time counts the room as freed.
      this.failed.clear();
      this.freedAt = timeSeconds;
    } else this.isFreed = true;
    // A job that lost its node or was evicted comes back as `returned`; one that failed does not, and costs an entry.
    if (reason === Reason.Finished || reason === Reason.Cancelled) this.forget(this.lines.entryOf(job));
  }

  returned(job: number): void {
    this.enqueue(this.lines.entryOf(job));
  }

  nodesChanged(): void {
    this.isRuleChanged = true;
    this.isFreed = true;
    this.reservations.nodesChanged();
  }

  tenantWoken(): void {
    this.isUnsettled = true;
    this.isFreed = true;
  }

  decide(pass: SchedulingPass): void {
    this.candidatesLeft = this.candidatesMax;
    this.reservations.begin(pass);
    this.rooms?.drain(pass);
    const isFreed = this.isFreed || this.freedAt === pass.timeSeconds || this.due <= pass.timeSeconds;
    if (this.isRuleChanged) this.failed.clear();
    else this.failed.forgive(pass, this.reservations.maskOf);
    const isWhole = isFreed && (this.fresh.length > 0 || !this.isQuiet(pass));
    const isComplete = isWhole ? this.decideAll(pass) : this.decideFresh(pass);
    this.reservations.finish(pass, this.wanted);
    // A step that is full: the next pass begins again.
    this.isFreed = !isComplete;
    this.isUnsettled ||= !isComplete;
    if (!isComplete) return;
    this.fresh.splice(0, this.triedFresh);
    const due = Math.min(this.reservations.dueSeconds, this.rooms?.dueSeconds ?? Number.POSITIVE_INFINITY);
    this.restDue = this.fresh.length > 0 ? pass.timeSeconds + REST_SECONDS : Number.POSITIVE_INFINITY;
    this.due = due > pass.timeSeconds ? due : Number.POSITIVE_INFINITY;
  }

  reasonOf(job: number): AccountsRefusal | undefined {
    const entry = this.lines.find(job);
    if (entry === undefined || !entry.waits) return undefined;
    return reasonOfEntry(entry, this.reservations, this.headroom);
  }

  /** @returns The start that a champion is promised now, seconds; undefined: it is none, or its start is an estimate. */
  startsBy(job: number): number | undefined {
    const entry = this.lines.find(job);
    return entry && this.reservations.promiseTo(entry);
  }

  /** @returns False: the step is full. */
  private decideAll(pass: SchedulingPass): boolean {
    this.wanted = 0;
    this.triedFresh = this.fresh.length;
    this.isRuleChanged = false;
    this.isUnsettled = false;
    this.learned = this.estimates.learned;
    this.failed.settle();
    if (!this.startOwed(pass) || !this.serveChampions(pass)) return false;
    this.electChampions(pass);
    if (!this.tryAll(pass)) return false;
    this.reservations.closeOnly(pass, 0);
    if (!this.evictFor(pass, this.lines.firsts())) return false;
    this.reservations.closeOnly(pass, 0);
    this.electChampions(pass);
    if (!this.renewHeadroom(pass)) return false;
    this.incomplete.grow(pass, this.candidatesLeft);
    this.isUnsettled ||= this.candidatesLeft <= 0 || this.incomplete.size > 0;
    return true;
  }

  /** True if a complete pass would do nothing: all who wait are known to find no room, and nothing else has changed or is due. */
  private isQuiet(pass: SchedulingPass): boolean {
    const { timeSeconds } = pass;
    if (this.isUnsettled || this.isRuleChanged || this.failed.isOver) return false;
    if (this.due <= timeSeconds || this.reservations.isDue(timeSeconds)) return false;
    if (this.reservations.count > 0 && this.estimates.learned > this.learned) return false;
    if (this.headroom?.isDue(this.lines, timeSeconds) === true) return false;
    if (this.rooms?.begin(timeSeconds) !== true) return true;
    return !this.lines.firsts().some((entry) => this.rooms?.couldMakeRoom(roomClaimOf(entry), timeSeconds));
  }

  /** No room was freed: only new jobs can start, or become champion at once. @returns False: the step is full. */
  private decideFresh(pass: SchedulingPass): boolean {
    if (!this.tryFresh(pass) || !this.evictForFresh(pass)) return false;
    if (this.triedFresh < this.fresh.length) return true;
    // Who comes first to a queue that is empty may be champion at once.
    if (this.lines.jobCount === 0 || this.freshAreSavedFor(pass)) return true;
    return (!this.fresh.some(({ waits }) => waits) && this.isQuiet(pass)) || this.decideAll(pass);
  }

  private evictForFresh(pass: SchedulingPass): boolean {
    if (this.rooms === undefined) return true;
    const waiting = this.fresh.filter(({ waits }) => waits);
    if (waiting.length === 0) return true;
    this.reservations.closeOnly(pass, 0);
    return this.evictFor(pass, waiting);
  }

  private add(queued: QueuedJob, timeSeconds: number): TegEntry {
    const { job, owner, tenant, expectedSeconds, terms } = queued;
    this.estimates.submitted(job, owner, tenant, expectedSeconds, terms);
    return this.lines.add(queued, timeSeconds);
  }

  private enqueue(entry: TegEntry): void {
    this.lines.enqueue(entry);
    this.fresh.push(entry);
  }

  private forget(entry: TegEntry): void {
    this.reservations.forget(entry);
    this.lines.forget(entry);
    this.estimates.forgotten(entry.job);
  }

  /** Starts champions that fit, and plans for those that do not. @returns False: the step is full. */
  private serveChampions(pass: SchedulingPass): boolean {
    for (;;) {
      const result = this.startChampion(pass);
      if (result === StartResult.StepFull) return false;
      if (result !== StartResult.Started) break;
    }
    this.reservations.replan(pass);
    return true;
  }

  /** Starts the first champion that fits without the room of another's. @returns As `SchedulingPass.start`. */
  private startChampion(pass: SchedulingPass): number {
    const { reservations } = this;
    for (const entry of reservations.entries) {
      const { line } = entry;
      const end = this.endOf(entry, pass.timeSeconds);
      const bits = reservations.against(end) & ~reservations.bitOf(entry);
      if (this.hasFailed(line, bits)) continue;
      if (reservations.takesPromised(entry, end)) {
        this.isUnsettled = true;
        continue;
      }
      reservations.closeFor(pass, line.demand, bits);
      const result = this.start(pass, entry);
      if (result === StartResult.NoRoom) this.failed.note(line.demand, line.gangMin, bits, pass.found);
      if (result === StartResult.Started || result === StartResult.StepFull) {
        reservations.closeOnly(pass, 0);
        return result;
      }
    }
    reservations.closeOnly(pass, 0);
    return StartResult.NoRoom;
  }

  /** @returns False: the step is full. */
  private renewHeadroom(pass: SchedulingPass): boolean {
    const { headroom, lines } = this;
    if (headroom === undefined) return true;
    const { timeSeconds } = pass;
    const ends = (): Iterable<ExpectedEnd> => this.running.at(timeSeconds);
    const view = { pass, lines, ends, shareOf: sharesAt(this.order, timeSeconds) };
    return !headroom.renew(view) || this.tryAll(pass);
  }

  /** True if those that save for reservations go before all new jobs. */
  private freshAreSavedFor({ cluster }: SchedulingPass): boolean {
    const { reservations } = this;
    if (!reservations.isSavedFor) return false;
    return this.fresh.every(({ waits, line }) => !waits || reservations.isSavedForBy(cluster, line.demand));
  }

  /** Each turn elects one; at most RESERVATIONS_MOST. */
  private electChampions(pass: SchedulingPass): void {
    while (this.reservations.elect(pass, this.nextInTurn(pass)));
  }

  private nextInTurn({ cluster, timeSeconds }: SchedulingPass): TegEntry[] {
    const { reservations } = this;
    const taken = new Set(reservations.entries);
    const domainOf = (line: TegLine): number => reservations.domainOf(cluster, line.demand);
    return firstsByDomain(this.lines, taken, domainOf, sharesAt(this.order, timeSeconds));
  }

  /** Tries all lines that may have room, in the order of turns. @returns False: the step is full. */
  private tryAll(pass: SchedulingPass): boolean {
    const turns = new TurnOrder(this.linesToTry(), (tenant) => this.order.shareOf(tenant, pass.timeSeconds));
    for (let line = turns.next; line !== undefined && this.candidatesLeft > 0; line = turns.next) {
      const started = this.tryLine(pass, line);
      if (started === undefined) return false;
      if (started === 0) turns.skip();
      else turns.started();
    }
    return true;
  }

  /** Lines that are not known to find no room. O(lines), some 50 ns each. */
  private linesToTry(): TegLine[] {
    const lines: TegLine[] = [];
    const champions = new Set(this.reservations.entries);
    this.lines.forEach((line) => {
      if (!this.hasFailed(line, 0)) {
        lines.push(line);
        return;
      }
      // As if it were tried: for want of room alone it waits now.
      const first = nextWaiting(line, champions);
      if (first === undefined) return;
      first.isHeld = false;
      first.reason = undefined;
    });
    return lines;
  }

  /** Starts the first job of a line that can. @returns Jobs started, at most 1; undefined: the step is full. */
  private tryLine(pass: SchedulingPass, line: TegLine): number | undefined {
    for (let at = line.head; at < line.entries.length && this.candidatesLeft > 0; at++) {
      const entry = line.entries[at] as TegEntry;
      if (!entry.waits || this.reservations.bitOf(entry) !== 0) continue;
      this.candidatesLeft--;
      const result = this.tryEntry(pass, entry);
      if (result === StartResult.StepFull) return undefined;
      if (result === StartResult.Started) return 1;
      // Equal jobs are held for the same reason; and none of them fits if no node was closed for this one.
      if (result === StartResult.NotAdmitted || this.hasFailed(line, 0)) return 0;
    }
    return 0;
  }

  /** Tries the jobs that came since the last pass, as many as it may; the others wait for the next one. @returns False: the step is full. */
  private tryFresh(pass: SchedulingPass): boolean {
    const { fresh } = this;
    this.triedFresh = 0;
    for (; this.triedFresh < fresh.length && this.candidatesLeft > 0; this.triedFresh++) {
      const entry = fresh[this.triedFresh] as TegEntry;
      if (!entry.waits) continue;
      // Those of which it is known that they find no room cost next to nothing.
      if (!this.hasFailed(entry.line, 0)) this.candidatesLeft--;
      if (this.tryEntry(pass, entry) === StartResult.StepFull) return false;
    }
    return true;
  }

  private tryEntry(pass: SchedulingPass, entry: TegEntry): number {
    const { line } = entry;
    const end = this.endOf(entry, pass.timeSeconds);
    const kept = this.reservations.headroomBehind(entry, end) ?? this.headroom?.behind(entry, end);
    entry.isHeld = kept !== undefined;
    if (kept !== undefined) {
      this.isUnsettled = true;
      entry.reason = kept;
      return StartResult.NoRoom;
    }
    const bits = this.reservations.against(end);
    if (this.hasFailed(line, bits)) {
      entry.reason = this.behindReservation(line, bits);
      return StartResult.NoRoom;
    }
    this.reservations.closeFor(pass, line.demand, bits);
    const result = this.start(pass, entry);
    if (result === StartResult.NoRoom) {
      this.failed.note(line.demand, line.gangMin, bits, pass.found);
      entry.reason = this.behindReservation(line, bits);
    }
    return result;
  }

  private start(pass: SchedulingPass, entry: TegEntry): number {
    const result = pass.start(entry.job);
    if (result === StartResult.NotAdmitted) {
      entry.reason = pass.refusal as AccountsRefusal;
      entry.isHeld = true;
      this.reservations.refused(entry, pass);
    }
    if (result !== StartResult.Started) return result;
    this.reservations.started(entry, pass);
    this.headroom?.started(entry, this.endOf(entry, pass.timeSeconds));
    this.lines.dequeue(entry);
    this.runs(entry, pass.timeSeconds);
    return result;
  }

  private runs(entry: TegEntry, timeSeconds: number): void {
    this.estimates.started(entry.job, timeSeconds);
    this.running.add(entry.job, timeSeconds);
    this.rooms?.started(roomClaimOf(entry), timeSeconds);
    this.incomplete.add(entry);
  }

  /**
   * Evicts for jobs that found neither room nor headroom, in the order of priority and rank; then fills what was freed beyond that.
   *
   * @returns False: the step is full.
   */
  private evictFor(pass: SchedulingPass, owed: TegEntry[]): boolean {
    const { rooms } = this;
    if (rooms === undefined) return true;
    if (!rooms.begin(pass.timeSeconds)) return true;
    // Room is owed by its quota, whatever its tenant had.
    owed.sort((a, b) => b.line.priority - a.line.priority || a.rank - b.rank);
    let hasEvicted = false;
    // Grows: after a job that got room comes the next of its line.
    for (let at = 0; at < owed.length && at < this.candidatesMax; at++) {
      const entry = owed[at] as TegEntry;
      const claim = roomClaimOf(entry);
      if (!entry.waits || !rooms.couldMakeRoom(claim, pass.timeSeconds)) continue;
      const end = this.endOf(entry, pass.timeSeconds);
      if (this.reservations.takesPromised(entry, end)) continue;
      this.reservations.closePromised(pass, entry, end);
      const result = this.start(pass, entry);
      if (result === StartResult.StepFull) return false;
      if (result !== StartResult.Started) {
        const isHopeless =
          result === StartResult.NotAdmitted && NOT_FOR_WANT_OF_ROOM.has(pass.refusal?.code ?? '');
        if (isHopeless || !rooms.makeRoom(pass, claim)) continue;
        hasEvicted = true;
        // Pods of jobs that go on may have left.
        this.isRuleChanged = true;
        this.owed = entry;
        if (!this.startOwed(pass)) return false;
      }
      const next = nextWaiting(entry.line, NO_ENTRIES);
      if (next !== undefined) owed.push(next);
    }
    if (!hasEvicted) return true;
    this.failed.clear();
    return this.tryAll(pass);
  }

  /** Starts the job for which room was made, before anything else. @returns False: the step is full. */
  private startOwed(pass: SchedulingPass): boolean {
    const { owed } = this;
    if (owed?.waits === true) {
      this.reservations.closePromised(pass, owed, this.endOf(owed, pass.timeSeconds));
      const result = this.start(pass, owed);
      if (result === StartResult.StepFull) return false;
      if (result !== StartResult.Started) this.rooms?.wasted();
    }
    this.owed = undefined;
    return true;
  }

  /** When a waiting job would end if it started now. */
  private endOf(entry: TegEntry, timeSeconds: number): number {
    return timeSeconds + this.estimates.estimate(entry.job);
  }

  private hasFailed({ demand, gangMin }: TegLine, bits: number): boolean {
    return this.failed.has(demand, gangMin, bits);
  }

  private behindReservation(line: TegLine, bits: number): AccountsRefusal | undefined {
    if (bits === 0 || this.hasFailed(line, 0)) return undefined;
    this.wanted += line.podCount * (line.demand.gpuTotalMilli || line.demand.cpuMilli);
    return this.reservations.behind(bits);
  }
}
