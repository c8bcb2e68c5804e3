import { describe, expect, onTestFinished, test } from 'vitest';
import type { EconomyFrame } from '../../../governor/pods/frame/economy-frame.ts';
import type { ApiAnswer, ApiRequest } from '../client/api.ts';
import { VirtualClock } from '../writes/writes.fixtures.ts';
import { marketObject, tenantObject } from './economy.fixtures.ts';
import { EconomyFeed } from './economy-feed.ts';
import { EconomyStatusWriter, OBJECT_SECONDS_MIN, STATUS_WRITES_MAX } from './economy-status.ts';
import { hasChanged } from './status-changes.ts';
import type { StatusObject } from './status-objects.ts';

const NONE = { cpuMilli: 0, memoryMib: 0, gpuMilli: 0 };

function gpus(count: number) {
  return { ...NONE, gpuMilli: count * 1000 };
}

/** Tenants t0, t1, … that hold `used` GPUs each, and their namespaces. */
function frameOf(tenants: number, used: number): EconomyFrame {
  const names = Array.from({ length: tenants }, (_, i) => `t${i}`);
  const flavor = { flavor: 'h100', quota: gpus(100), borrowed: NONE, lent: NONE, available: NONE };
  return {
    mode: 'enforce',
    timeSeconds: 0,
    market: {} as EconomyFrame['market'],
    champions: [],
    psi: 0.25,
    ledger: { sequence: 7, leases: 1, supply: 12.5 },
    flavors: [{ name: 'h100', capacity: gpus(100), used: NONE, utilisation: 0.5, price: 2, slope: 0.02 }],
    tenants: names.map((name) => ({
      ...{
        name,
        parent: '',
        weight: 1,
        state: 'Open' as const,
        running: 1,
        waiting: 0,
        levelShare: 1,
        unitsPerHour: used,
      },
      flavors: [{ ...flavor, used: gpus(used) }],
      ...{ budget: undefined, tokens: undefined, wouldRefuse: undefined },
    })),
    namespaces: names.map((name) => ({
      ...{ name, tenant: name, problem: undefined, running: 1, waiting: 0, jobs: [] },
    })),
  };
}

/** A writer before an API server that keeps statuses. */
class Written {
  readonly clock = new VirtualClock();
  readonly writes: { readonly seconds: number; readonly request: ApiRequest; readonly status: number }[] = [];
  readonly statuses = new Map<string, StatusObject>();
  readonly feed: EconomyFeed;
  readonly writer: EconomyStatusWriter;
  readonly problems: string[] = [];
  frame: EconomyFrame | undefined;
  leads = true;
  answer: (request: ApiRequest) => number | undefined = () => undefined;
  private readonly tenants: number;

  constructor(tenants: number) {
    this.tenants = tenants;
    this.feed = new EconomyFeed({ mode: 'enforce', feed: () => {}, onProblem: () => {} });
    onTestFinished(() => this.feed.stop());
    for (let i = 0; i < tenants; i++) {
      this.feed.noticed({ kind: 'namespace', name: `t${i}`, labels: { team: `t${i}` } });
    }
    this.sync();
    this.feed.listed('markets');
    this.feed.listed('tenants');
    this.writer = new EconomyStatusWriter({
      client: { request: (request) => this.take(request), close: () => Promise.resolve() },
      clock: this.clock,
      random: () => 0,
      mayWrite: () => this.leads,
      mayRun: () => true,
      feed: this.feed,
      frame: () => this.frame,
      opening: () => undefined,
      term: () => 3,
      onWriteError: (path, text) => this.problems.push(`${path}: ${text}`),
    });
    onTestFinished(() => this.writer.stop());
    this.writer.start();
  }

  /** The watch delivers what was written. */
  sync(): void {
    const status = (path: string) => this.statuses.get(`/apis/teg.dev/v1alpha1/${path}`) ?? {};
    this.feed.setMarket({ ...marketObject({}, 'default', 1), status: status('markets/default') });
    for (let i = 0; i < this.tenants; i++) {
      this.feed.setTenant({ ...tenantObject(`t${i}`, {}, 1), status: status(`tenants/t${i}`) });
    }
  }

