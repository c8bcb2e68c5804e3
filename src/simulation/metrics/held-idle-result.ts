/** What gangs held before they started, in a run's result. */
import { z } from 'zod';
import type { HeldIdleFigures } from '../queueing/held-idle-book.ts';

const count = z.number().int().nonnegative();
const share = z.number();

/** Room that gangs hold and do not use, and the tax on it. */
export const heldIdleResultSchema = z
  .object({
    unit: z.enum(['gpu', 'core']).describe('of amounts × seconds: cores where there are no GPUs'),
    heldSeconds: z.number().describe('held by gangs that had not started, or had lost members'),
    survivorSeconds: z.number().describe('of these, by gangs that ran and lost a node'),
    rentSeconds: z.number().describe('used by running jobs: the rent at a price of 1'),
    shareOfCapacity: share.describe('time mean of what is held ÷ all nodes’ capacity'),
    psiMean: share.describe('ψ: the part of the nodes that stuck gangs held, mean over time'),
    psiMax: share.describe('the largest ψ of the nodes of one flavour'),
    warnings: count.describe('early warnings: ψ fluctuated more and more slowly'),
    tax: z
      .object({
        paid: z.number().describe('in the unit of the rent'),
        shareOfRent: share.describe('paid ÷ rentSeconds; 0: no rent'),
        rateMax: z.number().describe('of held room, in its rents'),
        onSeconds: z.number().describe('time with ψ above its thresholds in some flavour'),
        releases: count.describe('times that a gang could not pay and gave all back'),
        fallbacks: count.describe('times that wound-wait took over'),
      })
      .nullable()
      .describe('null: the queue has no tax'),
  })
  .describe('from the beginning, warm-up included');

/** See `heldIdleResultSchema`. */
export type HeldIdleResult = z.infer<typeof heldIdleResultSchema>;

/** @param capacity GPUs or cores of all nodes. */
export function heldIdleOf(
  figures: HeldIdleFigures,
  unit: HeldIdleResult['unit'],
  capacity: number,
  endSeconds: number,
): HeldIdleResult {
  const { tax, ...sums } = figures;
  const area = capacity * endSeconds;
  return {
    unit,
    ...sums,
    shareOfCapacity: area > 0 ? sums.heldSeconds / area : 0,
    tax:
      tax === undefined
        ? null
        : { ...tax, shareOfRent: sums.rentSeconds > 0 ? tax.paid / sums.rentSeconds : 0 },
  };
}
