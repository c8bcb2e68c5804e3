/**
 * Which reports are wanted, and what became of them.
 */
import type { ComparisonResult } from '../../simulation/metrics/result.ts';

/** What commander makes of the options. */
export interface ReportOptions {
  readonly html?: string;
  readonly markdown?: string;
  readonly decisionCosts?: string;
}

/** Which reports of a result were written, and why others were not. */
export interface WrittenReports {
  readonly paths: readonly string[];
  /** What the others failed with. */
  readonly failures: readonly unknown[];
}

/** Writes the reports of a result. Never rejects: one that fails keeps no other from being written. */
export type ReportWriter = (result: ComparisonResult, command: string) => Promise<WrittenReports>;
