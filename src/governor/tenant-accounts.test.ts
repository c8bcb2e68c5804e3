/** Accounts of tenants in a zone: nobody passes a limit or takes what is not granted, and nobody is forgotten. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { Random } from '../kernel/random.ts';
import {
  type MarketSpec,
  marketSpec,
  quotaFlavor,
  type TenantSpec,
  tenantSpec,
} from '../market/tenants/spec.ts';
import { TenantTree } from '../market/tenants/tenant-tree.ts';
import { PlainTenantUsage } from '../market/tenants/tenant-usage.oracle.ts';
import type { Demand } from '../model/demand.ts';
import { TenantTable } from '../model/tenants.ts';
import { newAsk, refusalWords } from './accounts.ts';
import { NodeFlavors } from './node-flavors.ts';
import { TenantAccounts, type TenantAccountsOptions } from './tenant-accounts.ts';
import { TenantRefusals } from './tenant-refusals.ts';
import { AnyFit, FirstFit, makeCluster, moves, nodeKinds, Script } from './zone/zone.fixtures.ts';
import { Zone } from './zone/zone.ts';
import { JobState, type JobSubmittedEvent, ZoneEventKind } from './zone/zone-events.ts';

/** Of the nodes in `NODE_KINDS`: T4 and A100 (by label); those without GPUs have no flavour. */
const MARKET: MarketSpec = marketSpec({
  flavors: [
    quotaFlavor('t4', { gpuModels: ['T4'] }),
    quotaFlavor('a100', { nodeLabels: { zone: 'b' }, unitsPerHour: { core: 0, gib: 0, gpu: 4 } }),
  ],
});
const FLAVORS = ['t4', 'a100'];
const T4_NODE = 1;
const A100_NODE = 2;
/** Whole GPUs, on any model: one and two. */
const ONE_GPU = 4;
const TWO_GPUS = 5;
const ONE_A100 = 6;
const HOUR = 3600;

interface World {
  readonly zone: Zone;
  readonly accounts: TenantAccounts;
  readonly tree: TenantTree;
}

/** Tenants a, b and x are numbers 1, 2 and 3; the tree knows x only if it is among the tenants. */
function worldOf(
  kinds: readonly number[],
  tenants: readonly TenantSpec[],
  options?: TenantAccountsOptions,
): World {
  const table = new TenantTable();
  for (const name of ['a', 'b', 'x']) table.intern(name);
  const tree = new TenantTree(MARKET, tenants, table);
  const cluster = makeCluster(kinds);
  const accounts = new TenantAccounts(new NodeFlavors(cluster, tree.market), tree, table, options);
  return { zone: new Zone(cluster, new FirstFit(cluster), {}, accounts), accounts, tree };
}

function submission(job: number, tenant: number, more: Partial<JobSubmittedEvent> = {}): JobSubmittedEvent {
  const event = {
    kind: ZoneEventKind.JobSubmitted,
    job,
    demandId: ONE_GPU,
    podCount: 1,
    gangMin: 1,
    priority: 0,
  };
  return { ...event, tenant, ...more };
}

function finish({ zone }: World, job: number, time: number): void {
  zone.step({ kind: ZoneEventKind.JobFinished, job }, time);
}

function nodeOf({ zone }: World, job: number): number {
  let found = -1;
  zone.forEachPod(job, (_, node) => {
    found = node;
  });
  return found;
}

const gpu = (count: number) => ({ gpuMilli: count * 1000 });

test('refusals have the figures of their own tenant, flavour and job', () => {
  const { accounts } = worldOf(
    [T4_NODE, A100_NODE],
    [
      tenantSpec('a'),
      tenantSpec('b', { quota: { t4: gpu(2), a100: gpu(4) }, lend: { t4: gpu(0), a100: gpu(0) } }),
    ],
  );
  const table = new TenantTable();
  for (const name of ['a', 'b', 'x']) table.intern(name);
  const refusals = new TenantRefusals(accounts.usage, accounts.budgets, table);
  const refused = (lacking: number, need: number) =>
    refusals.noHeadroom(1, lacking, new Float64Array([0, 0, need, 0, 0, need]), lacking).data;
  expect(refused(1, 1000)).toMatchObject({ tenant: 'a', flavor: 't4', needGpus: 1 });
  expect(refused(1, 2000)).toMatchObject({ flavor: 't4', needGpus: 2 });
  expect(refused(2, 2000)).toMatchObject({ flavor: 'a100', needGpus: 2 });
  expect(refusals.flavorsFull(1, 1, 2).data).toMatchObject({ tenant: 'a', fullFlavors: 't4' });
  expect(refusals.flavorsFull(2, 1, 2).data).toMatchObject({ tenant: 'b', withoutHeadroom: 'a100' });
});

