/**
 * Shape classes: nodes with the same flavour and nearly the same free resources, kept together.
 *
 * A class is a point of a lattice: CPU on a geometric lattice, memory and further resources on powers of two, whole
 * idle GPUs exactly, the largest partial GPU in steps of 10 milli-GPU, the next two in steps of 50. All are rounded
 * down, so a pod that fits a class fits each of its nodes. Empty nodes form a class of their own with their exact
 * capacities; nodes short of memory or power (`ClusterState.short`) have classes apart. A node that is down or full of pods is in no class.
 *
 * Invariants: a node is in at most one class; a class is occupied iff it has nodes; `journal` lists in order the
 * classes that became occupied.
 */

import { assert } from '../kernel/assert.ts';
import { grown } from '../kernel/grown.ts';
import { KeyTable } from '../kernel/key-table.ts';
import { TABLE_KEYS_MAX } from '../kernel/limits.ts';
import type { ClusterState, Flavor } from '../model/cluster-state.ts';
import { TegError } from '../model/errors.ts';
import { GPU_MILLI } from '../model/node.ts';
import { packGpus, packHost } from './class-limits.ts';
import { ClassTrial } from './class-trial.ts';
import type { GeometricLattice } from './lattice.ts';

/** Milli-GPU between two levels of the largest partial GPU in a class: fine, because it decides the fit. */
export const CLASS_PARTIAL_STEP_MILLI = 10;
/** The same for the second and third, which affect the price alone: half as many classes, nothing lost in packing. */
export const CLASS_MINOR_STEP_MILLI = 50;

/** Entries that the journal keeps; a reader further behind must scan all occupied classes. Power of two. */
const JOURNAL_SIZE = 4096;

/** Classes up to which unoccupied ones are always kept. */
const CLASSES_KEPT_MIN = 16_384;
/** Beyond that they are dropped when there are this many classes for each occupied one. */
const CLASSES_PER_OCCUPIED = 8;

/** Node classes of one zone. Single writer. 12 bytes a node and about 60 bytes a class. */
export class ClassTable {
  readonly cluster: ClusterState;
  readonly lattice: GeometricLattice;
  /** Most classes. Before that, when most are unoccupied, those are dropped and ids change (`epoch` grows). */
  readonly classesMax: number;
  /** Classes known; ids are [0, count). */
  count = 0;
  /** Grows by 1 whenever ids change their meaning. */
  epoch = 0;
  /** The last change: new id by old id, in the same order, −1 for classes dropped. */
  renumbering: Int32Array = new Int32Array(0);
  /** Classes that became occupied since the beginning; entry i is `journal[i mod JOURNAL_SIZE]`. */
  journalEnd = 0;

  /** @shape [classes] */
  flavorIds: Uint16Array;
  /** @shape [classes] index of the lattice point below the free CPU. */
  cpuIndexes: Uint16Array;
  /** @shape [classes] free thousandths of a core, rounded down. */
  cpuMilli: Int32Array;
  /** @shape [classes] free MiB, rounded down. */
  memoryMib: Int32Array;
  /** @shape [classes] fully idle GPUs. */
  whole: Uint8Array;
  /** @shape [3 × classes] idle parts of the three largest partial GPUs, rounded down, descending. */
  partials: Uint16Array;
  /** @shape [classes] 1: nodes without any pod, capacities exact. */
  fresh: Uint8Array;
  /** @shape [classes] 1: its nodes are short of memory or power. */
  short: Uint8Array;
  /** True if a class has been short: until then nobody need look. */
  anyShort = false;
  /** @shape [classes] index into `extendedFloors`; 0: none. */
  extendedIds: Int32Array;
  /** @shape [classes] nodes of the class. */
  nodeCounts: Int32Array;
  /** @shape [classes] first node, −1 if none. */
  heads: Int32Array;
  /** Occupied classes in no particular order: the first `occupiedCount`. */
  occupied: Int32Array;
  occupiedCount = 0;
  /** Further resources rounded down, by `extendedIds`. */
  readonly extendedFloors: number[][] = [[]];

