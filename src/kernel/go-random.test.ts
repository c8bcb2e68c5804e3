import { describe, expect, it } from 'vitest';
import { GoRandom, goRandomConstant } from './go-random.ts';

describe('GoRandom', () => {
  it('derives the constants that are published', () => {
    expect([0, 1, 2, 606].map(goRandomConstant)).toEqual([
      5041579894721019882n,
      4646389086726545243n,
      1395769623340756751n,
      4152330101494654406n,
    ]);
  });

  it('draws what Go draws for its documented seeds', () => {
    const one = new GoRandom(1);
    const draws = Array.from({ length: 10 }, () => one.nextInt(100));
    expect(draws).toEqual([81, 87, 47, 59, 81, 18, 25, 40, 56, 0]);
    const fortyTwo = new GoRandom(42);
    expect(fortyTwo.nextInt63()).toBe(3440579354231278675n);
    expect(fortyTwo.nextInt63()).toBe(608747136543856411n);
  });

  it('gives the halves of the same 63-bit number', () => {
    const whole = new GoRandom(7);
    const upper = new GoRandom(7);
    const middle = new GoRandom(7);
    for (let i = 0; i < 2000; i++) {
      const value = whole.nextInt63();
      expect(upper.nextInt31()).toBe(Number(value >> 32n));
      expect(middle.nextU32()).toBe(Number(value >> 31n));
    }
  });

  it('takes seeds modulo 2^31 - 1', () => {
    expect(new GoRandom(2147483647 + 5).nextInt63()).toBe(new GoRandom(5).nextInt63());
    expect(new GoRandom(-2).nextInt63()).toBe(new GoRandom(2147483645).nextInt63());
    expect(new GoRandom(0).nextInt63()).toBe(new GoRandom(89482311).nextInt63());
  });

  it('bounds draws and permutes', () => {
    const random = new GoRandom(3);
    for (const n of [1, 2, 3, 64, 1000, 2 ** 30 + 1]) {
      for (let i = 0; i < 200; i++) {
        const draw = random.nextInt(n);
        expect(draw >= 0 && draw < n).toBe(true);
      }
    }
    const items = Int32Array.from({ length: 500 }, (_, i) => i);
    random.shuffle(items);
    expect([...items]).not.toEqual([...items].sort((a, b) => a - b));
    expect([...items].sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i));
    const permutation = random.permutation(500);
    expect([...permutation].sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });
});
