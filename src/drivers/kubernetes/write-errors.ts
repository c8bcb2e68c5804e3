/**
 * Reports failed writes to people: permanent refusals of the API server are logged, at a limited rate; transient
 * failures are not.
 */

/** The log. */
export interface WriteErrorLog {
  debug(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** Rate of the warnings: one line a kind of refusal in this many seconds. */
const TOLD_SECONDS = 300;

/** Kinds of refusals that are remembered. */
const KINDS_MAX = 100;

/** Answers that belong to the life of pods: changed or gone meanwhile. 429 and 5xx are transient. */
const USUAL: ReadonlySet<string> = new Set(['404', '409', '429']);

/** Reports failed writes; one a process. */
export class WriteErrors {
  private readonly log: WriteErrorLog;
  private readonly nowSeconds: () => number;
  private readonly toldAt = new Map<string, number>();

  /** @param nowSeconds Any monotonic clock. */
  constructor(log: WriteErrorLog, nowSeconds: () => number) {
    this.log = log;
    this.nowSeconds = nowSeconds;
  }

  /**
   * A write failed. A permanent refusal (4xx beyond 404, 409, 429: rights, validation, quota) is a warning, the first
   * of its kind in five minutes; all others are lines at debug.
   *
   * @param what The intended write: `bind`, `event`, `status`, `evict`.
   * @param pod  `namespace/name`.
   * @param text Status and message, as `answerText` makes it.
   */
  tell(what: string, pod: string, text: string): void {
    const status = /^4\d\d(?= |$)/.exec(text)?.[0];
    if (status !== undefined && !USUAL.has(status) && this.isNew(`${what} ${status}`)) {
      this.log.warn({ pod, text }, `${what} refused by the API server`);
      return;
    }
    this.log.debug({ what, pod, text }, 'write in trouble');
  }

  private isNew(kind: string): boolean {
    const now = this.nowSeconds();
    const last = this.toldAt.get(kind);
    if (last !== undefined && now - last < TOLD_SECONDS) return false;
    if (this.toldAt.size >= KINDS_MAX) this.toldAt.clear();
    this.toldAt.set(kind, now);
    return true;
  }
}
