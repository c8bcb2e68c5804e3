/** The tenants of a run as a table: for the terminal and for reports. */
import type { TenantResult } from '../../simulation/metrics/tenant-result.ts';
import { formatCount, formatDuration, formatFixed, formatPercent } from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';

/** Headings of `tenantCells`. */
export const TENANT_COLUMNS: readonly string[] = [
  'parent',
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

/** @returns What is said about a tenant, but for its name. Amounts are GPUs, or cores where it has and uses no GPUs. */
export function tenantCells(tenant: TenantResult): string[] {
  const { quota, used, borrowed, lent } = tenant;
  const inCores = quota.gpus === 0 && used.gpus === 0 && (quota.cpuCores > 0 || used.cpuCores > 0);
  const amount = (of: TenantResult['used']): string =>
    inCores ? `${formatFixed(of.cpuCores, 1)} cores` : formatFixed(of.gpus, 1);
  const wait = (seconds: number | null): string => (seconds === null ? '–' : formatDuration(seconds));
  return [
    tenant.parent === '' ? '–' : tenant.parent,
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

function alignOf(header: string): 'left' | 'right' {
  return header === 'parent' ? 'left' : 'right';
}
