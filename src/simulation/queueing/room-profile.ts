/**
 * Free amounts over time, as far as ends and reservations are known: a step function of a few resources.
 *
 * Invariant: between two times of the list the amounts are constant; after the last they stay for ever. Amounts may be
 * negative where more is expected to be held than there is.
 */

/** Amounts by resource. @shape [RESOURCES] */
export type RoomAmounts = readonly number[];

/** A profile from one instant on. */
export class RoomProfile {
  private times: number[] = [];
  /** By resource, one entry a time. */
  private readonly free: number[][];

  /** @param resources Kinds of amounts, ≥ 1. */
  constructor(resources: number) {
    this.free = Array.from({ length: resources }, () => []);
  }

  /** Begins at an instant with everything free. */
  reset(fromSeconds: number, amounts: RoomAmounts): void {
    this.times = [fromSeconds];
    this.free.forEach((column, k) => {
      column.length = 1;
      column[0] = amounts[k] as number;
    });
  }

  /** Takes amounts from an instant to another, both not before the beginning. @param sign −1: gives them back. O(times). */
  take(fromSeconds: number, toSeconds: number, amounts: RoomAmounts, sign: 1 | -1 = 1): void {
    if (!(toSeconds > fromSeconds)) return;
    const first = this.cut(fromSeconds);
    const end = toSeconds === Number.POSITIVE_INFINITY ? this.times.length : this.cut(toSeconds);
    this.free.forEach((column, k) => {
      const amount = sign * (amounts[k] as number);
      if (amount === 0) return;
      for (let i = first; i < end; i++) column[i] = (column[i] as number) - amount;
    });
  }

  /**
   * @param seconds ≥ 0; 0: for an instant. Infinity: for ever.
   * @returns The first instant from which the amounts are free for so long; Infinity: never. O(times).
   */
  earliest(amounts: RoomAmounts, seconds: number): number {
    const { times } = this;
    for (let from = 0; from < times.length; ) {
      const start = times[from] as number;
      let at = from;
      while (at < times.length && (at === from || (times[at] as number) < start + seconds)) {
        if (!this.hasAt(at, amounts)) break;
        at++;
      }
      if (at === times.length || (at > from && (times[at] as number) >= start + seconds)) return start;
      from = at + 1;
    }
    return Number.POSITIVE_INFINITY;
  }

  /**
   * @param fromSeconds Not before the beginning. @param seconds ≥ 0; 0: at that instant.
   * @returns How many times amounts are free from an instant on for so long, ≥ 0. O(times within).
   */
  multiples(amounts: RoomAmounts, fromSeconds: number, seconds: number): number {
    const { times, free } = this;
    let at = this.indexAt(fromSeconds);
    let most = Number.POSITIVE_INFINITY;
    do {
      for (let k = 0; k < amounts.length; k++) {
        const amount = amounts[k] as number;
        if (amount > 0) most = Math.min(most, Math.floor(((free[k] as number[])[at] as number) / amount));
      }
      at++;
    } while (most > 0 && at < times.length && (times[at] as number) < fromSeconds + seconds);
    return Math.max(0, most);
  }

  /** @returns The index of the last time that is not after an instant. */
  private indexAt(seconds: number): number {
    const { times } = this;
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((times[middle] as number) <= seconds) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private hasAt(at: number, amounts: RoomAmounts): boolean {
    for (let k = 0; k < amounts.length; k++)
      if (((this.free[k] as number[])[at] as number) < (amounts[k] as number)) return false;
    return true;
  }

  /** @returns The index of a time, which is inserted if the list lacks it. */
  private cut(seconds: number): number {
    const { times } = this;
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((times[middle] as number) < seconds) low = middle + 1;
      else high = middle;
    }
    if (times[low] === seconds) return low;
    times.splice(low, 0, seconds);
    for (const column of this.free) column.splice(low, 0, column[low - 1] as number);
    return low;
  }
}
