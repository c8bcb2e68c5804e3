import { describe, expect, test } from 'vitest';
import { CountingAccounts, QuotaAccounts } from '../../governor/accounts.fixtures.ts';
import type { AccountsRefusal, Ask } from '../../governor/accounts.ts';
import { Random } from '../../kernel/random.ts';
import { DemandTable } from '../../model/demand.ts';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { createFirstFitPolicy } from '../baselines/first-fit.ts';
import type { JobRecords } from '../inputs/job-log.ts';
import { type JobTable, JobTableBuilder } from '../inputs/job-table.ts';
import type { SimulationOptions } from '../inputs/simulation-options.ts';
import type { SimulationResult } from '../metrics/result.ts';
import { runSimulation } from './simulator.ts';

const NODES: NodeSpec[] = Array.from({ length: 4 }, (_, i) => ({
  name: `n${i}`,
  cpuMilli: 8000,
  memoryMib: 1000,
  gpuCount: 0,
  gpuModel: '',
  podsMax: 110,
}));

/** A job of one core a pod, of tenants a to d in turn. */
function spec(i: number): JobSpec {
  return {
    id: `j${i}`,
    tenant: 'abcd'[i % 4] as string,
    priority: 0,
    cpuMilli: 1000,
    memoryMib: 0,
    gpuCount: 0,
    gpuMilli: 0,
    gpuModels: [],
    submitSeconds: 0,
    durationSeconds: 60,
    requestedSeconds: Number.NaN,
    podCount: i % 5 === 0 ? 3 : 1,
    gangMin: i % 5 === 0 ? 3 : 1,
  };
}

function jobs(count: number, perSecond: number): JobTable {
  const builder = new JobTableBuilder(new DemandTable());
  const random = new Random(7, 1);
  let submitSeconds = 0;
  for (let i = 0; i < count; i++) {
    builder.add({ ...spec(i), submitSeconds, durationSeconds: 10 + random.nextInt(100) });
    submitSeconds += random.nextExponential() / perSecond;
  }
  return builder.build();
}

function run(table: JobTable, more: Partial<SimulationOptions>): [SimulationResult, JobRecords] {
  let records: JobRecords | undefined;
  const policy = { name: 'first-fit', create: createFirstFitPolicy };
  const result = runSimulation({
    ...{ nodes: NODES, jobs: table, policy, seed: 1, ...more },
    onJobs: (kept) => {
      records = kept;
    },
  });
  return [result, records as JobRecords];
}

/** Admits no job before a time, and reports that time. */
class OpensAt extends CountingAccounts {
  private readonly atSeconds: number;
  private readonly refused = new Set<number>();

  constructor(atSeconds: number) {
    super();
    this.atSeconds = atSeconds;
  }

  override admit(ask: Ask, timeSeconds: number): AccountsRefusal | undefined {
    super.admit(ask, timeSeconds);
    if (timeSeconds >= this.atSeconds) return undefined;
    this.refused.add(ask.tenant);
    this.dueSeconds = this.atSeconds;
    return { code: 'closed', data: { opensAtSeconds: this.atSeconds } };
  }

  override tick(_timeSeconds: number, wake: (tenant: number) => void): void {
    this.dueSeconds = Number.POSITIVE_INFINITY;
    for (const tenant of this.refused) wake(tenant);
    this.refused.clear();
  }
}

describe('a simulation with accounts', () => {
  test('that only count gives the very result of one without', () => {
    const table = jobs(400, 1);
    const accounts = new CountingAccounts();
    expect(run(table, { accounts })).toEqual(run(table, {}));
    expect(accounts.holds).toBeGreaterThanOrEqual(400);
    expect(accounts.releases).toBe(accounts.holds);
  });

  test('keeps every tenant within its quota, and runs every job in the end', () => {
    const table = jobs(400, 1);
    const accounts = new QuotaAccounts(4);
    const [result, records] = run(table, { accounts });
    expect(result.ended).toBe('drained');
    expect(result.jobs.finished).toBe(400);
    expect(accounts.refusals).toBeGreaterThan(100);
    for (let tenant = 1; tenant <= 4; tenant++) {
      const edges = Array.from(records.tenants.keys())
        .filter((job) => records.tenants[job] === tenant)
        .flatMap((job) => {
          const pods = table.podCounts[job] as number;
          const at = (times: Float64Array): number => times[job] as number;
          return [
            [at(records.startSeconds), pods],
            [at(records.endSeconds), -pods],
          ] as const;
        })
        // At one instant, ends make room first.
        .sort(([x, a], [y, b]) => x - y || a - b);
      let held = 0;
      for (const [, pods] of edges) {
        held += pods;
        expect(held).toBeLessThanOrEqual(4);
      }
    }
  });

  test('is ticked when the accounts want it, though nothing else happens', () => {
    const [result, records] = run(jobs(8, 10), { accounts: new OpensAt(5000.25) });
    expect(result.ended).toBe('drained');
    expect(new Set(records.startSeconds)).toEqual(new Set([5000.25]));
  });

  test('is ticked between events however often, and late in a long run as well', () => {
    const builder = new JobTableBuilder(new DemandTable());
    for (let job = 0; job < 2; job++) builder.add({ ...spec(job), submitSeconds: job * 1e6 });
    const accounts = new QuotaAccounts(0, 60);
    run(builder.build(), { accounts });
    expect(accounts.asks).toBeGreaterThan(1e6 / 60);
  });

  test('ends though they never admit a job, and request ticks forever', () => {
    const [result] = run(jobs(8, 10), { accounts: new QuotaAccounts(0, 60) });
    expect(result.ended).toBe('stalled');
    expect(result.jobs.waiting).toBe(8);
  });

  test('ends though they want ticks at one instant without end', () => {
    const [result] = run(jobs(8, 10), { accounts: new QuotaAccounts(0, 0) });
    expect(result.ended).toBe('stalled');
  });
});
