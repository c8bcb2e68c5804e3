/**
 * What the tenants of a tree hold, and the questions that admission and reclaim ask about it.
 *
 * `used` of a tenant is what counts against its `visible` quota: what itself holds, and of each child what passes the child's
 * guaranteed part. So a change moves up until a guaranteed part absorbs it, and one walk to the cluster answers each question.
 *
 *     available = what the cluster has left + guaranteed room on the way up,     at most the room of any limit on the way
 *     within its quota:  used + more ≤ visible             borrowed = used − visible, if more than 0
 *
 * Invariants: all amounts are integers; `held` is the sum of what the tenant and all below it hold. No call allocates; a
 * change and a question take O(levels) for each resource. Single writer.
 *
 * An amount vector is a `Float64Array` of flavours × resources; see `newAmounts`.
 */
import { assert } from '../../kernel/assert.ts';
import { QUOTA_CPU, QUOTA_GPU, QUOTA_MEMORY, type QuotaFlavor, RESOURCES_PER_FLAVOR } from './spec.ts';
import { CLUSTER_TENANT, type TenantTree } from './tenant-tree.ts';

/** Micro-units of a unit: holdings are priced in integers, so that nothing drifts. */
const MICROS = 1e6;
const MILLI = 1000;
const MIB_PER_GIB = 1024;

/** What a pod holds, as of a `Demand`. */
export interface HeldAmounts {
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly gpuTotalMilli: number;
}

/** Usage of one tree. */
export class TenantUsage {
  readonly tree: TenantTree;
  /** @shape [rows × cells] counted against `visible`. */
  private readonly used: Float64Array;
  /** @shape [rows × cells] it and all below it. */
  private readonly held: Float64Array;
  /** @shape [rows × cells] itself only. */
  private readonly own: Float64Array;
  /** @shape [cells] of the cluster; 0 until it is set: then there is what quotas grant, and nothing else. */
  private readonly capacity: Float64Array;
  /** @shape [rows] micro-units an hour at price 1, of it and all below it. */
  private readonly units: Float64Array;
  /** @shape [rows] the same, itself only. */
  private readonly ownUnits: Float64Array;

  constructor(tree: TenantTree) {
    const size = tree.rows * tree.cells;
    this.tree = tree;
    this.used = new Float64Array(size);
    this.held = new Float64Array(size);
    this.own = new Float64Array(size);
    this.capacity = new Float64Array(tree.cells);
    this.units = new Float64Array(tree.rows);
    this.ownUnits = new Float64Array(tree.rows);
  }

  /**
   * Sets what the cluster has of a resource: what no quota covers is lent to all. Quotas may exceed it, then nothing is
   * left over.
   */
  setCapacity(flavor: number, resource: number, amount: number): void {
    this.capacity[flavor * RESOURCES_PER_FLAVOR + resource] = amount;
  }

  /** @returns What the cluster has; 0 if it was not set. */
  capacityOf(flavor: number, resource: number): number {
    return this.capacity[flavor * RESOURCES_PER_FLAVOR + resource] as number;
  }

  /** A pod of a tenant takes capacity of a flavour. Never refuses: what runs is counted. O(levels). */
  hold(tenant: number, flavor: number, pod: HeldAmounts): void {
    const row = this.tree.rowOf(tenant);
    const cell = flavor * RESOURCES_PER_FLAVOR;
    this.add(row, cell + QUOTA_CPU, pod.cpuMilli);
    this.add(row, cell + QUOTA_MEMORY, pod.memoryMib);
    this.add(row, cell + QUOTA_GPU, pod.gpuTotalMilli);
    this.addUnits(row, this.unitsOfPod(flavor, pod));
  }

  /** A pod returns what it took. O(levels). */
  release(tenant: number, flavor: number, pod: HeldAmounts): void {
    const row = this.tree.rowOf(tenant);
    const cell = flavor * RESOURCES_PER_FLAVOR;
    this.take(row, cell + QUOTA_CPU, pod.cpuMilli);
    this.take(row, cell + QUOTA_MEMORY, pod.memoryMib);
    this.take(row, cell + QUOTA_GPU, pod.gpuTotalMilli);
    this.addUnits(row, -this.unitsOfPod(flavor, pod));
  }

