import { describe, expect, test } from 'vitest';
import type { PlacementPolicy, PolicyContext } from '../../governor/policy/policy.ts';
import { Random } from '../../kernel/random.ts';
import { DemandTable } from '../../model/demand.ts';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { createFirstFitPolicy } from '../baselines/first-fit.ts';
import { type JobTable, JobTableBuilder } from '../inputs/job-table.ts';
import type { SimulationOptions } from '../inputs/simulation-options.ts';
import { type SimulationResult, simulationResultSchema } from '../metrics/result.ts';
import { runSimulation } from './simulator.ts';

const FIRST_FIT = { name: 'first-fit', create: createFirstFitPolicy };

function job(
  id: string,
  submitSeconds: number,
  durationSeconds: number,
  more: Partial<JobSpec> = {},
): JobSpec {
  return {
    id,
    tenant: '',
    priority: 0,
    cpuMilli: 1000,
    memoryMib: 0,
    gpuCount: 0,
    gpuMilli: 0,
    gpuModels: [],
    submitSeconds,
    durationSeconds,
    requestedSeconds: Number.NaN,
    podCount: 1,
    gangMin: 1,
    ...more,
  };
}

/** A job of whole GPUs on one node. */
function gpuJob(id: string, at: number, seconds: number, gpus: number, more: Partial<JobSpec> = {}): JobSpec {
  return job(id, at, seconds, { cpuMilli: 0, gpuCount: gpus, gpuMilli: 1000, ...more });
}

function nodes(count: number, more: Partial<NodeSpec> = {}): NodeSpec[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `n${i}`,
    cpuMilli: 10_000,
    memoryMib: 1000,
    gpuCount: 0,
    gpuModel: '',
    podsMax: 1000,
    ...more,
  }));
}

function tableOf(jobs: Iterable<JobSpec>): JobTable {
  const builder = new JobTableBuilder(new DemandTable());
  for (const spec of jobs) builder.add(spec);
  return builder.build();
}

function run(
  jobs: Iterable<JobSpec>,
  cluster: readonly NodeSpec[],
  more: Partial<SimulationOptions> = {},
): SimulationResult {
  const result = runSimulation({ nodes: cluster, jobs: tableOf(jobs), policy: FIRST_FIT, seed: 1, ...more });
  const { arrived, finished, dropped, failed, running, waiting } = result.jobs;
  expect(finished + dropped + failed + running + waiting, 'every job is somewhere').toBe(arrived);
  return result;
}

/** Poisson arrivals of exponential one-core jobs. */
function* poissonJobs(
  count: number,
  perSecond: number,
  meanSeconds: number,
  seed: number,
): Generator<JobSpec> {
  const random = new Random(seed, 99);
  let at = 0;
  for (let i = 0; i < count; i++) {
    at += random.nextExponential() / perSecond;
    yield job(`j${i}`, at, random.nextExponential() * meanSeconds);
  }
}

/** Mean wait of an M/M/c queue. @source Erlang 1917; the recursion is the textbook one. */
function erlangWait(servers: number, perSecond: number, meanSeconds: number): number {
  const load = perSecond * meanSeconds;
  let blocking = 1;
  for (let c = 1; c <= servers; c++) blocking = (load * blocking) / (c + load * blocking);
  const waiting = blocking / (1 - (load / servers) * (1 - blocking));
  return (waiting * meanSeconds) / (servers - load);
}

