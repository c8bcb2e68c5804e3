/** The predictor against a plain list of all runs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { RuntimePredictor } from './runtime-predictor.ts';

describe('RuntimePredictor', () => {
  it('is the mean of the last two runs of each owner, forgetting whose last run is the oldest', () => {
    let forgotten = 0;
    checkProperty(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -3, max: 6 }), fc.nat(1000)), { maxLength: 60 }),
        fc.integer({ min: 1, max: 12 }),
        (runs, ownersMax) => {
          const predictor = new RuntimePredictor(ownersMax);
          for (const [owner, seconds] of runs) predictor.ended(owner, seconds);
          const byRecency = [...new Set(runs.map(([owner]) => owner).reverse())];
          // An owner that was forgotten on the way has lost its earlier runs.
          for (const owner of byRecency.slice(ownersMax)) {
            expect(predictor.predict(owner)).toBeNaN();
            forgotten++;
          }
          expect(predictor.owners).toBe(Math.min(ownersMax, byRecency.length));
          if (ownersMax < 10) return;
          for (const owner of byRecency) {
            const last = runs.filter(([of]) => of === owner).slice(-2);
            const mean = last.reduce((sum, [, seconds]) => sum + seconds, 0) / last.length;
            expect(predictor.predict(owner)).toBe(mean);
          }
        },
      ),
    );
    expect(forgotten).toBeGreaterThan(0);
  });

  it('knows nothing of an owner that comes back after it was forgotten', () => {
    const predictor = new RuntimePredictor(1);
    predictor.ended(1, 10);
    predictor.ended(2, 30);
    predictor.ended(1, 50);
    expect([predictor.predict(1), predictor.predict(2)]).toEqual([50, Number.NaN]);
  });

  it('refuses run times that are none', () => {
    const predictor = new RuntimePredictor();
    for (const seconds of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => predictor.ended(1, seconds)).toThrow('run time');
  });
});
