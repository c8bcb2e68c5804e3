/**
 * Why a pod or a gang waits, straight from the definitions: from the list of all that is placed, without anything that
 * the scheduler keeps. For clusters of GPU nodes, tenants without tokens or budgets, no evictions and no reservations.
 */

import { QUOTA_GPU, type TenantSpec } from '../../../market/tenants/spec.ts';
import { PlainTenantUsage } from '../../../market/tenants/tenant-usage.oracle.ts';

/** A node as the oracle sees it. */
export interface PlainNode {
  readonly name: string;
  readonly flavor: string;
  readonly gpus: number;
  /** Takes no new pods, and counts with its GPUs all the same. */
  readonly isCordoned: boolean;
}

/** A pod, or pods that have to start together. */
export interface PlainPods {
  readonly tenant: string;
  /** Of each of them. */
  readonly gpus: readonly number[];
  /** Flavours that their node selector allows. */
  readonly flavors: readonly string[];
}

/** A pod on a node. */
export interface PlainPlacement {
  readonly tenant: string;
  readonly gpus: number;
  readonly node: string;
}

/**
 * `unserved`: there is no node that could ever run one of them. `accounts`: quotas and limits admit them on no flavour that could.
 * `room`: nodes lack room. `either`: nodes of the flavours that admit them lack room, and there are others.
 */
export type WaitingCause = 'held' | 'unserved' | 'accounts' | 'room' | 'either' | 'none';

/** @returns Why they cannot start now; 'none': they can. */
export function waitingCause(
  nodes: readonly PlainNode[],
  tenants: readonly TenantSpec[],
  placements: readonly PlainPlacement[],
  pods: PlainPods,
): WaitingCause {
  const usage = new PlainTenantUsage(tenants);
  const flavorOf = new Map(nodes.map(({ name, flavor }) => [name, flavor]));
  for (const { flavor, gpus } of nodes) {
    const key = `${flavor}/${QUOTA_GPU}`;
    usage.capacity.set(key, (usage.capacity.get(key) ?? 0) + 1000 * gpus);
  }
  usage.holdings = placements.map(({ tenant, gpus, node }) => ({
    tenant,
    flavor: flavorOf.get(node) as string,
    resource: QUOTA_GPU,
    amount: 1000 * gpus,
  }));
  if (usage.path(pods.tenant).some((name) => isHeld(tenants, name))) return 'held';
  const serves = (flavor: string, gpus: number): boolean =>
    pods.flavors.includes(flavor) && nodes.some((node) => node.flavor === flavor && node.gpus >= gpus);
  const all = [...new Set(flavorOf.values())];
  const serving = all.filter((flavor) => pods.gpus.some((gpus) => serves(flavor, gpus)));
  if (pods.gpus.some((gpus) => !serving.some((flavor) => serves(flavor, gpus)))) return 'unserved';
  const admitted = serving.filter((flavor) => {
    const served = pods.gpus.filter((gpus) => serves(flavor, gpus));
    return 1000 * total(served) <= available(usage, pods.tenant, flavor);
  });
  if (pods.gpus.some((gpus) => !admitted.some((flavor) => serves(flavor, gpus)))) return 'accounts';
  const free = nodes
    .filter(
      (node) => admitted.includes(node.flavor) && pods.flavors.includes(node.flavor) && !node.isCordoned,
    )
    .map(
      ({ name, gpus }) => gpus - total(placements.filter(({ node }) => node === name).map((pod) => pod.gpus)),
    );
  if (isPackable(pods.gpus, free)) return 'none';
  return admitted.length < serving.length ? 'either' : 'room';
}

const total = (amounts: readonly number[]): number => amounts.reduce((sum, n) => sum + n, 0);

/** Tries everything. */
function isPackable([first, ...others]: readonly number[], free: readonly number[]): boolean {
  if (first === undefined) return true;
  return free.some((room, i) => room >= first && isPackable(others, free.with(i, room - first)));
}

/** What is left of the cluster's, and what is guaranteed on the way up; at most the room of any limit on the way. */
function available(usage: PlainTenantUsage, tenant: string, flavor: string): number {
  const at = [flavor, QUOTA_GPU] as const;
  const path = usage.path(tenant);
  const limited = path.map((name) => usage.limit(name, ...at) - usage.held(name, ...at));
  const guaranteed = path.map((name) => Math.max(0, usage.guaranteed(name, ...at) - usage.used(name, ...at)));
  const left = usage.visible('', ...at) - usage.used('', ...at);
  const byQuota =
    usage.total('', ...at) === 0 ? Number.POSITIVE_INFINITY : guaranteed.reduce((sum, n) => sum + n, left);
  return Math.min(byQuota, ...limited);
}

function isHeld(tenants: readonly TenantSpec[], name: string): boolean {
  return tenants.find((tenant) => tenant.name === name)?.state !== 'Open';
}
