import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { comparisonResultSchema, simulationResultSchema } from '../../simulation/metrics/result.ts';
import { type ComparisonTask, compare, simulate } from './simulations.ts';

const ROOT = join(import.meta.dirname, '../../..');
const TRACES = join(process.env.TEG_SHARED ?? join(ROOT, '../shared'), 'traces');
const DAY = 86_400;
const OWN_POLICY = join(ROOT, 'examples/my-policy.ts');

/** A comparison that finishes in a second and depends on chance. */
function task(more: Partial<ComparisonTask>): ComparisonTask {
  return {
    cluster: 'generated:openb:20',
    jobs: 'generated:1000:0.9',
    policies: ['random', 'teg'],
    seeds: [1, 2],
    baseline: 'random',
    failures: { mtbfSeconds: 10 * DAY, mttrSeconds: 14_400 },
    withSeries: true,
    ...more,
  };
}

/** The workloads of the determinism test; a real one is skipped where its files are not there. */
const WORKLOADS: readonly { name: string; files: readonly string[]; task: Partial<ComparisonTask> }[] = [
  {
    name: 'a generated one',
    files: [],
    task: { policies: ['random', 'teg', OWN_POLICY], seeds: [1, 2], horizonSeconds: 2 * DAY },
  },
  {
    name: 'Philly',
    files: ['philly-2017/jobs.csv.gz'],
    task: {
      cluster: 'generated:homogeneous:80',
      jobs: join(TRACES, 'philly-2017/jobs.csv.gz'),
      failures: { mtbfSeconds: 20 * DAY, mttrSeconds: 14_400 },
    },
  },
  {
    name: 'MetaCentrum',
    files: ['metacentrum-2013/machines.csv.gz', 'metacentrum-2013/jobs.csv.gz'],
    task: {
      cluster: join(TRACES, 'metacentrum-2013/machines.csv.gz'),
      jobs: join(TRACES, 'metacentrum-2013/jobs.csv.gz'),
      skipBad: 2,
      queue: 'strict-fifo',
      horizonSeconds: 40 * DAY,
      failures: { mtbfSeconds: 20 * DAY, mttrSeconds: 14_400 },
    },
  },
  {
    name: 'openb with times',
    files: ['openb/openb_node_list_gpu_node.csv.gz', 'openb/openb_pod_list_default.csv.gz'],
    task: {
      cluster: join(TRACES, 'openb/openb_node_list_gpu_node.csv.gz'),
      jobs: join(TRACES, 'openb/openb_pod_list_default.csv.gz'),
      load: 400,
      horizonSeconds: 2 * DAY,
      resample: true,
      failures: { mtbfSeconds: 100 * DAY, mttrSeconds: 600 },
    },
  },
];

describe('the same seeds give the same bytes', () => {
  for (const { name, files, task: more } of WORKLOADS) {
    const missing = files.filter((file) => !existsSync(join(TRACES, file)));
    const reason = missing.length > 0 ? ` (skipped: ${missing.join(', ')} not in ${TRACES})` : '';
    test.skipIf(missing.length > 0)(`on ${name}, with 1 worker and again with 2${reason}`, async () => {
      const runs = task({ seeds: [1], ...more });
      const once = JSON.stringify(await compare(runs, { workers: 1 }));
      const parallel = JSON.stringify(await compare(runs, { workers: 2 }));
      expect(parallel === once, 'the same text').toBe(true);
      const result = comparisonResultSchema.parse(JSON.parse(once));
      expect(result.complete).toBe(true);
      const [first, second] = result.runs;
      expect(JSON.stringify(first?.series)).not.toBe(JSON.stringify(second?.series));
      expect(result.runs.every((run) => run.nodes.failures > 0)).toBe(true);
    });
  }
});