describe('accounts of tenants', () => {
  test('lend idle quota, and say what is lacking when it is used up', () => {
    const world = worldOf(
      [T4_NODE, T4_NODE],
      [
        tenantSpec('a', { quota: { t4: gpu(3) } }),
        tenantSpec('b', { quota: { t4: gpu(1) }, lend: { t4: gpu(0) } }),
      ],
    );
    const { zone } = world;
    zone.step(submission(0, 2, { demandId: TWO_GPUS }), 0);
    zone.step(submission(1, 2, { demandId: TWO_GPUS }), 1);
    expect([zone.stateOf(0), zone.stateOf(1)]).toEqual([JobState.Running, JobState.Running]);
    finish(world, 1, 2);
    zone.step(submission(2, 1, { demandId: TWO_GPUS }), 3);
    zone.step(submission(3, 1), 4);
    expect(zone.refusalOf(3)).toEqual({
      code: 'quota-used-up',
      data: { tenant: 'a', flavor: 't4', needGpus: 1, availableGpus: 0, quotaGpus: 3, lentGpus: 1 },
    });
    // A tenant that nobody declared has what is idle, and what is not granted to anybody: nothing here.
    zone.step(submission(4, 3), 5);
    expect(zone.refusalOf(4)?.data).toMatchObject({ tenant: 'default', quotaGpus: 0 });
    finish(world, 0, 6);
    expect([zone.stateOf(3), zone.stateOf(4)]).toEqual([JobState.Running, JobState.Waiting]);
    zone.check();
  });

  test('keep limits of tenants above, and report which', () => {
    const { zone } = worldOf(
      [T4_NODE, T4_NODE],
      [tenantSpec('a', { limit: { t4: gpu(2) } }), tenantSpec('b', { parent: 'a', quota: { t4: gpu(1) } })],
    );
    zone.step(submission(0, 1, { demandId: TWO_GPUS }), 0);
    zone.step(submission(1, 2), 1);
    const refusal = zone.refusalOf(1);
    expect(refusal).toMatchObject({
      code: 'limit-reached',
      data: { tenant: 'a', flavor: 't4', needGpus: 1, heldGpus: 2, limitGpus: 2 },
    });
    expect(refusal && refusalWords(refusal)).toBe(
      'not admitted: limit-reached (tenant a, flavor t4, needGpus 1, heldGpus 2, limitGpus 2)',
    );
  });

  test('start nothing of a tenant that is held, and everything else', () => {
    const { zone } = worldOf(
      [T4_NODE],
      [tenantSpec('a', { state: 'HoldAndDrain' }), tenantSpec('b', { parent: 'a' })],
    );
    zone.step(submission(0, 2), 0);
    zone.step(submission(1, 3), 0);
    expect(zone.refusalOf(0)).toEqual({ code: 'tenant-held', data: { tenant: 'a', state: 'HoldAndDrain' } });
    expect(zone.stateOf(1)).toBe(JobState.Running);
  });

  test('count nodes that join, and jobs without GPUs only where somebody has a quota of CPU', () => {
    const world = worldOf([T4_NODE], [tenantSpec('a', { quota: { t4: gpu(2) } })]);
    const { zone } = world;
    for (let job = 0; job < 3; job++) zone.step(submission(job, 2), job);
    zone.step(submission(3, 2, { demandId: 0 }), 3);
    expect([0, 1, 2, 3].map((job) => zone.stateOf(job))).toEqual([
      JobState.Running,
      JobState.Running,
      JobState.Waiting,
      JobState.Running,
    ]);
    const spec = {
      name: 'more',
      cpuMilli: 8000,
      memoryMib: 16000,
      gpuCount: 2,
      gpuModel: 'T4',
      podsMax: 110,
    };
    zone.step({ kind: ZoneEventKind.NodeJoined, spec }, 4);
    zone.step(submission(4, 2), 5);
    expect(zone.stateOf(4)).toBe(JobState.Running);
  });
});

