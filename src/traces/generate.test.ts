import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { Random } from '../kernel/random.ts';
import type { JobSpec } from '../model/job.ts';
import { findJobProblem, findNodeProblem } from '../model/validate.ts';
import { drawDuration, meanDuration, normalCdf, WeightedChoice } from './distributions.ts';
import {
  arrivalRate,
  capacityOf,
  DEFAULT_DURATION,
  DEFAULT_JOB_CLASSES,
  generateJobBatches,
  generateJobs,
  generateNodes,
  HOMOGENEOUS_MIX,
  OPENB_LIKE_MIX,
  type WorkloadOptions,
} from './generate.ts';
import { DEFAULT_RHYTHM } from './generate-arrivals.ts';

const NODES = generateNodes({ nodes: 1_000 });
const CAPACITY = capacityOf(NODES);
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const gpuWork = (job: JobSpec): number => job.podCount * job.gpuCount * job.gpuMilli * job.durationSeconds;

/** Many jobs of steady arrivals, so that averages are near their expectation. */
function steady(options: Partial<WorkloadOptions> = {}, seed = 1): JobSpec[] {
  const rhythm = { burstFactor: 1, diurnal: 0 };
  return generateJobs({ jobs: 100_000, capacity: CAPACITY, rhythm, ...options }, new Random(seed));
}

describe('clusters', () => {
  test('are valid, with unique names, and any prefix has the shares of the mix', () => {
    expect(NODES.every((node) => findNodeProblem(node) === undefined)).toBe(true);
    expect(new Set(NODES.map((node) => node.name)).size).toBe(1_000);
    for (const count of [1, 10, 137, 1_000]) {
      for (const kind of OPENB_LIKE_MIX) {
        const found = NODES.slice(0, count).filter(
          (node) =>
            node.gpuModel === kind.model &&
            node.cpuMilli === kind.cores * 1_000 &&
            node.gpuCount === kind.gpus,
        ).length;
        expect(Math.abs(found - kind.share * count)).toBeLessThanOrEqual(1.5);
      }
    }
  });

  test('a longer cluster begins with the shorter one', () => {
    expect(generateNodes({ nodes: 5_000 }).slice(0, 1_000)).toEqual(NODES);
  });

  test('the mix in the manner of openb has its GPUs and cores a node', () => {
    expect(CAPACITY.gpuMilli / 1_000 / NODES.length).toBeCloseTo(6_212 / 1_213, 1);
    expect(CAPACITY.cpuMilli / 1_000 / NODES.length).toBeCloseTo(107_018 / 1_213, 0);
    expect(sum(OPENB_LIKE_MIX.map((kind) => kind.share))).toBeCloseTo(1, 12);
  });

  test('a homogeneous one has one flavour; names and pods can be chosen', () => {
    const nodes = generateNodes({ nodes: 3, mix: HOMOGENEOUS_MIX, namePrefix: 'gpu', podsMax: 5 });
    expect(nodes[2]).toEqual({
      name: 'gpu-2',
      cpuMilli: 128_000,
      memoryMib: 1_048_576,
      gpuCount: 8,
      gpuModel: 'H100',
      podsMax: 5,
    });
  });

  test('a million nodes are made in seconds', () => {
    const nodes = generateNodes({ nodes: 1_000_000 });
    expect(nodes).toHaveLength(1_000_000);
    expect(nodes.at(-1)?.name).toBe('node-999999');
  });

  test.each([
    { nodes: 0 },
    { nodes: 1.5 },
    { nodes: 1, mix: [] },
    { nodes: 1, podsMax: 0 },
    { nodes: 1, mix: [{ model: '', gpus: 31, cores: 1, memoryMib: 1, share: 1 }] },
    { nodes: 1, mix: [{ model: '', gpus: 0, cores: 1, memoryMib: 1, share: 0 }] },
  ])('%j is refused', (options) => {
    expect(() => generateNodes(options)).toThrow(expect.objectContaining({ code: 'TEG_OPTION_INVALID' }));
  });
});

