/** Rules of evictions, one by one, where random lives seldom come. */
import { describe, expect, test } from 'vitest';
import { plannedText, type TestTenant, TestWorld } from './reclaim.fixtures.ts';
import { comparePotentials, potentialOf } from './reclaim.oracle.ts';
import { planReclaim } from './reclaim-planner.ts';

/** Nodes of one GPU each. */
function single(count: number): number[][] {
  return Array.from({ length: count }, () => [1]);
}

describe('a quota', () => {
  test('covers the minima of gangs before what they grew to', () => {
    const world = new TestWorld(
      [[3], [1]],
      [
        { name: 'a', quota: [2] },
        { name: 'b', quota: [2] },
      ],
    );
    world.run({ name: 'grown', tenant: 'b', places: [0, 0, 0], disruption: 'single', minCount: 1 });
    world.run({ name: 'late', tenant: 'b', places: [1] });
    expect(plannedText(world, { tenant: 'a', pods: 2 })).toEqual(['grown: 2 (reclaim)']);
    expect(plannedText(world, { tenant: 'a' }, { avoided: new Set([0]) })).toBe('no-room, quota 1');
  });

  test('covers the largest pods of a gang first, and is not undercut by the loss of a large one', () => {
    const world = new TestWorld(
      [[3], [1]],
      [
        { name: 'a', quota: [1] },
        { name: 'b', quota: [3] },
      ],
    );
    const podAmounts = [[1], [3]];
    world.run({ name: 'gang', tenant: 'b', places: [1, 0], podAmounts, disruption: 'single', minCount: 1 });
    const plan = planReclaim(world, world.claimant({ tenant: 'a' }));
    expect(plan.kind === 'plan' && plan.victims.map(({ pods }) => pods.map(({ place }) => place))).toEqual([
      [1],
    ]);
    expect(plannedText(world, { tenant: 'a' }, { avoided: new Set([1]) })).toBe('not-allowed');
  });

  test('that a tenant keeps to itself is not its parent’s: neither used up by it, nor open to others', () => {
    const tenants: TestTenant[] = [
      { name: 'p', quota: [2] },
      { name: 'x', parent: 'p', quota: [4], kept: [4] },
      { name: 'y', parent: 'p' },
      { name: 'o', quota: [4] },
    ];
    const world = new TestWorld(single(7), tenants);
    for (let place = 0; place < 4; place++) world.run({ name: 'x', tenant: 'x', places: [place] });
    for (let place = 4; place < 7; place++) world.run({ name: `y${place}`, tenant: 'y', places: [place] });
    // Two of y's are covered by p's quota, one is borrowed.
    expect(plannedText(world, { tenant: 'o' })).toEqual(['y6: 1 (reclaim)']);
    expect(plannedText(world, { tenant: 'o', pods: 2 })).toBe('no-room, quota 6');
    const other = new TestWorld(single(6), tenants);
    for (let place = 0; place < 4; place++) other.run({ name: 'x', tenant: 'x', places: [place] });
    for (let place = 4; place < 6; place++) other.run({ name: `o${place}`, tenant: 'o', places: [place] });
    expect(plannedText(other, { tenant: 'y', pods: 2 })).toBe('no-candidates, quota 6');
    other.run();
    const lent = new TestWorld(single(10), tenants);
    for (let place = 0; place < 4; place++) lent.run({ name: 'x', tenant: 'x', places: [place] });
    for (let place = 4; place < 10; place++) lent.run({ name: `o${place}`, tenant: 'o', places: [place] });
    expect(plannedText(lent, { tenant: 'y', pods: 2 })).toEqual(['o8: 1 (reclaim)', 'o9: 1 (reclaim)']);
  });

  test('of CPU is used by the CPUs of pods with GPUs first', () => {
    const tenants: TestTenant[] = [
      { name: 'a', quota: [0, 2] },
      { name: 'b', quota: [2, 2] },
    ];
    const world = new TestWorld([[2, 3]], tenants);
    for (let i = 0; i < 2; i++) world.run({ name: 'gpu', tenant: 'b', places: [0], amounts: [1, 1] });
    world.run({ name: 'cpu', tenant: 'b', places: [0], amounts: [0, 1], priority: 9 });
    expect(plannedText(world, { tenant: 'a', amounts: [0, 1] })).toEqual(['cpu: 1 (reclaim)']);
    // CPUs alone evict nothing that holds GPUs.
    expect(plannedText(world, { tenant: 'b', amounts: [0, 2], priority: 10 })).toBe('no-room, dimension 2');
    const kept: TestTenant[] = [
      { name: 'p', quota: [0, 2] },
      { name: 'x', parent: 'p', quota: [4, 4], kept: [4, 4] },
      { name: 'y', parent: 'p' },
      { name: 'o', quota: [0, 4] },
    ];
    const below = new TestWorld([[4, 6]], kept);
    for (let i = 0; i < 4; i++) below.run({ name: 'x', tenant: 'x', places: [0], amounts: [1, 1] });
    for (let i = 0; i < 2; i++) below.run({ name: 'y', tenant: 'y', places: [0], amounts: [0, 1] });
    expect(plannedText(below, { tenant: 'o', amounts: [0, 1] })).toBe('no-candidates, dimension 4, quota 2');
  });

  test('of a child is taken back from its parent’s own units', () => {
    const world = new TestWorld(single(6), [
      { name: 'research', quota: [4] },
      { name: 'nlp', parent: 'research', quota: [2] },
    ]);
    for (let place = 0; place < 6; place++)
      world.run({ name: `r${place}`, tenant: 'research', places: [place] });
    expect(plannedText(world, { tenant: 'nlp', pods: 2 })).toEqual(['r4: 1 (reclaim)', 'r5: 1 (reclaim)']);
    expect(plannedText(world, { tenant: 'nlp', pods: 3 })).toHaveLength(3);
  });

  test('is not used by system priorities', () => {
    const world = new TestWorld(single(2), [
      { name: 'a', quota: [1] },
      { name: 'b', quota: [2] },
    ]);
    world.run({ name: 'system', tenant: 'a', places: [0], priority: 2_000_000_000 });
    world.run({ name: 'own', tenant: 'a', places: [1] });
    expect(plannedText(world, { tenant: 'b' })).toBe('no-candidates, priority 1, quota 1');
  });

  test('holds for every dimension in which others would be counted as borrowed', () => {
    // A pod with GPUs leaves with its CPUs: then the quota of CPU covers the pod without.
    const tenants: TestTenant[] = [
      { name: 'a', quota: [2, 4] },
      { name: 'b', quota: [2, 4] },
    ];
    const world = new TestWorld([[4, 5]], tenants);
    for (let i = 0; i < 4; i++) world.run({ name: `gpu${i}`, tenant: 'b', places: [0], amounts: [1, 1] });
    world.run({ name: 'cpu', tenant: 'b', places: [0], amounts: [0, 1] });
    expect(plannedText(world, { tenant: 'a', amounts: [1, 1] })).toEqual(['gpu3: 1 (reclaim)']);
    expect(plannedText(world, { tenant: 'a', amounts: [2, 3] })).toBe('not-allowed, quota 2');
  });
});

