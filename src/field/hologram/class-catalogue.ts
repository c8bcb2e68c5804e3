/**
 * The classes of all holograms that one reader has met, each with one id, so that a class is priced once however many
 * holograms show it.
 *
 * Bounded: at `classesMax` everything is dropped and `generation` grows; ids of an older generation are invalid.
 */
import { grown } from '../../kernel/grown.ts';
import { flavorMatches } from '../../model/cluster-state.ts';
import type { Constraint, Demand, DemandTable } from '../../model/demand.ts';
import { GPU_MILLI } from '../../model/node.ts';
import type { NodeShape } from '../price.ts';
import type { Hologram } from './hologram.ts';
import { ClassKeys, type HologramExtended, type HologramFlavor } from './hologram-classes.ts';

/** Slots of one node are counted up to this. */
export const NODE_SLOTS_MAX = 65_535;

/** Columns of a class. */
const Column = { Flavor: 0, Extended: 1, Fresh: 2, Whole: 3, Partial: 4, Memory: 5, Cpu: 6 } as const;
const COLUMNS = 7;

/** No further resources. */
const NOTHING: readonly number[] = [];

/** Classes by id. Single user. */
export class ClassCatalogue {
  /** Grows by 1 whenever all ids are dropped. */
  generation = 0;
  private readonly demands: DemandTable;
  private readonly classesMax: number;
  private readonly keys = new ClassKeys(1024);
  /** @shape [classes × COLUMNS] */
  private rows = new Int32Array(COLUMNS * 1024);
  private flavors: HologramFlavor[] = [];
  private flavorByKey = new Map<string, number>();
  /** Amounts by resource id of the demand table. */
  private extended: (readonly number[])[] = [NOTHING];
  private extendedByKey = new Map<string, number>([['', 0]]);
  /** [constraint] → by flavour: 0 unknown, 1 no, 2 yes. */
  private allowed: Uint8Array[] = [];

  /** @param classesMax Classes kept; one hologram may have more, and is then the only one. */
  constructor(demands: DemandTable, classesMax: number) {
    this.demands = demands;
    this.classesMax = classesMax;
  }

  /** Classes known: ids are [0, count). */
  get count(): number {
    return this.keys.count;
  }

  /** @returns The id of each class of a hologram, in its order. May start a new generation. O(classes). */
  idsOf({ classes }: Hologram): Int32Array {
    if (this.count > 0 && this.count + classes.count > this.classesMax) this.clear();
    const flavors = classes.flavors.map((flavor) => this.flavorId(flavor));
    const extended = classes.extended.map((amounts) => this.extendedId(amounts));
    const ids = new Int32Array(classes.count);
    for (let i = 0; i < ids.length; i++) {
      const flavor = flavors[classes.flavorIndexes[i] as number] as number;
      const amounts = extended[classes.extendedIndexes[i] as number] as number;
      const fresh = classes.fresh[i] as number;
      const whole = classes.whole[i] as number;
      const partial = classes.partialMilli[i] as number;
      const memory = classes.memoryMib[i] as number;
      const cpu = classes.cpuMilli[i] as number;
      const known = this.count;
      const id = this.keys.intern(flavor, amounts, fresh, whole, partial, memory, cpu);
      ids[i] = id;
      if (id < known) continue;
      const at = COLUMNS * id;
      if (at >= this.rows.length) this.grow();
      const { rows } = this;
      rows[at + Column.Flavor] = flavor;
      rows[at + Column.Extended] = amounts;
      rows[at + Column.Fresh] = fresh;
      rows[at + Column.Whole] = whole;
      rows[at + Column.Partial] = partial;
      rows[at + Column.Memory] = memory;
      rows[at + Column.Cpu] = cpu;
    }
    return ids;
  }

