/**
 * Plots of the cost of a decision: in the runs themselves, and against the size of the cluster where it was measured.
 */
import type { ComparisonResult } from '../../simulation/metrics/result.ts';
import { formatCount } from '../terminal/formatting.ts';
import { decadeAxis, microsTick } from './axes.ts';
import type { Chart, DotChart, LineChart, Point } from './chart.ts';
import type { DecisionCost } from './decision-file.ts';
import { countedRuns } from './report-source.ts';

/** Shortest time that a plot resolves, in microseconds. */
const MICROS_MIN = 0.01;

/** @returns The plots of decision cost; none where nothing was timed. */
export function decisionCharts(
  result: ComparisonResult,
  costs: readonly DecisionCost[] | undefined,
): Chart[] {
  const charts: Chart[] = [];
  const inRuns = costInRuns(result);
  if (inRuns !== undefined) charts.push(inRuns);
  if (costs !== undefined) {
    charts.push(
      costChart('median', costs, ({ p50Micros }) => p50Micros),
      costChart('p99', costs, ({ p99Micros }) => p99Micros),
    );
  }
  return charts;
}

/** Policies of a decision benchmark that are not among those compared come after these. */
export function policiesOfCosts(costs: readonly DecisionCost[]): string[] {
  return [...new Set(costs.map(({ policy }) => policy))];
}

function costInRuns(result: ComparisonResult): DotChart | undefined {
  const levels = [
    ['median', 'p50'],
    ['p99', 'p99'],
  ] as const;
  const dots = result.policies.flatMap((policy) =>
    levels.flatMap(([row, level]) => {
      const micros = countedRuns(result, policy).flatMap((run) => run.timing?.decisionMicros?.[level] ?? []);
      if (micros.length === 0) return [];
      const mean = Math.max(MICROS_MIN, micros.reduce((sum, value) => sum + value, 0) / micros.length);
      return [{ policy, row, value: mean, text: `${policy}, ${row}: ${microsTick(mean)}` }];
    }),
  );
  if (dots.length === 0) return undefined;
  const values = dots.map(({ value }) => value);
  const nodes = result.runs[0]?.cluster.nodes ?? 0;
  return {
    kind: 'dots',
    id: 'decision',
    title: 'Cost of one decision in these runs',
    reading:
      `Time to choose a node among ${formatCount(nodes)}, on the machine that the last section names, while other runs shared it; p99: ` +
      'one in a hundred took longer. Left is better; the axis is logarithmic.',
    x: decadeAxis('time for one decision', Math.min(...values), Math.max(...values), microsTick),
    rows: levels.map(([row]) => row),
    dots,
  };
}

function costChart(
  name: 'median' | 'p99',
  costs: readonly DecisionCost[],
  micros: (cost: DecisionCost) => number,
): LineChart {
  const nodes = costs.map((cost) => cost.nodes);
  const values = costs.map((cost) => Math.max(MICROS_MIN, micros(cost)));
  return {
    kind: 'lines',
    id: `decision-${name}`,
    title: `Decision cost against the number of nodes, ${name === 'p99' ? '99th percentile' : name}`,
    reading:
      'From the decision benchmark. A flat line means that a larger cluster costs no more; both axes are logarithmic.',
    x: decadeAxis('nodes', Math.min(...nodes), Math.max(...nodes)),
    y: decadeAxis('time for one decision', Math.min(...values), Math.max(...values), microsTick),
    lines: policiesOfCosts(costs).map((policy) => ({
      policy,
      points: costs
        .filter((cost) => cost.policy === policy)
        .map((cost): Point => [cost.nodes, Math.max(MICROS_MIN, micros(cost))])
        .sort(([a], [b]) => a - b),
    })),
    guides: [],
    dots: true,
  };
}
