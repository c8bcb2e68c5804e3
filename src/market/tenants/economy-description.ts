/** What a pod scheduler is given about the economy of its cluster: plain JSON, one event for all of it. */
import type { LabelSelector } from '../../model/kubernetes/pod.ts';
import { type MarketSpec, marketSpec, type TenantSpec } from './spec.ts';

/**
 * `off`: no accounts. `observe`: usage, prices and would-be refusals are counted, every pod is admitted (beside Kueue).
 * `enforce`: quotas, limits and budgets decide.
 */
export type EconomyMode = 'off' | 'observe' | 'enforce';

/** A tenant, with the namespaces whose pods are its own. */
export interface PodTenantSpec extends Omit<TenantSpec, 'defaultRuntimeSeconds'> {
  /** null: endless; JSON has no Infinity. */
  readonly defaultRuntimeSeconds: number | null;
  /** Absent: no namespace. An empty list matches every namespace. */
  readonly namespaces?: LabelSelector;
}

/** The economy. Replaces the one before, as a whole. */
export interface EconomyDescription {
  readonly mode: EconomyMode;
  readonly market: MarketSpec;
  /** Already checked: a `TenantTree` can be made of them. */
  readonly tenants: readonly PodTenantSpec[];
}

/** No economy. */
export const NO_ECONOMY: EconomyDescription = {
  mode: 'off',
  market: marketSpec(),
  tenants: [],
};

/** @returns The tenant as the market's core reads it. */
export function tenantSpecOf({ namespaces: _, defaultRuntimeSeconds, ...rest }: PodTenantSpec): TenantSpec {
  return { ...rest, defaultRuntimeSeconds: defaultRuntimeSeconds ?? Number.POSITIVE_INFINITY };
}

/** @returns A market's tenant with its namespaces. */
export function podTenantSpec(
  { defaultRuntimeSeconds, ...rest }: TenantSpec,
  namespaces?: LabelSelector,
): PodTenantSpec {
  return {
    ...rest,
    defaultRuntimeSeconds: Number.isFinite(defaultRuntimeSeconds) ? defaultRuntimeSeconds : null,
    ...(namespaces === undefined ? {} : { namespaces }),
  };
}
