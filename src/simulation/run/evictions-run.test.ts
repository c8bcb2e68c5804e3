/** Evictions in a simulation with tenants: lenders get their quota back, gangs go whole, nothing is evicted in vain. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import {
  marketSpec,
  PREEMPTION_DEFAULTS,
  quotaFlavor,
  type TenantSpec,
  tenantSpec,
} from '../../market/tenants/spec.ts';
import { DemandTable } from '../../model/demand.ts';
import type { JobSpec } from '../../model/job.ts';
import { type JobTable, JobTableBuilder } from '../inputs/job-table.ts';
import { policyByName } from '../inputs/policies.ts';
import { type SimulationResult, simulationResultSchema } from '../metrics/result.ts';
import type { DisciplineName } from '../queueing/queue-names.ts';
import { runSimulation } from './simulator.ts';

const HOUR = 3600;
const MARKET = marketSpec({ flavors: [quotaFlavor('gpu', { gpuModels: ['A100'] })] });
const NODES = Array.from({ length: 8 }, (_, i) => ({
  ...{ name: `n${i}`, cpuMilli: 64_000, memoryMib: 256_000, gpuCount: 8, gpuModel: 'A100', podsMax: 110 },
}));

function job(id: number, tenant: string, more: Partial<JobSpec>): JobSpec {
  return {
    ...{ id: `j${id}`, tenant, priority: 0, cpuMilli: 1000, memoryMib: 1000, gpuCount: 1, gpuMilli: 1000 },
    ...{ gpuModels: ['A100'], submitSeconds: 0, durationSeconds: HOUR, requestedSeconds: HOUR },
    ...{ podCount: 1, gangMin: 1, ...more },
  };
}

function tableOf(specs: readonly JobSpec[]): JobTable {
  const builder = new JobTableBuilder(new DemandTable());
  for (const spec of specs) builder.add(spec);
  return builder.build();
}

function team(name: string, quota: number, more: Partial<TenantSpec> = {}): TenantSpec {
  return tenantSpec(name, { quota: { gpu: { gpuMilli: 1000 * quota } }, ...more });
}

function run(
  jobs: JobTable,
  tenants: readonly TenantSpec[],
  queue: DisciplineName = 'teg',
): SimulationResult {
  const result = runSimulation({
    ...{ jobs, nodes: NODES, policy: policyByName('teg'), seed: 1, queue, runtimes: 'declared' },
    tenants: { market: MARKET, tenants },
  });
  simulationResultSchema.parse(result);
  return result;
}

function waitOf(result: SimulationResult, name: string): number | null | undefined {
  return result.tenants?.find((tenant) => tenant.name === name)?.waitP99;
}

describe('a lender', () => {
  // Borrowers hold all 64 GPUs from the start; the lender comes after 15 minutes, with a gang and single jobs.
  const specs = [
    ...Array.from({ length: 8 }, (_, i) => job(i, 'borrower', { podCount: 8, gangMin: 8 })),
    job(8, 'lender', { podCount: 16, gangMin: 16, submitSeconds: 900 }),
    ...Array.from({ length: 8 }, (_, i) => job(9 + i, 'lender', { submitSeconds: 900 })),
  ];

  test('gets its quota back at once by evictions of whole gangs, none in vain', () => {
    const result = run(tableOf(specs), [team('lender', 24), team('borrower', 0)]);
    expect(result.evictions).toMatchObject({
      wasted: 0,
      pods: 24,
      jobs: { reclaim: 3, within: 0, fairShare: 0 },
    });
    expect(result.evictions?.lostGpuHours).toBeCloseTo(24 * 0.25, 6);
    expect(waitOf(result, 'lender')).toBe(0);
  });

  test('waits for the ends of others where the queue does not evict, or borrowers need not give back', () => {
    const easy = run(tableOf(specs), [team('lender', 24), team('borrower', 0)], 'easy');
    expect(easy.evictions).toBeUndefined();
    expect(waitOf(easy, 'lender')).toBeGreaterThan(2000);
    const preemption = { ...PREEMPTION_DEFAULTS, reclaimable: false };
    const never = run(tableOf(specs), [team('lender', 24), team('borrower', 0, { preemption })]);
    expect(never.evictions?.pods).toBe(0);
    expect(waitOf(never, 'lender')).toBeGreaterThan(2000);
  });
});

describe('checkpoints', () => {
  /** One borrower of an hour on all GPUs, and a lender that claims them after 25 minutes for 10 minutes. */
  function evictedOnce(more: Partial<JobSpec>): SimulationResult {
    const borrower = job(0, 'borrower', { podCount: 64, gangMin: 64, ...more });
    const claim = { podCount: 8, gangMin: 8, submitSeconds: 1500, durationSeconds: 600 };
    return run(tableOf([borrower, job(1, 'lender', claim)]), [team('lender', 64), team('borrower', 0)]);
  }

  test('an evicted job goes on from its last one: only the rest is lost', () => {
    const none = evictedOnce({});
    expect(none.endSeconds).toBe(1500 + 600 + HOUR);
    expect(none.evictions?.lostGpuHours).toBeCloseTo((64 * 1500) / HOUR, 9);
    const some = evictedOnce({ checkpointSeconds: 600 });
    expect(some.endSeconds).toBe(1500 + 600 + HOUR - 1200);
    expect(some.evictions?.lostGpuHours).toBeCloseTo((64 * 300) / HOUR, 9);
    expect(some.gpuHours?.lost).toBeCloseTo((64 * 300) / HOUR, 9);
    expect(some.gpuHours?.finished).toBeCloseTo(64 + (8 * 600) / HOUR, 9);
  });

  test('of equal jobs the one that has just made one goes', () => {
    const half = { podCount: 32, gangMin: 32 };
    const specs = [
      job(0, 'borrower', { ...half, checkpointSeconds: 1490 }),
      job(1, 'borrower', { ...half, checkpointSeconds: 800 }),
      job(2, 'lender', { ...half, submitSeconds: 1500 }),
    ];
    const result = run(tableOf(specs), [team('lender', 32), team('borrower', 0)]);
    expect(result.evictions?.lostGpuHours).toBeCloseTo((32 * 10) / HOUR, 9);
  });
});

test('on a busy cluster nothing is evicted in vain, and the same run evicts the same', () => {
  const random = new Random(3);
  const specs = Array.from({ length: 600 }, (_, i) => {
    const podCount = random.nextInt(5) === 0 ? 4 + random.nextInt(12) : 1;
    return job(i, ['a', 'b', 'c'][random.nextInt(3)] as string, {
      ...{ podCount, gangMin: podCount, priority: random.nextInt(3), submitSeconds: i * 60 },
      durationSeconds: 600 + random.nextInt(3 * HOUR),
    });
  });
  const tenants = [team('a', 24), team('b', 16), team('c', 0, { weight: 2 })];
  const once = run(tableOf(specs), tenants);
  expect(once.evictions?.plans).toBeGreaterThan(20);
  expect(once.evictions?.wasted).toBe(0);
  expect(run(tableOf(specs), tenants).evictions).toEqual(once.evictions);
});
