import { expect, test } from 'vitest';
import { AssertionFailure } from './assert.ts';
import { grown, type NumberColumn } from './grown.ts';

const COLUMNS: readonly NumberColumn[] = [
  Float64Array.of(1, 2, 3),
  Float32Array.of(1, 2, 3),
  Int32Array.of(1, 2, 3),
  Uint32Array.of(1, 2, 3),
  Int16Array.of(1, 2, 3),
  Uint16Array.of(1, 2, 3),
  Int8Array.of(1, 2, 3),
  Uint8Array.of(1, 2, 3),
];

test('a grown column keeps its kind and its rows, and has zeros after them', () => {
  for (const column of COLUMNS) {
    const longer = grown(column, 5);
    expect(longer.constructor).toBe(column.constructor);
    expect([...longer]).toEqual([1, 2, 3, 0, 0]);
    expect([...column]).toEqual([1, 2, 3]);
  }
});

test('only added rows are filled', () => {
  expect([...grown(Int32Array.of(0, 7), 4, -1)]).toEqual([0, 7, -1, -1]);
  expect([...grown(Float64Array.of(0), 2, Number.NaN)]).toEqual([0, Number.NaN]);
  expect([...grown(new Float32Array(0), 1, Number.POSITIVE_INFINITY)]).toEqual([Number.POSITIVE_INFINITY]);
});

test('a copy of the same length shares nothing with the column', () => {
  const column = Int32Array.of(4, 5);
  const copy = grown(column, 2);
  column[0] = 9;
  expect([...copy]).toEqual([4, 5]);
});

test('a column cannot shrink', () => {
  expect(() => grown(Int32Array.of(1, 2), 1)).toThrow(AssertionFailure);
});
