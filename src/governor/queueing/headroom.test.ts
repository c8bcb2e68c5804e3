/** Headroom of quotas and limits, kept for gangs: who waits for it, who does not, and what is given back. */
import { describe, expect, it } from 'vitest';
import { type TenantSpec, tenantSpec } from '../../market/tenants/spec.ts';
import { TenantTree } from '../../market/tenants/tenant-tree.ts';
import { gpus, marketOf } from '../../market/tenants/tenants.fixtures.ts';
import { TenantTable } from '../../model/tenants.ts';
import { NodeFlavors } from '../node-flavors.ts';
import { TenantAccounts } from '../tenant-accounts.ts';
import { HeadroomClaims } from './headroom.ts';
import { World } from './teg-world.fixtures.ts';

const A100_NODE = 2;

interface Built {
  readonly world: World;
  readonly accounts: TenantAccounts;
  tenant(name: string): number;
}

/** Sixteen A100 on four nodes. */
function worldOf(tenants: readonly TenantSpec[], keepsHeadroom = true): Built {
  const table = new TenantTable();
  const tree = new TenantTree(marketOf('A100'), tenants, table);
  const made: TenantAccounts[] = [];
  const world = new World({
    nodes: [A100_NODE, A100_NODE, A100_NODE, A100_NODE],
    economy: (cluster) => {
      const accounts = new TenantAccounts(new NodeFlavors(cluster, tree.market), tree, table);
      made.push(accounts);
      return keepsHeadroom ? { accounts, headroom: new HeadroomClaims(accounts) } : { accounts };
    },
  });
  return { world, accounts: made[0] as TenantAccounts, tenant: (name) => table.find(name) };
}

/** `own` may hold 8 GPUs, and its small jobs of 100 s come every 20 s, before and behind a gang of 8. */
function crowdedLimit(keepsHeadroom: boolean): Built {
  const built = worldOf([tenantSpec('own', { limit: gpus('A100', 8) }), tenantSpec('other')], keepsHeadroom);
  const { world } = built;
  const tenant = built.tenant('own');
  for (let job = 100; job < 200; job++) {
    world.submit(job, 1, 100, { tenant });
    if (job === 110) world.submit(1, 8, 50, { tenant });
    world.tick();
    world.runTo(world.time + 12);
  }
  return built;
}

describe('a gang above its tenant’s limit', () => {
  it('starts although small jobs of its tenant keep coming, and would not if no headroom were kept', () => {
    const kept = crowdedLimit(true).world;
    const notKept = crowdedLimit(false).world;
    expect(kept.starts.get(1)).toBeLessThan(800);
    expect(notKept.starts.get(1)).toBeUndefined();
  });

  it('starts where no ends are known, once it has waited as long as one for which nodes are drained', () => {
    const startOf = (keepsHeadroom: boolean): number | undefined => {
      const { world, tenant } = worldOf([tenantSpec('own', { limit: gpus('A100', 8) })], keepsHeadroom);
      const own = { tenant: tenant('own'), expectedSeconds: Number.NaN };
      for (let job = 100; world.time < 47_000; job++) {
        world.submit(job, 1, 1000, own);
        if (job === 110) world.submit(1, 8, 50, own);
        world.tick();
        world.runTo(world.time + 120);
      }
      return world.starts.get(1);
    };
    expect(startOf(false)).toBeUndefined();
    // 12 hours; then it takes the run time of the others.
    const start = startOf(true);
    expect(start).toBeGreaterThan(43_200);
    expect(start).toBeLessThan(46_000);
  });

  it('drains headroom for a bounded time: a job without an end keeps others of its tenant waiting for three hours', () => {
    const { world, tenant } = worldOf([tenantSpec('own', { limit: gpus('A100', 8) })]);
    const own = { tenant: tenant('own'), expectedSeconds: Number.NaN };
    world.submit(0, 1, 1e6, own);
    world.submit(1, 8, 50, own);
    for (let job = 100; world.time < 60_000; job++) {
      world.submit(job, 1, 100, own);
      world.tick();
      world.runTo(world.time + 60);
    }
    const starts = [...world.starts.values()].sort((a, b) => a - b);
    const gaps = starts.map((start, i) => start - (starts[i - 1] ?? 0)).filter((gap) => gap > 300);
    expect(world.starts.has(1)).toBe(false);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toBeGreaterThan(10_700);
    expect(gaps[0]).toBeLessThan(11_000);
  });

  it('says so, and so do those that it holds up; others, and those that end in time, start', () => {
    const { world, tenant } = worldOf([
      tenantSpec('own', { limit: gpus('A100', 8) }),
      tenantSpec('other', {}),
    ]);
    const own = { tenant: tenant('own') };
    world.submit(0, 7, 200, own);
    world.tick();
    world.submit(1, 8, 50, own);
    world.tick();
    // Half of 8 pods for 200 s, of which a gang of 8 saves 0.4 a second: the wait pays for it after some 140 s.
    world.runTo(150);
    world.submit(2, 1, 1, { tenant: tenant('other') });
    world.tick();
    world.runTo(155);
    expect(world.queue.reasonOf(1)).toEqual({ code: 'saving-headroom', data: { expectedAtSeconds: 200 } });
    world.submit(3, 1, 100, own);
    world.submit(4, 1, 30, own);
    world.submit(5, 1, 100, { tenant: tenant('other') });
    world.tick();
    expect(world.queue.reasonOf(3)).toEqual({
      code: 'headroom-reserved',
      data: { forJob: 1, expectedAtSeconds: 200 },
    });
    expect([4, 5].map((job) => world.starts.get(job))).toEqual([155, 155]);
    world.runTo(1000);
    expect([1, 3].map((job) => world.starts.get(job))).toEqual([200, 250]);
  });

  it('claims nothing if it is larger than the limit', () => {
    const { world, tenant } = worldOf([tenantSpec('own', { limit: gpus('A100', 8) })]);
    world.submit(0, 8, 1000, { tenant: tenant('own') });
    world.tick();
    world.submit(1, 9, 50, { tenant: tenant('own') });
    world.tick();
    world.runTo(900);
    world.submit(2, 1, 10, { tenant: tenant('own') });
    world.tick();
    world.runTo(1000);
    expect(world.starts.get(2)).toBe(1000);
    expect(world.queue.reasonOf(1)?.code).toBe('limit-exceeded');
  });
});

