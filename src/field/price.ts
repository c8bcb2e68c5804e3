/**
 * The price of placing a pod on a node or a class of nodes: the change of the stranding potential, and the opening of
 * an empty node. One formula for exact node states and for classes; rent is added by the caller, since it depends on
 * the flavour alone.
 */
import type { Demand } from '../model/demand.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX } from '../model/node.ts';
import { type DemandColumns, SHARING } from './demand-columns.ts';
import type { HostPotential } from './host-potential.ts';
import type { HostRoom } from './host-room.ts';
import type { PowerPrices } from './power-prices.ts';
import type { StrandingPotential } from './stranding.ts';
import { WHOLE_GPUS_MAX } from './stranding-table.ts';

/** A node state in the price's terms; a scratch record that its owner reuses. */
export interface NodeShape {
  cpuMilli: number;
  memoryMib: number;
  /** Free amounts by resource id. */
  extended: readonly number[];
  /** Fully idle GPUs. */
  whole: number;
  /** Idle parts of the three largest partial GPUs, descending. */
  a: number;
  b: number;
  d: number;
  /** Sum of the idle parts of further partial GPUs. */
  rest: number;
  /** No pod on it. */
  fresh: boolean;
  /** Its guard reports a shortage: a pod costs `SHORTAGE_MILLI` more. */
  short: boolean;
  /** Flavour id: prices that depend on power need it. */
  flavorId: number;
}

/** The GPU that a sharing pod takes: one of the three largest partial ones, or a whole one. */
export const GpuChoice = { None: 0, Whole: 1, First: 2, Second: 3, Third: 4 } as const;

/**
 * What a pod costs more on a node that is short of memory or power, milli-GPU: a node with room that strands less than two
 * GPUs more is preferred, and if no other has room, the node is taken.
 */
export const SHORTAGE_MILLI = 2000;

/** Whole GPUs a pod may take; `GPUS_PER_NODE_MAX` and none. */
const WHOLE_STATES = GPUS_PER_NODE_MAX + 1;
/** GPUs that a sharing pod chooses among. */
const CHOICES = 4;
/** Replaces a row of the table: no GPU is idle, so that the host alone counts. Below: the table lacks the state. */
const HOST_ALONE = -1;

/**
 * Prices of one typical workload.
 *
 * A node state is loaded once and then priced for any number of demands: the table entries that a pod leads to depend
 * on its GPUs alone, so they are found once for all demands with the same GPU request.
 */
export class Price {
  /** The GPU that the last `cost` chose; one of `GpuChoice`. */
  choice = 0;
  /** V before and after, of the last `cost`. */
  before = 0;
  after = 0;
  /** `gpuOpening` if the last `cost` shares a GPU that was whole. */
  private opened = 0;
  private readonly stranding: StrandingPotential;
  private readonly host: HostPotential;
  private readonly room: HostRoom;
  private readonly openingMilli: number;
  private readonly gpuOpeningMilli: number;
  /** Prices of the watts that a pod adds; null: power is not priced. */
  private readonly power: PowerPrices | null;
  /** Cost of sharing a GPU of the loaded state that was whole. */
  private gpuOpening = 0;
  /** The loaded state. */
  private shape: NodeShape = emptyShape();
  /** Grows with each loaded state; stamps the results found for it. */
  private stamp = 0;
  /** States after taking n whole GPUs, then after sharing m milli-GPU, four choices each. */
  private readonly rows = new Int32Array(WHOLE_STATES + CHOICES * GPU_MILLI);
  private readonly offcuts = new Float64Array(this.rows.length);
  private readonly choices = new Uint8Array(this.rows.length);
  /** Stamp of each whole state, and of each share; and how many choices the share has. */
  private readonly stamps = new Int32Array(WHOLE_STATES + GPU_MILLI);
  private readonly choiceCounts = new Uint8Array(GPU_MILLI);
  private stateCount = 0;
  /** Scratch: lattice point of the host after each demand, and the distance beyond it. */
  private points: Int32Array = new Int32Array(64);
  private beyonds: Float64Array = new Float64Array(64);

