/** The fixed half of a property's draws is the same in every run, the other half is not; a broken property fails with its seed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from './support/properties.ts';

/** @returns What a property is given in one check of it. */
function drawn(options: fc.Parameters<unknown> = {}): number[] {
  const values: number[] = [];
  checkProperty(
    fc.property(fc.integer(), (value) => {
      values.push(value);
    }),
    options,
  );
  return values;
}

test('half of the draws are always the same, the others differ from run to run', () => {
  const [first, second] = [drawn(), drawn()];
  expect(first).toHaveLength(100);
  expect(second.slice(0, 50)).toEqual(first.slice(0, 50));
  expect(second.slice(50)).not.toEqual(first.slice(50));
  // Recorded: the draws stay what they were when somebody relied on them.
  expect(first.slice(0, 4)).toEqual([-5, -947_033_091, -1_232_745_809, 1_972_369_669]);
});

test('an odd number, one draw, and a seed of its own', () => {
  expect(drawn({ numRuns: 7 })).toHaveLength(7);
  expect(drawn({ numRuns: 1 })).toEqual(drawn().slice(0, 1));
  const own = drawn({ numRuns: 10, seed: 5 });
  expect(drawn({ numRuns: 10, seed: 5 }).slice(0, 5)).toEqual(own.slice(0, 5));
  expect(drawn({ numRuns: 10 }).slice(0, 5)).not.toEqual(own.slice(0, 5));
});

test('what fails in either half is thrown, with the seed that shows it again', () => {
  let runs = 0;
  const failing = (from: number) => fc.property(fc.integer(), () => ++runs < from);
  expect(() => checkProperty(failing(1))).toThrow(/seed: 20260801/);
  runs = 0;
  expect(() => checkProperty(failing(60))).toThrow(/seed: /);
});