  /** @shape [nodes] class, −1 if in none. */
  classOf: Int32Array;
  private next: Int32Array;
  private previous: Int32Array;
  private positions: Int32Array;
  private readonly journal = new Int32Array(JOURNAL_SIZE);
  private readonly ids: KeyTable;
  /** The record of a trial in progress. */
  private trial: ClassTrial | undefined;
  private readonly spareTrial = new ClassTrial();
  /** Classes at which the unoccupied ones are dropped, or the limit is raised. */
  private limit: number;
  private readonly extendedByKey = new Map<string, number>([['', 0]]);
  /** Scratch: the three largest partials of the current node. */
  private top0 = 0;
  private top1 = 0;
  private top2 = 0;

  constructor(cluster: ClusterState, lattice: GeometricLattice, classesMax: number) {
    assert(classesMax >= 1 && classesMax <= TABLE_KEYS_MAX, 'a limit of classes out of bounds');
    const n = 1024;
    const nodes = Math.max(16, cluster.nodeCount);
    this.cluster = cluster;
    this.lattice = lattice;
    this.classesMax = classesMax;
    this.limit = Math.min(classesMax, CLASSES_KEPT_MIN);
    this.flavorIds = new Uint16Array(n);
    this.cpuIndexes = new Uint16Array(n);
    this.cpuMilli = new Int32Array(n);
    this.memoryMib = new Int32Array(n);
    this.whole = new Uint8Array(n);
    this.partials = new Uint16Array(3 * n);
    this.fresh = new Uint8Array(n);
    this.short = new Uint8Array(n);
    this.extendedIds = new Int32Array(n);
    this.nodeCounts = new Int32Array(n);
    this.heads = new Int32Array(n).fill(-1);
    this.occupied = new Int32Array(n);
    this.positions = new Int32Array(n);
    this.classOf = new Int32Array(nodes).fill(-1);
    this.next = new Int32Array(nodes);
    this.previous = new Int32Array(nodes);
    this.ids = new KeyTable(n);
    for (let node = 0; node < cluster.nodeCount; node++) this.update(node);
  }

  /** Bytes of all arrays. */
  get bytes(): number {
    const perClass = this.flavorIds.length * (2 + 2 + 4 + 4 + 1 + 6 + 1 + 1 + 4 + 4 + 4 + 4 + 4);
    return perClass + 3 * this.classOf.byteLength + this.journal.byteLength + this.ids.bytes;
  }

  /** Moves a node to the class of its free resources. O(GPUs of the node). */
  update(node: number): void {
    assert(node >= 0 && node < this.cluster.nodeCount, 'a class for a node that is not there');
    if (node >= this.classOf.length) this.growNodes(node + 1);
    const { cluster } = this;
    const flavor = cluster.flavors[cluster.flavorIds[node] as number] as Flavor;
    const open = cluster.up[node] === 1 && (cluster.podCounts[node] as number) < flavor.podsMax;
    const to = open ? this.classFor(node, flavor) : -1;
    const from = this.classOf[node] as number;
    if (to === from) return;
    this.trial?.moved(node, from, from < 0 ? -1 : (this.previous[node] as number), this.placeOf(from));
    if (from >= 0) this.unlink(node, from);
    this.classOf[node] = to;
    if (to >= 0) this.link(node, to);
  }

  /** Records changes of classes from now on, so that `rollBack` can undo them. Not nested. */
  beginTrial(): void {
    assert(this.trial === undefined, 'a trial begins during another');
    this.trial = this.spareTrial;
    this.trial.begin(this.count);
  }

