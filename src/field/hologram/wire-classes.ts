/**
 * The classes of a hologram as bytes.
 *
 * Amounts are few and repeat, so each distinct one is written once; a class is then one number in a mixed base (fresh,
 * whole GPUs, partial GPU, memory, CPU), and of that only the distance from the class before: two bytes mostly.
 */
import { assert } from '../../kernel/assert.ts';
import { TegError } from '../../model/errors.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX } from '../../model/node.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import {
  type HologramClasses,
  type HologramExtended,
  type HologramFlavor,
  hologramExtended,
  hologramFlavor,
  makeColumns,
  NO_EXTENDED,
} from './hologram-classes.ts';
import { CLASS_NODES_MAX, HOLOGRAM_LIMITS, SUM_MAX } from './hologram-limits.ts';

/** Largest CPU, memory, or pods of one node. */
const AMOUNT_MAX = 2 ** 31 - 1;
const WHOLE_BASE = GPUS_PER_NODE_MAX + 1;

/** The distinct amounts of all classes, each ascending. */
interface Amounts {
  readonly cpuMilli: readonly number[];
  readonly memoryMib: readonly number[];
  readonly partialMilli: readonly number[];
}

/** Writes the dictionaries and the classes. @throws TegError TEG_LIMIT_REACHED. */
export function writeClasses(
  writer: ByteWriter,
  classes: HologramClasses,
  textIds: ReadonlyMap<string, number>,
): void {
  writer.count(classes.flavors.length);
  for (const flavor of classes.flavors) writeFlavor(writer, flavor, textIds);
  writer.count(classes.extended.length);
  for (const extended of classes.extended) writeExtended(writer, extended, textIds);
  const amounts = {
    cpuMilli: distinct(classes.cpuMilli),
    memoryMib: distinct(classes.memoryMib),
    partialMilli: distinct(classes.partialMilli),
  };
  writeAmounts(writer, amounts.cpuMilli);
  writeAmounts(writer, amounts.memoryMib);
  writeAmounts(writer, amounts.partialMilli);
  writer.count(classes.count);
  writeGroups(writer, classes, amounts);
}

/** Reads the output of `writeClasses`. @param used Gets 1 for each text referred to. */
export function readClasses(reader: ByteReader, texts: readonly string[], used: Uint8Array): HologramClasses {
  const flavors = readDictionary(reader, 'kinds of nodes', HOLOGRAM_LIMITS.flavorsMax, 2, () =>
    readFlavor(reader, texts, used),
  );
  const extended = readDictionary(reader, 'sets of further resources', HOLOGRAM_LIMITS.classesMax, 1, () =>
    readExtended(reader, texts, used),
  );
  const amounts = {
    cpuMilli: readAmounts(reader, 'amounts of CPU', AMOUNT_MAX),
    memoryMib: readAmounts(reader, 'amounts of memory', AMOUNT_MAX),
    partialMilli: readAmounts(reader, 'partial GPUs', GPU_MILLI - 1),
  };
  const count = reader.countOf('classes', HOLOGRAM_LIMITS.classesMax, 3);
  return new GroupReader(reader, count, flavors, extended, amounts).read();
}

function writeFlavor(writer: ByteWriter, flavor: HologramFlavor, textIds: ReadonlyMap<string, number>): void {
  const labels = Object.entries(flavor.labels);
  requireAtMost('labels of one node', labels.length, HOLOGRAM_LIMITS.labelsMax);
  writer.count(textIds.get(flavor.gpuModel) as number);
  writer.count(labels.length);
  const pairs = labels.map(([key, value]) => [textIds.get(key) as number, textIds.get(value) as number]);
  for (const [key, value] of pairs.sort(([a = 0], [b = 0]) => a - b)) {
    writer.count(key as number);
    writer.count(value as number);
  }
}

function readFlavor(reader: ByteReader, texts: readonly string[], used: Uint8Array): HologramFlavor {
  const text = (): number => {
    const id = reader.count('the number of a text', texts.length - 1);
    used[id] = 1;
    return id;
  };
  const model = text();
  const count = reader.countOf('labels', HOLOGRAM_LIMITS.labelsMax, 2);
  const labels: [string, string][] = [];
  let last = -1;
  for (let i = 0; i < count; i++) {
    const begin = reader.at;
    const key = text();
    if (key <= last) reader.refuse('a label out of order', 'a later one', begin);
    last = key;
    labels.push([texts[key] as string, texts[text()] as string]);
  }
  return hologramFlavor(texts[model] as string, labels);
}

