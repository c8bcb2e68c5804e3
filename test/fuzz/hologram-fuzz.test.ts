import { expect, test } from 'vitest';
import { fuzz } from './hologram-fuzz.ts';

test('readers of holograms give one that keeps its promises, or a TegError, for 5,000 mutated inputs', () => {
  const { inputs, outcomes, classes, offers } = fuzz(2026, 0, 5_000);
  expect(inputs).toBe(5_000);
  expect(outcomes.ok).toBeGreaterThan(500);
  expect(classes).toBeGreaterThan(2_000);
  expect(offers).toBeGreaterThan(1_000);
  const refused = Object.keys(outcomes).filter((outcome) => outcome.startsWith('TEG_HOLOGRAM_INVALID'));
  // Every check of the reader is met, not only those of the head.
  expect(refused.length).toBeGreaterThan(25);
});

test('the same seed gives the same outcomes', () => {
  const { outcomes, classes, offers } = fuzz(7, 0, 300);
  expect(fuzz(7, 0, 300)).toMatchObject({ outcomes, classes, offers });
});
