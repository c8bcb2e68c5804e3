/**
 * The reservations of champions: who is promised a start, on which nodes, and for whom these nodes are closed.
 *
 * Invariant: nodes of two reservations are disjoint. With exact run times a plan holds from its making: whatever starts
 * on its nodes later ends before its start. A promise is firm if the accounts will admit the job as well; what rests on loans is an
 * estimate: lenders may take its nodes, and it is counted as no promise. A drain is a reservation without a promise: no end is known, its nodes are
 * chosen by how long jobs run already (what has run for long will run for long), and closed to all others. Positions in the list are bits of a mask; they change when a reservation is
 * dropped, and all nodes are open then.
 */
import { SYSTEM_PRIORITY_MIN } from '../../market/reclaim/reclaim-world.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { AccountsRefusal } from '../accounts.ts';
import type { SchedulingPass } from '../zone/queue-discipline.ts';
import type { AccountsTerms } from './accounts-terms.ts';
import { affordableAt, CHAMPION_DEFAULTS, type ChampionOptions, RESERVATIONS_MOST } from './champions.ts';
import { Contention } from './contention.ts';
import type { FailedRoom } from './failed-room.ts';
import { type ExpectedEnd, earliestStart, fitsNow, type RoomPlan, shareOfCluster } from './future-room.ts';
import { IdleBudget } from './idle-budget.ts';
import {
  isSamePlan,
  newReservation,
  type Reservation,
  reasonBehind,
  reasonOfChampion,
  startOf,
} from './reservation.ts';
import type { RunningEnds } from './running-ends.ts';
import type { TegEntry, TegLine } from './teg-lines.ts';

/** Options of reservations. */
export interface ReservationOptions extends ChampionOptions {
  /** Least virtual time between two plans for one job, seconds; default 30. */
  readonly replanSeconds?: number;
  /** Whether the accounts admit a champion when its time has come; absent: they always do. */
  readonly terms?: AccountsTerms;
}

/** Firm promises of a start, the first to each job that has started, and how many were kept. */
export interface PromiseCounts {
  made: number;
  kept: number;
}

/** Promises count as kept to this accuracy, seconds: rounding of sums of times. */
const PROMISE_TOLERANCE_SECONDS = 1e-6;

/** Of a job that has just begun and may take any time, seconds. */
const TYPICAL_RUN_SECONDS = 3600;
/** A drain is given up when it has cost this many times what was expected. */
const DRAIN_COST_FACTOR = 2;
/** The longest time over which savings accumulate, seconds. */
const SAVED_SECONDS = 14 * 86_400;
/** The usual wait is a mean over jobs that together take the cluster this many times. */
const USUAL_CLUSTERS = 20;

/** All reservations of one queue. */
export class Reservations {
  readonly promises: PromiseCounts = { made: 0, kept: 0 };
  /** First firm promises to jobs that wait, also if their nodes were given up. */
  private readonly stated = new Map<TegEntry, number>();
  private readonly options: Required<Omit<ReservationOptions, 'terms'>>;
  private readonly terms: AccountsTerms | undefined;
  private readonly running: RunningEnds;
  private readonly failed: FailedRoom;
  private list: readonly Reservation[] = [];
  /** Reservations of each node that has any, as bits; undefined: they have moved since. */
  private masks: Map<number, number> | undefined;
  /** The next champions, of domains that do not contend, with the plans that they save for. */
  private candidates: readonly Reservation[] = [];
  private readonly contention = new Contention();
  /** True if nodes changed since the plans were made. */
  private isStale = false;
  /** Reservations whose nodes are closed now. */
  private closedBits = 0;
  private readonly ageOf: (job: number, timeSeconds: number) => number;
  private readonly savings: IdleBudget;
  private readonly drainSavings: IdleBudget;
  /** Part of the cluster that stands idle for champions although a waiting job would use it. */
  private idleShare = 0;
  /** Mean wait of jobs that started lately, seconds. */
  private usualWaitSeconds = 0;

  /**
   * @param running Running jobs by their expected ends.
   * @param failed  Informed of moves.
   * @param ageOf   How long a running job has run.
   */
  constructor(
    options: ReservationOptions,
    running: RunningEnds,
    failed: FailedRoom,
    ageOf: (job: number, timeSeconds: number) => number,
  ) {
    this.options = { ...CHAMPION_DEFAULTS, replanSeconds: 30, ...options };
    this.terms = options.terms;
    this.running = running;
    this.failed = failed;
    this.ageOf = ageOf;
    this.savings = new IdleBudget(this.options.idleShare, SAVED_SECONDS * this.options.idleShare);
    this.drainSavings = new IdleBudget(this.options.drainShare, SAVED_SECONDS * this.options.drainShare);
  }

