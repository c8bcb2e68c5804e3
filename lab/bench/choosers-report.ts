/**
 * The tables of `teg bench choosers`: a row a chooser, a column a staleness.
 */
import { formatFixed } from '../../src/cli/terminal/formatting.ts';
import { printTable, type TableColumn } from '../../src/cli/terminal/table.ts';
import type { BoardRow } from './choosers-task.ts';

const HUNDREDTHS = (value: number): string => formatFixed(value, 2);

/** Prints mean response, herding and distance, each by chooser and staleness. */
export function printBoards(rows: readonly BoardRow[]): void {
  const staleness = [...new Set(rows.map((row) => row.staleness))];
  const columns: TableColumn[] = [
    { header: 'chooser', shrink: false },
    ...staleness.map((t): TableColumn => ({ header: `T_b = ${t}`, align: 'right', format: HUNDREDTHS })),
  ];
  const print = (title: string, value: (row: BoardRow) => number): void => {
    const table = [...Map.groupBy(rows, (row) => row.chooser)].map(([chooser, own]) => [
      chooser,
      ...own.map(value),
    ]);
    printTable(columns, table, { title });
    process.stdout.write('\n');
  };
  print('Mean response, service times', (row) => row.meanResponse);
  print('Herding: unevenness of queues, random = 1', (row) => row.herding);
  print('Distance between successive choices of a stream, servers', (row) => row.distance);
}
