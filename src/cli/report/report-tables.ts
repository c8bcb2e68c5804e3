/**
 * The tables of a report, as text in cells: the same for the page and for Markdown.
 */
import type {
  ComparedMetric,
  ComparedPolicy,
  ComparisonResult,
  SimulationResult,
} from '../../simulation/metrics/result.ts';
import { TENANT_COLUMNS, tenantCells } from '../simulation/tenant-table.ts';
import { formatFixed } from '../terminal/formatting.ts';
import { formatDifference, formatMean, formatUnit } from './comparison-tables.ts';
import { presentSizes, shareAbove, sizeName } from './distribution-charts.ts';
import { countedRuns, duelsOf, policyName, subjectOf } from './report-source.ts';

/** One cell: its text, and its style. */
export interface ReportCell {
  readonly text: string;
  readonly tone?: 'best' | 'better' | 'worse';
}

/** One table; the first column names the row. */
export interface ReportTable {
  readonly id: string;
  readonly title: string;
  readonly note: string;
  readonly head: readonly string[];
  /** @shape [rows][head] */
  readonly rows: readonly (readonly ReportCell[])[];
}

/** The name of a difference's verdict. */
const VERDICT_WORDS: Readonly<Record<ComparedPolicy['verdict'], string>> = {
  better: 'better',
  worse: 'worse',
  unclear: 'unclear',
  equal: 'same',
  baseline: '',
};

/** Between a difference and its verdict. */
export const VERDICT_MARK = ' · ';

/** Thresholds of the table of waits. */
const WAIT_LIMITS: readonly (readonly [number, string])[] = [
  [1, '1 second'],
  [60, '1 minute'],
  [600, '10 minutes'],
  [3_600, '1 hour'],
  [21_600, '6 hours'],
  [86_400, '1 day'],
];

/** @returns The tables that the result has figures for. */
export function tablesOf(result: ComparisonResult): ReportTable[] {
  return [comparisonTable(result), waitTable(result), sizeTable(result), tenantTable(result)].filter(
    ({ rows }) => rows.length > 0,
  );
}

/** Means of every figure, and the subject's paired differences to each other policy. */
function comparisonTable(result: ComparisonResult): ReportTable {
  const duels = duelsOf(result);
  const subject = policyName(subjectOf(result));
  const percent = Math.round(result.level * 100);
  const isPaired = result.seeds.length > 1 && duels.length > 0;
  return {
    id: 'comparison',
    title: duels.length > 0 ? 'All figures' : 'All figures of the run',
    note: isPaired
      ? `Means over ${result.seeds.length} seeds, the best of a row in bold. Differences are taken within each seed, where all ` +
        `policies see the same arrivals; ± is the half width of their ${percent} % confidence interval (Student t). They ` +
        'count as better or worse only where it does not hold 0.'
      : noteWithoutPairs(result, percent),
    head: ['measure', ...result.policies, ...duels.map(({ other }) => `${subject} against ${other}`)],
    rows: result.metrics.map((metric) => [
      { text: metric.label },
      ...meanCells(metric),
      ...duels.map(({ metrics }) => differenceCell(metrics.find((m) => m.metric === metric.metric))),
    ]),
  };
}

function noteWithoutPairs({ seeds, policies }: ComparisonResult, percent: number): string {
  if (seeds.length === 1) {
    return `One seed: the figures of one draw of chance${policies.length > 1 ? ', so no difference is certain' : ''}.`;
  }
  return `Means over ${seeds.length} seeds; ± is the half width of the ${percent} % confidence interval (Student t).`;
}

/** With the spread over seeds only where there is no policy to compare with: beside paired differences it misleads. */
function meanCells({ policies, unit, better }: ComparedMetric): ReportCell[] {
  const means = policies.map((entry) => entry.mean?.mean);
  const known = means.filter((mean) => mean !== undefined);
  const best = better === 'higher' ? Math.max(...known) : Math.min(...known);
  const differ = known.some((mean) => mean !== best);
  return policies.map(({ mean }) => {
    if (mean === null) return { text: '–' };
    const text = policies.length > 1 ? formatUnit(mean.mean, unit) : formatMean(mean, unit);
    return differ && mean.mean === best ? { text, tone: 'best' } : { text };
  });
}