describe('a job that several flavours could serve', () => {
  const tenants = [tenantSpec('a', { limit: { a100: gpu(1) } }), tenantSpec('b')];

  test('goes where its tenant has room, though another node comes first', () => {
    const world = worldOf([A100_NODE, T4_NODE], tenants);
    for (let job = 0; job < 3; job++) world.zone.step(submission(job, 1), job);
    expect([0, 1, 2].map((job) => nodeOf(world, job))).toEqual([0, 1, 1]);
    world.zone.step(submission(3, 2), 3);
    expect(nodeOf(world, 3)).toBe(0);
  });

  test('waits while these are full, says so, and starts as soon as one of both has room for it', () => {
    for (const [ends, node] of [
      [1, 1],
      [0, 0],
    ] as const) {
      const world = worldOf([A100_NODE, T4_NODE], tenants);
      const { zone } = world;
      for (let job = 0; job < 4; job++) zone.step(submission(job, 1), job);
      expect(zone.refusalOf(3)).toEqual({
        code: 'flavors-full',
        data: { tenant: 'a', fullFlavors: 't4', withoutHeadroom: 'a100' },
      });
      // Another tenant's job of the same shape is not blocked.
      zone.step(submission(4, 2), 4);
      expect(nodeOf(world, 4)).toBe(0);
      finish(world, ends, 5);
      expect(nodeOf(world, 3)).toBe(node);
      zone.check();
    }
  });

  test('is refused if the caller cannot narrow it', () => {
    const { zone, accounts } = worldOf([A100_NODE, T4_NODE], tenants);
    const demand = zone.cluster.demands.demands[TWO_GPUS] as Demand;
    const ask = { ...newAsk(), tenant: 1, pods: 1, podsMin: 1, demands: [demand], counts: [1] };
    expect(accounts.admit(ask, 0)?.code).toBe('limit-reached');
    expect(ask.demands[0]).toBe(demand);
    expect(accounts.admit({ ...ask, tenant: 2 }, 0)).toBeUndefined();
    const narrow = { ...ask, mayNarrow: true };
    expect(accounts.admit(narrow, 0)).toBeUndefined();
    expect(narrow.demands[0]).not.toBe(demand);
  });
});

