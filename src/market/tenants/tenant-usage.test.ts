import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import { TenantTable } from '../../model/tenants.ts';
import { QUOTA_CPU, QUOTA_GPU, type TenantSpec, tenantSpec } from './spec.ts';
import { CLUSTER_TENANT, TenantTree } from './tenant-tree.ts';
import { type Holding, PlainTenantUsage } from './tenant-usage.oracle.ts';
import { addPods, newAmounts, TenantUsage } from './tenant-usage.ts';
import { drawTenants, gpuPod, gpus, marketOf } from './tenants.fixtures.ts';

const FLAVORS = ['a', 'b'];

/** A usage and its oracle on a tree, with names for numbers. */
class Pair {
  readonly table = new TenantTable();
  readonly tree: TenantTree;
  readonly usage: TenantUsage;
  readonly plain: PlainTenantUsage;
  readonly names: string[];

  constructor(random: Random) {
    const { market, tenants } = drawTenants(random);
    for (let i = 0; i < 3; i++) this.table.intern(`other-${i}`);
    this.tree = new TenantTree(market, tenants, this.table);
    this.usage = new TenantUsage(this.tree);
    this.plain = new PlainTenantUsage([...tenants, tenantSpec('default')]);
    this.names = this.plain.tenants.map(({ name }) => name);
    this.eachCell((flavor, resource) => {
      const amount = this.plain.total('', flavor, resource) + random.nextInt(8) - 2;
      this.plain.capacity.set(`${flavor}/${resource}`, amount);
      this.usage.setCapacity(FLAVORS.indexOf(flavor), resource, amount);
    });
  }

  number(name: string): number {
    return this.table.find(name);
  }

  eachCell(visit: (flavor: string, resource: number) => void): void {
    for (const flavor of FLAVORS) for (let resource = 0; resource < 3; resource++) visit(flavor, resource);
  }

  available(name: string, flavor: string, resource: number): number {
    return this.usage.available(this.number(name), FLAVORS.indexOf(flavor), resource);
  }

  hold(holding: Holding): void {
    this.usage.hold(this.number(holding.tenant), FLAVORS.indexOf(holding.flavor), podOf(holding));
    this.plain.holdings.push(holding);
  }

  release(index: number): void {
    const [holding] = this.plain.holdings.splice(index, 1) as [Holding];
    this.usage.release(this.number(holding.tenant), FLAVORS.indexOf(holding.flavor), podOf(holding));
  }

  /** A tenant takes some of what is available to it, or, if `freely`, more than that. */
  drawHolding(random: Random, freely: boolean): void {
    const tenant = this.names[random.nextInt(this.names.length)] as string;
    const flavor = FLAVORS[random.nextInt(2)] as string;
    const resource = random.nextInt(3);
    const most = freely ? 12 : Math.min(12, this.available(tenant, flavor, resource));
    if (most <= 0) return;
    this.hold({ tenant, flavor, resource, amount: 1 + random.nextInt(most) });
  }

  drawChange(random: Random, freely = false): void {
    const { length } = this.plain.holdings;
    if (length > 0 && random.nextInt(3) === 0) this.release(random.nextInt(length));
    else this.drawHolding(random, freely);
  }
}

function podOf({ resource, amount }: Holding) {
  const of = (number: number): number => (resource === number ? amount : 0);
  return { cpuMilli: of(0), memoryMib: of(1), gpuTotalMilli: of(2) };
}

function forRandomTrees(runs: number, check: (pair: Pair, random: Random) => void): void {
  checkProperty(
    fc.property(fc.integer(), (seed) => {
      const random = new Random(seed, 1);
      check(new Pair(random), random);
    }),
    { numRuns: runs },
  );
}

