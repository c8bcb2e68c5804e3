/**
 * Runs the command line of this process and leaves its exit code.
 */
import { type AddCommand, runArguments } from './command-line.ts';
import { onOutputError } from './terminal/closed-output.ts';
import { printError } from './terminal/error-printing.ts';

/** Runs `process.argv` with these commands. To be called once, by the entry of a process. */
export async function runProcess(commands: readonly AddCommand[]): Promise<void> {
  process.stdout.on('error', (error) => onOutputError('standard output', error));
  process.stderr.on('error', (error) => onOutputError('standard error', error));
  process.on('uncaughtException', (error) => process.exit(printError(error)));
  process.exitCode = await runArguments(process.argv.slice(2), commands);
}