describe('workloads', () => {
  const jobs = steady();

  test('are valid, by arrival, with unique ids', () => {
    expect(jobs.filter((job) => findJobProblem(job) !== undefined)).toEqual([]);
    expect(new Set(jobs.map((job) => job.id)).size).toBe(jobs.length);
    for (let i = 1; i < jobs.length; i++) {
      expect((jobs[i] as JobSpec).submitSeconds).toBeGreaterThanOrEqual(
        (jobs[i - 1] as JobSpec).submitSeconds,
      );
    }
  });

  test('are the same for the same seed, others for another, whatever their number', () => {
    const few = { jobs: 500, capacity: CAPACITY };
    expect(generateJobs(few, new Random(7))).toEqual(generateJobs(few, new Random(7)));
    expect(generateJobs(few, new Random(7))).not.toEqual(generateJobs(few, new Random(8)));
    expect(generateJobs({ ...few, jobs: 2_000 }, new Random(7)).slice(0, 500)).toEqual(
      generateJobs(few, new Random(7)),
    );
  });

  test('seeded output does not change between versions', () => {
    const text = JSON.stringify(generateJobs({ jobs: 5_000, capacity: CAPACITY }, new Random(42)));
    expect(createHash('sha256').update(text).digest('hex')).toMatchInlineSnapshot(
      `"6dde686c981898f1c98bd2814ed10fa8d242596233ac1a3c2baeca938570612a"`,
    );
  });

  test('offer the requested load on the scarcest resource', () => {
    for (const load of [0.5, 1.3]) {
      const loads = [1, 2, 3, 4].map((seed) => {
        const sample = steady({ load }, seed);
        const span = sample.at(-1)?.submitSeconds ?? 0;
        return sum(sample.map(gpuWork)) / span / CAPACITY.gpuMilli;
      });
      expect(Math.abs(sum(loads) / 4 / load - 1)).toBeLessThan(0.1);
    }
  });

  test('request no GPUs where the cluster has none, and the CPU that the load implies', () => {
    const capacity = { cpuMilli: 1_000_000, memoryMib: 4_000_000, gpuMilli: 0, gpuModels: {} };
    const work = (job: JobSpec): number => job.podCount * job.cpuMilli * job.durationSeconds;
    const loads = [1, 2, 3, 4].map((seed) => {
      const jobs = steady({ capacity, load: 0.5 }, seed);
      expect(jobs.filter(({ gpuCount, gpuModels }) => gpuCount > 0 || gpuModels.length > 0)).toEqual([]);
      return sum(jobs.map(work)) / (jobs.at(-1)?.submitSeconds ?? 0) / capacity.cpuMilli;
    });
    expect(Math.abs(sum(loads) / 4 / 0.5 - 1)).toBeLessThan(0.1);
  });

  test.each([
    [{ memoryMib: 0 }, 'got a cluster without memory'],
    [{ cpuMilli: 0 }, 'got a cluster without cores'],
    [{ gpuMilli: 0, classes: DEFAULT_JOB_CLASSES }, 'got a cluster without GPUs'],
  ])(
    'a cluster with %j is refused with the missing resource',
    ({ classes, ...lack }: Partial<WorkloadOptions> & object, message) => {
      const options = { jobs: 1, capacity: { ...CAPACITY, ...lack }, ...(classes && { classes }) };
      expect(() => generateJobs(options, new Random(1))).toThrow(
        expect.objectContaining({ code: 'TEG_OPTION_INVALID', message: expect.stringContaining(message) }),
      );
    },
  );

  test('are limited by CPU where the cluster has little of it', () => {
    const capacity = { ...CAPACITY, cpuMilli: CAPACITY.cpuMilli / 10 };
    const ample = arrivalRate({ jobs: 1, capacity: CAPACITY });
    expect(arrivalRate({ jobs: 1, capacity }) / ample).toBeLessThan(0.25);
  });

  test('have the shares of their classes, within five standard deviations', () => {
    for (const c of DEFAULT_JOB_CLASSES) {
      const same = jobs.filter(
        (job) =>
          job.gpuCount === c.gpuCount &&
          c.cpuMilli.includes(job.cpuMilli) &&
          c.podCount.includes(job.podCount) &&
          (c.gpuCount !== 1 || c.gpuMilli.includes(job.gpuMilli)),
      ).length;
      const deviation = Math.sqrt(c.share * (1 - c.share) * jobs.length);
      expect(Math.abs(same - c.share * jobs.length), c.name).toBeLessThan(5 * deviation);
    }
  });

  test('gangs start together, arrays do not', () => {
    const gangs = jobs.filter((job) => job.podCount > 1 && job.gpuCount === 8);
    const arrays = jobs.filter((job) => job.podCount > 1 && job.gpuCount === 0);
    expect(gangs.length).toBeGreaterThan(500);
    expect(gangs.every((job) => job.gangMin === job.podCount)).toBe(true);
    expect(arrays.length).toBeGreaterThan(500);
    expect(arrays.every((job) => job.gangMin === 1)).toBe(true);
  });

  test('have durations with the stated median and a heavy tail', () => {
    const durations = jobs.filter((job) => job.gpuCount === 1).map((job) => job.durationSeconds);
    durations.sort((a, b) => a - b);
    const at = (q: number): number => durations[Math.floor(q * durations.length)] as number;
    expect(at(0.5) / DEFAULT_DURATION.medianSeconds).toBeCloseTo(1.05, 1);
    expect(at(0.999) / at(0.5)).toBeGreaterThan(200);
    expect(durations.at(-1)).toBeLessThanOrEqual(DEFAULT_DURATION.maxSeconds);
  });

  test('request at least their run time, at most ten times as much', () => {
    for (const job of jobs) {
      expect(job.requestedSeconds).toBeGreaterThanOrEqual(job.durationSeconds);
      expect(job.requestedSeconds).toBeLessThanOrEqual(Math.ceil(10 * job.durationSeconds));
    }
  });

  test('name GPU models in proportion to the cluster', () => {
    const named = jobs.filter((job) => job.gpuModels.length > 0);
    const withGpu = jobs.filter((job) => job.gpuCount > 0);
    expect(named.length / withGpu.length).toBeCloseTo(0.1, 2);
    const g2 = named.filter((job) => job.gpuModels[0] === 'G2').length / named.length;
    expect(g2).toBeCloseTo((CAPACITY.gpuModels.G2 as number) / (CAPACITY.gpuMilli / 1_000), 1);
    expect(steady({ jobs: 1_000, modelShare: 0 }).some((job) => job.gpuModels.length > 0)).toBe(false);
  });

  test('of few tenants and no skew are shared evenly', () => {
    const even = steady({ rhythm: { tenants: 4, tenantSkew: 0, burstFactor: 1, diurnal: 0 } });
    for (let i = 0; i < 4; i++) {
      const share = even.filter((job) => job.tenant === `tenant-${i}`).length / even.length;
      expect(share).toBeCloseTo(0.25, 1);
    }
  });

  test('stream in batches', () => {
    const batches = [...generateJobBatches({ jobs: 2_500, capacity: CAPACITY }, new Random(1))];
    expect(batches.map((batch) => batch.length)).toEqual([1_024, 1_024, 452]);
  });

  test.each([
    { jobs: 0 },
    { jobs: 10, load: 0 },
    { jobs: 10, modelShare: 2 },
    { jobs: 10, rhythm: { tenants: 0 } },
    { jobs: 10, rhythm: { burstFactor: 100 } },
    { jobs: 10, rhythm: { diurnal: 1.5 } },
    { jobs: 10, duration: { ...DEFAULT_DURATION, tailAlpha: 1 } },
    { jobs: 10, classes: [] },
    { jobs: 10, capacity: { cpuMilli: 0, memoryMib: 0, gpuMilli: 0, gpuModels: {} } },
  ])('%j is refused', (options) => {
    expect(() => generateJobs({ capacity: CAPACITY, ...options }, new Random(1))).toThrow(
      expect.objectContaining({ code: 'TEG_OPTION_INVALID' }),
    );
  });
});

