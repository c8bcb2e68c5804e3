/**
 * Entry of the `teg` command in a checkout: the product and the laboratory.
 */
import { runProcess } from '../src/cli/run-process.ts';
import { ALL_COMMANDS } from './commands.ts';

await runProcess(ALL_COMMANDS);
