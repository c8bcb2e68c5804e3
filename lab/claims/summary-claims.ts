/**
 * T-17: holograms merge like numbers, survive an unreliable network, and never promise room that does not exist.
 *
 * The test runs the production code: `takeHologram`, `mergeHolograms`, `OfferReader`, and the summary nodes of the
 * federation.
 *
 * @source theory §3: algebra, G1 no false fit, G2 completeness.
 */
import { ClassTable } from '../../src/field/class-table.ts';
import { FlavorRent } from '../../src/field/flavor-rent.ts';
import { ClassCollector } from '../../src/field/hologram/class-collector.ts';
import { emptyMaxima, emptySums, Hologram, mergeHolograms } from '../../src/field/hologram/hologram.ts';
import { hologramExtended, hologramFlavor } from '../../src/field/hologram/hologram-classes.ts';
import { HOLOGRAM_DEFAULTS, latticesOf, takeHologram } from '../../src/field/hologram/hologram-source.ts';
import { OfferReader } from '../../src/field/hologram/offer-reader.ts';
import type { StepLattice } from '../../src/field/hologram/step-lattice.ts';
import { encodeHologram } from '../../src/field/hologram/wire.ts';
import type { Price } from '../../src/field/price.ts';
import { latticeOf } from '../../src/field/prices.ts';
import { createLeastLoadedChooser } from '../../src/governor/choosers/least-loaded.ts';
import { federationOptions } from '../../src/governor/federation/federation-options.ts';
import { MessageKind, Outbox } from '../../src/governor/federation/messages.ts';
import { SummaryNode } from '../../src/governor/federation/summary-node.ts';
import type { Random } from '../../src/kernel/random.ts';
import { ClusterState } from '../../src/model/cluster-state.ts';
import { type Demand, DemandTable } from '../../src/model/demand.ts';
import { GPU_MILLI } from '../../src/model/node.ts';
import { type Claim, type Measurement, within } from './claim.ts';
import { nodesByClass, pricesOfOne, randomHologram } from './random-holograms.ts';

const NODES = 500;
const DEMANDS = 200;
const PAIRS = NODES * DEMANDS;
const TREES = 100;
const CHILDREN = 8;
const VERSIONS = 5;

/** Capacities of the nodes that pairs are drawn on; free amounts and demands are from 1 % of them on. */
const CPU_MILLI = 96_000;
const MEMORY_MIB = 393_216;
const NIC = 1000;
const SMALLEST = 0.01;

const { coarseness: E, partialStepMilli: STEP } = HOLOGRAM_DEFAULTS;

/** T-17. */
export const MERGEABLE_SUMMARIES: Claim = {
  test: 'T-17',
  title: 'Mergeable summaries without false promises',
  claim:
    'Holograms add up in any order and grouping, bit for bit; a summary node, which keeps the last hologram of each child, is right after duplicates, reordering and lost children; a hologram that offers a demand a place has a node that fits it, and a node with (1 + e) times the demand is always shown.',
  conditions: `At the time of the snapshot; free CPU, memory and a further resource of at least 1 % of a node, e = ${E}; for sharing pods ${STEP} milli-GPU more than the demand.`,
  notClaimed:
    'Not lossless: nodes with less than (1 + e) times the demand may be missed; nothing about nodes that changed since the snapshot, and nothing about pods with a limit a node, which holograms do not show.',
  quick: true,
  measure(random: Random): Measurement {
    const algebra = mergeViolations(random);
    const sums = sumViolations(random);
    const { cluster, demand } = nodeWith(new DemandTable(), 1, 1, 1, 1);
    const price = pricesOfOne(cluster, demand);
    const network = deliveryErrors(random, price);
    const fits = fitErrors(random.fork(1), price, (node) => node.taken);
    const nearest = fitErrors(random.fork(1), price, (node) => node.toNearest);
    return {
      checks: [
        within(`false fits among ${PAIRS} random pairs of node and demand`, fits.falseFits, 0, 0),
        within('nodes with (1 + e) × the demand that were not shown', fits.hidden, 0, 0),
        within(`broken laws of merging, ${TREES} random triples`, algebra, 0, 0),
        within(
          `merged counts and sums that are not those added up by hand, ${TREES} random triples`,
          sums.added,
          0,
          0,
        ),
        within(
          `wrong totals after duplicates, reordering and lost children, ${TREES} runs`,
          network.last,
          0,
          0,
        ),
      ],
      controls: [
        within(
          'wrong totals where a parent adds every summary’s change as it arrives',
          network.incremental,
          0,
          0,
        ),
        within('merged counts that are not those added up, if the larger one is taken', sums.larger, 0, 0),
        within('false fits where free amounts are rounded to the nearest point', nearest.falseFits, 0, 0),
      ],
      notes: [
        `Fits missed by rounding down: ${(100 * fits.missed).toFixed(1)} % of the ${fits.fitting} pairs that fit, sizes spread evenly over two decades.`,
      ],
    };
  },
};

