/** Rules without a memory: what tenants hold now, over what there is. */
import { borrowedShare, dominantShare } from '../../../market/shares/dominant-share.ts';
import { AMOUNT_KINDS, type UpCapacity } from '../room-amounts.ts';
import type { RoomAmounts } from '../room-profile.ts';
import { ShareChange, type ShareChangeKind, type ShareRule } from './share-rule.ts';
import { SHARE_ROOT, type ShareTree } from './share-tree.ts';

/** DRF: the smallest dominant share first, level by level. */
export class DominantShareRule implements ShareRule {
  readonly dueSeconds: number = Number.POSITIVE_INFINITY;
  private readonly tree: ShareTree;
  private readonly capacity: UpCapacity;

  constructor(tree: ShareTree, capacity: UpCapacity) {
    this.tree = tree;
    this.capacity = capacity;
  }

  changing(): void {}

  begin(): void {}

  keyOf(node: number): number {
    const { used, weight } = this.tree.nodeAt(node);
    return dominantShare(used, this.capacity.get(), weight);
  }
}

/**
 * Kueue's fair sharing: the smallest part of what can be lent, with the job that would start, first, level by level.
 *
 * What is lent is the capacity that no quota covers, and the quotas that tenants lend. A parent's use is what its children hold
 * beyond what they keep to themselves.
 */
export class BorrowedShareRule implements ShareRule {
  readonly dueSeconds: number = Number.POSITIVE_INFINITY;
  private readonly tree: ShareTree;
  private readonly capacity: UpCapacity;
  /** By node: what it and all below hold beyond the guarantees below it. */
  private readonly claimed: number[][] = [];
  /** By node: what there is for its children. */
  private lendable: RoomAmounts[] = [];

  constructor(tree: ShareTree, capacity: UpCapacity) {
    this.tree = tree;
    this.capacity = capacity;
  }

  changing(leaf: number, _timeSeconds: number, amounts: RoomAmounts, change: ShareChangeKind): void {
    if (change === ShareChange.Arrives || change === ShareChange.Withdrawn) return;
    const sign = change === ShareChange.Ends ? -1 : 1;
    const more = amounts.map((amount) => sign * amount);
    for (let at = leaf; at >= 0; at = this.tree.nodeAt(at).parent) {
      const { guaranteed } = this.tree.nodeAt(at);
      const claimed = this.claimedBy(at);
      for (let k = 0; k < AMOUNT_KINDS; k++) {
        const kept = guaranteed[k] as number;
        const before = Math.max(0, (claimed[k] as number) - kept);
        claimed[k] = (claimed[k] as number) + (more[k] as number);
        more[k] = Math.max(0, (claimed[k] as number) - kept) - before;
      }
    }
  }

  begin(): void {
    const { nodes } = this.tree;
    const capacity = this.capacity.get();
    this.lendable = [];
    for (const { parent, visible, guaranteed, quota } of nodes) {
      const above = this.lendable[parent];
      this.lendable.push(
        above === undefined
          ? capacity.map((amount, k) => (visible[k] as number) + Math.max(0, amount - (quota[k] as number)))
          : above.map((amount, k) => amount + (guaranteed[k] as number)),
      );
    }
  }

  keyOf(node: number, request: RoomAmounts): number {
    const { visible, weight, parent } = this.tree.nodeAt(node);
    const lendable = this.lendable[Math.max(parent, SHARE_ROOT)] as RoomAmounts;
    return borrowedShare(this.claimedBy(node), request, visible, lendable, weight);
  }

  private claimedBy(node: number): number[] {
    let claimed = this.claimed[node];
    if (claimed === undefined) {
      claimed = [0, 0, 0];
      this.claimed[node] = claimed;
    }
    return claimed;
  }
}
