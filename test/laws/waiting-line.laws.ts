/**
 * Laws of a line of waiting jobs (`src/governor/queue-order.ts`): the first is the one of the highest priority, and among
 * equals the one that was submitted first, whatever came, left and came back before; a job that comes back has the turn that
 * it had.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import { checkProperty } from '../support/properties.ts';

/** A line of jobs by number; a job is in it at most once. */
export interface TestLine {
  /** True if the line knows no priorities: first come, first served. */
  readonly isFifo?: boolean;
  /** A new job waits. Numbers ascend. @param priority A 32-bit integer. */
  submit(job: number, priority: number): void;
  /** A job that was removed waits again; absent where none comes back. */
  readonly putBack?: (job: number) => void;
  /** @returns The first job, −1 if none waits. */
  first(): number;
  /** Takes out a job that waits. */
  remove(job: number): void;
  /** @throws AssertionError if links or counts are broken. */
  readonly check?: (waiting: readonly number[]) => void;
}

/** Jobs of one run are below this. */
export const TEST_LINE_JOBS = 120;

const operation = fc.record({
  what: fc.constantFrom('submit', 'submit', 'submit', 'serve', 'remove', 'put-back'),
  // Few, so that most jobs are equals, and the ends of the range.
  priority: fc.constantFrom(0, 0, 0, 0, 1, -1, -(2 ** 31), 2 ** 31 - 1),
  pick: fc.nat(),
});

interface TestJob {
  readonly job: number;
  readonly priority: number;
}

/** Checks the laws on random lives. @param make A new line, empty. @param numRuns Lives. */
export function checkWaitingLineLaws(make: () => TestLine, numRuns: number): void {
  checkProperty(
    fc.property(fc.array(operation, { maxLength: TEST_LINE_JOBS, size: 'max' }), (operations) => {
      const line = make();
      const waiting: TestJob[] = [];
      const gone: TestJob[] = [];
      operations.forEach(({ what, priority, pick }, job) => {
        if (what === 'submit') {
          line.submit(job, priority);
          waiting.push({ job, priority: line.isFifo === true ? 0 : priority });
        } else if (what === 'put-back') {
          const [back] = line.putBack === undefined ? [] : gone.splice(pick % Math.max(1, gone.length), 1);
          if (back === undefined) return;
          line.putBack?.(back.job);
          waiting.push(back);
        } else {
          const [left] = waiting.splice(what === 'serve' ? 0 : pick % Math.max(1, waiting.length), 1);
          if (left === undefined) return;
          line.remove(left.job);
          gone.push(left);
        }
        waiting.sort((x, y) => y.priority - x.priority || x.job - y.job);
        expect(line.first()).toBe(waiting[0]?.job ?? -1);
        line.check?.(waiting.map((each) => each.job));
      });
      for (const { job } of waiting) {
        expect(line.first()).toBe(job);
        line.remove(job);
      }
      expect(line.first()).toBe(-1);
    }),
    { numRuns },
  );
}