  /** @returns What a pod costs an hour at price 1, in whole micro-units. */
  unitsOfPod(flavor: number, pod: HeldAmounts): number {
    const { core, gib, gpu } = (this.tree.market.flavors[flavor] as QuotaFlavor).unitsPerHour;
    const { cpuMilli, memoryMib, gpuTotalMilli } = pod;
    const units = (core * cpuMilli) / MILLI + (gib * memoryMib) / MIB_PER_GIB + (gpu * gpuTotalMilli) / MILLI;
    return Math.round(units * MICROS);
  }

  /** @returns What a tenant and all below it hold. */
  heldBy(tenant: number, flavor: number, resource: number): number {
    return this.held[this.at(tenant, flavor, resource)] as number;
  }

  /** @returns What a tenant itself holds, without those below it. */
  ownHoldings(tenant: number, flavor: number, resource: number): number {
    return this.own[this.at(tenant, flavor, resource)] as number;
  }

  /** @returns Micro-units an hour that the holdings of a tenant and all below it cost at price 1. */
  unitsPerHourOf(tenant: number): number {
    return this.units[this.tree.rowOf(tenant)] as number;
  }

  /** @returns Its quota: its own, and what the tenants below it lend; what is guaranteed to these is not in it. */
  quotaOf(tenant: number, flavor: number, resource: number): number {
    return this.tree.visible[this.at(tenant, flavor, resource)] as number;
  }

  /**
   * How much more a tenant may hold, lent quota and what no quota covers included.
   *
   * @returns Negative if too much is held already, as after a change of quotas; Infinity where nothing bounds it. O(levels).
   */
  available(tenant: number, flavor: number, resource: number): number {
    const cell = flavor * RESOURCES_PER_FLAVOR + resource;
    const row = this.tree.rowOf(tenant);
    return Math.min(this.limitRoomAt(row, cell), this.quotaRoomAt(row, cell));
  }

  /** @returns How much more a tenant may hold by the limits on its path; Infinity: it has none. O(levels). */
  limitRoom(tenant: number, flavor: number, resource: number): number {
    return this.limitRoomAt(this.tree.rowOf(tenant), flavor * RESOURCES_PER_FLAVOR + resource);
  }

  /** @returns How much more a tenant may hold by quotas and loans, limits aside; Infinity: nobody has a quota. O(levels). */
  quotaRoom(tenant: number, flavor: number, resource: number): number {
    return this.quotaRoomAt(this.tree.rowOf(tenant), flavor * RESOURCES_PER_FLAVOR + resource);
  }

  /** @returns The nearest tenant on the path whose limit n more would pass; CLUSTER_TENANT: none. O(levels). */
  limitedBy(tenant: number, flavor: number, resource: number, more: number): number {
    const { parents, limits, cells } = this.tree;
    const cell = flavor * RESOURCES_PER_FLAVOR + resource;
    for (let row = this.tree.rowOf(tenant); row > 0; row = parents[row] as number) {
      const at = row * cells + cell;
      if ((this.held[at] as number) + more > (limits[at] as number)) return this.tree.tenantAt(row);
    }
    return CLUSTER_TENANT;
  }

  /** @returns True if a tenant may hold all these amounts more. */
  mayHold(tenant: number, amounts: Float64Array): boolean {
    const row = this.tree.rowOf(tenant);
    for (let cell = 0; cell < amounts.length; cell++) {
      const more = amounts[cell] as number;
      if (more === 0) continue;
      if (more > this.limitRoomAt(row, cell) || more > this.quotaRoomAt(row, cell)) return false;
    }
    return true;
  }

  /** @returns What it uses above its quota: that is lent to it, or covered by no quota. */
  borrowed(tenant: number, flavor: number, resource: number): number {
    const at = this.at(tenant, flavor, resource);
    return Math.max(0, (this.used[at] as number) - (this.tree.visible[at] as number));
  }

