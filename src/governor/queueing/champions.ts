/**
 * Champions: waiting jobs for which room is reserved, because they have waited long in comparison with those before.
 *
 * A reservation costs: what it keeps free, others could use. EASY backfilling reserves for the first job in line at once;
 * here a job has to wait for a share of what champions before it waited, so that most start without a reservation, and
 * the longest waits stay what they are with EASY. Measured in docs/results/queues.md.
 */

/** Bounds and thresholds of champions. */
export interface ChampionOptions {
  /** Least wait before a job may become champion, seconds, ≥ 0. Default 0. */
  readonly afterSeconds?: number;
  /** Share of the recent champions' waits (their 90th percentile) that it has to wait, ≥ 0. Default 0.62. */
  readonly afterShare?: number;
  /** Champions at one time, in [0, 8]. Each after the first has to wait twice as long as the one before. Default 2. */
  readonly reservationsMax?: number;
}

/** The defaults of `ChampionOptions`. */
export const CHAMPION_DEFAULTS: Required<ChampionOptions> = {
  afterSeconds: 0,
  afterShare: 0.62,
  reservationsMax: 2,
};

/** Champions whose waits are remembered. */
const WAITS_MAX = 64;

/** How much longer each further champion has to wait. */
const FURTHER_FACTOR = 2;

/** The threshold of champions, which follows the waits of those before. */
export class ChampionThreshold {
  private readonly options: Required<ChampionOptions>;
  /** The last waits, in a ring. */
  private readonly waits: number[] = [];
  private next = 0;
  private firstSeconds: number;

  constructor(options: Required<ChampionOptions>) {
    this.options = options;
    this.firstSeconds = options.afterSeconds;
  }

  /** @returns Seconds that a job has to wait to become the champion of that number, from 0. */
  secondsOf(number: number): number {
    return this.firstSeconds * FURTHER_FACTOR ** number;
  }

  /** A champion has started. @param waitSeconds From its arrival. */
  started(waitSeconds: number): void {
    const { waits, options } = this;
    waits[this.next] = waitSeconds;
    this.next = (this.next + 1) % WAITS_MAX;
    const sorted = [...waits].sort((a, b) => a - b);
    const p90 = sorted[Math.min(sorted.length - 1, Math.floor(0.9 * sorted.length))] as number;
    this.firstSeconds = Math.max(options.afterSeconds, options.afterShare * p90);
  }
}