describe('queueing', () => {
  test.each([
    [5, 0.6],
    [4, 0.7],
    [1, 0.5],
  ])('M/M/%d at load %d: utilisation and mean wait are those of Erlang C', (servers, load) => {
    const mean = 100;
    const rate = (load * servers) / mean;
    const cluster = nodes(1, { cpuMilli: servers * 1000 });
    const ratios = [1, 2, 3].map((seed) => {
      const result = run(poissonJobs(100_000, rate, mean, seed), cluster, { warmupSeconds: 20_000 });
      expect(result.allocationWhileArriving.cpu / load).toBeCloseTo(1, 1);
      return (result.wait?.mean as number) / erlangWait(servers, rate, mean);
    });
    expect(ratios.reduce((sum, ratio) => sum + ratio, 0) / 3).toBeGreaterThan(0.94);
    expect(ratios.reduce((sum, ratio) => sum + ratio, 0) / 3).toBeLessThan(1.06);
  });

  test('one server by hand: waits, slowdowns, integrals, series', () => {
    const jobs = [job('a', 0, 10), job('b', 2, 20), job('c', 4, 5)];
    const result = run(jobs, nodes(1, { cpuMilli: 1000 }));
    expect(result.endSeconds).toBe(35);
    expect(result.allocation.cpu).toBe(1);
    expect(result.wait).toMatchObject({ count: 3, mean: (0 + 8 + 26) / 3, p50: 8, max: 26 });
    expect(result.boundedSlowdown).toMatchObject({ count: 3, mean: (1 + 28 / 20 + 31 / 10) / 3, max: 3.1 });
    expect(result.jobs).toMatchObject({ arrived: 3, finished: 3, podsPlaced: 3 });
    expect(result.workload.offeredCpu).toBe(35 / 4);
    const { series } = result;
    // Every sample sees the state after the events of its instant.
    expect(series?.allocatedCpu).toEqual(series?.atSeconds.map((at) => (at < 35 ? 1 : 0)));
    for (const [i, at] of (series?.atSeconds ?? []).entries()) {
      const waiting = [at >= 2 && at < 10, at >= 4 && at < 30].filter(Boolean).length;
      expect(series?.waitingJobs[i], `waiting at ${at}`).toBe(waiting);
      const arrived = [at >= 0 && at < 10, at >= 2 && at < 22, at >= 4 && at < 9].filter(Boolean).length;
      expect(series?.arrivedCpu[i], `arrived at ${at}`).toBe(arrived);
    }
  });

  test('departures come before arrivals of the same instant', () => {
    const result = run([job('a', 0, 5), job('b', 5, 5)], nodes(1, { cpuMilli: 1000 }));
    expect(result.wait?.max).toBe(0);
  });

  test('jobs of no duration pass through', () => {
    const result = run([job('a', 0, 0), job('b', 0, 0), job('c', 1, 0)], nodes(1, { cpuMilli: 1000 }));
    expect(result.jobs.finished).toBe(3);
    expect(result.boundedSlowdown?.max).toBe(1);
  });
});

describe('head-of-line blocking', () => {
  // Eight GPUs; four run a long job, the big job waits for all eight, small ones behind it would fit.
  const jobs = [
    gpuJob('long', 0, 1000, 4),
    gpuJob('big', 10, 100, 8),
    gpuJob('small-1', 20, 50, 2),
    gpuJob('small-2', 30, 50, 2),
    gpuJob('last', 1000, 10, 1),
  ];
  const cluster = nodes(1, { gpuCount: 8, gpuModel: 'A' });

  test('best-effort leaves nothing idle that a waiting job could use', () => {
    const result = run(jobs, cluster);
    expect(result.headOfLine).toMatchObject({ gpu: 0, cpu: 0 });
    expect(result.wait?.p50).toBe(0);
  });

  test('strict-fifo does: two, then four GPUs of eight, until the long job ends', () => {
    const result = run(jobs, cluster, { queue: 'strict-fifo' });
    const expected = (10 * 2 + 970 * 4) / (1000 * 8);
    expect(result.headOfLine.gpu).toBeCloseTo(expected, 2);
    expect(result.jobs.finished).toBe(5);
    const at500 = result.series?.atSeconds.indexOf(500) as number;
    expect(result.series?.fittingGpu[at500]).toBe(0.5);
    expect(result.series?.waitingGpu[at500]).toBe(12 / 8);
  });
});

describe('jobs that cannot run', () => {
  test('a job beyond every node is dropped, one beyond the cluster too, and nothing waits for them', () => {
    const jobs = [
      gpuJob('fits', 0, 10, 8),
      gpuJob('too-wide', 1, 10, 9),
      gpuJob('gang', 2, 10, 8, { podCount: 3, gangMin: 3 }),
      gpuJob('model', 3, 10, 1, { gpuModels: ['B'] }),
    ];
    for (const queue of ['best-effort', 'strict-fifo'] as const) {
      const result = run(jobs, nodes(2, { gpuCount: 8, gpuModel: 'A' }), { queue });
      expect(result.jobs).toMatchObject({ finished: 1, dropped: 3, waiting: 0 });
      expect(result.ended).toBe('drained');
    }
  });

  test('jobs that wait behind one that never ends are reported as stalled', () => {
    const result = run([job('a', 0, Number.POSITIVE_INFINITY), job('b', 7, 5)], nodes(1, { cpuMilli: 1000 }));
    expect(result.ended).toBe('stalled');
    expect(result.jobs).toMatchObject({ running: 1, waiting: 1 });
    expect(result.workload.offeredCpu).toBeNull();
  });
});

