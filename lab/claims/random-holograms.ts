/**
 * Holograms and nodes drawn at random, for the claims about summaries.
 */
import { ClassCollector } from '../../src/field/hologram/class-collector.ts';
import {
  emptyMaxima,
  emptySums,
  exactSums,
  Hologram,
  mergeHolograms,
} from '../../src/field/hologram/hologram.ts';
import { hologramFlavor, NO_EXTENDED } from '../../src/field/hologram/hologram-classes.ts';
import type { Price } from '../../src/field/price.ts';
import { latticeOf, pricesOf } from '../../src/field/prices.ts';
import { STRANDING_DEFAULTS } from '../../src/field/stranding.ts';
import type { Random } from '../../src/kernel/random.ts';
import type { ClusterState } from '../../src/model/cluster-state.ts';
import type { Demand } from '../../src/model/demand.ts';

const CLASSES = 20;
const MODELS = ['A', 'B'].map((model) => hologramFlavor(model, []));

/** A hologram of some twenty classes that other random holograms share, taken at `takenAt`. */
export function randomHologram(random: Random, takenAt: number): Hologram {
  const collector = new ClassCollector(CLASSES);
  const flavors = MODELS.map((flavor) => collector.flavorId(flavor));
  const extended = collector.extendedId(NO_EXTENDED);
  for (let i = 0; i < CLASSES; i++) {
    const flavor = flavors[random.nextInt(flavors.length)] as number;
    const memoryMib = 1024 * random.nextInt(4);
    const cpuMilli = 1000 * random.nextInt(4);
    const nodes = 1 + random.nextInt(1000);
    collector.add(
      flavor,
      extended,
      0,
      random.nextInt(3),
      0,
      memoryMib,
      cpuMilli,
      1 + random.nextInt(100),
      nodes,
    );
  }
  const { models, demandMilli } = mergeHolograms([]);
  const sums = {
    ...emptySums(),
    zones: 1,
    nodes: random.nextInt(1000),
    arrivalsPerSecond: random.nextDouble(),
  };
  return new Hologram({
    takenAt,
    newestAt: takenAt,
    sums: exactSums(sums),
    maxima: { ...emptyMaxima(), heldShare: random.nextDouble() },
    demandMilli,
    models,
    classes: collector.finish(),
  });
}

/** @returns How many nodes each class of a hologram counts, by a text for the class. */
export function nodesByClass({ classes }: Hologram): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < classes.count; i++) {
    const flavor = classes.flavors[classes.flavorIndexes[i] as number]?.key;
    const key = [flavor, classes.whole[i], classes.memoryMib[i], classes.cpuMilli[i]].join();
    counts.set(key, classes.nodeCounts[i] as number);
  }
  return counts;
}

/** Prices for tests in which only the fit matters: of a workload of one shape, and so quickly made. */
export function pricesOfOne(cluster: ClusterState, demand: Demand): Price {
  const options = { ...STRANDING_DEFAULTS, openingMilli: 0, gpuOpeningMilli: 0, milliPerWatt: 0 };
  return pricesOf(cluster, latticeOf(cluster), { demands: [demand], weights: [1] }, options, 0);
}
