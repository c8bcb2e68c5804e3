/**
 * How many pods of each waiting gang's demand the cluster could take now, kept up to date change by change.
 *
 * A gang is tried only when that many members really fit: a vain attempt places and takes back up to all of its
 * members. The room for a demand is the sum over the nodes of the pods that each can take, so a change of one node
 * changes it by a difference that is cheap to compute, for the few demands that gangs wait with.
 *
 * Invariants: a row for each demand with active gangs; `rooms` of a row is exact, or too small by the nodes that the
 * policy missed when it was learnt (never too large), or Infinity if unknown; eligible are the active gangs whose
 * minimum the room reaches and that the policy did not decline, as of the last `refresh`.
 */

import { assert } from '../../kernel/assert.ts';
import { grown } from '../../kernel/grown.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { podsFitting } from './zone-capacity.ts';
import { type ShapeHeads, ShapeHeap } from './zone-shape-heap.ts';
import type { ZoneShapeTable } from './zone-shapes.ts';

const ROWS_FIRST = 16;

/** Active gangs (shapes of more than one pod) by demand. Written by its zone only. */
export class GangRoomIndex {
  /** Demands that gangs wait with. */
  rowCount = 0;
  /** Gangs that are worth a try. */
  readonly eligible: ShapeHeap;

  private readonly cluster: ClusterState;
  private readonly shapes: ZoneShapeTable;
  /** The demand of each row, and the room for it. @shape [rows] */
  private demandIds: Int32Array = new Int32Array(ROWS_FIRST);
  private cpuMilli: Int32Array = new Int32Array(ROWS_FIRST);
  private memoryMib: Int32Array = new Int32Array(ROWS_FIRST);
  private gpuMilli: Int32Array = new Int32Array(ROWS_FIRST);
  private rooms: Float64Array = new Float64Array(ROWS_FIRST);
  /** The room at the last refresh; NaN: not read since a gang joined. @shape [rows] */
  private roomsSeen: Float64Array = new Float64Array(ROWS_FIRST);
  /** [demand] its row, −1 if none; its first active gang, −1 if none. */
  private readonly rowOfDemand: number[] = [];
  private readonly firstInDemand: number[] = [];
  /** [shape] links of the demand's active gangs. */
  private readonly nexts: number[] = [];
  private readonly previouses: number[] = [];
  /** Shapes for which the policy found less than the existing room. */
  private readonly declined: Set<number> = new Set();

  constructor(cluster: ClusterState, shapes: ZoneShapeTable, heads: ShapeHeads) {
    this.cluster = cluster;
    this.shapes = shapes;
    this.eligible = new ShapeHeap(heads, shapes);
  }

  /** Gives a new shape its entries. Called for every shape id in turn. */
  addShape(shape: number): void {
    const { id } = this.shapes.demands[shape] as Demand;
    this.nexts.push(-1);
    this.previouses.push(-1);
    while (this.firstInDemand.length <= id) {
      this.firstInDemand.push(-1);
      this.rowOfDemand.push(-1);
    }
  }

  /** Adds a gang that became active. If it is its demand's first, its room is unknown. */
  link(shape: number): void {
    const demand = this.shapes.demands[shape] as Demand;
    const first = this.firstInDemand[demand.id] as number;
    this.nexts[shape] = first;
    this.previouses[shape] = -1;
    this.firstInDemand[demand.id] = shape;
    if (first >= 0) this.previouses[first] = shape;
    else this.addRow(demand);
    // Equal to nothing: the next refresh reads this row, whatever its room is then.
    this.roomsSeen[this.rowOfDemand[demand.id] as number] = Number.NaN;
  }

