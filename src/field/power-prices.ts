/**
 * The price of the power that a pod adds: watts of the GPUs and sockets that it starts, times a price.
 *
 * It depends on the flavour, the free CPU and the GPU that is chosen, all of which a class of nodes knows: power splits no
 * class. Hardware of unknown power costs nothing.
 */
import { assert } from '../kernel/assert.ts';
import type { ClusterState, Flavor } from '../model/cluster-state.ts';
import { type HardwarePower, hardwarePower } from '../model/power-specs.ts';

/** The watts of sockets in use, and of the others. */
export function socketWatts(power: HardwarePower, totalMilli: number, freeMilli: number): number {
  const sockets = Math.ceil(totalMilli / power.socketMilli);
  const used = Math.ceil((totalMilli - freeMilli) / power.socketMilli);
  return used * power.socketFullWatts + (sockets - used) * power.socketIdleWatts;
}

/** @returns Power of a flavour's machine; null: unknown. */
export function powerOfFlavor({ gpuCount, gpuModel }: Flavor): HardwarePower | null {
  return hardwarePower(gpuCount > 0 ? gpuModel : '') ?? null;
}

/** Prices of watts. Keeps nothing of the nodes' state. */
export class PowerPrices {
  private readonly cluster: ClusterState;
  private readonly milliPerWatt: number;
  /** By flavour id. */
  private readonly known: (HardwarePower | null)[] = [];

  /** @param milliPerWatt Milli-GPU for a watt, ≥ 0. */
  constructor(cluster: ClusterState, milliPerWatt: number) {
    assert(
      milliPerWatt >= 0 && milliPerWatt < Number.POSITIVE_INFINITY,
      'a price of power out of its domain',
    );
    this.cluster = cluster;
    this.milliPerWatt = milliPerWatt;
  }

  /** @returns Milli-GPU for one GPU of a flavour that is started. O(1). */
  ofGpu(flavorId: number): number {
    const power = this.powerOf(flavorId);
    return power === null ? 0 : this.milliPerWatt * (power.gpuFullWatts - power.gpuIdleWatts);
  }

  /** @returns Milli-GPU for the sockets that are started where free CPU falls. O(1). */
  ofSockets(flavorId: number, freeBefore: number, freeAfter: number): number {
    const power = this.powerOf(flavorId);
    if (power === null) return 0;
    const total = (this.cluster.flavors[flavorId] as Flavor).cpuMilli;
    return this.milliPerWatt * (socketWatts(power, total, freeAfter) - socketWatts(power, total, freeBefore));
  }

  private powerOf(flavorId: number): HardwarePower | null {
    let power = this.known[flavorId];
    if (power === undefined) {
      power = powerOfFlavor(this.cluster.flavors[flavorId] as Flavor);
      this.known[flavorId] = power;
    }
    return power;
  }
}