  /**
   * Undoes everything since `beginTrial`: restores classes, their ids, and the order of their nodes. If the trial had
   * made classes, `epoch` grows. O(moves), and O(classes) if it had made some.
   */
  rollBack(): void {
    const { trial } = this;
    assert(trial !== undefined, 'a trial ends that has not begun');
    this.trial = undefined;
    for (let i = trial.moves - 1; i >= 0; i--) this.undoMove(trial, i);
    if (this.count === trial.countBefore) return;
    trial.forEachMade((a, b, c) => this.ids.remove(a, b, c));
    const ids = new Int32Array(this.count).fill(-1);
    for (let id = 0; id < trial.countBefore; id++) ids[id] = id;
    this.count = trial.countBefore;
    for (let i = 0; i < JOURNAL_SIZE; i++) this.journal[i] = ids[this.journal[i] as number] ?? -1;
    this.renumbering = ids;
    this.epoch++;
  }

  /** @returns The node after `node` in its class, −1 at the end. */
  nextNode(node: number): number {
    return this.next[node] as number;
  }

  /** @returns The class of journal entry `i` in [journalEnd − JOURNAL_SIZE, journalEnd); −1 if it was dropped since. */
  journalEntry(i: number): number {
    return this.journal[i & (JOURNAL_SIZE - 1)] as number;
  }

  /** @returns True if all entries since `from` are still in the journal. */
  journalReaches(from: number): boolean {
    return this.journalEnd - from <= JOURNAL_SIZE;
  }

  private classFor(node: number, flavor: Flavor): number {
    const { cluster } = this;
    const cpu = cluster.freeCpuMilli[node] as number;
    const memory = cluster.freeMemoryMib[node] as number;
    const isFresh = cluster.podCounts[node] === 0 ? 1 : 0;
    const whole = this.readGpus(node);
    const cpuIndex = this.lattice.indexOf(cpu);
    const memoryIndex = memory === 0 ? 0 : 32 - Math.clz32(memory);
    const extendedId = flavor.extended.length === 0 ? 0 : this.extendedIdOf(node, flavor);
    const hostKey = packHost(flavor.id, memoryIndex, cpuIndex);
    const isShort = cluster.short.size > 0 && cluster.short.has(node) ? 1 : 0;
    const gpuKey = packGpus(whole, this.top0, this.top1, this.top2, isFresh, isShort);
    const known = this.ids.get(hostKey, gpuKey, extendedId);
    if (known >= 0) return known;
    if (this.count >= this.limit) this.makeRoom();
    assert(this.count < this.limit, 'dropping empty classes made no room');
    // During a trial ids must not change: it may exceed the limit by the classes that it makes.
    if (this.count >= this.limit && this.trial === undefined) this.makeRoom();
    const id = this.count++;
    if (id >= this.flavorIds.length) this.growClasses();
    this.ids.add(hostKey, gpuKey, extendedId, id);
    this.trial?.made(hostKey, gpuKey, extendedId);
    this.flavorIds[id] = flavor.id;
    this.cpuIndexes[id] = cpuIndex;
    this.cpuMilli[id] = isFresh === 1 ? cpu : (this.lattice.points[cpuIndex] as number);
    this.memoryMib[id] = isFresh === 1 || memory === 0 ? memory : 2 ** (memoryIndex - 1);
    this.whole[id] = whole;
    this.partials[3 * id] = this.top0 * CLASS_PARTIAL_STEP_MILLI;
    this.partials[3 * id + 1] = this.top1 * CLASS_MINOR_STEP_MILLI;
    this.partials[3 * id + 2] = this.top2 * CLASS_MINOR_STEP_MILLI;
    this.fresh[id] = isFresh;
    this.short[id] = isShort;
    if (isShort === 1) this.anyShort = true;
    this.extendedIds[id] = extendedId;
    this.nodeCounts[id] = 0;
    this.heads[id] = -1;
    return id;
  }

