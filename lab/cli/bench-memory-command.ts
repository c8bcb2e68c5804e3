/**
 * `teg bench memory`: jobs whose memory outgrows what they request, under the kernel alone, eviction and the airlock.
 */
import type { Command } from 'commander';
import { parseSeeds } from '../../src/cli/terminal/option-values.ts';

interface MemoryOptions {
  readonly seeds: number[];
  readonly quick?: boolean;
  readonly printMarkdown?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  teg bench memory
  teg bench memory --quick --seeds 1-2 --json

Three minutes of CPU; --quick: five seconds. docs/results/memory.md says what the columns mean.`;

/** Adds `teg bench memory`. */
export function addBenchMemoryCommand(bench: Command): void {
  bench
    .command('memory')
    .description('jobs lost and work done where memory outgrows requests: kernel, eviction and airlock')
    .option('--seeds <seeds>', 'seeds of the jobs, for example 1-5', parseSeeds, parseSeeds('1-5'))
    .option('--quick', 'one overcommit, four nodes, twelve hours')
    .option('--print-markdown', 'print the table as Markdown')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(runBench);
}

async function runBench(options: MemoryOptions): Promise<void> {
  const { memoryPlan, memoryRows, runMemoryBench } = await import('../memory/memory-bench.ts');
  const { ProgressLine } = await import('../../src/cli/terminal/progress-line.ts');
  const plan = memoryPlan(options.quick === true);
  const line = new ProgressLine('measuring', { total: memoryRows(plan) });
  const rows = runMemoryBench(plan, options.seeds, (count) => line.update(count));
  line.finish();
  if (options.json) (await import('../../src/cli/terminal/json-output.ts')).printJson(rows);
  else (await import('../memory/memory-table.ts')).printMemory(rows, options.printMarkdown ?? false);
}