describe('gangs', () => {
  test('start together or not at all', () => {
    const jobs = [gpuJob('a', 0, 100, 1), gpuJob('gang', 1, 10, 1, { podCount: 8, gangMin: 8 })];
    const result = run(jobs, nodes(1, { gpuCount: 8, gpuModel: 'A' }));
    expect(result.wait).toMatchObject({ count: 2, max: 99 });
    expect(result.bySize.map((entry) => [entry.size, entry.jobs])).toEqual([
      ['gpu-1', 1],
      ['gpu-2-8', 1],
    ]);
    expect(result.peakGpu).toBe(1);
    expect(result.gpuHours?.finished).toBeCloseTo((100 + 80) / 3600, 12);
  });
});

describe('time', () => {
  test('a horizon ends the run in the middle and means run up to it', () => {
    const result = run([job('a', 0, 10), job('b', 50, 100), job('c', 90, 1)], nodes(1, { cpuMilli: 1000 }), {
      horizonSeconds: 80,
    });
    expect(result.ended).toBe('horizon');
    expect(result.endSeconds).toBe(80);
    expect(result.jobs).toMatchObject({ arrived: 2, finished: 1, running: 1 });
    expect(result.allocation.cpu).toBe((10 + 30) / 80);
    expect(result.series?.atSeconds.length).toBe(201);
  });

  test('a warm-up leaves its jobs and its time out of the means', () => {
    const jobs = [job('a', 0, 40), job('b', 1, 10), job('c', 60, 20), job('d', 100, 100)];
    const result = run(jobs, nodes(1, { cpuMilli: 1000 }), { warmupSeconds: 50 });
    expect(result.wait).toMatchObject({ count: 2, max: 0 });
    expect(result.measuredSeconds).toBe(150);
    expect(result.allocation.cpu).toBe(120 / 150);
    expect(result.allocationWhileArriving.cpu).toBe(20 / 50);
  });

  test('being stopped gives a partial result that says so', () => {
    let asked = 0;
    const result = run(poissonJobs(5000, 0.05, 100, 2), nodes(1), { shouldStop: () => ++asked > 3 });
    expect(result.complete).toBe(false);
    expect(result.ended).toBe('interrupted');
    expect(result.jobs.arrived).toBeGreaterThan(100);
    expect(result.jobs.arrived).toBeLessThan(5000);
  });
});

describe('failures', () => {
  const failures = { mtbfSeconds: 5000, mttrSeconds: 500 };

  test('lost jobs start again; the time they lost is accounted', () => {
    const result = run(poissonJobs(20_000, 0.3, 100, 3), nodes(5), { failures });
    expect(result.jobs.requeues).toBeGreaterThan(100);
    expect(result.jobs.finished).toBe(20_000);
    expect(result.jobs.podsPlaced).toBe(20_000 + result.jobs.requeues);
    expect(result.nodes.upShare).toBeCloseTo(5000 / 5500, 1);
    expect(result.nodes.failures - result.nodes.returns).toBeLessThanOrEqual(5);
    expect(result.boundedSlowdown?.max).toBeGreaterThan(1);
  });

  test('or fail', () => {
    const result = run(poissonJobs(20_000, 0.3, 100, 3), nodes(5), { failures, lostPods: 'fail' });
    expect(result.jobs.failed).toBeGreaterThan(100);
    expect(result.jobs.requeues).toBe(0);
    expect(result.jobs.finished + result.jobs.failed).toBe(20_000);
  });

  test('a gang loses all its pods with one node, and GPU hours show the waste', () => {
    const jobs = [gpuJob('gang', 0, 1e5, 4, { podCount: 4, gangMin: 4 })];
    const result = run(jobs, nodes(4, { gpuCount: 4, gpuModel: 'A' }), {
      failures: { mtbfSeconds: 200_000, mttrSeconds: 100 },
      seed: 3,
    });
    expect(result.jobs.requeues).toBeGreaterThan(0);
    expect(result.jobs.podsLost).toBe(4 * result.jobs.requeues);
    expect(result.gpuHours?.finished).toBeCloseTo((16 * 1e5) / 3600, 6);
    expect(result.gpuHours?.lost).toBeGreaterThan(0);
  });

  test('a job that failures always end first does not keep the run going forever', () => {
    const jobs = [job('short', 0, 10), job('hopeless', 1, 1e9)];
    const result = run(jobs, nodes(3), { failures: { mtbfSeconds: 1000, mttrSeconds: 10 } });
    expect(result.ended).toBe('stalled');
    expect(result.jobs.finished).toBe(1);
    expect(result.jobs.requeues).toBeGreaterThan(10);
  });

  test('every policy sees the same failures', () => {
    const counts = [createFirstFitPolicy, createNextFit].map((create) => {
      const result = run(poissonJobs(3000, 0.1, 50, 8), nodes(5), {
        failures,
        horizonSeconds: 20_000,
        policy: { name: 'x', create },
      });
      return [result.nodes.failures, result.nodes.upShare];
    });
    expect(counts[0]).toEqual(counts[1]);
  });
});