describe('budgets', () => {
  const monthly = { tokens: 8, periodSeconds: 10 * HOUR, onEmpty: 'Wait' } as const;

  test('hold jobs back that would pass them, until another ends early or the next period begins', () => {
    const world = worldOf([A100_NODE], [tenantSpec('a', { budget: monthly, defaultRuntimeSeconds: HOUR })]);
    const { zone } = world;
    for (let job = 0; job < 3; job++) zone.step(submission(job, 1, { demandId: ONE_A100 }), 0);
    expect(zone.refusalOf(2)).toEqual({
      code: 'budget-empty',
      data: {
        tenant: 'a',
        budgetTokens: 8,
        spentTokens: 0,
        reservedTokens: 8,
        periodEndsAtSeconds: 10 * HOUR,
      },
    });
    expect(zone.dueSeconds).toBe(10 * HOUR);
    // Half an hour each, so that there is enough left for one whole hour.
    finish(world, 0, HOUR / 2);
    expect(zone.stateOf(2)).toBe(JobState.Waiting);
    expect(zone.dueSeconds).toBe(10 * HOUR);
    finish(world, 1, HOUR / 2);
    expect(zone.stateOf(2)).toBe(JobState.Running);
    finish(world, 2, 1.5 * HOUR);
    zone.step(submission(3, 1, { demandId: ONE_A100 }), 2 * HOUR);
    expect(zone.stateOf(3)).toBe(JobState.Waiting);
    zone.step({ kind: ZoneEventKind.Tick }, zone.dueSeconds);
    expect([zone.stateOf(3), zone.timeSeconds]).toEqual([JobState.Running, 10 * HOUR]);
  });

  test('refuse in a later period with its figures', () => {
    const world = worldOf([A100_NODE], [tenantSpec('a', { budget: monthly, defaultRuntimeSeconds: HOUR })]);
    const { zone } = world;
    const figures = (job: number): unknown => {
      const { spentTokens, reservedTokens, periodEndsAtSeconds } = zone.refusalOf(job)?.data ?? {};
      return { spentTokens, reservedTokens, periodEndsAtSeconds };
    };
    zone.step(submission(0, 1, { demandId: ONE_A100 }), 0);
    zone.step(submission(1, 1, { demandId: ONE_A100, podCount: 2, gangMin: 2 }), 0);
    expect(figures(1)).toEqual({ spentTokens: 0, reservedTokens: 4, periodEndsAtSeconds: 10 * HOUR });
    finish(world, 0, HOUR);
    zone.step(submission(2, 1, { demandId: ONE_A100, podCount: 2, gangMin: 2 }), HOUR);
    // The next period pays for the two, and no third.
    zone.step({ kind: ZoneEventKind.Tick }, 10 * HOUR);
    expect([1, 2].map((job) => zone.stateOf(job))).toEqual([JobState.Running, JobState.Waiting]);
    zone.step(submission(3, 1, { demandId: ONE_A100 }), 10 * HOUR);
    for (const job of [2, 3])
      expect(figures(job)).toEqual({ spentTokens: 0, reservedTokens: 8, periodEndsAtSeconds: 20 * HOUR });
  });

  test('wake a tenant for the cheapest of the jobs that they did not cover', () => {
    const world = worldOf([A100_NODE], [tenantSpec('a', { budget: monthly, defaultRuntimeSeconds: HOUR })]);
    const { zone } = world;
    for (const job of [0, 1]) zone.step(submission(job, 1, { demandId: ONE_A100 }), 0);
    zone.step(submission(2, 1, { demandId: ONE_A100, podCount: 2, gangMin: 2 }), 0);
    zone.step(submission(3, 1, { demandId: ONE_A100 }), 0);
    // Half an hour each: four of eight tokens are left, enough for one of the two pods.
    finish(world, 0, HOUR / 2);
    expect([2, 3].map((job) => zone.stateOf(job))).toEqual([JobState.Waiting, JobState.Waiting]);
    finish(world, 1, HOUR / 2);
    expect([2, 3].map((job) => zone.stateOf(job))).toEqual([JobState.Waiting, JobState.Running]);
  });

  test('charge the price at the start of a job, and expect the run time that it is known to have', () => {
    let price = 1;
    const { zone, accounts } = worldOf([A100_NODE], [tenantSpec('a', { budget: monthly })], {
      price: () => price,
      expectedSeconds: (job) => (job === 0 ? HOUR / 4 : Number.NaN),
    });
    price = 2;
    zone.step(submission(0, 1), 0);
    price = 5;
    expect(accounts.budgets.reservedOf(1, 0)).toBe(2);
    zone.step({ kind: ZoneEventKind.JobFinished, job: 0 }, HOUR);
    expect(accounts.budgets.spentOf(1, HOUR)).toBe(8);
    expect(accounts.budgets.reservedOf(1, HOUR)).toBe(0);
  });

  test('that go on with idle capacity admit, and mark the tenant', () => {
    const idle = { ...monthly, onEmpty: 'IdleOnly' } as const;
    const { zone, accounts } = worldOf(
      [A100_NODE],
      [tenantSpec('a', { budget: idle }), tenantSpec('b', { weight: 0 })],
    );
    for (let job = 0; job < 3; job++) {
      zone.step(submission(job, 1), 0);
      expect(zone.stateOf(job)).toBe(JobState.Running);
    }
    // The third is unknown: the default tenant's.
    expect([1, 2, 3].map((tenant) => accounts.isIdleOnly(tenant, 0))).toEqual([true, true, true]);
    // They overrun by now, and reserve nothing any more.
    expect(accounts.isIdleOnly(1, 30 * HOUR + 1)).toBe(false);
  });
});

function drawSpecs(random: Random): TenantSpec[] {
  const amounts = (count: number) => ({
    gpuMilli: 500 * random.nextInt(2 * count),
    cpuMilli: 1000 * random.nextInt(count),
  });
  const spec = (name: string, parent: string): TenantSpec => {
    const quota = { t4: amounts(4), a100: random.nextInt(2) === 0 ? {} : amounts(4) };
    const limit = random.nextInt(2) === 0 ? {} : { a100: { gpuMilli: 16_000 + 500 * random.nextInt(8) } };
    const lend = random.nextInt(3) === 0 ? { t4: { gpuMilli: random.nextInt(quota.t4.gpuMilli + 1) } } : {};
    return tenantSpec(name, { parent, quota, limit, lend });
  };
  return [spec('a', ''), spec('b', random.nextInt(2) === 0 ? 'a' : '')];
}

