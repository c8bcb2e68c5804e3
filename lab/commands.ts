/**
 * The commands of a checkout: those of the product, and those of the laboratory.
 *
 * Invariant: nothing heavy is imported by a `*-command.ts` outside its action, so that `teg --help` is quick.
 */
import { type AddCommand, PRODUCT_COMMANDS } from '../src/cli/program.ts';
import { addBenchCommand } from './cli/bench-command.ts';
import { addClusterCommand } from './cli/cluster-command.ts';
import { addVerifyCommand } from './cli/verify-command.ts';

/** All commands, in the order of the help. */
export const ALL_COMMANDS: readonly AddCommand[] = [
  ...PRODUCT_COMMANDS,
  addBenchCommand,
  addVerifyCommand,
  addClusterCommand,
];