describe('of equally many victims', () => {
  test('those of low priority in their tenant go first, whatever work they lose', () => {
    const world = new TestWorld(single(2), [{ name: 'a', quota: [2] }, { name: 'b' }]);
    world.run({ name: 'low', tenant: 'b', places: [0], priority: 1, startedSeconds: 0 });
    world.run({ name: 'high', tenant: 'b', places: [1], priority: 5, startedSeconds: 9_999 });
    expect(plannedText(world, { tenant: 'a' })).toEqual(['low: 1 (reclaim)']);
  });

  test('the newest goes where all else is equal', () => {
    const world = new TestWorld(single(3), [{ name: 'a', quota: [2] }, { name: 'b' }]);
    for (const name of ['first', 'second', 'third']) {
      world.run({ name, tenant: 'b', places: [world.units.length], checkpointedSeconds: 10_000 });
    }
    expect(plannedText(world, { tenant: 'a' })).toEqual(['third: 1 (reclaim)']);
  });
});

describe('a priority that holds in the whole cluster', () => {
  const tenants: TestTenant[] = [{ name: 'a', quota: [1] }, { name: 'b' }, { name: 'c' }];

  test('evicts what is borrowed, not what a quota covers, and not the other way round', () => {
    const world = new TestWorld(single(2), tenants);
    world.priorityScope = 'Cluster';
    world.run({ name: 'a', tenant: 'a', places: [0] }, { name: 'b', tenant: 'b', places: [1] });
    expect(plannedText(world, { tenant: 'c', priority: 5 })).toEqual(['b: 1 (priority)']);
    expect(plannedText(world, { tenant: 'c', priority: 5, pods: 2 })).toBe('no-room, quota 1');
    expect(plannedText(world, { tenant: 'c', priority: -1 })).toBe('no-candidates, quota 1, order 1');
    world.priorityScope = 'Tenant';
    expect(plannedText(world, { tenant: 'c', priority: 5 })).toBe('no-candidates, quota 1, order 1');
  });

  test('does not let a unit that a quota further down covers hold its tenant’s others back', () => {
    // Otherwise c evicts w (quota of x), w evicts v (priority), and v evicts c (share): for ever.
    const loop: TestTenant[] = [
      { name: 't' },
      { name: 'x', parent: 't', quota: [1], kept: [1] },
      { name: 'u' },
    ];
    const world = new TestWorld(single(2), loop);
    world.priorityScope = 'Cluster';
    world.run(
      { name: 'c', tenant: 'x', places: [0], priority: 1 },
      { name: 'v', tenant: 'u', places: [1], priority: 1 },
    );
    expect(plannedText(world, { tenant: 't', priority: 2 })).toEqual(['v: 1 (priority)']);
    expect(plannedText(world, { tenant: 'u', priority: 1 })).toBe('no-candidates, quota 1, priority 1');
  });
});

