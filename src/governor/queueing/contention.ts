/**
 * Contention domains: which waiting jobs could take each other's room, so that room is reserved for one of them at a time.
 *
 * Two demands contend if both need GPUs, or neither does, and some flavour of nodes could hold a pod of either. So a champion
 * for GPUs of one model does not keep those who wait for another model from theirs, nor jobs without GPUs. Domains overlap: a
 * job that takes any model contends with both.
 */
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';

/** Bits for flavours of nodes: demands on two flavours that share a bit contend, which costs a reservation at most. */
const FLAVOR_BITS = 30;

/** Set for demands without GPUs. */
const CPU_ONLY = 1 << FLAVOR_BITS;

/** Domains with a number of their own; further ones are one domain each for GPUs and for CPUs, with all nodes. */
export const CONTENTION_DOMAINS_MAX = 64;

const UNKNOWN = -1;

/** The domains of one cluster. */
export class Contention {
  /** [demand] number of its domain. */
  private readonly byDemand: number[] = [];
  /** [domain] flavours, and CPU_ONLY. */
  private readonly masks: number[] = [];
  /** Flavours of nodes that were known. */
  private flavors = 0;

  /**
   * @returns The domain of a demand, in [0, CONTENTION_DOMAINS_MAX + 2). Numbers hold until nodes of a new flavour join, which `refresh`
   *   sees. O(flavours) at first, then O(1).
   */
  domainOf(cluster: ClusterState, demand: Demand): number {
    const known = this.byDemand[demand.id] ?? UNKNOWN;
    if (known !== UNKNOWN) return known;
    while (this.byDemand.length <= demand.id) this.byDemand.push(UNKNOWN);
    const domain = this.numberOf(maskOf(cluster, demand));
    this.byDemand[demand.id] = domain;
    return domain;
  }

  /** Forgets the numbers if nodes of a new flavour have joined. O(1). */
  refresh({ flavors }: ClusterState): void {
    if (flavors.length === this.flavors) return;
    this.flavors = flavors.length;
    this.byDemand.length = 0;
    this.masks.length = 0;
  }

  /** @returns True if jobs of these domains could take each other's room. */
  contend(a: number, b: number): boolean {
    const [maskA = 0, maskB = 0] = [this.masks[a], this.masks[b]];
    return ((maskA ^ maskB) & CPU_ONLY) === 0 && (maskA & maskB & ~CPU_ONLY) !== 0;
  }

  private numberOf(mask: number): number {
    const at = this.masks.indexOf(mask);
    if (at >= 0) return at;
    if (this.masks.length < CONTENTION_DOMAINS_MAX) return this.masks.push(mask) - 1;
    const all = (mask & CPU_ONLY) | (CPU_ONLY - 1);
    const other = this.masks.indexOf(all);
    return other >= 0 ? other : this.masks.push(all) - 1;
  }
}

function maskOf(cluster: ClusterState, demand: Demand): number {
  let mask = demand.gpuTotalMilli > 0 ? 0 : CPU_ONLY;
  for (const { id } of cluster.flavors) {
    if (cluster.flavorCouldFit(id, demand)) mask |= 1 << (id % FLAVOR_BITS);
  }
  return mask;
}
