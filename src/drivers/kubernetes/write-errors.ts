/**
 * What goes wrong with writes, for people: what the API server refuses for good is told, once in a while; the rest passes.
 */

/** Where it is told. */
export interface WriteErrorLog {
  debug(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** What is told at most: one line a kind of refusal in so many seconds. */
const TOLD_SECONDS = 300;

/** Kinds of refusals that are remembered. */
const KINDS_MAX = 100;

/** Answers that pods' lives bring with them: changed or gone meanwhile. 429 and 5xx pass by themselves. */
const USUAL: ReadonlySet<string> = new Set(['404', '409', '429']);

/** Tells of them; one a process. */
export class WriteErrors {
  private readonly log: WriteErrorLog;
  private readonly nowSeconds: () => number;
  private readonly toldAt = new Map<string, number>();

  /** @param nowSeconds Any clock that only goes on. */
  constructor(log: WriteErrorLog, nowSeconds: () => number) {
    this.log = log;
    this.nowSeconds = nowSeconds;
  }

  /**
   * Something went wrong. A refusal for good (4xx beyond 404, 409, 429: rights, validation, quota) is a warning, the
   * first of its kind in five minutes; all others are lines at debug.
   *
   * @param what What was to be written: `bind`, `event`, `status`, `evict`.
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
