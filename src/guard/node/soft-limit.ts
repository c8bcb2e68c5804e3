/**
 * The soft limit of a group that is throttled: growth beyond it is slowed down by the kernel (`memory.high` of version 2).
 *
 * It is a bump behind the line, for a guard that is late or dead; a guard in time freezes before it. It lies as far ahead of line and
 * usage as the group can grow before it stands still, and is never set below that: setting it makes the kernel reclaim nothing,
 * and a group that runs does not stand at it for longer than a tick.
 */

/** The soft limit of one group. MiB. Single writer. */
export class SoftLimit {
  private value = Number.POSITIVE_INFINITY;

  /** Infinity: none. */
  get position(): number {
    return this.value;
  }

  /**
   * One tick of a group that runs.
   *
   * @param usage As read; NaN: unknown, everything stays as it is.
   * @param line  Of the group; Infinity: none, and so no soft limit.
   * @param ahead What it can grow until it stands still; more than 0.
   * @returns     What to set; undefined: it stays. The limit is between one and three times `ahead` beyond line and usage.
   */
  take(usage: number, line: number, ahead: number): number | undefined {
    if (line !== Number.POSITIVE_INFINITY && !(usage >= 0)) return undefined;
    const least = Math.max(line, usage || 0) + ahead;
    if (least === this.value || (least < this.value && this.value <= least + 2 * ahead)) return undefined;
    this.value = least + ahead;
    return this.value;
  }
}

/** Settings of `SoftLimitWatch`. */
export interface SoftLimitWatchOptions {
  /** At the limit without progress for so long it is to be frozen, and then for at most so long; seconds. */
  readonly stallSeconds: number;
  readonly frozenSecondsMax: number;
  /** MiB below the limit that still count as being at it. */
  readonly slack: number;
}

/** Share of the time in which all tasks of a group wait for memory that counts as no progress. Measured at memory.high: 0.63. */
const STALLED_SHARE = 0.3;

/**
 * Watches a group at a soft limit that others set. The kernel lets it creep there for ever, in a state that is hard to freeze; so it is
 * frozen when it makes no progress, until the limit is raised, or for as long as it may be.
 */
export class SoftLimitWatch {
  private readonly options: SoftLimitWatchOptions;
  private since = Number.NaN;
  private isHeld = false;

  constructor(options: SoftLimitWatchOptions) {
    this.options = options;
  }

  /** True if it is to be frozen, as the last tick left it. */
  get isStuck(): boolean {
    return this.isHeld;
  }

  /**
   * One tick.
   *
   * @param usage   MiB; NaN: unknown, everything stays as it is.
   * @param high    MiB; undefined, NaN, Infinity: none.
   * @param stalled Share of the time in which all its tasks waited for memory, of late; NaN: unknown, it is left alone.
   * @returns       True if it has become stuck in this tick.
   */
  take(usage: number, high: number | undefined, stalled: number, time: number): boolean {
    const { stallSeconds, frozenSecondsMax, slack } = this.options;
    if (Number.isNaN(usage)) return false;
    const isAt = high !== undefined && usage >= high - slack && (this.isHeld || stalled >= STALLED_SHARE);
    if (!isAt) this.since = Number.NaN;
    else if (Number.isNaN(this.since) || time - this.since >= stallSeconds + frozenSecondsMax)
      this.since = time;
    const was = this.isHeld;
    this.isHeld = time - this.since >= stallSeconds;
    return this.isHeld && !was;
  }
}
