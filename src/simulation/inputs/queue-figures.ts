/** The figures of a queue, as `SimulationOptions.onQueue` receives them. */

/** What a queue did to the jobs of one run; `metrics/queue-meter.ts` measures it. */
export interface QueueFigures {
  /** Share of capacity that waiting jobs could have used while jobs arrived, in [0, 1]. */
  readonly headOfLine: number;
  /** The same until the last job has ended. */
  readonly headOfLineToEnd: number;
  /** Starts that the queue stated in advance, of jobs that have started; null: it states none. */
  readonly promises: { readonly made: number; readonly kept: number } | null;
}
