/**
 * The nodes that a demand could ever use, to draw from: those whose hardware, empty, would hold its pod.
 *
 * Known to every scheduler without a query: it depends on constraints and capacities only, not on running pods. Nodes
 * are kept by flavour, a demand's set is a list of flavours, and demands with equal lists share one. Nothing is found
 * by trial, so a demand for a rare kind of node costs no more than any other.
 */
import type { Random } from '../../src/kernel/random.ts';
import type { ClusterState } from '../../src/model/cluster-state.ts';
import type { Demand } from '../../src/model/demand.ts';

/** A set of nodes, as flavours. */
export interface EligibleSet {
  /** Nodes of the set. */
  readonly count: number;
  /** @shape [flavours] where each one's nodes begin in the array of all nodes by flavour */
  readonly begins: Int32Array;
  /** @shape [flavours] nodes of this flavour and those before */
  readonly ends: Int32Array;
}

/** Sets by demand. 4 bytes a node, and a few for each flavour of each distinct set. */
export class EligibleNodes {
  private readonly cluster: ClusterState;
  /** @shape [nodes] sorted by flavour, then by number */
  private readonly nodes: Int32Array;
  /** @shape [flavours + 1] */
  private readonly offsets: Int32Array;
  private readonly byDemand: (EligibleSet | undefined)[] = [];
  private readonly byKey = new Map<string, EligibleSet>();

  /** @param cluster With all its nodes. O(nodes). */
  constructor(cluster: ClusterState) {
    this.cluster = cluster;
    this.nodes = new Int32Array(cluster.nodeCount);
    this.offsets = new Int32Array(cluster.flavors.length + 1);
    for (let node = 0; node < cluster.nodeCount; node++) {
      const after = (cluster.flavorIds[node] as number) + 1;
      this.offsets[after] = (this.offsets[after] as number) + 1;
    }
    for (let f = 0; f < cluster.flavors.length; f++) {
      this.offsets[f + 1] = (this.offsets[f + 1] as number) + (this.offsets[f] as number);
    }
    const at = this.offsets.slice();
    for (let node = 0; node < cluster.nodeCount; node++) {
      const flavor = cluster.flavorIds[node] as number;
      const place = at[flavor] as number;
      this.nodes[place] = node;
      at[flavor] = place + 1;
    }
  }

  /** @returns The nodes of a demand. O(flavours) at the first call. */
  of(demand: Demand): EligibleSet {
    const known = this.byDemand[demand.id];
    if (known !== undefined) return known;
    const flavors: number[] = [];
    for (let f = 0; f < this.cluster.flavors.length; f++) {
      if (this.cluster.flavorCouldFit(f, demand)) flavors.push(f);
    }
    const key = flavors.join();
    const set = this.byKey.get(key) ?? this.build(flavors);
    this.byKey.set(key, set);
    this.byDemand[demand.id] = set;
    return set;
  }

  /** @param place In [0, set.count). @returns The node at that place of a set. O(log flavours). */
  at(set: EligibleSet, place: number): number {
    const { ends, begins } = set;
    let low = 0;
    let high = ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (place < (ends[middle] as number)) high = middle;
      else low = middle + 1;
    }
    const before = low === 0 ? 0 : (ends[low - 1] as number);
    return this.nodes[(begins[low] as number) + place - before] as number;
  }

  /** @returns A node of a set that is not empty, each alike. One draw. */
  draw(set: EligibleSet, random: Random): number {
    return this.at(set, random.nextInt(set.count));
  }

  private build(flavors: readonly number[]): EligibleSet {
    const begins = Int32Array.from(flavors, (f) => this.offsets[f] as number);
    const ends = new Int32Array(flavors.length);
    let count = 0;
    flavors.forEach((f, i) => {
      count += (this.offsets[f + 1] as number) - (this.offsets[f] as number);
      ends[i] = count;
    });
    return { count, begins, ends };
  }
}
