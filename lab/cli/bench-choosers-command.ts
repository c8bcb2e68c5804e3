/**
 * `teg bench choosers`: zone choosers on stale boards.
 */
import type { Command } from 'commander';
import {
  decimalNumber,
  oneOf,
  parseFraction,
  parseList,
  parseSeed,
  wholeNumber,
} from '../../src/cli/terminal/option-values.ts';
import { TegError } from '../../src/model/errors.ts';
import type { BoardRow, BoardTask } from '../bench/choosers-task.ts';

interface ChoosersOptions {
  readonly choosers?: string[];
  readonly refreshIntervals: number[];
  readonly load: number;
  readonly arrivalsPerRun: number;
  readonly servers: BoardTask['servers'];
  readonly refresh: BoardTask['refresh'];
  readonly deciders: BoardTask['deciders'];
  readonly loserBudget: number;
  readonly seed: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  teg bench choosers
  teg bench choosers --choosers anticipated,gibbs --refresh-intervals 0.1,1 --refresh staggered --json
  teg bench choosers --servers unequal --choosers random,best-of-d

100 servers stand behind a board that is refreshed every T_b service times; arrivals choose by the board with
the choosers of 'teg policies --list-choosers'; docs/choosers.md has the measurements.`;

/** Adds `teg bench choosers`. */
export function addBenchChoosersCommand(bench: Command): void {
  bench
    .command('choosers')
    .description('zone choosers on stale boards: response, herding, distance')
    .option('--seed <n>', 'of everything random', parseSeed, 1)
    .option('--json', 'print JSON: an array of {chooser, staleness, meanResponse, herding, distance}')
    .option('--choosers <names>', 'choosers by name (default: all)', parseList)
    .option('--refresh-intervals <times>', 'T_b, in mean service times', parseTimes, [0.1, 1, 5, 20])
    .option('--load <factor>', 'offered load over capacity, below 1', parseLoad, 0.9)
    .option(
      '--arrivals-per-run <n>',
      'arrivals of each run; a tenth of them warm up',
      wholeNumber(1, 100_000_000),
      200_000,
    )
    .option('--servers <kind>', 'equal, or unequal: four speeds, mixed', oneOf('equal', 'unequal'), 'equal')
    .option(
      '--refresh <how>',
      'together, or staggered: one server after the other',
      oneOf('together', 'staggered'),
      'together',
    )
    .option(
      '--deciders <how>',
      'arrivals that choosers anticipate: so-far (by the age of the data) or per-refresh',
      oneOf('so-far', 'per-refresh'),
      'so-far',
    )
    .option('--loser-budget <share>', 'deciders that may lose their place', parseLoad, 0.05)
    .addHelpText('after', EXAMPLES)
    .action(runBench);
}

function parseTimes(text: string): number[] {
  return parseList(text).map(decimalNumber(0, 1_000_000, true));
}

function parseLoad(text: string): number {
  const share = parseFraction(text);
  if (share > 0 && share < 1) return share;
  throw new TegError('TEG_OPTION_INVALID', `got '${text}', expected a share above 0 and below 1`);
}

async function runBench(options: ChoosersOptions): Promise<void> {
  const rows = await runCells(await boardTasks(options));
  if (options.json === true) (await import('../../src/cli/terminal/json-output.ts')).printJson(rows);
  else (await import('../bench/choosers-report.ts')).printBoards(rows);
}

/** @throws TegError TEG_OPTION_INVALID for an unknown name, before anything is measured. */
async function boardTasks(options: ChoosersOptions): Promise<BoardTask[]> {
  const { CHOOSERS, chooserByName } = await import('../../src/governor/choosers/registry.ts');
  const names = options.choosers?.map((name) => chooserByName(name).name);
  const { load, arrivalsPerRun: arrivals, servers, refresh, deciders, loserBudget, seed } = options;
  return (names ?? CHOOSERS.map(({ name }) => name)).flatMap((chooser) =>
    options.refreshIntervals.map((staleness) => ({
      chooser,
      staleness,
      load,
      arrivals,
      servers,
      refresh,
      deciders,
      loserBudget,
      seed,
    })),
  );
}

async function runCells(tasks: readonly BoardTask[]): Promise<BoardRow[]> {
  const { availableParallelism } = await import('node:os');
  const { runOnWorkers } = await import('../../src/drivers/embedded/worker-pool.ts');
  const { ProgressLine } = await import('../../src/cli/terminal/progress-line.ts');
  const line = new ProgressLine('choosing', { total: tasks.length, unit: 'runs' });
  try {
    const rows = await runOnWorkers<BoardTask, BoardRow>({
      url: new URL('../bench/choosers-worker.ts', import.meta.url),
      tasks,
      workers: availableParallelism(),
      onProgress: ({ tasksDone }) => line.update(tasksDone),
    });
    return rows.filter((row) => row !== undefined);
  } finally {
    line.finish();
  }
}
