/** The accounts and the market of a scheduler, for quotes: live, to be read only, until the next step. */
import type { TokenMarket } from '../../../market/token-market/token-market.ts';
import { GPU_RESOURCES } from '../../../model/readers/gpus.ts';
import type { TenantAccounts } from '../../tenant-accounts.ts';
import type { EconomyBooks } from '../economy/pod-economy.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';

/** Nodes with the same number of whole idle GPUs, ≥ 1. */
export interface IdleNodes {
  readonly gpus: number;
  readonly nodes: number;
}

/** What quotes are computed from. */
export interface MarketBooks {
  /** Undefined: nothing has to be paid. */
  readonly market: TokenMarket | undefined;
  readonly accounts: TenantAccounts;
  /** Time to read them at, seconds. */
  readonly timeSeconds: number;
  /** By flavour, nodes with most idle GPUs first; cordoned nodes are not among them. */
  readonly idle: readonly (readonly IdleNodes[])[];
}

/** @param timeSeconds Not before the last step. @returns Undefined while the mode is off. O(nodes). */
export function marketBooksOf(state: SchedulerState, timeSeconds: number): MarketBooks | undefined {
  const { economy } = state;
  const { books } = economy;
  if (books === undefined) return undefined;
  const read = economy.market?.readable(timeSeconds);
  return {
    market: read?.market,
    accounts: books.accounts,
    timeSeconds: read?.seconds ?? timeSeconds,
    idle: idleNodes(state, books),
  };
}

function idleNodes({ slots, accounts }: SchedulerState, { tree, flavors }: EconomyBooks): IdleNodes[][] {
  const counts = tree.market.flavors.map(() => new Map<number, number>());
  for (let slot = 0; slot < slots.count; slot++) {
    const node = slots.descriptions[slot];
    const flavor = node === undefined ? -1 : flavors.ofNode(slot);
    if (node === undefined || node.unschedulable || flavor < 0) continue;
    const gpus = GPU_RESOURCES.reduce((sum, name) => sum + Math.max(0, accounts.freeOf(slot, name)), 0);
    const byGpus = counts[flavor] as Map<number, number>;
    if (gpus > 0) byGpus.set(gpus, (byGpus.get(gpus) ?? 0) + 1);
  }
  return counts.map((byGpus) =>
    [...byGpus].sort(([a], [b]) => b - a).map(([gpus, nodes]) => ({ gpus, nodes })),
  );
}
