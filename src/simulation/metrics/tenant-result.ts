/** The figures of a tenant in a run's result, and of one in a cluster at an instant. */
import { z } from 'zod';

const count = z.number().int().nonnegative();
const amounts = z.object({ gpus: z.number(), cpuCores: z.number() });

/** Result of one tenant; figures of a tenant count for it and all below it, but for those of its jobs. */
export const tenantResultSchema = z
  .object({
    name: z.string(),
    parent: z.string().describe("'': none"),
    weight: z.number().optional().describe('of its share of what nobody has a quota of, among its siblings'),
    quota: amounts.describe('its own quota over all flavours'),
    used: amounts.describe('time mean of what it and all below it held on nodes of a flavour'),
    borrowed: amounts.describe('time mean of what it used above its quota'),
    lent: amounts.describe('time mean of its idle quota that others held; sampled'),
    started: count.describe('its own jobs, restarts not counted'),
    waiting: count.describe('its own jobs, still waiting at the end'),
    waitP50: z.number().nullable().describe('seconds from arrival to start, of its own jobs; null: none'),
    waitP99: z.number().nullable(),
    gpuHours: z.number().describe('in the measured time'),
    share: z.number().describe('its part of the GPU time of all tenants; of the CPU time without GPUs'),
    levelShare: z
      .number()
      .nullable()
      .describe(
        "its part of its siblings' weights ÷ its part of their cost at base prices; above 1: less than its share; null: it used nothing",
      ),
    spentTokens: z.number().nullable().describe('of its budget in the last period; null: it has none'),
  })
  .describe('a tenant');

/** See `tenantResultSchema`. */
export type TenantResult = z.infer<typeof tenantResultSchema>;

/** A tenant at an instant, or in a run: what only a run has is optional. */
export const tenantShareSchema = tenantResultSchema
  .partial({ started: true, waitP50: true, waitP99: true, gpuHours: true, share: true })
  .extend({
    running: count.optional().describe('jobs of it and all below it, where they count at an instant'),
  })
  .describe('a tenant; in a cluster amounts are those of now, and jobs count for all tenants above');

/** See `tenantShareSchema`. */
export type TenantShare = z.infer<typeof tenantShareSchema>;

/** The tenants of a cluster at an instant. */
export const tenantSharesSchema = z.object({
  atSeconds: z.number(),
  mode: z.enum(['observe', 'enforce']).describe('whether the economy decides, or is only counted'),
  tenants: z.array(tenantShareSchema),
});
