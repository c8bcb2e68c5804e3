/**
 * Writes reports to files.
 */
import type { ComparisonResult } from '../../simulation/metrics/result.ts';
import { prepareOutput, writeWholeText } from '../files/output-file.ts';
import { holdOutput, releaseOutput } from '../terminal/closed-output.ts';
import { packageVersion } from '../version.ts';
import { readDecisionCosts } from './decision-file.ts';
import { htmlReport } from './html-report.ts';
import { markdownReport } from './markdown-report.ts';
import type { ReportOptions, ReportWriter } from './report-files.ts';
import { describeMachine, type ReportSource } from './report-source.ts';

/**
 * Checks the places of the reports and reads their further inputs.
 *
 * Until they are written, a closed standard output does not end the process.
 *
 * @param inputs Files that the command reads besides.
 * @returns A writer that tries every report, also after one of them has failed.
 * @throws TegError TEG_INPUT_CORRUPT as `readDecisionCosts`; TEG_OUTPUT_FAILED and TEG_OPTION_INVALID as
 *   `prepareOutput`; errors of the file system.
 */
export async function prepareReportFiles(
  options: ReportOptions,
  inputs: readonly string[] = [],
): Promise<ReportWriter> {
  const { html, markdown, decisionCosts } = options;
  const reports: [path: string, render: (source: ReportSource) => string][] = [];
  if (html !== undefined) reports.push([html, htmlReport]);
  if (markdown !== undefined) reports.push([markdown, markdownReport]);
  for (const [path] of reports) await prepareOutput(path, [...inputs, decisionCosts]);
  const decisions = decisionCosts === undefined ? {} : { decisions: await readDecisionCosts(decisionCosts) };
  holdOutput();
  return async (result, command) => {
    const source: ReportSource = { ...sourceOf(result, command), ...decisions };
    const paths: string[] = [];
    const failures: unknown[] = [];
    for (const [path, render] of reports) {
      try {
        await writeWholeText(path, render(source));
        paths.push(path);
      } catch (error) {
        failures.push(error);
      }
    }
    releaseOutput();
    return { paths, failures };
  };
}

function sourceOf(result: ComparisonResult, command: string): ReportSource {
  return {
    result,
    command,
    madeAt: `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    version: packageVersion(),
    machine: describeMachine(),
  };
}
