/** Adds up classes of nodes, from a zone or from holograms, and brings them into canonical form. */
import { grown } from '../../kernel/grown.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX } from '../../model/node.ts';
import {
  ClassKeys,
  type HologramClasses,
  type HologramExtended,
  type HologramFlavor,
  makeColumns,
} from './hologram-classes.ts';
import { CLASS_NODES_MAX, HOLOGRAM_LIMITS } from './hologram-limits.ts';

/** Columns of a collected class, in canonical order up to `Cpu`. */
const Column = {
  Flavor: 0,
  Extended: 1,
  Fresh: 2,
  Whole: 3,
  Partial: 4,
  Memory: 5,
  Cpu: 6,
  PodsFree: 7,
  Nodes: 8,
  /** Of `ClassKeys`: the part that classes that differ in memory and CPU only share. */
  Group: 9,
} as const;
const COLUMNS = 10;
/** Classes that are sorted by insertion. */
const INSERTION_MAX = 24;

/** Collects classes. Single use: `finish` ends it. */
export class ClassCollector {
  private readonly keys: ClassKeys;
  /** @shape [classes × COLUMNS] */
  private rows: Int32Array;
  private groupRanks: Int32Array = new Int32Array(0);
  private readonly flavors = new Entries<HologramFlavor>();
  private readonly extended = new Entries<HologramExtended>();

  /** @param expected Classes expected; it grows beyond that. */
  constructor(expected = 64) {
    this.keys = new ClassKeys(expected);
    this.rows = new Int32Array(COLUMNS * Math.max(16, expected));
  }

  /** @returns The id of a kind of node, for `add`. */
  flavorId(flavor: HologramFlavor): number {
    return this.flavors.idOf(flavor);
  }

  /** @returns The id of further resources, for `add`. */
  extendedId(extended: HologramExtended): number {
    return this.extended.idOf(extended);
  }

  /** Adds nodes to a class, which may be new. Amounts as in `HologramClasses`. O(1). */
  add(
    flavor: number,
    extended: number,
    fresh: number,
    whole: number,
    partialMilli: number,
    memoryMib: number,
    cpuMilli: number,
    podsFree: number,
    nodes: number,
  ): void {
    const known = this.keys.count;
    const id = this.keys.intern(flavor, extended, fresh, whole, partialMilli, memoryMib, cpuMilli);
    const at = COLUMNS * id;
    const { rows } = this;
    if (id < known) {
      rows[at + Column.PodsFree] = Math.min(rows[at + Column.PodsFree] as number, podsFree);
      rows[at + Column.Nodes] = Math.min(CLASS_NODES_MAX, (rows[at + Column.Nodes] as number) + nodes);
      return;
    }
    const room = at < rows.length ? rows : this.grow();
    room[at + Column.Flavor] = flavor;
    room[at + Column.Extended] = extended;
    room[at + Column.Fresh] = fresh;
    room[at + Column.Whole] = whole;
    room[at + Column.Partial] = partialMilli;
    room[at + Column.Memory] = memoryMib;
    room[at + Column.Cpu] = cpuMilli;
    room[at + Column.PodsFree] = podsFree;
    room[at + Column.Nodes] = nodes;
    room[at + Column.Group] = this.keys.group;
  }

  /** Adds all classes of a hologram. O(classes). */
  addAll(classes: HologramClasses): void {
    const flavors = classes.flavors.map((flavor) => this.flavorId(flavor));
    const extended = classes.extended.map((amounts) => this.extendedId(amounts));
    for (let i = 0; i < classes.count; i++) {
      this.add(
        flavors[classes.flavorIndexes[i] as number] as number,
        extended[classes.extendedIndexes[i] as number] as number,
        classes.fresh[i] as number,
        classes.whole[i] as number,
        classes.partialMilli[i] as number,
        classes.memoryMib[i] as number,
        classes.cpuMilli[i] as number,
        classes.podsFree[i] as number,
        classes.nodeCounts[i] as number,
      );
    }
  }

  /**
   * The classes in canonical order; beyond `HOLOGRAM_LIMITS` the first ones.
   *
   * Why the first: a class among the first of the whole is among the first of every part, so that truncating early or
   * late gives the same result. O(classes × log classes).
   */
  finish(): HologramClasses {
    const order = this.sorted();
    const { rows } = this;
    const flavors = this.flavors.used(order, rows, Column.Flavor);
    const extended = this.extended.used(order, rows, Column.Extended);
    const columns = makeColumns(order.length);
    for (let i = 0; i < order.length; i++) {
      const at = COLUMNS * (order[i] as number);
      columns.flavorIndexes[i] = flavors.indexes[rows[at + Column.Flavor] as number] as number;
      columns.extendedIndexes[i] = extended.indexes[rows[at + Column.Extended] as number] as number;
      columns.fresh[i] = rows[at + Column.Fresh] as number;
      columns.whole[i] = rows[at + Column.Whole] as number;
      columns.partialMilli[i] = rows[at + Column.Partial] as number;
      columns.memoryMib[i] = rows[at + Column.Memory] as number;
      columns.cpuMilli[i] = rows[at + Column.Cpu] as number;
      columns.podsFree[i] = rows[at + Column.PodsFree] as number;
      columns.nodeCounts[i] = rows[at + Column.Nodes] as number;
    }
    return { count: order.length, flavors: flavors.entries, extended: extended.entries, ...columns };
  }

