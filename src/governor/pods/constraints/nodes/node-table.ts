/**
 * The nodes as the rules see them: names, labels as columns, sets of taints; by slot.
 */
import { grown } from '../../../../kernel/grown.ts';
import type { NodeDescription } from '../../../../model/kubernetes/node.ts';
import { labelOf } from '../../../../model/kubernetes/requirements.ts';
import { LabelColumn } from './label-column.ts';
import { TaintSets } from './taints.ts';

const SMALLEST = 64;
/** Columns kept without a user, so that they need not be built again. */
const IDLE_COLUMNS_MAX = 64;
/** The column in which every node has a value of its own. No label has this name. */
const SLOT_KEY = '';

/** An object with arrays by node slot. */
export interface ByNode {
  /** Makes room for slots below `capacity`. */
  grow(capacity: number): void;
}

/** Nodes by slot. Single writer. */
export class NodeTable {
  /** Slots are below this. */
  capacity = SMALLEST;
  /** 1: there is a node. @shape [capacity] */
  known: Uint8Array = new Uint8Array(SMALLEST);
  /** 1: `spec.unschedulable`. @shape [capacity] */
  unschedulable: Uint8Array = new Uint8Array(SMALLEST);
  /** Sets of `taints`. @shape [capacity] */
  taintSets: Int32Array = new Int32Array(SMALLEST);
  readonly taints: TaintSets;
  /** '' where there is no node. */
  readonly names: string[] = [];
  private readonly labels: (Readonly<Record<string, string>> | undefined)[] = [];
  private readonly columns = new Map<string, LabelColumn>();
  private readonly slots = new Map<string, number>();
  private readonly byNode: ByNode[] = [];

  constructor(tolerationClassesMax: number) {
    this.taints = new TaintSets(tolerationClassesMax);
  }

  /** Reports growth from now on. */
  follow(follower: ByNode): void {
    this.byNode.push(follower);
  }

  /** Makes room for a slot. Amortised O(1). */
  reach(node: number): void {
    if (node < this.capacity) return;
    let capacity = this.capacity;
    while (capacity <= node) capacity *= 2;
    this.known = grown(this.known, capacity);
    this.unschedulable = grown(this.unschedulable, capacity);
    this.taintSets = grown(this.taintSets, capacity);
    this.capacity = capacity;
    for (const column of this.columns.values()) column.grow(capacity);
    for (const follower of this.byNode) follower.grow(capacity);
  }

  /** @returns True if a description differs in fields that the rules read. */
  differs(node: number, description: NodeDescription): boolean {
    if (this.known[node] !== 1 || this.names[node] !== description.name) return true;
    if ((this.unschedulable[node] === 1) !== description.unschedulable) return true;
    const taints = this.taints.taintsOf(this.taintSets[node] as number);
    if (taints.length !== description.taints.length) return true;
    const sameTaints = taints.every((taint, i) => {
      const other = description.taints[i];
      return other?.key === taint.key && other.value === taint.value && other.effect === taint.effect;
    });
    return !sameTaints || !sameRecord(this.labelsOf(node), description.labels);
  }

  /** Sets the node of a slot, new or changed. O(labels + columns). */
  set(node: number, description: NodeDescription): void {
    this.forgetName(node);
    this.known[node] = 1;
    this.names[node] = description.name;
    this.slots.set(description.name, node);
    this.unschedulable[node] = description.unschedulable ? 1 : 0;
    this.labels[node] = description.labels;
    const set = this.taints.join(description.taints);
    this.taints.leave(this.taintSets[node] as number);
    this.taintSets[node] = set;
    for (const column of this.columns.values()) column.set(node, this.valueFor(column.key, node));
  }

  /** Removes the node of a slot. */
  remove(node: number): void {
    if (this.known[node] !== 1) return;
    this.forgetName(node);
    this.known[node] = 0;
    this.names[node] = '';
    this.labels[node] = undefined;
    this.unschedulable[node] = 0;
    this.taints.leave(this.taintSets[node] as number);
    this.taintSets[node] = 0;
    for (const column of this.columns.values()) column.set(node, undefined);
  }

  /** The labels of a node; none where there is no node. */
  labelsOf(node: number): Readonly<Record<string, string>> {
    return this.labels[node] ?? {};
  }

  /** The slot of a name, -1 if there is none. */
  slotOf(name: string): number {
    return this.slots.get(name) ?? -1;
  }

  /** The column of a label. Pin it to keep it. O(1), O(nodes) for the first time. */
  column(key: string): LabelColumn {
    const known = this.columns.get(key);
    if (known !== undefined) return known;
    const column = new LabelColumn(key, this.capacity);
    for (let node = 0; node < this.capacity; node++) {
      if (this.known[node] === 1) column.set(node, this.valueFor(key, node));
    }
    this.columns.set(key, column);
    return column;
  }

  /** The column in which every node is alone. Pin it to keep it. */
  slotColumn(): LabelColumn {
    return this.column(SLOT_KEY);
  }

  /** Number of columns, for tests of bounds. */
  get columnCount(): number {
    return this.columns.size;
  }

  /**
   * Drops columns that are not pinned, if there are many. Must not be called between creating a column and pinning it.
   */
  tidy(): void {
    if (this.columns.size < IDLE_COLUMNS_MAX) return;
    for (const [key, column] of this.columns) {
      if (column.pins === 0) this.columns.delete(key);
    }
  }

  /** A name that another slot has taken over stays there. */
  private forgetName(node: number): void {
    const name = this.names[node];
    if (name !== undefined && this.slots.get(name) === node) this.slots.delete(name);
  }

  private valueFor(key: string, node: number): string | undefined {
    if (key === SLOT_KEY) return String(node);
    return labelOf(this.labels[node] as Readonly<Record<string, string>>, key);
  }
}

function sameRecord(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  if (a === b) return true;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => labelOf(b, key) === a[key]);
}
