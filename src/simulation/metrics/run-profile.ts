/**
 * The breakdown of a run's wall time: queue, zone and metrics from a sample of its events, which are all alike; the
 * policy and the samples of the whole cluster from every call, because few of them may weigh most.
 *
 * Invariant: nothing here feeds back into the run; without a clock it is never called.
 */

/** Readings in a row whose mean is one measurement of the clock's own cost; the best of several counts. */
const CALIBRATION_READINGS = 1000;
const CALIBRATION_ROUNDS = 20;

/** Adds up stretches of wall time by activity. */
export class RunProfile {
  readonly clockMicros: () => number;
  /** Microseconds that reading the clock itself adds to a stretch. */
  readonly clockCost: number;
  /** Of the timed events: the event queue; the zone without its policy; the metrics without samples. */
  queueMicros = 0;
  zoneMicros = 0;
  metricsMicros = 0;
  /** Events timed, and events in all. */
  timedEvents = 0;
  events = 0;
  /** All samples of the whole cluster, timed each. */
  sampleMicros = 0;
  private from = 0;

  /** @param clockMicros Microseconds from any origin, never going back. */
  constructor(clockMicros: () => number) {
    this.clockMicros = clockMicros;
    let cost = Number.POSITIVE_INFINITY;
    for (let round = 0; round < CALIBRATION_ROUNDS; round++) {
      const from = clockMicros();
      for (let i = 1; i < CALIBRATION_READINGS; i++) clockMicros();
      cost = Math.min(cost, (clockMicros() - from) / CALIBRATION_READINGS);
    }
    this.clockCost = cost;
  }

  /** Begins a stretch. */
  start(): void {
    this.from = this.clockMicros();
  }

  /** Ends the stretch and begins the next. @returns Its microseconds, the clock's own cost taken off. */
  lap(): number {
    const now = this.clockMicros();
    const micros = now - this.from - this.clockCost;
    this.from = now;
    return micros > 0 ? micros : 0;
  }
}
