import { describe, expect, test, vi } from 'vitest';
import { compareRuns } from '../../simulation/metrics/compare.ts';
import { formatDifference, formatMean, printComparison } from './comparison-tables.ts';
import { smallRun } from './report.fixtures.ts';

describe('figures of a comparison', () => {
  test.each([
    [{ mean: 0.8734, low: 0.8694, high: 0.8774 }, 'share', '87.34 % ± 0.40', '+87.34 points ± 0.40'],
    [{ mean: -0.012, low: -0.02, high: -0.004 }, 'share', '-1.20 % ± 0.80', '-1.20 points ± 0.80'],
    [{ mean: 75, low: 70, high: 80 }, 'seconds', '1 m 15 s ± 5.0 s', '+1 m 15 s ± 5.0 s'],
    [{ mean: -75, low: null, high: null }, 'seconds', '-1 m 15 s', '-1 m 15 s'],
    [{ mean: 12_345, low: 12_340, high: 12_350 }, 'count', '12,345 ± 5', '+12,345 ± 5'],
    [{ mean: 1.5, low: 1, high: 2 }, 'ratio', '1.50 ± 0.50', '+1.50 ± 0.50'],
    [{ mean: 3.2, low: 3, high: 3.4 }, 'micros', '3.2 µs ± 200 ns', '+3.2 µs ± 200 ns'],
    [{ mean: 0, low: 0, high: 0 }, 'count', '0 ± 0', '0 ± 0'],
  ] as const)('%j %s', (interval, unit, mean, difference) => {
    expect(formatMean(interval, unit)).toBe(mean);
    expect(formatDifference(interval, unit)).toBe(difference);
  });
});

test('seeds that make no difference get no verdicts, and the note comes first', () => {
  const run = smallRun('fgd', 1);
  const other = { ...run, endSeconds: run.endSeconds + 100, jobs: { ...run.jobs, requeues: 7 } };
  const result = compareRuns({
    policies: ['a', 'b'],
    seeds: [1, 2],
    baseline: 'a',
    runs: [
      [run, run],
      [other, other],
    ],
  });
  let text = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  printComparison(result);
  write.mockRestore();
  expect(result.metrics.some(({ policies }) => policies[1]?.verdict === 'worse')).toBe(true);
  expect(text.indexOf('note: every seed gave the same result')).toBeLessThan(text.indexOf('mean over seeds'));
  expect(text.slice(text.indexOf('against a'))).not.toMatch(/better|worse|±/);
});
