/**
 * A program of commands: its help, and the handling of failures. Which commands is an argument: the guard's entry has its own alone.
 */
import { styleText } from 'node:util';
import { Command, CommanderError, type Option } from 'commander';
import { TegError } from '../model/errors.ts';
import { EXIT_BAD_INPUT, printError } from './terminal/error-printing.ts';
import { interruptedExitCode } from './terminal/interrupt.ts';
import { refuseWithoutEffect } from './terminal/option-effects.ts';
import { renamedOption } from './terminal/renamed-options.ts';
import { siblingOption } from './terminal/sibling-options.ts';
import { packageVersion } from './version.ts';

const DESCRIPTION = `TEG, the Thermo-Economic Governor: places jobs in very large GPU clusters
without a global scheduler, and simulates that on a laptop.`;

const AFTER_HELP = `
Exit codes: 0 success, 1 the run failed, 2 bad input or options, 70 a bug, 130 interrupted.
\`teg COMMAND --help\` describes a command; \`teg errors\` lists the error codes.`;

/** The command that is being parsed or run, so that a failure can name the help to read. */
export interface Progress {
  current: Command;
}

/** Adds one command, with those below it, to a program. */
export type AddCommand = (program: Command) => void;

/** Commands of the laboratory (`lab/`), which only a checkout has. */
const LABORATORY_COMMANDS: ReadonlySet<string> = new Set(['bench', 'verify', 'cluster']);

/** Builds the program with its commands; parsing throws instead of ending the process. */
export function buildCommands(
  commands: readonly AddCommand[],
  progress: Progress = { current: new Command() },
): Command {
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
  for (const add of commands) add(program);
  for (const command of program.commands) {
    if (LABORATORY_COMMANDS.has(command.name())) command.helpGroup('Laboratory (from a checkout):');
  }
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

/** Makes failures while parsing record the command, and name the option at fault; shows lists as they are written. */
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

/** The error that commander found, in the form of our own failures; undefined if it only printed help or version. */
function toOptionError(error: CommanderError, path: string): TegError | undefined {
  if (error.exitCode === 0 || error.code === 'commander.help') return undefined;
  const unknown = /unknown command '(\w+)'/.exec(error.message)?.[1] ?? '';
  if (LABORATORY_COMMANDS.has(unknown)) {
    return new TegError(
      'TEG_OPTION_INVALID',
      `got the command '${unknown}', expected one of the product: ${unknown} belongs to the laboratory, which images do not carry; run it from a checkout`,
    );
  }
  const unknownOption = /unknown option '([^']+)'/.exec(error.message)?.[1] ?? '';
  const renamed = renamedOption(path, unknownOption);
  if (renamed !== undefined) {
    const { old, now, since } = renamed;
    return new TegError('TEG_OPTION_INVALID', `got '${old}', expected '${now}': renamed in ${since}`);
  }
  const sibling = siblingOption(path, unknownOption);
  if (sibling !== undefined) {
    return new TegError(
      'TEG_OPTION_INVALID',
      `got '${unknownOption}', expected '${sibling}', as \`${path}\` names it: write that instead`,
    );
  }
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
export async function runArguments(
  args: readonly string[],
  commands: readonly AddCommand[],
): Promise<number> {
  const progress: Progress = { current: new Command() };
  const program = buildCommands(commands, progress);
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
  const path = pathOf(progress.current);
  if (error instanceof CommanderError) {
    failure = toOptionError(error, path);
    if (failure === undefined) return error.exitCode === 0 ? 0 : EXIT_BAD_INPUT;
  }
  return printError(failure, process.stderr, {
    optionHint: `\`${path} --help\` lists the options`,
    options: new Set(progress.current.options.map(({ long }) => long ?? '')),
  });
}
