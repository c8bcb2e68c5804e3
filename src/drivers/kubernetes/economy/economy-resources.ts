/** The resources of the economy that the scheduler watches, and the tenant's key of a pod. */
import { tenantKey } from '../../../governor/pods/economy/tenant-keys.ts';
import { type ApiObject, maybeRecord, maybeText } from '../../../model/readers/read-object.ts';
import { TENANT_LABEL } from '../../../model/readers/tenant-name.ts';
import type { WatchedResource } from '../watched-resources.ts';
import type { EconomyFeed } from './economy-feed.ts';

const API = '/apis/teg.dev/v1alpha1';

/** @returns Markets and Tenants. They may be missing: then there is no economy until they are served. */
export function economyResources(feed: EconomyFeed): WatchedResource[] {
  const withoutIt = 'quotas, limits and budgets of tenants are not in force';
  return [
    {
      resource: { name: 'markets', path: `${API}/markets`, optional: true, withoutIt },
      set: (object) => feed.setMarket(object),
      gone: (_, name) => feed.goneMarket(name),
      synced: () => feed.listed('markets'),
    },
    {
      resource: { name: 'tenants', path: `${API}/tenants`, optional: true, withoutIt },
      set: (object) => feed.setTenant(object),
      gone: (_, name) => feed.goneTenant(name),
      synced: () => feed.listed('tenants'),
    },
  ];
}

/**
 * @param aliases  Labels that name a tenant where neither `teg.dev/tenant` nor the namespace does; the first that a pod has counts.
 * @param admitted Labels of pods that another layer has admitted, whatever their values.
 * @returns        Reads the key of a pod's tenant, for `TenantKeys`.
 */
export function tenantKeyReader(
  aliases: readonly string[],
  admitted: readonly string[] = [],
): (namespace: string, metadata: ApiObject) => string {
  return (namespace, metadata) => {
    const labels = maybeRecord(metadata.labels, 'metadata.labels');
    const textOfLabel = (key: string): string => maybeText(labels[key], `metadata.labels['${key}']`);
    const alias = aliases.find((key) => textOfLabel(key) !== '');
    const isAdmitted = admitted.some((key) => labels[key] !== undefined);
    const named = alias === undefined ? '' : textOfLabel(alias);
    return tenantKey(namespace, textOfLabel(TENANT_LABEL), named, isAdmitted);
  };
}
