/** Checks of summaries and boards: conservative, complete, never from the future, and without duplicates. */
import type { Hologram } from '../../../field/hologram/hologram.ts';
import { mergeHolograms } from '../../../field/hologram/hologram.ts';
import { HOLOGRAM_DEFAULTS, latticesOf } from '../../../field/hologram/hologram-source.ts';
import type { Offer, OfferReader } from '../../../field/hologram/offer-reader.ts';
import { encodeHologram } from '../../../field/hologram/wire.ts';
import {
  type BoardMessage,
  type Message,
  MessageKind,
  type SummaryMessage,
} from '../../../governor/federation/messages.ts';
import type { Topology } from '../../../governor/federation/topology.ts';
import type { ZoneGovernor } from '../../../governor/federation/zone/zone-governor.ts';
import { podsFitting } from '../../../governor/zone/zone-capacity.ts';
import type { Random } from '../../../kernel/random.ts';
import type { Demand } from '../../../model/demand.ts';
import type { PodTruth } from './pod-truth.ts';
import { ensure } from './violation.ts';

/** Upper bounds of a zone or a group of zones. */
interface Possessions {
  readonly zones: number;
  readonly nodes: number;
  readonly gpuMilli: number;
  readonly cpuMilli: number;
}

/** The last publication of a zone or summary node. */
interface Delivered {
  readonly version: number;
  readonly hologram: Hologram;
}

/** Keeps an independent account of every summary node's inputs. */
export class SummaryChecks {
  private readonly topology: Topology;
  private readonly expireSeconds: number;
  private readonly demands: readonly Demand[];
  private readonly reader: OfferReader;
  private readonly random: Random;
  /** By process: zones and summary nodes. */
  private readonly possessions = new Map<number, Possessions>();
  /** By summary node and child. */
  private readonly delivered = new Map<number, Map<number, Delivered>>();
  /** The last hologram of each process that publishes. */
  private readonly published = new Map<number, Delivered>();
  private readonly offer: Offer = { price: 0, slope: 0, near: 0, slots: 0 };

  constructor(
    topology: Topology,
    expireSeconds: number,
    demands: readonly Demand[],
    reader: OfferReader,
    truth: PodTruth,
    random: Random,
  ) {
    this.topology = topology;
    this.expireSeconds = expireSeconds;
    this.demands = demands;
    this.reader = reader;
    this.random = random;
    for (let zone = 0; zone < topology.zones; zone++) this.possessions.set(zone, possessionsOf(truth, zone));
    for (const node of topology.nodes) {
      const parts = node.children.map((child) => this.possessions.get(child) as Possessions);
      this.possessions.set(node.id, parts.reduce(added));
      this.started(node.id);
    }
  }

  /** A summary node starts, empty. */
  started(node: number): void {
    this.delivered.set(node, new Map());
  }

  /** A message reaches a process that runs. */
  received(message: Message, timeSeconds: number): void {
    if (message.kind === MessageKind.Board) this.checkBoard(message, timeSeconds);
    if (message.kind !== MessageKind.Summary) return;
    const children = this.delivered.get(message.to) as Map<number, Delivered>;
    const before = children.get(message.from);
    if (before !== undefined && before.version >= message.version) return;
    children.set(message.from, { version: message.version, hologram: message.hologram });
  }

  /** A zone publishes: it may show no more than it has at this moment. */
  zonePublishes(message: SummaryMessage, governor: ZoneGovernor, timeSeconds: number): void {
    const hologram = this.newlyPublished(message);
    this.checkBounds(message.from, hologram, timeSeconds);
    ensure(
      hologram.takenAt === timeSeconds,
      () => `zone ${message.from} publishes data of ${hologram.takenAt}`,
    );
    const demand = this.demands[this.random.nextInt(this.demands.length)] as Demand;
    this.checkSlots(hologram, governor, demand);
  }

  /** A summary node publishes: exactly the sum of its children's last summaries. */
  nodePublishes(message: SummaryMessage, timeSeconds: number): void {
    const hologram = this.newlyPublished(message);
    this.checkBounds(message.from, hologram, timeSeconds);
    const parts: Hologram[] = [];
    for (const { hologram: part } of (this.delivered.get(message.from) as Map<number, Delivered>).values()) {
      if (timeSeconds - part.newestAt <= this.expireSeconds) parts.push(part);
    }
    for (const name of ['zones', 'nodes', 'pods', 'freeGpuMilli', 'heldGpuMilli'] as const) {
      const sum = parts.reduce((total, part) => total + part.sums[name], 0);
      ensure(sum === hologram.sums[name], () => {
        return `summary node ${message.from} says ${hologram.sums[name]} ${name}; its children said ${sum} in all`;
      });
    }
    const isSum = Buffer.compare(encodeHologram(mergeHolograms(parts)), encodeHologram(hologram)) === 0;
    ensure(
      isSum,
      () => `the publication of summary node ${message.from} is not the sum of its children's last summaries`,
    );
  }

