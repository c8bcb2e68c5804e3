import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { marketSpec, tenantSpec } from '../../market/tenants/spec.ts';
import { parseTenants, readTenants } from './read-tenants.ts';

const EXAMPLE = join(import.meta.dirname, '../../../examples/tenants.yaml');

const MARKET = {
  apiVersion: 'teg.dev/v1alpha1',
  kind: 'Market',
  metadata: { name: 'default' },
  spec: { halfLife: '168h', flavors: [{ name: 'h100' }] },
};

function tenant(name: string, spec?: object) {
  return { apiVersion: 'teg.dev/v1alpha1', kind: 'Tenant', metadata: { name }, ...(spec && { spec }) };
}

describe('a file of tenants', () => {
  test('is read with its units: the example', async () => {
    const { market, tenants } = await readTenants(EXAMPLE);
    expect(market.halfLifeSeconds).toBe(168 * 3600);
    expect(market.flavors[0]).toEqual({
      name: 'h100',
      gpuModels: ['H100'],
      nodeLabels: {},
      unitsPerHour: { core: 0.02, gib: 0, gpu: 1 },
    });
    expect(tenants.map(({ name, parent }) => `${parent}/${name}`)).toEqual([
      '/research',
      'research/vision',
      'research/speech',
      '/data',
    ]);
    expect(tenants[1]).toMatchObject({
      weight: 2,
      quota: { h100: { gpuMilli: 8000 }, a100: { gpuMilli: 2000 } },
      lend: { h100: { gpuMilli: 4000 } },
    });
    expect(tenants[2]).toMatchObject({
      budget: { tokens: 500, periodSeconds: 720 * 3600, onEmpty: 'Wait' },
      defaultRuntimeSeconds: 7200,
    });
  });

  test('has the defaults of the specifications for all that is left out', () => {
    const { market, tenants } = parseTenants(stringify([MARKET, tenant('a')]), 'x');
    expect(tenants).toEqual([tenantSpec('a')]);
    expect(market).toEqual(marketSpec({ flavors: market.flavors, halfLifeSeconds: 168 * 3600 }));
  });

  test('says when a state begins, and how fast it drains', () => {
    const held = { ...tenant('a'), spec: { state: 'HoldAndDrain', hold: { from: '24h', drainPods: 8 } } };
    const { tenants } = parseTenants(stringify([MARKET, held]), 'x');
    expect(tenants[0]).toMatchObject({ hold: { fromSeconds: 86_400, drainPods: 8, intervalSeconds: 60 } });
  });

  test('says whose turn it is, and how much of a share is remembered', () => {
    const read = (spec: object): object =>
      parseTenants(stringify([{ ...MARKET, spec: { ...MARKET.spec, ...spec } }, tenant('a')]), 'x').market;
    expect(read({})).toMatchObject({ order: 'Usage', memorySeconds: 720 * 3600 });
    expect(read({ order: 'Balance', memory: '36h' })).toMatchObject({
      order: 'Balance',
      memorySeconds: 36 * 3600,
    });
  });

  test('is the same as documents, as a list, as a Kubernetes list, and as JSON', () => {
    const text = readFileSync(EXAMPLE, 'utf8');
    const objects = [...parseAllDocuments(text)].map((document) => document.toJS());
    const expected = parseTenants(text, 'x');
    for (const other of [objects, { apiVersion: 'v1', kind: 'List', items: objects }]) {
      expect(parseTenants(stringify(other), 'x')).toEqual(expected);
      expect(parseTenants(JSON.stringify(other), 'x')).toEqual(expected);
    }
  });

  test('takes quantities of Kubernetes, rounded down', () => {
    const quota = { h100: { cpu: '2500m', memory: '1.9Gi', 'amd.com/gpu': '0.5', 'nvidia.com/gpu': 2 } };
    const { tenants } = parseTenants(stringify([MARKET, tenant('a', { quota })]), 'x');
    expect(tenants[0]?.quota).toEqual({ h100: { cpuMilli: 2500, memoryMib: 1945, gpuMilli: 2500 } });
  });
});