describe('compare', () => {
  test('gives every policy of a seed the same jobs, and every seed others', async () => {
    const { runs } = await compare(task({ failures: { mtbfSeconds: 1e9, mttrSeconds: 1 } }), { workers: 2 });
    const spans = runs.map((run) => run.workload.spanSeconds);
    expect(spans[0]).toBe(spans[2]);
    expect(spans[1]).toBe(spans[3]);
    expect(spans[0]).not.toBe(spans[1]);
    expect(runs.map((run) => [run.policy, run.seed])).toEqual([
      ['random', 1],
      ['random', 2],
      ['teg', 1],
      ['teg', 2],
    ]);
  });

  test('compares queues under one policy', async () => {
    const compared = await compare(
      task({
        policies: ['best-fit'],
        queues: ['easy', 'fifo'],
        runtimes: 'exact',
        seeds: [1],
        baseline: 'fifo',
        jobs: 'generated:1000:1.1',
        withSeries: false,
      }),
      { workers: 1 },
    );
    expect(comparisonResultSchema.parse(compared)).toEqual(compared);
    expect(compared.policies).toEqual(['easy', 'fifo']);
    expect(compared.runs.map((run) => [run.policy, run.options.queue])).toEqual([
      ['easy', 'easy'],
      ['fifo', 'fifo'],
    ]);
    expect(compared.notes[0]).toContain('the policy best-fit');
    const [easy, fifo] = compared.runs.map((run) => run.wait?.mean ?? Number.NaN);
    expect(easy).toBeLessThan(fifo as number);
  });

  test('timing is present only on request', async () => {
    const one = { policies: ['best-fit'], seeds: [1], baseline: 'best-fit' };
    const plain = await compare(task(one), { workers: 1 });
    const timed = await compare(task({ ...one, withTiming: true, withSeries: false }), { workers: 1 });
    expect(plain.runs[0]?.timing).toBeUndefined();
    expect(timed.runs[0]?.timing?.jobsPerSecond).toBeGreaterThan(0);
    expect(timed.runs[0]?.timing?.peakMemoryBytes).toBeGreaterThan(1e7);
    expect(timed.runs[0]?.series).toBeUndefined();
    expect(timed.metrics.map((metric) => metric.metric)).toContain('decisionP99');
  });
});

describe('simulate', () => {
  const one = { ...task({}), policy: 'best-fit', seed: 1 };

  test('reports progress, and keeps to its schema', async () => {
    const done: number[] = [];
    const result = await simulate(one, { onProgress: ({ workDone }) => done.push(workDone) });
    expect(simulationResultSchema.parse(result)).toEqual(result);
    expect(done.at(-1)).toBe(result.jobs.finished + result.jobs.dropped);
  });

  test('stopped in the middle it gives a partial result', async () => {
    const controller = new AbortController();
    const long = { ...one, jobs: 'generated:300000', policy: 'random' };
    const result = await simulate(long, {
      signal: controller.signal,
      onProgress: ({ workDone }) => workDone > 0 && controller.abort(),
    });
    expect(result).toMatchObject({ complete: false, ended: 'interrupted' });
    expect(result.jobs.arrived).toBeGreaterThan(0);
    expect(result.jobs.arrived).toBeLessThan(300_000);
  });

  test('explains a job', async () => {
    const { explained } = await simulate({ ...one, explain: 'job-42', policy: 'fgd' });
    expect(explained?.job).toBe('job-42');
    const [arrived, next] = explained?.turns ?? [];
    expect(arrived?.what).toBe('arrived');
    const started = explained?.turns.find((turn) => turn.what === 'started');
    expect(started?.pods[0]?.node).toBe(started?.choices[0]?.node);
    if (next?.what === 'started') expect(arrived?.choices[0]).toEqual(next.choices[0]);
    expect(explained?.turns.at(-1)?.what).toBe('released');
  });

  test.each([
    [{ policy: 'tag' }, 'TEG_POLICY_UNKNOWN', /expected one of/],
    [{ policy: './nowhere.ts' }, 'TEG_INPUT_NOT_FOUND', /nowhere/],
    [{ cluster: '/nowhere/nodes.csv' }, 'TEG_INPUT_NOT_FOUND', /nowhere/],
    [{ cluster: 'generated:opnb:5' }, 'TEG_OPTION_INVALID', /openb or homogeneous/],
    [{ cluster: 'generated:openb:0' }, 'TEG_OPTION_INVALID', /such as generated:openb:2000/],
    [{ jobs: 'generated:many' }, 'TEG_OPTION_INVALID', /generated:JOBS/],
    [{ jobs: 'generated:10:-1' }, 'TEG_OPTION_INVALID', /generated:JOBS/],
    [{ explain: 'nobody' }, 'TEG_OPTION_INVALID', /for example 'job-0'/],
    [{ horizonSeconds: 5, warmupSeconds: 6 }, 'TEG_OPTION_INVALID', /reaches the horizon/],
    [{ repeat: 1e9 }, 'TEG_LIMIT_REACHED', /at most 20000000/],
  ])('refuses %j', async (more, code, message) => {
    const failure = simulate({ ...one, ...more });
    await expect(failure).rejects.toMatchObject({ code });
    await expect(failure).rejects.toThrow(message);
  });
});
