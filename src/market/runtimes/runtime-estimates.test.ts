/** Estimates: declared, predicted, corrected. */
import { describe, expect, it } from 'vitest';
import { EVICTION_DEFAULTS } from '../../model/eviction-terms.ts';
import { RuntimeEstimates } from './runtime-estimates.ts';

const NONE = Number.NaN;

describe('RuntimeEstimates', () => {
  it('by declared times: an overrun is expected to end now', () => {
    const estimates = new RuntimeEstimates();
    estimates.submitted(1, 7, 0, 100);
    estimates.submitted(2, 7, 0, NONE);
    expect([estimates.estimate(1), estimates.estimate(2)]).toEqual([100, Infinity]);
    estimates.started(1, 50);
    expect([60, 150, 151].map((now) => estimates.expectedEnd(1, now))).toEqual([150, 150, 151]);
    estimates.ended(1, 200, true);
    expect(estimates.estimate(1)).toBe(100);
  });

  it('prefers what is declared to the last runs, if asked to', () => {
    const estimates = new RuntimeEstimates({ predicts: true, prefersDeclared: true });
    estimates.submitted(1, 7, 0, NONE);
    estimates.started(1, 0);
    estimates.ended(1, 40, true);
    estimates.submitted(2, 7, 0, 1000);
    expect([estimates.estimate(1), estimates.estimate(2)]).toEqual([40, 1000]);
  });

  it('a default stands for jobs about which nothing is known', () => {
    const estimates = new RuntimeEstimates({ predicts: true, unknownSeconds: 500 });
    estimates.submitted(1, 7, 0, NONE);
    expect(estimates.estimate(1)).toBe(500);
  });

  it('predicts from the owner’s last two runs, never above the declared time', () => {
    const estimates = new RuntimeEstimates({ predicts: true });
    [40, 60, 20].forEach((run, job) => {
      estimates.submitted(job, 7, 0, 1000);
      estimates.started(job, 0);
      estimates.ended(job, run, true);
      estimates.forgotten(job);
    });
    estimates.submitted(10, 7, 0, 1000);
    estimates.submitted(11, 7, 0, 30);
    estimates.submitted(12, 8, 0, 30);
    expect([10, 11, 12].map((job) => estimates.estimate(job))).toEqual([40, 30, 30]);
  });

  it('lost and cancelled runs teach nothing', () => {
    const estimates = new RuntimeEstimates({ predicts: true });
    estimates.submitted(1, 7, 0, 1000);
    estimates.started(1, 0);
    estimates.ended(1, 10, false);
    expect(estimates.estimate(1)).toBe(1000);
    estimates.started(1, 20);
    expect(estimates.expectedEnd(1, 20)).toBe(1020);
  });

  it('keeps a running job’s prediction, renews that of a waiting one', () => {
    const estimates = new RuntimeEstimates({ predicts: true });
    for (const job of [1, 2, 3]) estimates.submitted(job, 7, 0, 1000);
    estimates.started(1, 0);
    estimates.started(2, 0);
    estimates.ended(1, 10, true);
    expect(estimates.expectedEnd(2, 10)).toBe(1000);
    expect(estimates.estimate(3)).toBe(10);
  });

  it('lengthens a prediction that was exceeded by 1, 5, 15 … minutes, up to the declared time', () => {
    const estimates = new RuntimeEstimates({ predicts: true });
    estimates.submitted(1, 7, 0, NONE);
    estimates.started(1, 0);
    estimates.ended(1, 100, true);
    estimates.submitted(2, 7, 0, 2000);
    estimates.started(2, 0);
    const ends = [99, 100, 159, 160, 460, 1360, 1999, 3000].map((now) => estimates.expectedEnd(2, now));
    expect(ends).toEqual([100, 160, 160, 460, 1360, 2000, 2000, 3000]);
    estimates.submitted(3, 7, 0, NONE);
    estimates.started(3, 0);
    expect(estimates.expectedEnd(3, 1e7)).toBeGreaterThan(1e7);
    expect(estimates.expectedEnd(3, 1e7)).toBeLessThanOrEqual(1e7 + 360_000);
  });

  it('jobs without an owner are predicted by their tenant, apart from all owners', () => {
    const estimates = new RuntimeEstimates({ predicts: true });
    for (const [job, owner] of [
      [1, -1],
      [2, 0],
      [3, -1],
    ] as const)
      estimates.submitted(job, owner, 0, 1000);
    estimates.started(1, 0);
    estimates.ended(1, 10, true);
    expect([2, 3].map((job) => estimates.estimate(job))).toEqual([1000, 10]);
  });

  it('what checkpoints keep of an ended run is not expected again, and counts for what is learned', () => {
    const estimates = new RuntimeEstimates({ predicts: true });
    estimates.submitted(1, 7, 0, 1000, { ...EVICTION_DEFAULTS, checkpointSeconds: 100 });
    estimates.started(1, 0);
    estimates.ended(1, 350, false);
    expect(estimates.estimate(1)).toBe(700);
    estimates.started(1, 500);
    expect(estimates.expectedEnd(1, 500)).toBe(1200);
    estimates.ended(1, 800, true);
    estimates.submitted(2, 7, 0, 1000);
    expect(estimates.estimate(2)).toBe(600);
  });
});
