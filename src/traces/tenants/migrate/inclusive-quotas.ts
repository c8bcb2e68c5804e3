/**
 * Trees whose parents' quotas include their children's (KAI, Volcano, YuniKorn), as trees whose parents' quotas come on top
 * (TEG): a parent keeps what its children leave.
 */
import { QUOTA_RESOURCES, type TenantSpec, tenantSpec } from '../../../market/tenants/spec.ts';
import { ANY_FLAVOR, type MigratedTenant } from './migration.ts';
import { badSource, type LostField, type MutableAmounts } from './source-objects.ts';

/** A queue. */
export interface InclusiveQueue {
  readonly name: string;
  /** '': the cluster. */
  readonly parent: string;
  readonly at: string;
  /** Paths of the fields in the object, for messages. */
  readonly paths: { readonly parent: string; readonly quota: string; readonly limit: string };
  readonly quota: MutableAmounts;
  readonly limit: MutableAmounts;
  /** What it does not lend; absent: lends all. */
  readonly kept: MutableAmounts;
  readonly spec: Partial<TenantSpec>;
}

interface Sums {
  total: number;
  kept: number;
}

/**
 * @param queues In any order.
 * @param lost   Receives limits and quotas that had to change so that the tree adds up.
 * @returns Tenants, children before their parents.
 * @throws TegError TEG_CONFIG_INVALID: a parent that is missing, a circle, a name twice.
 */
export function exclusiveTenants(queues: readonly InclusiveQueue[], lost: LostField[]): MigratedTenant[] {
  const ordered = childrenFirst(queues);
  const below = new Map<string, Sums>();
  const sumsOf = (name: string, column: string): Sums => {
    const key = `${column} ${name}`;
    const known = below.get(key) ?? { total: 0, kept: 0 };
    below.set(key, known);
    return known;
  };
  return ordered.map((queue) => {
    const amounts = { quota: {}, limit: {}, lend: {} } as Record<'quota' | 'limit' | 'lend', MutableAmounts>;
    for (const column of QUOTA_RESOURCES) {
      const above = sumsOf(queue.parent, column);
      addColumn(queue, column, sumsOf(queue.name, column), above, amounts, lost);
    }
    const { name, parent, at, spec } = queue;
    const byFlavor = (given: MutableAmounts): Record<string, MutableAmounts> =>
      Object.keys(given).length === 0 ? {} : { [ANY_FLAVOR]: given };
    const { quota, limit, lend } = amounts;
    return {
      at,
      spec: tenantSpec(name, {
        ...spec,
        parent,
        quota: byFlavor(quota),
        limit: byFlavor(limit),
        lend: byFlavor(lend),
      }),
    };
  });
}

function addColumn(
  { at, paths, quota, limit, kept }: InclusiveQueue,
  column: keyof MutableAmounts,
  children: Sums,
  above: Sums,
  amounts: Record<'quota' | 'limit' | 'lend', MutableAmounts>,
  lost: LostField[],
): void {
  const whole = quota[column];
  if (whole !== undefined && whole < children.total) {
    const why = `raised to ${children.total}: the quotas of its children are above it`;
    lost.push({ at, path: `${paths.quota} (${column})`, value: whole, why });
  }
  const own = Math.max(0, (whole ?? 0) - children.total);
  if (own > 0) amounts.quota[column] = own;
  const total = children.total + own;
  const cap = limit[column];
  if (cap !== undefined) amounts.limit[column] = Math.max(cap, total);
  if (cap !== undefined && cap < total) {
    const why = `raised to ${total}: a quota above a limit could never be used`;
    lost.push({ at, path: `${paths.limit} (${column})`, value: cap, why });
  }
  const keptHere = Math.min(total, Math.max(children.kept, kept[column] ?? 0));
  if (keptHere > children.kept) amounts.lend[column] = total - keptHere;
  above.total += total;
  above.kept += keptHere;
}

/** @returns The queues, each before its parent. */
function childrenFirst(queues: readonly InclusiveQueue[]): InclusiveQueue[] {
  const byName = new Map<string, InclusiveQueue>();
  for (const queue of queues) {
    if (byName.has(queue.name))
      throw badSource(queue.at, 'name', queue.name, 'each queue once', 'remove one');
    byName.set(queue.name, queue);
  }
  const waiting = new Map<string, number>();
  for (const { parent, at, paths } of queues) {
    if (parent !== '' && !byName.has(parent)) {
      throw badSource(
        at,
        paths.parent,
        parent,
        'the name of a queue that is there',
        'add it, or correct the name',
      );
    }
    waiting.set(parent, (waiting.get(parent) ?? 0) + 1);
  }
  const ordered = queues.filter(({ name }) => !waiting.has(name));
  for (const { parent } of ordered) {
    const left = (waiting.get(parent) ?? 0) - 1;
    waiting.set(parent, left);
    const next = byName.get(parent);
    if (left === 0 && next !== undefined) ordered.push(next);
  }
  if (ordered.length === queues.length) return ordered;
  const { at, paths, parent } = queues.find((queue) => !ordered.includes(queue)) as InclusiveQueue;
  throw badSource(at, paths.parent, parent, 'a tree', 'the parents go in a circle');
}
