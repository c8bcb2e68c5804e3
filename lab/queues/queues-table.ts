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

/** Prints all rows. @param asMarkdown True: as docs/results/queues.md has them. */
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
  const missed = bars.filter((bar) => !bar.isReached).length;
  process.stdout.write(`✓ reached, ✗ missed: ${bars.length - missed} of ${bars.length} bars reached.\n`);
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
