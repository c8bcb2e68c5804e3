/**
 * The capacity of every node and the requests of the pods on it: exact, per resource, in columns.
 *
 * Unlike `ClusterState` this is never rounded and may exceed a node's capacity, because bindings of other schedulers
 * and shrinking nodes cannot be refused. Rows are node slots, which are reused.
 */

import { assert } from '../../../kernel/assert.ts';
import { grown } from '../../../kernel/grown.ts';
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import type { PodRequests } from '../../../model/kubernetes/pod.ts';

/** Column of CPU, thousandths of a core. */
export const CPU = 0;
/** Column of memory, bytes. */
export const MEMORY = 1;

/** The requests of a shape, as columns and amounts; amounts of 0 are left out, as kube-scheduler ignores them. */
export interface Request {
  readonly columns: readonly number[];
  readonly amounts: readonly number[];
}

/** A column of a resource that no node has had: made with the first. */
const NOTHING = new Float64Array(0);

/** Largest count that a column of pods holds. */
const PODS_MAX = 2 ** 31 - 1;

/**
 * Accounts of all nodes. Single writer. At most 16 bytes a node and resource, nothing for resources that only waiting
 * pods request.
 *
 * A resource has a column as long as a node or a request names it.
 */
export class NodeAccounts {
  /** Names of the columns; '' where a column is free. */
  readonly resources: string[] = ['cpu', 'memory'];
  /** @shape [slots] most pods. */
  podsMax: Int32Array = new Int32Array(64);
  /** @shape [slots] pods on the node. */
  pods: Int32Array = new Int32Array(64);
  /** @shape [resources][slots], or empty: all 0. */
  readonly allocatable: Float64Array[] = [new Float64Array(64), new Float64Array(64)];
  /** @shape [resources][slots], or empty: all 0. */
  readonly used: Float64Array[] = [new Float64Array(64), new Float64Array(64)];
  private readonly columnByName = new Map<string, number>([
    ['cpu', CPU],
    ['memory', MEMORY],
  ]);
  /** Nodes and requests that need each column. CPU and memory are always needed. */
  private readonly users: number[] = [1, 1];
  private readonly freeColumns: number[] = [];
  /** By slot: columns of the node's further resources. */
  private readonly offered: (readonly number[])[] = [];

  /** @returns A pod's requests as columns, which stay in use until `releaseRequest`. */
  requestOf(requests: PodRequests): Request {
    const columns: number[] = [];
    const amounts: number[] = [];
    const note = (column: number, amount: number): void => {
      columns.push(column);
      amounts.push(amount);
    };
    if (requests.cpuMilli > 0) note(CPU, requests.cpuMilli);
    if (requests.memoryBytes > 0) note(MEMORY, requests.memoryBytes);
    for (const name of Object.keys(requests.extended).sort()) {
      const amount = requests.extended[name] as number;
      if (amount > 0) note(this.useColumn(name), amount);
    }
    return { columns, amounts };
  }

  /** Releases the request: no pod of it is on a node. */
  releaseRequest(request: Request): void {
    for (const column of request.columns) if (column > MEMORY) this.leaveColumn(column);
  }

  /** Sets a node's capacity; the use stays. */
  setNode(slot: number, node: NodeDescription): void {
    this.grow(slot + 1);
    this.clearOffered(slot);
    this.podsMax[slot] = Math.min(node.podsMax, PODS_MAX);
    (this.allocatable[CPU] as Float64Array)[slot] = node.cpuMilli;
    (this.allocatable[MEMORY] as Float64Array)[slot] = node.memoryBytes;
    const offered: number[] = [];
    for (const [name, amount] of Object.entries(node.extended)) {
      if (amount <= 0) continue;
      const column = this.useColumn(name);
      offered.push(column);
      this.columnOf(this.allocatable, column)[slot] = amount;
    }
    this.offered[slot] = offered;
  }

  /** Empties a slot. */
  clear(slot: number): void {
    this.clearOffered(slot);
    this.podsMax[slot] = 0;
    this.pods[slot] = 0;
    for (const column of [CPU, MEMORY]) (this.allocatable[column] as Float64Array)[slot] = 0;
    for (const column of this.used) if (column.length > 0) column[slot] = 0;
  }

  /** Puts a pod on a node (sign 1) or takes it off (sign −1). O(resources requested). */
  add(slot: number, request: Request, sign: 1 | -1): void {
    const { columns, amounts } = request;
    const pods = (this.pods[slot] as number) + sign;
    assert(pods >= 0, 'a pod is taken off a node without pods');
    this.pods[slot] = pods;
    for (let i = 0; i < columns.length; i++) {
      const used = this.columnOf(this.used, columns[i] as number);
      used[slot] = (used[slot] as number) + sign * (amounts[i] as number);
    }
  }

