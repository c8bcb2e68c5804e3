/** Reasons at the end of a run are those of then: a job that another one names still waits, and its start is to come. */
import { expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { marketSpec, quotaFlavor, tenantSpec } from '../../market/tenants/spec.ts';
import { DemandTable } from '../../model/demand.ts';
import { createBestFitPolicy } from '../baselines/best-fit.ts';
import { type JobTable, JobTableBuilder } from '../inputs/job-table.ts';
import type { SimulationResult } from '../metrics/result.ts';
import { runSimulation } from './simulator.ts';

const NODES = 4;
const GPUS = 8;

/** Gangs and many equal single pods: more than can run. */
function jobsOf(seed: number): JobTable {
  const random = new Random(seed);
  const builder = new JobTableBuilder(new DemandTable());
  let submitSeconds = 0;
  for (let i = 0; i < 400; i++) {
    submitSeconds += 60 * random.nextExponential();
    const podCount = random.nextDouble() < 0.1 ? 2 : 1;
    builder.add({
      ...{ id: `j${i}`, tenant: `t${random.nextInt(2)}`, priority: 0, podCount, gangMin: podCount },
      ...{ cpuMilli: 0, memoryMib: 0, gpuCount: podCount > 1 ? GPUS : 2, gpuMilli: 1000 },
      ...{ gpuModels: [], submitSeconds, durationSeconds: 1500 * Math.exp(random.nextNormal()) },
      requestedSeconds: Number.NaN,
    });
  }
  return builder.build();
}

function waitingAt(seed: number, horizonSeconds: number): NonNullable<SimulationResult['waiting']> {
  const node = { cpuMilli: 0, memoryMib: 0, gpuCount: GPUS, gpuModel: 'any', podsMax: 110 };
  const result = runSimulation({
    nodes: Array.from({ length: NODES }, (_, i) => ({ ...node, name: `n${i}` })),
    jobs: jobsOf(seed),
    policy: { name: 'best-fit', create: createBestFitPolicy },
    tenants: {
      market: marketSpec({ flavors: [quotaFlavor('gpus')] }),
      tenants: [tenantSpec('t0', {}), tenantSpec('t1', {})],
    },
    ...{ seed, queue: 'teg', runtimes: 'exact', samples: 1, withSeries: false, withEquilibrium: false },
    horizonSeconds,
  });
  expect(result.waiting).toBeDefined();
  return result.waiting as NonNullable<SimulationResult['waiting']>;
}

test('no reason names a champion that has started, or a start that has passed', () => {
  let named = 0;
  for (let seed = 1; seed <= 4; seed++) {
    for (const horizon of [8_000, 14_000, 20_000]) {
      const { jobs, count, atSeconds } = waitingAt(seed, horizon);
      expect(jobs.length).toBe(count);
      const waiting = new Set(jobs.map(({ id }) => id));
      for (const { data } of jobs) {
        const { forJob, startsBySeconds } = data;
        if (startsBySeconds !== undefined) expect(Number(startsBySeconds)).toBeGreaterThanOrEqual(atSeconds);
        if (forJob === undefined) continue;
        named++;
        expect(waiting).toContain(forJob);
      }
    }
  }
  // The test would pass without a single champion.
  expect(named).toBeGreaterThan(50);
});