  /**
   * @returns The part of its idle quota that it could not take now, limits aside, because others hold it: what only a reclaim
   *   brings back. O(levels).
   */
  lent(tenant: number, flavor: number, resource: number): number {
    const cell = flavor * RESOURCES_PER_FLAVOR + resource;
    const row = this.tree.rowOf(tenant);
    const at = row * this.tree.cells + cell;
    const idle = (this.tree.visible[at] as number) - (this.used[at] as number);
    if (idle <= 0) return 0;
    const room = this.quotaRoomAt(row, cell);
    return room >= idle ? 0 : idle - Math.max(0, room);
  }

  /**
   * The quota that a claim rests on: the lowest on the tenant's path that covers the amounts besides what is used. It entitles to
   * reclaim from borrowers outside that tenant.
   *
   * @param amounts Further holdings; resources that nobody has a quota of do not count.
   * @returns The tenant, itself or above it; CLUSTER_TENANT: none covers them, they would be borrowed. O(levels² × cells).
   */
  coveredBy(tenant: number, amounts: Float64Array): number {
    const { tree } = this;
    for (let row = tree.rowOf(tenant); row > 0; row = tree.parents[row] as number) {
      if (this.isCovered(row, tree.rowOf(tenant), amounts)) return tree.tenantAt(row);
    }
    return CLUSTER_TENANT;
  }

  /**
   * Whether a reclaim leaves the victim, and every tenant above it that does not contain the claimant, at its quota or above.
   *
   * @param claimant Who gets the room.
   * @param amounts  What the victim would release.
   * @param lacking  Amounts that the claimant lacks: only their resources count. A victim that borrowed GPUs is not protected by
   *   idle quota of CPU. May be `amounts`.
   * @returns False also if the victim releases more than itself holds. O(levels × cells).
   */
  keepsQuota(victim: number, claimant: number, amounts: Float64Array, lacking: Float64Array): boolean {
    const { tree } = this;
    const row = tree.rowOf(victim);
    const common = tree.commonRow(row, tree.rowOf(claimant));
    for (let cell = 0; cell < tree.cells; cell++) {
      const less = amounts[cell] as number;
      if (less === 0) continue;
      if (less > (this.own[row * tree.cells + cell] as number)) return false;
      if (lacking[cell] === 0) continue;
      if (less > this.spareBelow(row, common, cell)) return false;
    }
    return true;
  }

  /**
   * How much of a resource a claimant could reclaim from a tenant itself: what it holds above its quota, and so every tenant above
   * it that does not contain the claimant.
   *
   * @returns ≥ 0. O(levels).
   */
  reclaimableFrom(victim: number, claimant: number, flavor: number, resource: number): number {
    const { tree } = this;
    const row = tree.rowOf(victim);
    const cell = flavor * RESOURCES_PER_FLAVOR + resource;
    const common = tree.commonRow(row, tree.rowOf(claimant));
    const own = this.own[row * tree.cells + cell] as number;
    return Math.max(0, Math.min(own, this.spareBelow(row, common, cell)));
  }

  /** @returns Fair-Tree's level share by what is held now, at base prices; see `TenantTree.levelShare`. O(1). */
  levelShare(tenant: number): number {
    const { tree, units } = this;
    const row = tree.rowOf(tenant);
    const parent = tree.parents[row] as number;
    return tree.levelShare(
      tenant,
      units[row] as number,
      (units[parent] as number) - (this.ownUnits[parent] as number),
    );
  }

  /** Least amount above its quota on the way from a row up to, and without, an ancestor. Infinity if there is no row between. */
  private spareBelow(from: number, ancestor: number, cell: number): number {
    const { parents, visible, cells } = this.tree;
    let least = Number.POSITIVE_INFINITY;
    for (let row = from; row !== ancestor; row = parents[row] as number) {
      const at = row * cells + cell;
      const spare = (this.used[at] as number) - (visible[at] as number);
      if (spare < least) least = spare;
    }
    return least;
  }

