/**
 * Lets arrivals gather for some milliseconds while many come, so that they are handled together: interrupt coalescing,
 * as in network cards (`ethtool -C rx-usecs`), for an event loop.
 *
 * Why: beside a busy API server each answer and each event of a watch arrives alone, and each woke the process, took
 * one or two rounds of the whole loop and put it to sleep again: 4.4 rounds for every pod. With pauses of 5 ms the
 * scheduler's CPU for a pod was a fifth less, and the API server's, which is disturbed less often, a tenth
 * (docs/results/kubernetes-bench.md).
 *
 * How: a pause is a blocking sleep of the thread; sockets hold the arrivals. It is made after two rounds of the loop,
 * because in the first the core decides, and in the second the HTTP client writes. No pause is made while arrivals are
 * rare or work takes longer than the interval, so a quiet scheduler answers at once and a saturated one never sleeps.
 */

/** Dependencies of the coalescer; tests can replace them all. */
export interface LoopPorts {
  /** Milliseconds of a clock that only goes forward. */
  readonly nowMs: () => number;
  /** Calls back in the next round of the loop, after I/O. */
  readonly nextRound: (callback: () => void) => void;
  /** Blocks the thread. @param ms > 0. */
  readonly sleep: (ms: number) => void;
}

/** Arrivals within an interval that make a pause worthwhile. */
const ARRIVALS_MIN = 2;

/** Rounds of the loop between an arrival and the pause. */
const ROUNDS = 3;

/** A coalescer; one a thread. */
export class IoCoalescer {
  /** Pauses so far, and their requested milliseconds. */
  readonly pauses = { count: 0, ms: 0 };
  private readonly intervalMs: number;
  private readonly ports: LoopPorts;
  private arrivals = 0;
  private lastMs: number;

  /** @param intervalMs Least time from the end of one pause to the end of the next; 0: no pauses. */
  constructor(intervalMs: number, ports: LoopPorts = machinePorts()) {
    this.intervalMs = intervalMs;
    this.ports = ports;
    this.lastMs = ports.nowMs();
  }

  /** An input has arrived. O(1). */
  note(): void {
    if (this.intervalMs > 0 && this.arrivals++ === 0) this.after(ROUNDS);
  }

  private after(rounds: number): void {
    this.ports.nextRound(() => (rounds > 1 ? this.after(rounds - 1) : this.pause()));
  }

  private pause(): void {
    const leftMs = this.intervalMs - (this.ports.nowMs() - this.lastMs);
    if (leftMs > 0 && this.arrivals >= ARRIVALS_MIN) {
      this.pauses.count++;
      this.pauses.ms += leftMs;
      this.ports.sleep(leftMs);
    }
    this.arrivals = 0;
    this.lastMs = this.ports.nowMs();
  }
}

function machinePorts(): LoopPorts {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  return {
    nowMs: () => performance.now(),
    nextRound: setImmediate,
    // No thread ever wakes it: this is the one way to sleep without a round of the loop.
    sleep: (ms) => void Atomics.wait(nothing, 0, 0, ms),
  };
}
