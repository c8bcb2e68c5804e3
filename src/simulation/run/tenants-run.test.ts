/** Tenants in a simulation: limits under every policy and discipline, budgets by month, and what the result says. */
import { beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { marketSpec, quotaFlavor, type TenantSpec, tenantSpec } from '../../market/tenants/spec.ts';
import { DemandTable } from '../../model/demand.ts';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { createFirstFitPolicy } from '../baselines/first-fit.ts';
import type { JobRecords } from '../inputs/job-log.ts';
import { type JobTable, JobTableBuilder } from '../inputs/job-table.ts';
import { POLICIES } from '../inputs/policies.ts';
import type { SimulationOptions } from '../inputs/simulation-options.ts';
import { type SimulationResult, simulationResultSchema } from '../metrics/result.ts';
import { QUEUE_NAMES } from '../queueing/queue-names.ts';
import { runSimulation } from './simulator.ts';

const HOUR = 3600;
const MONTH = 720 * HOUR;
const MODELS = ['H100', 'L4'] as const;

const MARKET = marketSpec({
  flavors: [
    quotaFlavor('h100', { gpuModels: ['H100'] }),
    quotaFlavor('l4', { nodeLabels: { class: 'small' }, unitsPerHour: { core: 0, gib: 0, gpu: 0.25 } }),
  ],
});

const NODES: NodeSpec[] = Array.from({ length: 8 }, (_, i) => {
  const gpuModel = MODELS[i % 2] as string;
  const labels: Record<string, string> = gpuModel === 'L4' ? { class: 'small' } : {};
  const amounts = { cpuMilli: 32_000, memoryMib: 64_000, gpuCount: 4, podsMax: 110 };
  return { name: `n${i}`, gpuModel, labels, ...amounts };
});

function spec(id: number, more: Partial<JobSpec>): JobSpec {
  return {
    ...{ id: `j${id}`, tenant: 'a', priority: 0, cpuMilli: 1000, memoryMib: 0, gpuCount: 1, gpuMilli: 1000 },
    ...{ gpuModels: [], submitSeconds: 0, durationSeconds: HOUR, requestedSeconds: Number.NaN },
    ...{ podCount: 1, gangMin: 1, ...more },
  };
}

function tableOf(specs: readonly JobSpec[]): JobTable {
  const builder = new JobTableBuilder(new DemandTable());
  for (const job of specs) builder.add(job);
  return builder.build();
}

/** Jobs of three tenants, one unknown to the file, faster than they can run. */
function busy(count: number, seed: number): JobTable {
  const random = new Random(seed, 1);
  return tableOf(
    Array.from({ length: count }, (_, i) => {
      const pods = random.nextInt(6) === 0 ? 3 : 1;
      return spec(i, {
        tenant: ['a', 'b', 'x'][random.nextInt(3)] as string,
        submitSeconds: i * 60,
        durationSeconds: 60 * (1 + random.nextInt(60)),
        gpuCount: 1 + random.nextInt(2),
        gpuModels: random.nextInt(4) === 0 ? ['H100'] : [],
        podCount: pods,
        gangMin: pods,
      });
    }),
  );
}

const gpus = (count: number) => ({ gpuMilli: 1000 * count });

const TENANTS: TenantSpec[] = [
  tenantSpec('org', { limit: { h100: gpus(10) } }),
  tenantSpec('a', { parent: 'org', quota: { h100: gpus(6) }, limit: { l4: gpus(3) } }),
  tenantSpec('b', { parent: 'org', quota: { h100: gpus(2), l4: gpus(8) }, lend: { l4: gpus(2) } }),
];

function run(
  more: Partial<SimulationOptions> & Pick<SimulationOptions, 'jobs'>,
): [SimulationResult, JobRecords] {
  let records: JobRecords | undefined;
  const result = runSimulation({
    ...{ nodes: NODES, policy: { name: 'first-fit', create: createFirstFitPolicy }, seed: 1 },
    tenants: { market: MARKET, tenants: TENANTS },
    ...{ withSeries: false, withEquilibrium: false },
    ...more,
    onJobs: (kept) => {
      records = kept;
    },
  });
  return [result, records as JobRecords];
}

/** Pods of finished jobs that hold GPUs, as steps of the use of each tenant on each model. */
function peaks(jobs: JobTable, records: JobRecords): Map<string, number> {
  const steps: { at: number; by: number; key: string }[] = [];
  for (let job = 0; job < jobs.count; job++) {
    const tenant = records.tenantNames[records.tenants[job] as number] as string;
    for (let pod = records.podOffsets[job] as number; pod < (records.podOffsets[job + 1] as number); pod++) {
      const key = `${tenant} ${MODELS[(records.nodes[pod] as number) % 2]}`;
      const by = jobs.demandOf(job).gpuCount;
      steps.push({ at: records.startSeconds[job] as number, by, key });
      steps.push({ at: records.endSeconds[job] as number, by: -by, key });
    }
  }
  steps.sort((x, y) => x.at - y.at || x.by - y.by);
  const held = new Map<string, number>();
  const most = new Map<string, number>();
  for (const { by, key } of steps) {
    held.set(key, (held.get(key) ?? 0) + by);
    const sums = new Map([[key, held.get(key) ?? 0]]);
    if (!key.startsWith('x')) {
      const model = key.split(' ')[1];
      sums.set(`org ${model}`, (held.get(`a ${model}`) ?? 0) + (held.get(`b ${model}`) ?? 0));
    }
    for (const [of, sum] of sums) most.set(of, Math.max(most.get(of) ?? 0, sum));
  }
  return most;
}

function expectWithinLimits(jobs: JobTable, [result, records]: [SimulationResult, JobRecords]): void {
  expect(result.ended).toBe('drained');
  expect(result.jobs.finished).toBe(jobs.count);
  const most = peaks(jobs, records);
  expect(most.get('org H100')).toBeLessThanOrEqual(10);
  expect(most.get('a L4')).toBeLessThanOrEqual(3);
  // 16 GPUs, of which 6 are kept for b.
  expect(most.get('x L4')).toBeLessThanOrEqual(10);
  // Both bounds were reached: they were what held jobs back.
  expect(most.get('org H100')).toBe(10);
  expect(most.get('a L4')).toBe(3);
}

test.each(['best-effort', 'easy', 'teg'] as const)(
  'a run ends whose last job no budget can pay for, under %s',
  (queue) => {
    const budget = { tokens: 1, periodSeconds: 24 * HOUR, onEmpty: 'Wait' as const };
    const tenants = { market: MARKET, tenants: [tenantSpec('a', { budget })] };
    const jobs = tableOf([spec(0, { gpuCount: 4, durationSeconds: 10 * HOUR, requestedSeconds: 10 * HOUR })]);
    const [result] = run({ jobs, tenants, queue });
    expect(result.ended).toBe('stalled');
    expect(result.tenants?.[0]).toMatchObject({ name: 'a', waiting: 1, spentTokens: 0 });
    expect(result.waiting?.jobs[0]).toMatchObject({ code: 'budget-empty' });
  },
);

describe('limits and loans hold, and every job runs in the end', () => {
  const jobs = busy(400, 3);
  test.each(POLICIES.map(({ name }) => name))('under the policy %s', (name) => {
    const policy = POLICIES.find((entry) => entry.name === name);
    if (policy === undefined) throw new Error(name);
    expectWithinLimits(jobs, run({ jobs, policy }));
  });

  test.each(QUEUE_NAMES)('under the queue %s', (queue) => {
    expectWithinLimits(jobs, run({ jobs, queue, runtimes: 'exact' }));
  });
});

describe('the part of the result', () => {
  const jobs = busy(300, 5);
  let result: SimulationResult;
  let records: JobRecords;
  beforeAll(() => {
    [result, records] = run({ jobs });
  });

  test('is what the jobs’ records give', () => {
    const hours = new Map<string, number>();
    const waits = new Map<string, number[]>();
    for (let job = 0; job < jobs.count; job++) {
      const name = records.tenantNames[records.tenants[job] as number] as string;
      const at = (column: Float64Array): number => column[job] as number;
      const held = (jobs.podCounts[job] as number) * jobs.demandOf(job).gpuCount;
      const spent = (held * (at(records.endSeconds) - at(records.startSeconds))) / HOUR;
      hours.set(name, (hours.get(name) ?? 0) + spent);
      waits.set(name, [...(waits.get(name) ?? []), at(records.startSeconds) - at(records.submitSeconds)]);
    }
    const org = (hours.get('a') ?? 0) + (hours.get('b') ?? 0);
    const all = org + (hours.get('x') ?? 0);
    const expected: [string, number][] = [
      ['org', org],
      ['default', hours.get('x') ?? 0],
      ['a', hours.get('a') ?? 0],
      ['b', hours.get('b') ?? 0],
    ];
    expect(simulationResultSchema.parse(result).tenants?.map(({ name }) => name)).toEqual(
      expected.map(([name]) => name),
    );
    for (const [name, spent] of expected) {
      const tenant = result.tenants?.find((entry) => entry.name === name);
      expect(tenant?.gpuHours).toBeCloseTo(spent, 6);
      expect(tenant?.share).toBeCloseTo(spent / all, 9);
      expect(tenant?.used.gpus).toBeCloseTo((spent * HOUR) / result.endSeconds, 9);
      const mine = waits.get(name === 'default' ? 'x' : name) ?? [];
      expect(tenant).toMatchObject({ started: mine.length, waiting: 0 });
      if (mine.length === 0) continue;
      expect(tenant?.waitP99 ?? 0).toBeLessThanOrEqual(1.01 * Math.max(...mine));
    }
    expect(result.tenants?.find(({ name }) => name === 'a')?.borrowed.gpus).toBeGreaterThan(0);
    expect(result.tenants?.find(({ name }) => name === 'b')?.lent.gpus).toBeGreaterThan(0);
  });

  test('is the same again on the same table of jobs, also after other runs on it', () => {
    const policy = POLICIES.find(({ name }) => name === 'teg');
    if (policy === undefined) throw new Error('no policy teg');
    const demands = jobs.demands.demands.length;
    const [first] = run({ jobs, policy });
    run({ jobs });
    expect(run({ jobs, policy })[0]).toEqual(first);
    expect(jobs.demands.demands.length).toBe(demands);
  });

  test('refuses accounts beside it', () => {
    expect(() => run({ jobs, accounts: {} as NonNullable<SimulationOptions['accounts']> })).toThrow(
      'got tenants beside accounts or a Kubernetes world',
    );
  });
});

describe('monthly budgets', () => {
  /** Spent by month, tokens, of the jobs of a tenant. */
  function byMonth(jobs: JobTable, records: JobRecords, name: string, months: number): number[] {
    const spent = new Array<number>(months).fill(0);
    for (let job = 0; job < jobs.count; job++) {
      if (records.tenantNames[records.tenants[job] as number] !== name) continue;
      const start = records.startSeconds[job] as number;
      if (Number.isNaN(start)) continue;
      const end = Number.isNaN(records.endSeconds[job])
        ? months * MONTH
        : (records.endSeconds[job] as number);
      for (let month = 0; month < months; month++) {
        const inMonth = Math.min(end, (month + 1) * MONTH) - Math.max(start, month * MONTH);
        spent[month] = (spent[month] as number) + (Math.max(0, inMonth) / HOUR) * jobs.demandOf(job).gpuCount;
      }
    }
    return spent;
  }

  test.each([
    ['exact', 1],
    ['declared', 3],
  ] as const)(
    'are met within a twentieth with %s run times, requests being up to %d times as long',
    (runtimes, most) => {
      const months = 3;
      const tokens = 1500;
      const random = new Random(11, 1);
      const jobs = tableOf(
        Array.from({ length: 2400 }, (_, i) => {
          const durationSeconds = HOUR * (1 + 10 * random.nextFloat());
          const requestedSeconds = durationSeconds * (1 + (most - 1) * random.nextFloat());
          const gpuModels = ['H100'];
          return spec(i, { submitSeconds: i * 3000, durationSeconds, requestedSeconds, gpuModels });
        }),
      );
      const budget = { tokens, periodSeconds: MONTH, onEmpty: 'Wait' } as const;
      const tenants = { market: MARKET, tenants: [tenantSpec('a', { budget })] };
      const [result, records] = run({ jobs, tenants, runtimes, horizonSeconds: months * MONTH });
      const spent = byMonth(jobs, records, 'a', months);
      for (const tokensSpent of spent) {
        expect(tokensSpent).toBeLessThanOrEqual(1.05 * tokens);
        expect(tokensSpent).toBeGreaterThanOrEqual(0.95 * tokens);
      }
      const tenant = result.tenants?.find(({ name }) => name === 'a');
      expect(tenant?.spentTokens).toBeCloseTo(0, 6);
      // Without the budget it would have spent all that its jobs want: far more.
      const [free] = run({ jobs, tenants: { market: MARKET, tenants: [tenantSpec('a')] }, runtimes });
      expect(free.gpuHours?.finished).toBeGreaterThan(2 * tokens * months);
    },
  );
});