describe('usage on 10,000 random trees', () => {
  test('is what the oracle recomputes from the holdings, after holds and releases, also beyond the bounds', () => {
    forRandomTrees(10_000, (pair, random) => {
      const { usage, plain, names } = pair;
      const changes = random.nextInt(12);
      for (let i = 0; i < changes; i++) pair.drawChange(random, true);
      const resource = random.nextInt(3);
      for (const flavor of FLAVORS) {
        const f = FLAVORS.indexOf(flavor);
        for (const name of names) {
          const number = pair.number(name);
          const visible = plain.visible(name, flavor, resource);
          const used = plain.used(name, flavor, resource);
          expect(usage.heldBy(number, f, resource)).toBe(plain.held(name, flavor, resource));
          expect(usage.ownHoldings(number, f, resource)).toBe(plain.own(name, flavor, resource));
          expect(usage.quotaOf(number, f, resource)).toBe(visible);
          expect(usage.borrowed(number, f, resource)).toBe(Math.max(0, used - visible));
        }
      }
    });
  });

  test('what is available is the most that may be held; nobody passes a limit, all together hold what is granted', () => {
    forRandomTrees(10_000, (pair, random) => {
      const { plain, names } = pair;
      const changes = random.nextInt(16);
      for (let i = 0; i < changes; i++) pair.drawChange(random);
      const resource = random.nextInt(3);
      const flavor = FLAVORS[random.nextInt(2)] as string;
      expect(plain.isWithinBounds(flavor, resource)).toBe(true);
      for (const name of names) {
        const available = Math.min(40, pair.available(name, flavor, resource));
        expect(plain.mayHold(name, flavor, resource, available)).toBe(true);
        if (available < 40) expect(plain.mayHold(name, flavor, resource, available + 1)).toBe(false);
      }
    });
  });

  test('a tenant without children gets its whole quota by reclaim from borrowers, and nobody falls below its own', () => {
    let recovered = 0;
    forRandomTrees(10_000, (pair, random) => {
      const { usage, plain, tree, names } = pair;
      for (let i = 0; i < 16; i++) pair.drawHolding(random, false);
      const resource = random.nextInt(3);
      const flavor = FLAVORS[random.nextInt(2)] as string;
      const f = FLAVORS.indexOf(flavor);
      const leaves = names.filter((name) => plain.children(name).length === 0);
      const lender = leaves[random.nextInt(leaves.length)] as string;
      const number = pair.number(lender);
      const idle = plain.visible(lender, flavor, resource) - plain.used(lender, flavor, resource);
      if (idle <= 0) return;
      const claim = newAmounts(tree);
      claim[f * 3 + resource] = idle;
      expect(usage.coveredBy(number, claim)).toBe(number);
      const floors = names.map((name) => Math.min(0, above(plain, name, flavor, resource)));
      for (let round = 0; pair.available(lender, flavor, resource) < idle; round++) {
        expect(round).toBeLessThan(500);
        const victim = names.find(
          (name) => name !== lender && usage.reclaimableFrom(pair.number(name), number, f, resource) > 0,
        );
        expect(victim, `somebody borrows what ${lender} lacks`).toBeDefined();
        const index = plain.holdings.findIndex(
          (held) => held.tenant === victim && held.flavor === flavor && held.resource === resource,
        );
        const { amount, tenant } = plain.holdings[index] as Holding;
        pair.release(index);
        // The victim is divisible here: what it may keep it takes again.
        if (amount > 1) pair.hold({ tenant, flavor, resource, amount: amount - 1 });
        recovered++;
      }
      names.forEach((name, i) => {
        if (plain.path(lender).includes(name)) return;
        expect(above(plain, name, flavor, resource)).toBeGreaterThanOrEqual(floors[i] as number);
      });
    });
    expect(recovered).toBeGreaterThan(1000);
  });

  test('what a tenant has lent is what a reclaim has to bring back', () => {
    let lending = 0;
    forRandomTrees(2_000, (pair, random) => {
      const { usage, plain, names } = pair;
      for (let i = 0; i < 12; i++) pair.drawHolding(random, false);
      const resource = random.nextInt(3);
      for (const name of names) {
        const lent = usage.lent(pair.number(name), 0, resource);
        const idle = Math.max(0, plain.visible(name, 'a', resource) - plain.used(name, 'a', resource));
        const room = usage.quotaRoom(pair.number(name), 0, resource);
        expect(Math.min(idle, room)).toBe(idle - lent);
        if (lent > 0) lending++;
      }
    });
    expect(lending).toBeGreaterThan(100);
  });
});

