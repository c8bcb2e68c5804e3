import { expect, onTestFinished, test } from 'vitest';
import type { EconomyDescription } from '../../../market/tenants/economy-description.ts';
import { marketObject, tenantObject } from './economy.fixtures.ts';
import { EconomyFeed } from './economy-feed.ts';
import { tenantKeyReader } from './economy-resources.ts';
import { ECONOMY_ATTEMPTS_MAX } from './usable-economy.ts';

interface Fed {
  readonly feed: EconomyFeed;
  readonly economies: EconomyDescription[];
  readonly problems: string[];
}

function listedFeed(market: object | undefined, ...tenants: readonly object[]): Fed {
  const economies: EconomyDescription[] = [];
  const problems: string[] = [];
  const feed = new EconomyFeed({
    mode: 'enforce',
    feed: (event) => {
      if (event.kind === 'economy') economies.push(event.economy);
    },
    onProblem: (kind, name, problem) => problems.push(`${kind} ${name}: ${problem}`),
  });
  onTestFinished(() => feed.stop());
  for (const tenant of tenants) feed.setTenant(tenant);
  feed.listed('tenants');
  if (market !== undefined) feed.setMarket(market);
  expect(economies).toEqual([]);
  feed.listed('markets');
  return { feed, economies, problems };
}

/** Names of the tenants in force, with their quota of GPUs. */
function quotas(economies: readonly EconomyDescription[]): Record<string, number | undefined> {
  const tenants = economies.at(-1)?.tenants ?? [];
  return Object.fromEntries(tenants.map(({ name, quota }) => [name, quota.h100?.gpuMilli]));
}

function gpus(count: number): object {
  return { h100: { 'nvidia.com/gpu': count } };
}

test('one event carries the market and all tenants, in the units of the core', () => {
  const { economies, problems } = listedFeed(
    marketObject(),
    tenantObject('vision', { parent: 'research', lend: gpus(1), defaultRuntime: '30m', state: 'Hold' }),
    tenantObject('research', { quota: { h100: { cpu: '500m', memory: '2Gi' } } }),
  );
  expect(problems).toEqual([]);
  expect(economies).toHaveLength(1);
  expect(economies[0]).toMatchObject({
    mode: 'enforce',
    market: { halfLifeSeconds: 604_800, flavors: [{ name: 'h100', nodeLabels: { gpu: 'h100' } }] },
    tenants: [
      { name: 'research', quota: { h100: { cpuMilli: 500, memoryMib: 2048 } } },
      {
        name: 'vision',
        parent: 'research',
        lend: { h100: { gpuMilli: 1000 } },
        defaultRuntimeSeconds: 1800,
        state: 'Hold',
        namespaces: [{ key: 'team', operator: 'In', values: ['vision'] }],
      },
    ],
  });
  expect(JSON.parse(JSON.stringify(economies[0]))).toEqual(economies[0]);
});

test('changes of the status alone, and of nothing, make no event', () => {
  const { feed, economies } = listedFeed(marketObject(), tenantObject('nlp', {}, 3));
  feed.setTenant({ ...tenantObject('nlp', {}, 3), status: { waiting: 4 } });
  feed.setMarket(marketObject());
  feed.flush();
  expect(economies).toHaveLength(1);
  feed.setTenant(tenantObject('nlp', { weight: 2 }, 4));
  feed.flush();
  expect(economies).toHaveLength(2);
});

test('changes soon after each other make one event', async () => {
  const { feed, economies } = listedFeed(marketObject(), tenantObject('nlp'));
  for (let weight = 2; weight < 20; weight++) feed.setTenant(tenantObject('nlp', { weight }));
  expect(economies).toHaveLength(1);
  await expect.poll(() => economies.length).toBe(2);
  expect(economies[1]?.tenants[0]?.weight).toBe(19);
});

test.each([
  ['a circle', { parent: 'b' }, /^Tenant a: tenant 'a': parent: got 'b', .*circle: a → b → a/],
  [
    'an unknown parent',
    { parent: 'bb' },
    /parent: got 'bb', expected the name of a tenant; did you mean b\?$/,
  ],
  ['more lent than there is', { lend: gpus(5) }, /lend\.h100\.gpuMilli: got 5000, expected at most 4000/],
  ['a limit below the quotas', { limit: gpus(3) }, /limit\.h100\.gpuMilli: got 3000, expected at least 4000/],
  ['another flavour', { quota: { h10: {} } }, /quota\.h10: got 'h10', .*did you mean h100\?$/],
  ['an unknown field', { wieght: 2 }, /spec\.wieght: got an unknown field, .*did you mean weight\?/],
  [
    'an unknown resource',
    { quota: { h100: { gpus: 1 } } },
    /spec\.quota\.h100\.gpus: got 1, expected a quantity of/,
  ],
  [
    'a selector',
    { namespaces: { matchExpressions: [{ key: 'a', operator: 'Is' }] } },
    /spec\.namespaces: got/,
  ],
])('%s is reported once, and what was in force stays in force', (_, wrong, expected) => {
  const b = tenantObject('b', { parent: 'a', quota: {} });
  const { feed, economies, problems } = listedFeed(marketObject(), tenantObject('a'), b);
  expect(problems).toEqual([]);
  feed.setTenant(tenantObject('a', wrong));
  feed.setTenant(tenantObject('c'));
  feed.flush();
  expect(quotas(economies)).toEqual({ a: 4000, b: undefined, c: 4000 });
  expect(problems).toEqual([expect.stringMatching(expected)]);
  feed.flush();
  expect(problems).toHaveLength(1);
  expect(feed.problemOf('Tenant', 'a')).not.toBe('');
  feed.setTenant(tenantObject('a', { quota: gpus(7) }));
  feed.flush();
  expect(problems.slice(1)).toEqual(['Tenant a: ']);
  expect(quotas(economies).a).toBe(7000);
});

