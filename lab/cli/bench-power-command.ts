/**
 * `teg bench power`: how laws for the caps of a rack keep its breaker and its temperatures, and what they cost.
 */
import type { Command } from 'commander';
import { decimalNumber, wholeNumber } from '../../src/cli/terminal/option-values.ts';

interface PowerOptions {
  readonly nodePower?: string;
  readonly racks: number;
  readonly limitPart: number;
  readonly printMarkdown?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  teg bench power
  teg bench power --node-power node.csv --racks 3 --json

Ten seconds. The file has two columns: seconds, and watts of one node. docs/results/power.md says what the rows mean.`;

/** Adds `teg bench power`. */
export function addBenchPowerCommand(bench: Command): void {
  bench
    .command('power')
    .description(
      'power above a breaker, temperature above its limit and energy served, under five laws for caps',
    )
    .option(
      '--node-power <file>',
      'power that a node wants over time; without it, one is generated for each rack',
    )
    .option('--racks <n>', 'racks to measure; rows have their worst', wholeNumber(1, 1000), 10)
    .option(
      '--limit-part <part>',
      'of the peaks of all nodes that the breaker bears',
      decimalNumber(0, 1, true),
      0.8,
    )
    .option('--print-markdown', 'print the table as Markdown')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(runBench);
}

async function runBench(options: PowerOptions): Promise<void> {
  const { POWER_ROWS, runPowerBench } = await import('../power/power-bench.ts');
  const { readPower } = await import('../power/power-trace.ts');
  const { ProgressLine } = await import('../../src/cli/terminal/progress-line.ts');
  const trace = options.nodePower === undefined ? undefined : await readPower(options.nodePower);
  const line = new ProgressLine('measuring', { total: POWER_ROWS });
  const rows = runPowerBench({ seeds: options.racks, limitPart: options.limitPart, trace }, (count) =>
    line.update(count),
  );
  line.finish();
  if (options.json) (await import('../../src/cli/terminal/json-output.ts')).printJson(rows);
  else (await import('../power/power-table.ts')).printPower(rows, options.printMarkdown ?? false);
}
