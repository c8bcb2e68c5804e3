import { describe, expect, test } from 'vitest';
import { NO_FIGURES } from '../kubernetes-bench/bench-run.ts';
import { combineRepeats } from '../kubernetes-bench/kubernetes-bench.ts';
import type { KubernetesRow } from './kubernetes-packing.ts';
import { benchMarkdown, benchTables } from './kubernetes-report.ts';

/** A row of some repeats. */
function row(
  scheduler: 'teg' | 'stock',
  repeats: object[],
  more: Partial<KubernetesRow> = {},
): KubernetesRow {
  const figures = combineRepeats(repeats.map((repeat) => ({ ...NO_FIGURES, ...repeat })));
  return {
    workload: 'SchedulingBasic',
    nodes: 1000,
    pods: 5000,
    scheduler,
    failures: [],
    ...figures,
    ...more,
  } as KubernetesRow;
}

const RATE = [
  row('teg', [
    { podsPerSecond: 600, schedulerCpuPer1000: 0.5, bound: 5000 },
    { podsPerSecond: 500, schedulerCpuPer1000: 0.7, bound: 5000 },
  ]),
  row('stock', [
    { podsPerSecond: 300, schedulerCpuPer1000: 2.4, bound: 5000 },
    { podsPerSecond: 250, schedulerCpuPer1000: 2.4, bound: 5000 },
  ]),
];

/** Cells of a row by header; of duplicate headers the last counts. */
function cells(rows: readonly KubernetesRow[], r: number): Record<string, string> {
  const [table] = benchTables(rows);
  return Object.fromEntries(table?.headers.map((header, c) => [header, table.rows[r]?.[c] ?? '']) ?? []);
}

describe('tables', () => {
  test('of a workload: medians with extremes, beside the stock scheduler', () => {
    const [table] = benchTables(RATE);
    expect(table?.title).toBe(
      'SchedulingBasic: 1,000 nodes, 5,000 pods, median of 2 runs (smallest–largest)',
    );
    expect(table?.rows[0]?.slice(0, 3)).toEqual(['teg', '550 (500–600)', '2.00']);
    expect(table?.rows[1]?.slice(0, 3)).toEqual(['stock', '275 (250–300)', '1.00']);
    expect(cells(RATE, 0)['CPU s/1,000']).toBe('0.60');
    expect(cells(RATE, 0)['× stock']).toBe('0.25');
    expect(cells(RATE, 0)['peak memory']).toBe('–');
  });

  test('of pods that are there before the scheduler starts', () => {
    expect(benchTables([row('teg', [{}], { created: 'before' })])[0]?.title).toBe(
      'SchedulingBasic: 1,000 nodes, 5,000 pods that are there first, one run',
    );
  });

  test('without the stock scheduler there is no ratio', () => {
    expect(benchTables(RATE.slice(0, 1))[0]?.rows[0]?.[2]).toBe('–');
  });

  test('of a restart, also where every start failed', () => {
    const about = { workload: 'Restart', nodes: 5000, pods: 50_000 };
    const rows = [row('teg', [{ timeToFirstBind: 2 }], about), row('stock', [], about)];
    expect(benchTables(rows)[0]?.title).toBe('Restart: 5,000 nodes, 50,000 pods bound already, one run');
    expect(cells(rows, 0)['first bind']).toBe('2.0 s');
    expect(cells(rows, 1)['first bind']).toBe('–');
  });

  test('of packing: one for each sequence, with the distance from the simulation', () => {
    const about = {
      workload: 'Packing',
      nodes: 1213,
      predictedGpuPercent: 99.6,
      publishedLeastAllocated: 96.78,
    };
    const rows = [
      row('teg', [{ gpuPercent: 99.55 }], { ...about, sequence: 'default-42' }),
      row('stock', [{ gpuPercent: 96.9 }], { ...about, sequence: 'default-42' }),
      row('teg', [{ gpuPercent: 99 }], { ...about, sequence: 'default-43' }),
    ];
    expect(benchTables(rows).map((table) => table.rows.length)).toEqual([2, 1]);
    expect(cells(rows, 0)).toMatchObject({ 'GPU %': '99.55', 'simulated TEG': '99.60', Δ: '-0.05' });
    expect(cells(rows, 1)).toMatchObject({
      'GPU %': '96.90',
      Δ: '–',
      'published stock, least allocated': '96.78',
    });
  });

  test('as Markdown, with the machine', () => {
    const machine = {
      cpuModel: 'Some CPU',
      cores: 2,
      memoryBytes: 2 ** 34,
      node: 'v26.0.0',
      platform: 'linux x64',
      loadAverage: 0.123,
      date: '2026-11-24T12:00:00.000Z',
    };
    const text = benchMarkdown(RATE, machine);
    expect(text).toContain('2026-11-24, 2 × Some CPU, 16.0 GiB, Node.js v26.0.0, load before it 0.12.');
    expect(text).toContain('\n| scheduler | pods/s | × stock |');
    expect(text).toContain('\n| teg | 550 (500–600) | 2.00 |');
    const widths = text
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) => line.split('|').length);
    expect(new Set(widths).size).toBe(1);
  });
});
