/**
 * For whom no evictions are planned for a while: plans that find nobody cost a look at all that runs.
 *
 * A claim's kind is refused for `RETRY_SECONDS`, twice as long after each further refusal; of all kinds together at most PLANS_MAX
 * plans in WINDOW_SECONDS may be in vain. Plans that evict are bounded by what runs, since evictions cannot loop.
 */

/** Time before a kind that was refused is planned for again. */
export const RETRY_SECONDS = 30;
/** Doublings of it at most. */
const DOUBLINGS_MAX = 4;
/** Plans in vain in a window. */
export const PLANS_MAX_IN_VAIN = 8;
const WINDOW_SECONDS = 10;
/** Kinds kept. */
const KINDS_MAX = 10_000;

interface Refused {
  readonly untilSeconds: number;
  readonly times: number;
}

/** Refusals by kind. */
export class RefusedPlans {
  private readonly byKind = new Map<string, Refused>();
  private windowSeconds = Number.NEGATIVE_INFINITY;
  private left = PLANS_MAX_IN_VAIN;

  /** Plans may be made for all again. */
  clear(): void {
    this.byKind.clear();
  }

  /** @returns When a plan may be made for a kind: `nowSeconds` or later. */
  openAt(kind: string, nowSeconds: number): number {
    if (nowSeconds >= this.windowSeconds + WINDOW_SECONDS) {
      this.windowSeconds = nowSeconds;
      this.left = PLANS_MAX_IN_VAIN;
    }
    const until = this.byKind.get(kind)?.untilSeconds ?? nowSeconds;
    return Math.max(until, this.left > 0 ? nowSeconds : this.windowSeconds + WINDOW_SECONDS);
  }

  /**
   * A plan found nobody to evict.
   *
   * @param readySeconds When somebody may be evicted who was not yet; Infinity: time alone does not help.
   * @returns            When the kind may be planned for again.
   */
  refuse(kind: string, nowSeconds: number, readySeconds: number): number {
    this.left--;
    const times = Math.min(DOUBLINGS_MAX, (this.byKind.get(kind)?.times ?? -1) + 1);
    const untilSeconds = Math.max(
      nowSeconds,
      Math.min(readySeconds, nowSeconds + RETRY_SECONDS * 2 ** times),
    );
    if (this.byKind.size >= KINDS_MAX) this.byKind.clear();
    this.byKind.set(kind, { untilSeconds, times });
    return untilSeconds;
  }

  /** A plan was carried out for a kind. */
  succeeded(kind: string): void {
    this.byKind.delete(kind);
  }
}
