/**
 * The world of quanta in which sharing rules are compared: 40 tenants of equal right, half of them steady, half bursty with the
 * same mean.
 */
import type { Random } from '../../../src/kernel/random.ts';
import { jainIndex } from '../../../src/market/shares/fairness.ts';
import { Karma } from '../../../src/market/shares/karma.ts';
import { maxMinShares } from '../../../src/market/shares/max-min.ts';
import { TokenQuanta } from '../../../src/market/shares/token-quanta.ts';

/** Tenants. */
export const TENANTS = 40;

/** Quanta of a run. */
export const QUANTA = 1_500;

/** Slices that each tenant has a right to. */
export const FAIR_SHARE = 100;

/** A bursty tenant wants this many times its share, for this part of the time, in bursts of this mean length. */
const BURST_FACTOR = 4;
const BURST_PART = 0.25;
const BURST_QUANTA = 8;
/** Relative spread of demands. */
const SPREAD = 0.3;
/** Credits of Karma's tenants at the start: none runs out. */
const CREDITS = 1e9;

/** @shape [quanta][tenants] Slices. */
export type Demands = readonly (readonly number[])[];

/** One rule of sharing: called quantum by quantum. @returns Slices by tenant. */
export type SharingRule = (demands: readonly number[]) => ArrayLike<number>;

/** @returns Whether a tenant is one of the bursty ones. */
export function isBursty(tenant: number): boolean {
  return tenant % 2 === 1;
}

/** @returns Demands of all tenants. */
export function drawDemands(random: Random): number[][] {
  const isOn = new Array(TENANTS).fill(false);
  const stop = 1 / BURST_QUANTA;
  const start = (stop * BURST_PART) / (1 - BURST_PART);
  return Array.from({ length: QUANTA }, () =>
    Array.from({ length: TENANTS }, (_, tenant) => {
      const noise = Math.max(0, 1 + SPREAD * random.nextNormal());
      if (!isBursty(tenant)) return Math.round(FAIR_SHARE * noise);
      const draw = random.nextFloat();
      isOn[tenant] = isOn[tenant] ? draw >= stop : draw < start;
      return isOn[tenant] ? Math.round(BURST_FACTOR * FAIR_SHARE * noise) : 0;
    }),
  );
}

/** Max-min in each quantum. @param weights Default: all 1. */
export function maxMin(capacity: number, weights?: readonly number[]): SharingRule {
  return (demands) => maxMinShares(demands, capacity, weights);
}

/** Everyone has its share, used or not. */
export function partition(shares: readonly number[]): SharingRule {
  return (demands) => demands.map((demand, tenant) => Math.min(demand, shares[tenant] as number));
}

/** Slices in proportion to what is asked for: the rule that lies pay for. */
export function proportional(capacity: number): SharingRule {
  return (demands) => {
    const total = demands.reduce((sum, demand) => sum + demand, 0);
    return demands.map((demand) => (total <= capacity ? demand : (demand * capacity) / total));
  };
}

/** Karma. @param guaranteed Part of the fair share that is certain. */
export function karma(shares: readonly number[], guaranteed: number): SharingRule {
  const rule = new Karma({ fairShares: shares, guaranteed, credits: CREDITS });
  return (demands) => rule.quantum(demands);
}

/** The token rule at unit price. @param halfLife Quanta; Infinity: nothing evaporates. */
export function tokens(shares: readonly number[], halfLife: number): SharingRule {
  const capacity = Math.round(shares.reduce((sum, share) => sum + share, 0));
  const rule = new TokenQuanta({ fairShares: shares, capacity, kept: 2 ** (-1 / halfLife) });
  return (demands) => rule.quantum(demands);
}

/** The market's order by usage. @param memory Quanta of its share that a tenant may be behind. */
export function remembered(shares: readonly number[], memory: number): SharingRule {
  const capacity = Math.round(shares.reduce((sum, share) => sum + share, 0));
  const rule = new TokenQuanta({ fairShares: shares, capacity, memory });
  return (demands) => rule.quantum(demands);
}

/** @returns The same share for each of some tenants. */
export function equalShares(tenants: number): number[] {
  return new Array(tenants).fill(FAIR_SHARE);
}

/** Allocations of a whole run. @shape [quanta][tenants] */
export function runRule(rule: SharingRule, demands: Demands): Float64Array[] {
  return demands.map((row) => Float64Array.from(rule(row)));
}

/**
 * What tenants could use of their allocations.
 *
 * @param wanted What they really need; an allocation beyond it is useless.
 * @returns Slices by tenant.
 */
export function usefulOf(allocations: readonly Float64Array[], wanted: Demands): number[] {
  const useful = new Array(wanted[0]?.length ?? 0).fill(0) as number[];
  for (const [quantum, row] of allocations.entries()) {
    for (let tenant = 0; tenant < useful.length; tenant++) {
      const need = (wanted[quantum] as readonly number[])[tenant] as number;
      useful[tenant] = (useful[tenant] as number) + Math.min(need, row[tenant] as number);
    }
  }
  return useful;
}

/** How fair a run was. */
export interface Fairness {
  /** Smallest total allocation over the mean. */
  readonly minShare: number;
  /**
   * Smallest over largest total allocation, Jain's index of the totals, smallest satisfied part of a demand, part of capacity
   * used.
   */
  readonly minOverMax: number;
  readonly jain: number;
  readonly satisfied: number;
  readonly used: number;
}

/** @returns Measures of a run in which all report what they want. */
export function fairnessOf(allocations: readonly Float64Array[], demands: Demands): Fairness {
  const totals = usefulOf(allocations, demands);
  const wanted = totals.map((_, tenant) => demands.reduce((sum, row) => sum + (row[tenant] as number), 0));
  let used = 0;
  let usable = 0;
  for (const [quantum, row] of allocations.entries()) {
    used += row.reduce((sum, slices) => sum + slices, 0);
    const demand = (demands[quantum] as readonly number[]).reduce((sum, slices) => sum + slices, 0);
    usable += Math.min(demand, FAIR_SHARE * totals.length);
  }
  return {
    minShare: (Math.min(...totals) * totals.length) / totals.reduce((sum, total) => sum + total, 0),
    minOverMax: Math.min(...totals) / Math.max(...totals),
    jain: jainIndex(totals),
    satisfied: Math.min(...totals.map((total, tenant) => total / Math.max(1, wanted[tenant] as number))),
    used: used / usable,
  };
}

/** @returns Cells of two runs that differ by more than a number of slices. */
export function differingCells(
  a: readonly Float64Array[],
  b: readonly Float64Array[],
  tolerance: number,
): number {
  let cells = 0;
  for (const [quantum, row] of a.entries())
    for (const [tenant, slices] of row.entries())
      if (Math.abs(slices - (b[quantum]?.[tenant] as number)) > tolerance) cells++;
  return cells;
}
