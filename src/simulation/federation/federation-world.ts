/**
 * The parts of a federation, and the factory of its processes: the same for the simulator, the fault finder and any
 * number of threads.
 */

import { OfferReader } from '../../field/hologram/offer-reader.ts';
import type { TypicalWorkload } from '../../field/typical-workload.ts';
import type { ChooserEntry } from '../../governor/choosers/chooser.ts';
import type { FederationOptions } from '../../governor/federation/federation-options.ts';
import { AgentHost } from '../../governor/federation/host/agent-host.ts';
import type { AgentHostParts } from '../../governor/federation/host/agent-host-parts.ts';
import { SummaryNode, type SummaryNodeParts } from '../../governor/federation/summary-node.ts';
import {
  homeZoneOf,
  hostProcess,
  parentOfZone,
  type Topology,
  type TopologyNode,
} from '../../governor/federation/topology.ts';
import { ZoneGovernor, type ZoneGovernorParts } from '../../governor/federation/zone/zone-governor.ts';
import { shownBy } from '../../governor/federation/zone/zone-summary.ts';
import { PinnedPolicy } from '../../governor/policy/pinned-policy.ts';
import { SharedPrices } from '../../governor/policy/shared-prices.ts';
import { TEG_DEFAULTS, type TegOptions } from '../../governor/policy/teg-options.ts';
import { TegPolicy } from '../../governor/policy/teg-policy.ts';
import { Zone } from '../../governor/zone/zone.ts';
import { ZoneArbiter } from '../../governor/zone/zone-arbiter.ts';
import { assert } from '../../kernel/assert.ts';
import { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, type DemandTable, requirePackable } from '../../model/demand.ts';
import { TegError } from '../../model/errors.ts';
import type { NodeSpec } from '../../model/node.ts';

/** Streams of the seed, by use; processes fork them by their number. */
const STREAM_HOST = 11;
const STREAM_SUMMARY = 12;
const STREAM_PHASE = 13;
const STREAM_POLICY = 14;

/** Nodes that represent the cluster where only its flavours matter. */
const FLAVOR_NODES_MAX = 4096;
/** Shape classes that a zone keeps, for each of its nodes; see `ClassTable.classesMax`. */
const CLASSES_PER_NODE = 4;
const CLASSES_MIN = 2048;

/** The description of a federation. Plain but for its tables; the same on every thread. */
export interface FederationWorld {
  readonly nodes: readonly NodeSpec[];
  readonly demands: DemandTable;
  readonly topology: Topology;
  readonly options: FederationOptions;
  readonly chooser: ChooserEntry;
  /** Given: the typical workload. Absent: learned from all arrivals (`ProcessFactory.demandSeen`). */
  readonly typical?: TypicalWorkload;
  readonly seed: number;
}

/** @returns First node of a zone; zones are stretches of the node list, of equal length within one. */
export function firstNodeOf(world: FederationWorld, zone: number): number {
  return Math.floor((zone * world.nodes.length) / world.topology.zones);
}

/** Makes processes, which share prices and the reader of holograms on one thread. */
export class ProcessFactory {
  readonly world: FederationWorld;
  readonly reader: OfferReader;
  private readonly prices: SharedPrices;
  private readonly labelKeys: ReadonlySet<string>;
  private readonly tegOptions: TegOptions;

  /**
   * @param prices Made before, for nodes of the same flavours; absent: made here.
   * @throws TegError TEG_OPTION_INVALID if there are more zones than nodes.
   * @cost As `SharedPrices`, unless they are given.
   */
  constructor(world: FederationWorld, prices?: SharedPrices) {
    const { nodes, demands, topology, typical } = world;
    if (topology.zones > nodes.length) {
      throw new TegError(
        'TEG_OPTION_INVALID',
        `got ${topology.zones} zones for ${nodes.length} nodes; expected at most one a node: request fewer zones`,
      );
    }
    this.world = world;
    requirePackable(demands);
    this.labelKeys = demands.labelKeys();
    const perZone = Math.ceil(nodes.length / topology.zones);
    this.tegOptions = { ...TEG_DEFAULTS, classesMax: Math.max(CLASSES_MIN, CLASSES_PER_NODE * perZone) };
    this.prices = prices ?? new SharedPrices(this.flavorCluster(), typical, this.tegOptions);
    this.reader = new OfferReader(demands, this.prices.price);
  }

  /** A job arrived at any host: for the typical workload. @param pods Of the job. */
  demandSeen(demand: Demand, pods: number): void {
    if (this.prices.demandSeen(demand, pods)) this.reader.reprice(this.prices.price);
  }

  /** A pod left any zone. */
  departureSeen(): void {
    this.prices.departureSeen();
  }

  /** @param incarnation Number of its start, from 1. @param timeSeconds Time of the start. */
  zoneGovernor(zone: number, incarnation: number, timeSeconds: number): ZoneGovernor {
    return new ZoneGovernor(this.zoneParts(zone, incarnation, timeSeconds));
  }

