/** The search for victims against all sets, and what it costs in questions. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { CandidateFinder, Standing } from './candidates.ts';
import { Holdings } from './holdings.ts';
import { randomTenants } from './random-worlds.fixtures.ts';
import { subtract, TestWorld } from './reclaim.fixtures.ts';
import { cheapestOfAll } from './reclaim.oracle.ts';
import { planReclaim } from './reclaim-planner.ts';
import type { ReclaimClaimant } from './reclaim-world.ts';
import { compareCosts, VictimRules } from './victim-set.ts';

/** A full cluster of at most 12 pods, and a claimant. */
function randomWorld(random: Random): { world: TestWorld; claimant: ReclaimClaimant } {
  const dimensions = 1 + random.nextInt(2);
  const nodes = Array.from({ length: 1 + random.nextInt(5) }, () =>
    Array.from({ length: dimensions }, () => 2 + random.nextInt(5)),
  );
  const tenants = randomTenants(random, dimensions);
  const world = new TestWorld(nodes, tenants);
  for (const budget of [0, 1]) world.allowances.set(budget, random.nextInt(3));
  const free = nodes.map((node) => [...node]);
  const amountsOf = (): number[] => Array.from({ length: dimensions }, () => 1 + random.nextInt(2));
  let pods = 0;
  for (let attempt = 0; attempt < 30 && pods < 12; attempt++) {
    const amounts = amountsOf();
    const places: number[] = [];
    for (let i = 1 + random.nextInt(4); i > 0 && pods + places.length < 12; i--) {
      const place = random.nextInt(nodes.length);
      const node = free[place] as number[];
      if (!node.every((amount, d) => amount >= (amounts[d] as number))) continue;
      subtract(node, amounts);
      places.push(place);
    }
    if (places.length === 0) continue;
    pods += places.length;
    world.run({
      name: `u${attempt}`,
      tenant: tenants[random.nextInt(tenants.length)]?.name as string,
      places,
      amounts,
      priority: random.nextInt(3),
      disruption: random.nextInt(2) === 0 ? 'all' : 'single',
      minCount: 1 + random.nextInt(places.length),
      startedSeconds: random.nextInt(9_000),
      replaceable: random.nextInt(5) !== 0,
      budgets: random.nextInt(3) === 0 ? [random.nextInt(2)] : [],
    });
  }
  const claimant = world.claimant({
    tenant: tenants[random.nextInt(tenants.length)]?.name as string,
    pods: 1 + random.nextInt(4),
    amounts: amountsOf(),
    priority: random.nextInt(4),
  });
  return { world, claimant };
}

describe('the candidates', () => {
  test('are the same, and what is protected too, whether units are ordered that no claim can reach or not', () => {
    let [fewer, some] = [0, 0];
    for (let seed = 1; seed <= 3000; seed++) {
      const { world, claimant } = randomWorld(new Random(seed, 9));
      const holdings = new Holdings(world.tenants, world.dimensions);
      for (const { tenant, pods } of world.units) holdings.addPods(tenant, pods, 1);
      const [all, reachable] = [new Standing(world, claimant), new Standing(world, claimant, holdings)];
      const expected = new CandidateFinder(world, claimant, all, new Set()).find();
      expect(new CandidateFinder(world, claimant, reachable, new Set()).find(), `seed ${seed}`).toEqual(
        expected,
      );
      expect(reachable.claimant.layers, `seed ${seed}`).toEqual(all.claimant.layers);
      if (reachable.entries.includes(undefined)) fewer++;
      if (expected.list.length > 0) some++;
    }
    expect(fewer).toBeGreaterThan(300);
    expect(some).toBeGreaterThan(300);
  });
});

describe('the victims', () => {
  test('are the cheapest of all allowed sets, for up to 12 pods', () => {
    let [found, smallest, cheapest, more] = [0, 0, 0, 0];
    for (let seed = 1; seed <= 3000; seed++) {
      const { world, claimant } = randomWorld(new Random(seed, 7));
      if (world.fitsWithout([], new Set()) !== undefined) continue;
      const standing = new Standing(world, claimant);
      const { list } = new CandidateFinder(world, claimant, standing, new Set()).find();
      const holdings = new Holdings(world.tenants, world.dimensions);
      for (const { tenant, pods } of world.units)
        for (const { amounts } of pods) holdings.add(tenant, amounts, 1);
      const rules = new VictimRules(world, claimant, standing.claimantDimension, list, holdings);
      const truth = cheapestOfAll(world, rules);
      const plan = planReclaim(world, claimant);
      expect(plan.kind, `seed ${seed}`).toBe(truth === undefined ? 'none' : 'plan');
      if (truth === undefined || plan.kind !== 'plan') continue;
      found++;
      const excess = plan.cost[1] - truth.cost[1];
      if (excess === 0) smallest++;
      if (compareCosts(plan.cost, truth.cost) === 0) cheapest++;
      more = Math.max(more, excess);
    }
    expect(found).toBeGreaterThan(500);
    expect(smallest).toBe(found);
    expect(cheapest).toBe(found);
    expect(more).toBe(0);
  });

  test('are nearly the cheapest where few questions are allowed', () => {
    let [found, smallest] = [0, 0];
    for (let seed = 1; seed <= 2000; seed++) {
      const { world, claimant } = randomWorld(new Random(seed, 8));
      const exact = planReclaim(world, claimant);
      const limits = { trialsMax: 60, placesMax: 32, exactItemsMax: 0 };
      const quick = planReclaim(world, claimant, { limits });
      if (exact.kind !== 'plan' || quick.kind !== 'plan') continue;
      found++;
      if (quick.cost[1] <= exact.cost[1]) smallest++;
    }
    expect(found).toBeGreaterThan(300);
    expect(smallest / found).toBeGreaterThan(0.95);
  });
});

describe('among thousands of pods', () => {
  test('the search asks a bounded number of questions and finds as few victims as are needed', () => {
    const nodes = Array.from({ length: 500 }, () => [8]);
    const world = new TestWorld(nodes, [{ name: 'a', quota: [4000] }, { name: 'b' }]);
    for (let place = 0; place < 500; place++) {
      for (let i = 0; i < 8; i++) world.run({ name: 'b', tenant: 'b', places: [place] });
    }
    const limits = { trialsMax: 300, placesMax: 16, exactItemsMax: 16 };
    // Whole nodes: eight victims each.
    const plan = planReclaim(world, world.claimant({ tenant: 'a', pods: 4, amounts: [8] }), { limits });
    expect(plan.kind).toBe('plan');
    if (plan.kind !== 'plan') return;
    expect(plan.victims).toHaveLength(32);
    expect(world.asked).toBeLessThanOrEqual(320);
    world.asked = 0;
    const few = { trialsMax: 40, placesMax: 16, exactItemsMax: 16 };
    const hasty = planReclaim(world, world.claimant({ tenant: 'a', pods: 4, amounts: [8] }), { limits: few });
    expect(hasty).toMatchObject({ kind: 'plan', isExact: false });
    // Beyond the limit only the last questions of a step that was begun.
    expect(world.asked).toBeLessThanOrEqual(60);
  });
});
