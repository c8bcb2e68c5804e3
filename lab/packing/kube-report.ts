/**
 * The table of `teg bench packing --kube-reference`: means over seeds beside the real scheduler's result.
 */

import { formatFixed, formatSigned } from '../../src/cli/terminal/formatting.ts';
import { printTable } from '../../src/cli/terminal/table.ts';
import { mean } from '../../src/kernel/statistics.ts';
import type { KubeReferenceRow } from './kube-reference.ts';

/** Prints one line a sequence and policy, then the mean over sequences of each policy. */
export function printKubeReference(rows: readonly KubeReferenceRow[]): void {
  const groups = [...Map.groupBy(rows, (row) => `${row.sequence}\n${row.policy}`).values()];
  const lines = groups.map((group) => line(group[0]?.sequence ?? '', group));
  const totals = [...Map.groupBy(rows, (row) => row.policy).values()].map((group) => line('all', group));
  const percent = (value: number): string => formatFixed(value, 2);
  const difference = (value: number): string => formatSigned(value, 2);
  printTable(
    [
      { header: 'sequence', shrink: false },
      { header: 'policy' },
      { header: 'GPU %', format: percent },
      { header: '± seeds', format: percent },
      { header: 'real', format: percent },
      { header: 'Δ', format: difference },
      { header: 'CPU %', format: percent },
      { header: 'real', format: percent },
      { header: 'Δ', format: difference },
      { header: 'bound', format: (value) => formatFixed(value, 1) },
    ],
    [...lines, ...totals],
  );
}

function line(sequence: string, group: readonly KubeReferenceRow[]): (string | number)[] {
  const gpu = mean(group.map((row) => row.gpuPercent));
  const cpu = mean(group.map((row) => row.cpuPercent));
  const realGpu = mean(group.map((row) => row.realGpuPercent ?? Number.NaN));
  const realCpu = mean(group.map((row) => row.realCpuPercent ?? Number.NaN));
  const squares = group.map((row) => (row.gpuPercent - gpu) ** 2);
  const deviation = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / (group.length - 1));
  const bound = mean(group.map((row) => row.bound));
  const spread = sequence === 'all' ? Number.NaN : deviation;
  const policy = group[0]?.policy ?? '';
  return [sequence, policy, gpu, spread, realGpu, gpu - realGpu, cpu, realCpu, cpu - realCpu, bound];
}
