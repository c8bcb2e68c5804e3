/**
 * Some of the nodes that a pod fits on now, as found by a scheduler that may look at all nodes.
 *
 * Real central schedulers walk the nodes until enough fit, all of them if they must. This model needs the result of
 * that walk, not its cost: where fitting nodes are frequent they are found by walking or drawing; for a demand with few
 * of them a list of all is made by one scan of every node, and kept up to date while nodes are freed.
 *
 * Invariant: a demand's list, while it has one, holds every node that fits it (and some that no longer do: those are
 * dropped when they are met), so an empty answer means that nothing fits.
 */
import type { Random } from '../../src/kernel/random.ts';
import type { ClusterState } from '../../src/model/cluster-state.ts';
import type { Demand } from '../../src/model/demand.ts';
import type { EligibleNodes } from './eligible-nodes.ts';

/** Nodes examined for each one wanted, before a list is made. */
const LOOKS_PER_NODE = 64;
/** Lower bound of that number, so that one missing node does not make a list. */
const LOOKS_MIN = 256;
/** A list is dropped when it holds more than this share of the nodes. */
const LIST_SHARE_MAX: number = 1 / 32;
/** In a small cluster lists may be this long anyway. */
const LIST_LENGTH_MIN = 1024;

/** All nodes that fit a demand, and perhaps some that do not. */
interface NodeList {
  readonly demand: Demand;
  nodes: Int32Array;
  length: number;
}

/** Finds fitting nodes of one cluster. At most `nodes / 32` entries for each demand that is scarce. */
export class FeasibleNodes {
  /** Results of the last search. @shape [most wanted] */
  readonly found: Int32Array;
  private readonly cluster: ClusterState;
  private readonly eligible: EligibleNodes;
  private readonly lengthMax: number;
  private readonly lists: (NodeList | undefined)[] = [];
  private readonly active: NodeList[] = [];
  /** Which tidying met a node last. @shape [nodes] */
  private readonly metIn: Int32Array;
  private tidyings = 0;

  /** @param wantedMax Most nodes that a search may want. */
  constructor(cluster: ClusterState, eligible: EligibleNodes, wantedMax: number) {
    this.cluster = cluster;
    this.eligible = eligible;
    this.found = new Int32Array(wantedMax);
    this.lengthMax = Math.max(LIST_LENGTH_MIN, Math.floor(cluster.nodeCount * LIST_SHARE_MAX));
    this.metIn = new Int32Array(cluster.nodeCount);
  }

  /**
   * Walks the nodes in order of their numbers.
   *
   * @param start Any integer ≥ 0; the walk begins there, modulo the nodes.
   * @returns How many were found, at most `wanted`; 0 only if nothing fits. `found` holds them.
   */
  walk(demand: Demand, start: number, wanted: number): number {
    if (this.lists[demand.id] !== undefined) return this.pick(demand, start, wanted);
    const { cluster, found } = this;
    const count = cluster.nodeCount;
    const looks = Math.min(count, Math.max(LOOKS_MIN, LOOKS_PER_NODE * wanted));
    let got = 0;
    let node = start % count;
    for (let i = 0; i < looks && got < wanted; i++) {
      if (cluster.fits(node, demand)) found[got++] = node;
      if (++node === count) node = 0;
    }
    if (got === wanted || looks === count) return got;
    this.list(demand);
    return this.pick(demand, start, wanted);
  }

  /** As `walk`, but each one at random, with replacement. Some draws for each one wanted. */
  draw(demand: Demand, random: Random, wanted: number): number {
    if (this.lists[demand.id] === undefined) {
      const { cluster, found, eligible } = this;
      const set = eligible.of(demand);
      if (set.count === 0) return 0;
      const looks = Math.max(LOOKS_MIN, LOOKS_PER_NODE * wanted);
      let got = 0;
      for (let i = 0; i < looks && got < wanted; i++) {
        const node = eligible.draw(set, random);
        if (cluster.fits(node, demand)) found[got++] = node;
      }
      if (got === wanted) return got;
      this.list(demand);
    }
    let got = 0;
    while (got < wanted && this.pick(demand, random.nextU32(), 1, got) > 0) got++;
    return got;
  }

  /** A node has more room: it may fit a demand that it did not fit before. O(scarce demands). */
  freed(node: number): void {
    const { active, cluster } = this;
    for (let i = active.length - 1; i >= 0; i--) {
      const list = active[i] as NodeList;
      if (!cluster.fits(node, list.demand)) continue;
      if (list.length === list.nodes.length && !this.makeRoom(list)) {
        this.lists[list.demand.id] = undefined;
        const last = active.pop() as NodeList;
        if (last !== list) active[i] = last;
        continue;
      }
      list.nodes[list.length++] = node;
    }
  }

  /** From a demand's list. @param offset Where in `found` to put them. @returns How many. */
  private pick(demand: Demand, start: number, wanted: number, offset = 0): number {
    const list = this.lists[demand.id] as NodeList;
    const { cluster, found } = this;
    const { nodes } = list;
    let got = 0;
    let at = list.length === 0 ? 0 : start % list.length;
    for (let left = list.length; left > 0 && got < wanted; left--) {
      if (at >= list.length) at = 0;
      const node = nodes[at] as number;
      if (cluster.fits(node, demand)) {
        found[offset + got++] = node;
        at++;
      } else {
        // The entry that takes its place was not met before, or fits: an empty answer is complete.
        nodes[at] = nodes[--list.length] as number;
      }
    }
    return got;
  }

  /** Makes a demand's list. O(nodes that could fit). */
  private list(demand: Demand): void {
    const { cluster, eligible } = this;
    const set = eligible.of(demand);
    const nodes: number[] = [];
    for (let i = 0; i < set.count; i++) {
      const node = eligible.at(set, i);
      if (cluster.fits(node, demand)) nodes.push(node);
    }
    const list = { demand, nodes: new Int32Array(Math.max(64, 2 * nodes.length)), length: nodes.length };
    list.nodes.set(nodes);
    this.lists[demand.id] = list;
    this.active.push(list);
  }

  /** Drops duplicates and nodes that do not fit; lengthens a list. @returns True if there is room within bounds. */
  private makeRoom(list: NodeList): boolean {
    const { cluster, metIn } = this;
    const round = ++this.tidyings;
    let kept = 0;
    for (let i = 0; i < list.length; i++) {
      const node = list.nodes[i] as number;
      if (metIn[node] === round || !cluster.fits(node, list.demand)) continue;
      metIn[node] = round;
      list.nodes[kept++] = node;
    }
    list.length = kept;
    if (kept > this.lengthMax) return false;
    if (2 * kept > list.nodes.length) {
      const nodes = new Int32Array(2 * list.nodes.length);
      nodes.set(list.nodes.subarray(0, kept));
      list.nodes = nodes;
    }
    return true;
  }
}