  /**
   * The number of pods of a demand that surely fit on one node of a class at the same time, apart from its limit of
   * pods.
   *
   * Independent of their order: every pod of one shape takes the same from one pool, and sharing pods cut each GPU on
   * its own. @returns 0: it does not surely fit; at most NODE_SLOTS_MAX. O(further resources).
   */
  slotsOf(id: number, demand: Demand): number {
    const { rows } = this;
    const at = COLUMNS * id;
    let slots = gpuSlots(rows[at + Column.Whole] as number, rows[at + Column.Partial] as number, demand);
    slots = Math.min(slots, times(rows[at + Column.Cpu] as number, demand.cpuMilli));
    slots = Math.min(slots, times(rows[at + Column.Memory] as number, demand.memoryMib));
    if (demand.podsPerNodeMax > 0) slots = Math.min(slots, demand.podsPerNodeMax);
    if (slots === 0) return 0;
    if (demand.extended.length > 0) {
      const free = this.extended[rows[at + Column.Extended] as number] as readonly number[];
      for (let r = 0; r < demand.extended.length; r++) {
        slots = Math.min(slots, times(free[r] ?? 0, demand.extended[r] as number));
      }
    }
    return this.allows(rows[at + Column.Flavor] as number, demand.constraintId) ? slots : 0;
  }

  /** Reads a class into the form that prices use: as if its GPUs were the whole ones and one partial one. */
  readShape(id: number, shape: NodeShape): void {
    const { rows } = this;
    const at = COLUMNS * id;
    shape.cpuMilli = rows[at + Column.Cpu] as number;
    shape.memoryMib = rows[at + Column.Memory] as number;
    shape.extended = this.extended[rows[at + Column.Extended] as number] as readonly number[];
    shape.whole = rows[at + Column.Whole] as number;
    shape.a = rows[at + Column.Partial] as number;
    shape.fresh = rows[at + Column.Fresh] === 1;
  }

  /** Bytes of the arrays. */
  get bytes(): number {
    return this.rows.byteLength;
  }

  private allows(flavor: number, constraintId: number): boolean {
    if (constraintId === 0) return true;
    let row = this.allowed[constraintId] ?? new Uint8Array(0);
    if (row.length <= flavor) {
      row = grown(row, Math.max(16, 2 * this.flavors.length));
      this.allowed[constraintId] = row;
    }
    if (row[flavor] === 0) {
      const constraint = this.demands.constraints[constraintId] as Constraint;
      row[flavor] = flavorMatches(this.flavors[flavor] as HologramFlavor, constraint) ? 2 : 1;
    }
    return row[flavor] === 2;
  }

  private flavorId(flavor: HologramFlavor): number {
    let id = this.flavorByKey.get(flavor.key);
    if (id === undefined) {
      id = this.flavors.length;
      this.flavors.push(flavor);
      this.flavorByKey.set(flavor.key, id);
    }
    return id;
  }

  /**
   * Amounts by the ids of the table. Resources that no demand can name yet are left out: a later hologram includes
   * them.
   */
  private extendedId({ amounts }: HologramExtended): number {
    if (amounts.length === 0) return 0;
    const byId: number[] = [];
    for (const [name, amount] of amounts) {
      const resource = this.demands.findResource(name);
      if (resource < 0) continue;
      while (byId.length <= resource) byId.push(0);
      byId[resource] = amount;
    }
    const key = byId.join();
    let id = this.extendedByKey.get(key);
    if (id === undefined) {
      id = this.extended.length;
      this.extended.push(byId);
      this.extendedByKey.set(key, id);
    }
    return id;
  }

  private clear(): void {
    this.generation++;
    this.keys.clear();
    this.flavors = [];
    this.flavorByKey = new Map();
    this.extended = [NOTHING];
    this.extendedByKey = new Map([['', 0]]);
    this.allowed = [];
  }

  private grow(): void {
    this.rows = grown(this.rows, 2 * this.rows.length);
  }
}

function gpuSlots(whole: number, partialMilli: number, { gpuCount, gpuMilli }: Demand): number {
  if (gpuCount === 0) return NODE_SLOTS_MAX;
  if (gpuMilli === GPU_MILLI) return Math.floor(whole / gpuCount);
  return whole * Math.floor(GPU_MILLI / gpuMilli) + Math.floor(partialMilli / gpuMilli);
}

/** How many times `need` fits into `have`. */
function times(have: number, need: number): number {
  return need > 0 ? Math.floor(have / need) : NODE_SLOTS_MAX;
}
