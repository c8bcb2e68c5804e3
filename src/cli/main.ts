/**
 * Entry of the `teg` command: runs the command line of this process and leaves its exit code.
 *
 * Not here: commands (`*-command.ts`), the program they hang on (`program.ts`).
 */
import { runCommandLine } from './program.ts';
import { printError } from './terminal/error-printing.ts';

/** `teg … | head` closes the pipe early: that is the reader's right and no failure. */
function endQuietlyOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
}

process.stdout.on('error', endQuietlyOnClosedPipe);
process.stderr.on('error', endQuietlyOnClosedPipe);
process.on('uncaughtException', (error) => process.exit(printError(error)));

process.exitCode = await runCommandLine(process.argv.slice(2));