function writeExtended(
  writer: ByteWriter,
  { amounts }: HologramExtended,
  textIds: ReadonlyMap<string, number>,
): void {
  requireAtMost('further resources of one node', amounts.length, HOLOGRAM_LIMITS.resourcesMax);
  writer.count(amounts.length);
  for (const [name, amount] of amounts) {
    writer.count(textIds.get(name) as number);
    writer.count(amount);
  }
}

function readExtended(reader: ByteReader, texts: readonly string[], used: Uint8Array): HologramExtended {
  const count = reader.countOf('further resources', HOLOGRAM_LIMITS.resourcesMax, 2);
  const amounts: [string, number][] = [];
  let last = -1;
  for (let i = 0; i < count; i++) {
    const begin = reader.at;
    const name = reader.count('the number of a text', texts.length - 1);
    if (name <= last) reader.refuse('a further resource out of order', 'a later one', begin);
    last = name;
    used[name] = 1;
    const amount = reader.count('an amount', SUM_MAX);
    if (amount === 0) reader.refuse('an amount of 0', 'one above 0');
    amounts.push([texts[name] as string, amount]);
  }
  return count === 0 ? NO_EXTENDED : hologramExtended(amounts);
}

/** Reads entries whose keys ascend. */
function readDictionary<T extends { readonly key: string }>(
  reader: ByteReader,
  what: string,
  max: number,
  bytesEach: number,
  readEntry: () => T,
): T[] {
  const count = reader.countOf(what, max, bytesEach);
  const entries: T[] = [];
  for (let i = 0; i < count; i++) {
    const begin = reader.at;
    const entry = readEntry();
    const before = entries[i - 1];
    if (before !== undefined && !(before.key < entry.key)) {
      reader.refuse(`${what} out of order`, 'a later one', begin);
    }
    entries.push(entry);
  }
  return entries;
}

function distinct(column: Int32Array | Uint16Array): number[] {
  return [...new Set(column)].sort((a, b) => a - b);
}

/** Ascending numbers as distances − 1, the first from −1. */
function writeAmounts(writer: ByteWriter, amounts: readonly number[]): void {
  writer.count(amounts.length);
  let last = -1;
  for (const amount of amounts) {
    writer.count(amount - last - 1);
    last = amount;
  }
}

function readAmounts(reader: ByteReader, what: string, max: number): number[] {
  const count = reader.countOf(what, Math.min(max + 1, HOLOGRAM_LIMITS.classesMax), 1);
  const amounts: number[] = [];
  let last = -1;
  for (let i = 0; i < count; i++) {
    last += 1 + reader.count(what, max);
    if (last > max) reader.refuse(`${last}`, `${what} up to ${max}`);
    amounts.push(last);
  }
  return amounts;
}

/** Classes group by group: those of one kind of node and one set of further resources. */
function writeGroups(writer: ByteWriter, classes: HologramClasses, amounts: Amounts): void {
  const cpuIndex = indexesOf(amounts.cpuMilli);
  const memoryIndex = indexesOf(amounts.memoryMib);
  const partialIndex = indexesOf(amounts.partialMilli);
  const { flavorIndexes, extendedIndexes } = classes;
  let lastGroup = -1;
  for (let from = 0; from < classes.count; ) {
    let to = from + 1;
    const flavor = flavorIndexes[from] as number;
    const extended = extendedIndexes[from] as number;
    while (to < classes.count && flavorIndexes[to] === flavor && extendedIndexes[to] === extended) to++;
    const group = flavor * classes.extended.length + extended;
    writer.count(group - lastGroup - 1);
    writer.count(to - from - 1);
    lastGroup = group;
    let lastKey = -1;
    for (let i = from; i < to; i++) {
      let key = (classes.fresh[i] as number) * WHOLE_BASE + (classes.whole[i] as number);
      key =
        key * amounts.partialMilli.length + (partialIndex.get(classes.partialMilli[i] as number) as number);
      key = key * amounts.memoryMib.length + (memoryIndex.get(classes.memoryMib[i] as number) as number);
      key = key * amounts.cpuMilli.length + (cpuIndex.get(classes.cpuMilli[i] as number) as number);
      assert(key > lastKey, 'the classes of a hologram are in canonical order');
      writer.count(key - lastKey - 1);
      writer.count((classes.nodeCounts[i] as number) - 1);
      writer.count((classes.podsFree[i] as number) - 1);
      lastKey = key;
    }
    from = to;
  }
}

function indexesOf(amounts: readonly number[]): Map<number, number> {
  return new Map(amounts.map((amount, i) => [amount, i]));
}