  /**
   * @param host Process of a host.
   * @returns True if the last summaries show a host a zone's room: the entry of its board that covers the zone,
   *          and on the way down from there each summary that a proposal is routed by.
   */
  isShown(host: number, zone: number, demand: Demand, gangMin: number): boolean {
    const { nodes } = this.topology;
    const parentOf = (id: number) => nodes.find(({ children }) => children.includes(id))?.id ?? -1;
    const above = new Set<number>();
    const group = nodes.find(({ hosts }) => hosts.includes(host))?.id ?? -1;
    for (let id = group; id >= 0; id = parentOf(id)) above.add(id);
    for (let id = zone; id >= 0 && !above.has(id); id = parentOf(id)) {
      const hologram = this.published.get(id)?.hologram;
      if (hologram === undefined || !this.reader.read(hologram, demand, gangMin, this.offer)) return false;
    }
    return true;
  }

  /** A version is never reused, also across restarts, or readers would take new data for old. */
  private newlyPublished({ from, version, hologram }: SummaryMessage): Hologram {
    const before = this.published.get(from)?.version ?? 0;
    ensure(version > before, () => `process ${from} publishes version ${version} after version ${before}`);
    this.published.set(from, { version, hologram });
    return hologram;
  }

  private checkSlots(hologram: Hologram, governor: ZoneGovernor, demand: Demand): void {
    // A hologram does not know on which nodes pods of a spread group are already.
    if (demand.podsPerNodeMax > 0) return;
    const slots = this.reader.read(hologram, demand, 1, this.offer) ? this.offer.slots : 0;
    const fitting = slotsIn(governor, demand);
    ensure(slots <= fitting, () => {
      return `zone ${governor.id} shows ${slots} places for demand ${demand.id} and has ${fitting}`;
    });
    ensure(slots > 0 || fitting === 0 || !isOnLattice(demand), () => {
      return `zone ${governor.id} hides its ${fitting} places for demand ${demand.id}, which no rounding hides`;
    });
  }

  private checkBounds(from: number, hologram: Hologram, timeSeconds: number): void {
    const { sums, takenAt, newestAt, classes } = hologram;
    const has = this.possessions.get(from) as Possessions;
    ensure(
      takenAt <= newestAt && newestAt <= timeSeconds,
      () => `process ${from} publishes data from the future`,
    );
    let shown = 0;
    for (let i = 0; i < classes.count; i++) shown += classes.nodeCounts[i] as number;
    const within =
      sums.zones <= has.zones &&
      sums.nodes <= has.nodes &&
      sums.nodesUp <= sums.nodes &&
      shown <= sums.nodesUp &&
      sums.capacityGpuMilli <= has.gpuMilli &&
      sums.capacityCpuMilli <= has.cpuMilli &&
      sums.freeGpuMilli + sums.heldGpuMilli <= sums.capacityGpuMilli &&
      sums.freeCpuMilli <= sums.capacityCpuMilli;
    ensure(within, () => `process ${from} publishes more than there is below it: ${JSON.stringify(sums)}`);
  }

  private checkBoard({ to, entries }: BoardMessage, timeSeconds: number): void {
    let zones = 0;
    for (const { id, hologram } of entries) {
      const { takenAt, newestAt } = hologram;
      ensure(
        takenAt <= newestAt && newestAt <= timeSeconds,
        () => `the board of ${to} shows ${id} in the future`,
      );
      zones += hologram.sums.zones;
    }
    ensure(
      zones <= this.topology.zones,
      () => `the board of ${to} shows ${zones} zones; some are in it twice`,
    );
  }
}

/** The lattices of holograms, on which amounts are rounded down. */
const LATTICES = latticesOf(HOLOGRAM_DEFAULTS.coarseness);

/** True if no rounding can hide room for one pod. */
function isOnLattice({ cpuMilli, memoryMib, gpuMilli, extended }: Demand): boolean {
  return (
    LATTICES.cpu.floorOf(cpuMilli) === cpuMilli &&
    LATTICES.memory.floorOf(memoryMib) === memoryMib &&
    gpuMilli % HOLOGRAM_DEFAULTS.partialStepMilli === 0 &&
    extended.every((amount) => LATTICES.extended.floorOf(amount) === amount)
  );
}

/** @returns Pods of a demand that fit into a zone now, counted node by node. */
export function slotsIn(governor: ZoneGovernor, demand: Demand): number {
  const { cluster } = governor.arbiter.zone;
  let slots = 0;
  for (let node = 0; node < cluster.nodeCount; node++) slots += podsFitting(cluster, node, demand);
  return slots;
}

function possessionsOf(truth: PodTruth, zone: number): Possessions {
  let gpuMilli = 0;
  let cpuMilli = 0;
  const nodes = truth.nodesOf(zone);
  for (let node = 0; node < nodes; node++) {
    const { gpuCount, cpuMilli: cpu } = truth.cluster.flavorOf(truth.nodeOf(zone, node));
    gpuMilli += 1000 * gpuCount;
    cpuMilli += cpu;
  }
  return { zones: 1, nodes, gpuMilli, cpuMilli };
}

function added(a: Possessions, b: Possessions): Possessions {
  return {
    zones: a.zones + b.zones,
    nodes: a.nodes + b.nodes,
    gpuMilli: a.gpuMilli + b.gpuMilli,
    cpuMilli: a.cpuMilli + b.cpuMilli,
  };
}
