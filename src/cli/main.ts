/**
 * Entry of the `teg` command: runs the command line of this process and leaves its exit code.
 *
 * Not here: commands (`*-command.ts`), the program they hang on (`program.ts`).
 */
import { runCommandLine } from './program.ts';
import { onOutputError } from './terminal/closed-output.ts';
import { printError } from './terminal/error-printing.ts';

process.stdout.on('error', (error) => onOutputError('standard output', error));
process.stderr.on('error', (error) => onOutputError('standard error', error));
process.on('uncaughtException', (error) => process.exit(printError(error)));

process.exitCode = await runCommandLine(process.argv.slice(2));
