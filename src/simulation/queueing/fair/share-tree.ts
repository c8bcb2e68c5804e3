/**
 * The tenants that a fair queue shares among: what they hold, wait for and have of their own, at every level.
 *
 *     cluster (node 0)
 *     ├── research               sums of all below it
 *     │   ├── vision
 *     │   └── research's own     jobs of an inner tenant: a child of weight 1 and no quota beside its children
 *     └── default                jobs of tenants that the tenants file does not know
 *
 * Without a tenants file every tenant is a child of the cluster, of weight 1 and no quota, from its first job on.
 *
 * RoomAmounts of quotas are summed over flavours: a fair queue does not tell flavours apart.
 */
import { QUOTA_CPU, QUOTA_GPU, QUOTA_MEMORY, RESOURCES_PER_FLAVOR } from '../../../market/tenants/spec.ts';
import type { TenantTree } from '../../../market/tenants/tenant-tree.ts';
import { DEFAULT_TENANT } from '../../../model/tenants.ts';
import { AMOUNT_KINDS } from '../room-amounts.ts';
import type { RoomAmounts } from '../room-profile.ts';

/** The node of the cluster. */
export const SHARE_ROOT = 0;

/** Quota resources in the order of amounts. */
const QUOTA_ORDER = [QUOTA_GPU, QUOTA_CPU, QUOTA_MEMORY] as const;

/** One node. */
export interface ShareNode {
  readonly parent: number;
  readonly weight: number;
  /** Its own contribution, and those of all below it. */
  readonly quota: RoomAmounts;
  /** What it and its parent may use of it: its own contribution and what its children lend. */
  readonly visible: RoomAmounts;
  /** The part of `visible` that it does not lend. */
  readonly guaranteed: RoomAmounts;
  /** Of its jobs and those of all below it. @shape [AMOUNT_KINDS] */
  readonly used: number[];
  readonly waiting: number[];
  /** Whether it counts where shares of a capacity are computed: it is a declared tenant without children, or has had a job. */
  isKnown: boolean;
}

/** Changes in place; nodes are only added. */
export class ShareTree {
  readonly nodes: ShareNode[] = [];
  /** By node; empty: a leaf, which has jobs. */
  readonly children: number[][] = [];
  private readonly tree: TenantTree | undefined;
  private readonly leaves = new Map<number, number>();

  /** @param tree Undefined: no tenants file. */
  constructor(tree: TenantTree | undefined) {
    this.tree = tree;
    if (tree === undefined) {
      this.add(-1, 1, NOTHING, NOTHING, NOTHING);
      return;
    }
    for (let row = 0; row < tree.rows; row++) {
      const weight = row === SHARE_ROOT ? 1 : tree.specOf(tree.tenantAt(row)).weight;
      const columns = [tree.total, tree.visible, tree.guaranteed].map((column) => sumOf(tree, column, row));
      const [quota, visible, guaranteed] = columns as [RoomAmounts, RoomAmounts, RoomAmounts];
      this.add(tree.parents[row] as number, weight, quota, visible, guaranteed);
    }
    for (const tenant of tree.tenants) {
      const row = tree.rowOf(tenant);
      const isLeaf = (this.children[row] as number[]).length === 0;
      if (isLeaf && tenant !== DEFAULT_TENANT) this.nodeAt(row).isKnown = true;
    }
  }

  /** @returns A node. */
  nodeAt(node: number): ShareNode {
    return this.nodes[node] as ShareNode;
  }

  /** @returns The leaf of a tenant's own jobs, made if there is none yet. O(1). */
  leafOf(tenant: number): number {
    const { tree, leaves } = this;
    const account = tree?.accountOf(tenant) ?? tenant;
    let leaf = leaves.get(account);
    if (leaf !== undefined) return leaf;
    const row = tree?.rowOf(account) ?? SHARE_ROOT;
    const isOwn = tree !== undefined && tree.childrenOf(account).length === 0;
    leaf = isOwn ? row : this.add(row, 1, NOTHING, NOTHING, NOTHING);
    this.nodeAt(leaf).isKnown = true;
    leaves.set(account, leaf);
    return leaf;
  }

  /** Adds to what a leaf and all above it hold or wait for. O(levels). */
  count(leaf: number, column: 'used' | 'waiting', amounts: RoomAmounts, sign: 1 | -1): void {
    for (let at = leaf; at >= 0; at = this.nodeAt(at).parent) {
      const sums = this.nodeAt(at)[column];
      for (let k = 0; k < AMOUNT_KINDS; k++) sums[k] = (sums[k] as number) + sign * (amounts[k] as number);
    }
  }

  private add(
    parent: number,
    weight: number,
    quota: RoomAmounts,
    visible: RoomAmounts,
    guaranteed: RoomAmounts,
  ): number {
    const node = this.nodes.length;
    this.nodes.push({
      ...{ parent, weight, quota, visible, guaranteed },
      ...{ used: [0, 0, 0], waiting: [0, 0, 0], isKnown: false },
    });
    this.children.push([]);
    if (parent >= 0) (this.children[parent] as number[]).push(node);
    return node;
  }
}

const NOTHING: RoomAmounts = [0, 0, 0];

/** Sums a column of the tenants over flavours. */
function sumOf(tree: TenantTree, column: Float64Array, row: number): RoomAmounts {
  return QUOTA_ORDER.map((resource) => {
    let sum = 0;
    for (let cell = resource; cell < tree.cells; cell += RESOURCES_PER_FLAVOR)
      sum += column[row * tree.cells + cell] as number;
    return sum;
  });
}