  /**
   * @param openingMilli    Cost of using an empty node, milli-GPU.
   * @param gpuOpeningMilli Cost of sharing a GPU that was whole; may be negative.
   * @param power           Prices of the watts that a pod adds; absent: power is not priced.
   */
  constructor(
    stranding: StrandingPotential,
    host: HostPotential,
    room: HostRoom,
    openingMilli: number,
    gpuOpeningMilli: number,
    power: PowerPrices | null = null,
  ) {
    this.stranding = stranding;
    this.host = host;
    this.room = room;
    this.openingMilli = openingMilli;
    this.gpuOpeningMilli = gpuOpeningMilli;
    this.gpuOpening = gpuOpeningMilli;
    this.power = power;
  }

  /** @returns V of a state, milli-GPU. O(1). */
  potential(s: NodeShape): number {
    this.take(s);
    return this.potentialHere();
  }

  /**
   * ΔV of placing one pod on a state, by the GPU that strands least.
   *
   * @param before V of the state, if known; NaN: computed.
   * @returns Milli-GPU; Infinity if the GPUs do not fit. CPU, memory and the rest are taken to fit.
   * @cost O(1), at most four table look-ups.
   */
  cost(s: NodeShape, demand: Demand, before: number): number {
    this.take(s);
    return this.costHere(demand, Number.isNaN(before) ? this.potentialHere() : before);
  }

  /** Loads a state. @param s Must not change until the next one is loaded. O(1). */
  take(s: NodeShape): void {
    this.shape = s;
    this.stamp++;
    if (this.power !== null) this.gpuOpening = this.gpuOpeningMilli + this.power.ofGpu(s.flavorId);
  }

  /** @returns True if this record was loaded last. */
  holds(s: NodeShape): boolean {
    return this.shape === s;
  }

  /** `potential` of the loaded state. */
  potentialHere(): number {
    const { cpuMilli, memoryMib, extended } = this.shape;
    const room = this.room.of(cpuMilli, memoryMib, extended);
    this.stranding.setHost(room);
    return this.valueAfterWhole(0, room, cpuMilli);
  }

  /** `cost` on the loaded state. @param before V of the state. */
  costHere(demand: Demand, before: number): number {
    const s = this.shape;
    const cpu = s.cpuMilli - demand.cpuMilli;
    const memory = s.memoryMib - demand.memoryMib;
    const extended = demand.extended.length === 0 ? s.extended : minus(s.extended, demand.extended);
    const room = this.room.of(cpu, memory, extended);
    this.stranding.setHost(room);
    this.opened = 0;
    const after = this.afterGpus(demand, room, cpu);
    if (after === Number.POSITIVE_INFINITY) return after;
    this.before = before;
    this.after = after;
    const cost = after - before + this.openingOf(s) + this.opened;
    return this.power === null ? cost : cost + this.powerOf(demand, this.power, cpu);
  }

  /** What a node costs whatever is placed on it. */
  private openingOf({ fresh, short }: NodeShape): number {
    return (fresh ? this.openingMilli : 0) + (short ? SHORTAGE_MILLI : 0);
  }

  /** The price of the sockets and whole GPUs that a pod starts; that of a shared GPU is in `gpuOpening`. */
  private powerOf({ gpuCount, gpuMilli }: Demand, power: PowerPrices, cpuAfter: number): number {
    const { flavorId, cpuMilli } = this.shape;
    const gpus = gpuMilli === GPU_MILLI ? gpuCount : 0;
    return gpus * power.ofGpu(flavorId) + power.ofSockets(flavorId, cpuMilli, cpuAfter);
  }

  /**
   * `costHere` for many demands that fit, in tight loops: the same arithmetic, several times as fast.
   *
   * @param rows   Rows of the columns, ascending: the first `count`. Their demands ask for no further resources.
   * @param before V of the state.
   * @param costs  Gets the costs, in 32 bits, at `at` + slot.
   */
  costsHere(
    columns: DemandColumns,
    rows: Int32Array,
    count: number,
    before: number,
    costs: Float32Array,
    at: number,
  ): void {
    const { kinds, slots, demands } = columns;
    const slow = this.room.perExtended.length > 0 || this.shape.whole > WHOLE_GPUS_MAX || this.power !== null;
    if (!slow) this.findHosts(columns, rows, count);
    for (let from = 0; from < count; ) {
      const kind = kinds[rows[from] as number] as number;
      let to = from + 1;
      while (to < count && kinds[rows[to] as number] === kind) to++;
      if (slow || !this.priceKind(kind, slots, rows, from, to, before, costs, at)) {
        for (let i = from; i < to; i++) {
          const slot = slots[rows[i] as number] as number;
          costs[at + slot] = this.costHere(demands[slot] as Demand, before);
        }
      }
      from = to;
    }
  }

