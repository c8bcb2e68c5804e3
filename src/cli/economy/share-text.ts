/** The tree of tenants as text. */
import { formatCount, formatDuration, formatFixed, formatPercent } from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';
import { printMarket } from './quote-text.ts';
import type { ShareAnswer, SharedTenant } from './share-answer.ts';

/** Prints the tree, then prices and balances, to standard output. */
export function printShares({ tenants, market }: ShareAnswer): void {
  const isRun = tenants.some(({ started }) => started !== undefined);
  const right = (header: string) => ({ header, align: 'right' as const });
  printTable(
    [
      { header: 'tenant' },
      ...['weight', 'of weights', 'of use', 'level FS'].map(right),
      { header: 'unit' },
      ...['quota', 'used', 'borrowed', 'lent'].map(right),
      ...(isRun ? ['started', 'waiting', 'wait p50', 'p99', 'GPU hours'] : ['running', 'waiting']).map(right),
      right('tokens'),
    ],
    tenants.map((tenant) => [
      '  '.repeat(tenant.depth) + tenant.name,
      ...standing(tenant),
      ...amounts(tenant),
      ...(isRun ? ofRun(tenant) : [countText(tenant.running), formatCount(tenant.waiting)]),
      tenant.spentTokens === null ? '–' : formatFixed(tenant.spentTokens, 1),
    ]),
  );
  console.log(
    '\nlevel FS: of weights ÷ of use, among the tenants below one parent; above 1: less than its share; ∞: it used nothing. Amounts are ' +
      (isRun ? 'means over the run.' : 'those of now.'),
  );
  if (market !== undefined) printMarket(market);
}

function standing({ weight, weightShare, useShare, levelShare }: SharedTenant): string[] {
  return [
    weight === undefined ? '–' : String(weight),
    weightShare === null ? '–' : formatPercent(weightShare),
    useShare === null ? '–' : formatPercent(useShare),
    levelShare === null ? '∞' : formatFixed(levelShare, 2),
  ];
}

/** In GPUs, or cores where it has and uses no GPUs. */
function amounts({ quota, used, borrowed, lent }: SharedTenant): string[] {
  const inCores = quota.gpus === 0 && used.gpus === 0 && (quota.cpuCores > 0 || used.cpuCores > 0);
  const amount = (of: SharedTenant['used']): string => formatFixed(inCores ? of.cpuCores : of.gpus, 1);
  return [inCores ? 'cores' : 'GPUs', ...[quota, used, borrowed, lent].map(amount)];
}

function ofRun({ started, waiting, waitP50, waitP99, gpuHours }: SharedTenant): string[] {
  const wait = (seconds: number | null | undefined): string =>
    seconds === null || seconds === undefined ? '–' : formatDuration(seconds);
  return [
    countText(started),
    formatCount(waiting),
    ...[waitP50, waitP99].map(wait),
    gpuHours === undefined ? '–' : formatFixed(gpuHours, 1),
  ];
}

function countText(count: number | undefined): string {
  return count === undefined ? '–' : formatCount(count);
}