/** @returns True if two holograms are the same in every bit. */
function same(a: Hologram, b: Hologram): boolean {
  const [x, y] = [encodeHologram(a), encodeHologram(b)];
  return x.length === y.length && x.every((byte, i) => byte === y[i]);
}

function mergeViolations(random: Random): number {
  let broken = 0;
  for (let i = 0; i < TREES; i++) {
    const [a, b, c] = [1, 2, 3].map((at) => randomHologram(random, at)) as [Hologram, Hologram, Hologram];
    const left = mergeHolograms([mergeHolograms([a, b]), c]);
    if (!same(left, mergeHolograms([a, mergeHolograms([b, c])]))) broken++;
    if (!same(mergeHolograms([a, b]), mergeHolograms([b, a]))) broken++;
    if (!same(mergeHolograms([a, mergeHolograms([])]), a)) broken++;
  }
  return broken;
}

/** @returns How often merging gives other counts and sums than plain addition, and than taking the larger of two would. */
function sumViolations(random: Random): { added: number; larger: number } {
  let added = 0;
  let larger = 0;
  for (let i = 0; i < TREES; i++) {
    const parts = [1, 2, 3].map((at) => randomHologram(random, at));
    const merged = mergeHolograms(parts);
    const plain = countsOf(parts, (a, b) => a + b);
    if (!sameCounts(nodesByClass(merged), plain) || !sumsAddUp(merged, parts)) added++;
    if (!sameCounts(countsOf(parts, Math.max), plain)) larger++;
  }
  return { added, larger };
}

/** Nodes of each class over several holograms. */
function countsOf(parts: readonly Hologram[], join: (a: number, b: number) => number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const part of parts) {
    for (const [key, count] of nodesByClass(part)) {
      const before = counts.get(key);
      counts.set(key, before === undefined ? count : join(before, count));
    }
  }
  return counts;
}

/** @returns True if every sum of the whole is the sum of those of its parts. */
function sumsAddUp({ sums }: Hologram, parts: readonly Hologram[]): boolean {
  const names = Object.keys(emptySums()) as (keyof typeof sums)[];
  return names.every((name) => sums[name] === parts.reduce((sum, part) => sum + part.sums[name], 0));
}

/** A summary in transit: its child, and its sequence number. */
interface Summary {
  readonly child: number;
  readonly version: number;
  readonly hologram: Hologram;
}

/** Times of the lost child's last summary, of the others' last ones, and of the query of the totals. */
const LOST_SECONDS = 0;
const SPOKEN_SECONDS = 100;
const ASKED_SECONDS = 101;

/** Random deliveries to a summary node, and to a parent that adds changes as they come. */
function deliveryErrors(random: Random, price: Price): { last: number; incremental: number } {
  let last = 0;
  let incremental = 0;
  for (let i = 0; i < TREES; i++) {
    const lost = random.nextInt(CHILDREN);
    const sent = Array.from({ length: CHILDREN }, (_, child) =>
      Array.from({ length: VERSIONS }, (_, version): Summary => {
        const takenAt = child === lost ? LOST_SECONDS : SPOKEN_SECONDS;
        return { child, version: version + 1, hologram: randomHologram(random, takenAt) };
      }),
    );
    const deliveries = carelessNetwork(sent.flat(), random);
    const parent = summaryNode(random, price);
    const out = new Outbox();
    for (const { child, version, hologram } of deliveries) {
      const message = { kind: MessageKind.Summary, from: child, to: parent.id, version, hologram } as const;
      parent.receive(message, ASKED_SECONDS, out);
    }
    const truth = latest(deliveries, lost);
    const total = parent.total(ASKED_SECONDS);
    const counts = countsOf(truth, (a, b) => a + b);
    const right = sameCounts(nodesByClass(total), counts) && sumsAddUp(total, truth);
    if (!right || !same(total, mergeHolograms(truth))) last++;
    if (!sameCounts(addedUp(sent, deliveries, lost), counts)) incremental++;
  }
  return { last, incremental };
}

