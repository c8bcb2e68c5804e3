/**
 * Ends of jobs that their hosts have not acknowledged yet: repeated until they have.
 *
 * Why: the report that a job ended may be lost, and a host that never receives it would consider the job running
 * forever, or run it again.
 */
import type { FederationReasonCode } from '../messages.ts';

/** One end. */
export interface EndedNotice {
  readonly job: number;
  readonly offer: number;
  readonly host: number;
  readonly reason: FederationReasonCode;
  /** Seconds of work that the job had done; of a moving job. */
  readonly doneSeconds: number;
  /** When to repeat it. */
  dueAt: number;
}

/** Notices by job and offer, the one due first in front. Bounded by its owner. */
export class EndedNotices {
  private readonly byOffer = new Map<number, EndedNotice>();

  /** Ends not acknowledged. */
  get size(): number {
    return this.byOffer.size;
  }

  /** When the first of them is due; Infinity if there are none. */
  get dueAt(): number {
    for (const notice of this.byOffer.values()) return notice.dueAt;
    return Number.POSITIVE_INFINITY;
  }

  /** Adds an end. @param dueAt Not before that of any other notice, so that order of entry is order of time. */
  add(notice: EndedNotice): void {
    this.byOffer.set(notice.offer, notice);
  }

  /** @returns The notice of an offer. */
  get(offer: number): EndedNotice | undefined {
    return this.byOffer.get(offer);
  }

  /** The host knows. @returns True if that is new. */
  acknowledge(offer: number): boolean {
    return this.byOffer.delete(offer);
  }

  /** Visits and postpones all that are due. */
  forEachDue(timeSeconds: number, again: number, visit: (notice: EndedNotice) => void): void {
    for (const [offer, notice] of this.byOffer) {
      if (notice.dueAt > timeSeconds) return;
      // Entered again, it is at the end; the iteration stops before it gets there.
      this.byOffer.delete(offer);
      notice.dueAt = timeSeconds + again;
      this.byOffer.set(offer, notice);
      visit(notice);
    }
  }
}
