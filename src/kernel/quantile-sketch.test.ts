import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { QUANTILE_RELATIVE_ERROR, QuantileSketch } from './quantile-sketch.ts';
import { Random } from './random.ts';

const value = fc.oneof(
  fc.double({ min: 1e-6, max: 1e12, noNaN: true }),
  fc.integer({ min: 0, max: 1000 }),
  fc.constant(0),
);

function sketchOf(values: readonly number[]): QuantileSketch {
  const sketch = new QuantileSketch();
  for (const v of values) sketch.insert(v);
  return sketch;
}

function exactQuantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] as number;
}

describe('QuantileSketch', () => {
  test('every quantile lies within the stated relative error of the exact one', () => {
    checkProperty(
      fc.property(fc.array(value, { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (vs, q) => {
        const exact = exactQuantile(vs, q);
        const got = sketchOf(vs).quantile(q);
        expect(Math.abs(got - exact)).toBeLessThanOrEqual(QUANTILE_RELATIVE_ERROR * exact + 1e-12);
      }),
    );
  });

  test('merging is the same as inserting everything into one, in any order', () => {
    checkProperty(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1e9 })),
        fc.array(fc.integer({ min: 0, max: 1e9 })),
        (a, b) => {
          const merged = sketchOf(a);
          merged.merge(sketchOf(b));
          const whole = sketchOf([...b, ...a].reverse());
          expect(merged.toState()).toEqual(whole.toState());
        },
      ),
    );
  });

  test('the state survives the way through JSON', () => {
    const random = new Random(7);
    const sketch = new QuantileSketch();
    for (let i = 0; i < 10_000; i++) sketch.insert(random.nextExponential() * 100);
    const back = QuantileSketch.fromState(JSON.parse(JSON.stringify(sketch.toState())));
    for (const q of [0, 0.01, 0.5, 0.9, 0.999, 1]) expect(back.quantile(q)).toBe(sketch.quantile(q));
    expect(back.mean).toBe(sketch.mean);
  });

  test('an exponential distribution comes out with its own quantiles', () => {
    const random = new Random(1);
    const sketch = new QuantileSketch();
    for (let i = 0; i < 400_000; i++) sketch.insert(random.nextExponential() * 50);
    for (const q of [0.1, 0.5, 0.9, 0.99]) {
      expect(sketch.quantile(q) / (-50 * Math.log(1 - q))).toBeCloseTo(1, 1);
    }
    expect(sketch.rankOf(50 * Math.LN2)).toBeCloseTo(0.5, 2);
  });

  test('integers up to 256 come back exactly', () => {
    for (let i = 0; i <= 256; i++) expect(sketchOf([i, i, 1e6]).quantile(0.5)).toBe(i);
  });

  test('edges: empty, zero, negative, huge, infinite', () => {
    expect(new QuantileSketch().quantile(0.5)).toBeNaN();
    const sketch = sketchOf([-5, 0, 1e-9, 1e300, Infinity]);
    expect(sketch.count).toBe(5);
    expect(sketch.quantile(0.2)).toBe(0);
    expect(sketch.quantile(1)).toBe(Infinity);
    expect(sketchOf([3, 3, 3]).quantile(0.5)).toBe(3);
  });
});
