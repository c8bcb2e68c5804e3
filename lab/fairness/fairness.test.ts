/** The benchmark of fairness: what its workload asks for, and what queues with and without a memory make of it. */
import { describe, expect, test } from 'vitest';
import { fairnessTable, runFairness } from './fairness-run.ts';
import {
  FAIRNESS_HORIZON_SECONDS,
  FAIRNESS_TENANTS,
  fairnessJobs,
  fairnessNodes,
} from './fairness-workload.ts';

describe.each([false, true])('the workload (gangs: %s)', (withGangs) => {
  const jobs = fairnessJobs(1, withGangs);

  test('asks for a quarter more than the share of each tenant', () => {
    const gpus = fairnessNodes().reduce((sum, { gpuCount }) => sum + gpuCount, 0);
    for (const { name, weight } of FAIRNESS_TENANTS) {
      const own = jobs.filter(({ tenant }) => tenant === name);
      const work = own.reduce(
        (sum, { podCount, gpuCount, durationSeconds }) => sum + podCount * gpuCount * durationSeconds,
        0,
      );
      expect(work / ((weight / 8) * gpus * FAIRNESS_HORIZON_SECONDS)).toBeCloseTo(1.25, 1);
    }
  });

  test('comes as its tenants are named', () => {
    const times = (name: string): number[] =>
      jobs.filter(({ tenant }) => tenant === name).map(({ submitSeconds }) => submitSeconds);
    expect(Math.min(...times('late'))).toBeGreaterThanOrEqual(FAIRNESS_HORIZON_SECONDS / 2);
    expect(new Set(times('nightly')).size).toBe(10);
    expect(jobs.some(({ podCount }) => podCount > 1)).toBe(withGangs);
  });
});

test.each([false, true])(
  'teg is as fair as karma, and nobody waits longer at the median (gangs: %s)',
  async (withGangs) => {
    const jobs = fairnessTable(1, withGangs);
    const [teg, karma] = [await runFairness('teg', jobs, 1), await runFairness('karma', jobs, 1)];
    expect(teg.jain).toBeGreaterThanOrEqual(karma.jain - 0.001);
    expect(teg.minShare).toBeGreaterThanOrEqual(karma.minShare - 0.01);
    expect(teg.waitP50Seconds).toBeLessThanOrEqual(karma.waitP50Seconds);
    expect(teg.allocation).toBeGreaterThanOrEqual(karma.allocation);
    // A champion a tenant and time would leave the tenant of gangs at .73; which of equal nodes a job gets moves this by .1.
    expect(teg.minShare).toBeGreaterThan(0.85);
  },
);

test('a queue without a memory gives the late tenant half of its share, and karma nearly all', async () => {
  const jobs = fairnessTable(1, false);
  const [drf, karma] = [await runFairness('drf', jobs, 1), await runFairness('karma', jobs, 1)];
  expect(drf.shares).toMatchObject({ late: drf.minShare });
  expect(drf.minShare).toBeGreaterThan(0.45);
  expect(drf.minShare).toBeLessThan(0.55);
  expect(karma.minShare).toBeGreaterThan(0.9);
  expect(karma.jain).toBeGreaterThan(drf.jain);
  for (const row of [drf, karma]) expect(row.allocation).toBeGreaterThan(0.95);
});
