/**
 * Writes reports to files.
 */
import { access, constants, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TegError } from '../../model/errors.ts';
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
    await makeFolder(dirname(path));
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

/**
 * Makes a folder that can be written to, if it is not there.
 *
 * @throws TegError TEG_OPTION_INVALID if a file is in the way; errors of the file system.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got the folder '${path}', which is a file or below one; expected a folder, there or to be made: name another`,
      { cause: error },
    );
  }
  await access(path, constants.W_OK);
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