  /** Reads the node's GPUs: whole ones are counted, the levels of the three largest partial ones go to `top0…2`. */
  private readGpus(node: number): number {
    const idle = this.cluster.gpuIdleMilli;
    const end = this.cluster.gpuOffsets[node + 1] as number;
    let whole = 0;
    let first = 0;
    let second = 0;
    let third = 0;
    for (let g = this.cluster.gpuOffsets[node] as number; g < end; g++) {
      const part = idle[g] as number;
      if (part === GPU_MILLI) whole++;
      else if (part > first) {
        third = second;
        second = first;
        first = part;
      } else if (part > second) {
        third = second;
        second = part;
      } else if (part > third) third = part;
    }
    this.top0 = (first / CLASS_PARTIAL_STEP_MILLI) | 0;
    this.top1 = (second / CLASS_MINOR_STEP_MILLI) | 0;
    this.top2 = (third / CLASS_MINOR_STEP_MILLI) | 0;
    return whole;
  }

  private extendedIdOf(node: number, flavor: Flavor): number {
    const floors: number[] = [];
    const isFresh = this.cluster.podCounts[node] === 0;
    for (let r = 0; r < flavor.extended.length; r++) {
      const free = this.cluster.freeExtended[r]?.[node] ?? 0;
      floors.push(isFresh || free < 1 ? free : 2 ** Math.floor(Math.log2(free)));
    }
    const key = floors.join();
    let id = this.extendedByKey.get(key);
    if (id === undefined) {
      id = this.extendedFloors.length;
      this.extendedFloors.push(floors);
      this.extendedByKey.set(key, id);
    }
    return id;
  }

  private link(node: number, to: number): void {
    const head = this.heads[to] as number;
    this.next[node] = head;
    this.previous[node] = -1;
    if (head >= 0) this.previous[head] = node;
    this.heads[to] = node;
    const nodes = (this.nodeCounts[to] as number) + 1;
    this.nodeCounts[to] = nodes;
    if (nodes > 1) return;
    this.positions[to] = this.occupiedCount;
    this.occupied[this.occupiedCount++] = to;
    this.journal[this.journalEnd & (JOURNAL_SIZE - 1)] = to;
    this.journalEnd++;
  }

  private unlink(node: number, from: number): void {
    const next = this.next[node] as number;
    const previous = this.previous[node] as number;
    if (next >= 0) this.previous[next] = previous;
    if (previous >= 0) this.next[previous] = next;
    else this.heads[from] = next;
    const nodes = (this.nodeCounts[from] as number) - 1;
    this.nodeCounts[from] = nodes;
    if (nodes > 0) return;
    const position = this.positions[from] as number;
    const last = this.occupied[--this.occupiedCount] as number;
    this.occupied[position] = last;
    this.positions[last] = position;
  }

  /** Position of a class among the occupied ones. */
  private placeOf(id: number): number {
    return id < 0 ? -1 : (this.positions[id] as number);
  }

  /** Undoes the last move of a trial that is not undone yet: the node is the first of its class. */
  private undoMove(trial: ClassTrial, move: number): void {
    const node = trial.nodeOf(move);
    const from = trial.fromOf(move);
    const to = this.classOf[node] as number;
    if (to >= 0) {
      const after = this.next[node] as number;
      this.heads[to] = after;
      if (after >= 0) this.previous[after] = -1;
      this.nodeCounts[to] = (this.nodeCounts[to] as number) - 1;
      // It became occupied last, and so is last.
      if (this.nodeCounts[to] === 0) this.occupiedCount--;
    }
    this.classOf[node] = from;
    if (from < 0) return;
    const before = trial.previousOf(move);
    const after = before >= 0 ? (this.next[before] as number) : (this.heads[from] as number);
    this.next[node] = after;
    this.previous[node] = before;
    if (after >= 0) this.previous[after] = node;
    if (before >= 0) this.next[before] = node;
    else this.heads[from] = node;
    const nodes = (this.nodeCounts[from] as number) + 1;
    this.nodeCounts[from] = nodes;
    if (nodes > 1) return;
    const place = trial.placeOf(move);
    if (place < this.occupiedCount) {
      const moved = this.occupied[place] as number;
      this.occupied[this.occupiedCount] = moved;
      this.positions[moved] = this.occupiedCount;
    }
    this.occupiedCount++;
    this.occupied[place] = from;
    this.positions[from] = place;
    this.journal[this.journalEnd & (JOURNAL_SIZE - 1)] = from;
    this.journalEnd++;
  }

