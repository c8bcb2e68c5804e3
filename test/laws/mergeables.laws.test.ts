/** The kernel's summaries of numbers under the same laws. Holograms have theirs in `src/field/hologram/hologram.test.ts`. */
import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../src/kernel/assert.ts';
import { QuantileSketch } from '../../src/kernel/quantile-sketch.ts';
import { Welford } from '../../src/kernel/statistics.ts';
import { checkMergeLaws, type TestSummary } from './mergeable.laws.ts';

class Sketch implements TestSummary {
  readonly inner = new QuantileSketch();

  insert(value: number): void {
    this.inner.insert(value);
  }

  merge(other: Sketch): void {
    this.inner.merge(other.inner);
  }

  read(): number[] {
    const { inner } = this;
    const { zeroCount, buckets, counts } = inner.toState();
    const quantiles = [0, 0.1, 0.5, 0.99, 1].map((q) => inner.quantile(q));
    return [inner.count, inner.mean, inner.min, inner.max, zeroCount, ...buckets, ...counts, ...quantiles];
  }
}

class Moments implements TestSummary {
  readonly inner = new Welford();

  insert(value: number): void {
    this.inner.add(value);
  }

  merge(other: Moments): void {
    this.inner.merge(other.inner);
  }

  read(): number[] {
    const { count, mean, min, max, deviation } = this.inner;
    return [count, mean, min, max, deviation];
  }
}

describe('merged parts give the summary of the whole:', () => {
  test('QuantileSketch', () => checkMergeLaws(() => new Sketch()));
  test('Welford', () => checkMergeLaws(() => new Moments()));
});

test('a summary is not merged with itself', () => {
  const [sketch, moments] = [new Sketch(), new Moments()];
  expect(() => sketch.merge(sketch)).toThrow(AssertionFailure);
  expect(() => moments.merge(moments)).toThrow(AssertionFailure);
});
