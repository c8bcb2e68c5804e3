/** The tables of `teg bench queues`: one a workload, with a mark at each figure that has a bar. */
import { formatDuration, formatFixed, formatPercent } from '../../src/cli/terminal/formatting.ts';
import { printTable } from '../../src/cli/terminal/table.ts';
import { barsOf, type QueueBars } from './queue-bars.ts';
import { QUEUE_WORKLOADS } from './queue-workload-names.ts';
import { QUEUE_WORKLOAD_TITLES } from './queue-workloads.ts';
import type { QueuesRow } from './queues-task.ts';

const HEADERS = [
  'run times',
  'queue',
  'head of line',
  'large p99 wait',
  'small p99 wait',
  'allocation',
  'starts kept',
] as const;
/** Columns of text; the others are aligned to the right. */
const TEXT_COLUMNS = 2;

/** How a figure with a bar is called and printed where the bar is missed. */
const BAR_COLUMNS: Readonly<
  Record<keyof QueueBars, { readonly title: string; readonly text: (value: number) => string }>
> = {
  headOfLine: { title: 'head of line', text: (value) => formatFixed(value, 4) },
  largeWaitP99Seconds: { title: 'large p99 wait', text: formatDuration },
  smallWaitP99Seconds: { title: 'small p99 wait', text: formatDuration },
  allocation: { title: 'allocation', text: (value) => formatPercent(value, 2) },
};
const COLUMNS_WITH_BARS = Object.keys(BAR_COLUMNS) as (keyof QueueBars)[];

/** Prints all rows, then each bar that was missed. @param asMarkdown True: as docs/results/queues.md has them. */
export function printQueues(rows: readonly QueuesRow[], asMarkdown: boolean): void {
  for (const workload of QUEUE_WORKLOADS) {
    const some = rows.filter((row) => row.workload === workload);
    if (some.length === 0) continue;
    const cells = some.map((row) => cellsOf(row, barsOf(row, rows)));
    const title = `${workload}: ${QUEUE_WORKLOAD_TITLES[workload]}`;
    if (asMarkdown) printMarkdown(title, cells);
    else {
      const columns = HEADERS.map((header, i) =>
        i < TEXT_COLUMNS ? { header } : { header, align: 'right' as const },
      );
      printTable(columns, cells, { title });
    }
  }
  const bars = rows.flatMap((row) => Object.values(barsOf(row, rows)));
  const missed = missedBars(rows);
  process.stdout.write(
    `✓ reached, ✗ missed: ${bars.length - missed.length} of ${bars.length} bars reached.\n`,
  );
  for (const line of missed) process.stdout.write(`${asMarkdown ? '- ' : ''}${line}\n`);
}

/** @returns A line for each bar that a row missed, with value, bar and by how much, in the order of the rows. */
export function missedBars(rows: readonly QueuesRow[]): string[] {
  return rows.flatMap((row) => {
    const bars = barsOf(row, rows);
    return COLUMNS_WITH_BARS.flatMap((column) => {
      const bar = bars[column];
      if (bar === undefined || bar.isReached) return [];
      const { title, text } = BAR_COLUMNS[column];
      // Of a bar of zero no multiple can be stated.
      const factor = bar.bar > 0 ? ` (${formatFixed(bar.value / bar.bar, 2)} ×)` : '';
      const by = column === 'allocation' ? '' : factor;
      return [
        `missed: ${row.workload}, ${row.knowledge}, ${row.queue}: ${title} ${text(bar.value)}, bar ${text(bar.bar)}${by}`,
      ];
    });
  });
}

function printMarkdown(title: string, cells: readonly (readonly string[])[]): void {
  const line = (fields: readonly string[]): string =>
    `| ${fields.map((field) => field.trim()).join(' | ')} |\n`;
  const rule = HEADERS.map((_, i) => (i < TEXT_COLUMNS ? '---' : '---:'));
  process.stdout.write(`**${title}**\n\n${[HEADERS, rule, ...cells].map(line).join('')}\n`);
}

function cellsOf(row: QueuesRow, bars: QueueBars): string[] {
  const mark = (column: keyof QueueBars): string => {
    const bar = bars[column];
    return bar === undefined ? '  ' : bar.isReached ? ' ✓' : ' ✗';
  };
  const wait = (seconds: number | null): string => (seconds === null ? '–' : formatDuration(seconds));
  return [
    row.knowledge,
    row.queue,
    formatFixed(row.headOfLine, 4) + mark('headOfLine'),
    wait(row.largeWaitP99Seconds) + mark('largeWaitP99Seconds'),
    wait(row.smallWaitP99Seconds) + mark('smallWaitP99Seconds'),
    formatPercent(row.allocation, 2) + mark('allocation'),
    row.startsByKept === null ? '–' : formatPercent(row.startsByKept, 2),
  ];
}
