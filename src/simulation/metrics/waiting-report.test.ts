/** Waiting jobs are listed as the queue would start them. */
import { expect, test } from 'vitest';
import { DemandTable } from '../../model/demand.ts';
import { JobTableBuilder } from '../inputs/job-table.ts';
import { waitingReport } from './waiting-report.ts';

const REASONS = { reasonOf: () => 0 as never, refusalOf: () => undefined };

function report(shares?: Readonly<Record<string, number>>): string[] {
  const builder = new JobTableBuilder(new DemandTable());
  for (const [id, tenant, priority] of [
    ['a1', 'a', 0],
    ['a2', 'a', 0],
    ['b1', 'b', 0],
    ['a3', 'a', 9],
    ['b2', 'b', 0],
  ] as const) {
    builder.add({
      ...{ id, tenant, user: tenant, priority, cpuMilli: 0, memoryMib: 0, gpuCount: 1, gpuMilli: 1000 },
      ...{ gpuModels: [], submitSeconds: 0, durationSeconds: 1, podCount: 1, gangMin: 1 },
      requestedSeconds: 1,
    });
  }
  const table = builder.build();
  const zone = {
    ...REASONS,
    forEachWaitingJob: (visit: (job: number) => void) => [4, 2, 0, 3, 1].forEach(visit),
  };
  const turns = shares && {
    shareOf: (tenant: number) => shares[table.tenants.nameOf(tenant)] as number,
    stepOf: () => 1,
  };
  return waitingReport(zone, table, 10, { turns }).jobs.map(({ id, position }) => `${position} ${id}`);
}

test('by priority and arrival where tenants are not ordered', () => {
  expect(report()).toEqual(['0 a3', '1 a1', '2 a2', '3 b1', '4 b2']);
});

test('by turn: each start counts, and of equal shares priority and arrival decide', () => {
  expect(report({ a: 1.5, b: 0 })).toEqual(['0 b1', '1 b2', '2 a3', '3 a1', '4 a2']);
  expect(report({ a: 0, b: 0 })).toEqual(['0 a3', '1 b1', '2 a1', '3 b2', '4 a2']);
  expect(report({ a: 0.5, b: Number.POSITIVE_INFINITY })).toEqual(['0 a3', '1 a1', '2 a2', '3 b1', '4 b2']);
});
