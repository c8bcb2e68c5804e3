import stringWidth from 'string-width';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ProgressLine, progressBar } from './progress-line.ts';

/** A terminal that keeps what was written to it, and a clock that the test moves. */
function terminal(isTTY = true, columns = 100) {
  const writes: string[] = [];
  const clock = { ms: 0 };
  return {
    writes,
    clock,
    stream: {
      isTTY,
      columns,
      write(text: string) {
        writes.push(text);
      },
    },
    nowMs: () => clock.ms,
  };
}

/** The text of the line after the last write. */
function shown(writes: readonly string[]): string {
  return (writes.at(-1) ?? '').replace('\r\u001b[2K', '');
}

beforeEach(() => {
  vi.stubEnv('NO_COLOR', '1');
  vi.stubEnv('TERM', 'xterm');
});

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('ProgressLine', () => {
  test('shows share, count, rate and time left', () => {
    const t = terminal(true, 120);
    const line = new ProgressLine('simulating', { total: 1000, unit: 'jobs', ...t });
    t.clock.ms = 2000;
    line.update(250, 'fgd');
    expect(shown(t.writes)).toBe(
      `simulating  ${progressBar(0.25)}  25 %  250/1,000  125 jobs/s  6.0 s left  fgd`,
    );
  });

  test('without a total there is no bar and no time left', () => {
    const t = terminal();
    const line = new ProgressLine('reading', { unit: 'rows', ...t });
    t.clock.ms = 1000;
    line.update(5000);
    expect(shown(t.writes)).toBe('reading  5,000  5.00 k rows/s');
  });

  test('writes at most ten times a second', () => {
    const t = terminal();
    const line = new ProgressLine('x', { total: 10_000, ...t });
    for (t.clock.ms = 0; t.clock.ms < 3000; t.clock.ms++) line.update(t.clock.ms);
    expect(t.writes).toHaveLength(30);
  });

  test('is silent when piped', () => {
    const t = terminal(false);
    const line = new ProgressLine('x', { total: 10, ...t });
    line.update(5);
    line.finish('done');
    expect(t.writes).toEqual([]);
  });

  test('is wiped at the end, and may leave one line', () => {
    const t = terminal();
    const line = new ProgressLine('x', { total: 10, ...t });
    line.update(5);
    line.finish('10 jobs in 1.0 s');
    expect(t.writes.slice(1)).toEqual(['\r\u001b[2K', '10 jobs in 1.0 s\n']);
  });

  test('wipes nothing that it has not written', () => {
    const t = terminal();
    new ProgressLine('x', { total: 10, ...t }).finish();
    expect(t.writes).toEqual([]);
  });

  test.each([10, 20, 40, 60, 80])('never reaches the last of %d columns', (columns) => {
    const t = terminal(true, columns);
    const line = new ProgressLine('simulating', { total: 1_000_000, unit: 'jobs', ...t });
    t.clock.ms = 5000;
    line.update(333_333, 'kube-scheduler with seed 42 of 42-51');
    expect(stringWidth(shown(t.writes))).toBeLessThan(Math.max(columns, 11));
    expect(shown(t.writes)).toContain('simulating'.slice(0, columns - 1));
  });

  test.each([
    ['漢字漢字漢字漢字漢字', 11, '漢字漢字漢'],
    ['a👩‍🚀👩‍🚀👩‍🚀👩‍🚀👩‍🚀👩‍🚀', 12, 'a👩‍🚀👩‍🚀👩‍🚀👩‍🚀👩‍🚀'],
    ['e\u0301'.repeat(20), 11, 'e\u0301'.repeat(10)],
  ])('cuts %s at whole characters, by their width, to %d columns', (label, columns, expected) => {
    const t = terminal(true, columns);
    new ProgressLine(label, t).update(1);
    expect(shown(t.writes)).toBe(expected);
  });

  test('takes 0 columns for a terminal of unknown width', () => {
    const t = terminal(true, 0);
    const line = new ProgressLine('simulating', { total: 1000, unit: 'jobs', ...t });
    t.clock.ms = 2000;
    line.update(250);
    expect(shown(t.writes)).toContain('250/1,000');
  });

  test('stays within 0 and 100 % for any input', () => {
    const t = terminal();
    const line = new ProgressLine('x', { total: 10, ...t });
    line.update(25);
    expect(shown(t.writes)).toContain('100 %');
    t.clock.ms = 500;
    line.update(-5);
    expect(shown(t.writes)).toContain('0 %');
  });
});

test('a bar has the same width whatever its share', () => {
  const widths = new Set<number>();
  for (let share = 0; share <= 1; share += 1 / 512) widths.add(stringWidth(progressBar(share)));
  expect([...widths]).toEqual([26]);
});
