/** `teg share`: tenants as a tree, each with what it is due, what it had, and the level share: Slurm's sshare. */
import { z } from 'zod';
import { marketResultSchema } from '../../simulation/metrics/market-result.ts';
import { type TenantShare, tenantShareSchema } from '../../simulation/metrics/tenant-result.ts';
import type { TenantsSource } from './sources.ts';

const part = z.number().min(0).max(1).nullable();

/** A tenant in the tree. */
const sharedTenantSchema = tenantShareSchema.extend({
  depth: z.number().int().nonnegative().describe('tenants above it'),
  weightShare: part.describe("its part of its siblings' weights (sshare: NormShares); null: not known"),
  useShare: part.describe(
    "its part of its siblings' cost at base prices (sshare: EffectvUsage); null: not known. levelShare = weightShare ÷ useShare",
  ),
});

/** The output of `teg share --json`. */
export const shareAnswerSchema = z.object({
  atSeconds: z.number().describe('since the start of the run, or since 1970'),
  mode: z.enum(['observe', 'enforce']).optional().describe('of a cluster'),
  tenants: z.array(sharedTenantSchema).describe('each before those below it'),
  market: marketResultSchema.optional(),
});

/** See `shareAnswerSchema`. */
export type ShareAnswer = z.infer<typeof shareAnswerSchema>;
/** A tenant of it. */
export type SharedTenant = ShareAnswer['tenants'][number];

/** @returns The tenants in the order of a tree; those whose parent is missing stand at the top. O(tenants). */
export function shareAnswer({ atSeconds, mode, tenants, market }: TenantsSource): ShareAnswer {
  const names = new Set(tenants.map(({ name }) => name));
  const byParent = new Map<string, TenantShare[]>();
  for (const tenant of tenants) {
    const parent = names.has(tenant.parent) && tenant.parent !== tenant.name ? tenant.parent : '';
    const siblings = byParent.get(parent);
    if (siblings === undefined) byParent.set(parent, [tenant]);
    else siblings.push(tenant);
  }
  const tree: SharedTenant[] = [];
  const visit = (parent: string, depth: number): void => {
    const siblings = byParent.get(parent) ?? [];
    byParent.delete(parent);
    const weights = siblings.reduce((sum, { weight = Number.NaN }) => sum + weight, 0);
    for (const tenant of siblings) {
      tree.push({ ...tenant, depth, ...partsOf(tenant, weights) });
      visit(tenant.name, depth + 1);
    }
  };
  visit('', 0);
  return {
    atSeconds,
    ...(mode === undefined ? {} : { mode }),
    tenants: tree,
    ...(market === undefined ? {} : { market }),
  };
}

/** @param weights Of all siblings; NaN: not known. */
function partsOf({ weight = Number.NaN, levelShare }: TenantShare, weights: number) {
  if (Number.isNaN(weights)) return { weightShare: null, useShare: null };
  const weightShare = weights === 0 ? 0 : weight / weights;
  if (levelShare === null) return { weightShare, useShare: 0 };
  return { weightShare, useShare: levelShare === 0 ? null : Math.min(1, weightShare / levelShare) };
}