/** Counts the running pods of a zone, with the plain usage of the same tree. */
function plainOf({ zone }: World, specs: readonly TenantSpec[]): PlainTenantUsage {
  const plain = new PlainTenantUsage([...specs, tenantSpec('default')]);
  const { cluster } = zone;
  for (let node = 0; node < cluster.nodeCount; node++) {
    const flavor = flavorOf(zone, node);
    if (flavor === undefined) continue;
    const { cpuMilli, memoryMib, gpuCount } = cluster.flavorOf(node);
    [cpuMilli, memoryMib, gpuCount * 1000].forEach((amount, resource) => {
      const key = `${flavor}/${resource}`;
      plain.capacity.set(key, (plain.capacity.get(key) ?? 0) + amount);
    });
    zone.forEachPodOn(node, (job) => {
      const demand = zone.demandOf(job);
      const tenant = ['default', 'a', 'b', 'default'][zone.tenantOf(job)] as string;
      [demand.cpuMilli, demand.memoryMib, demand.gpuTotalMilli].forEach((amount, resource) => {
        plain.holdings.push({ tenant, flavor, resource, amount });
      });
    });
  }
  return plain;
}

function flavorOf({ cluster }: Zone, node: number): string | undefined {
  const { gpuModel, labels } = cluster.flavorOf(node);
  return gpuModel === 'T4' ? 't4' : labels['zone'] === 'b' ? 'a100' : undefined;
}

/** True if a waiting job could start now: on nodes of the flavours that have room for all of it, by brute force. */
function couldStart(zone: Zone, job: number, plain: PlainTenantUsage): boolean {
  const { cluster } = zone;
  const demand = zone.demandOf(job);
  const { podCount = 0, gangMin = 0 } = zone.explain(job) ?? {};
  const tenant = ['default', 'a', 'b', 'default'][zone.tenantOf(job)] as string;
  const hasRoom = (flavor: string): boolean =>
    [demand.cpuMilli, demand.memoryMib, demand.gpuTotalMilli].every(
      (amount, resource) => amount === 0 || plain.mayHold(tenant, flavor, resource, podCount * amount),
    );
  const open = new Set(FLAVORS.filter(hasRoom));
  const placed: [number, number][] = [];
  for (let node = 0; node < cluster.nodeCount; node++) {
    const flavor = flavorOf(zone, node);
    while ((flavor === undefined || open.has(flavor)) && cluster.fits(node, demand)) {
      placed.push([node, cluster.bestFitGpus(node, demand)]);
      cluster.place(node, demand, placed.at(-1)?.[1] as number);
    }
  }
  for (const [node, gpuMask] of placed) cluster.release(node, demand, gpuMask);
  return placed.length >= gangMin;
}

describe('random lives of jobs, nodes and tenants', () => {
  test('nobody passes a limit or takes what is not granted, and no job waits that could start', () => {
    let heldBack = 0;
    let narrowed = 0;
    checkProperty(
      fc.property(nodeKinds, moves, fc.integer(), (kinds, script, seed) => {
        const random = new Random(seed, 1);
        const specs = drawSpecs(random);
        const world = worldOf([T4_NODE, A100_NODE, ...kinds], specs);
        const { accounts } = world;
        const { cluster } = world.zone;
        const zone = new Zone(cluster, new AnyFit(cluster), {}, accounts);
        const writer = new Script(zone);
        let time = 0;
        for (const move of script) {
          const event = writer.next(move);
          if (event === undefined) continue;
          time += move.wait;
          zone.step(event, time);
          const plain = plainOf({ ...world, zone }, specs);
          for (const flavor of FLAVORS) {
            for (let resource = 0; resource < 3; resource++) {
              expect(plain.isWithinBounds(flavor, resource)).toBe(true);
            }
          }
          if (zone.hasPostponed) continue;
          zone.forEachWaitingJob((job) => {
            const code = zone.refusalOf(job)?.code;
            if (code === undefined) return;
            heldBack++;
            if (code === 'flavors-full') narrowed++;
            expect(couldStart(zone, job, plain), `job ${job}, ${code}`).toBe(false);
          });
        }
        zone.check();
      }),
      { numRuns: 300 },
    );
    expect(heldBack).toBeGreaterThan(1000);
    expect(narrowed).toBeGreaterThan(30);
  });
});