/** A metric that is 0 for both is left out of their comparison: they are the same. */
function differenceCell(metric: ComparedMetric | undefined): ReportCell {
  const entry = metric?.policies[0];
  if (metric === undefined || entry === undefined) return { text: 'same' };
  if (entry.difference === null) return { text: '–' };
  const { verdict } = entry;
  if (verdict === 'equal') return { text: 'same' };
  const difference = formatDifference(entry.difference, metric.unit);
  if (verdict === 'unclear' && entry.difference.low === null) return { text: difference };
  const text = `${difference}${VERDICT_MARK}${VERDICT_WORDS[verdict]}`;
  return verdict === 'better' || verdict === 'worse' ? { text, tone: verdict } : { text };
}

/** Number of jobs that waited noticeably. */
function waitTable(result: ComparisonResult): ReportTable {
  const columns = result.policies.map((policy) =>
    countedRuns(result, policy).filter((run) => run.wait?.grid !== undefined),
  );
  const rows = WAIT_LIMITS.map(([seconds, name]) => ({
    name: `more than ${name}`,
    shares: columns.map((runs) => {
      const shares = runs.map((run) => {
        const { grid = [], count } = run.wait as NonNullable<typeof run.wait>;
        const waiting = run.jobs.waiting;
        const above = shareAbove(grid, run.quantileGrid, count, seconds) * count;
        return (above + (waitsLonger(run, seconds) ? waiting : 0)) / Math.max(1, count + waiting);
      });
      return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
    }),
  })).filter(({ shares }) => shares.some((share) => share > 0));
  return {
    id: 'waits',
    title: 'Jobs that waited',
    note:
      'Share of the jobs that started or still waited, mean over seeds, read off the quantiles that a run keeps; between ' +
      'them it is interpolated. Jobs still waiting at the end count with the longest of their waits.',
    head: ['waited', ...result.policies],
    rows: rows.map(({ name, shares }) => [
      { text: name },
      ...shares.map((share) => ({ text: `${sharePercent(share)} %` })),
    ]),
  };
}

/**
 * True if jobs left waiting may wait longer: forever where nothing more can start, else as long as the longest of them.
 */
function waitsLonger({ ended, waitingLongestSeconds }: SimulationResult, seconds: number): boolean {
  return ended === 'stalled' || ended === 'drained' || waitingLongestSeconds > seconds;
}

/** Two significant figures, without exponent. */
function sharePercent(share: number): string {
  const percent = share * 100;
  const digits = percent === 0 ? 0 : Math.max(0, 1 - Math.floor(Math.log10(percent)));
  return formatFixed(percent, Math.min(6, digits));
}

/** Mean wait by size of job. */
function sizeTable(result: ComparisonResult): ReportTable {
  const mean = (policy: string, pick: (run: SimulationResult) => number | readonly number[]): string => {
    const values = countedRuns(result, policy).flatMap(pick);
    if (values.length === 0) return '–';
    return formatUnit(values.reduce((sum, value) => sum + value, 0) / values.length, 'seconds');
  };
  const sizes = presentSizes(result);
  return {
    id: 'sizes',
    title: 'Wait by size of job',
    note: 'Means over seeds of the mean wait and of the wait that 1 in 100 jobs of that size passes.',
    head: ['size', ...result.policies.flatMap((policy) => [`${policy}: mean`, `${policy}: p99`])],
    rows: (sizes.length > 1 ? sizes : []).map((size) => [
      { text: sizeName(size) },
      ...result.policies.flatMap((policy) =>
        (['mean', 'p99'] as const).map((level) => ({
          text: mean(policy, (run) => run.bySize.find((entry) => entry.size === size)?.wait?.[level] ?? []),
        })),
      ),
    ]),
  };
}

/** What each tenant had, by policy: the first seed of it. */
function tenantTable(result: ComparisonResult): ReportTable {
  const named = result.policies.length > 1;
  const rows = result.policies.flatMap((policy) =>
    (countedRuns(result, policy)[0]?.tenants ?? []).map((tenant) => {
      const name = named ? `${tenant.name}, ${policyName(policy)}` : tenant.name;
      return [{ text: name }, ...tenantCells(tenant).map((text) => ({ text }))];
    }),
  );
  const seeds = result.seeds.length > 1 ? ` Of the first seed, ${result.seeds[0]}.` : '';
  return {
    id: 'tenants',
    title: 'Tenants',
    note:
      'GPUs are means over time, of a tenant and all below it; jobs and their waits are its own. Lent: the part of its idle quota ' +
      `that others held. Level share: its part of its siblings' weights ÷ its part of their cost; above 1 it got less.${seeds}`,
    head: ['tenant', ...TENANT_COLUMNS],
    rows,
  };
}
