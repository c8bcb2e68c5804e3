/** The tenants of a run as a table: for the terminal and for reports. */
import type { EvictionsResult } from '../../simulation/metrics/evictions-result.ts';
import type { TenantResult } from '../../simulation/metrics/tenant-result.ts';
import { formatCount, formatDuration, formatFixed, formatPercent } from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';

/** Headings of `tenantCells`. */
export const TENANT_COLUMNS: readonly string[] = [
  'parent',
  'unit',
  'quota',
  'used',
  'borrowed',
  'lent',
  'started',
  'waiting',
  'wait p50',
  'p99',
  'GPU hours',
  'share',
  'level share',
  'tokens',
];

/** @returns What is said about a tenant, but for its name. The unit of amounts is GPUs, or cores where it has and uses no GPUs. */
export function tenantCells(tenant: TenantResult): string[] {
  const { quota, used, borrowed, lent } = tenant;
  const inCores = quota.gpus === 0 && used.gpus === 0 && (quota.cpuCores > 0 || used.cpuCores > 0);
  const amount = (of: TenantResult['used']): string => formatFixed(inCores ? of.cpuCores : of.gpus, 1);
  const wait = (seconds: number | null): string => (seconds === null ? '–' : formatDuration(seconds));
  return [
    tenant.parent === '' ? '–' : tenant.parent,
    inCores ? 'cores' : 'GPUs',
    amount(quota),
    amount(used),
    amount(borrowed),
    amount(lent),
    formatCount(tenant.started),
    formatCount(tenant.waiting),
    wait(tenant.waitP50),
    wait(tenant.waitP99),
    formatFixed(tenant.gpuHours, 1),
    formatPercent(tenant.share),
    tenant.levelShare === null ? '–' : formatFixed(tenant.levelShare, 2),
    tenant.spentTokens === null ? '–' : formatFixed(tenant.spentTokens, 1),
  ];
}

/** Prints the table to standard output. */
export function printTenants(tenants: readonly TenantResult[]): void {
  printTable(
    [{ header: 'tenant' }, ...TENANT_COLUMNS.map((header) => ({ header, align: alignOf(header) }))],
    tenants.map((tenant) => [tenant.name, ...tenantCells(tenant)]),
  );
}

/** @returns Evictions in a sentence: `evicted: 12 jobs (10 reclaimed quota, 2 fair shares) with 31 pods; …`. */
export function evictionsLine({ jobs, pods, lostGpuHours, wasted }: EvictionsResult): string {
  const parts: readonly (readonly [number, string])[] = [
    [jobs.within, 'for higher priority in their tenant'],
    [jobs.reclaim, 'for quota'],
    [jobs.fairShare, 'for fair shares'],
    [jobs.priority, 'for cluster-wide priority'],
  ];
  const total = parts.reduce((sum, [count]) => sum + count, 0);
  if (total === 0) return 'evicted: none';
  const reasons = parts.filter(([count]) => count > 0).map(([count, why]) => `${formatCount(count)} ${why}`);
  const rest = `${formatCount(pods)} pods, ${formatFixed(lostGpuHours, 1)} GPU hours of work lost`;
  return `evicted: ${formatCount(total)} jobs (${reasons.join(', ')}): ${rest}; ${formatCount(wasted)} times in vain`;
}

function alignOf(header: string): 'left' | 'right' {
  return header === 'parent' || header === 'unit' ? 'left' : 'right';
}
