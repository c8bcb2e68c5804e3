import { expect, test } from 'vitest';
import { HoldTerms } from './hold-terms.ts';

/** Jobs whose holds are over. */
function over(terms: HoldTerms, timeSeconds: number): number[] {
  const jobs: number[] = [];
  for (let job = terms.next(timeSeconds); job >= 0; job = terms.next(timeSeconds)) jobs.push(job);
  return jobs;
}

test('holds end in the order of their times, equal ones in the order in which they were set', () => {
  const terms = new HoldTerms();
  terms.set(3, 20);
  terms.set(1, 10);
  terms.set(2, 10);
  expect(terms.dueSeconds).toBe(10);
  expect(over(terms, 9)).toEqual([]);
  expect(over(terms, 10)).toEqual([1, 2]);
  expect(over(terms, 30)).toEqual([3]);
  expect(terms.dueSeconds).toBe(Number.POSITIVE_INFINITY);
});

test('the last end of a job counts; cleared and permanent holds have none', () => {
  const terms = new HoldTerms();
  for (const job of [0, 1, 2, 3]) terms.set(job, 10 + job);
  terms.set(0, 30);
  terms.set(1, Number.POSITIVE_INFINITY);
  terms.clear(2);
  expect(terms.isOver(0, 20)).toBe(false);
  expect(terms.isOver(1, 20)).toBe(false);
  expect(terms.isOver(2, 20)).toBe(false);
  expect(terms.isOver(3, 13)).toBe(true);
  expect(terms.isOver(99, 20)).toBe(false);
  expect(over(terms, 20)).toEqual([3]);
  // The number is used again.
  terms.set(2, 25);
  expect(over(terms, 30)).toEqual([2, 0]);
});
