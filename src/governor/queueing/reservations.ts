/**
 * The reservations of champions: who is promised a start, on which nodes, and for whom these nodes are closed.
 *
 * Invariant: nodes of two reservations are disjoint. With exact run times a plan holds from its making: whatever starts
 * on its nodes later ends before its start. Positions in the list are bits of a mask; they change when a reservation is
 * dropped, and all nodes are open then.
 */
import type { SchedulingPass } from '../zone/queue-discipline.ts';
import { affordableAt, CHAMPION_DEFAULTS, type ChampionOptions } from './champions.ts';
import { earliestStart, fitsNow, type RoomPlan } from './future-room.ts';
import type { RunningEnds } from './running-ends.ts';
import type { TegEntry } from './teg-lines.ts';

/** Options of reservations. */
export interface ReservationOptions extends ChampionOptions {
  /** Least virtual time between two plans for one job, seconds; default 30. */
  readonly replanSeconds?: number;
}

/** Promises of a start, of champions that have started, and how many were kept. */
export interface PromiseCounts {
  made: number;
  kept: number;
}

/** Promises count as kept to this accuracy, seconds: rounding of sums of times. */
const PROMISE_TOLERANCE_SECONDS = 1e-6;

/** Room that is kept for a champion, or that one to be saves for. */
interface Reservation {
  readonly entry: TegEntry;
  plan: RoomPlan | undefined;
  plannedAtSeconds: number;
  /** The start that it was promised when it became champion; NaN: it is not champion yet. */
  promisedSeconds: number;
}

/** All reservations of one queue. */
export class Reservations {
  readonly promises: PromiseCounts = { made: 0, kept: 0 };
  private readonly options: Required<ReservationOptions>;
  private readonly running: RunningEnds;
  private list: readonly Reservation[] = [];
  /** The next champion, with the plan that it saves for. */
  private candidate: Reservation | undefined;
  /** True if nodes changed since the plans were made. */
  private isStale = false;
  /** Reservations whose nodes are closed now. */
  private closedBits = 0;

  /** @param running Running jobs by their expected ends. */
  constructor(options: ReservationOptions, running: RunningEnds) {
    this.options = { ...CHAMPION_DEFAULTS, replanSeconds: 30, ...options };
    this.running = running;
  }

  /** Champions now. */
  get count(): number {
    return this.list.length;
  }

  /** They themselves. */
  get entries(): readonly TegEntry[] {
    return this.list.map(({ entry }) => entry);
  }

  /** True if a further champion may be elected. */
  get hasVacancy(): boolean {
    return this.list.length < this.options.reservationsMax;
  }

  /** True if a job saves for a reservation. */
  get isSavedFor(): boolean {
    return this.candidate?.entry.waits === true;
  }

  /** When the next job becomes champion at the latest, perhaps in the past; Infinity: not known. */
  get dueSeconds(): number {
    const { candidate } = this;
    if (candidate?.plan === undefined || !candidate.entry.waits) return Number.POSITIVE_INFINITY;
    return this.affordableAt(candidate, candidate.plan);
  }

  /** Nodes joined, came up or went down: plans are made again. */
  nodesChanged(): void {
    this.isStale = true;
  }

  /** @returns The plan of a champion. */
  planFor(entry: TegEntry): RoomPlan | undefined {
    return this.list.find((reservation) => reservation.entry === entry)?.plan;
  }

  /** Begins a pass, in which all nodes are open. */
  begin(): void {
    this.closedBits = 0;
  }