  /** Removes a gang that is not active any more. */
  unlink(shape: number): void {
    const { id } = this.shapes.demands[shape] as Demand;
    const before = this.previouses[shape] as number;
    const after = this.nexts[shape] as number;
    assert(before >= 0 || this.firstInDemand[id] === shape, 'a gang is unlinked that is not linked');
    if (before >= 0) this.nexts[before] = after;
    else this.firstInDemand[id] = after;
    if (after >= 0) this.previouses[after] = before;
    if (before < 0 && after < 0) this.removeRow(this.rowOfDemand[id] as number);
    if (this.eligible.has(shape)) this.eligible.remove(shape);
    this.declined.delete(shape);
  }

  /** @returns How many pods of the shape's demand fit now; Infinity if unknown. */
  roomFor(shape: number): number {
    return this.roomForDemand((this.shapes.demands[shape] as Demand).id);
  }

  /** As `roomFor`, of all gangs with a demand. */
  roomForDemand(demandId: number): number {
    const row = demandId < this.rowOfDemand.length ? (this.rowOfDemand[demandId] as number) : -1;
    return row < 0 ? Number.POSITIVE_INFINITY : (this.rooms[row] as number);
  }

  /** @returns True if an active gang is worth a try. */
  isEligible(shape: number): boolean {
    return this.roomFor(shape) >= (this.shapes.gangMins[shape] as number) && !this.declined.has(shape);
  }

  /**
   * Takes the result of an attempt that found less than the whole gang.
   *
   * @param placed   True if the members found were placed (enough for the minimum).
   * @param found    Members found.
   * @param countAll True to count the room on all nodes instead of trusting the policy. O(nodes).
   */
  learn(shape: number, placed: boolean, found: number, countAll: boolean): void {
    const demand = this.shapes.demands[shape] as Demand;
    const row = this.rowOfDemand[demand.id] as number;
    assert(row >= 0 && found >= 0, 'room is learned for a gang that is not active');
    if (this.rooms[row] === Number.POSITIVE_INFINITY) {
      this.rooms[row] = countAll ? this.count(demand) : placed ? 0 : found;
    }
    this.refresh();
    if (!this.isEligible(shape)) return;
    this.declined.add(shape);
    this.eligible.remove(shape);
  }

  /** Takes a node out of the rooms, before it changes. */
  before(node: number): void {
    if (this.rowCount > 0) this.addRoom(node, -1);
  }

  /** Puts a node into the rooms again, after it changed. */
  after(node: number): void {
    if (this.rowCount > 0) this.addRoom(node, 1);
  }

  /** Gives gangs that the policy declined another try, if a member fits on a node that got room. */
  forgive(node: number): void {
    for (const shape of this.declined) {
      if (!this.cluster.fits(node, this.shapes.demands[shape] as Demand)) continue;
      this.declined.delete(shape);
      if (this.isEligible(shape) && !this.eligible.has(shape)) this.eligible.add(shape);
    }
  }

  /** Drops all knowledge of room: every gang is worth a try. */
  forget(): void {
    this.rooms.fill(Number.POSITIVE_INFINITY, 0, this.rowCount);
    this.declined.clear();
    this.refresh();
    this.forEach((shape) => {
      if (!this.eligible.has(shape)) this.eligible.add(shape);
    });
  }

  /** Brings `eligible` up to date with the rooms. O(rows), and the gangs of rows whose room changed. */
  refresh(): void {
    const { rooms, roomsSeen } = this;
    for (let row = 0; row < this.rowCount; row++) {
      if (rooms[row] === roomsSeen[row]) continue;
      roomsSeen[row] = rooms[row] as number;
      let shape = this.firstInDemand[this.demandIds[row] as number] as number;
      for (; shape >= 0; shape = this.nexts[shape] as number) {
        const eligible = this.isEligible(shape);
        if (eligible === this.eligible.has(shape)) continue;
        if (eligible) this.eligible.add(shape);
        else this.eligible.remove(shape);
      }
    }
  }

  /** Visits the active gangs, in no order. */
  forEach(visit: (shape: number) => void): void {
    for (let row = 0; row < this.rowCount; row++) {
      let shape = this.firstInDemand[this.demandIds[row] as number] as number;
      for (; shape >= 0; shape = this.nexts[shape] as number) visit(shape);
    }
  }