describe('arrivals', () => {
  /** Index of dispersion of counts: variance over mean of arrivals in windows; 1 for a Poisson process. */
  function dispersion(times: readonly number[], windowSeconds: number): number {
    const counts = new Array<number>(Math.floor((times.at(-1) as number) / windowSeconds)).fill(0);
    for (const t of times) {
      const window = Math.floor(t / windowSeconds);
      if (window < counts.length) counts[window] = (counts[window] as number) + 1;
    }
    const mean = sum(counts) / counts.length;
    return sum(counts.map((c) => (c - mean) ** 2)) / (counts.length - 1) / mean;
  }

  const times = (options: Partial<WorkloadOptions>, tenant?: string): number[] =>
    steady({ jobs: 60_000, ...options })
      .filter((job) => tenant === undefined || job.tenant === tenant)
      .map((job) => job.submitSeconds);

  test('without bursts and daily rhythm are a Poisson process', () => {
    expect(dispersion(times({}), 600)).toBeCloseTo(1, 0);
  });

  test("a tenant's bursts make them uneven, and keep their mean rate", () => {
    const rhythm = { ...DEFAULT_RHYTHM, diurnal: 0, onSecondsMean: 600, offSecondsMean: 1_800 };
    const bursty = times({ rhythm }, 'tenant-0');
    expect(dispersion(bursty, 600)).toBeGreaterThan(10);
    const all = times({ rhythm });
    const expected = arrivalRate({ jobs: 1, capacity: CAPACITY });
    expect(all.length / (all.at(-1) as number) / expected).toBeCloseTo(1, 1);
  });

  test('follow the time of day', () => {
    const rhythm = { tenants: 10, burstFactor: 1, diurnal: 0.8, daySeconds: 3_600 };
    const phases = times({ rhythm }).map((t) => (t % 3_600) / 3_600);
    const firstHalf = phases.filter((phase) => phase < 0.5).length / phases.length;
    // The mean of 1 + a·sin over the first half of the day is 1 + 2a/π.
    expect(firstHalf).toBeCloseTo(0.5 * (1 + (2 * 0.8) / Math.PI), 1);
  });
});

