/**
 * The `teg` program: its commands, its help, and what becomes of failures.
 *
 * Invariant: nothing heavy is imported here or in a `*-command.ts` outside its action, so that `teg --help` is quick.
 */
import { styleText } from 'node:util';
import { Command, CommanderError, type Option } from 'commander';
import { TegError } from '../model/errors.ts';
import { addBenchCommand } from './bench-command.ts';
import { addClusterCommand } from './cluster-command.ts';
import { addCompareCommand } from './compare-command.ts';
import { addErrorsCommand } from './errors-command.ts';
import { addExplainCommand } from './explain-command.ts';
import { addPoliciesCommand } from './policies-command.ts';
import { addReplayCommand } from './replay-command.ts';
import { addSchedulerCommand } from './scheduler-command.ts';
import { addSimulateCommand } from './simulate-command.ts';
import { addSnapshotCommand } from './snapshot-command.ts';
import { addStartCommand } from './start-command.ts';
import { EXIT_BAD_INPUT, printError } from './terminal/error-printing.ts';
import { interruptedExitCode } from './terminal/interrupt.ts';
import { refuseWithoutEffect } from './terminal/option-effects.ts';
import { addTraceCommand } from './trace-command.ts';
import { addVerifyCommand } from './verify-command.ts';
import { packageVersion } from './version.ts';
import { addVoprCommand } from './vopr-command.ts';

const DESCRIPTION = `TEG, the Thermo-Economic Governor: places jobs in very large GPU clusters
without a global scheduler, and simulates that on a laptop.`;

const AFTER_HELP = `
Exit codes: 0 success, 1 the run failed, 2 bad input or options, 70 a bug, 130 interrupted.
\`teg COMMAND --help\` tells more about a command; \`teg errors\` lists the error codes.`;

/** The command that is being parsed or run, so that a failure can name the help to read. */
export interface Progress {
  current: Command;
}

/** Builds the program with all its commands; parsing throws instead of ending the process. */
export function buildProgram(progress: Progress = { current: new Command() }): Command {
  const program = progress.current
    .name('teg')
    .description(DESCRIPTION)
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', AFTER_HELP)
    .configureHelp({
      styleTitle: (text) => styleText('bold', text),
      styleCommandText: (text) => styleText('cyan', text),
      styleSubcommandText: (text) => styleText('cyan', text),
      styleOptionText: (text) => styleText('cyan', text),
    })
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  addStartCommand(program);
  addSimulateCommand(program);
  addCompareCommand(program);
  addTraceCommand(program);
  addPoliciesCommand(program);
  addBenchCommand(program);
  addVerifyCommand(program);
  addVoprCommand(program);
  addSchedulerCommand(program);
  addSnapshotCommand(program);
  addExplainCommand(program);
  addReplayCommand(program);
  addClusterCommand(program);
  addErrorsCommand(program);
  program.hook('preAction', (_program, action) => {
    progress.current = action;
    refuseWithoutEffect(action, pathOf(action));
  });
  for (const command of withDescendants(program)) guard(command, progress);
  return program;
}

/** @returns The command and all below it. */
function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

/** Makes failures while parsing remember which command, and name the option at fault; shows lists as they are written. */
function guard(command: Command, progress: Progress): void {
  command.exitOverride((error) => {
    progress.current = command;
    throw error;
  });
  for (const option of command.options) {
    if (Array.isArray(option.defaultValue)) option.defaultValueDescription ??= option.defaultValue.join(',');
    const parse = option.parseArg;
    if (parse !== undefined) option.parseArg = namingOption(option, parse, command, progress);
  }
}

function namingOption<T>(
  option: Option,
  parse: (text: string, previous: T) => T,
  command: Command,
  progress: Progress,
): (text: string, previous: T) => T {
  return (text, previous) => {
    try {
      return parse(text, previous);
    } catch (error) {
      progress.current = command;
      if (!(error instanceof TegError)) throw error;
      throw new TegError(error.code, `option '${option.flags}': ${error.message}`, { cause: error });
    }
  };
}

/** @returns For example `teg bench packing`. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** What commander found wrong, in the form of our own failures; undefined if it only printed help or version. */
function toOptionError(error: CommanderError): TegError | undefined {
  if (error.exitCode === 0 || error.code === 'commander.help') return undefined;
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = rest.join(' ').replace(/^\((.*)\)$/, '$1');
  return new TegError('TEG_OPTION_INVALID', suggestion === '' ? first : `${first}. ${suggestion}`);
}

/**
 * Runs one command line.
 *
 * @param args Without the runtime and the script.
 * @returns The exit code.
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const progress: Progress = { current: new Command() };
  const program = buildProgram(progress);
  if (args.length === 0) {
    program.outputHelp();
    return 0;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return Number(interruptedExitCode() ?? process.exitCode ?? 0);
  } catch (error) {
    return exitCodeAfter(error, progress);
  }
}

function exitCodeAfter(error: unknown, progress: Progress): number {
  let failure = error;
  if (error instanceof CommanderError) {
    failure = toOptionError(error);
    if (failure === undefined) return error.exitCode === 0 ? 0 : EXIT_BAD_INPUT;
  }
  const help = `${pathOf(progress.current)} --help`;
  return printError(failure, process.stderr, `\`${help}\` lists the options`);
}
