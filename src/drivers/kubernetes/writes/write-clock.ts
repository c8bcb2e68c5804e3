/** Time for the writes: injected, so that tests do not wait and a suspended process can be imitated. */

/** A clock with timers. */
export interface WriteClock {
  /** Seconds of a clock that never jumps and never goes back; only differences are meaningful. */
  nowSeconds(): number;
  /** Seconds since 1970 by the machine's clock; for people to read, never for decisions. */
  wallSeconds(): number;
  /** Calls back once, not earlier than in n seconds (≥ 0). @returns A function that cancels it; harmless afterwards. */
  setTimer(seconds: number, callback: () => void): () => void;
}

/** Longest wait of Node's timers, seconds (2³¹ − 1 ms). */
const TIMER_SECONDS_MAX = 2_147_483;

/** @returns The machine's clock. Its timers do not keep a process alive that has nothing else to do. */
export function systemWriteClock(): WriteClock {
  return {
    nowSeconds: () => performance.now() / 1000,
    wallSeconds: () => (performance.timeOrigin + performance.now()) / 1000,
    setTimer: (seconds, callback) => {
      const milliseconds = Math.ceil(Math.min(Math.max(seconds, 0), TIMER_SECONDS_MAX) * 1000);
      const timer = setTimeout(callback, milliseconds);
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}

/** Waits that can all be ended early, for instance when the lease is lost. */
export class Waits {
  readonly #clock: WriteClock;
  readonly #ends = new Set<() => void>();

  constructor(clock: WriteClock) {
    this.#clock = clock;
  }

  /** Number of waits now. */
  get count(): number {
    return this.#ends.size;
  }

  /** @returns Settles after n seconds, or when `endAll` is called. */
  wait(seconds: number): Promise<void> {
    return this.open(seconds).done;
  }

  /** @returns A wait, and `end`, which ends this wait alone and is harmless afterwards. */
  open(seconds: number): { readonly done: Promise<void>; readonly end: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (): void => {
      cancel();
      this.#ends.delete(end);
      resolve();
    };
    const cancel = this.#clock.setTimer(seconds, end);
    this.#ends.add(end);
    return { done: promise, end };
  }

  /** Ends every wait now. */
  endAll(): void {
    for (const end of [...this.#ends]) end();
  }
}
