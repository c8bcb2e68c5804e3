/** The Markdown report: well-formed tables for any names. */
import { describe, expect, test } from 'vitest';
import { formatUnit } from './comparison-tables.ts';
import { escapeMarkdown, markdownReport } from './markdown-report.ts';
import { HOSTILE, renamed, smallComparison, sourceOf } from './report.fixtures.ts';

/** Tables as cells: consecutive lines that begin with a bar, split at bars without a backslash. */
function tables(text: string): string[][][] {
  const found: string[][][] = [];
  let rows: string[][] | undefined;
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) {
      rows = undefined;
      continue;
    }
    if (rows === undefined) {
      rows = [];
      found.push(rows);
    }
    rows.push(line.slice(2, -2).split(/(?<!\\) \| /));
  }
  return found;
}

describe('a report in Markdown', () => {
  const result = renamed(smallComparison({ withEquilibrium: true }), 'fgd', HOSTILE);
  const text = markdownReport(sourceOf(result, { command: `teg '${HOSTILE}' \`\`\`\` x` }));

  test('has rows of one length in each table, and all figures', () => {
    const all = tables(text);
    expect(all.length).toBe(3);
    for (const rows of all) {
      const [head, rule] = rows;
      expect(rule?.every((cell) => /^-{3}:?$/.test(cell))).toBe(true);
      for (const row of rows) expect(row.length).toBe(head?.length);
    }
    const [comparison] = all;
    expect(comparison?.[0]).toEqual([
      'measure',
      'teg',
      'kube-scheduler',
      escapeMarkdown(HOSTILE),
      'TEG against kube-scheduler',
      `TEG against ${escapeMarkdown(HOSTILE)}`,
    ]);
    for (const [i, metric] of result.metrics.entries()) {
      const row = comparison?.[i + 2]?.map((cell) => cell.replaceAll('**', ''));
      const means = metric.policies.map(({ mean }) =>
        mean === null ? '–' : formatUnit(mean.mean, metric.unit),
      );
      expect(row?.slice(0, 4)).toEqual([metric.label, ...means]);
    }
  });

  test('has the distance from an equilibrium among the figures', () => {
    const names = tables(text)[0]?.map(([name]) => name) ?? [];
    expect(names).toContain('stranding potential Φ');
    expect(names).toContain('exploitability, mean (milli-GPU)');
    expect(names).toContain('pods that gain over 50 milli-GPU by moving');
  });

  test('marks one best mean or several equal ones where they differ', () => {
    const row = tables(text)[0]?.find(([name]) => name === 'GPUs in use');
    const bold = row?.slice(1, 4).filter((cell) => /^\*\*.*\*\*$/.test(cell)) ?? [];
    expect(bold.length).toBe(1);
    const values = row?.slice(1, 4).map((cell) => Number.parseFloat(cell.replaceAll('*', ''))) ?? [];
    expect(Number.parseFloat((bold[0] as string).replaceAll('*', ''))).toBe(Math.max(...values));
  });

  test('leaves no character of a name with a meaning', () => {
    const outside = text.replace(/`{3,}sh\n[\s\S]*?\n`{3,}\n/g, '');
    expect(outside).not.toMatch(/(?<!\\)[<>`]/);
    expect(outside).toContain(escapeMarkdown(HOSTILE));
  });

  test('fences the command with more ticks than it has', () => {
    expect(text).toContain(`\n\`\`\`\`\`sh\nteg '${HOSTILE}' \`\`\`\` x\n\`\`\`\`\`\n`);
  });

  test('begins with the headline and states what was run', () => {
    const lines = text.split('\n');
    expect(lines[0]).toMatch(/^# TEG against kube-scheduler and .* on 12 nodes with 96 GPUs$/);
    expect(lines[2]).toMatch(/^TEG kept \*\*\d+\.\d %\*\* of 96 GPUs in use while jobs arrived: /);
    expect(text).toContain('\n- seeds: 1, 2, 3\n');
    expect(text).toContain('\n- made: 2026-01-02 03:04 UTC by TEG 1.2.3\n');
    expect(text).toContain('\n- runs: 9 complete of 9\n');
    expect(text).not.toContain('Partial');
  });

  test('a partial result says so', () => {
    const { runs } = result;
    const partial = { ...result, complete: false, runs: runs.slice(0, -1) };
    const told = markdownReport(sourceOf(partial));
    expect(told).toContain(
      '\n> **Partial:** Stopped before all runs had ended: 8 of 9 reached their end. Only these count.\n',
    );
    expect(told).toContain('\n- runs: 8 complete of 9\n');
  });
});

test('escaping keeps plain text and joins lines', () => {
  expect(escapeMarkdown('kube-scheduler 1.36, 5 %')).toBe('kube-scheduler 1.36, 5 %');
  expect(escapeMarkdown('a\n\nb|c')).toBe('a b\\|c');
});