/** Cycles through the nodes and misses most of them: tries one node a decision. */
function createOneProbe(context: PolicyContext): PlacementPolicy {
  const { cluster, random } = context;
  return {
    name: 'one-probe',
    gpuMask: 0,
    nodesExamined: 1,
    choose: (demand) => {
      const node = random.nextInt(cluster.nodeCount);
      return cluster.fits(node, demand) ? node : -1;
    },
  };
}

/** The first fitting node after the last one taken. */
function createNextFit(context: PolicyContext): PlacementPolicy {
  const { cluster } = context;
  let at = 0;
  return {
    name: 'next-fit',
    gpuMask: 0,
    nodesExamined: 0,
    choose: (demand) => {
      for (let i = 0; i < cluster.nodeCount; i++) {
        at = (at + 1) % cluster.nodeCount;
        if (cluster.fits(at, demand)) return at;
      }
      return -1;
    },
  };
}

describe('policies', () => {
  test('one that overlooks nodes gets its jobs in by retries', () => {
    const jobs = Array.from({ length: 40 }, (_, i) => job(`j${i}`, 0, 1000));
    const policy = { name: 'one-probe', create: createOneProbe };
    const without = run(jobs, nodes(10, { cpuMilli: 4000 }), { policy, horizonSeconds: 900 });
    const withRetries = run(jobs, nodes(10, { cpuMilli: 4000 }), {
      policy,
      horizonSeconds: 900,
      retrySeconds: 10,
    });
    expect(without.jobs.waiting).toBeGreaterThan(0);
    expect(withRetries.jobs.waiting).toBe(0);
    expect(withRetries.jobs.running).toBe(40);
  });

  test('retries in vain end', () => {
    const policy = {
      name: 'never',
      create: () => ({ name: 'never', gpuMask: 0, nodesExamined: 0, choose: () => -1 }),
    };
    const result = run([job('a', 0, 1)], nodes(1), { policy, retrySeconds: 5 });
    expect(result.ended).toBe('stalled');
    expect(result.jobs.waiting).toBe(1);
  });

  test('get the typical workload only where the run says so, and are counted', () => {
    const seen: (number | undefined)[] = [];
    const policy = {
      name: 'spy',
      create: (context: PolicyContext) => {
        seen.push(context.typical?.weights.length);
        return createFirstFitPolicy(context);
      },
    };
    const jobs = [job('a', 0, 1), job('b', 1, 1, { cpuMilli: 2000 })];
    run(jobs, nodes(3), { policy });
    const result = run(jobs, nodes(3), { policy, typical: 'list' });
    expect(seen).toEqual([undefined, 2]);
    expect(result.decisions).toMatchObject({ count: 2, failed: 0 });
    expect(result.decisions.nodesExamined.max).toBeGreaterThanOrEqual(1);
  });

  test('one that breaks its promise ends the run with an error', () => {
    const policy = {
      name: 'liar',
      create: () => ({ name: 'liar', gpuMask: 0, nodesExamined: 0, choose: () => 99 }),
    };
    expect(() => run([job('a', 0, 1)], nodes(1), { policy })).toThrow(/policy 'liar' chose node 99/);
  });
});

