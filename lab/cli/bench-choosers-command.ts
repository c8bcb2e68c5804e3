/**
 * `teg bench choosers`: zone choosers on stale boards, and samplers where no table fits.
 */
import type { Command } from 'commander';
import {
  decimalNumber,
  oneOf,
  parseFraction,
  parseList,
  parsePositiveIntList,
  parseSeed,
  wholeNumber,
} from '../../src/cli/terminal/option-values.ts';
import { TegError } from '../../src/model/errors.ts';
import type { BoardRow, BoardTask, ChoosersTask, FieldRow, FieldTask } from '../bench/choosers-task.ts';

interface ChoosersOptions {
  readonly choosers?: string[];
  readonly refreshIntervals: number[];
  readonly load: number;
  readonly arrivalsPerRun: number;
  readonly servers: BoardTask['servers'];
  readonly refresh: BoardTask['refresh'];
  readonly deciders: BoardTask['deciders'];
  readonly loserBudget: number;
  readonly dimensions?: number[];
  readonly evaluations: number[];
  readonly seed: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  teg bench choosers
  teg bench choosers --choosers anticipated,gibbs --refresh-intervals 0.1,1 --refresh staggered --json
  teg bench choosers --servers unequal --choosers random,random-by-entries,best-of-d,best-of-d-by-entries
  teg bench choosers --dimensions 4,8 --evaluations 2,8

100 servers stand behind a board that is refreshed every T_b service times; arrivals choose by the board. Besides the
choosers of 'teg policies --list-choosers' some variants can be named; docs/choosers.md lists them, with the measurements.`;

/** Adds `teg bench choosers`. */
export function addBenchChoosersCommand(bench: Command): void {
  bench
    .command('choosers')
    .description('zone choosers on stale boards: response, herding, distance')
    .option('--seed <n>', 'of everything random', parseSeed, 1)
    .option('--json', 'print JSON: an array of {chooser, staleness, meanResponse, herding, distance}')
    .optionsGroup('Servers behind a board (without --dimensions):')
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
    .optionsGroup('Samplers in fields, instead of servers:')
    .option('--dimensions <counts>', 'fields of these dimensions', parsePositiveIntList)
    .option('--evaluations <counts>', 'evaluations of the field a decision', parsePositiveIntList, [2, 8])
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
  const { dimensions } = options;
  if (dimensions !== undefined) {
    const rows = (await runCells(await fieldTasks(options, dimensions))) as FieldRow[];
    if (options.json === true) (await import('../../src/cli/terminal/json-output.ts')).printJson(rows);
    else (await import('../bench/choosers-report.ts')).printFields(rows);
    return;
  }
  const rows = (await runCells(await boardTasks(options))) as BoardRow[];
  if (options.json === true) (await import('../../src/cli/terminal/json-output.ts')).printJson(rows);
  else (await import('../bench/choosers-report.ts')).printBoards(rows);
}

/** @throws TegError TEG_OPTION_INVALID for an unknown name, before anything is measured. */
async function boardTasks(options: ChoosersOptions): Promise<BoardTask[]> {
  const { CHOOSERS } = await import('../../src/governor/choosers/registry.ts');
  const { chooserOrVariantByName } = await import('../boards/variants.ts');
  const names = options.choosers?.map((name) => chooserOrVariantByName(name).name);
  const { load, arrivalsPerRun: arrivals, servers, refresh, deciders, loserBudget, seed } = options;
  return (names ?? CHOOSERS.map(({ name }) => name)).flatMap((chooser) =>
    options.refreshIntervals.map((staleness) => ({
      kind: 'board' as const,
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

async function fieldTasks(options: ChoosersOptions, dimensions: readonly number[]): Promise<FieldTask[]> {
  const { FIELD_SAMPLERS } = await import('../boards/high-dimension.ts');
  return (['bowl', 'wells'] as const).flatMap((field) =>
    dimensions.flatMap((count) =>
      options.evaluations.flatMap((evaluations) =>
        FIELD_SAMPLERS.map((sampler) => ({
          kind: 'field' as const,
          field,
          dimensions: count,
          evaluations,
          sampler,
          seed: options.seed,
        })),
      ),
    ),
  );
}

async function runCells(tasks: readonly ChoosersTask[]): Promise<(BoardRow | FieldRow)[]> {
  const { availableParallelism } = await import('node:os');
  const { runOnWorkers } = await import('../../src/drivers/embedded/worker-pool.ts');
  const { ProgressLine } = await import('../../src/cli/terminal/progress-line.ts');
  const line = new ProgressLine('choosing', { total: tasks.length, unit: 'runs' });
  try {
    const rows = await runOnWorkers<ChoosersTask, BoardRow | FieldRow>({
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
