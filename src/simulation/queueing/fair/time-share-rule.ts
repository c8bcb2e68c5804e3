/** KAI-Scheduler's time-based fair share: the smallest part of a fair share, which past usage lowers, first. */
import { timeShares } from '../../../market/shares/time-shares.ts';
import { DecayedUsage } from '../decayed-usage.ts';
import { AMOUNT_KINDS, type UpCapacity } from '../room-amounts.ts';
import type { RoomAmounts } from '../room-profile.ts';
import { ShareChange, type ShareChangeKind, type ShareRule } from './share-rule.ts';
import { SHARE_ROOT, type ShareTree } from './share-tree.ts';

/** How much past usage counts. */
const K = 1;

/** Account of the capacity among those of the nodes. */
const CAPACITY_ACCOUNT = -1;

/** A pass costs O(siblings²) at each level, for the shares. */
export class TimeShareRule implements ShareRule {
  readonly dueSeconds: number = Number.POSITIVE_INFINITY;
  private readonly tree: ShareTree;
  private readonly capacity: UpCapacity;
  /** By kind of amount; accounts are nodes. */
  private readonly past: readonly DecayedUsage[];
  /** As it is counted in `past`. */
  private counted: RoomAmounts = [0, 0, 0];
  /** By node. */
  private shares: number[][] = [];

  constructor(tree: ShareTree, capacity: UpCapacity, halfLifeSeconds: number) {
    this.tree = tree;
    this.capacity = capacity;
    this.past = Array.from({ length: AMOUNT_KINDS }, () => new DecayedUsage(halfLifeSeconds));
  }

  changing(leaf: number, timeSeconds: number, amounts: RoomAmounts, change: ShareChangeKind): void {
    this.countCapacity(timeSeconds);
    if (change === ShareChange.Arrives || change === ShareChange.Withdrawn) return;
    const sign = change === ShareChange.Ends ? -1 : 1;
    for (let at = leaf; at >= 0; at = this.tree.nodeAt(at).parent)
      this.past.forEach((past, k) => {
        past.hold(at, sign * (amounts[k] as number), timeSeconds);
      });
  }

  begin(timeSeconds: number): void {
    const { nodes, children } = this.tree;
    this.countCapacity(timeSeconds);
    this.shares = nodes.map(() => [0, 0, 0]);
    this.shares[SHARE_ROOT] = [...this.capacity.get()];
    // Parents have smaller numbers than their children.
    for (let node = 0; node < nodes.length; node++) {
      const siblings = children[node] as readonly number[];
      for (let k = 0; k < AMOUNT_KINDS && siblings.length > 0; k++)
        this.divide(node, siblings, k, timeSeconds);
    }
  }

  keyOf(node: number, request: RoomAmounts): number {
    const { used } = this.tree.nodeAt(node);
    const shares = this.shares[node] as number[];
    let largest = 0;
    for (let k = 0; k < AMOUNT_KINDS; k++) {
      const held = (used[k] as number) + (request[k] as number);
      if (held > 0) largest = Math.max(largest, held / (shares[k] as number));
    }
    return largest;
  }

  /** Divides the share of a node among its children. */
  private divide(node: number, siblings: readonly number[], k: number, timeSeconds: number): void {
    const { tree } = this;
    const past = this.past[k] as DecayedUsage;
    const all = past.of(CAPACITY_ACCOUNT, timeSeconds);
    const at = siblings.map((sibling) => tree.nodeAt(sibling));
    const shares = timeShares(
      (this.shares[node] as number[])[k] as number,
      {
        deserved: at.map(({ quota }) => quota[k] as number),
        requests: at.map(({ used, waiting }) => (used[k] as number) + (waiting[k] as number)),
        weights: at.map(({ weight }) => weight),
        usages: siblings.map((sibling) => (all > 0 ? past.of(sibling, timeSeconds) / all : 0)),
      },
      K,
    );
    siblings.forEach((sibling, i) => {
      (this.shares[sibling] as number[])[k] = shares[i] as number;
    });
  }

  private countCapacity(timeSeconds: number): void {
    const now = this.capacity.get();
    if (now === this.counted) return;
    this.past.forEach((past, k) => {
      past.hold(CAPACITY_ACCOUNT, (now[k] as number) - (this.counted[k] as number), timeSeconds);
    });
    this.counted = now;
  }
}
