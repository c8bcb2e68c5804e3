/**
 * The largest part of the objects that is an economy, and what is wrong with the others.
 *
 * Each object may be fine by itself and wrong together with the others: a circle of parents, a limit below the quotas under it.
 * A tenant that is blamed keeps the version that was last in force, or is left out if there is none; the rest is tried again. A
 * market with which tenants fail that are fine with the one in force gives way to that one.
 */
import { type PodTenantSpec, tenantSpecOf } from '../../../market/tenants/economy-description.ts';
import type { MarketSpec } from '../../../market/tenants/spec.ts';
import { TenantTree } from '../../../market/tenants/tenant-tree.ts';
import { TegError } from '../../../model/errors.ts';
import { TenantTable } from '../../../model/tenants.ts';

/** Most trees that are tried: each costs O(tenants). After that what was last in force stays as it is. */
export const ECONOMY_ATTEMPTS_MAX = 200;

/** Versions of an object. */
export interface Versions<Spec> {
  /** What the API server has, if it can be read. */
  readonly current: Spec | undefined;
  /** What was last in force. */
  readonly lastGood: Spec | undefined;
}

/** What can be used. */
export interface UsableEconomy {
  readonly market: MarketSpec;
  /** By name. */
  readonly tenants: ReadonlyMap<string, PodTenantSpec>;
  /** What is wrong with the market; '' if nothing is. */
  readonly marketProblem: string;
  /** What is wrong with tenants, by name. */
  readonly problems: ReadonlyMap<string, string>;
}

/** @returns What can be used; undefined if no market can, or too many tenants are wrong. */
export function usableEconomy(
  market: Versions<MarketSpec>,
  tenants: ReadonlyMap<string, Versions<PodTenantSpec>>,
): UsableEconomy | undefined {
  const { current, lastGood } = market;
  const wanted = current === undefined ? undefined : withMarket(current, tenants);
  const isFine = wanted !== undefined && wanted.marketProblem === '' && wanted.problems.size === 0;
  if (isFine || lastGood === undefined || lastGood === current) return usable(wanted);
  const kept = withMarket(lastGood, tenants);
  if (kept === undefined) return usable(wanted);
  if (wanted === undefined) return kept;
  if (wanted.marketProblem === '' && wanted.problems.size <= kept.problems.size) return wanted;
  const [first = ''] = wanted.problems.values();
  return { ...kept, marketProblem: wanted.marketProblem === '' ? first : wanted.marketProblem };
}

function usable(economy: UsableEconomy | undefined): UsableEconomy | undefined {
  return economy?.marketProblem === '' ? economy : undefined;
}

function withMarket(
  market: MarketSpec,
  versions: ReadonlyMap<string, Versions<PodTenantSpec>>,
): UsableEconomy | undefined {
  const chosen = new Map<string, PodTenantSpec>();
  const problems = new Map<string, string>();
  for (const [name, { current, lastGood }] of versions) {
    const spec = current ?? lastGood;
    if (spec !== undefined) chosen.set(name, spec);
  }
  for (let attempt = 0; attempt < ECONOMY_ATTEMPTS_MAX; attempt++) {
    const problem = problemOfTree(market, [...chosen.values()]);
    if (problem === '') return { market, tenants: chosen, marketProblem: '', problems };
    const blamed = blamedTenant(problem);
    if (blamed === undefined || !chosen.has(blamed)) {
      return { market, tenants: chosen, marketProblem: problem, problems };
    }
    if (!problems.has(blamed)) problems.set(blamed, problem);
    const { lastGood } = versions.get(blamed) as Versions<PodTenantSpec>;
    if (lastGood === undefined || chosen.get(blamed) === lastGood) chosen.delete(blamed);
    else chosen.set(blamed, lastGood);
  }
  return undefined;
}

/** @returns '' if the tenants are a tree. */
function problemOfTree(market: MarketSpec, tenants: readonly PodTenantSpec[]): string {
  try {
    new TenantTree(market, tenants.map(tenantSpecOf), new TenantTable());
    return '';
  } catch (error) {
    if (error instanceof TegError && error.code === 'TEG_CONFIG_INVALID') return error.message;
    throw error;
  }
}

/** Problems of a tenant begin with its name (`badTenantField`); names of objects contain no quotes. */
function blamedTenant(problem: string): string | undefined {
  return /^tenant '([^']*)': /.exec(problem)?.[1];
}