  /**
   * True if rows and eligible gangs are consistent; for the zone's check. O(rows × nodes).
   *
   * @param exact True if rooms were counted and not taken from the policy.
   */
  isSound(exact: boolean): boolean {
    if (!this.eligible.isSound()) return false;
    let listed = 0;
    for (let row = 0; row < this.rowCount; row++) {
      const shape = this.firstInDemand[this.demandIds[row] as number] as number;
      const demand = this.shapes.demands[shape] as Demand;
      const { cpuMilli, memoryMib, gpuTotalMilli } = demand;
      if (this.rowOfDemand[demand.id] !== row || this.demandIds[row] !== demand.id) return false;
      if (this.cpuMilli[row] !== cpuMilli || this.memoryMib[row] !== memoryMib) return false;
      if (this.gpuMilli[row] !== gpuTotalMilli) return false;
      const room = this.rooms[row] as number;
      const truth = this.count(demand);
      if (room !== Number.POSITIVE_INFINITY && (exact ? room !== truth : room > truth)) return false;
    }
    let sound = true;
    this.forEach((shape) => {
      if (this.isEligible(shape)) listed++;
      if (this.isEligible(shape) !== this.eligible.has(shape)) sound = false;
    });
    return sound && listed === this.eligible.size;
  }

  private addRoom(node: number, sign: 1 | -1): void {
    const { cluster, rooms, cpuMilli, memoryMib, gpuMilli } = this;
    const cpu = cluster.freeCpuMilli[node] as number;
    const memory = cluster.freeMemoryMib[node] as number;
    const gpu = cluster.freeGpuMilli[node] as number;
    for (let row = 0; row < this.rowCount; row++) {
      if (
        (gpuMilli[row] as number) <= gpu &&
        (cpuMilli[row] as number) <= cpu &&
        (memoryMib[row] as number) <= memory &&
        rooms[row] !== Number.POSITIVE_INFINITY
      ) {
        const demand = cluster.demands.demands[this.demandIds[row] as number] as Demand;
        rooms[row] = (rooms[row] as number) + sign * podsFitting(cluster, node, demand);
      }
    }
  }

  private count(demand: Demand): number {
    let room = 0;
    for (let node = 0; node < this.cluster.nodeCount; node++) room += podsFitting(this.cluster, node, demand);
    return room;
  }

  private addRow(demand: Demand): void {
    const row = this.rowCount++;
    if (row === this.demandIds.length) this.widen(row * 2);
    this.demandIds[row] = demand.id;
    this.cpuMilli[row] = demand.cpuMilli;
    this.memoryMib[row] = demand.memoryMib;
    this.gpuMilli[row] = demand.gpuTotalMilli;
    this.rooms[row] = Number.POSITIVE_INFINITY;
    this.roomsSeen[row] = Number.NaN;
    this.rowOfDemand[demand.id] = row;
  }

  private removeRow(row: number): void {
    this.rowOfDemand[this.demandIds[row] as number] = -1;
    const last = --this.rowCount;
    if (row === last) return;
    this.demandIds[row] = this.demandIds[last] as number;
    this.cpuMilli[row] = this.cpuMilli[last] as number;
    this.memoryMib[row] = this.memoryMib[last] as number;
    this.gpuMilli[row] = this.gpuMilli[last] as number;
    this.rooms[row] = this.rooms[last] as number;
    this.roomsSeen[row] = this.roomsSeen[last] as number;
    this.rowOfDemand[this.demandIds[row] as number] = row;
  }

  private widen(capacity: number): void {
    this.demandIds = grown(this.demandIds, capacity);
    this.cpuMilli = grown(this.cpuMilli, capacity);
    this.memoryMib = grown(this.memoryMib, capacity);
    this.gpuMilli = grown(this.gpuMilli, capacity);
    this.rooms = grown(this.rooms, capacity);
    this.roomsSeen = grown(this.roomsSeen, capacity);
  }
}
