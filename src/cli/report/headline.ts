/**
 * A comparison in a few sentences: the results of the report's policy, and its wins and losses against the others.
 *
 * Invariant: a policy is called better or worse only where the interval of the paired difference says so; where another
 * one wins, the sentence says that just as plainly.
 */
import type {
  ComparedMetric,
  ComparedPolicy,
  ComparisonResult,
  SimulationResult,
} from '../../simulation/metrics/result.ts';
import { formatCount, formatCounted, formatFixed } from '../terminal/formatting.ts';
import { formatUnit } from './comparison-tables.ts';
import {
  countedRuns,
  type Duel,
  duelsOf,
  policyName,
  resourceOf,
  stoppedRun,
  subjectOf,
} from './report-source.ts';

/** Text, some of it emphasised. */
export type Sentence = readonly (string | { readonly strong: string })[];

/** Figures that do not count as won or lost. */
const NOT_TALLIED: ReadonlySet<string> = new Set([
  'nodesExamined',
  'potential',
  'exploitability',
  'exploitable',
]);

/**
 * Fewest seeds for which wins and losses are counted: an interval from two seeds is so wide (Student t, one degree of
 * freedom: 12.7 standard errors) that nearly every count would be "no clear difference".
 */
const TALLY_SEEDS_MIN = 3;

/** Counts of the subject's wins, losses and undecided comparisons. */
export interface DuelTally {
  readonly other: string;
  readonly better: readonly string[];
  readonly worse: readonly string[];
  /** No clear difference; figures that are the same in every run, or were not measured in both, are not counted. */
  readonly unclear: readonly string[];
}