  /** Finds the host's lattice point after each demand. */
  private findHosts(columns: DemandColumns, rows: Int32Array, count: number): void {
    if (this.points.length < count) {
      this.points = new Int32Array(2 * count);
      this.beyonds = new Float64Array(2 * count);
    }
    const { cpuMilli: cpus, memoryMib: memories } = columns;
    const { cpuMilli, memoryMib } = this.shape;
    const { lattice } = this.stranding;
    const latticePoints = lattice.points;
    const last = latticePoints.length - 1;
    const { perMemory } = this.room;
    const { points, beyonds } = this;
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number;
      let room = cpuMilli - (cpus[row] as number);
      if (perMemory !== Number.POSITIVE_INFINITY) {
        room = Math.min(room, (memoryMib - (memories[row] as number)) * perMemory);
      }
      const k = lattice.indexOf(room);
      const lower = latticePoints[k] as number;
      points[i] = k;
      beyonds[i] = k === last ? 0 : (room - lower) / ((latticePoints[k + 1] as number) - lower);
    }
  }

  /** Prices the demands [from, to) of one kind. @returns false if a state is not in the table; nothing is done then. */
  private priceKind(
    kind: number,
    slots: Int32Array,
    demandRows: Int32Array,
    from: number,
    to: number,
    before: number,
    costs: Float32Array,
    at: number,
  ): boolean {
    const { rows, offcuts, points, beyonds, gpuOpening } = this;
    const { table } = this.stranding;
    const openingMilli = this.openingOf(this.shape);
    const first = this.statesOf(kind);
    const end = first + this.stateCount;
    for (let state = first; state < end; state++) if ((rows[state] as number) < 0) return false;
    // Sharing a whole GPU is the last choice if it is one.
    const opens = kind > SHARING && this.choices[end - 1] === GpuChoice.Whole;
    const plainEnd = opens ? end - 1 : end;
    for (let i = from; i < to; i++) {
      const point = points[i] as number;
      const beyond = beyonds[i] as number;
      let best = Number.POSITIVE_INFINITY;
      for (let state = first; state < plainEnd; state++) {
        const entry = (rows[state] as number) + point;
        const low = table[entry] as number;
        best = Math.min(
          best,
          low + beyond * ((table[entry + 1] as number) - low) + (offcuts[state] as number),
        );
      }
      let opened = 0;
      if (opens) {
        const entry = (rows[plainEnd] as number) + point;
        const low = table[entry] as number;
        const value = low + beyond * ((table[entry + 1] as number) - low) + (offcuts[plainEnd] as number);
        if (value + gpuOpening < best) {
          best = value;
          opened = gpuOpening;
        }
      }
      costs[at + (slots[demandRows[i] as number] as number)] = best - before + openingMilli + opened;
    }
    return true;
  }

  /** Finds the states that a kind of demand leads to; leaves their number in `stateCount`. @returns The first. */
  private statesOf(kind: number): number {
    if (kind <= SHARING) {
      if (this.stamps[kind] !== this.stamp) this.findAfterWhole(kind);
      this.stateCount = 1;
      return kind;
    }
    const milli = kind - SHARING;
    if (this.stamps[WHOLE_STATES + milli] !== this.stamp) this.findChoices(milli);
    this.stateCount = this.choiceCounts[milli] as number;
    return WHOLE_STATES + CHOICES * milli;
  }

  private afterGpus(demand: Demand, room: number, cpu: number): number {
    const { gpuCount, gpuMilli } = demand;
    if (gpuMilli !== GPU_MILLI && gpuCount > 0) return this.afterSharing(gpuMilli, room, cpu);
    this.choice = gpuCount > 0 ? GpuChoice.Whole : GpuChoice.None;
    if (gpuCount > this.shape.whole) return Number.POSITIVE_INFINITY;
    return this.valueAfterWhole(gpuCount, room, cpu);
  }

  private valueAfterWhole(count: number, room: number, cpu: number): number {
    if (this.stamps[count] !== this.stamp) this.findAfterWhole(count);
    const row = this.rows[count] as number;
    if (row >= 0) return this.stranding.read(row) + (this.offcuts[count] as number);
    if (row === HOST_ALONE) return this.host.value(room, cpu);
    const { whole, a, b, d, rest } = this.shape;
    return this.stranding.valueHere(whole - count, a, b, d, rest);
  }

  /** The state after taking n whole GPUs. */
  private findAfterWhole(count: number): void {
    const { whole, a, b, d, rest } = this.shape;
    this.stamps[count] = this.stamp;
    this.setState(count, whole - count, a, b, d, rest);
  }

  private afterSharing(milli: number, room: number, cpu: number): number {
    if (this.stamps[WHOLE_STATES + milli] !== this.stamp) this.findChoices(milli);
    const first = WHOLE_STATES + CHOICES * milli;
    const end = first + (this.choiceCounts[milli] as number);
    let best = Number.POSITIVE_INFINITY;
    for (let at = first; at < end; at++) {
      const row = this.rows[at] as number;
      const choice = this.choices[at] as number;
      let value: number;
      if (row >= 0) value = this.stranding.read(row) + (this.offcuts[at] as number);
      else if (row === HOST_ALONE) value = this.host.value(room, cpu);
      else value = this.offTable(milli, choice);
      const opened = choice === GpuChoice.Whole ? this.gpuOpening : 0;
      if (value + opened < best) {
        best = value;
        this.opened = opened;
        this.choice = choice;
      }
    }
    return best;
  }

  /** The states after sharing this much of a GPU, one for each possible GPU. */
  private findChoices(milli: number): void {
    const { whole, a, b, d, rest } = this.shape;
    const first = WHOLE_STATES + CHOICES * milli;
    let at = first;
    if (d >= milli) {
      this.choices[at] = GpuChoice.Third;
      this.setState(at++, whole, a, b, d - milli, rest);
    }
    if (b >= milli && b !== d) {
      this.choices[at] = GpuChoice.Second;
      this.setState(at++, whole, a, b - milli, d, rest);
    }
    if (a >= milli && a !== b) {
      this.choices[at] = GpuChoice.First;
      this.setState(at++, whole, a - milli, b, d, rest);
    }
    if (whole > 0) {
      const left = GPU_MILLI - milli;
      this.choices[at] = GpuChoice.Whole;
      this.setState(at++, whole - 1, a, b, Math.max(left, d), rest + Math.min(left, d));
    }
    this.stamps[WHOLE_STATES + milli] = this.stamp;
    this.choiceCounts[milli] = at - first;
  }

  /** Stores the table position of a state. The three partials may come in any order. */
  private setState(at: number, whole: number, x: number, y: number, z: number, rest: number): void {
    const { stranding } = this;
    this.rows[at] = whole + x + y + z + rest === 0 ? HOST_ALONE : stranding.rowOf(whole, x, y, z);
    this.offcuts[at] = stranding.offcutOf(x, y, z, rest);
  }

  /** V after sharing where the table does not distinguish that many whole GPUs. */
  private offTable(milli: number, choice: number): number {
    const { whole, a, b, d, rest } = this.shape;
    if (choice === GpuChoice.Third) return this.stranding.valueHere(whole, a, b, d - milli, rest);
    if (choice === GpuChoice.Second) return this.stranding.valueHere(whole, a, b - milli, d, rest);
    if (choice === GpuChoice.First) return this.stranding.valueHere(whole, a - milli, b, d, rest);
    const left = GPU_MILLI - milli;
    return this.stranding.valueHere(whole - 1, a, b, Math.max(left, d), rest + Math.min(left, d));
  }
}

/** @returns A node with nothing free: a record to read nodes or classes into. */
export function emptyShape(): NodeShape {
  return {
    cpuMilli: 0,
    memoryMib: 0,
    extended: [],
    whole: 0,
    a: 0,
    b: 0,
    d: 0,
    rest: 0,
    fresh: false,
    short: false,
    flavorId: 0,
  };
}

function minus(have: readonly number[], take: readonly number[]): number[] {
  return have.map((amount, r) => amount - (take[r] ?? 0));
}
