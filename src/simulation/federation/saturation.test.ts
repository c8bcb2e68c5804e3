import { describe, expect, test } from 'vitest';
import { TegError } from '../../model/errors.ts';
import type { JobTable } from '../inputs/job-table.ts';
import { jobsOf } from './federation.fixtures.ts';
import { type SaturationOptions, saturatingJobs } from './saturation.ts';

const GPU = { gpuCount: 1, gpuMilli: 1000 };
/** One job in four requests no GPU, one half of one, one one, one two pods of two: 5.5 GPUs of four jobs. */
const MIX = jobsOf([
  {},
  { gpuCount: 1, gpuMilli: 500 },
  GPU,
  { gpuCount: 2, gpuMilli: 1000, podCount: 2, gangMin: 2, priority: 3 },
]);
const MEAN_GPU_MILLI = 5500 / 4;
const OPTIONS: SaturationOptions = {
  load: 1.2,
  spanSeconds: 100,
  lifetimeSeconds: Number.POSITIVE_INFINITY,
  seed: 1,
};

/** GPU demand of all jobs, in milli. */
function gpuMilliOf(jobs: JobTable): number {
  return Array.from(jobs.podCounts, (pods, job) => pods * jobs.demandOf(job).gpuTotalMilli).reduce(
    (a, b) => a + b,
    0,
  );
}

describe('a workload that fills a cluster', () => {
  const capacity = 10_000_000;

  test('requests the stated total', () => {
    const jobs = saturatingJobs(MIX, capacity, OPTIONS);
    expect(jobs.count).toBe(Math.round((1.2 * capacity) / MEAN_GPU_MILLI));
    expect(gpuMilliOf(jobs) / capacity).toBeGreaterThan(1.15);
    expect(gpuMilliOf(jobs) / capacity).toBeLessThan(1.25);
    expect(jobs.durationSeconds.every((seconds) => seconds === Number.POSITIVE_INFINITY)).toBe(true);
  });

  test('with lifetimes keeps as much in the cluster at each moment as was said', () => {
    const lifetimeSeconds = 10;
    const jobs = saturatingJobs(MIX, capacity, { ...OPTIONS, load: 0.8, lifetimeSeconds });
    // Offered load: GPU-seconds over capacity and span.
    let work = 0;
    for (let job = 0; job < jobs.count; job++) {
      work +=
        (jobs.podCounts[job] as number) *
        jobs.demandOf(job).gpuTotalMilli *
        (jobs.durationSeconds[job] as number);
    }
    expect(work / capacity / 100).toBeGreaterThan(0.77);
    expect(work / capacity / 100).toBeLessThan(0.83);
    const mean = jobs.durationSeconds.reduce((a, b) => a + b, 0) / jobs.count;
    expect(Math.abs(mean - lifetimeSeconds)).toBeLessThan(0.3);
  });

  test("lifetimes longer than the span request the cluster's capacity, once", () => {
    const jobs = saturatingJobs(MIX, capacity, { ...OPTIONS, lifetimeSeconds: 1000 });
    expect(jobs.count).toBe(saturatingJobs(MIX, capacity, OPTIONS).count);
  });

  test('comes as a Poisson stream over the span, from 0 on', () => {
    const jobs = saturatingJobs(MIX, capacity, OPTIONS);
    const { submitSeconds, count, spanSeconds } = jobs;
    expect(submitSeconds[0]).toBe(0);
    expect(submitSeconds.every((at, job) => job === 0 || at >= (submitSeconds[job - 1] as number))).toBe(
      true,
    );
    expect(Math.abs(spanSeconds - 100)).toBeLessThan(5);
    // Of exponential gaps e^−1 are longer than their mean.
    const gap = spanSeconds / (count - 1);
    let long = 0;
    for (let job = 1; job < count; job++) {
      if ((submitSeconds[job] as number) - (submitSeconds[job - 1] as number) > gap) long++;
    }
    expect(Math.abs(long / count - 1 / Math.E)).toBeLessThan(0.03);
  });

  test('draws all jobs of the mix alike, each whole', () => {
    const jobs = saturatingJobs(MIX, capacity, OPTIONS);
    const seen = new Map<string, number>();
    for (let job = 0; job < jobs.count; job++) {
      const key = `${jobs.demandIds[job]}:${jobs.podCounts[job]}:${jobs.gangMins[job]}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    const expected = Array.from(
      MIX.demandIds,
      (id, row) => `${id}:${MIX.podCounts[row]}:${MIX.gangMins[row]}`,
    );
    expect([...seen.keys()].sort()).toEqual(expected.sort());
    for (const times of seen.values()) expect(Math.abs(times / jobs.count - 0.25)).toBeLessThan(0.025);
  });

  test('is the same for the same seed, and another for another', () => {
    const columns = (seed: number): number[][] => {
      const jobs = saturatingJobs(MIX, 100_000, { ...OPTIONS, seed, lifetimeSeconds: 10 });
      return [jobs.submitSeconds, jobs.durationSeconds, jobs.demandIds].map((column) => [...column]);
    };
    expect(columns(7)).toEqual(columns(7));
    expect(columns(7)).not.toEqual(columns(8));
  });
});

describe('bad input', () => {
  function refusal(act: () => void): TegError {
    try {
      act();
    } catch (error) {
      if (error instanceof TegError) return error;
    }
    throw new Error('it was accepted');
  }

  test('a mix without GPUs, or without jobs, is refused', () => {
    const error = refusal(() => saturatingJobs(jobsOf([{}, {}]), 1000, OPTIONS));
    expect(error.code).toBe('TEG_JOB_INVALID');
    expect(error.message).toContain('none of the 2 jobs of the mix requests a GPU');
    expect(refusal(() => saturatingJobs(jobsOf([]), 1000, OPTIONS)).code).toBe('TEG_JOB_INVALID');
  });

  test('more than fifty million jobs are refused before anything is made', () => {
    const error = refusal(() => saturatingJobs(MIX, 1e12, OPTIONS));
    expect(error.code).toBe('TEG_LIMIT_REACHED');
    expect(error.message).toMatch(/would have \d+ jobs; expected at most 50000000/);
  });
});
