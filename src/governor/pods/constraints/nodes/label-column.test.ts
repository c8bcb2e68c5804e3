import { expect, test } from 'vitest';
import { LabelColumn } from './label-column.ts';

test('ids are small, equal for equal values, and used again', () => {
  const column = new LabelColumn('zone', 4);
  for (const [node, value] of ['a', 'b', 'a', undefined].entries()) column.set(node, value);
  expect([...column.ids]).toEqual([0, 1, 0, -1]);
  expect([column.of(1), column.of(3), column.find('a'), column.find('c')]).toEqual(['b', undefined, 0, -1]);
  column.set(1, undefined);
  column.set(3, 'c');
  expect([column.ids[3], column.size, column.find('b')]).toEqual([1, 2, -1]);
  for (let i = 0; i < 10_000; i++) column.set(1, `value-${i}`);
  expect([column.size, column.capacity, column.of(1)]).toEqual([3, 64, 'value-9999']);
});

test('more values than there was room for, more nodes too', () => {
  const column = new LabelColumn('zone', 4);
  column.grow(200);
  for (let node = 0; node < 200; node++) column.set(node, `value-${node}`);
  expect([column.size, column.capacity, column.of(199)]).toEqual([200, 256, 'value-199']);
});