  async advance(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await this.clock.advance(1);
      this.sync();
    }
  }

  status(path: string): StatusObject | undefined {
    return this.statuses.get(`/apis/teg.dev/v1alpha1/${path}`);
  }

  /** Most writes in any second. */
  mostInASecond(): number {
    const times = this.writes.map(({ seconds }) => seconds);
    return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + 1).length));
  }

  private async take(request: ApiRequest): Promise<ApiAnswer> {
    const [status, body] = this.answered(request);
    this.writes.push({ seconds: this.clock.nowSeconds(), request, status });
    return { status, body, retryAfterSeconds: Number.NaN };
  }

  private answered(request: ApiRequest): [number, object] {
    const { method, path, body } = request;
    const given = this.answer(request);
    if (given !== undefined) return [given, {}];
    if (method === 'POST') {
      this.statuses.set(`${path}/default`, {});
      return [201, {}];
    }
    const at = path.replace('/status', '');
    if (path.includes('/accounts/') && !this.statuses.has(at)) return [404, {}];
    const merged = { ...this.statuses.get(at), ...(body as { status: object }).status };
    const status = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
    this.statuses.set(at, status);
    return [200, { status }];
  }
}

describe('the status of the economy', () => {
  test('has what the core knows, in the words of the columns; Accounts are created', async () => {
    const written = new Written(1);
    written.frame = frameOf(1, 12);
    await written.advance(8);
    expect(written.status('tenants/t0')).toEqual({
      ...{ quota: '100', quotaUsed: '12', borrowed: '0', lent: '0', running: 1, waiting: 0 },
      ...{ levelShare: '1', unitsPerHour: '12' },
      flavors: [
        {
          name: 'h100',
          quota: { 'nvidia.com/gpu': '100' },
          used: { 'nvidia.com/gpu': '12' },
          ...{ borrowed: {}, lent: {} },
        },
      ],
      conditions: [expect.objectContaining({ type: 'Ready', status: 'True', reason: 'InForce' })],
    });
    expect(written.status('markets/default')).toMatchObject({
      ...{ mode: 'enforce', flavor: 'h100', price: '2', slope: '0.02', utilisation: '0.5' },
      ...{ psi: '0.25', supply: '12.5' },
      conditions: [{ status: 'True' }],
    });
    expect(written.status('namespaces/t0/accounts/default')).toMatchObject({ tenant: 't0', running: 1 });
    expect(written.writer.counts).toMatchObject({ written: 3, created: 1, failed: 0 });
  });

  test('200 tenants that change all the time: at most 20 writes in any second, each object at most once in 10 s', async () => {
    const written = new Written(200);
    for (let second = 0; second < 120; second++) {
      written.frame = frameOf(200, 10 + second);
      await written.advance(1);
    }
    expect(written.writer.counts.written).toBeGreaterThan(1200);
    expect(written.mostInASecond()).toBeLessThanOrEqual(STATUS_WRITES_MAX);
    const last = new Map<string, number>();
    for (const { seconds, request, status } of written.writes) {
      if (status !== 200) continue;
      const before = last.get(request.path) ?? Number.NEGATIVE_INFINITY;
      expect(seconds - before).toBeGreaterThanOrEqual(OBJECT_SECONDS_MIN);
      last.set(request.path, seconds);
    }
    // Nobody is left out.
    expect(last.size).toBe(401);
  });

  test('a change of a hundredth is not written, a larger one is', async () => {
    const written = new Written(1);
    written.frame = frameOf(1, 100);
    await written.advance(30);
    const { length } = written.writes;
    written.frame = frameOf(1, 101);
    await written.advance(30);
    expect(written.writes).toHaveLength(length);
    written.frame = frameOf(1, 102);
    await written.advance(30);
    expect(written.writes.slice(length).map(({ request }) => request.path)).toEqual([
      '/apis/teg.dev/v1alpha1/tenants/t0/status',
    ]);
  });

  test('nothing without the lease; a leader that comes back writes Accounts again', async () => {
    const written = new Written(1);
    written.frame = frameOf(1, 1);
    written.leads = false;
    await written.advance(30);
    expect(written.writes).toEqual([]);
    written.leads = true;
    await written.advance(10);
    const { length } = written.writes;
    written.leads = false;
    written.frame = frameOf(1, 2);
    await written.advance(30);
    expect(written.writes).toHaveLength(length);
    written.leads = true;
    await written.advance(10);
    expect(
      written.writes
        .slice(length)
        .map(({ request }) => request.path.slice(23))
        .sort(),
    ).toEqual(['namespaces/t0/accounts/default/status', 'tenants/t0/status']);
  });

  test('a problem is the condition Ready with its path; without an economy the figures go', async () => {
    const written = new Written(2);
    written.frame = frameOf(2, 1);
    await written.advance(10);
    const first = written.status('tenants/t1')?.conditions;
    written.feed.goneMarket('default');
    written.feed.flush();
    written.frame = undefined;
    await written.clock.advance(30);
    expect(written.status('tenants/t1')).toEqual({
      conditions: [
        expect.objectContaining({
          ...{ status: 'False', reason: 'Invalid', message: expect.stringContaining('no Market') },
        }),
      ],
    });
    expect(written.status('tenants/t1')?.conditions).not.toEqual(first);
    expect(written.status('namespaces/t1/accounts/default')).toEqual({
      running: 0,
      waitingCount: 0,
      waiting: [],
    });
  });

  test('a write that is refused is reported, and tried again not before 10 s', async () => {
    const written = new Written(1);
    written.frame = frameOf(1, 1);
    written.answer = ({ path }) => (path.includes('/tenants/') ? 403 : undefined);
    await written.advance(60);
    const tries = written.writes.filter(({ request }) => request.path.includes('/tenants/'));
    expect(tries.length).toBeGreaterThan(3);
    expect(tries.length).toBeLessThanOrEqual(6);
    expect(written.problems[0]).toMatch(/tenants\/t0: 403/);
  });

  test('an object that is gone is not written again', async () => {
    const written = new Written(1);
    written.frame = frameOf(1, 1);
    await written.advance(10);
    written.feed.noticed({ kind: 'namespace-gone', name: 't0' });
    written.feed.goneTenant('t0');
    const { length } = written.writes;
    written.frame = { ...frameOf(1, 1), namespaces: [], tenants: [] };
    await written.clock.advance(60);
    expect(written.writes).toHaveLength(length);
  });
});