describe('the result', () => {
  const options = { failures: { mtbfSeconds: 3000, mttrSeconds: 300 }, warmupSeconds: 100 };

  test('is the same bytes for the same seed, others for another', () => {
    const once = JSON.stringify(run(poissonJobs(5000, 0.4, 100, 1), nodes(5), options));
    const again = JSON.stringify(run(poissonJobs(5000, 0.4, 100, 1), nodes(5), options));
    const other = JSON.stringify(run(poissonJobs(5000, 0.4, 100, 1), nodes(5), { ...options, seed: 2 }));
    expect(again).toBe(once);
    expect(other).not.toBe(once);
  });

  test('follows its schema, also after JSON, with and without a clock', () => {
    const timed = run(poissonJobs(2000, 0.1, 100, 1), nodes(3, { gpuCount: 2, gpuModel: 'A' }), {
      clockMicros: () => performance.now() * 1000,
      memoryBytes: () => 1e6,
    });
    const plain = run([], nodes(1));
    for (const result of [timed, plain]) {
      expect(simulationResultSchema.parse(JSON.parse(JSON.stringify(result)))).toEqual(result);
    }
    const shares = Object.values(timed.timing?.share ?? {});
    expect(shares.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 9);
    expect(timed.timing?.decisionMicros?.count).toBeGreaterThan(50);
  });

  test('a clock changes nothing but timing', () => {
    let micros = 0;
    const { timing, ...timed } = run(poissonJobs(2000, 0.1, 100, 1), nodes(3), {
      clockMicros: () => micros++,
    });
    expect(timing).toBeDefined();
    expect(timed).toEqual(run(poissonJobs(2000, 0.1, 100, 1), nodes(3)));
  });

  test.each([1, 1e3, 1e6])(
    'stays dense while jobs arrive, and bounded after it: one straggler that runs %d times longer than the rest',
    (times) => {
      const jobs = [...poissonJobs(500, 0.05, 100, 1), job('last', 10_000, 10_000 * times)];
      const { series, endSeconds } = run(jobs, nodes(1), { samples: 50 });
      const at = series?.atSeconds as number[];
      const span = Math.max(...jobs.map(({ submitSeconds }) => submitSeconds));
      const first = Math.min(...jobs.map(({ submitSeconds }) => submitSeconds));
      const arriving = at.filter((t) => t <= (span - first) * (1 + 1e-5));
      expect(arriving.length).toBe(51);
      for (const [i, t] of arriving.entries()) expect(t).toBeCloseTo((i * (span - first)) / 50, 0);
      const tail = at.slice(51);
      expect(tail.length).toBeLessThan(50);
      expect(tail.length).toBeGreaterThanOrEqual(times === 1 ? 0 : 25);
      const from = at[50] as number;
      for (const [i, t] of tail.entries()) {
        expect(t / (from + (i + 1) * ((tail[0] as number) - from))).toBeCloseTo(1, 3);
      }
      expect(at.at(-1)).toBeLessThanOrEqual(endSeconds * (1 + 1e-5));
      for (const column of Object.values(series ?? {})) expect(column.length).toBe(at.length);
      const running = (t: number): number =>
        jobs.filter((j) => j.submitSeconds - first <= t && t < j.submitSeconds - first + j.durationSeconds)
          .length;
      for (const [i, t] of at.entries()) {
        if (i <= 50) continue;
        expect(series?.arrivedCpu[i], `at ${t}`).toBeCloseTo(running(t) / 10, 5);
      }
    },
  );

  test('a horizon far beyond the last arrival leaves as many samples before it', () => {
    const jobs = [job('a', 0, 10), job('b', 100, 1e9)];
    const { series } = run(jobs, nodes(1), { samples: 20, horizonSeconds: 1e6 });
    const at = series?.atSeconds as number[];
    expect(at.slice(0, 21)).toEqual(Array.from({ length: 21 }, (_, i) => 5 * i));
    expect(at.length).toBeLessThan(41);
    expect(at.at(-1)).toBeGreaterThan(0.9e6);
  });

  test.each([1, 2, 3])('--samples %d', (samples) => {
    const { series } = run([job('a', 0, 10), job('b', 99, 1e6)], nodes(1), { samples });
    const at = series?.atSeconds as number[];
    expect(at[samples]).toBe(99);
    expect(at.length - samples - 1).toBeLessThan(Math.max(2, samples));
  });
});

describe('unusable options', () => {
  test.each([
    [{ horizonSeconds: 0 }, /horizon is 0/],
    [{ horizonSeconds: 10, warmupSeconds: 10 }, /warm-up of 10 s reaches the horizon/],
    [{ warmupSeconds: -1 }, /warm-up is -1/],
    [{ failures: { mtbfSeconds: 0, mttrSeconds: 1 } }, /mtbf is 0/],
    [{ samples: 0 }, /samples is 0/],
    [{ nodes: [] }, /no nodes/],
  ])('%j is refused', (more, message) => {
    expect(() => run([job('a', 0, 1)], nodes(1), more)).toThrow(message);
  });
});
