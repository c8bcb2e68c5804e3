/** Complaints about eviction in other schedulers, one case each, named by its thread. */
import { describe, expect, test } from 'vitest';
import { plannedText, type TestTenant, TestWorld } from './reclaim.fixtures.ts';

/** A row of nodes with n GPUs each. */
function gpuNodes(count: number, gpus: number): number[][] {
  return Array.from({ length: count }, () => [gpus]);
}

/** Places 0 … n−1. */
function first(count: number): number[] {
  return Array.from({ length: count }, (_, place) => place);
}

const AB: readonly TestTenant[] = [
  { name: 'a', quota: [4] },
  { name: 'b', quota: [4] },
];

describe('Kueue', () => {
  test('#14543, #7101: two tenants do not preempt each other: the one that has its share evicts nobody', () => {
    // Eight GPUs without quota; a holds four gangs of two.
    const world = new TestWorld(gpuNodes(8, 1), [{ name: 'a' }, { name: 'b' }]);
    for (let i = 0; i < 4; i++) world.run({ name: `a${i}`, tenant: 'a', places: [2 * i, 2 * i + 1] });
    expect(plannedText(world, { tenant: 'b', pods: 4 })).toHaveLength(2);
    // 5 : 3 would be worse for a than 4 : 4, but not below what b had: allowed once, with three victims, and never back.
    expect(plannedText(world, { tenant: 'b', pods: 5 })).toHaveLength(3);
    expect(plannedText(world, { tenant: 'b', pods: 8 })).toBe('no-candidates, order 2, share 6');
    const after = new TestWorld(gpuNodes(8, 1), [{ name: 'a' }, { name: 'b' }]);
    after.run(
      { name: 'a0', tenant: 'a', places: [0, 1] },
      { name: 'b0', tenant: 'b', places: [2, 3, 4, 5, 6] },
    );
    expect(plannedText(after, { tenant: 'a', pods: 2 })).toMatch(/^no-candidates/);
  });

  test('#6774: tenants of weight 0 run on idle capacity and evict no equal', () => {
    const world = new TestWorld(gpuNodes(8, 1), [
      { name: 'x', weight: 0 },
      { name: 'y', weight: 0 },
      { name: 'z', weight: 1 },
    ]);
    world.run(...first(8).map((place) => ({ name: `x${place}`, tenant: 'x', places: [place] })));
    expect(plannedText(world, { tenant: 'y' })).toMatch(/^no-candidates, order 8/);
    expect(plannedText(world, { tenant: 'z' })).toHaveLength(1);
  });

  test('#4961: weight 0 does not take a quota away', () => {
    const tenants = [{ name: 'best-effort', quota: [1], weight: 0 }, { name: 'high' }];
    const world = new TestWorld(gpuNodes(1, 1), tenants).run({
      name: 'q',
      tenant: 'best-effort',
      places: [0],
    });
    expect(plannedText(world, { tenant: 'high', priority: 100 })).toBe('no-candidates, quota 1');
    const other = new TestWorld(gpuNodes(1, 1), tenants).run({ name: 'h', tenant: 'high', places: [0] });
    expect(plannedText(other, { tenant: 'best-effort' })).toEqual(['h: 1 (reclaim)']);
  });

  test('#3779: a tenant far above its quota does not evict one that borrows less', () => {
    const tenants = [{ name: 'a', quota: [3] }, { name: 'b', quota: [3] }, { name: 'idle' }];
    const world = new TestWorld(gpuNodes(6, 1), tenants);
    world.run({ name: 'a1', tenant: 'a', places: first(5) }, { name: 'idle1', tenant: 'idle', places: [5] });
    expect(plannedText(world, { tenant: 'a' })).toMatch(/^no-candidates/);
  });

  test('#10171: a borrower does not evict work inside the quota of another', () => {
    const world = new TestWorld(gpuNodes(8, 1), AB);
    world.run(
      ...first(8).map((place) => ({ name: `u${place}`, tenant: place < 4 ? 'a' : 'b', places: [place] })),
    );
    expect(plannedText(world, { tenant: 'b', priority: 9, pods: 1 })).toEqual(['u7: 1 (within)']);
    expect(plannedText(world, { tenant: 'b' })).toBe('no-candidates, quota 4, priority 4');
  });

  test('#10131: the victim is the same each time, and of equals the one that loses least, then the newest', () => {
    const teams = ['a', 'b', 'c'];
    const tenants = [
      ...teams.map((name) => ({ name: `team-${name}` })),
      ...teams.flatMap((name) => [
        { name: `${name}-guaranteed`, parent: `team-${name}`, quota: [name === 'c' ? 8 : 2] },
        { name: `${name}-borrowing`, parent: `team-${name}` },
      ]),
    ];
    const world = new TestWorld(gpuNodes(12, 1), tenants);
    teams.forEach((name, i) => {
      const places = first(4).map((place) => 4 * i + place);
      const checkpointedSeconds = name === 'b' ? 9_000 : 0;
      world.run({ name, tenant: `${name}-borrowing`, places, priority: 3 - i, checkpointedSeconds });
    });
    // a and b are above their teams' quotas, c is within its team's.
    const once = plannedText(world, { tenant: 'c-guaranteed', pods: 1 });
    expect(once).toEqual(['c: 4 (reclaim)']);
    // A gang that goes whole would leave its team below its quota.
    expect(plannedText(world, { tenant: 'c-guaranteed', pods: 8 })).toBe('no-room, quota 8');
    world.units.reverse();
    expect(plannedText(world, { tenant: 'c-guaranteed', pods: 1 })).toEqual(once);
  });

  test('#3948: quota of a parent is reclaimed by its children', () => {
    const tenants = [
      { name: 'research', quota: [4] },
      { name: 'nlp', parent: 'research' },
      { name: 'other' },
    ];
    const world = new TestWorld(gpuNodes(4, 1), tenants);
    world.run(...first(4).map((place) => ({ name: `o${place}`, tenant: 'other', places: [place] })));
    expect(plannedText(world, { tenant: 'nlp', pods: 4 })).toHaveLength(4);
  });

  test('#5243, #1309: nothing is evicted if the claimant could not start then', () => {
    const world = new TestWorld(gpuNodes(8, 1), [{ name: 'a', quota: [8] }, { name: 'b' }]);
    world.run(...first(8).map((place) => ({ name: `b${place}`, tenant: 'b', places: [place] })));
    // A pod of two GPUs fits on no node.
    expect(plannedText(world, { tenant: 'a', amounts: [2] })).toBe('no-room');
  });
});

