/**
 * The barrier of memory: how fast a group may grow so that its usage never passes its limit.
 *
 * Plant: ṁ = v + w, v̇ = (u − v)/τ, 0 ≤ u ≤ ū: the growth rate v follows the granted rate u with a lag τ; w is growth past
 * the actuator. With k1 = 1/τ the high-order barrier of M − m becomes u ≤ k2 (M − m − τ v): headroom minus growth in flight.
 * z = m + τ v then obeys ż = u + w exactly, so with the rate held between ticks k2 ≤ 1/T keeps z, and so m, at most M at all
 * times and not only at ticks. A k1 above 1/τ asks for u < 0, which no actuator has; so k1 is not an option here.
 *
 * Dead time d is not lag: a command in the pipe cannot be taken back. Either the margin covers ū d, or the commands in the
 * pipe are counted (`predicts`), which leaves a margin of one tick.
 *
 * @source Derived; docs/guard-laws.md has proof and conditions, and G-01 to G-09 of `teg verify` test both.
 */
import { assert } from '../../kernel/assert.ts';
import { CommandPipe, PIPE_COMMANDS_MAX } from './command-pipe.ts';

/** Constants of a growth filter. Amounts and rates in one unit, for example MiB and MiB/s. */
export interface GrowthFilterOptions {
  /** τ̂: upper bound of the actuator's lag; ≥ 0. */
  readonly lagSeconds: number;
  /** T: longest time between two ticks, jitter included; > 0. */
  readonly tickSeconds: number;
  /** δ: oldest age of a reading; the caller passes NaN for older ones. ≥ 0. */
  readonly staleSeconds: number;
  /** d: time until a command has effect; ≥ 0. */
  readonly deadSeconds: number;
  /** ū: highest rate that the group reaches; > 0. */
  readonly rateMax: number;
  /** ε: kept free below the limit; see `growth-margin.ts`. ≥ 0. */
  readonly margin: number;
  /** True: counts the commands in the pipe instead of a margin for d. Default false. */
  readonly predicts?: boolean;
}

/** Verdict on a limit: whether rates ≥ 0 can hold it from here. */
export type LimitVerdict = 'holds' | 'passed-by-growth-in-flight' | 'unreadable';

/** The filter of one group. Single writer. Allocates nothing in a tick. */
export class GrowthFilter {
  private readonly options: GrowthFilterOptions;
  /** k2, 1/s. */
  private readonly gain: number;
  private readonly pipe: CommandPipe | undefined;

  constructor(options: GrowthFilterOptions) {
    const { lagSeconds, tickSeconds, staleSeconds, deadSeconds, rateMax, margin, predicts = false } = options;
    assert(lagSeconds >= 0 && staleSeconds >= 0 && deadSeconds >= 0 && margin >= 0, 'a bound is negative');
    assert(tickSeconds > 0 && rateMax > 0, 'a tick or a rate is not positive');
    assert(Number.isFinite(lagSeconds + tickSeconds + staleSeconds + deadSeconds), 'a time is not finite');
    this.options = options;
    this.gain = 1 / (tickSeconds + staleSeconds + (predicts ? 0 : deadSeconds));
    this.pipe = predicts ? new CommandPipe(deadSeconds, PIPE_COMMANDS_MAX) : undefined;
  }

  /**
   * The rate to grant until the next tick.
   *
   * @param usage  m, as read.
   * @param growth v, its estimated rate; falling usage counts as v = 0.
   * @param limit  M.
   * @param time   Now, seconds; not before the last call's.
   * @returns      In [0, ū]; 0 if usage, growth or limit is not finite or negative usage was read: no reading, no growth.
   * @cost         O(1); with `predicts` O(commands in the pipe).
   */
  allow(usage: number, growth: number, limit: number, time: number): number {
    const { rateMax, margin } = this.options;
    let rate = 0;
    if (isReadable(usage, growth, limit)) {
      const headroom = limit - margin - usage - this.inFlight(growth, time);
      rate = Math.min(Math.max(this.gain * headroom, 0), rateMax);
    }
    this.pipe?.push(rate, time);
    return rate;
  }

  /**
   * Checks the initial set, and equally a limit that is about to fall: growth in flight that passes a limit cannot be taken
   * back by any rate ≥ 0. If it does not hold, the group has to be frozen, and memory reclaimed or moved, before the limit is
   * set. A frozen group has no growth in flight: `frozen` checks it.
   */
  checkLimit(usage: number, growth: number, limit: number, time: number): LimitVerdict {
    if (!isReadable(usage, growth, limit)) return 'unreadable';
    const { margin } = this.options;
    return usage + this.inFlight(growth, time) + margin <= limit ? 'holds' : 'passed-by-growth-in-flight';
  }

  /** Records that the group is frozen: commands in the pipe have no effect any more. */
  frozen(): void {
    this.pipe?.clear();
  }

  /** τ v⁺, and the commands in the pipe if they are counted. */
  private inFlight(growth: number, time: number): number {
    return this.options.lagSeconds * Math.max(growth, 0) + (this.pipe?.inFlight(time) ?? 0);
  }
}

function isReadable(usage: number, growth: number, limit: number): boolean {
  return Number.isFinite(usage + growth + limit) && usage >= 0 && limit >= 0;
}
