/** Starts that were stated in advance. */
import { expect, test } from 'vitest';
import { Promises } from './promises.ts';

test('the first stated start of a job counts, once', () => {
  const promises = new Promises();
  promises.make(1, 10);
  promises.make(1, 20);
  promises.make(2, Number.POSITIVE_INFINITY);
  promises.make(2, 20);
  promises.make(3, undefined);
  promises.make(4, 5);
  promises.forget(4);
  for (const job of [1, 2, 3, 4]) promises.started(job, 15);
  expect(promises.counts).toEqual({ made: 2, kept: 1 });
  // After a restart it has none.
  promises.started(2, 16);
  expect(promises.counts).toEqual({ made: 2, kept: 1 });
});