  /** The first classes in canonical order, as many as a hologram may have. */
  private sorted(): Int32Array {
    const { rows, keys } = this;
    const ends = this.groupEnds();
    const order = new Int32Array(ends.length === 0 ? 0 : (ends[ends.length - 1] as number));
    // From the last place of each group down: `ends` become starts.
    const groups = this.groupRanks;
    for (let id = keys.count - 1; id >= 0; id--) {
      const rank = groups[rows[COLUMNS * id + Column.Group] as number] as number;
      if (rank < 0) continue;
      const place = (ends[rank] as number) - 1;
      ends[rank] = place;
      order[place] = id;
    }
    for (let rank = 0; rank < ends.length; rank++) {
      sortRows(order, ends[rank] as number, ends[rank + 1] ?? order.length, rows);
    }
    return order.subarray(0, HOLOGRAM_LIMITS.classesMax);
  }

  /** Ranks the groups in `groupRanks`; −1 beyond the limit of flavours. @returns By rank, where in the order it ends. */
  private groupEnds(): Int32Array {
    const { rows, keys } = this;
    const flavorRanks = this.flavors.ranks();
    const extendedRanks = this.extended.ranks();
    const majors = new Float64Array(keys.groupCount);
    const sizes = new Int32Array(keys.groupCount);
    for (let id = 0; id < keys.count; id++) {
      const at = COLUMNS * id;
      const group = rows[at + Column.Group] as number;
      sizes[group] = (sizes[group] as number) + 1;
      if (sizes[group] !== 1) continue;
      const flavor = flavorRanks[rows[at + Column.Flavor] as number] as number;
      let major = flavor * extendedRanks.length;
      major += extendedRanks[rows[at + Column.Extended] as number] as number;
      major = 2 * major + (rows[at + Column.Fresh] as number);
      major = (GPUS_PER_NODE_MAX + 1) * major + (rows[at + Column.Whole] as number);
      major = GPU_MILLI * major + (rows[at + Column.Partial] as number);
      majors[group] = flavor < HOLOGRAM_LIMITS.flavorsMax ? major : Number.POSITIVE_INFINITY;
    }
    const shown = Array.from(majors.keys()).filter(
      (group) => (majors[group] as number) < Number.POSITIVE_INFINITY,
    );
    shown.sort((a, b) => (majors[a] as number) - (majors[b] as number));
    this.groupRanks = new Int32Array(keys.groupCount).fill(-1);
    const ends = new Int32Array(shown.length);
    let end = 0;
    for (let rank = 0; rank < shown.length; rank++) {
      const group = shown[rank] as number;
      this.groupRanks[group] = rank;
      end += sizes[group] as number;
      ends[rank] = end;
    }
    return ends;
  }

  private grow(): Int32Array {
    this.rows = grown(this.rows, 2 * this.rows.length);
    return this.rows;
  }
}

/** Sorts the rows order[from … to) by memory, then CPU. Most groups have a few. */
function sortRows(order: Int32Array, from: number, to: number, rows: Int32Array): void {
  if (to - from > INSERTION_MAX) {
    order.subarray(from, to).sort((x, y) => compareRows(x, y, rows));
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const row = order[i] as number;
    let at = i;
    while (at > from && compareRows(order[at - 1] as number, row, rows) > 0) {
      order[at] = order[at - 1] as number;
      at--;
    }
    order[at] = row;
  }
}

function compareRows(x: number, y: number, rows: Int32Array): number {
  const a = COLUMNS * x;
  const b = COLUMNS * y;
  const byMemory = (rows[a + Column.Memory] as number) - (rows[b + Column.Memory] as number);
  return byMemory !== 0 ? byMemory : (rows[a + Column.Cpu] as number) - (rows[b + Column.Cpu] as number);
}

/** A dictionary under construction. */
class Entries<T extends { readonly key: string }> {
  private readonly all: T[] = [];
  private readonly idByKey = new Map<string, number>();

  idOf(entry: T): number {
    let id = this.idByKey.get(entry.key);
    if (id === undefined) {
      id = this.all.length;
      this.all.push(entry);
      this.idByKey.set(entry.key, id);
    }
    return id;
  }

  /** @returns The place of each entry in the order of keys. */
  ranks(): Int32Array {
    const ranks = new Int32Array(this.all.length);
    this.inOrder().forEach((id, rank) => {
      ranks[id] = rank;
    });
    return ranks;
  }

  /** @returns The entries that a column of some rows names, in order, and the new index of each id. */
  used(order: Int32Array, rows: Int32Array, column: number): { entries: T[]; indexes: Int32Array } {
    const isUsed = new Uint8Array(this.all.length);
    for (const id of order) isUsed[rows[COLUMNS * id + column] as number] = 1;
    const indexes = new Int32Array(this.all.length);
    const entries: T[] = [];
    for (const id of this.inOrder()) {
      if (isUsed[id] === 0) continue;
      indexes[id] = entries.length;
      entries.push(this.all[id] as T);
    }
    return { entries, indexes };
  }

  private inOrder(): number[] {
    const { all } = this;
    return all.map((_, id) => id).sort((a, b) => ((all[a] as T).key < (all[b] as T).key ? -1 : 1));
  }
}
