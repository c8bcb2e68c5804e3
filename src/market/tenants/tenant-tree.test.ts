import { describe, expect, test } from 'vitest';
import { TegError } from '../../model/errors.ts';
import { TenantTable } from '../../model/tenants.ts';
import {
  HOLD_DEFAULTS,
  type MarketSpec,
  marketSpec,
  quotaFlavor,
  type TenantSpec,
  tenantSpec,
} from './spec.ts';
import { CLUSTER_TENANT, TENANT_LEVELS_MAX, TenantTree } from './tenant-tree.ts';
import { gpus, marketOf } from './tenants.fixtures.ts';

const MARKET = marketOf('h100', 'l4');

function treeOf(...tenants: TenantSpec[]): { tree: TenantTree; id: (name: string) => number } {
  const table = new TenantTable();
  table.intern('a user who came first');
  const tree = new TenantTree(MARKET, tenants, table);
  return { tree, id: (name) => table.find(name) };
}

describe('a tree of tenants', () => {
  const { tree, id } = treeOf(
    tenantSpec('nlp', { parent: 'research', quota: gpus('h100', 8) }),
    tenantSpec('research', { quota: gpus('h100', 4), state: 'Hold' }),
    tenantSpec('speech', { parent: 'nlp' }),
    tenantSpec('batch'),
  );

  test('knows parents, children and common ancestors by the numbers of the table', () => {
    expect(tree.parentOf(id('speech'))).toBe(id('nlp'));
    expect(tree.parentOf(id('batch'))).toBe(CLUSTER_TENANT);
    expect(tree.childrenOf(id('research'))).toEqual([id('nlp')]);
    expect(tree.childrenOf(CLUSTER_TENANT)).toEqual([id('research'), id('batch'), id('default')]);
    expect(tree.commonAncestor(id('speech'), id('research'))).toBe(id('research'));
    expect(tree.commonAncestor(id('speech'), id('batch'))).toBe(CLUSTER_TENANT);
    expect(tree.tenants.indexOf(id('research'))).toBeLessThan(tree.tenants.indexOf(id('nlp')));
  });

  test('accounts for the jobs of tenants it does not know as the default tenant', () => {
    const stranger = id('a user who came first');
    expect(tree.has(stranger)).toBe(false);
    expect(tree.accountOf(stranger)).toBe(id('default'));
    expect(tree.accountOf(12_345)).toBe(id('default'));
    expect(tree.specOf(stranger).name).toBe('default');
    expect(tree.accountOf(id('nlp'))).toBe(id('nlp'));
  });

  test('holds all tenants below one that is held', () => {
    expect(tree.heldBy(id('speech'), 0)).toBe(id('research'));
    expect(tree.heldBy(id('batch'), 0)).toBe(CLUSTER_TENANT);
  });

  test('a state that begins later holds from then on, and one further up meanwhile', () => {
    const from = (fromSeconds: number) => ({
      state: 'Hold' as const,
      hold: { ...HOLD_DEFAULTS, fromSeconds },
    });
    const table = new TenantTable();
    const specs = [tenantSpec('top', from(100)), tenantSpec('low', { parent: 'top', ...from(200) })];
    const late = new TenantTree(marketSpec(), specs, table);
    const held = [99, 100, 199, 200].map((seconds) => late.heldBy(table.find('low'), seconds));
    expect(held).toEqual([CLUSTER_TENANT, table.find('top'), table.find('top'), table.find('low')]);
  });

  test('is the same whatever the order of the tenants in the file', () => {
    const specs = [
      tenantSpec('a', { quota: gpus('h100', 1) }),
      tenantSpec('b', { parent: 'a', quota: gpus('l4', 2), lend: gpus('l4', 1) }),
    ];
    const there = treeOf(...specs);
    const back = treeOf(...specs.reverse());
    for (const name of ['a', 'b', 'default']) {
      const row = (of: typeof there): Float64Array => {
        const at = of.tree.rowOf(of.id(name)) * of.tree.cells;
        return of.tree.visible.slice(at, at + of.tree.cells);
      };
      expect(row(there)).toEqual(row(back));
    }
  });
});