test('a tenant that is wrong from the start is left out with those below it, each with its reason', () => {
  const { economies, problems } = listedFeed(
    marketObject(),
    tenantObject('a', { lend: gpus(9) }),
    tenantObject('b', { parent: 'a' }),
    tenantObject('c'),
  );
  expect(quotas(economies)).toEqual({ c: 4000 });
  expect(problems.map((problem) => problem.slice(0, 26))).toEqual([
    "Tenant a: tenant 'a': lend",
    "Tenant b: tenant 'b': pare",
  ]);
});

test('a market that is wrong, or wrong for the tenants, leaves the one in force', () => {
  const { feed, economies, problems } = listedFeed(marketObject(), tenantObject('a'), tenantObject('b'));
  feed.setMarket(marketObject({ halfLife: '0s' }));
  feed.flush();
  expect(problems).toEqual([
    expect.stringMatching(/^Market default: market: halfLife: got 0, expected seconds above 0/),
  ]);
  feed.setMarket(marketObject({ flavors: [{ name: 'a100' }] }));
  feed.flush();
  expect(problems.at(-1)).toMatch(/^Market default: tenant 'a': quota\.h100: got 'h100'/);
  expect(economies).toHaveLength(1);
  feed.setMarket(marketObject({ halfLife: 7 }));
  feed.flush();
  expect(problems.at(-1)).toMatch(/^Market default: .*spec\.halfLife: got 7/);
  expect(economies).toHaveLength(1);
});

test('without a market nothing is fed; a market that is deleted ends the economy, and both are reported', () => {
  const { feed, economies, problems } = listedFeed(undefined, tenantObject('a'));
  expect(economies).toEqual([]);
  expect(problems).toEqual([
    expect.stringMatching(/^Market default: there is no Market/),
    expect.stringMatching(/^Tenant a: there is no Market/),
  ]);
  feed.setMarket(marketObject({}, 'other'));
  feed.setMarket(marketObject());
  feed.flush();
  expect(quotas(economies)).toEqual({ a: 4000 });
  expect(feed.problemOf('Market', 'other')).toMatch(/got 'other', expected 'default'/);
  feed.goneMarket('default');
  feed.flush();
  expect(economies.at(-1)?.mode).toBe('off');
});

test('a namespace of two tenants is a problem of both, until it is one again', () => {
  const { feed, problems } = listedFeed(
    marketObject(),
    tenantObject('a'),
    tenantObject('b', { namespaces: { matchExpressions: [{ key: 'team', operator: 'Exists' }] } }),
    tenantObject('c'),
  );
  feed.noticed({ kind: 'namespace', name: 'n', labels: { team: 'a' } });
  feed.noticed({ kind: 'namespace', name: 'm', labels: { team: 'z' } });
  feed.flush();
  expect(problems.map((problem) => problem.slice(0, 90))).toEqual([
    'Tenant a: spec.namespaces: got namespaces of several tenants: n (a, b); expected one tenan',
    'Tenant b: spec.namespaces: got namespaces of several tenants: n (a, b); expected one tenan',
  ]);
  feed.noticed({ kind: 'namespace-gone', name: 'n' });
  feed.flush();
  expect(problems.slice(2)).toEqual(['Tenant a: ', 'Tenant b: ']);
});

test('more wrong tenants than trees that are tried: what was in force stays, and the market says so', () => {
  const { feed, economies } = listedFeed(marketObject(), tenantObject('good'));
  for (let i = 0; i <= ECONOMY_ATTEMPTS_MAX; i++) feed.setTenant(tenantObject(`t${i}`, { lend: gpus(5) }));
  feed.flush();
  expect(economies).toHaveLength(1);
  expect(feed.problemOf('Market', 'default')).toMatch(/cannot be used/);
});

test('the key of a pod: namespace, label, and the first alias that it has', () => {
  const labels = { 'teg.dev/tenant': 'nlp', 'kueue.x-k8s.io/queue-name': 'q', 'kai.scheduler/queue': 'k' };
  const read = tenantKeyReader(['runai/queue', 'kai.scheduler/queue', 'kueue.x-k8s.io/queue-name']);
  expect(read('ns', { labels })).toBe('ns/nlp/k');
  expect(tenantKeyReader([])('ns', { labels })).toBe('ns/nlp');
  expect(read('ns', {})).toBe('ns/');
  const admitting = tenantKeyReader(['kai.scheduler/queue'], ['kueue.x-k8s.io/podset']);
  const podset = { 'kueue.x-k8s.io/podset': 'main' };
  expect(admitting('ns', { labels: { ...labels, ...podset } })).toBe('ns/nlp/k/+');
  expect(admitting('ns', { labels: podset })).toBe('ns///+');
  expect(admitting('ns', { labels })).toBe('ns/nlp/k');
});