/** @returns Why wins and losses are not counted; undefined if there are seeds enough. */
export function tooFewSeeds({ seeds }: ComparisonResult): string | undefined {
  if (seeds.length >= TALLY_SEEDS_MIN) return undefined;
  const why =
    seeds.length === 1
      ? 'One seed cannot show a difference'
      : 'Two seeds cannot show a difference unless it is huge, so wins and losses are not counted';
  return `${why}: run three or more (--seeds 1-5) to tell one from chance.`;
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

/**
 * @returns The most important facts; no sentence for figures that were not measured, none at all where no run reached
 *   its end.
 */
export function headline(result: ComparisonResult): Sentence[] {
  if (result.metrics.length === 0) return [];
  const duels = duelsOf(result);
  return [
    allocationSentence(result, duels),
    waitSentence(result, duels),
    waitingSentence(result, duels),
    largestSentence(result, duels),
    costSentence(result, duels),
  ].filter((sentence) => sentence.length > 0);
}

/**
 * @returns Wins and losses of the subject, by the names of the figures. Nodes examined do not count: a policy that
 *   examines classes of nodes examines no node, whatever that costs; the cost is another figure. Nor does the distance
 *   from an equilibrium: it is measured at TEG's own prices, and is of no use on its own.
 */
export function tallies(result: ComparisonResult): DuelTally[] {
  return duelsOf(result).map(({ other, metrics }) => {
    const labels = (verdict: ComparedPolicy['verdict']): string[] =>
      metrics
        .filter((m) => entryOf(m).verdict === verdict && entryOf(m).difference !== null)
        .filter((m) => !NOT_TALLIED.has(m.metric))
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
    resource === 'gpu' ? formatCounted(cluster.gpus, 'GPU') : `${formatCount(cluster.cpuCores)} cores`;
  const clauses = duels.flatMap((duel) => allocationClause(duel, metric));
  return [
    `${policyName(subjectOf(result))} kept `,
    { strong: `${formatFixed(mean * 100, 1)} %` },
    ` of ${things} in use ${arrivalsLast(result) ? 'while jobs arrived' : 'on average'}`,
    ...(clauses.length === 0 ? [] : [': ', ...joined(clauses)]),
    '.',
  ];
}

/** True if jobs arrived over some of the measured time; else the means are over the whole run. */
function arrivalsLast(result: ComparisonResult): boolean {
  return result.runs.some(({ workload, options }) => workload.spanSeconds > options.warmupSeconds);
}

function allocationClause(duel: Duel, name: string): Sentence[] {
  const entry = duel.metrics.find(({ metric }) => metric === name)?.policies[0];
  if (entry?.difference == null) return [];
  const { mean, low } = entry.difference;
  const other = policyName(duel.other);
  if (entry.verdict === 'equal') return [[`as much as ${other}`]];
  const size = Math.abs(mean) * 100;
  if (entry.verdict === 'unclear' && size < 0.05) return [[`about as much as ${other}`]];
  const points = `${smallFixed(size)} points ${mean < 0 ? 'less' : 'more'}`;
  if (entry.verdict === 'unclear') {
    return [[`${points} than ${other} (${low === null ? 'one seed' : 'may be chance'})`]];
  }
  return [[{ strong: points }, ` than ${other}`]];
}

/** With one decimal, or as many as show that it is not 0. */
function smallFixed(value: number): string {
  const digits = value >= 0.05 ? 1 : Math.min(6, Math.ceil(-Math.log10(value)));
  return formatFixed(value, digits);
}

/** The runs of the subject that count. */
function ownRuns(result: ComparisonResult): SimulationResult[] {
  return countedRuns(result, subjectOf(result));
}

function waitSentence(result: ComparisonResult, duels: readonly Duel[]): Sentence {
  const found = meanOf(result, 'waitMean');
  if (found === undefined || found[1] === 0) return withoutWaits(result);
  const [, mean] = found;
  const isAll = result.policies.every((policy) => countedRuns(result, policy).every(startedAll));
  return [
    isAll ? 'A job waited ' : 'A job that started waited ',
    { strong: formatUnit(mean, 'seconds') },
    ' on average',
    ...othersClause(duels, 'waitMean', 'clearly longer', 'clearly shorter'),
    '.',
  ];
}

/** True if no job of a run was left without a start. */
function startedAll({ jobs }: SimulationResult): boolean {
  return jobs.waiting === 0 && jobs.dropped === 0;
}

/** Where no job of the subject that started had waited. */
function withoutWaits(result: ComparisonResult): Sentence {
  const own = ownRuns(result);
  if (own.length === 0 || own.some(({ wait }) => wait !== null && wait.max > 0)) return [];
  const all = result.policies.flatMap((policy) => countedRuns(result, policy));
  const isWarm = own.some(({ options }) => options.warmupSeconds > 0);
  if (!isWarm && result.complete && all.every((run) => run.wait?.max === 0 && startedAll(run))) {
    return ['Every job started at once, whatever the policy: this workload does not fill this cluster.'];
  }
  const which = isWarm ? ' that arrived in the measured time' : '';
  const under = result.policies.length > 1 ? ` under ${policyName(subjectOf(result))}` : '';
  if (own.every(({ wait }) => wait === null)) return [`No job${which} started${under}.`];
  if (own.every((run) => run.wait !== null && startedAll(run))) {
    return [`Every job${which} started at once${under}.`];
  }
  return [`Every job${which === '' ? ' that' : `${which} and`} started did so at once${under}.`];
}

/** Jobs that the figures of waits leave out. */
function waitingSentence(result: ComparisonResult, duels: readonly Duel[]): Sentence {
  const found = meanOf(result, 'waiting');
  if (found === undefined) return [];
  const [{ unit }, mean] = found;
  return [
    stoppedRun(result) === undefined ? 'At the end ' : 'When it was stopped ',
    { strong: mean === 0 ? 'no' : formatUnit(mean, unit) },
    mean === 0 || mean === 1 ? ' job still waited' : ' jobs still waited',
    ...othersClause(duels, 'waiting', '', ''),
    '.',
  ];
}

function largestSentence(result: ComparisonResult, duels: readonly Duel[]): Sentence {
  const found = meanOf(result, 'waitLargestP99');
  if (found === undefined) return [];
  const [, mean] = found;
  const isAll = result.policies.every((policy) => countedRuns(result, policy).every(startedAll));
  return [
    isAll
      ? 'Of the largest jobs, 99 in 100 started within '
      : 'Of the largest jobs that started, 99 in 100 did within ',
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
    { strong: looked[1] === 0 ? 'no' : smallFixed(looked[1]) },
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

function verdictWord({ verdict, difference }: ComparedPolicy, lost: string, won: string): string {
  switch (verdict) {
    case 'better':
      return lost;
    case 'worse':
      return won;
    case 'equal':
      return 'the same';
    default:
      return difference === null || difference.low === null ? '' : 'no clear difference';
  }
}

/** Clauses with commas, the last with `and`. */
function joined(clauses: readonly Sentence[]): Sentence {
  return clauses.flatMap((clause, i) => {
    if (i === 0) return [...clause];
    return [i === clauses.length - 1 ? ' and ' : ', ', ...clause];
  });
}
