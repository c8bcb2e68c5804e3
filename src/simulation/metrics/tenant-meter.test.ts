/** What tenants held, borrowed, lent and waited for, call by call. */
import { expect, test } from 'vitest';
import { NodeFlavors } from '../../governor/node-flavors.ts';
import { TenantAccounts } from '../../governor/tenant-accounts.ts';
import { EffectBuffer } from '../../governor/zone/effects.ts';
import { makeCluster } from '../../governor/zone/zone.fixtures.ts';
import { EffectKind, type EffectKindCode, Reason } from '../../governor/zone/zone-events.ts';
import { tenantSpec } from '../../market/tenants/spec.ts';
import { TenantTree } from '../../market/tenants/tenant-tree.ts';
import { gpus, marketOf } from '../../market/tenants/tenants.fixtures.ts';
import { type Demand, DemandTable } from '../../model/demand.ts';
import { JobTableBuilder } from '../inputs/job-table.ts';
import { TenantMeter } from './tenant-meter.ts';

/** Jobs 0, 1, 2 of tenant a and 3 of b, all at 0 s; each tenant has a quota of two of the four A100. */
function world() {
  const builder = new JobTableBuilder(new DemandTable());
  for (const [i, tenant] of ['a', 'a', 'a', 'b'].entries()) {
    builder.add({
      ...{ id: `${i}`, tenant, priority: 0, submitSeconds: 0, durationSeconds: 10 },
      ...{ cpuMilli: 1000, memoryMib: 0, gpuCount: 1, gpuMilli: 1000, gpuModels: [] },
      ...{ requestedSeconds: Number.NaN, podCount: 1, gangMin: 1 },
    });
  }
  const table = builder.build();
  const cluster = makeCluster([2]);
  const specs = ['a', 'b'].map((name) => tenantSpec(name, { quota: gpus('A100', 2) }));
  const tree = new TenantTree(marketOf('A100'), specs, table.tenants);
  const meter = new TenantMeter(
    new TenantAccounts(new NodeFlavors(cluster, tree.market), tree, table.tenants),
    table,
    0,
  );
  const [a, b] = ['a', 'b'].map((name) => table.tenants.find(name)) as [number, number];
  const resultOf = (name: string, end: number) => meter.results(end).find((result) => result.name === name);
  return { meter, a, b, demand: cluster.demands.demands[4] as Demand, resultOf };
}

test('integrals of what is held, borrowed and lent, from each hold to its release', () => {
  const { meter, a, demand, resultOf } = world();
  for (let pod = 0; pod < 3; pod++) meter.onHold(a, pod, demand, 0, 0);
  for (let pod = 0; pod < 3; pod++) meter.onRelease(a, pod, demand, 0, 10);
  // A job that goes on to the end.
  meter.onHold(a, 3, demand, 0, 15);
  meter.onHold(a, 4, demand, 0, 15);
  meter.onHold(a, 5, demand, 0, 15);
  expect(resultOf('a', 20)).toMatchObject({
    used: { gpus: 2.25 },
    borrowed: { gpus: 0.75 },
    lent: { gpus: 0 },
  });
  expect(resultOf('b', 20)).toMatchObject({ used: { gpus: 0 }, borrowed: { gpus: 0 }, lent: { gpus: 0.75 } });
});

test('jobs wait until they start or are dropped, again after a restart, and start once', () => {
  const { meter, resultOf } = world();
  const step = (time: number, ...effects: (readonly [EffectKindCode, number])[]): void => {
    const buffer = new EffectBuffer(10);
    for (const [kind, job] of effects) buffer.pushJob(kind, job, 1, Reason.None);
    meter.afterStep(buffer, time);
  };
  const { JobWaiting, JobStarted, JobRequeued, JobDropped } = EffectKind;
  step(0, [JobWaiting, 0], [JobWaiting, 1], [JobWaiting, 2], [JobWaiting, 3]);
  step(4, [JobStarted, 0], [JobDropped, 1]);
  expect(resultOf('a', 4)).toMatchObject({ started: 1, waiting: 1 });
  expect(resultOf('b', 4)).toMatchObject({ started: 0, waiting: 1, waitP50: null });
  step(6, [JobRequeued, 0]);
  expect(resultOf('a', 6)).toMatchObject({ started: 1, waiting: 2 });
  step(8, [JobStarted, 0]);
  const result = resultOf('a', 8);
  expect(result).toMatchObject({ started: 1, waiting: 1 });
  // Of its first start.
  expect(result?.waitP50).toBeCloseTo(4, 1);
});
