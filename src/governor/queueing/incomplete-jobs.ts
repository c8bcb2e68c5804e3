/** Running jobs that may lack pods which come back when there is room: what evictions took of them, or a start left out. */
import type { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import type { SchedulingPass } from '../zone/queue-discipline.ts';
import type { FailedRoom } from './failed-room.ts';
import type { Reservations } from './reservations.ts';
import type { RoomMaker } from './room-maker.ts';
import type { TegEntry } from './teg-lines.ts';

/** Of one queue, in the order of their starts. */
export class IncompleteJobs {
  private readonly jobs = new Map<number, TegEntry>();
  private readonly estimates: RuntimeEstimates;
  private readonly reservations: Reservations;
  private readonly failed: FailedRoom;
  private readonly rooms: RoomMaker | undefined;

  /** Parts of the queue. */
  constructor(
    estimates: RuntimeEstimates,
    reservations: Reservations,
    failed: FailedRoom,
    rooms: RoomMaker | undefined,
  ) {
    this.estimates = estimates;
    this.reservations = reservations;
    this.failed = failed;
    this.rooms = rooms;
  }

  get size(): number {
    return this.jobs.size;
  }

  /** A job runs from now on; no effect if it starts with all of its pods or not at all. */
  add(entry: TegEntry): void {
    const { line, terms, job } = entry;
    if (terms.disruption === 'single' && line.gangMin < line.podCount) this.jobs.set(job, entry);
  }

  /** A job runs no more. */
  delete(job: number): void {
    this.jobs.delete(job);
  }

  /** Gives them what waiting jobs have left. @param jobsMax Jobs that are looked at. */
  grow(pass: SchedulingPass, jobsMax: number): void {
    const { reservations } = this;
    let left = jobsMax;
    for (const [job, entry] of this.jobs) {
      if (left-- <= 0) return;
      const missing = pass.missingPods(job);
      const end = this.estimates.expectedEnd(job, pass.timeSeconds);
      const bits = reservations.against(end);
      if (missing <= 0 || this.failed.has(entry.line.demand, 1, bits)) continue;
      if (reservations.headroomBehind(entry, end) !== undefined) continue;
      reservations.closeOnly(pass, bits);
      const added = pass.grow(job);
      if (added > 0) this.rooms?.resized(job, added);
    }
    reservations.closeOnly(pass, 0);
  }
}