  /** The inputs of `zoneGovernor`. */
  protected zoneParts(zone: number, incarnation: number, timeSeconds: number): ZoneGovernorParts {
    const { world } = this;
    const first = firstNodeOf(world, zone);
    const last = firstNodeOf(world, zone + 1);
    const cluster = this.clusterOf(world.nodes.slice(first, last));
    const random = new Random(world.seed, STREAM_POLICY).fork(zone);
    const policy = new TegPolicy({ cluster, random }, this.tegOptions, this.prices);
    const pinned = new PinnedPolicy(policy);
    const owner = new Zone(cluster, pinned, { onNodeLost: 'fail' });
    return {
      id: zone,
      parent: parentOfZone(world.topology, zone, world.options.fanOut),
      arbiter: this.makeArbiter(owner, pinned, policy),
      shown: shownBy(owner, policy),
      options: world.options,
      incarnation,
      firstPublishSeconds: timeSeconds + this.phaseOf(zone),
    };
  }

  /** The parts of a governor, as made by `zoneParts`. */
  protected makeArbiter(zone: Zone, pinned: PinnedPolicy, policy: TegPolicy): ZoneArbiter {
    return new ZoneArbiter(zone, pinned, policy);
  }

  /** As `zoneGovernor`, for the host of that index. */
  agentHost(host: number, incarnation: number, timeSeconds: number): AgentHost {
    return new AgentHost(this.hostParts(host, incarnation, timeSeconds));
  }

  /** The inputs of `agentHost`. */
  protected hostParts(host: number, incarnation: number, timeSeconds: number): AgentHostParts {
    const { world, reader } = this;
    const id = hostProcess(world.topology, host);
    const home = homeZoneOf(world.topology, host);
    return {
      id,
      home,
      homeZone: home,
      demands: world.demands,
      reader,
      chooser: world.chooser.create({ loserBudget: world.options.loserBudget }),
      random: new Random(world.seed, STREAM_HOST).fork(streamOf(id, incarnation)),
      options: world.options,
      incarnation,
      firstReportSeconds: timeSeconds + this.phaseOf(id),
    };
  }

  /** As `zoneGovernor`, for a summary node of the topology. */
  summaryNode(node: TopologyNode, incarnation: number, timeSeconds: number): SummaryNode {
    return new SummaryNode(this.summaryParts(node, incarnation, timeSeconds));
  }

  /** The inputs of `summaryNode`. */
  protected summaryParts(node: TopologyNode, incarnation: number, timeSeconds: number): SummaryNodeParts {
    const { world, reader } = this;
    const byId = new Map(world.topology.nodes.map((known) => [known.id, known]));
    return {
      id: node.id,
      parent: node.parent,
      children: node.children.map((id) => ({
        id,
        isGroup: !node.hasZones,
        position: byId.get(id)?.position ?? id,
      })),
      readers: node.hosts,
      position: node.position,
      demands: world.demands,
      reader,
      chooser: world.chooser.create({ loserBudget: world.options.loserBudget }),
      random: new Random(world.seed, STREAM_SUMMARY).fork(streamOf(node.id, incarnation)),
      options: world.options,
      incarnation,
      firstPublishSeconds: timeSeconds + this.phaseOf(node.id),
    };
  }

  /** Publishers are out of step with each other, each at its own constant phase. */
  private phaseOf(id: number): number {
    return new Random(this.world.seed, STREAM_PHASE).fork(id).nextFloat() * this.world.options.publishSeconds;
  }

  private clusterOf(nodes: readonly NodeSpec[]): ClusterState {
    const cluster = new ClusterState(this.world.demands, {
      labelKeys: this.labelKeys,
      nodesExpected: nodes.length,
    });
    for (const node of nodes) cluster.addNode(node);
    return cluster;
  }

  /** A small cluster with all flavours of the large one, in about their proportions. */
  private flavorCluster(): ClusterState {
    const { nodes } = this.world;
    const stride = Math.ceil(nodes.length / FLAVOR_NODES_MAX);
    const seen = new Set<string>();
    const chosen = nodes.filter((node, i) => {
      const key = `${node.cpuMilli},${node.memoryMib},${node.gpuCount},${node.gpuModel}`;
      const isNew = !seen.has(key);
      seen.add(key);
      return isNew || i % stride === 0;
    });
    return this.clusterOf(chosen);
  }
}

/** Bits of a process id, and of an incarnation, in the 32-bit number of a random stream. */
const PROCESS_BITS = 20;
const INCARNATION_BITS = 12;

/** @returns The stream of one incarnation of a process: no other has it. */
function streamOf(id: number, incarnation: number): number {
  assert(id >= 0 && id < 2 ** PROCESS_BITS, 'a process id does not fit its bits of a stream number');
  assert(incarnation >= 0 && incarnation < 2 ** INCARNATION_BITS, 'more incarnations than streams');
  return id + incarnation * 2 ** PROCESS_BITS;
}
