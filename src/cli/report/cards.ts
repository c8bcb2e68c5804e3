/** The few figures that a report begins with, each with all policies side by side. */
import type { ComparedMetric, ComparisonResult } from '../../simulation/metrics/result.ts';
import { formatFixed } from '../terminal/formatting.ts';
import { formatUnit } from './comparison-tables.ts';

/** One figure of all policies. */
export interface Card {
  readonly title: string;
  readonly hint: string;
  readonly entries: readonly {
    readonly policy: string;
    readonly text: string;
    /** Length of the bar in [0, 1]: a share itself, any other figure relative to the largest. */
    readonly length: number;
    readonly isBest: boolean;
  }[];
}

const CARDS: readonly (readonly [metric: string, title: string])[] = [
  ['allocationGpu', 'GPUs in use'],
  ['allocationCpu', 'cores in use'],
  ['waitMean', 'mean wait'],
  ['waitLargestP99', 'wait of the largest jobs, p99'],
  ['slowdownMean', 'mean bounded slowdown'],
  ['decisionP50', 'median cost of a decision'],
  ['nodesExamined', 'nodes looked at for a decision'],
];

const CARDS_MAX = 4;

/** @returns Up to four cards: of use, of waiting, of cost, as far as they were measured. */
export function cardsOf(result: ComparisonResult): Card[] {
  const found = CARDS.flatMap(([name, title]) => {
    const metric = result.metrics.find((m) => m.metric === name);
    if (metric === undefined || metric.policies.every(({ mean }) => mean === null)) return [];
    return [{ name, card: cardOf(metric, title) }];
  });
  const hasGpu = found.some(({ name }) => name === 'allocationGpu');
  const isTimed = found.some(({ name }) => name === 'decisionP50');
  const kept = found.filter(
    ({ name }) => !(hasGpu && name === 'allocationCpu') && !(isTimed && name === 'nodesExamined'),
  );
  const tooMany = kept.length > CARDS_MAX;
  return kept
    .filter(({ name }) => !(tooMany && name === 'slowdownMean'))
    .map(({ card }) => card)
    .slice(0, CARDS_MAX);
}

function cardOf(metric: ComparedMetric, title: string): Card {
  const known = metric.policies.flatMap(({ policy, mean }) =>
    mean === null ? [] : [{ policy, value: mean.mean }],
  );
  const values = known.map(({ value }) => value);
  const full = metric.unit === 'share' ? 1 : Math.max(...values, Number.MIN_VALUE);
  const best = metric.better === 'higher' ? Math.max(...values) : Math.min(...values);
  const differ = values.some((value) => value !== best);
  return {
    title,
    hint: metric.better === 'higher' ? 'more is better' : 'less is better',
    entries: known.map(({ policy, value }) => ({
      policy,
      text: metric.unit === 'share' ? `${formatFixed(value * 100, 1)} %` : formatUnit(value, metric.unit),
      length: Math.min(1, Math.max(0, value / full)),
      isBest: differ && value === best,
    })),
  };
}