  /** Plans again for champions, where that is due. All nodes have to be open. */
  replan(pass: SchedulingPass): void {
    const { timeSeconds } = pass;
    if (this.isStale) {
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
        if (startOf(reservation) > before.startSeconds) reservation.plan = before;
      }
    }
  }

  /**
   * Makes the longest waiting job champion once it can pay for the room (`champions.ts`). All nodes have to be open.
   *
   * @param entry The longest waiting job that is not champion.
   * @returns     True if it is champion now.
   */
  elect(pass: SchedulingPass, entry: TegEntry): boolean {
    const { timeSeconds } = pass;
    if (this.candidate?.entry !== entry) this.candidate = newReservation(entry);
    const { candidate } = this;
    if (this.isPlanDue(candidate, timeSeconds)) this.planFirst(pass, candidate);
    if (!this.canAfford(candidate, timeSeconds)) return false;
    // The plan that it saved for may be older than the last starts.
    this.planAgain(pass, candidate);
    const { plan } = candidate;
    if (plan === undefined || plan.startSeconds <= timeSeconds) return false;
    if (!this.canAfford(candidate, timeSeconds)) return false;
    candidate.promisedSeconds = plan.startSeconds;
    this.list = [...this.list, candidate];
    this.candidate = undefined;
    return true;
  }

  /** Champion or not, a job waits no more. @param pass Absent: no pass is going on, and all nodes are open. */
  drop(entry: TegEntry, pass?: SchedulingPass): void {
    if (!this.list.some((reservation) => reservation.entry === entry)) return;
    if (pass !== undefined) this.closeOnly(pass, 0);
    this.list = this.list.filter((reservation) => reservation.entry !== entry);
  }

  /** A job starts: if it is champion, its promise is counted and its nodes are open. */
  started(entry: TegEntry, pass: SchedulingPass): void {
    const reservation = this.list.find((held) => held.entry === entry);
    if (reservation === undefined) return;
    this.promises.made++;
    if (pass.timeSeconds <= reservation.promisedSeconds + PROMISE_TOLERANCE_SECONDS) this.promises.kept++;
    this.drop(entry, pass);
  }

  /** @returns Reservations that a job would be in the way of if it started now and ended then, as bits. */
  against(endSeconds: number): number {
    let bits = 0;
    for (let i = 0; i < this.list.length; i++) {
      if (endSeconds > startOf(this.list[i] as Reservation)) bits |= 1 << i;
    }
    return bits;
  }

  /** @returns The bit of a champion's reservation; 0: it is none. */
  bitOf(entry: TegEntry): number {
    const at = this.list.findIndex((reservation) => reservation.entry === entry);
    return at < 0 ? 0 : 1 << at;
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

  /** @returns The first champion of these. */
  firstOf(bits: number): TegEntry {
    return (this.list.find((_, i) => ((bits >> i) & 1) === 1) as Reservation).entry;
  }

  private canAfford(candidate: Reservation, timeSeconds: number): boolean {
    const { plan } = candidate;
    return plan !== undefined && timeSeconds >= this.affordableAt(candidate, plan);
  }

  private affordableAt({ entry }: Reservation, plan: RoomPlan): number {
    return affordableAt(this.options, entry.sinceSeconds, entry.line.gangMin, plan);
  }

  /** A champion whose start has come and who has not started is planned for again at once. */
  private isPlanDue(reservation: Reservation, timeSeconds: number): boolean {
    const { plan, plannedAtSeconds } = reservation;
    const isChampion = reservation !== this.candidate;
    if (isChampion && (plan === undefined || plan.startSeconds <= timeSeconds)) return true;
    return timeSeconds - plannedAtSeconds >= this.options.replanSeconds;
  }

  /** As `planAgain`; where the job fits at once, that is all that is asked for: nothing is reserved for it then. */
  private planFirst(pass: SchedulingPass, candidate: Reservation): void {
    const { demand, gangMin } = candidate.entry.line;
    if (!fitsNow(pass, demand, gangMin, this.nodesOfOthers(candidate))) {
      this.planAgain(pass, candidate);
      return;
    }
    candidate.plan = { startSeconds: pass.timeSeconds, nodes: [], idleSeconds: 0, slotsBeyond: 0 };
    candidate.plannedAtSeconds = pass.timeSeconds;
  }

  private planAgain(pass: SchedulingPass, reservation: Reservation): void {
    const { demand, gangMin } = reservation.entry.line;
    const ends = this.running.at(pass.timeSeconds);
    reservation.plan = earliestStart(pass, demand, gangMin, ends, this.nodesOfOthers(reservation));
    reservation.plannedAtSeconds = pass.timeSeconds;
  }

  private nodesOfOthers(reservation: Reservation): ReadonlySet<number> {
    const nodes = new Set<number>();
    for (const other of this.list) {
      if (other !== reservation) for (const node of other.plan?.nodes ?? []) nodes.add(node);
    }
    return nodes;
  }
}

function newReservation(entry: TegEntry): Reservation {
  return { entry, plan: undefined, plannedAtSeconds: Number.NEGATIVE_INFINITY, promisedSeconds: Number.NaN };
}

/** Start of a plan; Infinity: there is none, and nothing is reserved. */
function startOf({ plan }: Reservation): number {
  return plan?.startSeconds ?? Number.POSITIVE_INFINITY;
}
