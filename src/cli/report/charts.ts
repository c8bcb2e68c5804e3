/**
 * Every plot of a report, in its order.
 */
import type { Chart } from './chart.ts';
import { decisionCharts, policiesOfCosts } from './decision-charts.ts';
import { distributionCharts } from './distribution-charts.ts';
import { loadCharts } from './load-charts.ts';
import { comparedQueueCharts } from './queue-charts.ts';
import type { ReportSource } from './report-source.ts';

/** @returns The plots that the source has figures for. */
export function chartsOf({ result, decisions }: ReportSource): Chart[] {
  return [
    ...comparedQueueCharts(result),
    ...loadCharts(result),
    ...distributionCharts(result),
    ...decisionCharts(result, decisions),
  ];
}

/** @returns All policies that a report shows: the place in this list decides colour and dash. */
export function shownPolicies({ result, decisions = [] }: ReportSource): string[] {
  const first = result.policies.filter((policy) => policy === 'teg');
  return [...new Set([...first, ...result.policies, ...policiesOfCosts(decisions)])];
}
