/** Durations of the latest ticks, for percentiles. */
const TICKS_KEPT = 4096;

/** What a guard says of its ticks; µs. */
export interface TickSummary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Longest time between the starts of two ticks, beyond what was planned. */
  readonly lateMax: number;
}

/** A ring of durations. Allocates nothing in a tick. */
export class TickTimes {
  private readonly micros = new Float64Array(TICKS_KEPT);
  private count = 0;
  private max = 0;
  private lateMax = 0;

  /** @param micros Of the tick. @param late How much later than planned it began. */
  add(micros: number, late: number): void {
    this.micros[this.count++ % TICKS_KEPT] = micros;
    this.max = Math.max(this.max, micros);
    this.lateMax = Math.max(this.lateMax, late);
  }

  /** Percentiles of the ticks that are kept, maxima of all. */
  summary(): TickSummary {
    const sorted = this.micros.slice(0, Math.min(this.count, TICKS_KEPT)).sort();
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    return { count: this.count, p50: at(0.5), p99: at(0.99), max: this.max, lateMax: this.lateMax };
  }
}
