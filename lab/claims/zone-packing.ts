/**
 * Packing of one cluster as one zone that sees all, or as zones that are chosen by their holograms.
 *
 * All else is production code: each zone places by TEG's class index, zones share their prices, holograms are fresh.
 * Pods arrive one by one and stay.
 */
import { emptyMaxima, emptySums, type Hologram } from '../../src/field/hologram/hologram.ts';
import { type HologramOptions, takeHologram } from '../../src/field/hologram/hologram-source.ts';
import { OfferReader } from '../../src/field/hologram/offer-reader.ts';
import { SharedPrices } from '../../src/governor/policy/shared-prices.ts';
import { TEG_DEFAULTS } from '../../src/governor/policy/teg-options.ts';
import { TegPolicy } from '../../src/governor/policy/teg-policy.ts';
import type { Random } from '../../src/kernel/random.ts';
import { ClusterState } from '../../src/model/cluster-state.ts';
import { type Demand, DemandTable } from '../../src/model/demand.ts';
import type { NodeSpec } from '../../src/model/node.ts';

/** Nodes of the cluster, and zones among which they are divided. */
export const PACKED_NODES = 96;
/** Zones where there is more than one. */
export const PACKED_ZONES = 8;

/** Milli-GPU that arrive, over capacity. */
const ARRIVING = 1.3;
const SHAPES = 40;

/** The arrivals, and their prices. */
export interface PackingWorld {
  readonly table: DemandTable;
  readonly shapes: readonly Demand[];
  readonly prices: SharedPrices;
}

/** @returns Random shapes: half of them share a GPU, most others take one, a few two to eight. @cost Some 0.1 s. */
export function packingWorld(random: Random): PackingWorld {
  const table = new DemandTable();
  const shapes = Array.from({ length: SHAPES }, () => {
    const kind = random.nextInt(20);
    const gpuCount = kind < 1 ? 0 : kind < 17 ? 1 : ([2, 4, 8][kind - 17] as number);
    const gpuMilli = gpuCount === 0 ? 0 : kind < 11 ? 10 * (5 + random.nextInt(90)) : 1000;
    const gpus = Math.max(0.2, (gpuCount * gpuMilli) / 1000);
    return table.intern({
      cpuMilli: Math.round(gpus * (2000 + 11_000 * random.nextDouble())),
      memoryMib: Math.round(gpus * (8000 + 45_000 * random.nextDouble())),
      gpuCount,
      gpuMilli,
      gpuModels: [],
    });
  });
  const all = new ClusterState(table);
  for (let i = 0; i < PACKED_NODES; i++) all.addNode(nodeSpec(i));
  const typical = { demands: shapes, weights: shapes.map(() => 1 / SHAPES) };
  return { table, shapes, prices: new SharedPrices(all, typical, TEG_DEFAULTS) };
}

function nodeSpec(i: number): NodeSpec {
  const small = i % 3 === 0;
  return {
    name: `node-${i}`,
    cpuMilli: small ? 48_000 : 96_000,
    memoryMib: small ? 196_608 : 393_216,
    gpuCount: small ? 4 : 8,
    gpuModel: small ? 'T4' : 'G2',
    podsMax: 110,
  };
}

/**
 * @param view The view of zones; undefined: there is one zone that sees all its nodes.
 * @param rule The zone chosen: the cheapest one that shows room, or any that does.
 * @returns    Share of all GPUs in use when the arrivals end.
 */
export function packZones(
  world: PackingWorld,
  view: Partial<HologramOptions> | undefined,
  random: Random,
  rule: 'cheapest' | 'any' = 'cheapest',
): number {
  const zones = Array.from({ length: view === undefined ? 1 : PACKED_ZONES }, (_, zone) =>
    makeZone(world, zone, view === undefined ? 1 : PACKED_ZONES, random.fork(zone)),
  );
  const take = ({ classes, rent }: TegPolicy): Hologram =>
    takeHologram(classes, rent, emptySums(), emptyMaxima(), 0, view);
  const holograms = view === undefined ? [] : zones.map(take);
  const reader = new OfferReader(world.table, world.prices.price);
  const capacity = zones.reduce((sum, { classes }) => sum + classes.cluster.capacity.gpuMilli, 0);
  let placed = 0;
  for (let arrived = 0; arrived < ARRIVING * capacity; ) {
    const demand = world.shapes[random.nextInt(world.shapes.length)] as Demand;
    arrived += demand.gpuTotalMilli;
    const at =
      view === undefined ? 0 : cheapest(reader, holograms, demand, rule === 'any' ? random : undefined);
    const zone = zones[at];
    if (zone === undefined || !place(zone, demand)) continue;
    placed += demand.gpuTotalMilli;
    if (view !== undefined) holograms[at] = take(zone);
  }
  return placed / capacity;
}

function makeZone({ table, prices }: PackingWorld, zone: number, zones: number, random: Random): TegPolicy {
  const cluster = new ClusterState(table);
  for (let i = zone; i < PACKED_NODES; i += zones) cluster.addNode(nodeSpec(i));
  return new TegPolicy({ cluster, random }, { ...TEG_DEFAULTS, classesMax: 16_384 }, prices);
}

/** The zone that offers the cheapest place (with `random`: any that offers one); −1 if none does. */
function cheapest(
  reader: OfferReader,
  holograms: readonly Hologram[],
  demand: Demand,
  random: Random | undefined,
): number {
  const offer = { price: 0, slope: 0, near: 0, slots: 0 };
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let zone = 0; zone < holograms.length; zone++) {
    if (!reader.read(holograms[zone] as Hologram, demand, 1, offer)) continue;
    const price = random === undefined ? offer.price : random.nextFloat();
    if (price >= least) continue;
    least = price;
    best = zone;
  }
  return best;
}

function place(zone: TegPolicy, demand: Demand): boolean {
  zone.demandSeen(demand);
  const node = zone.choose(demand);
  if (node < 0) return false;
  zone.classes.cluster.place(node, demand, zone.gpuMask);
  zone.nodeChanged(node);
  return true;
}
