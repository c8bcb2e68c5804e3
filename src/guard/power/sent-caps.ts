/**
 * Caps that were sent to a device and are not seen in force yet: any of them may come into force at any time.
 *
 * Commands of one device take effect in the order in which they were sent, within a known time, or not at all. A read-back
 * that has not changed shows nothing: a raise that will still come may have been sent before the value that it shows.
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

  /** Records a command. @returns False if there is no room. */
  send(cap: number, time: number): boolean {
    if (!this.hasRoom) return false;
    const at = this.at(this.count++);
    this.caps[at] = cap;
    this.times[at] = time;
    return true;
  }

  /**
   * Takes a read-back.
   *
   * @param changed False if it shows what the last one showed.
   * @param expired Commands sent at that time or before are in force, superseded or lost.
   * @cost          O(caps under way).
   */
  readBack(cap: number, changed: boolean, expired: number): void {
    let done = 0;
    while (done < this.count && (this.times[this.at(done)] as number) <= expired) done++;
    for (let i = done; changed && i < this.count; i++) {
      if (!(Math.abs((this.caps[this.at(i)] as number) - cap) < READ_BACK_ERROR)) continue;
      // The oldest command that it may be, and all before it.
      done = i + 1;
      break;
    }
    this.first = this.at(done);
    this.count -= done;
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
