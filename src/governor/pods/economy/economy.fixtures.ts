/** Economies for tests of the pod scheduler: one flavour of GPU nodes or two, and tenants by namespace label. */

import {
  type EconomyMode,
  type PodTenantSpec,
  podTenantSpec,
} from '../../../market/tenants/economy-description.ts';
import {
  type MarketSpec,
  marketSpec,
  quotaFlavor,
  type TenantSpec,
  tenantSpec,
} from '../../../market/tenants/spec.ts';
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import type { PodDescription, PodTemplate } from '../../../model/kubernetes/pod.ts';
import type { PodEffect } from '../pod-events.ts';
import { node, pod, requests, selector, type TestCluster } from '../scheduler.fixtures.ts';
import { tenantKey } from './tenant-keys.ts';

/** Label of nodes that names their flavour. */
export const KIND_LABEL = 'kind';

/** @returns A market of the flavours, distinguished by the label `kind`. */
export function labelledMarket(...names: readonly string[]): MarketSpec {
  return marketSpec({
    flavors: names.map((name) => quotaFlavor(name, { nodeLabels: { [KIND_LABEL]: name } })),
  });
}

/** @returns A node of a flavour. */
export function gpuNode(name: string, kind: string, gpus = 8): NodeDescription {
  return node(name, {
    cpuMilli: 64_000,
    extended: { 'nvidia.com/gpu': gpus },
    labels: { [KIND_LABEL]: kind },
  });
}

/** @returns A tenant that has the namespaces with label `team=<name>`, and a quota of GPUs by flavour. */
export function teamTenant(
  name: string,
  quota: Readonly<Record<string, number>>,
  more: Partial<TenantSpec> = {},
): PodTenantSpec {
  const amounts = Object.entries(quota).map(([flavor, gpus]) => [flavor, { gpuMilli: gpus * 1000 }] as const);
  return podTenantSpec(
    tenantSpec(name, { quota: Object.fromEntries(amounts), ...more }),
    selector('team', name),
  );
}

/** Sets the economy of a cluster, with a namespace `<tenant>` for each tenant. */
export function setEconomy(
  cluster: TestCluster,
  mode: EconomyMode,
  market: MarketSpec,
  tenants: readonly PodTenantSpec[],
): readonly PodEffect[] {
  for (const { name } of tenants) cluster.step({ kind: 'namespace', name, labels: { team: name } });
  return cluster.step({ kind: 'economy', economy: { mode, market, tenants } });
}

/** @returns A pod of a namespace that asks for GPUs. */
export function gpuPodOf(
  name: string,
  namespace: string,
  gpus = 1,
  of: Partial<PodTemplate> = {},
  more: Partial<PodDescription> = {},
): PodDescription {
  return pod(
    name,
    { namespace, requests: requests(1000, 0, { 'nvidia.com/gpu': gpus }), ...of },
    { namespace, tenant: tenantKey(namespace, ''), ...more },
  );
}