describe('what is wrong with a file of tenants', () => {
  const market = (spec: object) => [{ ...MARKET, spec: { ...MARKET.spec, ...spec } }];
  test.each<[string, unknown, string]>([
    ['no market', [tenant('a')], 'x: got 0 objects of kind Market, expected one'],
    ['two markets', [MARKET, MARKET], 'x: got 2 objects of kind Market, expected one'],
    [
      'another kind',
      [MARKET, { kind: 'Queue' }],
      'x: object 2: got the kind "Queue", expected Market or Tenant',
    ],
    ['no object at all', [MARKET, 7], 'x: object 2: got the kind nothing, expected Market or Tenant'],
    [
      'another version',
      [MARKET, { ...tenant('a'), apiVersion: 'v1' }],
      `x: Tenant 'a': apiVersion: got "v1", expected "teg.dev/v1alpha1"`,
    ],
    [
      'no half-life',
      market({ halfLife: undefined }),
      "x: Market 'default': spec.halfLife: got nothing, expected a value of type string",
    ],
    ['a half-life of 0', market({ halfLife: '0s' }), 'x: market: halfLife: got 0, expected seconds above 0'],
    [
      'a half-life in words',
      market({ halfLife: 'a week' }),
      'spec.halfLife: got "a week", expected a duration such as 168h, 10m or 1h30m',
    ],
    [
      'an unknown field',
      [MARKET, tenant('a', { quotas: {} })],
      "x: Tenant 'a': spec.quotas: got an unknown field, expected one of parent, weight, quota",
    ],
    ['a field that is meant', [MARKET, tenant('a', { quotta: {} })], '(did you mean quota?)'],
    [
      'a quantity that is none',
      [MARKET, tenant('a', { quota: { h100: { cpu: 'many' } } })],
      'spec.quota.h100.cpu: got "many", expected a quantity ≥ 0 such as 16, 500m or 64Gi',
    ],
    [
      'a negative quantity',
      [MARKET, tenant('a', { quota: { h100: { cpu: -1 } } })],
      'spec.quota.h100.cpu: got -1, expected a quantity ≥ 0',
    ],
    [
      'a resource that quotas do not know',
      [MARKET, tenant('a', { limit: { h100: { 'rdma/hca': 1 } } })],
      'spec.limit.h100.rdma/hca: got 1, expected a quantity of one of cpu, memory, nvidia.com/gpu',
    ],
    [
      'a state that is none',
      [MARKET, tenant('a', { state: 'Closed' })],
      `spec.state: got "Closed", expected "Open" or "Hold" or "HoldAndDrain"`,
    ],
    ['no name', [MARKET, { ...tenant('a'), metadata: {} }], 'x: Tenant 2: metadata.name: got nothing'],
    ['a tree that is none', [MARKET, tenant('a', { parent: 'b' })], "x: tenant 'a': parent: got 'b'"],
    [
      'a price that is none',
      market({ flavors: [{ name: 'h100', unitsPerHour: { cpu: 'free' } }] }),
      'spec.flavors.0.unitsPerHour.cpu: got "free", expected a number ≥ 0',
    ],
  ])('%s is reported', (_, objects, message) => {
    expect(() => parseTenants(stringify(objects), 'x')).toThrow(message);
  });

  test('text that is not YAML, all problems at once, and a file that is not there', async () => {
    expect(() => parseTenants('a: [', 'x')).toThrow('x: got text that is not YAML');
    const bad = [market({ priceCap: 'low' }), tenant('a', { weight: 'much' })].flat();
    expect(() => parseTenants(stringify(bad), 'x')).toThrow(/priceCap.*\n.*weight/);
    await expect(readTenants('/nowhere.yaml')).rejects.toThrow('there is no such file (ENOENT)');
  });
});