test.each<[string, StatusObject, StatusObject, boolean]>([
  ['the same', { a: '5', b: null }, { a: '5' }, false],
  ['a hundredth', { a: '100' }, { a: '101' }, false],
  ['more', { a: '100' }, { a: '101.1' }, true],
  ['from nothing', { a: '0' }, { a: '0.1' }, true],
  ['another unit', { a: '1Gi' }, { a: '1Mi' }, true],
  ['a name that is a number', { waiting: [{ job: '1000' }] }, { waiting: [{ job: '1001' }] }, true],
  [
    'a message in which time passes',
    { waiting: [{ message: 'in 5 s' }] },
    { waiting: [{ message: 'in 9 s' }] },
    false,
  ],
  [
    'a budget by its tokens',
    { budget: { tokens: '100', spent: '1' } },
    { budget: { tokens: '100', spent: '2' } },
    false,
  ],
  ['a column', { quota: 'a:100' }, { quota: 'a:103' }, false],
  ['a column that goes', { quota: '5' }, { quota: null }, true],
  ['an inner price', { prices: [{ price: '1' }] }, { prices: [{ price: '2' }] }, true],
  ['a condition', { conditions: [{ message: 'a' }] }, { conditions: [{ message: 'b' }] }, true],
])('a change of %s', (_, before, wanted, expected) => {
  expect(hasChanged(before, wanted)).toBe(expected);
});
