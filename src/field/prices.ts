/** Makes the prices of a typical workload: host room, both potentials, and their lattice. */
import type { ClusterState } from '../model/cluster-state.ts';
import { GPUS_PER_NODE_MAX } from '../model/node.ts';
import { HostPotential } from './host-potential.ts';
import { HostRoom } from './host-room.ts';
import { GeometricLattice, latticeUnit } from './lattice.ts';
import { PowerPrices } from './power-prices.ts';
import { Price } from './price.ts';
import { StrandingPotential } from './stranding.ts';
import type { StrandingOptions } from './stranding-table.ts';
import type { StrandingTables } from './stranding-tables.ts';
import type { TypicalWorkload } from './typical-workload.ts';

/** The parts of a price. */
export interface PriceOptions extends StrandingOptions {
  /** Cost of using an empty node, milli-GPU: at equal ΔV, pack. */
  readonly openingMilli: number;
  /** Cost of sharing a GPU that was whole, milli-GPU. Negative: the potential rounds shares up, and so overrates it. */
  readonly gpuOpeningMilli: number;
  /** Price of a watt that a pod adds, milli-GPU; 0: power is not priced. ≥ 0. */
  readonly milliPerWatt: number;
}

/** The lattice of free CPU for a cluster. Nodes beyond its last point count as at it. */
export function latticeOf(cluster: ClusterState): GeometricLattice {
  let largest = 1;
  for (const flavor of cluster.flavors) largest = Math.max(largest, flavor.cpuMilli);
  return new GeometricLattice(latticeUnit(largest), largest);
}

/**
 * @param sizeBias Shapes weigh by the power of their GPUs: 0, as often as they arrive; 2 where pods leave, and room for
 *                 large pods has to be kept open because small ones take it again and again.
 * @cost as `StrandingPotential`.
 */
export function pricesOf(
  cluster: ClusterState,
  lattice: GeometricLattice,
  typical: TypicalWorkload,
  options: PriceOptions,
  sizeBias: number,
  tables?: StrandingTables,
): Price {
  const room = new HostRoom(typical);
  let gpusMax = 0;
  for (const flavor of cluster.flavors) {
    gpusMax = Math.max(gpusMax, Math.min(flavor.gpuCount, GPUS_PER_NODE_MAX));
  }
  const fill = typical.demands.map((demand, i) => ({
    hostMilli: demand.cpuMilli,
    gpuCount: demand.gpuCount,
    gpuMilli: demand.gpuMilli,
    weight: (typical.weights[i] as number) * Math.max(1, demand.gpuCount) ** sizeBias,
  }));
  const hostOnly = fill.filter((shape) => shape.gpuCount === 0);
  return new Price(
    new StrandingPotential(lattice, fill, gpusMax, options, tables),
    new HostPotential(lattice, hostOnly, options.patience),
    room,
    options.openingMilli,
    options.gpuOpeningMilli,
    options.milliPerWatt === 0 ? null : new PowerPrices(cluster, options.milliPerWatt),
  );
}
