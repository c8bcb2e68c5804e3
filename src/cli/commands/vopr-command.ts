/**
 * `teg vopr`: whole clusters under random faults, checked after every step.
 */
import type { Command } from 'commander';
import { TegError } from '../../model/errors.ts';
import type { Plant } from '../../simulation/federation/vopr/planted-bugs.ts';
import type { VoprTotals } from '../../simulation/federation/vopr/vopr-totals.ts';
import { parseSeed, parseSeeds, parseWorkers, wholeNumber } from '../terminal/option-values.ts';
import type { VoprTask } from '../vopr/vopr-task.ts';

interface VoprCommandOptions {
  readonly seed?: number;
  readonly seeds?: number[];
  readonly steps: number;
  readonly injectBug?: string;
  readonly workers: number;
  readonly trace?: boolean;
  readonly record?: string;
  readonly replay?: string;
  readonly json?: boolean;
  readonly jsonSchema?: boolean;
}

/** Seeds in one task: a few tenths of a second of work. */
const SEEDS_PER_TASK = 20;
/** Seeds that are run by default. */
const SEEDS_DEFAULT = '1-200';

const EXAMPLES = `
Examples:
  teg vopr --seeds 1-5000 --steps 500 --workers 2
  teg vopr --seed 17 --trace
  teg vopr --seed 17 --record run.log
  teg vopr --replay run.log
  teg vopr --seeds 1-500 --inject-bug double-summary
Exit codes: 3 a safety failure, 4 liveness, 5 a process crashed or replayed differently. docs/vopr.md describes the simulation
and how to read a failure.`;

/** Adds `teg vopr`. */
export function addVoprCommand(parent: Command): void {
  parent
    .command('vopr')
    .description('run whole clusters of many zones under random faults, and check every step')
    .option('--steps <n>', 'events of each seed before the quiet begins', wholeNumber(1, 10_000_000), 500)
    .option('--inject-bug <bug>', 'plant a bug, to see that it is found: unchecked-arbiter, …')
    .option('--json', 'print JSON')
    .option('--json-schema', 'print the JSON Schema of the output of --json, and end')
    .optionsGroup('Many seeds:')
    .option('--seeds <seeds>', `for example 1-5000 (default: ${SEEDS_DEFAULT})`, parseSeeds)
    .option('--workers <n>', 'worker threads', parseWorkers, 1)
    .optionsGroup('One seed:')
    .option('--seed <n>', 'run this one', parseSeed)
    .option('--trace', 'print a line for each step')
    .option('--record <file>', 'write the event log')
    .optionsGroup('Replay:')
    .option('--replay <file>', 'replay an event log bit for bit, on fresh processes')
    .addHelpText('after', EXAMPLES)
    .action(vopr);
}

async function vopr(options: VoprCommandOptions): Promise<void> {
  if (options.jsonSchema === true) {
    const { printJsonSchema } = await import('../terminal/json-output.ts');
    const { voprSchema } = await import('../vopr/vopr-output.ts');
    printJsonSchema(voprSchema);
    return;
  }
  checkTogether(options);
  const { plantByName } = await import('../../simulation/federation/vopr/planted-bugs.ts');
  const plant = options.injectBug === undefined ? undefined : plantByName(options.injectBug);
  if (options.replay !== undefined) await replay(options.replay, options.json === true);
  else if (options.seed !== undefined) await runOne(options.seed, options, plant);
  else await runMany(options, plant);
}

/** @throws TegError TEG_OPTION_INVALID for options that contradict each other. */
function checkTogether({ seed, seeds, trace, record, replay }: VoprCommandOptions): void {
  const refuse = (message: string) => {
    throw new TegError('TEG_OPTION_INVALID', message);
  };
  if (seed !== undefined && seeds !== undefined) refuse('got --seed and --seeds; expected one of them');
  if (seed === undefined && (trace === true || record !== undefined)) {
    refuse('--trace and --record are of one run: add --seed with its number');
  }
  if (replay !== undefined && (seed !== undefined || seeds !== undefined)) {
    refuse('--replay takes the seed from the log: leave --seed and --seeds out');
  }
}

