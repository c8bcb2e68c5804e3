/** The gangs of one host that wait and may collect parts in several zones, and their back-offs. */
import type { Demand } from '../../../model/demand.ts';
import type { Board } from '../board.ts';
import type { AgentHostParts } from './agent-host-parts.ts';
import { type HostJobs, WaitReason, type WaitReasonCode } from './host-jobs.ts';
import type { JobLine } from './host-lines.ts';

/** Jobs of a line that are looked at, at one board. */
const LINE_JOBS_MAX = 16;

/** Reasons of a line whose gangs may collect parts. */
const STUCK: ReadonlySet<WaitReasonCode> = new Set([
  WaitReason.NoRoom,
  WaitReason.Refused,
  WaitReason.Unanswered,
  WaitReason.PartsMissing,
  WaitReason.Taxed,
]);

/** A gang's back-off. */
interface BackOff {
  readonly untilSeconds: number;
  readonly tries: number;
}

/** See the head of the file. */
export class GangCandidates {
  private readonly parts: AgentHostParts;
  private readonly jobs: HostJobs;
  private readonly board: Board;
  /** By job: of gangs that wait or collect. */
  private readonly backOffs = new Map<number, BackOff>();

  constructor(parts: AgentHostParts, jobs: HostJobs, board: Board) {
    this.parts = parts;
    this.jobs = jobs;
    this.board = board;
  }

  /**
   * @returns Slot of the waiting gang that goes next; −1: none may. The one with the fewest tries, then by priority and
   *   rank: a gang for which there is no room may not keep all others from trying. O(lines × entries).
   */
  next(lines: readonly JobLine[], timeSeconds: number): number {
    let best = -1;
    for (const line of lines) {
      if (!this.mayCollect(line)) continue;
      const patience = this.patienceOf(line, timeSeconds);
      for (let i = 0; i < Math.min(line.waiting.length, LINE_JOBS_MAX); i++) {
        const slot = line.waiting[i] as number;
        if (this.isDue(slot, patience, timeSeconds) && (best < 0 || this.goesBefore(slot, best))) best = slot;
      }
    }
    return best;
  }

  /** A gang whose first job in line waits for room, not for its turn. */
  private mayCollect({ waiting, gangMin }: JobLine): boolean {
    if (this.parts.options.gangPartsMax < 2 || gangMin < 2 || waiting.length === 0) return false;
    const reason = this.jobs.reasons[waiting[0] as number] as WaitReasonCode;
    return STUCK.has(reason);
  }

  private patienceOf({ demandId, gangMin }: JobLine, timeSeconds: number): number {
    const demand = this.parts.demands.demands[demandId] as Demand;
    const mayFit = this.board.mayFitOneEntry(demand, gangMin, timeSeconds);
    return mayFit ? this.parts.options.spanAfterSeconds : 0;
  }

  private isDue(slot: number, patienceSeconds: number, timeSeconds: number): boolean {
    const { jobs, backOffs } = this;
    if (timeSeconds - (jobs.waitingSince[slot] as number) < patienceSeconds) return false;
    return timeSeconds >= (backOffs.get(jobs.jobs[slot] as number)?.untilSeconds ?? timeSeconds);
  }

  private goesBefore(a: number, b: number): boolean {
    const difference = this.triesOf(a) - this.triesOf(b);
    return difference === 0 ? this.jobs.goesBefore(a, b) : difference < 0;
  }

  private triesOf(slot: number): number {
    return this.backOffs.get(this.jobs.jobs[slot] as number)?.tries ?? 0;
  }

  /** A gang has released what it held: it waits for a random time, whose mean doubles `claimRetriesMax` times. */
  backOff(job: number, timeSeconds: number): void {
    const { claimSeconds, claimRetriesMax } = this.parts.options;
    const tries = this.backOffs.get(job)?.tries ?? 0;
    const most = claimSeconds * 2 ** Math.min(tries, claimRetriesMax);
    const untilSeconds = timeSeconds + most * this.parts.random.nextFloat();
    this.backOffs.set(job, { untilSeconds, tries: tries + 1 });
  }

  /** The gang runs, or is over. */
  forget(job: number): void {
    this.backOffs.delete(job);
  }
}
