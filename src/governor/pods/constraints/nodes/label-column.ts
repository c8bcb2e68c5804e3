/**
 * The values of one node label, by node, as small integers: the basis of topology domains and node selectors.
 *
 * A value's id is released with the last node that has it and reused, so memory follows the values in use. Counts by id
 * are zero by then, because a node's pods are moved before its value is.
 */
import { grown } from '../../../../kernel/grown.ts';

const SMALLEST = 64;

/** One label key. */
export class LabelColumn {
  readonly key: string;
  /** Value ids by node slot; -1: no node or no such label. Replaced when it grows. @shape [nodes] */
  ids: Int32Array;
  /** Ids are in [0, size). */
  size = 0;
  /** Users: a column without any may be dropped. */
  pins = 0;
  private readonly values: string[] = [];
  private nodesOf: Int32Array = new Int32Array(SMALLEST);
  private readonly index = new Map<string, number>();
  private readonly free: number[] = [];

  constructor(key: string, capacity: number) {
    this.key = key;
    this.ids = new Int32Array(capacity).fill(-1);
  }

  /** Ids below this can be given out without growing any array indexed by id. */
  get capacity(): number {
    return this.nodesOf.length;
  }

  /** The node's value; undefined: none. O(1). */
  set(node: number, value: string | undefined): void {
    const before = this.ids[node] as number;
    if (before >= 0) {
      if (this.values[before] === value) return;
      this.leave(before);
    }
    this.ids[node] = value === undefined ? -1 : this.join(value);
  }

  /** The value of an id that is in use. */
  valueOf(id: number): string {
    return this.values[id] as string;
  }

  /** The value of a node; undefined: none. */
  of(node: number): string | undefined {
    const id = this.ids[node] as number;
    return id < 0 ? undefined : (this.values[id] as string);
  }

  /** @returns The id of a value, -1 if no node has it. */
  find(value: string): number {
    return this.index.get(value) ?? -1;
  }

  /** Makes room for node slots below `capacity`. */
  grow(capacity: number): void {
    this.ids = grown(this.ids, capacity, -1);
  }

  private join(value: string): number {
    let id = this.index.get(value);
    if (id === undefined) {
      id = this.free.pop() ?? this.size++;
      if (id >= this.nodesOf.length) {
        this.nodesOf = grown(this.nodesOf, 2 * this.nodesOf.length);
      }
      this.index.set(value, id);
      this.values[id] = value;
    }
    this.nodesOf[id] = (this.nodesOf[id] as number) + 1;
    return id;
  }

  private leave(id: number): void {
    const left = (this.nodesOf[id] as number) - 1;
    this.nodesOf[id] = left;
    if (left > 0) return;
    this.index.delete(this.values[id] as string);
    this.values[id] = '';
    this.free.push(id);
  }
}
