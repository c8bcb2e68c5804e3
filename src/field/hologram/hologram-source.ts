/**
 * Takes the hologram of a zone.
 *
 * Every node that takes pods is counted in the class of its free resources, rounded down on the hologram's own lattice
 * from its exact state. Why not from the zone's classes: those are rounded already (memory to powers of two), and
 * rounding twice would hide twice as much. An empty node keeps its exact capacities, so that a pod that needs a whole
 * node sees it.
 */
import type { ClusterState, Flavor } from '../../model/cluster-state.ts';
import { CLASS_PARTIAL_STEP_MILLI, type ClassTable } from '../class-table.ts';
import type { FlavorRent } from '../flavor-rent.ts';
import { ClassCollector } from './class-collector.ts';
import {
  exactSum,
  exactSums,
  Hologram,
  type HologramMaxima,
  type HologramModel,
  type HologramSums,
  sortedModels,
} from './hologram.ts';
import { hologramExtended, hologramFlavor, NO_EXTENDED } from './hologram-classes.ts';
import { StepLattice } from './step-lattice.ts';

/** How coarse a hologram is. */
export interface HologramOptions {
  /** e: free CPU, memory and further resources are rounded down by at most this share. 1, 1/2, 1/4, … */
  readonly coarseness: number;
  /** Milli-GPU between two levels of the largest partial GPU; a step below that of the zone's classes has no effect. */
  readonly partialStepMilli: number;
}

/** `docs/hologram.md` has the measurements behind each value. */
export const HOLOGRAM_DEFAULTS: HologramOptions = {
  coarseness: 0.25,
  partialStepMilli: CLASS_PARTIAL_STEP_MILLI,
};

/** Smallest steps: an eighth of a core, 64 MiB, one of a further resource. */
const CPU_UNIT_MILLI = 125;
const MEMORY_UNIT_MIB = 64;
const EXTENDED_UNIT = 1;
/** Amounts of further resources are capped here. */
const EXTENDED_MAX = 2 ** 48;

/** @returns The lattices on which free CPU (milli), memory (MiB) and further resources are rounded down. */
export function latticesOf(coarseness: number): Record<'cpu' | 'memory' | 'extended', StepLattice> {
  return {
    cpu: new StepLattice(CPU_UNIT_MILLI, coarseness),
    memory: new StepLattice(MEMORY_UNIT_MIB, coarseness),
    extended: new StepLattice(EXTENDED_UNIT, coarseness),
  };
}

/**
 * Takes a hologram.
 *
 * @param classes Of a zone, up to date. Its nodes that are down or full of pods are in no class and not shown.
 * @param rent    Of the same cluster, up to date.
 * @param sums    Rounded to integers, the rate to 2^−20 a second.
 * @param takenAt Seconds, finite.
 * @cost O(nodes + classes shown × log): about 0.1 ms for 1,000 nodes in 400 classes.
 */
export function takeHologram(
  classes: ClassTable,
  rent: FlavorRent,
  sums: HologramSums,
  maxima: HologramMaxima,
  takenAt: number,
  options: Partial<HologramOptions> = {},
): Hologram {
  return new Hologram({
    takenAt,
    newestAt: takenAt,
    sums: exactSums(sums),
    maxima,
    demandMilli: exactSum(rent.demandMilli),
    models: modelsOf(rent),
    classes: new NodeReader(classes, { ...HOLOGRAM_DEFAULTS, ...options }).read(),
  });
}

function modelsOf(rent: FlavorRent): HologramModel[] {
  const models: HologramModel[] = [];
  for (let group = 0; group < rent.groupCount; group++) {
    const { gpuModel, freeMilli, capacityMilli, boundMilli } = rent.sumsOf(group);
    if (gpuModel === undefined || capacityMilli + boundMilli === 0) continue;
    models.push({
      gpuModel: gpuModel.toWellFormed(),
      freeMilli: exactSum(freeMilli),
      capacityMilli: exactSum(capacityMilli),
      boundMilli: exactSum(boundMilli),
    });
  }
  return sortedModels(models);
}

/** Reads the nodes of one cluster into classes. */
class NodeReader {
  private readonly classes: ClassTable;
  private readonly cluster: ClusterState;
  private readonly partialStep: number;
  private readonly cpuLattice: StepLattice;
  private readonly memoryLattice: StepLattice;
  private readonly extendedLattice: StepLattice;
  private readonly collector: ClassCollector;
  /** Collector's ids by flavour id of the cluster; −1: not seen yet. */
  private readonly flavorIds: Int32Array;
  /** Collector's id of the empty set of further resources. */
  private readonly noExtended: number;
  /** Collector's ids of further resources, by their amounts as text. */
  private readonly extendedIds = new Map<string, number>();

  constructor(classes: ClassTable, { coarseness, partialStepMilli }: HologramOptions) {
    this.classes = classes;
    this.cluster = classes.cluster;
    this.partialStep = partialStepMilli;
    const lattices = latticesOf(coarseness);
    this.cpuLattice = lattices.cpu;
    this.memoryLattice = lattices.memory;
    this.extendedLattice = lattices.extended;
    this.collector = new ClassCollector(classes.occupiedCount);
    this.flavorIds = new Int32Array(this.cluster.flavors.length).fill(-1);
    this.noExtended = this.collector.extendedId(NO_EXTENDED);
  }

  read() {
    const { classes, cluster, collector, cpuLattice, memoryLattice, partialStep } = this;
    const { freeCpuMilli, freeMemoryMib, podCounts, flavorIds } = cluster;
    for (let node = 0; node < cluster.nodeCount; node++) {
      const id = classes.classOf[node] as number;
      if (id < 0) continue;
      const flavor = cluster.flavors[flavorIds[node] as number] as Flavor;
      const fresh = classes.fresh[id] as number;
      const part = classes.partials[3 * id] as number;
      const cpu = freeCpuMilli[node] as number;
      const memory = freeMemoryMib[node] as number;
      collector.add(
        this.flavorId(flavor),
        this.extendedId(node, flavor, fresh),
        fresh,
        classes.whole[id] as number,
        part - (part % partialStep),
        fresh === 1 ? memory : memoryLattice.floorOf(memory),
        fresh === 1 ? cpu : cpuLattice.floorOf(cpu),
        flavor.podsMax - (podCounts[node] as number),
        1,
      );
    }
    return collector.finish();
  }

  private flavorId(flavor: Flavor): number {
    let id = this.flavorIds[flavor.id] as number;
    if (id < 0) {
      id = this.collector.flavorId(hologramFlavor(flavor.gpuModel, Object.entries(flavor.labels)));
      this.flavorIds[flavor.id] = id;
    }
    return id;
  }

  private extendedId(node: number, flavor: Flavor, fresh: number): number {
    if (flavor.extended.length === 0) return this.noExtended;
    const { cluster } = this;
    let key = '';
    for (let r = 0; r < flavor.extended.length; r++) key += `${this.amountOf(r, node, fresh)},`;
    let id = this.extendedIds.get(key);
    if (id === undefined) {
      const amounts = flavor.extended.map(
        (_, r) => [cluster.demands.resourceNames[r] as string, this.amountOf(r, node, fresh)] as const,
      );
      id = this.collector.extendedId(hologramExtended(amounts));
      this.extendedIds.set(key, id);
    }
    return id;
  }

  private amountOf(resource: number, node: number, fresh: number): number {
    const free = Math.min(EXTENDED_MAX, this.cluster.freeExtended[resource]?.[node] ?? 0);
    return fresh === 1 ? Math.floor(free) : this.extendedLattice.floorOf(free);
  }
}
