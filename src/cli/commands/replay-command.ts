/** `teg replay`: repeats the decisions of a recorded scheduler and compares them bit for bit. */
import type { Command } from 'commander';
import { parsePositiveInt } from '../terminal/option-values.ts';

interface ReplayCommandOptions {
  readonly explain?: string;
  readonly until?: number;
  readonly json?: boolean;
}

/** Exit code if the replay differs, as in `teg vopr`. */
const EXIT_DIFFERENT = 5;

const NOTES = `
Examples:
  teg scheduler --config teg.yaml --record decisions.log.gz
  teg replay decisions.log.gz
  teg replay decisions.log.gz --explain team-a/train-0
  teg replay decisions.log.gz --explain team-a/train-0 --until 5000
The log of a scheduler that was killed is replayed as far as it goes. Exit codes: 5 a step differs, or the core failed.`;

/** Adds `teg replay`. */
export function addReplayCommand(parent: Command): void {
  parent
    .command('replay <file>')
    .description('repeat the decisions of a log that teg scheduler --record wrote, and compare')
    .option('--explain <name>', "also print a pod's history: NAMESPACE/NAME")
    .option(
      '--until <n>',
      'stop after n steps; --explain then prints the state at that step',
      parsePositiveInt,
    )
    .option('--json', 'print JSON')
    .addHelpText('after', NOTES)
    .action(replay);
}

async function replay(file: string, options: ReplayCommandOptions): Promise<void> {
  const { replayLog } = await import('../../drivers/kubernetes/replay-log.ts');
  const { parsePodName } = await import('../kubernetes/pod-name.ts');
  const { ProgressLine } = await import('../terminal/progress-line.ts');
  const { interruptSignal } = await import('../terminal/interrupt.ts');
  const signal = interruptSignal();
  const pod = options.explain === undefined ? undefined : parsePodName(options.explain);
  const line = new ProgressLine('replaying', { unit: 'steps' });
  const result = await replayLog(file, {
    ...(pod === undefined ? {} : { explain: `${pod.namespace}/${pod.name}` }),
    ...(options.until === undefined ? {} : { stepsMax: options.until }),
    onProgress: (steps) => line.update(steps),
    shouldStop: () => signal.aborted,
  }).finally(() => line.finish());
  if (options.json) (await import('../terminal/json-output.ts')).printJson(result);
  else (await import('../kubernetes/replay-text.ts')).printReplay(result);
  process.exitCode = replayExitCode(result);
}

/**
 * @returns 0 if the replay had the same result and the core did not fail, whether or not the failure was recorded; else
 *   5.
 */
export function replayExitCode({ identical, failure }: { identical: boolean; failure: string }): number {
  return identical && failure === '' ? 0 : EXIT_DIFFERENT;
}
