/**
 * The line of a group: the usage up to which it may run. It turns a granted rate into something that a freezer can do: past its
 * line a group is held, which means frozen for a moment, until the line moves on.
 *
 * While a rate is granted the line lies one tick of it above the usage; with a rate of 0 it stays where the usage was, and falls
 * with it. A held group goes on when the line is far enough ahead for the pause to be worth it. A group without a limit has no line.
 */
import { assert } from '../../kernel/assert.ts';

/** Settings of lines; MiB. */
export interface GrowthLineOptions {
  /** Longest tick, seconds: a rate r puts the line r times as much ahead. */
  readonly tickSeconds: number;
  /** Growth past the line that is none: the kernel charges in batches. */
  readonly slack: number;
  /** Room ahead that ends a hold. */
  readonly room: number;
}

/** The line of one group. Single writer. */
export class GrowthLine {
  private readonly options: GrowthLineOptions;
  private line = Number.POSITIVE_INFINITY;
  private since = Number.NaN;

  constructor(options: GrowthLineOptions) {
    assert(options.tickSeconds > 0 && options.slack >= 0 && options.room > 0, 'a line of no tick or no room');
    this.options = options;
  }

  /** MiB; Infinity: none. */
  get position(): number {
    return this.line;
  }

  /** Since when it is held; NaN: it is not. */
  get heldSince(): number {
    return this.since;
  }

  /**
   * One tick.
   *
   * @param usage As read; NaN: unknown, everything stays as it is but a rate without limit.
   * @param rate  Granted until the next tick; Infinity: no limit.
   * @returns     True if the group is to be held until the next tick.
   */
  take(usage: number, rate: number, time: number): boolean {
    if (rate === Number.POSITIVE_INFINITY) return this.release();
    if (!(usage >= 0)) return this.isHeld;
    const { tickSeconds, slack, room } = this.options;
    const hasPassed = usage > this.line + slack;
    const ahead = rate * tickSeconds;
    if (this.isHeld) {
      // Frozen, it cannot use what was granted: the line is not carried on.
      this.line = usage + ahead;
      if (ahead >= room) this.since = Number.NaN;
    } else {
      this.line = rate > 0 ? usage + ahead : Math.min(this.line, usage);
      if (hasPassed && ahead < room) this.since = time;
    }
    return this.isHeld;
  }

  /** Ends a hold; the line starts at the usage. For a group that has been held for as long as it may. */
  restart(usage: number): void {
    this.since = Number.NaN;
    this.line = usage;
  }

  private release(): boolean {
    this.line = Number.POSITIVE_INFINITY;
    this.since = Number.NaN;
    return false;
  }

  private get isHeld(): boolean {
    return !Number.isNaN(this.since);
  }
}
