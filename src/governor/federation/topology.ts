/**
 * The tree of a federation: zones, agent hosts and the summary nodes above them, numbered as processes.
 *
 * Zones are processes [0, zones), hosts [zones, zones + hosts), summary nodes follow level by level, the root last. The
 * tree is static; a silent process counts as dead until its next message.
 */
import { TegError } from '../../model/errors.ts';

/** One summary node. */
export interface TopologyNode {
  readonly id: number;
  /** −1: the root. */
  readonly parent: number;
  /** Zones, on the lowest level; summary nodes above. */
  readonly children: readonly number[];
  readonly hasZones: boolean;
  /** Hosts that read its board; only on the lowest level. */
  readonly hosts: readonly number[];
  /** Middle of its zones' positions. */
  readonly position: number;
  /** Its zones are neighbours: the first and the last of them. */
  readonly firstZone: number;
  readonly lastZone: number;
}

/** A federation's shape. Immutable. */
export interface Topology {
  readonly zones: number;
  readonly hosts: number;
  readonly nodes: readonly TopologyNode[];
  readonly processCount: number;
  /** Levels of summary nodes. */
  readonly levels: number;
}

/** Most processes of a federation. */
const PROCESSES_MAX = 1 << 20;

/** @returns The process of a host. */
export function hostProcess(topology: Topology, host: number): number {
  return topology.zones + host;
}

/** @returns The home zone of a host. */
export function homeZoneOf(topology: Topology, host: number): number {
  return Math.floor((host * topology.zones) / topology.hosts);
}

/** @returns The summary node above a zone. */
export function parentOfZone(topology: Topology, zone: number, fanOut: number): number {
  return topology.zones + topology.hosts + Math.floor(zone / fanOut);
}

/**
 * @param zones  ≥ 1.
 * @param hosts  ≥ 1.
 * @param fanOut Children of a summary node, ≥ 2.
 * @throws TegError TEG_OPTION_INVALID if there are too many.
 */
export function makeTopology(zones: number, hosts: number, fanOut: number): Topology {
  const fits = zones >= 1 && hosts >= 1 && fanOut >= 2 && zones + hosts <= PROCESSES_MAX / 2;
  if (!fits || ![zones, hosts, fanOut].every(Number.isInteger)) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got ${zones} zones, ${hosts} agent hosts, fan-out ${fanOut}; expected whole numbers, at least one of each, a fan-out of 2, and ` +
        `at most ${PROCESSES_MAX / 2} zones and hosts together: correct them`,
    );
  }
  const nodes: TopologyNode[] = [];
  let first = zones + hosts;
  let below = Array.from({ length: zones }, (_, zone) => ({ id: zone, firstZone: zone, lastZone: zone }));
  let levels = 0;
  do {
    const count = Math.ceil(below.length / fanOut);
    const level = Array.from({ length: count }, (_, i) => {
      const children = below.slice(i * fanOut, (i + 1) * fanOut);
      const firstZone = children[0]?.firstZone ?? 0;
      const lastZone = children[children.length - 1]?.lastZone ?? 0;
      return {
        id: first + i,
        parent: count > 1 ? first + count + Math.floor(i / fanOut) : -1,
        children: children.map((child) => child.id),
        hasZones: levels === 0,
        hosts: levels === 0 ? hostsBeside(children, zones, hosts) : [],
        position: (firstZone + lastZone) / 2,
        firstZone,
        lastZone,
      };
    });
    nodes.push(...level);
    first += count;
    levels++;
    below = level;
  } while (below.length > 1);
  return { zones, hosts, nodes, processCount: first, levels };
}

/** The host processes whose home is one of these zones. */
function hostsBeside(children: readonly { id: number }[], zones: number, hosts: number): number[] {
  const low = children[0]?.id ?? 0;
  const high = children[children.length - 1]?.id ?? 0;
  const found: number[] = [];
  for (let host = 0; host < hosts; host++) {
    const home = Math.floor((host * zones) / hosts);
    if (home >= low && home <= high) found.push(zones + host);
  }
  return found;
}
