import { expect, test } from 'vitest';
import { CHECKPOINT_ANNOTATION, lastCheckpointOf } from './last-checkpoint.ts';

function of(text: string): number | undefined {
  return lastCheckpointOf({ annotations: { [CHECKPOINT_ANNOTATION]: text } });
}

test('the last checkpoint of a pod is a time of the API, or seconds', () => {
  expect(of('2026-01-31T12:00:00Z')).toBe(1_769_860_800);
  expect(of('2026-01-31T13:00:00.5+01:00')).toBe(1_769_860_800.5);
  expect(of('1769860800')).toBe(1_769_860_800);
  expect(lastCheckpointOf({})).toBeUndefined();
});

test('what cannot be read counts as none', () => {
  for (const text of [
    '',
    'now',
    '-5',
    '2026-01-31',
    '2026-13-31T12:00:00Z',
    '1960-01-01T00:00:00Z',
    '1'.repeat(12),
  ]) {
    expect(of(text), text).toBeUndefined();
  }
});
