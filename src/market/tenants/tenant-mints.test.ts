import { expect, test } from 'vitest';
import { TenantTable } from '../../model/tenants.ts';
import { marketSpec, QUOTA_GPU, quotaFlavor, tenantSpec } from './spec.ts';
import { tenantMints } from './tenant-mints.ts';
import { TenantTree } from './tenant-tree.ts';
import { TenantUsage } from './tenant-usage.ts';

test('the cluster mints its capacity, quotas first, the surplus by weight on every level', () => {
  const table = new TenantTable();
  const gpus = (count: number) => ({ h100: { gpuMilli: 1_000 * count } });
  const specs = [
    tenantSpec('default'),
    tenantSpec('research'),
    tenantSpec('nlp', { parent: 'research', quota: gpus(16) }),
    tenantSpec('vision', { parent: 'research', quota: gpus(8), weight: 3 }),
    tenantSpec('guests', { weight: 0 }),
  ];
  const tree = new TenantTree(marketSpec({ flavors: [quotaFlavor('h100')] }), specs, table);
  const usage = new TenantUsage(tree);
  usage.setCapacity(0, QUOTA_GPU, 100_000);
  const rates = tenantMints(tree, usage);
  const rateOf = (name: string): number => (rates[tree.rowOf(table.find(name))] as number) / 1e6;
  expect(['nlp', 'vision', 'default', 'guests', 'research'].map(rateOf)).toEqual([25.5, 36.5, 38, 0, 0]);
  expect(rates.reduce((sum, rate) => sum + rate, 0)).toBe(100e6);
  expect(rates[0]).toBe(0);
});
