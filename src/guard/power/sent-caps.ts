/**
 * Caps that were sent to a device and are not seen in force yet: any of them may come into force at any time.
 *
 * Commands of one device take effect in the order in which they were sent, or not at all.
 */

/** Most caps under way: with more, a new one has to wait. */
export const SENT_CAPS_MAX = 128;
/** W: a read-back that differs from a command by less is that command. */
const READ_BACK_ERROR = 0.5;

/** The caps under way of one device. Single writer. Allocates nothing after construction. */
export class SentCaps {
  /** Rings. */
  private readonly caps = new Float64Array(SENT_CAPS_MAX);
  private readonly times = new Float64Array(SENT_CAPS_MAX);
  private first = 0;
  private count = 0;

  /** @returns True if another one can be sent. */
  get hasRoom(): boolean {
    return this.count < SENT_CAPS_MAX;
  }

  /** The last cap sent, if it is under way; else NaN. */
  get last(): number {
    return this.count === 0 ? Number.NaN : (this.caps[this.at(this.count - 1)] as number);
  }

  /** When it was sent, s; −∞ if none is under way. */
  get lastTime(): number {
    return this.count === 0 ? Number.NEGATIVE_INFINITY : (this.times[this.at(this.count - 1)] as number);
  }

  /** Records a command. @returns False if there is no room. */
  send(cap: number, time: number): boolean {
    if (!this.hasRoom) return false;
    const at = this.at(this.count++);
    this.caps[at] = cap;
    this.times[at] = time;
    return true;
  }

  /** Takes a read-back: the oldest command that it may be, and all before it, are done. O(caps under way). */
  readBack(cap: number): void {
    for (let i = 0; i < this.count; i++) {
      if (!(Math.abs((this.caps[this.at(i)] as number) - cap) < READ_BACK_ERROR)) continue;
      this.first = this.at(i + 1);
      this.count -= i + 1;
      return;
    }
  }

  /** @returns The highest cap under way; 0 if none. O(caps under way). */
  highest(): number {
    let most = 0;
    for (let i = 0; i < this.count; i++) most = Math.max(most, this.caps[this.at(i)] as number);
    return most;
  }

  private at(i: number): number {
    return (this.first + i) % SENT_CAPS_MAX;
  }
}