describe('what cannot be', () => {
  const chain = Array.from({ length: TENANT_LEVELS_MAX + 1 }, (_, i) =>
    tenantSpec(`t${i}`, { parent: i === 0 ? '' : `t${i - 1}` }),
  );
  const h100 = (amount: number) => ({ h100: { gpuMilli: amount } });
  test.each<[string, TenantSpec[], string]>([
    [
      'an unknown parent',
      [tenantSpec('research'), tenantSpec('nlp', { parent: 'reserch' })],
      "tenant 'nlp': parent: got 'reserch', expected the name of a tenant; did you mean research?",
    ],
    [
      'a circle',
      [tenantSpec('a', { parent: 'b' }), tenantSpec('b', { parent: 'c' }), tenantSpec('c', { parent: 'b' })],
      'the parents go in a circle: b → c → b',
    ],
    ['its own parent', [tenantSpec('a', { parent: 'a' })], 'a → a'],
    ['too many levels', chain, `expected at most ${TENANT_LEVELS_MAX} levels of tenants`],
    ['a name twice', [tenantSpec('a'), tenantSpec('a')], "got 'a', expected each tenant once"],
    ['no name', [tenantSpec('')], "tenants: got '', expected a name of 1 to"],
    [
      'a negative quota',
      [tenantSpec('a', { quota: h100(-1) })],
      "tenant 'a': quota.h100.gpuMilli: got -1, expected an integer from 0 to 2^53 − 1; correct it",
    ],
    ['half a unit', [tenantSpec('a', { quota: h100(0.5) })], 'got 0.5, expected an integer'],
    ['a negative weight', [tenantSpec('a', { weight: -1 })], "tenant 'a': weight: got -1"],
    [
      'an unknown flavour',
      [tenantSpec('a', { limit: gpus('h1000', 1) })],
      "tenant 'a': limit.h1000: got 'h1000', expected one of the market's flavours h100, l4; did you mean h100?",
    ],
    [
      'more lent than there is',
      [tenantSpec('a', { quota: h100(8), lend: h100(9) })],
      "tenant 'a': lend.h100.gpuMilli: got 9, expected at most 8",
    ],
    [
      'a limit below the quotas that it caps',
      [tenantSpec('a', { limit: h100(9) }), tenantSpec('b', { parent: 'a', quota: h100(10) })],
      "tenant 'a': limit.h100.gpuMilli: got 9, expected at least 10",
    ],
    [
      'quotas whose sum is not exact',
      [tenantSpec('a', { quota: h100(2 ** 53 - 1) }), tenantSpec('b', { quota: h100(1) })],
      'expected a sum of quotas below 2^53',
    ],
    [
      'a budget without a period',
      [tenantSpec('a', { budget: { tokens: 1, periodSeconds: 0, onEmpty: 'Wait' } })],
      "tenant 'a': budget.period: got 0",
    ],
    [
      'a part above all',
      [tenantSpec('a', { preemption: { ...tenantSpec('x').preemption, ratePerHour: 2 } })],
      "tenant 'a': preemption.ratePerHour: got 2, expected a number from 0 to 1",
    ],
    ['no run time', [tenantSpec('a', { defaultRuntimeSeconds: 0 })], "tenant 'a': defaultRuntime: got 0"],
  ])('%s is refused with its path', (_, tenants, message) => {
    expect(() => treeOf(...tenants)).toThrow(TegError);
    expect(() => treeOf(...tenants)).toThrow(message);
  });

  const many = Array.from({ length: 31 }, (_, i) => quotaFlavor(`f${i}`));
  test.each<[string, Partial<MarketSpec>, string]>([
    ['a half-life of 0', { halfLifeSeconds: 0 }, 'market: halfLife: got 0, expected seconds above 0'],
    ['a missing half-life', { halfLifeSeconds: Number.NaN }, 'market: halfLife: got NaN'],
    ['a memory of nothing', { memorySeconds: 0 }, 'market: memory: got 0, expected seconds above 0'],
    ['a cap below the base', { priceCap: 0.5 }, 'market: priceCap: got 0.5'],
    [
      'a price that is missing',
      { flavors: [quotaFlavor('a', { unitsPerHour: { core: 0, gib: 0, gpu: Number.NaN } })] },
      'market: flavors.a.unitsPerHour.gpu: got NaN',
    ],
    ['a flavour twice', { flavors: [quotaFlavor('a'), quotaFlavor('a')] }, 'expected each flavour once'],
    ['too many flavours', { flavors: many }, 'got 31, expected at most 30'],
  ])('of a market, %s is refused with its path', (_, given, message) => {
    expect(() => new TenantTree(marketSpec(given), [], new TenantTable())).toThrow(message);
  });
});
