/**
 * `teg bench power`: every law on every phase and actuator, over several seeds.
 */
import { assertAuthority } from '../../src/guard/power/rack-caps.ts';
import { generatePower, type PowerTrace } from './power-trace.ts';
import { LAW_NAMES, type LawName } from './rack-laws.ts';
import { knownRack, PHASE_NAMES, type PhaseName, type PowerRow, RACK_NODES, runTrial } from './rack-trial.ts';

/** Seconds from a command to its effect: in-band, and out-of-band. */
export const ACTUATOR_SECONDS: readonly number[] = [0.2, 5];

/** What to measure. */
export interface PowerBenchOptions {
  readonly seeds: number;
  /** Absent: generated, another one for each seed. */
  readonly trace?: PowerTrace | undefined;
  /** Part of the nodes' peaks that the breaker bears, in (0, 1]. */
  readonly limitPart: number;
}

/** A row over all seeds: the worst of powers, times and temperatures, the mean of the energy. */
export interface PowerBenchRow extends PowerRow {
  readonly energyServedLeast: number;
}

/** Least and most of the limits over the seeds' racks: what the audit is done with. */
function audit(traces: readonly PowerTrace[], limitPart: number): void {
  for (const trace of traces) {
    const { floorWatts, limit } = knownRack(trace, limitPart, 0);
    assertAuthority(new Float64Array(RACK_NODES).fill(floorWatts), 0, limit);
  }
}

/**
 * Runs all trials.
 *
 * @param done Called after each row.
 * @throws     TegError TEG_POWER_AUTHORITY before anything runs, if no caps can hold the limit.
 */
export function runPowerBench(options: PowerBenchOptions, done?: (rows: number) => void): PowerBenchRow[] {
  const traces = Array.from({ length: options.seeds }, (_, i) => options.trace ?? generatePower(i + 1));
  audit(traces, options.limitPart);
  const rows: PowerBenchRow[] = [];
  for (const phase of PHASE_NAMES) {
    for (const actuatorSeconds of ACTUATOR_SECONDS) {
      for (const law of LAW_NAMES) {
        rows.push(overSeeds(traces, options.limitPart, law, phase, actuatorSeconds));
        done?.(rows.length);
      }
    }
  }
  return rows;
}

/** Rows of a table. */
export const POWER_ROWS = PHASE_NAMES.length * ACTUATOR_SECONDS.length * LAW_NAMES.length;

function overSeeds(
  traces: readonly PowerTrace[],
  limitPart: number,
  law: LawName,
  phase: PhaseName,
  actuatorSeconds: number,
): PowerBenchRow {
  const rows = traces.map((trace, i) =>
    runTrial({ law, phase, actuatorSeconds, trace, seed: i + 1, limitPart }),
  );
  const most = (of: (row: PowerRow) => number): number => Math.max(...rows.map(of));
  return {
    law,
    phase,
    actuatorSeconds,
    overWattsMax: most((row) => row.overWattsMax),
    secondsOver: most((row) => row.secondsOver),
    energyServed: rows.reduce((sum, row) => sum + row.energyServed, 0) / rows.length,
    overKelvinMax: most((row) => row.overKelvinMax),
    energyServedLeast: -most((row) => -row.energyServed),
  };
}
