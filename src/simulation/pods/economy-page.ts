/** The economy of a pod scheduler in the form of a simulation's result: the page of `teg share` and `teg quote`. */
import { z } from 'zod';
import type {
  FrameAmounts,
  TenantFlavorFrame,
  TenantFrame,
} from '../../governor/pods/frame/economy-frame.ts';
import type { PodSchedulerView } from '../../governor/pods/pod-view.ts';
import { marketResult, marketResultSchema } from '../metrics/market-result.ts';
import { type TenantShare, tenantSharesSchema } from '../metrics/tenant-result.ts';

const MILLI = 1000;

/** Tenants, prices and balances; only the time while the economy is off. */
export const economyPageSchema = z.object({
  atSeconds: z.number(),
  shares: tenantSharesSchema.optional(),
  market: marketResultSchema.optional(),
});

/** See `economyPageSchema`. */
export type EconomyPage = z.infer<typeof economyPageSchema>;

/**
 * @param nowSeconds Default: time of the last step.
 * @returns The economy then; nothing is changed. JSON.
 * @cost O(pods + nodes + tenants × (flavours + namespaces)).
 */
export function economyPage(view: PodSchedulerView, nowSeconds: number = view.timeSeconds): EconomyPage {
  const [frame, books] = [view.economy(), view.marketBooks(nowSeconds)];
  const atSeconds = Math.max(nowSeconds, view.timeSeconds);
  if (frame === undefined || books === undefined) return { atSeconds };
  const { market, accounts, idle, timeSeconds } = books;
  return {
    atSeconds,
    shares: { atSeconds, mode: frame.mode, tenants: frame.tenants.map(shareOf) },
    market: marketResult(market, accounts, idle, timeSeconds, 'pod'),
  };
}

function shareOf(tenant: TenantFrame): TenantShare {
  const { name, parent, weight, flavors, running, waiting, levelShare, budget } = tenant;
  const sum = (of: (flavor: TenantFlavorFrame) => FrameAmounts) => ({
    gpus: flavors.reduce((total, flavor) => total + of(flavor).gpuMilli, 0) / MILLI,
    cpuCores: flavors.reduce((total, flavor) => total + of(flavor).cpuMilli, 0) / MILLI,
  });
  return {
    ...{ name, parent, weight, running, waiting },
    quota: sum(({ quota }) => quota),
    used: sum(({ used }) => used),
    borrowed: sum(({ borrowed }) => borrowed),
    lent: sum(({ lent }) => lent),
    levelShare: Number.isFinite(levelShare) ? levelShare : null,
    spentTokens: budget?.spent ?? null,
  };
}
