/** Market and Tenant of `teg.dev/v1alpha1`: from API objects to what the core takes. */
import { type PodTenantSpec, podTenantSpec } from '../../../market/tenants/economy-description.ts';
import type { MarketSpec } from '../../../market/tenants/spec.ts';
import { TegError } from '../../../model/errors.ts';
import { problemsOf } from '../../../model/readers/config-errors.ts';
import { labelSelectorOf } from '../../../model/readers/label-selectors.ts';
import { malformed, projecting } from '../../../model/readers/read-object.ts';
import { marketOfObject, tenantOfObject } from '../../../traces/tenants/read-tenants.ts';
import { MARKET_OBJECT, TENANT_OBJECT, TENANTS_API_VERSION } from '../../../traces/tenants/tenant-schema.ts';

/**
 * Reads a Market. Items of a list may lack kind and version.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of each wrong field, the value received and what was expected.
 */
export function marketObjectOf(object: unknown): MarketSpec {
  return projecting('Market', object, (market) => {
    const whole = { ...market, apiVersion: TENANTS_API_VERSION, kind: 'Market' };
    const result = MARKET_OBJECT.safeParse(whole);
    if (!result.success) throw unreadable(problemsOf(result.error, whole, MARKET_OBJECT));
    return marketOfObject(result.data);
  });
}

/**
 * Reads a Tenant.
 *
 * @throws TegError as `marketObjectOf`.
 */
export function tenantObjectOf(object: unknown): PodTenantSpec {
  return projecting('Tenant', object, (tenant) => {
    const whole = { ...tenant, apiVersion: TENANTS_API_VERSION, kind: 'Tenant' };
    const result = TENANT_OBJECT.safeParse(whole);
    if (!result.success) throw unreadable(problemsOf(result.error, whole, TENANT_OBJECT));
    const { namespaces } = result.data.spec;
    const selector = labelSelectorOf(namespaces, 'spec.namespaces');
    if (selector === null) throw malformed('spec.namespaces', namespaces, 'a label selector');
    return podTenantSpec(tenantOfObject(result.data), selector);
  });
}

function unreadable(problems: readonly string[]): TegError {
  return new TegError('TEG_KUBE_OBJECT', problems.join('; '));
}
