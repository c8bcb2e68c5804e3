/** The requested reports, and the outcome of writing them. */
import type { ComparisonResult } from '../../simulation/metrics/result.ts';

/** The options as commander parses them. */
export interface ReportOptions {
  readonly html?: string;
  readonly markdown?: string;
  readonly decisionCosts?: string;
}

/** The reports of a result that were written, and why others were not. */
export interface WrittenReports {
  readonly paths: readonly string[];
  /** The errors of the others. */
  readonly failures: readonly unknown[];
}

/** Writes the reports of a result. Never rejects: a report that fails does not prevent the others. */
export type ReportWriter = (result: ComparisonResult, command: string) => Promise<WrittenReports>;
