/**
 * `teg bench fairness`: what four tenants of different weights get under each queue.
 */
import type { Command } from 'commander';
import { parseList, parseSeed } from '../../src/cli/terminal/option-values.ts';
import { TegError } from '../../src/model/errors.ts';
import { type DisciplineName, QUEUE_NAMES } from '../../src/simulation/queueing/queue-names.ts';
import type { FairnessRow } from '../fairness/fairness-run.ts';

interface FairnessOptions {
  readonly queues: readonly string[];
  readonly seed: number;
  readonly gangs?: boolean;
  readonly printMarkdown?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  teg bench fairness
  teg bench fairness --queues teg,kueue-afs,karma --gangs --json

Half a minute for all queues. docs/results/fairness.md says what the columns mean.`;

/** Adds `teg bench fairness`. */
export function addBenchFairnessCommand(bench: Command): void {
  bench
    .command('fairness')
    .description('GPU-hours and waits of four tenants of different weights, under each queue')
    .option('--queues <names>', 'names of --queue, or all', parseList, ['all'])
    .option('--seed <n>', 'of the workload', parseSeed, 1)
    .option('--gangs', 'the jobs of the heaviest tenant are gangs of whole nodes, not single GPUs')
    .option('--print-markdown', 'print the tables as Markdown')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(runBench);
}

async function runBench(options: FairnessOptions): Promise<void> {
  const { seed, gangs = false, printMarkdown = false, json = false } = options;
  const names = queuesOf(options.queues);
  const { fairnessTable, runFairness } = await import('../fairness/fairness-run.ts');
  const { ProgressLine } = await import('../../src/cli/terminal/progress-line.ts');
  const jobs = fairnessTable(seed, gangs);
  const line = new ProgressLine('measuring', { total: names.length });
  const rows: FairnessRow[] = [];
  for (const queue of names) {
    rows.push(await runFairness(queue, jobs, seed));
    line.update(rows.length);
  }
  line.finish();
  if (json) (await import('../../src/cli/terminal/json-output.ts')).printJson(rows);
  else (await import('../fairness/fairness-table.ts')).printFairness(rows, printMarkdown);
}

function queuesOf(given: readonly string[]): readonly DisciplineName[] {
  if (given.includes('all')) return QUEUE_NAMES;
  for (const name of given) {
    if ((QUEUE_NAMES as readonly string[]).includes(name)) continue;
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got '${name}' in --queues, expected some of ${QUEUE_NAMES.join(', ')}, or all`,
    );
  }
  return given as readonly DisciplineName[];
}