describe('borrowed quota', () => {
  /** All 16 GPUs are granted to `lender`, which uses none; two borrow. */
  const lending = (): Built =>
    worldOf([
      tenantSpec('lender', { quota: gpus('A100', 12) }),
      tenantSpec('gang', {}),
      tenantSpec('small', {}),
    ]);

  it('is kept for a gang from others who borrow, not from those within their quota', () => {
    const { world, tenant, accounts } = lending();
    world.submit(0, 14, 400, { tenant: tenant('small') });
    world.tick();
    world.submit(1, 15, 50, { tenant: tenant('gang') });
    world.tick();
    expect(world.queue.reasonOf(1)?.code).toBe('quota-used-up');
    world.runTo(380);
    world.submit(2, 1, 1, { tenant: tenant('lender') });
    world.tick();
    world.runTo(385);
    expect(world.queue.reasonOf(1)?.code).toBe('saving-headroom');
    const held = accounts.usage.heldBy(tenant('small'), 0, 2);
    world.submit(3, 2, 1000, { tenant: tenant('small') });
    world.submit(4, 1, 1000, { tenant: tenant('lender') });
    world.tick();
    expect(world.queue.reasonOf(3)?.code).toBe('headroom-reserved');
    expect(world.starts.get(4)).toBe(385);
    // Plans look ahead in the accounts, and leave them as they were.
    expect(accounts.usage.heldBy(tenant('small'), 0, 2)).toBe(held);
    world.runTo(5000);
    expect(world.starts.get(1)).toBe(400);
    expect(world.starts.has(3)).toBe(true);
  });

  it('is not kept beyond what the gang needs at its start: that goes to who asks first', () => {
    const { world, tenant } = lending();
    world.submit(0, 13, 400, { tenant: tenant('small') });
    world.tick();
    world.submit(1, 14, 50, { tenant: tenant('gang') });
    world.tick();
    world.runTo(380);
    world.submit(2, 1, 1, { tenant: tenant('lender') });
    world.tick();
    world.runTo(385);
    expect(world.queue.reasonOf(1)?.code).toBe('saving-headroom');
    // 3 of 16 are free; at 400 all will be, and the gang needs 14.
    for (const job of [3, 4, 5]) world.submit(job, 1, 1000, { tenant: tenant('small') });
    world.tick();
    expect([3, 4, 5].map((job) => world.starts.get(job))).toEqual([385, 385, undefined]);
    expect(world.queue.reasonOf(5)?.code).toBe('headroom-reserved');
    world.runTo(5000);
    expect(world.starts.get(1)).toBe(400);
  });

  it('is given back when the claim lasts too long, or its gang is cancelled', () => {
    const { world, tenant } = lending();
    const overrun = { tenant: tenant('small'), expectedSeconds: 400 };
    world.submit(0, 14, 20_000, overrun);
    world.tick();
    world.submit(1, 15, 50, { tenant: tenant('gang') });
    world.tick();
    world.runTo(380);
    world.submit(2, 1, 1, { tenant: tenant('lender') });
    world.tick();
    world.runTo(385);
    expect(world.queue.reasonOf(1)?.code).toBe('saving-headroom');
    world.submit(3, 2, 1000, { tenant: tenant('small') });
    world.tick();
    expect(world.starts.has(3)).toBe(false);
    world.runTo(5000);
    world.submit(4, 1, 1, { tenant: tenant('lender') });
    world.tick();
    world.runTo(5010);
    expect(world.starts.has(3)).toBe(true);
  });
});