describe('Volcano', () => {
  test('#5896: 16 evictions if 16 suffice, and nobody below what it deserves', () => {
    const tenants = [
      { name: 'a', quota: [16] },
      { name: 'b', quota: [16] },
      { name: 'c', quota: [16] },
    ];
    const world = new TestWorld(gpuNodes(48, 1), tenants);
    first(48).forEach((place) => {
      world.run({ name: `u${place}`, tenant: place < 30 ? 'b' : 'c', places: [place] });
    });
    const victims = plannedText(world, { tenant: 'a', pods: 16 }) as string[];
    expect(victims).toHaveLength(16);
    const ofC = victims.filter((name) => Number(name.slice(1).split(':')[0]) >= 30);
    expect(ofC.length).toBe(2);
  });

  test('#5994, #5984: one victim is needed, one is evicted, though ten could be', () => {
    const world = new TestWorld(
      [[11]],
      [
        { name: 'qa', weight: 1 },
        { name: 'qb', weight: 10 },
      ],
    );
    world.run({
      name: 'gang',
      tenant: 'qa',
      places: first(11).map(() => 0),
      disruption: 'single',
      minCount: 1,
    });
    expect(plannedText(world, { tenant: 'qb' })).toEqual(['gang: 1 (fair-share)']);
  });

  test('#4643: a gang with a minimum gives back what it holds beyond it', () => {
    const world = new TestWorld(
      [[8]],
      [
        { name: 'a', quota: [4] },
        { name: 'b', quota: [4] },
      ],
    );
    world.run({
      name: 'gang',
      tenant: 'b',
      places: first(8).map(() => 0),
      disruption: 'single',
      minCount: 4,
    });
    expect(plannedText(world, { tenant: 'a', pods: 4 })).toEqual(['gang: 4 (reclaim)']);
    expect(plannedText(world, { tenant: 'a', pods: 5 })).toBe('not-allowed');
  });

  test('#4679, #4658: idle quota of CPU protects no borrowed GPU, nor does quota in GPUs alone forbid the claim', () => {
    const tenants = [
      { name: 'a', quota: [2, 0] },
      { name: 'b', quota: [0, 100] },
    ];
    const world = new TestWorld([[4, 64]], tenants);
    for (let i = 0; i < 4; i++) world.run({ name: `b${i}`, tenant: 'b', places: [0], amounts: [1, 8] });
    expect(plannedText(world, { tenant: 'a', amounts: [1, 4] })).toEqual(['b3: 1 (reclaim)']);
  });

  test('#4918: units that do not hold what is claimed stay', () => {
    const world = new TestWorld(
      [[4, 64]],
      [
        { name: 'a', quota: [4, 0] },
        { name: 'b', quota: [0, 0] },
      ],
    );
    world.run({ name: 'cpu', tenant: 'b', places: [0], amounts: [0, 8] });
    for (let i = 0; i < 4; i++) world.run({ name: `gpu${i}`, tenant: 'b', places: [0], amounts: [1, 8] });
    expect(plannedText(world, { tenant: 'a', amounts: [1, 8] })).toEqual(['gpu3: 1 (reclaim)']);
  });

  test('#4949: a gang that would fall is counted whole, and does not push its tenant below its quota', () => {
    const world = new TestWorld(gpuNodes(9, 1), AB);
    world.run({ name: 'gang', tenant: 'b', places: first(5) }, { name: 'one', tenant: 'b', places: [5] });
    world.run(...[6, 7, 8].map((place) => ({ name: `a${place}`, tenant: 'a', places: [place] })));
    expect(plannedText(world, { tenant: 'a' })).toEqual(['one: 1 (reclaim)']);
    const alone = new TestWorld(gpuNodes(8, 1), AB);
    alone.run({ name: 'gang', tenant: 'b', places: first(5) });
    alone.run(...[5, 6, 7].map((place) => ({ name: `a${place}`, tenant: 'a', places: [place] })));
    expect(plannedText(alone, { tenant: 'a' })).toBe('no-candidates, quota 5, priority 3');
  });

  test('#2807: in the tenant that gives back, low priority goes first', () => {
    const world = new TestWorld(
      [[8]],
      [
        { name: 'q1', quota: [5] },
        { name: 'q2', quota: [3] },
      ],
    );
    for (const i of first(8)) {
      world.run({ name: i < 5 ? 'low' : 'medium', tenant: 'q2', places: [0], priority: i < 5 ? 1 : 5 });
    }
    const victims = plannedText(world, { tenant: 'q1', pods: 4 });
    expect(victims).toEqual(Array.from({ length: 4 }, () => 'low: 1 (reclaim)'));
  });
});

