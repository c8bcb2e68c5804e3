/** The tables of `teg bench queues`: one a workload, with a mark at each figure that has a bar. */
import { formatDuration, formatFixed, formatPercent } from '../../src/cli/terminal/formatting.ts';
import { printTable } from '../../src/cli/terminal/table.ts';
import { barsOf, type QueueBars } from './queue-bars.ts';
import { QUEUE_WORKLOAD_TITLES, QUEUE_WORKLOADS } from './queue-workloads.ts';
import type { QueuesRow } from './queues-task.ts';

/** Prints all rows. */
export function printQueues(rows: readonly QueuesRow[]): void {
  for (const workload of QUEUE_WORKLOADS) {
    const some = rows.filter((row) => row.workload === workload);
    if (some.length === 0) continue;
    printTable(
      [
        { header: 'run times' },
        { header: 'queue' },
        { header: 'head of line', align: 'right' },
        { header: 'large p99 wait', align: 'right' },
        { header: 'small p99 wait', align: 'right' },
        { header: 'allocation', align: 'right' },
        { header: 'starts kept', align: 'right' },
      ],
      some.map((row) => cellsOf(row, barsOf(row, rows))),
      { title: `${workload}: ${QUEUE_WORKLOAD_TITLES[workload]}` },
    );
  }
  const bars = rows.flatMap((row) => Object.values(barsOf(row, rows)));
  const missed = bars.filter((bar) => !bar.isReached).length;
  process.stdout.write(`✓ reached, ✗ missed: ${bars.length - missed} of ${bars.length} bars reached.\n`);
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
