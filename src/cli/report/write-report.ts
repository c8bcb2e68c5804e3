/**
 * Writes reports to files.
 */
import { access, constants, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ComparisonResult } from '../../simulation/result.ts';
import { packageVersion } from '../version.ts';
import { readDecisionCosts } from './decision-file.ts';
import { htmlReport } from './html-report.ts';
import { markdownReport } from './markdown-report.ts';
import type { ReportOptions, ReportWriter } from './report-options.ts';
import { describeMachine, type ReportSource } from './report-source.ts';

/**
 * Makes the folders of the reports and reads what else goes into them.
 *
 * @throws TegError TEG_INPUT_CORRUPT as `readDecisionCosts`; errors of the file system.
 */
export async function prepareReportFiles(options: ReportOptions): Promise<ReportWriter> {
  const { html, markdown, decision } = options;
  const decisions = decision === undefined ? {} : { decisions: await readDecisionCosts(decision) };
  for (const path of [html, markdown]) {
    if (path === undefined) continue;
    await mkdir(dirname(path), { recursive: true });
    await access(dirname(path), constants.W_OK);
  }
  return async (result, command) => {
    const source: ReportSource = { ...sourceOf(result, command), ...decisions };
    const written: string[] = [];
    if (html !== undefined) {
      await writeFile(html, htmlReport(source));
      written.push(html);
    }
    if (markdown !== undefined) {
      await writeFile(markdown, markdownReport(source));
      written.push(markdown);
    }
    return written;
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
