/**
 * The tenant of a pod.
 *
 * Until tenants are objects of their own, which list their namespaces and the users of the label, the label is trusted
 * wherever it appears, and without it the namespace is the tenant.
 */
import { type ApiObject, maybeRecord, maybeText } from './read-object.ts';

/** Label of a pod that names its tenant. */
export const TENANT_LABEL = 'teg.dev/tenant';

/**
 * @param namespace Of the pod.
 * @param metadata  Of the pod.
 * @returns         The tenant's name: the label's value, or the namespace where there is no label or it is empty.
 * @throws TegError TEG_KUBE_OBJECT if labels are not texts.
 */
export function tenantNameOf(namespace: string, metadata: ApiObject): string {
  const labels = maybeRecord(metadata.labels, 'metadata.labels');
  return maybeText(labels[TENANT_LABEL], `metadata.labels['${TENANT_LABEL}']`) || namespace;
}
