/**
 * The nodes of one instant, grouped by exactly equal free resources.
 *
 * Unlike the field's shape classes nothing is rounded: nodes of a class have the same hardware, the same free amounts
 * and the same idle parts of GPUs as far as a price distinguishes them, so that the cost of one of them is the cost of
 * all. Made again for each instant; it follows no changes.
 */
import { emptyShape } from '../../field/price.ts';
import { readNode } from '../../governor/policy/node-shape.ts';
import type { ClusterState, Flavor } from '../../model/cluster-state.ts';

/** Numbers of a class's key. */
const FIELDS = 6;

/** Groups of equal nodes. At most 53 bytes a node. */
export class ExactClasses {
  /** Classes found; numbered in the order of their lowest nodes. */
  count = 0;
  /** The first node of each class; see `next`. @shape [classes] */
  firsts: Int32Array = new Int32Array(0);
  /** @shape [classes] */
  nodeCounts: Int32Array = new Int32Array(0);
  /** 1 if its nodes take more pods, 0 at their limit of pods. @shape [classes] */
  open: Uint8Array = new Uint8Array(0);
  /** Class of each node, −1 if it is down. @shape [nodes] */
  classOf: Int32Array = new Int32Array(0);
  /** The next node of the same class, −1 after the last. @shape [nodes] */
  next: Int32Array = new Int32Array(0);
  /** @shape [FIELDS × classes] */
  private fields = new Int32Array(0);
  /** Class by hash, −1: none. @shape [a power of two] */
  private slots = new Int32Array(0);
  private readonly key = new Int32Array(FIELDS);
  private readonly shape = emptyShape();
  /** Numbers of the further resources' amounts, within one instant. */
  private readonly extendedIds = new Map<string, number>();

  /** Groups the nodes that are up in their present state. O(nodes × GPUs of a node). */
  collect(cluster: ClusterState): void {
    this.reserve(cluster.nodeCount);
    this.count = 0;
    this.slots.fill(-1);
    this.extendedIds.clear();
    for (let node = 0; node < cluster.nodeCount; node++) {
      this.classOf[node] = cluster.up[node] === 1 ? this.classFor(cluster, node) : -1;
    }
  }

  private classFor(cluster: ClusterState, node: number): number {
    const isOpen = this.readKey(cluster, node);
    const { key, slots, fields } = this;
    const mask = slots.length - 1;
    let slot = hashOf(key) & mask;
    for (let id = slots[slot] as number; id >= 0; id = slots[slot] as number) {
      if (sameFields(fields, id * FIELDS, key)) {
        this.next[node] = this.firsts[id] as number;
        this.firsts[id] = node;
        this.nodeCounts[id] = (this.nodeCounts[id] as number) + 1;
        return id;
      }
      slot = (slot + 1) & mask;
    }
    const id = this.count++;
    slots[slot] = id;
    fields.set(key, id * FIELDS);
    this.next[node] = -1;
    this.firsts[id] = node;
    this.nodeCounts[id] = 1;
    this.open[id] = isOpen ? 1 : 0;
    return id;
  }

  /** Writes the node's class key into `key`. @returns True if the node takes more pods. */
  private readKey(cluster: ClusterState, node: number): boolean {
    const { key, shape } = this;
    readNode(cluster, node, shape);
    const flavorId = cluster.flavorIds[node] as number;
    const { podsMax } = cluster.flavors[flavorId] as Flavor;
    const isOpen = (cluster.podCounts[node] as number) < podsMax;
    key[0] = shape.cpuMilli;
    key[1] = shape.memoryMib;
    key[2] = flavorId;
    key[3] = shape.whole | (shape.a << 8) | (shape.b << 18);
    key[4] = shape.d | (shape.rest << 10) | ((shape.fresh ? 1 : 0) << 30) | ((isOpen ? 1 : 0) << 29);
    if (shape.short) key[4] |= 1 << 31;
    key[5] = shape.extended.length === 0 ? 0 : this.extendedIdOf(shape.extended);
    return isOpen;
  }

  private extendedIdOf(amounts: readonly number[]): number {
    const text = amounts.join();
    let id = this.extendedIds.get(text);
    if (id === undefined) {
      id = this.extendedIds.size + 1;
      this.extendedIds.set(text, id);
    }
    return id;
  }

  private reserve(nodes: number): void {
    if (nodes <= this.classOf.length) return;
    this.firsts = new Int32Array(nodes);
    this.next = new Int32Array(nodes);
    this.nodeCounts = new Int32Array(nodes);
    this.open = new Uint8Array(nodes);
    this.classOf = new Int32Array(nodes);
    this.fields = new Int32Array(FIELDS * nodes);
    this.slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * nodes)));
  }
}

function sameFields(fields: Int32Array, at: number, key: Int32Array): boolean {
  for (let i = 0; i < FIELDS; i++) if (fields[at + i] !== key[i]) return false;
  return true;
}

function hashOf(key: Int32Array): number {
  let h = 0;
  for (let i = 0; i < FIELDS; i++) h = Math.imul(h ^ (key[i] as number), 0x9e3779b1) ^ (h >>> 15);
  h = Math.imul(h ^ (h >>> 16), 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
