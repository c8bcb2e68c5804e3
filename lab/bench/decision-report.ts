/**
 * The table of `teg bench decision`.
 */
import { formatFixed } from '../../src/cli/terminal/formatting.ts';
import { printTable, type TableColumn } from '../../src/cli/terminal/table.ts';
import type { DecisionRow } from './decision-task.ts';

const MICROS = (value: number): string => formatFixed(value, value < 100 ? 2 : 0);

const COLUMNS: readonly TableColumn[] = [
  { header: 'nodes' },
  { header: 'policy' },
  { header: 'p50 µs', format: MICROS },
  { header: 'p99 µs', format: MICROS },
  { header: 'mean µs', format: MICROS },
  { header: 'arrival p50', format: MICROS },
  { header: 'departure p50', format: MICROS },
  { header: 'nodes looked at', format: (value) => formatFixed(value, 1) },
  { header: 'bytes/node', format: (value) => formatFixed(value, 1) },
  { header: 'decisions' },
];

/** Prints the table, and a comparison of the largest cluster with the smallest for each policy. */
export function printDecisions(rows: readonly DecisionRow[]): void {
  printTable(
    COLUMNS,
    rows.map((row) => [
      row.nodes,
      row.policy,
      row.p50Micros,
      row.p99Micros,
      row.meanMicros,
      row.arrivalP50Micros,
      row.departureP50Micros,
      row.nodesExamined,
      row.bytesPerNode,
      row.decisions,
    ]),
    { title: 'One pod leaves and one arrives, with all updates' },
  );
  for (const [policy, own] of Map.groupBy(rows, (row) => row.policy)) {
    const first = own[0];
    const last = own.at(-1);
    if (first === undefined || last === undefined || first === last) continue;
    const p50 = formatFixed(last.p50Micros / first.p50Micros, 2);
    const p99 = formatFixed(last.p99Micros / first.p99Micros, 2);
    process.stdout.write(
      `${policy}: ${last.nodes} nodes against ${first.nodes}: p50 × ${p50}, p99 × ${p99}\n`,
    );
  }
}