  /** Raises the limit where many classes are occupied, or drops those that are not. */
  private makeRoom(): void {
    if (this.count < this.classesMax && this.count < CLASSES_PER_OCCUPIED * this.occupiedCount) {
      this.limit = Math.min(this.classesMax, 2 * this.limit);
    } else this.compact();
  }

  /** Drops the classes without nodes; the others get new ids in the same order. O(nodes + classes). */
  private compact(): void {
    if (this.occupiedCount > this.classesMax / 2) {
      throw new TegError(
        'TEG_LIMIT_REACHED',
        `${this.occupiedCount} shape classes hold nodes; expected at most half of classesMax (${this.classesMax}): raise it`,
      );
    }
    const ids = new Int32Array(this.count).fill(-1);
    let kept = 0;
    for (let id = 0; id < ids.length; id++) {
      if ((this.nodeCounts[id] as number) === 0) continue;
      ids[id] = kept;
      this.moveClass(id, kept++);
    }
    assert(kept === this.occupiedCount, 'classes with nodes and occupied classes differ');
    this.count = kept;
    this.ids.mapValues((id) => ids[id] as number);
    for (let i = 0; i < this.occupiedCount; i++) this.occupied[i] = ids[this.occupied[i] as number] as number;
    for (let i = 0; i < JOURNAL_SIZE; i++) this.journal[i] = ids[this.journal[i] as number] ?? -1;
    for (let node = 0; node < this.cluster.nodeCount; node++) {
      const id = this.classOf[node] as number;
      if (id >= 0) this.classOf[node] = ids[id] as number;
    }
    this.renumbering = ids;
    this.epoch++;
  }

  /** Copies all columns of a class. */
  private moveClass(from: number, to: number): void {
    this.flavorIds[to] = this.flavorIds[from] as number;
    this.cpuIndexes[to] = this.cpuIndexes[from] as number;
    this.cpuMilli[to] = this.cpuMilli[from] as number;
    this.memoryMib[to] = this.memoryMib[from] as number;
    this.whole[to] = this.whole[from] as number;
    this.partials.copyWithin(3 * to, 3 * from, 3 * from + 3);
    this.fresh[to] = this.fresh[from] as number;
    this.short[to] = this.short[from] as number;
    this.extendedIds[to] = this.extendedIds[from] as number;
    this.nodeCounts[to] = this.nodeCounts[from] as number;
    this.heads[to] = this.heads[from] as number;
    this.positions[to] = this.positions[from] as number;
  }

  private growNodes(count: number): void {
    const n = Math.max(count, 2 * this.classOf.length);
    this.classOf = grown(this.classOf, n, -1);
    this.next = grown(this.next, n);
    this.previous = grown(this.previous, n);
  }

  private growClasses(): void {
    const n = 2 * this.flavorIds.length;
    this.flavorIds = grown(this.flavorIds, n);
    this.cpuIndexes = grown(this.cpuIndexes, n);
    this.cpuMilli = grown(this.cpuMilli, n);
    this.memoryMib = grown(this.memoryMib, n);
    this.whole = grown(this.whole, n);
    this.partials = grown(this.partials, 3 * n);
    this.fresh = grown(this.fresh, n);
    this.short = grown(this.short, n);
    this.extendedIds = grown(this.extendedIds, n);
    this.nodeCounts = grown(this.nodeCounts, n);
    this.heads = grown(this.heads, n);
    this.occupied = grown(this.occupied, n);
    this.positions = grown(this.positions, n);
  }
}
