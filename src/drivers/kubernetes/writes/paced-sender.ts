/**
 * Sends what is less urgent than binds: some at a time, at most so many a second, and only as fast as a hook allows,
 * yet never slower than a guaranteed rate, so that it does not starve.
 */
import { assert } from '../../../model/errors.ts';
import type { WriteClock } from './write-clock.ts';

/** Pace and bounds. */
export interface PaceOptions {
  /** Most at a time; integer ≥ 1. */
  readonly inFlightMax: number;
  /** Most a second, > 0, in bursts of at most as many as are in flight. */
  readonly perSecondMax: number;
  /** So many a second are sent even while `mayRun` says no; > 0. */
  readonly perSecondMin: number;
  /** Whether more urgent writes leave room now. */
  readonly mayRun: () => boolean;
}

/** What there is to send. */
export interface JobSource {
  readonly size: number;
  /** Takes off the next job and starts it; only if there is one. A job that rejects is a bug: nobody catches it. */
  start(): Promise<void>;
  /** Told when nothing is left and nothing runs. */
  idle(): void;
}

/** How long to wait before `mayRun` is asked again, seconds. */
const ASK_AGAIN_SECONDS = 0.02;

/** Tokens that come at a rate, up to so many. */
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
    // A timer that fires a hair early must not cost another round.
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

  /** Jobs that run now. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** There may be a job: starts what the pace allows. */
  wake(): void {
    if (this.#cancelTimer === undefined) this.#run();
  }

  /** Starts nothing for so many seconds: the server asked for it. */
  pause(seconds: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.nowSeconds() + seconds);
  }

  /** From now without minding the hook and the most a second: the process is about to end. */
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
