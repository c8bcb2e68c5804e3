import { expect, test } from 'vitest';
import { fuzz } from './traces-fuzz.ts';

test('readers of traces give a result or a TegError for 4,000 mutated files and random bytes', async () => {
  const report = await fuzz(2026, 0, 4_000);
  expect(report.inputs).toBe(4_000);
  expect(report.outcomes.ok).toBeGreaterThan(500);
  expect(report.items).toBeGreaterThan(1_000);
  for (const code of [
    'TEG_TRACE_BAD_VALUE',
    'TEG_TRACE_BAD_ROW',
    'TEG_TRACE_BAD_HEADER',
    'TEG_INPUT_CORRUPT',
    'TEG_INPUT_TOO_LARGE',
    'TEG_INPUT_UNKNOWN_FORMAT',
  ]) {
    expect(report.outcomes[code], code).toBeGreaterThan(0);
  }
});

test('the same seed gives the same outcomes', async () => {
  const { outcomes, items } = await fuzz(7, 0, 300);
  expect(await fuzz(7, 0, 300)).toMatchObject({ outcomes, items });
});
