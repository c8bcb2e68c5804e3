/**
 * Laws of a summary that merges: parts that were seen apart and merged give the summary of the whole, in whatever order
 * and however they were cut; an empty part changes nothing.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import { checkProperty } from '../support/properties.ts';

/** A summary of numbers. */
export interface TestSummary {
  insert(value: number): void;
  merge(other: this): void;
  /** Its figures, in a fixed order. */
  read(): readonly number[];
}

const numbers = fc.array(
  fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.constantFrom(0, 1, 1, 1e-9, 1e12)),
  { maxLength: 60 },
);

/** Equal but for the rounding of sums in another order. */
function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    const other = actual[i] as number;
    const isClose = Object.is(other, value) || Math.abs(other - value) <= 1e-9 * Math.max(1, Math.abs(value));
    expect(isClose, `figure ${i}: ${other}, expected ${value}`).toBe(true);
  });
}

/** Checks the laws. @param make An empty summary. */
export function checkMergeLaws<Summary extends TestSummary>(make: () => Summary): void {
  const of = (values: readonly number[]): Summary => {
    const summary = make();
    for (const value of values) summary.insert(value);
    return summary;
  };
  const merged = (...parts: readonly (readonly number[])[]): readonly number[] => {
    const all = make();
    for (const part of parts) all.merge(of(part));
    return all.read();
  };
  checkProperty(
    fc.property(numbers, numbers, numbers, (a, b, c) => {
      const whole = of([...a, ...b, ...c]).read();
      expectClose(merged(a, b, c), whole);
      expectClose(merged(c, a, b), whole);
      expectClose(merged([...a, ...b], [], c), whole);
      const nested = of(b);
      nested.merge(of(c));
      const outer = of(a);
      outer.merge(nested);
      expectClose(outer.read(), whole);
      // The part that was merged is as it was.
      expectClose(nested.read(), of([...b, ...c]).read());
    }),
  );
}
