/**
 * `teg bench queues`: head-of-line loss and waits of queues on the same arrivals, by what they know of run times.
 */
import { join } from 'node:path';
import type { Command } from 'commander';
import { parseList, parseSeed, parseWorkers } from '../../src/cli/terminal/option-values.ts';
import { TegError } from '../../src/model/errors.ts';
import {
  QUEUE_NAMES,
  RUNTIME_KNOWLEDGE,
  type RuntimeKnowledge,
  usesRuntimes,
} from '../../src/simulation/queueing/queue-names.ts';
import { QUEUE_WORKLOADS, type QueueWorkloadName } from '../queues/queue-workload-names.ts';
import type { QueuesRow, QueuesTask } from '../queues/queues-task.ts';

interface QueuesOptions {
  readonly queues: readonly string[];
  readonly workloads: readonly string[];
  readonly knowledge: readonly string[];
  readonly policy: string;
  readonly seed: number;
  readonly traces: string;
  readonly quick?: boolean;
  readonly workers?: number;
  readonly printMarkdown?: boolean;
  readonly html?: string;
  readonly json?: boolean;
}

const TRACES_DEFAULT = join(import.meta.dirname, '../../../shared/traces');

const EXAMPLES = `
Examples:
  teg bench queues
  teg bench queues --workloads slots --queues easy,conservative,teg --knowledge exact
  teg bench queues --traces DIR --json

The published workloads philly and metacentrum run where the folder has their files. Bars are stated in docs/results/queues.md;
they compare with easy and best-effort, so keep these among the queues.`;

/** Adds `teg bench queues`. */
export function addBenchQueuesCommand(bench: Command): void {
  bench
    .command('queues')
    .description(
      'queues on the same arrivals: head-of-line loss, waits of large and small jobs, kept promises',
    )
    .option('--queues <names>', 'names of --queue, or all', parseList, ['best-effort', 'easy', 'teg'])
    .option('--workloads <names>', `${QUEUE_WORKLOADS.join(', ')}, or all`, parseList, ['all'])
    .option('--knowledge <names>', `of run times: ${RUNTIME_KNOWLEDGE.join(', ')}, or all`, parseList, [
      'all',
    ])
    .option('--policy <name>', 'chooses the nodes', 'best-fit')
    .option('--traces <dir>', 'of the published traces', TRACES_DEFAULT)
    .option('--seed <n>', 'of the made-up workloads', parseSeed, 1)
    .option('--quick', 'a few hundred jobs a workload')
    .option('--workers <n>', 'threads; the result does not depend on it (default: one a core)', parseWorkers)
    .option('--print-markdown', 'print the tables as Markdown')
    .option(
      '--html <file>',
      'write plots of head-of-line loss and waits as one HTML page that needs nothing else',
    )
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(runBench);
}

async function runBench(options: QueuesOptions): Promise<void> {
  const { availableParallelism } = await import('node:os');
  const { runOnWorkers } = await import('../../src/drivers/embedded/worker-pool.ts');
  const { loadPolicy } = await import('../../src/drivers/embedded/load-policy.ts');
  const { ProgressLine } = await import('../../src/cli/terminal/progress-line.ts');
  const { interruptSignal } = await import('../../src/cli/terminal/interrupt.ts');
  await loadPolicy(options.policy);
  const { prepareOutput, writeWholeText } = await import('../../src/cli/files/output-file.ts');
  if (options.html !== undefined) await prepareOutput(options.html, []);
  const tasks = await tasksOf(options);
  const line = new ProgressLine('measuring', { total: tasks.length });
  let done = 0;
  const results = await runOnWorkers<QueuesTask, QueuesRow>({
    url: new URL('../queues/queues-worker.ts', import.meta.url),
    tasks,
    workers: options.workers ?? availableParallelism(),
    signal: interruptSignal(),
    onResult: () => line.update(++done),
  });
  line.finish();
  const rows = results.filter((row) => row !== undefined).flatMap((row) => withEachKnowledge(row, options));
  if (options.json === true) {
    const { printJson } = await import('../../src/cli/terminal/json-output.ts');
    const { barsOf } = await import('../queues/queue-bars.ts');
    printJson(rows.map((row) => ({ ...row, bars: barsOf(row, rows) })));
  } else (await import('../queues/queues-table.ts')).printQueues(rows, options.printMarkdown === true);
  if (options.html !== undefined) {
    const { queuesPage } = await import('../queues/queues-page.ts');
    await writeWholeText(options.html, queuesPage(rows));
  }
}

async function tasksOf(options: QueuesOptions): Promise<QueuesTask[]> {
  const { policy, seed, traces, quick = false } = options;
  const tasks: QueuesTask[] = [];
  for (const workload of await workloadsOf(options)) {
    for (const queue of namesOf('queues', options.queues, QUEUE_NAMES)) {
      const knows = knowledgeOf(workload, options);
      for (const knowledge of usesRuntimes(queue) ? knows : knows.slice(0, 1))
        tasks.push({ workload, queue, knowledge, policy, seed, traces, quick });
    }
  }
  return tasks;
}

/** All that have their files, with a note about the others; or those that are named. */
async function workloadsOf({ workloads, traces }: QueuesOptions): Promise<readonly QueueWorkloadName[]> {
  const named = namesOf('workloads', workloads, QUEUE_WORKLOADS);
  if (!workloads.includes('all')) return named;
  const { missingFiles } = await import('../queues/queue-workloads.ts');
  return named.filter((name) => {
    const [missing] = missingFiles(name, traces);
    if (missing !== undefined)
      process.stderr.write(`note: ${name} is left out: no ${missing} (--traces names the folder)\n`);
    return missing === undefined;
  });
}

/** Where users state no limits, declared run times are unknown ones. */
function knowledgeOf(workload: QueueWorkloadName, { knowledge }: QueuesOptions): readonly RuntimeKnowledge[] {
  const named = namesOf('knowledge', knowledge, RUNTIME_KNOWLEDGE);
  return workload === 'philly' && knowledge.includes('all')
    ? named.filter((name) => name !== 'declared')
    : named;
}

/** A queue without run times ran once: its figures hold whatever is known. */
function withEachKnowledge(row: QueuesRow, options: QueuesOptions): QueuesRow[] {
  if (usesRuntimes(row.queue)) return [row];
  return knowledgeOf(row.workload, options).map((knowledge) => ({ ...row, knowledge }));
}

function namesOf<Name extends string>(
  option: string,
  given: readonly string[],
  all: readonly Name[],
): readonly Name[] {
  if (given.includes('all')) return all;
  for (const name of given) {
    if ((all as readonly string[]).includes(name)) continue;
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got '${name}' in --${option}, expected some of ${all.join(', ')}, or all`,
    );
  }
  return given as readonly Name[];
}
