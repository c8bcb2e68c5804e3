/**
 * The `teg` program of the product: its commands.
 *
 * Invariant: nothing heavy is imported here or in a `*-command.ts` outside its action, so that `teg --help` is quick.
 */
import type { Command } from 'commander';
import { type AddCommand, buildCommands, type Progress, runArguments } from './command-line.ts';
import { addCompareCommand } from './commands/compare-command.ts';
import { addErrorsCommand } from './commands/errors-command.ts';
import { addExplainCommand } from './commands/explain-command.ts';
import { addGuardCommand } from './commands/guard-command.ts';
import { addLedgerCommand } from './commands/ledger-command.ts';
import { addMigrateCommand } from './commands/migrate-command.ts';
import { addPoliciesCommand } from './commands/policies-command.ts';
import { addReplayCommand } from './commands/replay-command.ts';
import { addSchedulerCommand } from './commands/scheduler-command.ts';
import { addSimulateCommand } from './commands/simulate-command.ts';
import { addSnapshotCommand } from './commands/snapshot-command.ts';
import { addStartCommand } from './commands/start-command.ts';
import { addTraceCommand } from './commands/trace-command.ts';
import { addVoprCommand } from './commands/vopr-command.ts';
import { addWhyCommand } from './commands/why-command.ts';

export type { AddCommand } from './command-line.ts';

/** The commands of the product. */
export const PRODUCT_COMMANDS: readonly AddCommand[] = [
  addStartCommand,
  addSimulateCommand,
  addCompareCommand,
  addTraceCommand,
  addPoliciesCommand,
  addVoprCommand,
  addSchedulerCommand,
  addSnapshotCommand,
  addExplainCommand,
  addReplayCommand,
  addWhyCommand,
  addLedgerCommand,
  addMigrateCommand,
  addGuardCommand,
  addErrorsCommand,
];

/** Builds the program with its commands; parsing throws instead of ending the process. */
export function buildProgram(
  commands: readonly AddCommand[] = PRODUCT_COMMANDS,
  progress?: Progress,
): Command {
  return buildCommands(commands, progress);
}

/**
 * Runs one command line.
 *
 * @param args Without the runtime and the script.
 * @returns The exit code.
 */
export function runCommandLine(
  args: readonly string[],
  commands: readonly AddCommand[] = PRODUCT_COMMANDS,
): Promise<number> {
  return runArguments(args, commands);
}
