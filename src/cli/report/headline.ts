/**
 * A comparison in a few sentences: what the policy of the report reached, and against whom it won or lost.
 *
 * Invariant: a policy is called better or worse only where the interval of the paired difference says so; where
 * another one wins, the sentence says that just as plainly.
 */
import type { ComparedMetric, ComparedPolicy, ComparisonResult } from '../../simulation/result.ts';
import { formatUnit } from '../simulation/comparison-tables.ts';
import { formatCount, formatFixed } from '../terminal/formatting.ts';
import { type Duel, duelsOf, policyName, resourceOf, subjectOf } from './report-source.ts';

/** Text, some of it emphasised. */
export type Sentence = readonly (string | { readonly strong: string })[];

/** Figures that do not count as won or lost. */
const NOT_TALLIED: ReadonlySet<string> = new Set([
  'nodesExamined',
  'potential',
  'exploitability',
  'exploitable',
]);

/** How often the subject won, lost, and neither. */
export interface Tally {
  readonly other: string;
  readonly better: readonly string[];
  readonly worse: readonly string[];
  /** No clear difference; figures that are the same in every run count nowhere. */
  readonly unclear: readonly string[];
}

/** @returns The sentence without emphasis. */
export function sentenceText(sentence: Sentence): string {
  return sentence.map((part) => (typeof part === 'string' ? part : part.strong)).join('');
}

/** @returns The text with numbers tied to their units by no-break spaces, also across `5 h 42 m`. */
export function keepUnits(text: string): string {
  return text
    .replace(/(\d) (?=(?:%|ns|µs|ms|s|m|h|d|points)(?!\w))/g, '$1\u00a0')
    .replace(/(\d\u00a0[dhm]) (?=\d)/g, '$1\u00a0');
}

/** @returns What to know first; no sentence for what was not measured, none at all where no run reached its end. */
export function headline(result: ComparisonResult): Sentence[] {
  if (result.metrics.length === 0) return [];
  const duels = duelsOf(result);
  return [
    allocationSentence(result, duels),
    waitSentence(result, duels),
    largestSentence(result, duels),
    costSentence(result, duels),
  ].filter((sentence) => sentence.length > 0);
}

/**
 * @returns Wins and losses of the subject, by the names of the figures. Nodes examined do not count: who looks at
 *   classes of nodes looks at none, whatever that costs; what it costs is another figure. Nor does the distance from an
 *   equilibrium: it is measured at TEG's own prices, and is no use to anyone by itself.
 */
export function tallies(result: ComparisonResult): Tally[] {
  return duelsOf(result).map(({ other, metrics }) => {
    const labels = (verdict: ComparedPolicy['verdict']): string[] =>
      metrics
        .filter((m) => entryOf(m).verdict === verdict && !NOT_TALLIED.has(m.metric))
        .map(({ label }) => label);
    return { other, better: labels('better'), worse: labels('worse'), unclear: labels('unclear') };
  });
}

function entryOf(metric: ComparedMetric): ComparedPolicy {
  return metric.policies[0] as ComparedPolicy;
}

/** The subject's mean of a metric; undefined if it was not measured or is 0 everywhere. */
function meanOf(result: ComparisonResult, name: string): [ComparedMetric, number] | undefined {
  const metric = result.metrics.find((m) => m.metric === name);
  const mean = metric?.policies[result.policies.indexOf(subjectOf(result))]?.mean?.mean;
  return metric === undefined || mean === undefined ? undefined : [metric, mean];
}

function allocationSentence(result: ComparisonResult, duels: readonly Duel[]): Sentence {
  const resource = resourceOf(result);
  const found = meanOf(result, resource === 'gpu' ? 'allocationGpu' : 'allocationCpu');
  const cluster = result.runs[0]?.cluster;
  if (found === undefined || cluster === undefined) return [];
  const [{ metric }, mean] = found;
  const things =
    resource === 'gpu' ? `${formatCount(cluster.gpus)} GPUs` : `${formatCount(cluster.cpuCores)} cores`;
  const clauses = duels.flatMap((duel) => allocationClause(duel, metric));
  return [
    `${policyName(subjectOf(result))} kept `,
    { strong: `${formatFixed(mean * 100, 1)} %` },
    ` of ${things} in use while jobs arrived`,
    ...(clauses.length === 0 ? [] : [': ', ...joined(clauses)]),
    '.',
  ];
}

