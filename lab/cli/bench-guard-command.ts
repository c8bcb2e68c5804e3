/**
 * `teg bench guard`: programs larger than their memory, with nobody but the kernel, and under `teg guard`.
 */
import type { Command } from 'commander';
import { TegError } from '../../src/model/errors.ts';
import type { GuardBenchRow } from '../guard/guard-bench.ts';

interface GuardBenchOptions {
  readonly quick?: boolean;
  readonly printMarkdown?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  teg bench guard --quick
  teg bench guard --json

As root. Makes control groups of its own with a limit of 400 MiB, and removes them. docs/results/guard.md says what the
columns mean.`;

/** Adds `teg bench guard`. */
export function addBenchGuardCommand(bench: Command): void {
  bench
    .command('guard')
    .description(
      'programs larger than their memory: kills, failed charges and overshoot, with and without a guard',
    )
    .option('--quick', 'three cases, two runs each')
    .option('--print-markdown', 'print the table as Markdown')
    .option('--json', 'print JSON: an array of one object a case and guard')
    .addHelpText('after', EXAMPLES)
    .action(runBench);
}

async function runBench(options: GuardBenchOptions): Promise<void> {
  const { groupsMissing } = await import('../guard/bench-groups.ts');
  const { guardPlan, runGuardBench } = await import('../guard/guard-bench.ts');
  const { interruptSignal } = await import('../../src/cli/terminal/interrupt.ts');
  const { ProgressLine } = await import('../../src/cli/terminal/progress-line.ts');
  const missing = groupsMissing();
  if (missing !== undefined) {
    throw new TegError(
      'TEG_GUARD_GROUP',
      `got a machine on which ${missing}, expected one with control groups: run it as root on Linux`,
    );
  }
  const plan = guardPlan(options.quick === true);
  const line = new ProgressLine('measuring', { total: 4 * plan.cases.length, unit: 'rows' });
  const rows: GuardBenchRow[] = [];
  try {
    await runGuardBench(
      plan,
      (row) => {
        rows.push(row);
        line.update(rows.length);
      },
      interruptSignal(),
    );
  } finally {
    line.finish();
  }
  if (options.json) (await import('../../src/cli/terminal/json-output.ts')).printJson(rows);
  else (await import('../guard/guard-table.ts')).printGuard(rows, options.printMarkdown === true);
}