test('a pod beyond the minimum of a gang claims from where it will stand: behind the pods that the gang has grown by', () => {
  const world = new TestWorld([[5], [7]], [{ name: 'a' }, { name: 'b' }]);
  world.run(
    { name: 'gang', tenant: 'a', places: [0, 0, 0, 0, 0], disruption: 'single', minCount: 2 },
    { name: 'first', tenant: 'b', places: [1], amounts: [4] },
    { name: 'last', tenant: 'b', places: [1], amounts: [3] },
  );
  // The last one begins at 4: before the sixth pod of the gang, and behind a third one.
  expect(plannedText(world, { tenant: 'a' })).toEqual(['last: 1 (fair-share)']);
  expect(plannedText(world, { tenant: 'a', isExtra: true })).toBe('no-candidates, priority 5, order 2');
});

test('a start improves the order though its tenant has more important units that are borrowed', () => {
  const tenants: TestTenant[] = [
    { name: 't' },
    { name: 'x', parent: 't', quota: [1], kept: [1] },
    { name: 'u', weight: 2 },
  ];
  const before = new TestWorld([[9]], tenants);
  before.priorityScope = 'Cluster';
  for (const tenant of ['t', 'u', 'u']) before.run({ name: tenant, tenant, places: [0], priority: 2 });
  const old = potentialOf(before);
  before.run({ name: 'c', tenant: 'x', places: [0], amounts: [2], priority: 1 });
  expect(comparePotentials(potentialOf(before), old)).toBe(-1);
});

describe('a claimant', () => {
  test('gets room at other places than those to be avoided', () => {
    const world = new TestWorld(single(2), [{ name: 'a' }]);
    world.run({ name: 'x', tenant: 'a', places: [0] }, { name: 'y', tenant: 'a', places: [1] });
    const avoided = new Set([1]);
    expect(plannedText(world, { tenant: 'a', priority: 1 }, { avoided })).toEqual(['x: 1 (within)']);
    expect(plannedText(world, { tenant: 'a', priority: 1 }, { avoided: new Set([0, 1]) })).toBe('no-room');
    expect(plannedText(world, { tenant: 'a', priority: 1 }, { evicted: new Set([1]) })).toEqual([
      'y: 1 (within)',
    ]);
  });

  test('learns when a unit will have run long enough', () => {
    const world = new TestWorld(single(1), [{ name: 'a', policy: { minRuntimeSeconds: 600 } }]);
    world.run({ name: 'x', tenant: 'a', places: [0], startedSeconds: 9_500 });
    const plan = planReclaim(world, world.claimant({ tenant: 'a', priority: 1 }));
    expect(plan).toMatchObject({ kind: 'none', reason: 'no-candidates', retrySeconds: 10_100 });
    world.nowSeconds = 10_100;
    expect(planReclaim(world, world.claimant({ tenant: 'a', priority: 1 })).kind).toBe('plan');
  });
});
