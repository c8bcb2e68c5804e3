import { expect, test } from 'vitest';
import { readyCondition } from './status-objects.ts';

test('the time of the condition Ready is when it became so, and not of each write', () => {
  const conditionOf = (status: ReturnType<typeof readyCondition>) =>
    (status.conditions as readonly Readonly<Record<string, unknown>>[])[0];
  const first = readyCondition('', undefined, 1, 1_000);
  expect(conditionOf(first)).toEqual({
    type: 'Ready',
    status: 'True',
    reason: 'InForce',
    message: '',
    observedGeneration: 1,
    lastTransitionTime: '1970-01-01T00:16:40Z',
  });
  const later = readyCondition('', first, 2, 2_000);
  expect(conditionOf(later)).toMatchObject({
    observedGeneration: 2,
    lastTransitionTime: '1970-01-01T00:16:40Z',
  });
  const wrong = readyCondition('x'.repeat(2_000), later, 3, 3_000);
  expect(conditionOf(wrong)).toMatchObject({
    status: 'False',
    reason: 'Invalid',
    message: 'x'.repeat(1_000),
    lastTransitionTime: '1970-01-01T00:50:00Z',
  });
});
