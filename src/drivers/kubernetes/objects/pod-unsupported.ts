/**
 * Pod features that kube-scheduler 1.36 supports and TEG does not: pods that use them are refused with an event that
 * names the feature.
 *
 * Checked: every field of PodSpec of 1.36. Not here, since no default filter of kube-scheduler reads them: os,
 * runtimeClassName (admission merges its overhead, nodeSelector and tolerations), hostUsers alone, securityContext.
 */
import type { PodRequests } from '../../../model/kubernetes/pod.ts';
import { type ApiObject, isRecord, maybeList } from '../../../model/readers/read-object.ts';

/** Prefix of extended resources that stand for a device class (dynamic resource allocation). */
const DEVICE_CLASS_PREFIX = 'deviceclass.resource.kubernetes.io/';

/** @returns One line for people for each unsupported feature, in a fixed order; usually none. */
export function unsupportedOf(spec: ApiObject, requests: PodRequests): string[] {
  const found: string[] = [];
  if (maybeList(spec.resourceClaims, 'spec.resourceClaims').length > 0) {
    found.push('dynamic resource claims (spec.resourceClaims)');
  }
  for (const name in requests.extended) {
    if (name.startsWith(DEVICE_CLASS_PREFIX))
      found.push(`a resource that stands for a device class (${name})`);
  }
  if (isRecord(spec.workloadRef)) found.push('the Workload API of Kubernetes 1.35 (spec.workloadRef)');
  if (spec.hostNetwork === true && spec.hostUsers === false) {
    found.push('user namespaces with the network of the node (spec.hostUsers with spec.hostNetwork)');
  }
  if (restartsAll(spec.containers) || restartsAll(spec.initContainers)) {
    found.push('containers that restart all others (restartPolicyRules with RestartAllContainers)');
  }
  return found;
}

/** True if an exit of one of the containers restarts all: only nodes that declare this feature can do that. */
export function restartsAll(containers: unknown): boolean {
  if (!Array.isArray(containers)) return false;
  return containers.some(
    (container) =>
      isRecord(container) &&
      Array.isArray(container.restartPolicyRules) &&
      container.restartPolicyRules.some((rule) => isRecord(rule) && rule.action === 'RestartAllContainers'),
  );
}