/** How far a tenant is above its quota; negative: below. */
function above(plain: PlainTenantUsage, name: string, flavor: string, resource: number): number {
  return plain.used(name, flavor, resource) - plain.visible(name, flavor, resource);
}

/** Tenants on the flavour `h100`, and who is who. */
function usageOf(capacity: number, ...tenants: TenantSpec[]) {
  const table = new TenantTable();
  const tree = new TenantTree(marketOf('h100'), tenants, table);
  const usage = new TenantUsage(tree);
  usage.setCapacity(0, QUOTA_GPU, capacity * 1000);
  const id = (name: string): number => table.find(name);
  return { tree, usage, id, room: (name: string) => usage.available(id(name), 0, QUOTA_GPU) / 1000 };
}

function claimOf(tree: TenantTree, count: number): Float64Array {
  const claim = newAmounts(tree);
  addPods(claim, 0, gpuPod(count), 1);
  return claim;
}

describe('loans', () => {
  const team = (name: string, count: number, more: Partial<TenantSpec> = {}): TenantSpec =>
    tenantSpec(name, { quota: gpus('h100', count), ...more });

  test('all of an idle quota is lent, or as much as its owner says', () => {
    const all = usageOf(24, team('nlp', 16), team('vision', 8));
    expect(all.room('vision')).toBe(24);
    const some = usageOf(24, team('nlp', 16, { lend: gpus('h100', 4) }), team('vision', 8));
    expect(some.room('vision')).toBe(12);
    expect(some.room('nlp')).toBe(24);
  });

  test('what no quota covers is there for all, also for tenants that nobody knows', () => {
    const { usage, room, id } = usageOf(40, team('nlp', 16));
    expect(room('default')).toBe(40);
    usage.hold(999, 0, gpuPod(30));
    expect(usage.ownHoldings(id('default'), 0, QUOTA_GPU)).toBe(30_000);
    expect(room('nlp')).toBe(10);
    expect(usage.lent(id('nlp'), 0, QUOTA_GPU)).toBe(6_000);
  });

  test('a resource without any quota is bounded by limits only', () => {
    const { usage, id } = usageOf(8, team('nlp', 8, { limit: { h100: { cpuMilli: 5_000 } } }));
    expect(usage.available(id('nlp'), 0, QUOTA_CPU)).toBe(5_000);
    expect(usage.available(id('default'), 0, QUOTA_CPU)).toBe(Number.POSITIVE_INFINITY);
  });

  test('the quota of a parent is there for its children, and entitles them to reclaim outside of it only', () => {
    const { usage, tree, id, room } = usageOf(
      32,
      team('research', 16),
      tenantSpec('nlp', { parent: 'research' }),
      tenantSpec('vision', { parent: 'research' }),
      team('batch', 16),
    );
    usage.hold(id('batch'), 0, gpuPod(32));
    expect(room('nlp')).toBe(0);
    expect(usage.coveredBy(id('nlp'), claimOf(tree, 16))).toBe(id('research'));
    expect(usage.coveredBy(id('nlp'), claimOf(tree, 17))).toBe(CLUSTER_TENANT);
    expect(usage.reclaimableFrom(id('batch'), id('nlp'), 0, QUOTA_GPU)).toBe(16_000);
    expect(tree.isWithin(id('vision'), id('research'))).toBe(true);
    expect(tree.isWithin(id('batch'), id('research'))).toBe(false);
  });

  test('a limit caps all below it, and the one that binds is named', () => {
    const { usage, id, room } = usageOf(
      64,
      team('research', 0, { limit: gpus('h100', 20) }),
      team('nlp', 8, { parent: 'research' }),
      team('vision', 8, { parent: 'research', limit: gpus('h100', 9) }),
    );
    usage.hold(id('nlp'), 0, gpuPod(12));
    expect(room('vision')).toBe(8);
    expect(usage.limitedBy(id('vision'), 0, QUOTA_GPU, 8_000)).toBe(CLUSTER_TENANT);
    expect(usage.limitedBy(id('vision'), 0, QUOTA_GPU, 9_000)).toBe(id('research'));
    expect(usage.limitedBy(id('vision'), 0, QUOTA_GPU, 10_000)).toBe(id('vision'));
  });

  test('a reclaim stops at the quota of the victim, and of each tenant above it outside the claimant', () => {
    const { usage, tree, id } = usageOf(
      32,
      team('a', 8),
      team('b', 8),
      team('b1', 2, { parent: 'b' }),
      team('b2', 6, { parent: 'b' }),
    );
    // b's tree has 16: b1 uses 14 of it, 12 more than its own; b lends nothing then but 2.
    usage.hold(id('b1'), 0, gpuPod(18));
    const keeps = (claimant: string, count: number): boolean =>
      usage.keepsQuota(id('b1'), id(claimant), claimOf(tree, count), claimOf(tree, count));
    expect(keeps('b2', 16)).toBe(true);
    expect(keeps('b2', 17)).toBe(false);
    expect(keeps('a', 2)).toBe(true);
    expect(keeps('a', 3)).toBe(false);
    expect(keeps('b1', 18)).toBe(true);
    expect(keeps('b1', 19)).toBe(false);
  });

  test('only the resources that the claimant lacks protect a victim', () => {
    const { usage, tree, id } = usageOf(
      8,
      tenantSpec('a', { quota: { h100: { gpuMilli: 8000, cpuMilli: 8000 } } }),
      tenantSpec('b', { quota: { h100: { cpuMilli: 8000 } } }),
    );
    const pod = { cpuMilli: 1000, memoryMib: 0, gpuTotalMilli: 4000 };
    usage.hold(id('b'), 0, pod);
    const released = newAmounts(tree);
    addPods(released, 0, pod, 1);
    expect(usage.keepsQuota(id('b'), id('a'), released, claimOf(tree, 8))).toBe(true);
    expect(usage.keepsQuota(id('b'), id('a'), released, released)).toBe(false);
  });
});

