/**
 * The classes of a hologram, as columns: the number of nodes with at least these free resources.
 *
 * Invariants: classes are distinct and in canonical order (kind of node, further resources, fresh, whole GPUs, partial
 * GPU, memory, CPU, all ascending), the dictionaries are in order and every entry of them is used. So one collection of
 * nodes has one form, in whatever order and grouping it was added up.
 */
import { KeyTable } from '../../kernel/key-table.ts';

/** A kind of node, as constraints of pods see it. Immutable. */
export interface HologramFlavor {
  /** Model and labels as one text; equal iff they are. */
  readonly key: string;
  /** '' without GPUs. */
  readonly gpuModel: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Further resources that are free on each node of a class, rounded down. Immutable. */
export interface HologramExtended {
  /** The amounts as one text; equal iff they are. */
  readonly key: string;
  /** Name and amount > 0, by name ascending. */
  readonly amounts: readonly (readonly [string, number])[];
}

/** Classes as columns, in canonical order. Owned by its hologram; immutable. */
export interface HologramClasses {
  readonly count: number;
  readonly flavors: readonly HologramFlavor[];
  readonly extended: readonly HologramExtended[];
  /** @shape [count] index into `flavors`, as all columns below. */
  readonly flavorIndexes: Uint16Array;
  /** Index into `extended`. */
  readonly extendedIndexes: Uint16Array;
  /** 1: nodes without any pod; amounts are exact. */
  readonly fresh: Uint8Array;
  /** Fully idle GPUs of each node. */
  readonly whole: Uint8Array;
  /** Idle part of its largest partial GPU, rounded down. */
  readonly partialMilli: Uint16Array;
  /** Free MiB, rounded down. */
  readonly memoryMib: Int32Array;
  /** Free thousandths of a core, rounded down. */
  readonly cpuMilli: Int32Array;
  /** Pods that each node still takes: the least of its nodes. ≥ 1 */
  readonly podsFree: Int32Array;
  /** Nodes. ≥ 1 */
  readonly nodeCounts: Int32Array;
}

/** No further resources. */
export const NO_EXTENDED: HologramExtended = { key: '[]', amounts: [] };

/** @returns A kind of node. @param labels In any order. Texts are made well-formed Unicode. */
export function hologramFlavor(
  gpuModel: string,
  labels: Iterable<readonly [string, string]>,
): HologramFlavor {
  const model = gpuModel.toWellFormed();
  const sorted = [...labels]
    .map(([key, value]) => [key.toWellFormed(), value.toWellFormed()] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  // Without a prototype, or a label named like a property of all objects would be found on every node.
  const record = Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(sorted));
  return { key: JSON.stringify([model, ...sorted]), gpuModel: model, labels: record };
}

/** @returns Further resources. @param amounts Whole numbers ≥ 0, in any order, names distinct. */
export function hologramExtended(amounts: Iterable<readonly [string, number]>): HologramExtended {
  const sorted = [...amounts]
    .filter(([, amount]) => amount > 0)
    .map(([name, amount]) => [name.toWellFormed(), amount] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted.length === 0 ? NO_EXTENDED : { key: JSON.stringify(sorted), amounts: sorted };
}

/** Gives classes ids by their contents: flavour and further resources by the owner's own ids. */
export class ClassKeys {
  /** Ids given; the next new class gets this one. */
  count = 0;
  /** Groups of classes that differ in memory and CPU only: the number known. */
  groupCount = 0;
  private readonly groups: KeyTable;
  private readonly classes: KeyTable;
  /** The last requested group: classes in canonical order come group by group. */
  private lastFlavor = -1;
  private lastExtended = -1;
  private lastGpus = -1;
  /** Group of the class of the last `intern`. */
  group = -1;

  /** @param expected Classes expected. */
  constructor(expected: number) {
    this.groups = new KeyTable(expected >> 2);
    this.classes = new KeyTable(expected);
  }

  /** @returns The id of a class, known or new. O(1). */
  intern(
    flavor: number,
    extended: number,
    fresh: number,
    whole: number,
    partialMilli: number,
    memoryMib: number,
    cpuMilli: number,
  ): number {
    const gpus = fresh | (partialMilli << 1) | (whole << 11);
    if (gpus !== this.lastGpus || flavor !== this.lastFlavor || extended !== this.lastExtended) {
      let group = this.groups.get(flavor, extended, gpus);
      if (group < 0) {
        group = this.groupCount++;
        this.groups.add(flavor, extended, gpus, group);
      }
      this.lastFlavor = flavor;
      this.lastExtended = extended;
      this.lastGpus = gpus;
      this.group = group;
    }
    let id = this.classes.get(this.group, memoryMib, cpuMilli);
    if (id < 0) {
      id = this.count++;
      this.classes.add(this.group, memoryMib, cpuMilli, id);
    }
    return id;
  }

  /** Drops everything; keeps the memory. */
  clear(): void {
    this.groups.clear();
    this.classes.clear();
    this.count = 0;
    this.groupCount = 0;
    this.lastGpus = -1;
  }
}

/** @returns Columns for n classes, zeroed. */
export function makeColumns(count: number): Omit<HologramClasses, 'count' | 'flavors' | 'extended'> {
  return {
    flavorIndexes: new Uint16Array(count),
    extendedIndexes: new Uint16Array(count),
    fresh: new Uint8Array(count),
    whole: new Uint8Array(count),
    partialMilli: new Uint16Array(count),
    memoryMib: new Int32Array(count),
    cpuMilli: new Int32Array(count),
    podsFree: new Int32Array(count),
    nodeCounts: new Int32Array(count),
  };
}
