import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../kernel/assert.ts';
import { ATTEMPTS_MAX, Claims, INTERFERERS_MAX } from './claims.ts';
import { EvictionRates } from './eviction-rates.ts';

/** A victim with pods `id` × 10, … */
function victim(id: number, pods = 1) {
  return { unit: { id }, pods: Array.from({ length: pods }, (_, i) => ({ id: id * 10 + i })) };
}

describe('a claim', () => {
  test('keeps its room until the last victim is gone (kueue PR#13797)', () => {
    const claims = new Claims();
    claims.open(7, [victim(1, 2), victim(2)], [4, 4, 5], 100);
    expect(claims.claimantOf(11)).toBe(7);
    expect([...claims.holdersOf(4)]).toEqual([7]);
    expect(claims.podGone(10)).toBeUndefined();
    expect(claims.podGone(20)).toBeUndefined();
    expect([...claims.holdersOf(5)]).toEqual([7]);
    expect(claims.podGone(11)?.claimant).toBe(7);
    expect(claims.podGone(11)).toBeUndefined();
    expect([...claims.holdersOf(4)]).toEqual([7]);
    claims.close(7);
    expect(claims.holdersOf(4).size + claims.holdersOf(5).size + claims.size).toBe(0);
  });

  test('shares a place with others', () => {
    const claims = new Claims();
    claims.open(7, [victim(1)], [4], 100);
    claims.open(8, [victim(2)], [4, 5], 100);
    claims.close(7);
    expect([...claims.holdersOf(4)]).toEqual([8]);
    expect(claims.claimantOf(10)).toBeUndefined();
    expect(claims.claimantOf(20)).toBe(8);
  });

  test('is attempted three times, once elsewhere, then stops and names who interferes (kubernetes#130429)', () => {
    const claims = new Claims();
    const verdicts: string[] = [];
    for (let attempt = 1; attempt <= ATTEMPTS_MAX + 1; attempt++) {
      const claim = claims.open(7, [victim(attempt)], [4], 100);
      expect(claim.attempts).toBe(attempt);
      claims.podGone(attempt * 10);
      const verdict = claims.taken(7, `scheduler-2 with pod web-${attempt}`);
      verdicts.push(verdict.kind);
      expect(claims.holdersOf(4).size).toBe(0);
      expect([...(claims.get(7)?.avoided ?? [])]).toEqual(verdict.kind === 'elsewhere' ? [4] : []);
    }
    expect(verdicts).toEqual(['again', 'again', 'elsewhere', 'stop']);
    expect(claims.stopOf(7)).toBe(
      'room was made 4 times and taken each time, by scheduler-2 with pod web-1, scheduler-2 with pod web-2, ' +
        'scheduler-2 with pod web-3, scheduler-2 with pod web-4',
    );
    expect(() => claims.open(7, [], [4], 100)).toThrow(AssertionFailure);
    claims.forget(7);
    expect(claims.open(7, [], [4], 100).attempts).toBe(1);
  });

  test('evicts a unit once, however often it comes back', () => {
    const claims = new Claims();
    claims.open(7, [victim(1)], [4], 100);
    claims.taken(7, 'scheduler-2');
    expect([...(claims.get(7)?.evicted ?? [])]).toEqual([1]);
    expect(() => claims.open(7, [victim(1)], [4], 100)).toThrow(AssertionFailure);
    claims.open(8, [victim(1)], [4], 100);
    expect(claims.get(8)?.evicted.has(1)).toBe(true);
  });

  test('keeps a bounded number of names', () => {
    const claims = new Claims();
    for (let i = 0; i < 3 * INTERFERERS_MAX; i++) {
      claims.open(1, [], [0], 0);
      const verdict = claims.taken(1, `s${i}`);
      if (verdict.kind === 'stop') claims.forget(1);
      expect(claims.get(1)?.interferers.length ?? 0).toBeLessThanOrEqual(INTERFERERS_MAX);
    }
  });
});

describe('the rate of fair-share evictions', () => {
  test('allows a part of the work done, once overdrawn, and pays the debt off first', () => {
    const rates = new EvictionRates();
    // Ten GPUs: 36,000 GPU-seconds an hour, of which a tenth may be lost.
    expect(rates.isOpen(1, 0, 10, 0.1)).toBe(true);
    rates.charge(1, 0, 10, 0.1, 3000);
    expect(rates.isOpen(1, 0, 10, 0.1)).toBe(true);
    rates.charge(1, 0, 10, 0.1, 4200);
    expect(rates.isOpen(1, 3599, 10, 0.1)).toBe(false);
    expect(rates.isOpen(1, 3601, 10, 0.1)).toBe(true);
    expect(rates.isOpen(2, 3599, 10, 0.1)).toBe(true);
    expect(rates.isOpen(3, 0, 10, 0)).toBe(false);
  });

  test('saves no more than an hour', () => {
    const rates = new EvictionRates();
    rates.charge(1, 0, 10, 0.1, 1);
    rates.charge(1, 100 * 3600, 10, 0.1, 7200);
    expect(rates.isOpen(1, 101 * 3600 - 1, 10, 0.1)).toBe(false);
    expect(rates.isOpen(1, 101 * 3600 + 1, 10, 0.1)).toBe(true);
  });
});