  /** True if the quota of `row` covers amounts that a tenant below it takes. */
  private isCovered(row: number, from: number, amounts: Float64Array): boolean {
    const { governed, parents, guaranteed, visible, cells } = this.tree;
    for (let cell = 0; cell < cells; cell++) {
      let passing = amounts[cell] as number;
      if (passing === 0 || governed[cell] === 0) continue;
      for (let below = from; below !== row; below = parents[below] as number) {
        const at = below * cells + cell;
        passing -= Math.max(0, Math.min(passing, (guaranteed[at] as number) - (this.used[at] as number)));
      }
      const at = row * cells + cell;
      if ((this.used[at] as number) + passing > (visible[at] as number)) return false;
    }
    return true;
  }

  private limitRoomAt(from: number, cell: number): number {
    const { parents, limits, cells } = this.tree;
    let room = Number.POSITIVE_INFINITY;
    for (let row = from; row > 0; row = parents[row] as number) {
      const at = row * cells + cell;
      const here = (limits[at] as number) - (this.held[at] as number);
      if (here < room) room = here;
    }
    return room;
  }

  private quotaRoomAt(from: number, cell: number): number {
    const { parents, guaranteed, visible, total, governed, cells } = this.tree;
    if (governed[cell] === 0) return Number.POSITIVE_INFINITY;
    const surplus = Math.max(0, (this.capacity[cell] as number) - (total[cell] as number));
    let room = (visible[cell] as number) + surplus - (this.used[cell] as number);
    for (let row = from; row > 0; row = parents[row] as number) {
      const at = row * cells + cell;
      const kept = (guaranteed[at] as number) - (this.used[at] as number);
      if (kept > 0) room += kept;
    }
    return room;
  }

  private at(tenant: number, flavor: number, resource: number): number {
    return this.tree.rowOf(tenant) * this.tree.cells + flavor * RESOURCES_PER_FLAVOR + resource;
  }

  private add(from: number, cell: number, amount: number): void {
    if (amount === 0) return;
    const { parents, guaranteed, cells } = this.tree;
    const { used, held, own } = this;
    own[from * cells + cell] = (own[from * cells + cell] as number) + amount;
    let passing = amount;
    for (let row = from; row >= 0; row = parents[row] as number) {
      const at = row * cells + cell;
      held[at] = (held[at] as number) + amount;
      if (passing === 0) continue;
      const kept = (guaranteed[at] as number) - (used[at] as number);
      used[at] = (used[at] as number) + passing;
      if (kept > 0) passing = kept >= passing ? 0 : passing - kept;
    }
  }

  private take(from: number, cell: number, amount: number): void {
    if (amount === 0) return;
    const { parents, guaranteed, cells } = this.tree;
    const { used, held, own } = this;
    const left = (own[from * cells + cell] as number) - amount;
    assert(left >= 0, 'a tenant released more than it held');
    own[from * cells + cell] = left;
    let passing = amount;
    for (let row = from; row >= 0; row = parents[row] as number) {
      const at = row * cells + cell;
      held[at] = (held[at] as number) - amount;
      if (passing === 0) continue;
      const passed = (used[at] as number) - (guaranteed[at] as number);
      used[at] = (used[at] as number) - passing;
      if (passed < passing) passing = passed > 0 ? passed : 0;
    }
  }

  private addUnits(from: number, units: number): void {
    if (units === 0) return;
    const { parents } = this.tree;
    this.ownUnits[from] = (this.ownUnits[from] as number) + units;
    for (let row = from; row >= 0; row = parents[row] as number) {
      this.units[row] = (this.units[row] as number) + units;
    }
  }
}

/** @returns An empty amount vector for a tree: flavours × resources. */
export function newAmounts(tree: TenantTree): Float64Array {
  return new Float64Array(tree.cells);
}

/** Adds n pods of a flavour to an amount vector. */
export function addPods(amounts: Float64Array, flavor: number, pod: HeldAmounts, count: number): void {
  const cell = flavor * RESOURCES_PER_FLAVOR;
  amounts[cell + QUOTA_CPU] = (amounts[cell + QUOTA_CPU] as number) + count * pod.cpuMilli;
  amounts[cell + QUOTA_MEMORY] = (amounts[cell + QUOTA_MEMORY] as number) + count * pod.memoryMib;
  amounts[cell + QUOTA_GPU] = (amounts[cell + QUOTA_GPU] as number) + count * pod.gpuTotalMilli;
}