describe('KAI', () => {
  test('#1750: a protected tenant that comes first does not stop a reclaim from another', () => {
    const tenants = [
      { name: 'protected', quota: [2] },
      { name: 'org' },
      { name: 'reclaimer', parent: 'org', quota: [2] },
      { name: 'batch', parent: 'org' },
    ];
    const world = new TestWorld(gpuNodes(3, 1), tenants);
    world.run({ name: 'p', tenant: 'protected', places: [0], priority: -5 });
    world.run(...[1, 2].map((place) => ({ name: `batch${place}`, tenant: 'batch', places: [place] })));
    expect(plannedText(world, { tenant: 'reclaimer', pods: 2 })).toEqual([
      'batch1: 1 (reclaim)',
      'batch2: 1 (reclaim)',
    ]);
  });
});

describe('Kubernetes', () => {
  test('#141227: what could not run elsewhere goes last', () => {
    const world = new TestWorld([[2]], [{ name: 'a' }]);
    world.run({ name: 'daemon', tenant: 'a', places: [0], replaceable: false, startedSeconds: 9_999 });
    world.run({ name: 'web', tenant: 'a', places: [0], startedSeconds: 0 });
    expect(plannedText(world, { tenant: 'a', priority: 1 })).toEqual(['web: 1 (within)']);
  });

  test('KEP-7990: the work since the last checkpoint decides among equals', () => {
    const world = new TestWorld([[2]], [{ name: 'a' }]);
    world.run({ name: 'saved', tenant: 'a', places: [0], checkpointedSeconds: 9_990, startedSeconds: 0 });
    world.run({ name: 'unsaved', tenant: 'a', places: [0], startedSeconds: 5_000 });
    expect(plannedText(world, { tenant: 'a', priority: 1 })).toEqual(['saved: 1 (within)']);
  });

  test('KEP-5710: nothing is evicted if the minimum fits; a gang goes whole, or down to its minimum first', () => {
    const world = new TestWorld(gpuNodes(4, 1), [{ name: 'a' }]);
    world.run(
      { name: 'whole', tenant: 'a', places: [0, 1] },
      { name: 'one', tenant: 'a', places: [2], priority: 3 },
    );
    expect(plannedText(world, { tenant: 'a', priority: 9 })).toBe('fits');
    expect(plannedText(world, { tenant: 'a', priority: 9, pods: 2 })).toEqual(['one: 1 (within)']);
    expect(plannedText(world, { tenant: 'a', priority: 2, pods: 2 })).toEqual(['whole: 2 (within)']);
    const elastic = new TestWorld([[4]], [{ name: 'a' }]);
    elastic.run({ name: 'elastic', tenant: 'a', places: [0, 0, 0, 0], disruption: 'single', minCount: 2 });
    expect(plannedText(elastic, { tenant: 'a', priority: 1, pods: 2 })).toEqual(['elastic: 2 (within)']);
    expect(plannedText(elastic, { tenant: 'a', priority: 1, pods: 3 })).toEqual(['elastic: 4 (within)']);
  });

  test('disruption budgets are broken last', () => {
    const world = new TestWorld([[3]], [{ name: 'a' }]);
    world.allowances.set(7, 1);
    for (let i = 0; i < 2; i++) world.run({ name: 'covered', tenant: 'a', places: [0], budgets: [7] });
    world.run({ name: 'free', tenant: 'a', places: [0], priority: 5 });
    expect(plannedText(world, { tenant: 'a', priority: 9 })).toEqual(['covered: 1 (within)']);
    expect(plannedText(world, { tenant: 'a', priority: 9, pods: 2 })).toEqual([
      'covered: 1 (within)',
      'free: 1 (within)',
    ]);
    expect(plannedText(world, { tenant: 'a', priority: 1, pods: 2 })).toHaveLength(2);
  });

  test('system priorities may evict whatever is less important, and are evicted by nothing else', () => {
    const world = new TestWorld([[1]], AB);
    world.run({ name: 'w', tenant: 'a', places: [0], priority: 1_000_000_000 });
    expect(plannedText(world, { tenant: 'b', priority: 2_000_000_000 })).toEqual(['w: 1 (priority)']);
    const system = new TestWorld([[1]], AB).run({
      name: 's',
      tenant: 'a',
      places: [0],
      priority: 2_000_000_000,
    });
    expect(plannedText(system, { tenant: 'b', priority: 1_000_000_000 })).toBe('no-candidates, priority 1');
  });
});

describe('Armada', () => {
  test('PR#5072, #3789: once fair shares have cost a tenant enough work, they evict no more of it; its lenders do', () => {
    const tenants = [{ name: 'a' }, { name: 'b' }, { name: 'lender', quota: [1] }];
    const world = new TestWorld(gpuNodes(4, 1), tenants);
    world.run(...first(4).map((place) => ({ name: `a${place}`, tenant: 'a', places: [place] })));
    expect(plannedText(world, { tenant: 'b' })).toEqual(['a3: 1 (fair-share)']);
    world.rated.add(0);
    expect(plannedText(world, { tenant: 'b' })).toBe('no-candidates, order 1, rate 3, share 3');
    expect(plannedText(world, { tenant: 'lender' })).toHaveLength(1);
  });
});