/** Reads the groups, and checks that they use all dictionaries up. */
class GroupReader {
  private readonly reader: ByteReader;
  private readonly count: number;
  private readonly flavors: readonly HologramFlavor[];
  private readonly extended: readonly HologramExtended[];
  private readonly amounts: Amounts;
  private readonly columns: ReturnType<typeof makeColumns>;
  /** Keys are below this. */
  private readonly keyEnd: number;
  /** Entries used so far. @shape [entries of the dictionary] */
  private readonly usedFlavors: Uint8Array;
  private readonly usedExtended: Uint8Array;
  private readonly usedPartials: Uint8Array;
  private readonly usedMemories: Uint8Array;
  private readonly usedCpus: Uint8Array;

  constructor(
    reader: ByteReader,
    count: number,
    flavors: readonly HologramFlavor[],
    extended: readonly HologramExtended[],
    amounts: Amounts,
  ) {
    const { cpuMilli, memoryMib, partialMilli } = amounts;
    this.reader = reader;
    this.count = count;
    this.flavors = flavors;
    this.extended = extended;
    this.amounts = amounts;
    this.columns = makeColumns(count);
    this.keyEnd = 2 * WHOLE_BASE * partialMilli.length * memoryMib.length * cpuMilli.length;
    this.usedFlavors = new Uint8Array(flavors.length);
    this.usedExtended = new Uint8Array(extended.length);
    this.usedPartials = new Uint8Array(partialMilli.length);
    this.usedMemories = new Uint8Array(memoryMib.length);
    this.usedCpus = new Uint8Array(cpuMilli.length);
  }

  read(): HologramClasses {
    const { reader, count, flavors, extended } = this;
    const groups = flavors.length * extended.length;
    let group = -1;
    for (let from = 0; from < count; ) {
      const begin = reader.at;
      group += 1 + reader.count('the number of a group', groups);
      if (group >= groups) reader.refuse(`group ${group}`, `one below ${groups}`, begin);
      const size = 1 + reader.count('classes of a group', count - from - 1);
      this.readGroup(group, from, from + size);
      from += size;
    }
    const used = [this.usedFlavors, this.usedExtended, this.usedPartials, this.usedMemories, this.usedCpus];
    if (used.some((flags) => flags.includes(0)))
      reader.refuse('entries of a dictionary that no class uses', 'none');
    return { count, flavors, extended, ...this.columns };
  }

  private readGroup(group: number, from: number, to: number): void {
    const { reader, columns, keyEnd } = this;
    const flavor = Math.floor(group / this.extended.length);
    const extended = group % this.extended.length;
    this.usedFlavors[flavor] = 1;
    this.usedExtended[extended] = 1;
    let key = -1;
    for (let i = from; i < to; i++) {
      const begin = reader.at;
      key += 1 + reader.count('a class', keyEnd);
      if (key >= keyEnd) reader.refuse(`class ${key}`, `one below ${keyEnd}`, begin);
      columns.flavorIndexes[i] = flavor;
      columns.extendedIndexes[i] = extended;
      this.splitKey(key, i);
      columns.nodeCounts[i] = 1 + reader.count('nodes of a class', CLASS_NODES_MAX - 1);
      columns.podsFree[i] = 1 + reader.count('pods of a node', AMOUNT_MAX - 1);
    }
  }

  private splitKey(key: number, i: number): void {
    const { cpuMilli, memoryMib, partialMilli } = this.amounts;
    const { columns } = this;
    let rest = key;
    const cpu = rest % cpuMilli.length;
    rest = (rest - cpu) / cpuMilli.length;
    const memory = rest % memoryMib.length;
    rest = (rest - memory) / memoryMib.length;
    const partial = rest % partialMilli.length;
    rest = (rest - partial) / partialMilli.length;
    this.usedPartials[partial] = 1;
    this.usedMemories[memory] = 1;
    this.usedCpus[cpu] = 1;
    columns.cpuMilli[i] = cpuMilli[cpu] as number;
    columns.memoryMib[i] = memoryMib[memory] as number;
    columns.partialMilli[i] = partialMilli[partial] as number;
    columns.whole[i] = rest % WHOLE_BASE;
    columns.fresh[i] = rest >= WHOLE_BASE ? 1 : 0;
  }
}

function requireAtMost(what: string, got: number, max: number): void {
  if (got <= max) return;
  throw new TegError('TEG_LIMIT_REACHED', `got ${got} ${what}; expected at most ${max}: name fewer on nodes`);
}
