/**
 * The order of nodes for pods of a profile with the strategy `spread`: the emptiest first.
 *
 * How full a node is with the pod: the largest part in use of its CPU, its memory, its places for pods, and each further
 * resource that the pod requests. Exact accounts are compared, not classes of the field, so the order has no rounding;
 * equally full nodes go by slot.
 */
import { grown } from '../../../kernel/grown.ts';
import { CPU, MEMORY, type NodeAccounts } from './node-accounts.ts';
import type { NodeSlots } from './node-slots.ts';
import type { Shape } from './shape-table.ts';

/** Orders nodes. Owns its scratch arrays. */
export class EmptiestFirst {
  private readonly accounts: NodeAccounts;
  private readonly slots: NodeSlots;
  private order: Int32Array = new Int32Array(64);
  /** By slot. */
  private fullness: Float64Array = new Float64Array(64);

  constructor(accounts: NodeAccounts, slots: NodeSlots) {
    this.accounts = accounts;
    this.slots = slots;
  }

  /**
   * Visits every node with room for a pod, the emptiest first, until `visit` returns true.
   *
   * @cost O(nodes × resources requested) where the first node will do, else O(nodes log nodes) besides.
   */
  walk(shape: Shape, visit: (slot: number) => boolean): void {
    const count = this.collect(shape);
    if (count === 0) return;
    const { order, fullness } = this;
    let first = 0;
    for (let i = 1; i < count; i++) {
      if ((fullness[order[i] as number] as number) < (fullness[order[first] as number] as number)) first = i;
    }
    if (visit(order[first] as number)) return;
    order[first] = order[0] as number;
    const rest = order.subarray(1, count);
    rest.sort((x, y) => (fullness[x] as number) - (fullness[y] as number) || x - y);
    for (const slot of rest) if (visit(slot)) return;
  }

  /** @returns How full a node would be with one more pod, 0…1 where it fits. O(resources requested). */
  fullnessWith(shape: Shape, slot: number): number {
    const { pods, podsMax } = this.accounts;
    const { columns, amounts } = shape.request;
    let most = ((pods[slot] as number) + 1) / (podsMax[slot] as number);
    let seesCpu = false;
    let seesMemory = false;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] as number;
      if (column === CPU) seesCpu = true;
      if (column === MEMORY) seesMemory = true;
      most = Math.max(most, this.partUsed(slot, column, amounts[i] as number));
    }
    if (!seesCpu) most = Math.max(most, this.partUsed(slot, CPU, 0));
    return seesMemory ? most : Math.max(most, this.partUsed(slot, MEMORY, 0));
  }

  private partUsed(slot: number, column: number, more: number): number {
    const used = (this.accounts.used[column]?.[slot] ?? 0) + more;
    return used === 0 ? 0 : used / (this.accounts.allocatable[column]?.[slot] ?? 0);
  }

  /** @returns How many slots, in their order, have room. */
  private collect(shape: Shape): number {
    const { accounts, slots } = this;
    if (slots.count > this.order.length) {
      this.order = grown(this.order, 2 * slots.count);
      this.fullness = grown(this.fullness, 2 * slots.count);
    }
    let count = 0;
    for (let slot = 0; slot < slots.count; slot++) {
      if (slots.descriptions[slot] === undefined || !accounts.fits(slot, shape.request)) continue;
      this.order[count++] = slot;
      this.fullness[slot] = this.fullnessWith(shape, slot);
    }
    return count;
  }
}