/** A summary node above the children. */
function summaryNode(random: Random, price: Price): SummaryNode {
  const demands = new DemandTable();
  return new SummaryNode({
    id: CHILDREN,
    parent: -1,
    children: Array.from({ length: CHILDREN }, (_, id) => ({ id, isGroup: false, position: id })),
    readers: [],
    position: 0,
    demands,
    reader: new OfferReader(demands, price),
    chooser: createLeastLoadedChooser(),
    random,
    options: federationOptions({ expireSeconds: 10 }),
    incarnation: 0,
    firstPublishSeconds: 0,
  });
}

/** Drops a fifth, doubles a fifth, and shuffles. */
function carelessNetwork(sent: readonly Summary[], random: Random): Summary[] {
  const out: Summary[] = [];
  for (const summary of sent) {
    const luck = random.nextFloat();
    if (luck >= 0.2) out.push(summary);
    if (luck >= 0.8) out.push(summary);
  }
  for (let i = out.length - 1; i > 0; i--) {
    const k = random.nextInt(i + 1);
    [out[i], out[k]] = [out[k] as Summary, out[i] as Summary];
  }
  return out;
}

/** The newest summary that arrived of every child but the lost one: the correct total. */
function latest(deliveries: readonly Summary[], lost: number): Hologram[] {
  const newest = new Map<number, Summary>();
  for (const summary of deliveries) {
    const known = newest.get(summary.child);
    if (known === undefined || summary.version > known.version) newest.set(summary.child, summary);
  }
  newest.delete(lost);
  return [...newest.values()].map(({ hologram }) => hologram);
}

/** The result of a parent that adds, for every message, the change against the child's summary before it. */
function addedUp(
  sent: readonly Summary[][],
  deliveries: readonly Summary[],
  lost: number,
): Map<string, number> {
  const sum = new Map<string, number>();
  const add = (hologram: Hologram, sign: number): void => {
    for (const [key, count] of nodesByClass(hologram)) sum.set(key, (sum.get(key) ?? 0) + sign * count);
  };
  for (const { child, version, hologram } of deliveries) {
    if (child === lost) continue;
    add(hologram, 1);
    const before = sent[child]?.[version - 2];
    if (before !== undefined) add(before.hologram, -1);
  }
  return sum;
}

/** @returns True if two hold the same counts; a missing class counts 0. */
function sameCounts(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  const keys = new Set([...a.keys(), ...b.keys()]);
  for (const key of keys) if ((a.get(key) ?? 0) !== (b.get(key) ?? 0)) return false;
  return true;
}

/** A node with some room, and its hologram. */
interface OneNode {
  readonly cluster: ClusterState;
  /** As taken by zones. */
  readonly taken: Hologram;
  /** Rounded to the nearest point: the unsafe way. */
  readonly toNearest: Hologram;
}

interface FitErrors {
  /** A place was offered, and the node does not fit. */
  readonly falseFits: number;
  /** The node has (1 + e) × the demand of everything, and no place was offered. */
  readonly hidden: number;
  /** Pairs that fit, and the share of them that was not offered a place. */
  readonly fitting: number;
  readonly missed: number;
}

