/**
 * Coarser holograms, for distant readers: a nearer reader looks at the group of zones in detail.
 *
 * Why: classes of many zones are not all alike, so that a merged hologram grows with the zones below it, up to the
 * limit of the lattice. A coarser lattice keeps it small.
 *
 * Invariant: lattices of all coarsenesses are nested, so that rounding twice gives the same as rounding once: a zone's
 * coarsened hologram equals one taken coarser, and coarsening commutes with merging. Amounts of empty nodes stay exact.
 */
import { ClassCollector } from './class-collector.ts';
import { Hologram } from './hologram.ts';
import { type HologramExtended, hologramExtended } from './hologram-classes.ts';
import { type HologramOptions, latticesOf } from './hologram-source.ts';

/** @returns A hologram whose classes are rounded down further. O(classes × log classes). */
export function coarsenHologram(hologram: Hologram, options: HologramOptions): Hologram {
  const { classes } = hologram;
  const { cpu, memory, extended } = latticesOf(options.coarseness);
  const collector = new ClassCollector(classes.count);
  const flavorIds = classes.flavors.map((flavor) => collector.flavorId(flavor));
  const exactIds = new Map<number, number>();
  const roundedIds = new Map<number, number>();
  const idOf = (index: number, fresh: number): number => {
    const ids = fresh === 1 ? exactIds : roundedIds;
    const known = ids.get(index);
    if (known !== undefined) return known;
    const exact = classes.extended[index] as HologramExtended;
    const amounts = exact.amounts.map(([name, amount]) => [name, extended.floorOf(amount)] as const);
    const id = collector.extendedId(fresh === 1 ? exact : hologramExtended(amounts));
    ids.set(index, id);
    return id;
  };
  for (let i = 0; i < classes.count; i++) {
    const fresh = classes.fresh[i] as number;
    const partial = classes.partialMilli[i] as number;
    const free = classes.memoryMib[i] as number;
    const cores = classes.cpuMilli[i] as number;
    collector.add(
      flavorIds[classes.flavorIndexes[i] as number] as number,
      idOf(classes.extendedIndexes[i] as number, fresh),
      fresh,
      classes.whole[i] as number,
      partial - (partial % options.partialStepMilli),
      fresh === 1 ? free : memory.floorOf(free),
      fresh === 1 ? cores : cpu.floorOf(cores),
      classes.podsFree[i] as number,
      classes.nodeCounts[i] as number,
    );
  }
  return new Hologram({ ...hologram, classes: collector.finish() });
}
