/** Savings of idle time: growth, spending, bounds. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { IdleBudget } from './idle-budget.ts';

describe('a budget of idle time', () => {
  it('grows by its share of the time, and falls by what stands idle', () => {
    const budget = new IdleBudget(0.01, 1000);
    budget.advance(50, 1);
    expect(budget.savedSeconds).toBe(0);
    budget.advance(1050, 0);
    expect(budget.savedSeconds).toBeCloseTo(10);
    budget.advance(1150, 0.25);
    expect(budget.savedSeconds).toBeCloseTo(10 - 24);
    expect(budget.reachesAt(-24)).toBe(1150);
    expect(budget.reachesAt(6)).toBeCloseTo(1150 + 2000);
    expect(budget.reachesAt(1001)).toBe(Number.POSITIVE_INFINITY);
    expect(new IdleBudget(0, 1000).reachesAt(1)).toBe(Number.POSITIVE_INFINITY);
  });

  it('bounds what stands idle, if nothing is kept idle while it is overdrawn', () => {
    const random = new Random(7);
    for (let run = 0; run < 50; run++) {
      const share = 0.002 + 0.05 * random.nextDouble();
      const most = 100 * random.nextDouble();
      const budget = new IdleBudget(share, most);
      budget.advance(0, 0);
      let time = 0;
      let idleSeconds = 0;
      for (let step = 0; step < 400; step++) {
        const seconds = 20 * random.nextDouble();
        const idle = budget.savedSeconds > 0 ? random.nextDouble() : 0;
        time += seconds;
        idleSeconds += seconds * idle;
        budget.advance(time, idle);
        expect(budget.savedSeconds).toBeLessThanOrEqual(most);
      }
      expect(idleSeconds).toBeGreaterThan(0);
      // The last step may overdraw.
      expect(idleSeconds).toBeLessThanOrEqual(share * time + 20);
    }
  });
});
