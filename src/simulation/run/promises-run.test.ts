/** Starts that the TEG queue promises where tenants have quotas or limits: firm ones are kept, others are no promises. */
import { expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { marketSpec, quotaFlavor, type TenantSpec, tenantSpec } from '../../market/tenants/spec.ts';
import { DemandTable } from '../../model/demand.ts';
import { createBestFitPolicy } from '../baselines/best-fit.ts';
import { type JobTable, JobTableBuilder } from '../inputs/job-table.ts';
import type { QueueFigures } from '../inputs/queue-figures.ts';
import { runSimulation } from './simulator.ts';

const TENANTS = 4;
const NODES = 8;
const GPUS = 8;

/** Gangs of up to all nodes of a quarter of the cluster's tenants, and single pods; more than can run. */
function jobsOf(seed: number): JobTable {
  const random = new Random(seed);
  const builder = new JobTableBuilder(new DemandTable());
  let submitSeconds = 0;
  for (let i = 0; i < 1500; i++) {
    submitSeconds += 220 * random.nextExponential();
    const isGang = random.nextDouble() < 0.12;
    const podCount = isGang ? 2 ** (1 + random.nextInt(3)) : 1;
    builder.add({
      ...{ id: `j${i}`, tenant: `t${random.nextInt(TENANTS)}`, priority: 0, podCount, gangMin: podCount },
      ...{ cpuMilli: 0, memoryMib: 0, gpuCount: isGang ? GPUS : 2 ** random.nextInt(3), gpuMilli: 1000 },
      ...{ gpuModels: [], submitSeconds, durationSeconds: 1500 * Math.exp(random.nextNormal()) },
      requestedSeconds: Number.NaN,
    });
  }
  return builder.build();
}

function promisesOf(
  seed: number,
  more: Partial<TenantSpec>,
): { made: number; kept: number; evicted: number } {
  let figures: QueueFigures | undefined;
  const node = { cpuMilli: 0, memoryMib: 0, gpuCount: GPUS, gpuModel: 'any', podsMax: 110 };
  const result = runSimulation({
    nodes: Array.from({ length: NODES }, (_, i) => ({ ...node, name: `n${i}` })),
    jobs: jobsOf(seed),
    policy: { name: 'best-fit', create: createBestFitPolicy },
    tenants: {
      market: marketSpec({ flavors: [quotaFlavor('gpus')] }),
      tenants: Array.from({ length: TENANTS }, (_, i) => tenantSpec(`t${i}`, more)),
    },
    ...{ seed, queue: 'teg', runtimes: 'exact', samples: 1, withSeries: false, withEquilibrium: false },
    onQueue: (measured) => {
      figures = measured;
    },
  });
  const { made = 0, kept = 0 } = figures?.promises ?? {};
  return { made, kept, evicted: result.evictions?.jobs.reclaim ?? 0 };
}

test.each([
  { has: 'a quota, all lent', more: { quota: { gpus: { gpuMilli: 16_000 } } }, evicts: true },
  { has: 'a limit', more: { limit: { gpus: { gpuMilli: 64_000 } } }, evicts: false },
  { has: 'neither', more: {}, evicts: false },
])('with exact run times promised starts are kept where each tenant has $has', ({ more, evicts }) => {
  let [made, kept] = [0, 0];
  for (const seed of [1, 2, 3, 4]) {
    const promises = promisesOf(seed, more);
    expect(promises.evicted > 0).toBe(evicts);
    made += promises.made;
    kept += promises.kept;
  }
  expect(kept).toBe(made);
  expect(made).toBeGreaterThan(20);
});
