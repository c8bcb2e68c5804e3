/**
 * Whose a pod is: its label, the namespace it is in, and what tenants say about namespaces.
 *
 *     label teg.dev/tenant, if that tenant has the namespace ─▶ the tenant that has the namespace ─▶ an alias ─▶ `default`
 *
 * A pod brings a key, `namespace/label/alias` (`PodDescription.tenant`): neither names nor label values contain a slash. The key
 * is resolved here, with the tenants and namespaces of today; a key without a slash is a namespace, as in logs without an
 * economy. A fourth part, `namespace/label/alias/+`, says that another layer, such as Kueue, has admitted the pod: it is
 * counted, and no quota of ours refuses it a second time.
 */

import type { PodTenantSpec } from '../../../market/tenants/economy-description.ts';
import { matchesSelector } from '../../../model/kubernetes/requirements.ts';
import { DEFAULT_TENANT_NAME } from '../../../model/tenants.ts';

/**
 * What is wrong with a pod's tenant: its label names none that exists, or one that does not have the namespace; or several
 * tenants have the namespace, of which the first by name is taken.
 */
export type TenantProblem = 'unknown-tenant' | 'namespace-not-allowed' | 'several-tenants';

/** A pod's tenant. */
export interface ResolvedTenant {
  readonly name: string;
  readonly problem: TenantProblem | undefined;
}

/** Neither a name nor a label's value has a plus. */
const ADMITTED = '/+';

/** @returns The key of a pod. @param label, alias '' if there is none. @param isAdmitted By another layer. */
export function tenantKey(namespace: string, label: string, alias = '', isAdmitted = false): string {
  if (isAdmitted) return `${namespace}/${label}/${alias}${ADMITTED}`;
  return `${namespace}/${label}${alias === '' ? '' : `/${alias}`}`;
}

/** True if another layer has admitted the pods of a key. */
export function isAdmittedKey(key: string): boolean {
  return key.endsWith(ADMITTED);
}

/** Resolves keys. Immutable but for the namespaces. */
export class TenantKeys {
  private readonly byName: ReadonlyMap<string, PodTenantSpec>;
  private readonly ordered: readonly PodTenantSpec[];
  private readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;

  /** @param namespaces Labels by name; read on each call. */
  constructor(
    tenants: readonly PodTenantSpec[],
    namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>,
  ) {
    this.byName = new Map(tenants.map((tenant) => [tenant.name, tenant]));
    this.ordered = [...tenants].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.namespaces = namespaces;
  }

  /** @returns The tenant of a pod with this key. O(tenants). */
  resolve(key: string): ResolvedTenant {
    const [namespace = '', label = '', alias = ''] = key.split('/');
    const named = this.byName.get(label);
    if (named !== undefined && this.has(named, namespace)) return { name: label, problem: undefined };
    const owners = this.ordered.filter((tenant) => this.has(tenant, namespace));
    const name = owners[0]?.name ?? (alias !== '' && this.byName.has(alias) ? alias : DEFAULT_TENANT_NAME);
    if (label !== '')
      return { name, problem: named === undefined ? 'unknown-tenant' : 'namespace-not-allowed' };
    return { name, problem: owners.length > 1 ? 'several-tenants' : undefined };
  }

  /** @returns Names of the tenants that have a namespace, in their order; more than one is a mistake. O(tenants). */
  ownersOf(namespace: string): readonly string[] {
    return this.ordered.filter((tenant) => this.has(tenant, namespace)).map(({ name }) => name);
  }

  private has(tenant: PodTenantSpec, namespace: string): boolean {
    const labels = this.namespaces.get(namespace);
    return labels !== undefined && matchesSelector(tenant.namespaces, labels);
  }
}
