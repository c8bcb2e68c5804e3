/**
 * The options `--html`, `--markdown` and `--decision-costs`, and their outcome. Imports nothing heavy: the report is
 * loaded when one is requested.
 */
import type { Command } from 'commander';
import { TegError } from '../../model/errors.ts';
import type { ReportOptions, ReportWriter, WrittenReports } from './report-files.ts';

/** The purpose of `--decision-costs`, for the help. */
export const DECISION_COSTS_HELP =
  'add the plot of decision cost, from the output of `teg bench decision --json`';

/** Adds the options to a command. */
export function addReportOptions(command: Command): Command {
  return command
    .option('--html <file>', 'write a report with plots as one HTML page that needs nothing else')
    .option('--markdown <file>', 'write a report with tables as Markdown')
    .option('--decision-costs <file>', DECISION_COSTS_HELP);
}

/** @returns True if a report is requested, so that the time series have to be kept. */
export function wantsReport({ html, markdown }: ReportOptions): boolean {
  return html !== undefined || markdown !== undefined;
}

/**
 * Checks, before a long run begins, that the reports can be written.
 *
 * @param inputs Files that the command reads besides.
 * @returns undefined if none is requested.
 * @throws TegError TEG_OPTION_INVALID for `--decision-costs` without a report; others as `prepareReportFiles`.
 */
export async function prepareReports(
  options: ReportOptions,
  inputs: readonly string[] = [],
): Promise<ReportWriter | undefined> {
  if (!wantsReport(options)) {
    if (options.decisionCosts === undefined) return undefined;
    throw new TegError(
      'TEG_OPTION_INVALID',
      'got --decision-costs without a report, expected --html FILE or --markdown FILE with it: say where to write',
    );
  }
  const { prepareReportFiles } = await import('./write-report.ts');
  return prepareReportFiles(options, inputs);
}

/**
 * Prints where the reports are: on standard error where standard output is JSON.
 *
 * @throws The first failure, after all written reports have been listed.
 */
export function tellReports({ paths, failures }: WrittenReports, isJson: boolean): void {
  const stream = isJson ? process.stderr : process.stdout;
  const lines = paths.map((path) => `report: ${path}\n`).join('');
  if (lines !== '') stream.write(isJson ? lines : `\n${lines}`);
  if (failures.length > 0) throw failures[0];
}

/** @returns The command line of this process, to be pasted into a shell in the folder of the package. */
export function ownCommand(): string {
  return commandLine(['bin/teg', ...process.argv.slice(2)]);
}

/** @returns Words as a line that a POSIX shell takes apart into the same words. */
export function commandLine(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