  /** Champions now. */
  get count(): number {
    return this.list.length;
  }

  /** They themselves. */
  get entries(): readonly TegEntry[] {
    return this.list.map(({ entry }) => entry);
  }

  /** True if a job saves for a reservation. */
  get isSavedFor(): boolean {
    return this.candidates.some(({ entry }) => entry.waits);
  }

  /** True if a job that contends with this one saves for a reservation. */
  isSavedForBy(cluster: ClusterState, demand: Demand): boolean {
    const domain = this.domainOf(cluster, demand);
    return this.candidates.some(
      ({ entry }) =>
        entry.waits && this.contention.contend(domain, this.domainOf(cluster, entry.line.demand)),
    );
  }

  /** @returns The number of the contention domain of a demand, small. Numbers hold for one pass. */
  domainOf(cluster: ClusterState, demand: Demand): number {
    return this.contention.domainOf(cluster, demand);
  }

  /** When the next job becomes champion at the latest, perhaps in the past; Infinity: not known. */
  get dueSeconds(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const candidate of this.candidates) {
      if (candidate.plan === undefined || !candidate.entry.waits) continue;
      due = Math.min(due, this.affordableAt(candidate, candidate.plan));
    }
    return due;
  }

  /** @returns True if plans are to be made again, or given up, by now. */
  isDue(timeSeconds: number): boolean {
    const isDue = (candidate: Reservation): boolean =>
      candidate.entry.waits && this.isPlanDue(candidate, timeSeconds);
    if (this.isStale || this.candidates.some(isDue)) return true;
    return this.list.some((champion) => this.isPlanDue(champion, timeSeconds) || this.isSpent(champion));
  }

  /** Nodes joined, came up or went down: plans are made again. */
  nodesChanged(): void {
    this.isStale = true;
  }

  /** Begins a pass, in which all nodes are open. */
  begin({ timeSeconds, cluster }: SchedulingPass): void {
    this.closedBits = 0;
    this.contention.refresh(cluster);
    const drains = this.list.some(({ isDrain }) => isDrain);
    this.savings.advance(timeSeconds, drains ? 0 : this.idleShare);
    this.drainSavings.advance(timeSeconds, drains ? this.idleShare : 0);
  }

  /** Ends a pass. @param wanted What jobs that would fit now were kept from: thousandths of a GPU, or of a CPU without GPUs. */
  finish(pass: SchedulingPass, wanted: number): void {
    this.closeOnly(pass, 0);
    this.idleShare = 0;
    if (this.list.length === 0 || wanted === 0) return;
    const { capacity, freeGpuMilli, freeCpuMilli } = pass.cluster;
    const isGpu = capacity.gpuMilli > 0;
    const free = isGpu ? freeGpuMilli : freeCpuMilli;
    let idle = 0;
    for (const { plan } of this.list) for (const node of plan?.nodes ?? []) idle += free[node] as number;
    this.idleShare = Math.min(idle, wanted) / (isGpu ? capacity.gpuMilli : capacity.cpuMilli);
  }

  /** Plans again for champions, where that is due. All nodes have to be open. */
  replan(pass: SchedulingPass): void {
    const { timeSeconds } = pass;
    for (const reservation of this.list) if (this.isSpent(reservation)) this.drop(reservation.entry);
    if (this.isStale) {
      this.moved();
      for (const reservation of this.list) {
        reservation.plan = undefined;
        reservation.plannedAtSeconds = Number.NEGATIVE_INFINITY;
      }
    }
    this.isStale = false;
    for (const reservation of this.list) {
      if (!this.isPlanDue(reservation, timeSeconds)) continue;
      const { plan: before } = reservation;
      this.planAgain(pass, reservation);
      // A later start is no better plan. An equal one is: nodes that are busy until then take the place of free ones.
      if (before !== undefined && before.startSeconds > timeSeconds) {
        if (startOf(reservation) > before.startSeconds) {
          reservation.plan = before;
          reservation.isDrain = false;
        }
      }
      if (!isSamePlan(before, reservation.plan)) this.moved();
    }
  }

  /**
   * Makes a job champion that can pay for the room (`champions.ts`). All nodes have to be open.
   *
   * One that cannot, or for which there are champions enough, keeps those behind it that contend with it from becoming champion:
   * else a job that can use all nodes would wait for ever behind those that use some.
   *
   * @param firsts The longest waiting job of each domain that is not champion, in the order of turns.
   * @returns      True if one of them is champion now: they are to be chosen again.
   */
  elect(pass: SchedulingPass, firsts: readonly TegEntry[]): boolean {
    if (this.list.length >= RESERVATIONS_MOST || this.options.reservationsMax === 0) return false;
    const waiting: Reservation[] = [];
    const before: TegEntry[] = [];
    for (const entry of firsts) {
      if (waiting.length >= RESERVATIONS_MOST) break;
      if (before.some((other) => this.contend(pass, entry, other))) continue;
      before.push(entry);
      if (this.rivalsOf(pass, entry) >= this.options.reservationsMax) continue;
      const candidate = this.candidates.find((known) => known.entry === entry) ?? newReservation(entry);
      if (this.becomesChampion(pass, candidate)) {
        this.candidates = this.candidates.filter((known) => known !== candidate);
        return true;
      }
      waiting.push(candidate);
    }
    this.candidates = waiting;
    return false;
  }

  /** @returns Champions that a job contends with. */
  private rivalsOf(pass: SchedulingPass, entry: TegEntry): number {
    let rivals = 0;
    for (const champion of this.list) if (this.contend(pass, entry, champion.entry)) rivals++;
    return rivals;
  }

  private contend({ cluster }: SchedulingPass, a: TegEntry, b: TegEntry): boolean {
    const [domainA, domainB] = [this.domainOf(cluster, a.line.demand), this.domainOf(cluster, b.line.demand)];
    return this.contention.contend(domainA, domainB);
  }

  private becomesChampion(pass: SchedulingPass, candidate: Reservation): boolean {
    const { timeSeconds } = pass;
    if (this.isPlanDue(candidate, timeSeconds) && this.planFirst(pass, candidate)) return false;
    if (!this.canAfford(candidate, timeSeconds)) return false;
    // The plan that it saved for may be older than the last starts.
    if (this.planFirst(pass, candidate)) return false;
    const { plan } = candidate;
    if (plan === undefined || plan.startSeconds <= timeSeconds) return false;
    if (!this.canAfford(candidate, timeSeconds)) return false;
    candidate.leastSaved =
      this.drainSavings.savedSeconds - DRAIN_COST_FACTOR * plan.idleSeconds * candidate.ofCluster;
    candidate.promisedSeconds = candidate.isDrain ? Number.NaN : plan.startSeconds;
    candidate.isFirm = !candidate.isDrain && this.isOwed(candidate.entry, timeSeconds);
    if (candidate.isFirm && !this.stated.has(candidate.entry))
      this.stated.set(candidate.entry, plan.startSeconds);
    this.list = [...this.list, candidate];
    this.moved();
    return true;
  }

  /** True if the accounts will admit a job although others start as promised. */
  private isOwed({ line }: TegEntry, timeSeconds: number): boolean {
    const { terms } = this;
    if (terms === undefined) return true;
    const others = this.list.filter(({ isFirm }) => isFirm).map(({ entry }) => entry.line);
    if (terms.of(line, timeSeconds, others) !== 'firm') return false;
    return !others.some((other) => terms.takes(line, other, without(others, other)));
  }

  /** Champion or not, a job waits no more. @param pass Absent: no pass is going on, and all nodes are open. */
  drop(entry: TegEntry, pass?: SchedulingPass): void {
    if (!this.list.some((reservation) => reservation.entry === entry)) return;
    if (pass !== undefined) this.closeOnly(pass, 0);
    this.list = this.list.filter((reservation) => reservation.entry !== entry);
    this.moved();
  }

  /** A job starts: what it was promised and how long it waited are counted, and its nodes are open. */
  started(entry: TegEntry, pass: SchedulingPass): void {
    const promisedSeconds = this.stated.get(entry);
    if (promisedSeconds !== undefined) {
      this.promises.made++;
      if (pass.timeSeconds <= promisedSeconds + PROMISE_TOLERANCE_SECONDS) this.promises.kept++;
      this.stated.delete(entry);
    }
    this.drop(entry, pass);
    const { demand, podCount } = entry.line;
    const weight = 1 - Math.exp(-shareOfCluster(pass.cluster, demand, podCount) / USUAL_CLUSTERS);
    this.usualWaitSeconds += (pass.timeSeconds - entry.sinceSeconds - this.usualWaitSeconds) * weight;
  }

  /** The accounts do not admit a job: no room is kept for it, unless those who hold its headroom end before it is promised to start. */
  refused(entry: TegEntry, pass: SchedulingPass): void {
    const reservation = this.list.find((held) => held.entry === entry);
    if (reservation?.isFirm !== true || reservation.promisedSeconds <= pass.timeSeconds)
      this.drop(entry, pass);
  }

  /** A job leaves for good. */
  forget(entry: TegEntry): void {
    this.stated.delete(entry);
    this.drop(entry);
  }

  /** Closes the nodes that others are promised, and no others: to a job for which others may be evicted. System priorities go before promises. */
  closePromised(pass: SchedulingPass, entry: TegEntry, endSeconds: number): void {
    const isSystem = entry.line.priority >= SYSTEM_PRIORITY_MIN;
    const against = isSystem ? 0 : this.against(endSeconds) & ~this.bitOf(entry);
    const firm = this.list.reduce((bits, { isFirm }, i) => (isFirm ? bits | (1 << i) : bits), 0);
    this.closeOnly(pass, against & firm);
  }

  /** True if a job would hold headroom until then that another is promised. */
  takesPromised(entry: TegEntry, endSeconds: number): boolean {
    return entry.line.priority < SYSTEM_PRIORITY_MIN && this.headroomBehind(entry, endSeconds) !== undefined;
  }

  /** @returns Why a job waits that would hold, until then, headroom that a promise rests on; undefined: it would not. */
  headroomBehind({ job, line }: TegEntry, endSeconds: number): AccountsRefusal | undefined {
    if (this.terms === undefined) return undefined;
    const promised: TegLine[] = [];
    for (const reservation of this.list) {
      if (!reservation.isFirm) continue;
      // What it needs was promised to it beside the others; jobs that end in time may have some of theirs for now.
      if (reservation.entry.job === job) return undefined;
      if (endSeconds > startOf(reservation)) promised.push(reservation.entry.line);
    }
    const from = promised.find((other) => this.terms?.takes(line, other, without(promised, other)));
    return (
      from && this.behind(1 << this.list.findIndex(({ entry, isFirm }) => isFirm && entry.line === from))
    );
  }

  /** @returns Reservations that a job would be in the way of if it started now and ended then, as bits. */
  against(endSeconds: number): number {
    let bits = 0;
    for (let i = 0; i < this.list.length; i++) {
      const reservation = this.list[i] as Reservation;
      if (reservation.isDrain || endSeconds > startOf(reservation)) bits |= 1 << i;
    }
    return bits;
  }

  /** @returns The bit of a champion's reservation; 0: it is none. */
  bitOf(entry: TegEntry): number {
    const at = this.list.findIndex((reservation) => reservation.entry === entry);
    return at < 0 ? 0 : 1 << at;
  }

  /** @returns Reservations of a node, as bits. O(1), and O(their nodes) after one has moved. */
  readonly maskOf = (node: number): number => {
    if (this.masks === undefined) {
      this.masks = new Map();
      for (const [i, { plan }] of this.list.entries()) {
        for (const reserved of plan?.nodes ?? []) this.masks.set(reserved, 1 << i);
      }
    }
    return this.masks.get(node) ?? 0;
  };

  /** As `closeOnly` for an attempt with pods of a demand: nodes that have no room for one may be as they are. */
  closeFor(pass: SchedulingPass, demand: Demand, bits: number): void {
    let needed = bits & this.closedBits;
    for (let left = bits & ~needed; left !== 0; left &= left - 1) {
      const bit = left & -left;
      const { plan } = this.list[31 - Math.clz32(bit)] as Reservation;
      if (plan?.nodes.some((node) => pass.cluster.fits(node, demand)) === true) needed |= bit;
    }
    this.closeOnly(pass, needed);
  }

  /** Closes the nodes of these reservations, and opens the others'. */
  closeOnly(pass: SchedulingPass, bits: number): void {
    if (bits === this.closedBits) return;
    this.list.forEach(({ plan }, i) => {
      const wanted = (bits >> i) & 1;
      if (wanted === ((this.closedBits >> i) & 1)) return;
      for (const node of plan?.nodes ?? []) {
        if (wanted === 1) pass.close(node);
        else pass.open(node);
      }
    });
    this.closedBits = bits;
  }

  /** @returns The start that a champion is promised; undefined: it is none, or none can be promised. */
  promiseTo(entry: TegEntry): number | undefined {
    const reservation = this.list.find((held) => held.entry === entry);
    return reservation?.isFirm === true ? reservation.plan?.startSeconds : undefined;
  }

  /** @returns What a champion waits for; undefined: it is none. */
  reasonOf(entry: TegEntry): AccountsRefusal | undefined {
    return reasonOfChampion(this.list.find((held) => held.entry === entry));
  }

  /** @returns Why a job waits that would be in the way of these. */
  behind(bits: number): AccountsRefusal {
    return reasonBehind(this.list.find((_, i) => ((bits >> i) & 1) === 1) as Reservation);
  }

  /** @returns The same of a champion, with its figures of now; undefined: it is none any more. */
  behindJob(job: number): AccountsRefusal | undefined {
    const champion = this.list.find(({ entry }) => entry.job === job && entry.waits);
    return champion && reasonBehind(champion);
  }

  private moved(): void {
    this.masks = undefined;
    this.failed.moved();
  }

  /** True if a drain has cost too much. */
  private isSpent({ promisedSeconds, leastSaved }: Reservation): boolean {
    return Number.isNaN(promisedSeconds) && this.drainSavings.savedSeconds < leastSaved;
  }

  private canAfford(candidate: Reservation, timeSeconds: number): boolean {
    const { plan } = candidate;
    return plan !== undefined && timeSeconds >= this.affordableAt(candidate, plan);
  }

  private affordableAt({ entry, isDrain, ofCluster }: Reservation, plan: RoomPlan): number {
    const { championAfterSeconds, drainAfterSeconds, drainAfterWaits } = this.options;
    const cost = plan.idleSeconds * ofCluster;
    const own = affordableAt(this.options, entry.sinceSeconds, entry.line.gangMin, plan);
    if (isDrain) {
      const wait = Math.max(drainAfterSeconds, drainAfterWaits * this.usualWaitSeconds);
      return Math.max(own, entry.sinceSeconds + wait, this.drainSavings.reachesAt(cost));
    }
    const lent = Math.max(entry.sinceSeconds + championAfterSeconds, this.savings.reachesAt(cost));
    return Math.min(own, lent);
  }

  /** A champion whose start has come and who has not started is planned for again at once. */
  private isPlanDue(reservation: Reservation, timeSeconds: number): boolean {
    const { plan, plannedAtSeconds } = reservation;
    const isChampion = this.list.includes(reservation);
    if (isChampion && (plan === undefined || plan.startSeconds <= timeSeconds)) return true;
    return timeSeconds - plannedAtSeconds >= this.options.replanSeconds;
  }

  /** As `planAgain`, at less cost where the job fits at once: nothing is reserved for it then. @returns True if so. */
  private planFirst(pass: SchedulingPass, candidate: Reservation): boolean {
    const { demand, gangMin } = candidate.entry.line;
    candidate.plannedAtSeconds = pass.timeSeconds;
    if (fitsNow(pass, demand, gangMin, this.nodesOfOthers(candidate))) {
      candidate.plan = { startSeconds: pass.timeSeconds, nodes: [], idleSeconds: 0, slotsBeyond: 0 };
      return true;
    }
    this.planAgain(pass, candidate);
    return false;
  }

  private planAgain(pass: SchedulingPass, reservation: Reservation): void {
    const { demand, gangMin } = reservation.entry.line;
    const ends = this.running.at(pass.timeSeconds);
    const others = this.nodesOfOthers(reservation);
    reservation.plannedAtSeconds = pass.timeSeconds;
    reservation.ofCluster = shareOfCluster(pass.cluster, demand, 1);
    reservation.plan = earliestStart(pass, demand, gangMin, ends, others);
    reservation.isDrain = reservation.plan === undefined;
    if (!reservation.isDrain) return;
    const guess = earliestStart(pass, demand, gangMin, this.guessedEnds(pass.timeSeconds), others);
    reservation.plan = guess && { ...guess, startSeconds: Number.POSITIVE_INFINITY };
  }

  /** The running jobs by when they would end if each ran on for as long as it has run, and a typical run more. */
  private guessedEnds(timeSeconds: number): ExpectedEnd[] {
    const ends: ExpectedEnd[] = [];
    for (const { job, endSeconds } of this.running.at(timeSeconds)) {
      const guess = timeSeconds + this.ageOf(job, timeSeconds) + TYPICAL_RUN_SECONDS;
      ends.push({ job, endSeconds: Math.min(endSeconds, guess) });
    }
    return ends.sort((a, b) => a.endSeconds - b.endSeconds || a.job - b.job);
  }

  private nodesOfOthers(reservation: Reservation): ReadonlySet<number> {
    const nodes = new Set<number>();
    for (const other of this.list) {
      if (other !== reservation) for (const node of other.plan?.nodes ?? []) nodes.add(node);
    }
    return nodes;
  }
}

/** The lines of all others; several champions may be of one line. */
function without(lines: readonly TegLine[], line: TegLine): readonly TegLine[] {
  const at = lines.indexOf(line);
  return lines.filter((_, i) => i !== at);
}
