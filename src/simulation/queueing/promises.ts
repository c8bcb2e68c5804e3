/** The start times that a discipline stated: the first one of each job, and how many were kept. */

/** Start times count as kept to this accuracy, seconds: rounding of sums of times. */
const TOLERANCE_SECONDS = 1e-6;

/** One time for each waiting job. */
export class Promises {
  /** Of jobs that have started. */
  readonly counts = { made: 0, kept: 0 };
  private readonly seconds = new Map<number, number>();

  /** States a job's start if none was stated yet. @param startSeconds Absent or Infinity: not known. */
  make(job: number, startSeconds: number | undefined): void {
    if (startSeconds === undefined || startSeconds === Number.POSITIVE_INFINITY) return;
    if (!this.seconds.has(job)) this.seconds.set(job, startSeconds);
  }

  /** A job starts. */
  started(job: number, nowSeconds: number): void {
    const startSeconds = this.seconds.get(job);
    if (startSeconds === undefined) return;
    this.counts.made++;
    if (nowSeconds <= startSeconds + TOLERANCE_SECONDS) this.counts.kept++;
    this.seconds.delete(job);
  }

  /** A job leaves without a start. */
  forget(job: number): void {
    this.seconds.delete(job);
  }
}
