/**
 * Standing requests: a job for which no zone shows room waits in some zones, so that it gets the next free place there
 * at once.
 *
 * Why: a freed place shows on boards a refresh later. Until then newly arrived jobs fragment it, and large jobs would
 * hardly ever find one whole.
 *
 * Requests are neither answered nor repeated: they expire, and are made again in other zones. An offer on one is an
 * offer like any other. When the job has found a place, the other requests are withdrawn.
 */

import type { Board } from '../board.ts';
import type { Outbox } from '../messages.ts';
import type { AgentHostParts } from './agent-host-parts.ts';
import { type HostJobs, WaitReason } from './host-jobs.ts';
import type { JobLine } from './host-lines.ts';
import type { HostSender } from './host-sender.ts';

/** The standing requests of one host. */
export class StandingRequests {
  private readonly parts: AgentHostParts;
  private readonly jobs: HostJobs;
  private readonly board: Board;
  private readonly sender: HostSender;

  constructor(parts: AgentHostParts, jobs: HostJobs, board: Board, sender: HostSender) {
    this.parts = parts;
    this.jobs = jobs;
    this.board = board;
    this.sender = sender;
  }

  /** Leaves requests for the first jobs of a line that found no room, unless theirs are still in force. */
  request(line: JobLine, timeSeconds: number, out: Outbox): void {
    const { jobs, parts } = this;
    const { standingJobsMax, standingZones, standingSeconds } = parts.options;
    const count = Math.min(line.waiting.length, standingJobsMax);
    if (count === 0 || standingZones === 0 || !this.isStuck(line)) return;
    for (let i = 0; i < count; i++) {
      const slot = line.waiting[i] as number;
      if (timeSeconds < (jobs.standingUntil[slot] as number)) continue;
      // Made again well before the old ones expire, so that the job always has some.
      jobs.standingUntil[slot] = timeSeconds + standingSeconds / 2;
      for (let k = 0; k < standingZones; k++) this.leave(slot, timeSeconds, out);
    }
  }

  /**
   * The job has an offer, or is cancelled: its requests elsewhere are withdrawn. @param zone That made the offer; −1:
   * none.
   */
  withdraw(slot: number, zone: number, out: Outbox): void {
    const { jobs, sender } = this;
    const job = jobs.jobs[slot] as number;
    for (const column of [jobs.standingFirst, jobs.standingSecond]) {
      const at = column[slot] as number;
      if (at >= 0 && at !== zone) sender.decline(at, job, 0, out);
      column[slot] = -1;
    }
    jobs.standingUntil[slot] = Number.NEGATIVE_INFINITY;
  }

  /** True if the line waits for room, not for its turn. */
  private isStuck(line: JobLine): boolean {
    const reason = this.jobs.reasons[line.waiting[0] as number];
    return reason === WaitReason.NoRoom || reason === WaitReason.Refused;
  }

  private leave(slot: number, timeSeconds: number, out: Outbox): void {
    const { jobs, board, parts, sender } = this;
    const entry = board.anyEntry(parts.random, timeSeconds);
    if (entry === undefined) return;
    sender.stand(slot, entry.id, timeSeconds, out);
    if (entry.isGroup) return;
    jobs.standingSecond[slot] = jobs.standingFirst[slot] as number;
    jobs.standingFirst[slot] = entry.id;
  }
}
