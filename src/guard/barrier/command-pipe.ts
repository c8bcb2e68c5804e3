/**
 * Commands that have been given and have not taken effect yet: what a dead time d hides.
 *
 * With the commands known, the state at time t + d is known too: dead time costs one tick of margin instead of ū d.
 */
import { assert } from '../../kernel/assert.ts';

/** Most commands that a pipe holds; further ones are merged into the last, at the higher rate. */
export const PIPE_COMMANDS_MAX = 4096;

/** The commands of the last d seconds. Single writer. Allocates nothing after construction. */
export class CommandPipe {
  private readonly deadSeconds: number;
  /** Rings. @shape [capacity] */
  private readonly times: Float64Array;
  private readonly rates: Float64Array;
  private first = 0;
  private count = 0;

  /**
   * @param deadSeconds d ≥ 0, finite.
   * @param capacity    Commands held, 1 to `PIPE_COMMANDS_MAX`; d over the shortest tick, and 1, loses nothing.
   */
  constructor(deadSeconds: number, capacity: number) {
    assert(
      deadSeconds >= 0 && deadSeconds < Number.POSITIVE_INFINITY,
      'a dead time is negative or not finite',
    );
    assert(
      Number.isInteger(capacity) && capacity >= 1 && capacity <= PIPE_COMMANDS_MAX,
      'a pipe of no commands',
    );
    this.deadSeconds = deadSeconds;
    this.times = new Float64Array(capacity);
    this.rates = new Float64Array(capacity);
  }

  /** Records the rate that is commanded from `time` on. @param time Not before the last one. O(1). */
  push(rate: number, time: number): void {
    const { times, rates } = this;
    const last = (this.first + this.count - 1) % times.length;
    if (this.count === times.length) {
      rates[last] = Math.max(rates[last] as number, rate);
      return;
    }
    assert(this.count === 0 || time >= (times[last] as number), 'a command before the last one');
    const at = (this.first + this.count++) % times.length;
    times[at] = time;
    rates[at] = rate;
  }

  /** @returns Growth commanded in the last d seconds, in amounts of the rate times seconds. O(commands in the pipe). */
  inFlight(time: number): number {
    const { times, rates } = this;
    const from = time - this.deadSeconds;
    let sum = 0;
    let expired = 0;
    for (let i = 0; i < this.count; i++) {
      const at = (this.first + i) % times.length;
      const end = i + 1 < this.count ? (times[(at + 1) % times.length] as number) : time;
      if (end <= from && i + 1 < this.count) expired++;
      else sum += (rates[at] as number) * (end - Math.max(times[at] as number, from));
    }
    this.first = (this.first + expired) % times.length;
    this.count -= expired;
    return Math.max(sum, 0);
  }

  /** Forgets all commands: the group is frozen, and nothing takes effect any more. */
  clear(): void {
    this.count = 0;
  }
}
