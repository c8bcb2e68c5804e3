/**
 * The table of `teg bench packing`: means over seeds, beside the published ones and the distance to FGD.
 */

import { formatFixed, formatSigned } from '../../src/cli/terminal/formatting.ts';
import { printTable, type TableColumn } from '../../src/cli/terminal/table.ts';
import { mean } from '../../src/kernel/statistics.ts';
import type { PackingRow } from './packing-run.ts';
import type { PublishedResults, PublishedRow } from './published-results.ts';

/** Means over the seeds of one list and policy; NaN where there is no reference. */
export interface PackingSummary {
  /** Name of the list, or `all lists` for the mean over several. */
  readonly list: string;
  readonly policy: string;
  readonly alloc100: number;
  readonly alloc130: number;
  readonly fragRatio130: number;
  readonly dropped: number;
  readonly decisionMicrosP50: number;
  readonly decisionMicrosP99: number;
  /** Means of the power at those allocations, kW; NaN if a run never got there. */
  readonly kilowatts30: number;
  readonly kilowatts60: number;
  readonly kilowatts90: number;
  /** Means of the published rows of the same seeds. */
  readonly published100: number;
  readonly published130: number;
  /** Largest distance of one seed from its published row, over both columns. */
  readonly seedDistanceMax: number;
  /** Mean of the differences to FGD's row of the same seed (the published one, else the one of this run). */
  readonly overFgd100: number;
  readonly overFgd130: number;
}

type Column = 'alloc100' | 'alloc130';

/** @returns One summary a list and policy in the order of the rows, then one a policy over all lists if several. */
export function summarisePacking(
  rows: readonly PackingRow[],
  published?: PublishedResults,
): PackingSummary[] {
  const groups = Map.groupBy(rows, (row) => `${row.list}\n${row.policy}`);
  const summaries = [...groups.values()].map((group) => summariseGroup(group, rows, published));
  const byPolicy = Map.groupBy(summaries, (summary) => summary.policy);
  const lists = new Set(summaries.map((summary) => summary.list));
  if (lists.size < 2) return summaries;
  return [...summaries, ...[...byPolicy.values()].map(summariseLists)];
}

function summariseGroup(
  group: readonly PackingRow[],
  all: readonly PackingRow[],
  published: PublishedResults | undefined,
): PackingSummary {
  const { list, policy } = group[0] as PackingRow;
  const references = group.map((row) => published?.find(list, policy, row.seed));
  const fgd = group.map(
    (row) =>
      published?.find(list, 'fgd', row.seed) ??
      all.find((other) => other.list === list && other.policy === 'fgd' && other.seed === row.seed),
  );
  const over = (column: Column): number =>
    mean(group.map((row, i) => row[column] - (fgd[i]?.[column] ?? Number.NaN)));
  return {
    list,
    policy,
    alloc100: mean(group.map((row) => row.alloc100)),
    alloc130: mean(group.map((row) => row.alloc130)),
    fragRatio130: mean(group.map((row) => row.fragRatio130)),
    dropped: mean(group.map((row) => row.dropped)),
    decisionMicrosP50: mean(group.map((row) => row.decisionMicrosP50)),
    decisionMicrosP99: mean(group.map((row) => row.decisionMicrosP99)),
    kilowatts30: mean(group.map((row) => row.kilowatts[30] ?? Number.NaN)),
    kilowatts60: mean(group.map((row) => row.kilowatts[60] ?? Number.NaN)),
    kilowatts90: mean(group.map((row) => row.kilowatts[90] ?? Number.NaN)),
    published100: mean(references.map((row) => row?.alloc100 ?? Number.NaN)),
    published130: mean(references.map((row) => row?.alloc130 ?? Number.NaN)),
    seedDistanceMax: Math.max(...group.map((row, i) => distance(row, references[i]))),
    overFgd100: over('alloc100'),
    overFgd130: over('alloc130'),
  };
}

/** Means of the means; the largest of the largest distances. */
function summariseLists(summaries: readonly PackingSummary[]): PackingSummary {
  const of = (field: keyof PackingSummary): number =>
    mean(summaries.map((summary) => Number(summary[field])));
  return {
    list: 'all lists',
    policy: (summaries[0] as PackingSummary).policy,
    alloc100: of('alloc100'),
    alloc130: of('alloc130'),
    fragRatio130: of('fragRatio130'),
    dropped: of('dropped'),
    decisionMicrosP50: of('decisionMicrosP50'),
    decisionMicrosP99: of('decisionMicrosP99'),
    kilowatts30: of('kilowatts30'),
    kilowatts60: of('kilowatts60'),
    kilowatts90: of('kilowatts90'),
    published100: of('published100'),
    published130: of('published130'),
    seedDistanceMax: Math.max(...summaries.map((summary) => summary.seedDistanceMax)),
    overFgd100: of('overFgd100'),
    overFgd130: of('overFgd130'),
  };
}

function distance(row: PackingRow, reference: PublishedRow | undefined): number {
  if (reference === undefined) return Number.NaN;
  return Math.max(Math.abs(row.alloc100 - reference.alloc100), Math.abs(row.alloc130 - reference.alloc130));
}

const percent = (value: number): string => formatFixed(value, 2);
const difference = (value: number): string => formatSigned(value, 2);
const micros = (value: number): string => formatFixed(value, 1);

/** Prints the summaries; the published columns only where published results were given. */
export function printPackingSummary(summaries: readonly PackingSummary[], withPublished: boolean): void {
  const columns: [TableColumn, (summary: PackingSummary) => string | number][] = [
    [{ header: 'list', shrink: false }, (s) => s.list],
    [{ header: 'policy' }, (s) => s.policy],
    [{ header: 'alloc 100', format: percent }, (s) => s.alloc100],
    ...(withPublished ? publishedColumns('100') : []),
    [{ header: 'alloc 130', format: percent }, (s) => s.alloc130],
    ...(withPublished ? publishedColumns('130') : []),
    ...(withPublished ? [seedColumn] : []),
    [{ header: 'over FGD 100', format: difference }, (s) => s.overFgd100],
    [{ header: 'over FGD 130', format: difference }, (s) => s.overFgd130],
    [{ header: 'frag 130', format: percent }, (s) => s.fragRatio130],
    [{ header: 'dropped', format: micros }, (s) => s.dropped],
    [{ header: 'kW at 30 %', format: micros }, (s) => s.kilowatts30],
    [{ header: '60 %', format: micros }, (s) => s.kilowatts60],
    [{ header: '90 %', format: micros }, (s) => s.kilowatts90],
    [{ header: 'p50 µs', format: micros }, (s) => s.decisionMicrosP50],
    [{ header: 'p99 µs', format: micros }, (s) => s.decisionMicrosP99],
  ];
  printTable(
    columns.map(([column]) => column),
    summaries.map((summary) => columns.map(([, cell]) => cell(summary))),
  );
}

type SummaryColumn = [TableColumn, (summary: PackingSummary) => string | number];

const seedColumn: SummaryColumn = [
  { header: 'worst seed', format: percent },
  (summary) => summary.seedDistanceMax,
];

function publishedColumns(load: '100' | '130'): SummaryColumn[] {
  const alloc = `alloc${load}` as const;
  const published = `published${load}` as const;
  return [
    [{ header: 'published', format: percent }, (s) => s[published]],
    [{ header: 'Δ', format: difference }, (s) => s[alloc] - s[published]],
  ];
}