  /** @returns True if one more pod fits. O(resources requested). */
  fits(slot: number, request: Request): boolean {
    if ((this.pods[slot] as number) >= (this.podsMax[slot] as number)) return false;
    const { columns, amounts } = request;
    for (let i = 0; i < columns.length; i++) {
      if ((amounts[i] as number) > this.free(slot, columns[i] as number)) return false;
    }
    return true;
  }

  /** @returns How many pods of a request fit, at most `most`. O(resources requested). */
  times(slot: number, request: Request, most: number): number {
    let times = Math.min(most, (this.podsMax[slot] as number) - (this.pods[slot] as number));
    request.columns.forEach((column, i) => {
      times = Math.min(times, Math.floor(this.free(slot, column) / (request.amounts[i] as number)));
    });
    return Math.max(0, times);
  }

  /** @returns As `times`, were the node empty. */
  timesEmpty(slot: number, request: Request, most: number): number {
    let times = Math.min(most, this.podsMax[slot] as number);
    request.columns.forEach((column, i) => {
      const has = (this.allocatable[column] as Float64Array)[slot] ?? 0;
      times = Math.min(times, Math.floor(has / (request.amounts[i] as number)));
    });
    return times;
  }

  /** @returns True if none of the request's resources is overbooked on a node. */
  holds(slot: number, request: Request): boolean {
    if ((this.pods[slot] as number) > (this.podsMax[slot] as number)) return false;
    return request.columns.every((column) => this.free(slot, column) >= 0);
  }

  /**
   * @returns True if the node has enough of each resource, were it empty. As in kube-scheduler, the number of pods is
   *   ignored.
   */
  couldFit(slot: number, request: Request): boolean {
    return request.columns.every(
      (column, i) =>
        (request.amounts[i] as number) <= ((this.allocatable[column] as Float64Array)[slot] ?? 0),
    );
  }

  /** @returns True if the node has any of a resource, free or not. */
  offers(slot: number, column: number): boolean {
    return ((this.allocatable[column] as Float64Array)[slot] ?? 0) > 0;
  }

  /** @returns The free amount of a resource; negative where it is overbooked. */
  free(slot: number, column: number): number {
    return (
      ((this.allocatable[column] as Float64Array)[slot] ?? 0) -
      ((this.used[column] as Float64Array)[slot] ?? 0)
    );
  }

  /** @returns The free amount of a resource by its name; 0 if the resource is unknown. */
  freeOf(slot: number, resource: string): number {
    const column = this.columnByName.get(resource);
    return column === undefined ? 0 : this.free(slot, column);
  }

  /** Bytes of all columns. */
  get bytes(): number {
    let sum = 8 * this.pods.length;
    for (const columns of [this.allocatable, this.used])
      for (const column of columns) sum += column.byteLength;
    return sum;
  }

  /** @returns The column of a resource, new or known, for one more user. */
  private useColumn(name: string): number {
    let column = this.columnByName.get(name);
    if (column === undefined) {
      column = this.freeColumns.pop() ?? this.resources.length;
      this.resources[column] = name;
      this.columnByName.set(name, column);
      this.allocatable[column] = NOTHING;
      this.used[column] = NOTHING;
      this.users[column] = 0;
    }
    this.users[column] = (this.users[column] as number) + 1;
    return column;
  }

  private leaveColumn(column: number): void {
    const users = (this.users[column] as number) - 1;
    assert(users >= 0, 'a resource is left more often than used');
    this.users[column] = users;
    if (users > 0) return;
    this.columnByName.delete(this.resources[column] as string);
    this.resources[column] = '';
    this.allocatable[column] = NOTHING;
    this.used[column] = NOTHING;
    this.freeColumns.push(column);
  }

  private clearOffered(slot: number): void {
    for (const column of this.offered[slot] ?? []) {
      (this.allocatable[column] as Float64Array)[slot] = 0;
      this.leaveColumn(column);
    }
    this.offered[slot] = [];
  }

  /** @returns A column to write to. */
  private columnOf(columns: Float64Array[], column: number): Float64Array {
    const known = columns[column] as Float64Array;
    if (known.length > 0) return known;
    const made = new Float64Array(this.pods.length);
    columns[column] = made;
    return made;
  }

  private grow(slots: number): void {
    if (slots <= this.pods.length) return;
    const n = Math.max(slots, 2 * this.pods.length);
    this.podsMax = grown(this.podsMax, n);
    this.pods = grown(this.pods, n);
    for (const columns of [this.allocatable, this.used]) {
      columns.forEach((column, i) => {
        if (column.length > 0) columns[i] = grown(column, n);
      });
    }
  }
}
