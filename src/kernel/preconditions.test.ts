/** The preconditions of the kernel: the last value that a building block accepts, and the first that it does not. */
import { describe, expect, test } from 'vitest';
import { AssertionFailure } from './assert.ts';
import { EventQueue } from './event-queue.ts';
import { GoRandom, goRandomConstant } from './go-random.ts';
import { KeyTable } from './key-table.ts';
import { INT32_MAX, INT32_MIN, TABLE_KEYS_MAX, UINT32_SPAN } from './limits.ts';
import { QuantileSketch } from './quantile-sketch.ts';
import { Random } from './random.ts';
import { logGamma, meanInterval, pairedInterval, studentQuantile, Welford } from './statistics.ts';
import { TimeHeap } from './time-heap.ts';

/** An accepted call and a refused one. */
type Pair = readonly [what: string, taken: () => unknown, refused: () => unknown];

const sketch = new QuantileSketch();
sketch.insert(3);
const state = sketch.toState();
const heap = (): TimeHeap => new TimeHeap();
const filled = new KeyTable();
filled.add(1, 2, 3, 4);

const PAIRS: readonly Pair[] = [
  ['a time that is not a number', () => heap().push(-Infinity, 0, 1), () => heap().push(NaN, 0, 1)],
  [
    'an event id of 33 bits',
    () => new EventQueue().push(0, INT32_MAX),
    () => new EventQueue().push(0, INT32_MAX + 1),
  ],
  [
    'a key of 33 bits',
    () => new KeyTable().add(INT32_MIN, 0, 0, 0),
    () => new KeyTable().add(INT32_MIN - 1, 0, 0, 0),
  ],
  ['a value below 0', () => new KeyTable().add(0, 0, 0, 0), () => new KeyTable().add(0, 0, 0, -1)],
  ['a key twice', () => filled.get(1, 2, 3), () => filled.add(1, 2, 3, 5)],
  ['a table too large', () => new KeyTable(0), () => new KeyTable(TABLE_KEYS_MAX)],
  ['a stream of 33 bits', () => new Random(1, UINT32_SPAN - 1), () => new Random(1, UINT32_SPAN)],
  ['a stream below 0', () => new Random(1).fork(0), () => new Random(1).fork(-1)],
  ['a seed that is not a number', () => new Random(-0.5), () => new Random(NaN)],
  ['a draw among none', () => new Random(1).nextInt(1), () => new Random(1).nextInt(0)],
  [
    'a draw of 33 bits',
    () => new Random(1).nextInt(UINT32_SPAN),
    () => new Random(1).nextInt(UINT32_SPAN + 1),
  ],
  [
    'a draw of 32 bits as in Go',
    () => new GoRandom(1).nextInt(INT32_MAX),
    () => new GoRandom(1).nextInt(INT32_MAX + 1),
  ],
  ['a seed that is not an integer', () => new GoRandom(-1), () => new GoRandom(0.5)],
  ['a constant that is not there', () => goRandomConstant(606), () => goRandomConstant(607)],
  ['a quantile above 1', () => sketch.quantile(1), () => sketch.quantile(1.01)],
  ['a sketch with itself', () => sketch.merge(new QuantileSketch()), () => sketch.merge(sketch)],
  [
    'a state whose counts are missing',
    () => QuantileSketch.fromState(state),
    () => QuantileSketch.fromState({ ...state, counts: [] }),
  ],
  [
    'a state whose counts do not add up',
    () => QuantileSketch.fromState(state),
    () => QuantileSketch.fromState({ ...state, count: 2 }),
  ],
  [
    'a state with a bucket twice',
    () => QuantileSketch.fromState({ ...state, count: 2, buckets: [1, 2], counts: [1, 1] }),
    () => QuantileSketch.fromState({ ...state, count: 2, buckets: [1, 1], counts: [1, 1] }),
  ],
  ['a mean of infinity', () => new Welford().add(1e300), () => new Welford().add(Infinity)],
  ['a certain confidence', () => meanInterval([1, 2], 0.99), () => meanInterval([1, 2], 1)],
  ['half a pair', () => pairedInterval([1], [2]), () => pairedInterval([1, 2], [2])],
  ['a certain quantile', () => studentQuantile(0.999, 1), () => studentQuantile(1, 1)],
  ['no degrees of freedom', () => studentQuantile(0.9, 0.5), () => studentQuantile(0.9, 0)],
  ['a pole of the gamma function', () => logGamma(1e-9), () => logGamma(0)],
];

describe('the kernel does not take', () => {
  test.each(PAIRS)('%s', (_, taken, refused) => {
    expect(taken).not.toThrow();
    expect(refused).toThrow(AssertionFailure);
  });

  test('a pop of an empty heap', () => {
    const one = heap();
    one.push(1, 0, 7);
    expect(one.pop()).toBe(7);
    expect(() => one.pop()).toThrow(AssertionFailure);
  });
});
