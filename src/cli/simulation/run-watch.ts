/** Terminal output while simulations run: the progress line, and warnings about the inputs. */
import type { RunOptions } from '../../drivers/embedded/simulations.ts';
import type { SimulationResult } from '../../simulation/metrics/result.ts';
import { interruptSignal } from '../terminal/interrupt.ts';
import { ProgressLine } from '../terminal/progress-line.ts';

/**
 * Runs something with a progress line and Ctrl-C.
 *
 * @param label The running work, for example `simulating teg`.
 * @param run   Gets the options to run with.
 * @param lineOf Formats a run as one line; if given, each run that reaches its end is printed then.
 * @returns     The result of `run`; the line is gone by then.
 */
export async function watchRun<T>(
  label: string,
  run: (options: RunOptions) => Promise<T>,
  lineOf?: (result: SimulationResult) => string,
): Promise<T> {
  const line = new ProgressLine(label, { unit: 'jobs' });
  const signal = interruptSignal();
  try {
    return await run({
      signal,
      onProgress: ({ tasksDone, tasks, workDone, workTotal }) => {
        if (signal.aborted) return;
        const runs = tasks > 1 ? `${tasksDone}/${tasks} runs` : '';
        line.update(workDone, workTotal === 0 ? 'reading the inputs' : runs, workTotal);
      },
      onWarnings: (warnings) => {
        line.clear();
        for (const warning of warnings) process.stderr.write(`note: ${warning}\n`);
      },
      ...(lineOf === undefined ? {} : { onRun: (result) => tellRun(result, lineOf, line) }),
    });
  } finally {
    line.finish();
  }
}

function tellRun(
  result: SimulationResult,
  lineOf: (result: SimulationResult) => string,
  line: ProgressLine,
): void {
  if (!result.complete) return;
  line.clear();
  process.stdout.write(`${lineOf(result)}\n`);
}