describe('level share', () => {
  test('is the part of the weights ÷ the part of the usage, among siblings', () => {
    const { usage, id } = usageOf(
      100,
      tenantSpec('a', { weight: 3 }),
      tenantSpec('b', { weight: 1 }),
      tenantSpec('a1', { parent: 'a', weight: 1 }),
      tenantSpec('a2', { parent: 'a', weight: 1 }),
      tenantSpec('idle', { weight: 0 }),
      tenantSpec('default', { weight: 0 }),
    );
    usage.hold(id('a1'), 0, gpuPod(10));
    usage.hold(id('a2'), 0, gpuPod(30));
    usage.hold(id('b'), 0, gpuPod(40));
    expect(usage.unitsPerHourOf(id('a'))).toBe(40_000_000);
    expect(usage.levelShare(id('a'))).toBeCloseTo(0.75 / 0.5, 12);
    expect(usage.levelShare(id('b'))).toBeCloseTo(0.25 / 0.5, 12);
    expect(usage.levelShare(id('a1'))).toBeCloseTo(0.5 / 0.25, 12);
    expect(usage.levelShare(id('a2'))).toBeCloseTo(0.5 / 0.75, 12);
    expect(usage.levelShare(id('idle'))).toBe(0);
    usage.release(id('b'), 0, gpuPod(40));
    expect(usage.levelShare(id('b'))).toBe(Number.POSITIVE_INFINITY);
  });
});
