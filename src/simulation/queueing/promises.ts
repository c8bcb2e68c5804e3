/** The start times that a discipline stated: the first one of each job. */

/** One time a job, kept after its start. */
export class Promises {
  private readonly seconds = new Map<number, number>();

  /** States a job's start if none was stated yet. @param startSeconds Absent or Infinity: not known. */
  make(job: number, startSeconds: number | undefined): void {
    if (startSeconds === undefined || startSeconds === Number.POSITIVE_INFINITY) return;
    if (!this.seconds.has(job)) this.seconds.set(job, startSeconds);
  }

  /** @returns When a job was to start at the latest; undefined: nothing was stated. */
  of(job: number): number | undefined {
    return this.seconds.get(job);
  }

  /** The id stands for another job now. */
  forget(job: number): void {
    this.seconds.delete(job);
  }
}