function allocationClause(duel: Duel, name: string): Sentence[] {
  const entry = duel.metrics.find(({ metric }) => metric === name)?.policies[0];
  if (entry?.difference == null) return [];
  const { mean } = entry.difference;
  const points = `${formatFixed(Math.abs(mean) * 100, 1)} points ${mean < 0 ? 'less' : 'more'}`;
  const other = policyName(duel.other);
  if (entry.verdict === 'equal') return [[`as much as ${other}`]];
  if (entry.verdict === 'unclear' && points.startsWith('0.0 ')) return [[`about as much as ${other}`]];
  if (entry.verdict === 'unclear') {
    return [[`${points} than ${other} (${entry.values.length > 1 ? 'may be chance' : 'one seed'})`]];
  }
  return [[{ strong: points }, ` than ${other}`]];
}

function waitSentence(result: ComparisonResult, duels: readonly Duel[]): Sentence {
  const found = meanOf(result, 'waitMean');
  if (found === undefined) {
    return result.runs.some((run) => run.wait !== null)
      ? ['Every job started at once, whatever the policy: this workload does not fill this cluster.']
      : [];
  }
  const [, mean] = found;
  return [
    'A job waited ',
    { strong: formatUnit(mean, 'seconds') },
    ' on average',
    ...othersClause(duels, 'waitMean', 'clearly longer', 'clearly shorter'),
    '.',
  ];
}

function largestSentence(result: ComparisonResult, duels: readonly Duel[]): Sentence {
  const found = meanOf(result, 'waitLargestP99');
  if (found === undefined) return [];
  const [, mean] = found;
  return [
    'Of the largest jobs, 99 in 100 started within ',
    { strong: formatUnit(mean, 'seconds') },
    ...othersClause(duels, 'waitLargestP99', 'clearly later', 'clearly sooner'),
    '.',
  ];
}

function costSentence(result: ComparisonResult, duels: readonly Duel[]): Sentence {
  const timed = meanOf(result, 'decisionP50');
  if (timed !== undefined) {
    return [
      'Choosing a node took it ',
      { strong: formatUnit(timed[1], 'micros') },
      ' (median, on this machine)',
      ...othersClause(duels, 'decisionP50', 'clearly slower', 'clearly faster'),
      '.',
    ];
  }
  const looked = meanOf(result, 'nodesExamined');
  if (looked === undefined) return [];
  return [
    'For one decision it looked at ',
    { strong: looked[1] < 0.05 ? 'no' : formatFixed(looked[1], 1) },
    ' nodes one by one',
    ...othersClause(duels, 'nodesExamined', '', ''),
    '.',
  ];
}

/** For example `; under kube-scheduler 3 m 20 s (longer), under fgd 41 s (no clear difference)`. */
function othersClause(duels: readonly Duel[], name: string, lost: string, won: string): Sentence {
  const clauses = duels.flatMap((duel) => {
    const metric = duel.metrics.find((m) => m.metric === name);
    const other = metric?.policies[1]?.mean?.mean;
    if (metric === undefined || other === undefined) return [];
    const word = verdictWord(entryOf(metric), lost, won);
    return [
      [`under ${policyName(duel.other)} ${formatUnit(other, metric.unit)}${word === '' ? '' : ` (${word})`}`],
    ];
  });
  return clauses.length === 0 ? [] : ['; ', ...joined(clauses)];
}

function verdictWord({ verdict, values }: ComparedPolicy, lost: string, won: string): string {
  switch (verdict) {
    case 'better':
      return lost;
    case 'worse':
      return won;
    case 'equal':
      return 'the same';
    default:
      return values.length > 1 ? 'no clear difference' : '';
  }
}

/** Clauses with commas, the last with `and`. */
function joined(clauses: readonly Sentence[]): Sentence {
  return clauses.flatMap((clause, i) => {
    if (i === 0) return [...clause];
    return [i === clauses.length - 1 ? ' and ' : ', ', ...clause];
  });
}
