/**
 * What placing a pod costs on a node or a class of nodes: the change of the stranding potential, and the opening
 * of an empty node. One formula for exact node states and for classes; rent is added by the caller, since it
 * depends on the flavour alone.
 */
import type { Demand } from '../model/demand.ts';
import { GPU_MILLI } from '../model/node.ts';
import type { HostPotential } from './host-potential.ts';
import type { HostRoom } from './host-room.ts';
import type { StrandingPotential } from './stranding.ts';

/** A node state as the price sees it; a scratch record that its owner reuses. */
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
}

/** Which GPU a sharing pod takes: one of the three largest partial ones, or a whole one. */
export const GpuChoice = { None: 0, Whole: 1, First: 2, Second: 3, Third: 4 } as const;

/** Prices of one typical workload. */
export class Price {
  /** The GPU that the last `cost` chose; one of `GpuChoice`. */
  choice = 0;
  /** V before and after, of the last `cost`. */
  before = 0;
  after = 0;
  /** `gpuOpeningMilli` if the last `cost` shares a GPU that was whole. */
  private opened = 0;
  private readonly stranding: StrandingPotential;
  private readonly host: HostPotential;
  private readonly room: HostRoom;
  private readonly openingMilli: number;
  private readonly gpuOpeningMilli: number;

  /**
   * @param openingMilli    Cost of using an empty node, milli-GPU.
   * @param gpuOpeningMilli Cost of sharing a GPU that was whole; may be negative.
   */
  constructor(
    stranding: StrandingPotential,
    host: HostPotential,
    room: HostRoom,
    openingMilli: number,
    gpuOpeningMilli: number,
  ) {
    this.stranding = stranding;
    this.host = host;
    this.room = room;
    this.openingMilli = openingMilli;
    this.gpuOpeningMilli = gpuOpeningMilli;
  }

  /** @returns V of a state, milli-GPU. O(1). */
  potential(s: NodeShape): number {
    const room = this.room.of(s.cpuMilli, s.memoryMib, s.extended);
    this.stranding.setHost(room);
    return this.at(room, s.cpuMilli, s.whole, s.a, s.b, s.d, s.rest);
  }

  /**
   * ΔV of placing one pod, by the GPU that strands least.
   *
   * @param before V of the state, if known; NaN: computed.
   * @returns Milli-GPU; Infinity if the GPUs do not fit. CPU, memory and the rest are taken to fit.
   * @cost O(1), at most four table look-ups.
   */
  cost(s: NodeShape, demand: Demand, before: number): number {
    const cpu = s.cpuMilli - demand.cpuMilli;
    const memory = s.memoryMib - demand.memoryMib;
    const extended = demand.extended.length === 0 ? s.extended : minus(s.extended, demand.extended);
    const room = this.room.of(cpu, memory, extended);
    const after = this.afterGpus(s, demand, room, cpu);
    if (after === Number.POSITIVE_INFINITY) return after;
    this.before = Number.isNaN(before) ? this.potential(s) : before;
    this.after = after;
    return after - this.before + (s.fresh ? this.openingMilli : 0) + this.opened;
  }

  private afterGpus(s: NodeShape, demand: Demand, room: number, cpu: number): number {
    const { whole, a, b, d, rest } = s;
    this.choice = GpuChoice.None;
    this.opened = 0;
    this.stranding.setHost(room);
    if (demand.gpuCount === 0) return this.at(room, cpu, whole, a, b, d, rest);
    const g = demand.gpuMilli;
    if (g === GPU_MILLI) {
      if (whole < demand.gpuCount) return Number.POSITIVE_INFINITY;
      this.choice = GpuChoice.Whole;
      return this.at(room, cpu, whole - demand.gpuCount, a, b, d, rest);
    }
    let best = Number.POSITIVE_INFINITY;
    if (d >= g) {
      best = this.at(room, cpu, whole, a, b, d - g, rest);
      this.choice = GpuChoice.Third;
    }
    if (b >= g && b !== d) {
      const v = this.sorted(room, cpu, whole, a, b - g, d, rest);
      if (v < best) {
        best = v;
        this.choice = GpuChoice.Second;
      }
    }
    if (a >= g && a !== b) {
      const v = this.sorted(room, cpu, whole, a - g, b, d, rest);
      if (v < best) {
        best = v;
        this.choice = GpuChoice.First;
      }
    }
    if (whole > 0) {
      const left = GPU_MILLI - g;
      const v = this.sorted(room, cpu, whole - 1, a, b, Math.max(left, d), rest + Math.min(left, d));
      if (v + this.gpuOpeningMilli < best) {
        best = v;
        this.choice = GpuChoice.Whole;
        this.opened = this.gpuOpeningMilli;
      }
    }
    return best;
  }

  /** V with the three partials in any order. */
  private sorted(
    room: number,
    cpu: number,
    whole: number,
    x: number,
    y: number,
    z: number,
    rest: number,
  ): number {
    const high = Math.max(x, y, z);
    const low = Math.min(x, y, z);
    return this.at(room, cpu, whole, high, x + y + z - high - low, low, rest);
  }

  /** V for the host room that was set. */
  private at(
    room: number,
    cpu: number,
    whole: number,
    a: number,
    b: number,
    d: number,
    rest: number,
  ): number {
    if (whole + a + rest === 0) return this.host.value(room, cpu);
    return this.stranding.valueHere(whole, a, b, d, rest);
  }
}

function minus(have: readonly number[], take: readonly number[]): number[] {
  return have.map((amount, r) => amount - (take[r] ?? 0));
}
