/**
 * Zones for tests of holograms: random clusters with random pods, their class tables and rents, and cheap prices.
 */
import { randomCluster, randomDemands } from '../../../test/support/random-cluster.ts';
import type { Random } from '../../kernel/random.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, DemandTable } from '../../model/demand.ts';
import { ClassTable } from '../class-table.ts';
import { FlavorRent } from '../flavor-rent.ts';
import type { Price } from '../price.ts';
import { latticeOf, pricesOf } from '../prices.ts';
import { STRANDING_DEFAULTS } from '../stranding.ts';
import { emptyMaxima, type Hologram, type HologramMaxima, type HologramSums } from './hologram.ts';
import { type HologramOptions, takeHologram } from './hologram-source.ts';

/** The parts of a zone that its hologram depends on. */
export interface TestZone {
  readonly cluster: ClusterState;
  readonly classes: ClassTable;
  readonly rent: FlavorRent;
}

/** A zone on a cluster, with pods of random demands on random nodes; some nodes are down. */
export function zoneOn(
  cluster: ClusterState,
  demands: readonly Demand[],
  random: Random,
  podsPerNode = 4,
): TestZone {
  const classes = new ClassTable(cluster, latticeOf(cluster), 65_536);
  const rent = new FlavorRent(cluster);
  for (let i = 0; i < podsPerNode * cluster.nodeCount && demands.length > 0; i++) {
    const demand = demands[random.nextInt(demands.length)] as Demand;
    rent.demandSeen(demand, 1);
    const node = random.nextInt(cluster.nodeCount);
    if (cluster.fits(node, demand)) cluster.place(node, demand, cluster.bestFitGpus(node, demand));
  }
  for (let node = 0; node < cluster.nodeCount; node++) {
    if (random.nextInt(20) === 0) cluster.setUp(node, false);
    classes.update(node);
    rent.update(node);
  }
  return { cluster, classes, rent };
}

/** A random zone of up to `nodesMax` nodes, at least one. */
export function randomZone(
  nodesMax: number,
  random: Random,
  table: DemandTable = new DemandTable(),
): TestZone & { demands: Demand[] } {
  const demands = randomDemands(30, random, table);
  const cluster = randomCluster(1 + random.nextInt(nodesMax), random, table);
  return { ...zoneOn(cluster, demands, random), demands };
}

/** The sums and maxima that a zone's governor would report. */
export function sumsOf({ cluster }: TestZone, random: Random): HologramSums {
  let nodesUp = 0;
  let pods = 0;
  let freeCpuMilli = 0;
  let freeGpuMilli = 0;
  for (let node = 0; node < cluster.nodeCount; node++) {
    nodesUp += cluster.up[node] as number;
    pods += cluster.podCounts[node] as number;
    freeCpuMilli += cluster.freeCpuMilli[node] as number;
    freeGpuMilli += cluster.freeGpuMilli[node] as number;
  }
  return {
    zones: 1,
    nodes: cluster.nodeCount,
    nodesUp,
    pods,
    capacityCpuMilli: cluster.capacity.cpuMilli,
    freeCpuMilli,
    capacityGpuMilli: cluster.capacity.gpuMilli,
    freeGpuMilli,
    heldGpuMilli: 1000 * random.nextInt(10),
    waitingJobs: random.nextInt(100),
    waitingGpuMilli: 1000 * random.nextInt(1000),
    arrivalsPerSecond: 10 * random.nextDouble(),
  };
}

/** Any maxima. */
export function randomMaxima(random: Random): HologramMaxima {
  return {
    oldestWaitSeconds: 1000 * random.nextDouble(),
    zoneFreeGpuMilli: random.nextInt(100_000),
    zoneWholeGpus: random.nextInt(100),
    heldShare: random.nextDouble(),
  };
}

/** The hologram of a zone, with random sums and maxima beside its own. */
export function hologramOf(zone: TestZone, random: Random, options: Partial<HologramOptions> = {}): Hologram {
  const takenAt = 1000 * random.nextDouble();
  return takeHologram(zone.classes, zone.rent, sumsOf(zone, random), randomMaxima(random), takenAt, options);
}

/** The hologram of a zone, without sums. */
export function plainHologramOf(zone: TestZone, options: Partial<HologramOptions> = {}): Hologram {
  const sums = { ...sumsOf(zone, ZERO), arrivalsPerSecond: 0 };
  return takeHologram(zone.classes, zone.rent, sums, emptyMaxima(), 0, options);
}

/** Draws zeros only. */
const ZERO = { nextInt: () => 0, nextDouble: () => 0 } as unknown as Random;

/** Prices of a typical workload of few shapes: cheap to make. */
export function cheapPrice(cluster: ClusterState, demands: readonly Demand[]): Price {
  const few = demands.slice(0, 4);
  const typical = { demands: few, weights: few.map(() => 1 / few.length) };
  const options = { ...STRANDING_DEFAULTS, openingMilli: 35, gpuOpeningMilli: -5, milliPerWatt: 0 };
  return pricesOf(cluster, latticeOf(cluster), typical, options, 0);
}