/** Runs seeds on worker threads. */
async function runMany(options: VoprCommandOptions, plant: Plant | undefined): Promise<void> {
  const { runOnWorkers } = await import('../../drivers/embedded/worker-pool.ts');
  const { addTotals, emptyTotals } = await import('../../simulation/federation/vopr/vopr-totals.ts');
  const { ProgressLine } = await import('../terminal/progress-line.ts');
  const { interruptSignal } = await import('../terminal/interrupt.ts');
  const { steps, workers } = options;
  const seeds = options.seeds ?? parseSeeds(SEEDS_DEFAULT);
  const tasks: VoprTask[] = [];
  for (let i = 0; i < seeds.length; i += SEEDS_PER_TASK) {
    const some = seeds.slice(i, i + SEEDS_PER_TASK);
    tasks.push({ seeds: some, steps, ...(plant === undefined ? {} : { plant }) });
  }
  const line = new ProgressLine('searching', { total: seeds.length, unit: 'seeds' });
  const totals = emptyTotals();
  await runOnWorkers<VoprTask, VoprTotals>({
    url: new URL('../vopr/vopr-worker.ts', import.meta.url),
    tasks,
    workers,
    signal: interruptSignal(),
    onResult: (result) => addTotals(totals, result as VoprTotals),
    onProgress: ({ workDone }) => line.update(workDone, totals.failed > 0 ? `${totals.failed} failed` : ''),
  }).finally(() => line.finish());
  if (totals.seeds < seeds.length) {
    process.stderr.write(`partial: ${totals.seeds} of ${seeds.length} seeds\n`);
  }
  await report(totals, options, plant);
  const first = totals.failures[0];
  if (plant !== undefined && options.json !== true) {
    const nth = first === undefined ? 0 : seeds.indexOf(first.seed) + 1;
    process.stdout.write(
      nth === 0 ? `'${plant}' was NOT found\n` : `'${plant}' was found after ${nth} seeds\n`,
    );
  }
}

async function report(
  totals: VoprTotals,
  options: VoprCommandOptions,
  plant: Plant | undefined,
): Promise<void> {
  const { voprExitCode, printTotals, voprJson } = await import('../vopr/vopr-output.ts');
  if (options.json === true) {
    const { printJson } = await import('../terminal/json-output.ts');
    printJson(voprJson(totals, options.steps, plant));
  } else printTotals(totals, options.steps, plant);
  const code = voprExitCode(totals.failures);
  if (code !== 0) process.exitCode = code;
}

/** Runs one seed in this thread, with a trace or a record. */
async function runOne(seed: number, options: VoprCommandOptions, plant: Plant | undefined): Promise<void> {
  const { addOutcome, emptyTotals } = await import('../../simulation/federation/vopr/vopr-totals.ts');
  const { ScenarioSpaces } = await import('../../simulation/federation/vopr/scenario-space.ts');
  const { runSeed } = await import('../vopr/vopr-seed.ts');
  const { steps, trace = false, record } = options;
  if (record !== undefined) await (await import('../files/output-file.ts')).prepareOutput(record);
  const outcome = runSeed(seed, new ScenarioSpaces(), {
    steps,
    trace,
    ...(plant && { plant }),
    ...(record && { record }),
  });
  const totals = emptyTotals();
  addOutcome(totals, outcome);
  await report(totals, options, plant);
}

async function replay(file: string, asJson: boolean): Promise<void> {
  const { ScenarioSpaces } = await import('../../simulation/federation/vopr/scenario-space.ts');
  const { replayFile } = await import('../vopr/vopr-seed.ts');
  const result = replayFile(file, new ScenarioSpaces());
  if (asJson) (await import('../terminal/json-output.ts')).printJson(result);
  else {
    const { seed, inputs, difference, failure } = result;
    const same = difference === '' ? 'the same, bit for bit' : `DIFFERENT at ${difference}`;
    process.stdout.write(`seed ${seed}, ${inputs} inputs: ${same}\n`);
    if (failure !== '') process.stdout.write(`the recorded run ended with ${failure}\n`);
  }
  if (result.difference !== '') process.exitCode = 5;
}
