/** Names of points in a plot: beside them, not on each other, and left out where there is no room. */
import { expect, test } from 'vitest';
import { labelPlaces } from './label-places.ts';

test('names stand on the right, on the left at the right edge, and never on a point or on another name', () => {
  expect(labelPlaces([{ x: 100, y: 50, name: 'easy' }], 300, 100)).toEqual([
    { dx: 9, dy: 0, anchor: 'start' },
  ]);
  expect(labelPlaces([{ x: 290, y: 50, name: 'easy' }], 300, 100)[0]?.anchor).toBe('end');
  const [first, second] = labelPlaces(
    [
      { x: 100, y: 50, name: 'easy' },
      { x: 112, y: 50, name: 'teg' },
    ],
    300,
    100,
  );
  expect(first?.anchor).toBe('end');
  expect(second?.anchor).toBe('start');
});

test('a name without room is left out', () => {
  const crowd = Array.from({ length: 40 }, () => ({ x: 100, y: 50, name: 'conservative' }));
  const places = labelPlaces(crowd, 300, 100);
  const present = places.filter((place) => place !== undefined);
  expect(present.length).toBeGreaterThan(1);
  expect(present.length).toBeLessThan(10);
  expect(new Set(present).size).toBe(present.length);
  expect(labelPlaces([{ x: 5, y: 5, name: 'a name longer than its plot' }], 50, 20)).toEqual([undefined]);
});