function fitErrors(random: Random, price: Price, hologramOf: (node: OneNode) => Hologram): FitErrors {
  const table = new DemandTable();
  const demands = Array.from({ length: DEMANDS }, () => randomDemand(table, random));
  const reader = new OfferReader(table, price);
  let falseFits = 0;
  let hidden = 0;
  let missed = 0;
  let fitting = 0;
  const offer = { price: 0, slope: 0, near: 0, slots: 0 };
  for (let i = 0; i < NODES; i++) {
    const node = oneNode(table, random);
    for (const demand of demands) {
      const fits = node.cluster.fits(0, demand);
      const offered = reader.read(hologramOf(node), demand, 1, offer);
      falseFits += offered && !fits ? 1 : 0;
      hidden += !offered && isAmple(node.cluster, demand) ? 1 : 0;
      fitting += fits ? 1 : 0;
      missed += fits && !offered ? 1 : 0;
    }
  }
  return { falseFits, hidden, fitting, missed: missed / fitting };
}

/** Log-uniform shares, so that all sizes are tried. */
function randomShare(random: Random): number {
  return SMALLEST ** random.nextDouble();
}

function randomDemand(table: DemandTable, random: Random): Demand {
  const gpuCount = random.nextInt(2);
  return table.intern({
    cpuMilli: Math.ceil(CPU_MILLI * randomShare(random)),
    memoryMib: Math.ceil(MEMORY_MIB * randomShare(random)),
    gpuCount,
    gpuMilli: gpuCount * (1 + random.nextInt(GPU_MILLI - 1)),
    gpuModels: [],
    extended: { nic: Math.ceil(NIC * randomShare(random)) },
  });
}

function oneNode(table: DemandTable, random: Random): OneNode {
  const cpuMilli = Math.floor(CPU_MILLI * randomShare(random));
  const memoryMib = Math.floor(MEMORY_MIB * randomShare(random));
  const nic = Math.floor(NIC * randomShare(random));
  const partMilli = random.nextInt(GPU_MILLI);
  const { cluster } = nodeWith(table, cpuMilli, memoryMib, nic, partMilli);
  const classes = new ClassTable(cluster, latticeOf(cluster), 1024);
  const taken = takeHologram(classes, new FlavorRent(cluster), emptySums(), emptyMaxima(), 0);
  const { cpu, memory, extended } = latticesOf(E);
  const collector = new ClassCollector(1);
  collector.add(
    collector.flavorId(hologramFlavor('A', [])),
    collector.extendedId(hologramExtended([['nic', nearestTo(nic, extended)]])),
    0,
    0,
    STEP * Math.min(GPU_MILLI / STEP - 1, Math.round(partMilli / STEP)),
    nearestTo(memoryMib, memory),
    nearestTo(cpuMilli, cpu),
    1,
    1,
  );
  return { cluster, taken, toNearest: new Hologram({ ...taken, classes: collector.finish() }) };
}

/** A cluster of one node with this much room. */
function nodeWith(
  table: DemandTable,
  cpuMilli: number,
  memoryMib: number,
  nic: number,
  partMilli: number,
): { cluster: ClusterState; demand: Demand } {
  const cluster = new ClusterState(table);
  cluster.addNode({
    name: 'node',
    cpuMilli: CPU_MILLI,
    memoryMib: MEMORY_MIB,
    gpuCount: 1,
    gpuModel: 'A',
    podsMax: 110,
    extended: { nic: NIC },
  });
  const demand = table.intern({
    cpuMilli: CPU_MILLI - cpuMilli,
    memoryMib: MEMORY_MIB - memoryMib,
    gpuCount: 1,
    gpuMilli: GPU_MILLI - partMilli,
    gpuModels: [],
    extended: { nic: NIC - nic },
  });
  cluster.place(0, demand, 1);
  return { cluster, demand };
}

function nearestTo(value: number, lattice: StepLattice): number {
  const floor = lattice.floorOf(value);
  const above = lattice.above(value);
  return above - value < value - floor ? above : floor;
}

/** True if the node has (1 + e) times the demand of every resource, and a step more of its GPU. */
function isAmple(cluster: ClusterState, demand: Demand): boolean {
  const free = [cluster.freeCpuMilli[0], cluster.freeMemoryMib[0], cluster.freeExtended[0]?.[0]] as number[];
  const need = [demand.cpuMilli, demand.memoryMib, demand.extended[0]] as number[];
  const idle = cluster.gpuIdleMilli[0] as number;
  return (
    free.every((amount, r) => amount >= (1 + E) * (need[r] as number)) &&
    (demand.gpuCount === 0 || idle >= demand.gpuMilli + STEP)
  );
}
