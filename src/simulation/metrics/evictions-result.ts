/** The figures of evictions in a run's result. */
import { z } from 'zod';
import type { ReclaimCounts } from '../../governor/queueing/reclaim-counts.ts';

const count = z.number().int().nonnegative();

/** What evictions for quotas, shares and priorities did. */
export const evictionsResultSchema = z
  .object({
    plans: count.describe('times that room was made for a waiting job'),
    wasted: count.describe('of these, how often the job did not start then'),
    jobs: z
      .object({
        within: count.describe('for a job of higher priority of the same tenant'),
        reclaim: count.describe('that borrowed, for a job within its quota'),
        fairShare: count.describe('that borrowed, for a job of a tenant with a smaller share'),
        priority: count.describe('for a priority that holds across tenants'),
        drain: count.describe('of tenants that are drained, for nobody'),
      })
      .describe('evicted jobs, whole or in part, by reason'),
    shrunk: count.describe('of these, jobs that lost pods beyond their minimum only'),
    pods: count.describe('evicted'),
    lostGpuHours: z
      .number()
      .describe('work of evicted jobs since they started, or since their last checkpoint'),
  })
  .describe('evictions, warm-up included');

/** See `evictionsResultSchema`. */
export type EvictionsResult = z.infer<typeof evictionsResultSchema>;

/** @returns The counts of a run's evictions as figures. */
export function evictionsOf({
  plans,
  wasted,
  evicted,
  shrunk,
  evictedPods,
  workLost,
}: ReclaimCounts): EvictionsResult {
  const { within, reclaim, priority, drain } = evicted;
  return {
    plans,
    wasted,
    jobs: { within, reclaim, fairShare: evicted['fair-share'], priority, drain },
    shrunk,
    pods: evictedPods,
    lostGpuHours: workLost / 3600,
  };
}