describe('distributions', () => {
  test('the mean of durations is the one of the formula', () => {
    const moderate = { ...DEFAULT_DURATION, tailAlpha: 2.5, maxSeconds: 200_000 };
    for (const duration of [moderate, { ...moderate, sigma: 0 }, { ...moderate, tailShare: 0 }]) {
      const random = new Random(5);
      const count = 400_000;
      let total = 0;
      for (let i = 0; i < count; i++) total += drawDuration(duration, random);
      expect(total / count / meanDuration(duration)).toBeCloseTo(1, 1);
    }
  });

  test('durations stay within their bounds', () => {
    const random = new Random(1);
    checkProperty(
      fc.property(fc.integer({ min: 1, max: 1_000 }), (maxSeconds) => {
        const seconds = drawDuration({ ...DEFAULT_DURATION, maxSeconds }, random);
        expect(seconds).toBeGreaterThanOrEqual(1);
        expect(seconds).toBeLessThanOrEqual(maxSeconds);
      }),
    );
  });

  test('the normal distribution function at known points', () => {
    expect(normalCdf(0)).toBeCloseTo(0.5, 6);
    expect(normalCdf(1.959964)).toBeCloseTo(0.975, 6);
    expect(normalCdf(-3)).toBeCloseTo(0.001349898, 6);
    expect(normalCdf(50)).toBe(1);
  });

  test('weighted choices have their weights, and never one of weight 0', () => {
    const choice = new WeightedChoice([0, 3, 0, 1]);
    const random = new Random(3);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 40_000; i++) counts[choice.draw(random)]++;
    expect(counts[0]).toBe(0);
    expect(counts[2]).toBe(0);
    expect((counts[1] as number) / 40_000).toBeCloseTo(0.75, 1);
  });
});
