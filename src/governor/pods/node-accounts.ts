/**
 * What every node has and what the pods on it have asked for: exact, per resource, in columns.
 *
 * Unlike `ClusterState` this is never rounded and may go beyond a node's capacity, because what other schedulers bind or
 * a node loses is not ours to refuse. Rows are node slots, which are used again.
 */
import type { NodeDescription } from '../../model/kubernetes/node.ts';
import type { PodRequests } from '../../model/kubernetes/pod.ts';

/** Column of CPU (thousandths of a core) and of memory (bytes). */
export const CPU = 0;
export const MEMORY = 1;

/** What a shape asks for, as columns and amounts; amounts of 0 are left out, as kube-scheduler does not look at them. */
export interface Request {
  readonly columns: readonly number[];
  readonly amounts: readonly number[];
}

/** Accounts of all nodes. Single writer. 16 bytes a node and resource. */
export class NodeAccounts {
  /** Names of the columns. */
  readonly resources: string[] = ['cpu', 'memory'];
  /** @shape [slots] most pods. */
  podsMax: Int32Array = new Int32Array(64);
  /** @shape [slots] pods on the node. */
  pods: Int32Array = new Int32Array(64);
  /** @shape [resources][slots] */
  readonly allocatable: Float64Array[] = [new Float64Array(64), new Float64Array(64)];
  /** @shape [resources][slots] */
  readonly used: Float64Array[] = [new Float64Array(64), new Float64Array(64)];
  private readonly columnByName = new Map<string, number>([
    ['cpu', CPU],
    ['memory', MEMORY],
  ]);

  /** @returns The column of a resource, new or known. Columns are never dropped: names of resources are few. */
  columnOf(name: string): number {
    let column = this.columnByName.get(name);
    if (column === undefined) {
      column = this.resources.length;
      this.resources.push(name);
      this.columnByName.set(name, column);
      this.allocatable.push(new Float64Array(this.pods.length));
      this.used.push(new Float64Array(this.pods.length));
    }
    return column;
  }

  /** @returns A pod's requests as columns. */
  requestOf(requests: PodRequests): Request {
    const columns: number[] = [];
    const amounts: number[] = [];
    const note = (column: number, amount: number): void => {
      if (amount <= 0) return;
      columns.push(column);
      amounts.push(amount);
    };
    note(CPU, requests.cpuMilli);
    note(MEMORY, requests.memoryBytes);
    for (const name of Object.keys(requests.extended).sort()) {
      note(this.columnOf(name), requests.extended[name] as number);
    }
    return { columns, amounts };
  }

  /** Sets what a node has; what is used stays. */
  setNode(slot: number, node: NodeDescription): void {
    this.grow(slot + 1);
    for (const column of this.allocatable) column[slot] = 0;
    this.podsMax[slot] = node.podsMax;
    (this.allocatable[CPU] as Float64Array)[slot] = node.cpuMilli;
    (this.allocatable[MEMORY] as Float64Array)[slot] = node.memoryBytes;
    for (const [name, amount] of Object.entries(node.extended)) {
      const column = this.columnOf(name);
      (this.allocatable[column] as Float64Array)[slot] = amount;
    }
  }

  /** Empties a slot. */
  clear(slot: number): void {
    this.podsMax[slot] = 0;
    this.pods[slot] = 0;
    for (const column of this.allocatable) column[slot] = 0;
    for (const column of this.used) column[slot] = 0;
  }

  /** Puts a pod on a node (sign 1) or takes it off (sign −1). O(resources asked for). */
  add(slot: number, request: Request, sign: 1 | -1): void {
    const { columns, amounts } = request;
    this.pods[slot] = (this.pods[slot] as number) + sign;
    for (let i = 0; i < columns.length; i++) {
      const used = this.used[columns[i] as number] as Float64Array;
      used[slot] = (used[slot] as number) + sign * (amounts[i] as number);
    }
  }

  /** @returns Whether one more pod fits. O(resources asked for). */
  fits(slot: number, request: Request): boolean {
    if ((this.pods[slot] as number) >= (this.podsMax[slot] as number)) return false;
    const { columns, amounts } = request;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] as number;
      const free =
        ((this.allocatable[column] as Float64Array)[slot] as number) -
        ((this.used[column] as Float64Array)[slot] as number);
      if ((amounts[i] as number) > free) return false;
    }
    return true;
  }

  /** @returns What one more pod lacks, in kube-scheduler's words and order; empty if it fits. */
  lacking(slot: number, request: Request): string[] {
    const lacks: string[] = [];
    if ((this.pods[slot] as number) >= (this.podsMax[slot] as number)) lacks.push('Too many pods');
    request.columns.forEach((column, i) => {
      if ((request.amounts[i] as number) > this.free(slot, column)) {
        lacks.push(`Insufficient ${this.resources[column]}`);
      }
    });
    return lacks;
  }

  /** @returns Whether the pod could fit were the node empty. */
  couldFit(slot: number, request: Request): boolean {
    if ((this.podsMax[slot] as number) < 1) return false;
    return request.columns.every(
      (column, i) =>
        (request.amounts[i] as number) <= ((this.allocatable[column] as Float64Array)[slot] as number),
    );
  }

  /** @returns What is left of a resource; negative where more is booked than there is. */
  free(slot: number, column: number): number {
    return (
      ((this.allocatable[column] as Float64Array)[slot] as number) -
      ((this.used[column] as Float64Array)[slot] as number)
    );
  }

  /** Bytes of all columns. */
  get bytes(): number {
    return this.pods.length * (8 + 16 * this.resources.length);
  }

  private grow(slots: number): void {
    if (slots <= this.pods.length) return;
    const n = Math.max(slots, 2 * this.pods.length);
    this.podsMax = widened(this.podsMax, new Int32Array(n));
    this.pods = widened(this.pods, new Int32Array(n));
    for (let column = 0; column < this.resources.length; column++) {
      this.allocatable[column] = widened(this.allocatable[column] as Float64Array, new Float64Array(n));
      this.used[column] = widened(this.used[column] as Float64Array, new Float64Array(n));
    }
  }
}

function widened<T extends Int32Array | Float64Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
