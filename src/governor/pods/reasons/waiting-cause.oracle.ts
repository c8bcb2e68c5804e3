/**
 * Why a pod or a gang of equal pods waits, straight from the definitions: from the list of all that is placed, without anything that
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

/** A pod that is placed, or equal pods that have to start together. */
export interface PlainPods {
  /** '' : no tenant knows its namespace. */
  readonly tenant: string;
  readonly gpus: number;
  readonly count: number;
  /** Flavours that its node selector allows. */
  readonly flavors: readonly string[];
}

/** A pod on a node. */
export interface PlainPlacement {
  readonly tenant: string;
  readonly gpus: number;
  readonly node: string;
}

/** `accounts`: no flavour's quotas and limits admit them. `room`: no node has room. `either`: one flavour admits them and has no room, another does not admit them. */
export type WaitingCause = 'held' | 'accounts' | 'room' | 'either' | 'none';

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
  const need = 1000 * pods.gpus * pods.count;
  // Where there is no node that could ever run them, no quota helps.
  const flavors = pods.flavors.filter((flavor) =>
    nodes.some((node) => node.flavor === flavor && node.gpus >= pods.gpus),
  );
  if (flavors.length === 0) return 'room';
  const admitted = flavors.filter((flavor) => need <= available(usage, pods.tenant, flavor));
  const roomy = flavors.filter((flavor) => seats(nodes, placements, flavor, pods.gpus) >= pods.count);
  if (admitted.some((flavor) => roomy.includes(flavor))) return 'none';
  if (admitted.length === 0) return 'accounts';
  return admitted.length < flavors.length ? 'either' : 'room';
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

/** @returns Number of pods of n GPUs that the nodes of a flavour have room for. */
function seats(
  nodes: readonly PlainNode[],
  placements: readonly PlainPlacement[],
  flavor: string,
  gpus: number,
): number {
  return nodes
    .filter((node) => node.flavor === flavor && !node.isCordoned)
    .reduce((sum, { name, gpus: all }) => {
      const used = placements.reduce((held, placed) => held + (placed.node === name ? placed.gpus : 0), 0);
      return sum + Math.floor((all - used) / gpus);
    }, 0);
}
