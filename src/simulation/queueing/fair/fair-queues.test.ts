/** What fair queues do to two tenants that want more than there is. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../kernel/random.ts';
import { marketSpec, quotaFlavor, type TenantSpec, tenantSpec } from '../../../market/tenants/spec.ts';
import type { DisciplineName } from '../queue-names.ts';
import { runSlots, type SlotJob } from '../queues.fixtures.ts';

const SLOTS = 24;
const HOUR = 3600;
/** Of the saturated runs. */
const LONG = 8 * HOUR;

const market = marketSpec({ halfLifeSeconds: HOUR, flavors: [quotaFlavor('all')] });

/** Jobs of some minutes that keep `slots` slots busy for a time. */
function busy(tenant: string, fromSeconds: number, seconds: number, slots: number, seed: number): SlotJob[] {
  const random = new Random(seed);
  const jobs: SlotJob[] = [];
  for (let work = 0; work < slots * seconds; ) {
    const job = { tenant, durationSeconds: 60 + random.nextInt(540), slots: 1 + random.nextInt(2) };
    jobs.push({ ...job, submitSeconds: fromSeconds });
    work += job.slots * job.durationSeconds;
  }
  return jobs;
}

/** @returns What each tenant used of all that was used in a window. */
function shares(
  queue: DisciplineName,
  jobs: readonly SlotJob[],
  tenants: readonly TenantSpec[],
  [from, to]: readonly [number, number],
): Map<string, number> {
  const sorted = jobs.slice().sort((a, b) => a.submitSeconds - b.submitSeconds);
  const more = { tenants: { market, tenants }, horizonSeconds: to };
  const { starts } = runSlots(sorted, SLOTS, queue, 'exact', more);
  const sums = new Map<string, number>();
  let all = 0;
  sorted.forEach(({ tenant = '', durationSeconds, slots }, i) => {
    const start = starts[i] as number;
    if (Number.isNaN(start)) return;
    const used = slots * Math.max(0, Math.min(to, start + durationSeconds) - Math.max(from, start));
    sums.set(tenant, (sums.get(tenant) ?? 0) + used);
    all += used;
  });
  expect(all).toBeGreaterThan(0.9 * SLOTS * (to - from));
  return new Map([...sums].map(([tenant, used]) => [tenant, used / all]));
}

/** Within a job or so: those that look at what is held alone let a tenant pass its share by most of a job. */
function expectNear(share: number | undefined, expected: number): void {
  expect(Math.abs((share ?? 0) - expected)).toBeLessThan(0.03);
}

const WEIGHING = ['kueue-afs', 'kueue-drs', 'kai-time', 'drf', 'karma', 'max-min', 'slurm-like'] as const;

describe('two tenants of weights 1 and 3 that want all of it', () => {
  const tenants = [tenantSpec('a', { weight: 1 }), tenantSpec('b', { weight: 3 })];
  const jobs = [...busy('a', 0, LONG, SLOTS, 1), ...busy('b', 0, LONG, SLOTS, 2)];

  test.each(WEIGHING)('get a quarter and three quarters by %s', (queue) => {
    expectNear(shares(queue, jobs, tenants, [HOUR, LONG]).get('b'), 0.75);
  });

  test('do not by arrival', () => {
    expect(shares('fifo', jobs, tenants, [HOUR, LONG]).get('a')).toBeGreaterThan(0.9);
  });
});

describe('levels', () => {
  // a and b are one department of half the weight: a quarter each; c has half.
  const tenants = [
    tenantSpec('department'),
    tenantSpec('a', { parent: 'department' }),
    tenantSpec('b', { parent: 'department' }),
    tenantSpec('c'),
  ];
  const jobs = ['a', 'b', 'c'].flatMap((tenant, i) => busy(tenant, 0, LONG, SLOTS, i));

  test.each(WEIGHING)('%s shares among departments first', (queue) => {
    const got = shares(queue, jobs, tenants, [HOUR, LONG]);
    expectNear(got.get('a'), 0.25);
    expectNear(got.get('b'), 0.25);
    expectNear(got.get('c'), 0.5);
  });
});

describe('a tenant that was idle while another had all', () => {
  const tenants = [tenantSpec('a'), tenantSpec('b')];
  const before = 5 * HOUR;
  const jobs = [
    ...busy('a', 0, before, SLOTS, 3),
    ...busy('a', before, 6 * HOUR, SLOTS, 4),
    ...busy('b', before, 6 * HOUR, SLOTS, 5),
  ];
  const window = [before + 600, before + HOUR] as const;

  test.each(['kueue-afs', 'kai-time', 'karma', 'slurm-like'] as const)('is preferred by %s', (queue) => {
    expect(shares(queue, jobs, tenants, window).get('b')).toBeGreaterThan(0.7);
  });

  test.each(['kueue-drs', 'drf', 'max-min'] as const)('is not by %s, which has no memory', (queue) => {
    expectNear(shares(queue, jobs, tenants, window).get('b'), 0.5);
  });
});

describe('quotas', () => {
  const cores = (count: number) => ({ all: { cpuMilli: 1000 * count } });
  const tenants = [tenantSpec('a', { quota: cores(SLOTS / 2) }), tenantSpec('b')];
  const jobs = [...busy('a', 0, LONG, SLOTS, 6), ...busy('b', 0, LONG, SLOTS, 7)];

  test.each([
    // Half is a's own, and the other half is shared by weight.
    ['kueue-drs', 3 / 4],
    // Of the other half it gets 1 − U′, and U′ is what it has of everything: u = ½ + ½·(1 − u).
    ['kai-time', 2 / 3],
    // They know weights alone.
    ['drf', 1 / 2],
    ['max-min', 1 / 2],
  ] as const)('count for %s so that their owner gets %d', (queue, share) => {
    expectNear(shares(queue, jobs, tenants, [HOUR, LONG]).get('a'), share);
  });
});

test('a tenant of weight 0 gets what the others leave', () => {
  const tenants = [tenantSpec('a'), tenantSpec('b', { weight: 0 })];
  const jobs = [...busy('a', 0, LONG, SLOTS / 2, 8), ...busy('b', 0, LONG, SLOTS, 9)];
  const crowded = [...busy('a', 0, LONG, SLOTS, 8), ...busy('b', 0, LONG, SLOTS, 9)];
  for (const queue of WEIGHING) {
    expect(shares(queue, crowded, tenants, [HOUR, LONG]).get('b') ?? 0).toBeLessThan(0.05);
    expect(shares(queue, jobs, tenants, [0, LONG]).get('b') ?? 0).toBeGreaterThan(0.4);
  }
});
