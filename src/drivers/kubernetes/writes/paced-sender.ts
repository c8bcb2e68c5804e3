/**
 * Sends writes that are less urgent than binds: n at a time, at most n a second, and only as fast as a hook allows, yet
 * never slower than a guaranteed rate, so that they do not starve.
 */
import { assert } from '../../../kernel/assert.ts';
import type { WriteClock } from './write-clock.ts';

/** Pace and bounds. */
export interface PaceOptions {
  /** Most jobs at a time; integer ≥ 1. */
  readonly inFlightMax: number;
  /** Most jobs a second, > 0, in bursts of at most the number in flight. */
  readonly perSecondMax: number;
  /** Jobs a second that are sent even while `mayRun` returns false; > 0. */
  readonly perSecondMin: number;
  /** True if more urgent writes leave room now. */
  readonly mayRun: () => boolean;
}

/** The source of jobs. */
export interface JobSource {
  readonly size: number;
  /** Takes the next job and starts it; only if there is one. A job that rejects is a bug: no caller catches it. */
  start(): Promise<void>;
  /** Called when nothing is left and nothing runs. */
  idle(): void;
}

/** Interval between calls of `mayRun`, seconds. */
const ASK_AGAIN_SECONDS = 0.02;

/** Tokens that arrive at a rate, up to a limit. */
class Bucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.#perSecond = perSecond;
    this.#burst = Math.max(1, burst);
    this.#tokens = this.#burst;
    this.#filledAt = now;
  }

  /** @returns Seconds until there is a token; 0: now. */
  wait(now: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) * this.#perSecond);
    this.#filledAt = now;
    // A timer that fires slightly early must not cost another round.
    return this.#tokens > 1 - 1e-6 ? 0 : (1 - this.#tokens) / this.#perSecond;
  }

  take(): void {
    this.#tokens = Math.max(0, this.#tokens - 1);
  }
}

/** Takes jobs from its owner and runs them at its pace. */
export class PacedSender {
  readonly #clock: WriteClock;
  readonly #options: PaceOptions;
  readonly #source: JobSource;
  readonly #most: Bucket;
  readonly #least: Bucket;
  #inFlight = 0;
  #pausedUntil = 0;
  #hurried = false;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: WriteClock, options: PaceOptions, source: JobSource) {
    assert(options.inFlightMax >= 1 && options.perSecondMax > 0 && options.perSecondMin > 0, 'a pace is > 0');
    this.#clock = clock;
    this.#options = options;
    this.#source = source;
    const now = clock.nowSeconds();
    this.#most = new Bucket(options.perSecondMax, options.inFlightMax, now);
    this.#least = new Bucket(Math.min(options.perSecondMin, options.perSecondMax), 1, now);
  }

  /** Running jobs. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** There may be a job: starts what the pace allows. */
  wake(): void {
    if (this.#cancelTimer === undefined) this.#run();
  }

  /** Starts nothing for n seconds: the server requested it. */
  pause(seconds: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.nowSeconds() + seconds);
  }

  /** From now on ignores the hook and the limit per second: the process is about to end. */
  hurry(): void {
    this.#hurried = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#run();
  }

  #run(): void {
    while (this.#inFlight < this.#options.inFlightMax && this.#source.size > 0) {
      const wait = this.#waitSeconds();
      if (wait > 0) {
        this.#cancelTimer = this.#clock.setTimer(wait, () => {
          this.#cancelTimer = undefined;
          this.#run();
        });
        return;
      }
      this.#most.take();
      this.#inFlight++;
      void this.#source.start().finally(() => {
        this.#inFlight--;
        if (this.#inFlight === 0 && this.#source.size === 0) this.#source.idle();
        this.wake();
      });
    }
  }

  /** @returns Seconds until the next job may start; 0: now (then a token of the guaranteed rate is spent if it was needed). */
  #waitSeconds(): number {
    const now = this.#clock.nowSeconds();
    if (now < this.#pausedUntil) return this.#pausedUntil - now;
    if (this.#hurried) return 0;
    const most = this.#most.wait(now);
    if (most > 0) return most;
    const least = this.#least.wait(now);
    if (this.#options.mayRun()) return 0;
    if (least > 0) return Math.min(least, ASK_AGAIN_SECONDS);
    this.#least.take();
    return 0;
  }
}
