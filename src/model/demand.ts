/**
 * Demands: the distinct pod shapes of a workload, interned to small integers.
 *
 * Two pods with the same demand are interchangeable for placement, so all decisions work on demand ids; strings
 * (models, labels, resource names) stay in this table.
 */

import { assert } from '../kernel/assert.ts';
import { isCount32 } from '../kernel/limits.ts';
import { TegError } from './errors.ts';
import type { AffinityTerm, PodSpec } from './job.ts';
import { DEMANDS_MAX, SPREAD_GROUPS_MAX } from './limits.ts';
import { GPU_MILLI } from './node.ts';

/** A distinct pod shape. Owned by its `DemandTable`; immutable. */
export interface Demand {
  /** Index in the table. */
  readonly id: number;
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly gpuCount: number;
  /** Per GPU; see `PodSpec.gpuMilli`. */
  readonly gpuMilli: number;
  /** gpuCount × gpuMilli. */
  readonly gpuTotalMilli: number;
  /** Further resources, by resource id; shorter than the table's names where the rest is 0. */
  readonly extended: readonly number[];
  /** Index of its constraint (allowed models and affinity); 0: unconstrained. */
  readonly constraintId: number;
  /** Index of its spread group, −1 if none. */
  readonly spreadGroupId: number;
  /** Most pods of its spread group on one node; 0 if unlimited. */
  readonly podsPerNodeMax: number;
}

/** What distinguishes hardware to constraints. */
export interface Hardware {
  /** '' if it has no GPUs, or of an unknown model. */
  readonly gpuModel: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The nodes that a demand allows: those of some GPU models, and with all affinity terms. */
export interface Constraint {
  readonly gpuModels: readonly string[];
  readonly affinity: readonly AffinityTerm[];
  /** A further condition, of demands that were narrowed; a pure function. */
  readonly also?: (hardware: Hardware) => boolean;
}

/** Interns pod shapes, constraints, further resources and spread groups. Grows; nothing is ever removed. */
export class DemandTable {
  readonly demands: Demand[] = [];
  readonly constraints: Constraint[] = [{ gpuModels: [], affinity: [] }];
  readonly resourceNames: string[] = [];
  readonly spreadGroups: string[] = [];
  private readonly demandByKey = new Map<string, Demand>();
  private readonly constraintByKey = new Map<string, number>([['[[],[]]', 0]]);
  private readonly resourceByName = new Map<string, number>();
  private readonly spreadGroupByName = new Map<string, number>();

  /** @returns A table with the same contents and ids, that grows by itself. */
  clone(): DemandTable {
    const copy = new DemandTable();
    copy.demands.push(...this.demands);
    copy.constraints.push(...this.constraints.slice(1));
    copy.resourceNames.push(...this.resourceNames);
    copy.spreadGroups.push(...this.spreadGroups);
    for (const [key, demand] of this.demandByKey) copy.demandByKey.set(key, demand);
    for (const [key, id] of this.constraintByKey) copy.constraintByKey.set(key, id);
    for (const [name, id] of this.resourceByName) copy.resourceByName.set(name, id);
    for (const [name, id] of this.spreadGroupByName) copy.spreadGroupByName.set(name, id);
    return copy;
  }

  /**
   * @param key  A name of the condition: the same key gives the same demand again.
   * @param also Which hardware is allowed besides what the demand demands; it must not read labels that the cluster's flavours do
   *   not have.
   * @returns A demand with the same amounts that fewer nodes allow.
   */
  narrow(demand: Demand, key: string, also: (hardware: Hardware) => boolean): Demand {
    const demandKey = `${demand.id} ${key}`;
    const known = this.demandByKey.get(demandKey);
    if (known !== undefined) return known;
    const constraintKey = `${demand.constraintId} ${key}`;
    let constraintId = this.constraintByKey.get(constraintKey);
    if (constraintId === undefined) {
      constraintId = this.constraints.length;
      this.constraints.push({ ...(this.constraints[demand.constraintId] as Constraint), also });
      this.constraintByKey.set(constraintKey, constraintId);
    }
    const narrowed = { ...demand, id: this.demands.length, constraintId };
    this.demands.push(narrowed);
    this.demandByKey.set(demandKey, narrowed);
    return narrowed;
  }

  /**
   * @returns Node labels that any constraint so far reads: nodes that differ in other labels only are of one flavour.
   */
  labelKeys(): Set<string> {
    return new Set(this.constraints.flatMap(({ affinity }) => affinity.map(({ key }) => key)));
  }

  /**
   * @returns The demand of a pod, new or known. The spec must have passed validation; amounts are asserted, because
   *   those of the cluster are columns of 32-bit integers. O(size of the spec).
   * @throws TegError TEG_LIMIT_REACHED at SPREAD_GROUPS_MAX groups.
   */
  intern(pod: PodSpec): Demand {
    const constraintId = this.internConstraint(pod);
    const extended = this.internExtended(pod);
    const limited = pod.podsPerNodeMax !== undefined && pod.spreadGroup !== undefined;
    const spreadGroupId = limited ? this.internSpreadGroup(pod.spreadGroup ?? '') : -1;
    const podsPerNodeMax = limited ? (pod.podsPerNodeMax ?? 0) : 0;
    const gpuMilli = pod.gpuCount > 0 ? pod.gpuMilli : 0;
    const key = `${pod.cpuMilli},${pod.memoryMib},${pod.gpuCount},${gpuMilli},${constraintId},${spreadGroupId},${podsPerNodeMax},${extended.join(':')}`;
    const known = this.demandByKey.get(key);
    if (known !== undefined) return known;
    assert(isCount32(pod.cpuMilli) && isCount32(pod.memoryMib), 'a request is not an integer of 32 bits');
    assert(
      isCount32(pod.gpuCount) && isCount32(gpuMilli) && gpuMilli <= GPU_MILLI,
      'GPUs or a share of one out of bounds',
    );
    const demand: Demand = {
      id: this.demands.length,
      cpuMilli: pod.cpuMilli,
      memoryMib: pod.memoryMib,
      gpuCount: pod.gpuCount,
      gpuMilli,
      gpuTotalMilli: pod.gpuCount * gpuMilli,
      extended,
      constraintId,
      spreadGroupId,
      podsPerNodeMax,
    };
    this.demands.push(demand);
    this.demandByKey.set(key, demand);
    return demand;
  }

  /** @returns The id of a named further resource, new or known. */
  resourceId(name: string): number {
    let id = this.resourceByName.get(name);
    if (id === undefined) {
      id = this.resourceNames.length;
      this.resourceNames.push(name);
      this.resourceByName.set(name, id);
    }
    return id;
  }

  /** @returns The id of a named further resource, or −1 if no pod or node has named it. */
  findResource(name: string): number {
    return this.resourceByName.get(name) ?? -1;
  }

  private internExtended(pod: PodSpec): readonly number[] {
    const amounts: number[] = [];
    for (const [name, amount] of Object.entries(pod.extended ?? {})) {
      if (amount <= 0) continue;
      const id = this.resourceId(name);
      while (amounts.length <= id) amounts.push(0);
      amounts[id] = amount;
    }
    return amounts;
  }

  private internConstraint(pod: PodSpec): number {
    // A model named twice is kept twice: the published benchmark counts shapes by the text of their models.
    const gpuModels = pod.gpuCount > 0 ? [...pod.gpuModels].sort() : [];
    const affinity = pod.affinity ?? [];
    if (gpuModels.length === 0 && affinity.length === 0) return 0;
    const terms = affinity.map((t) => JSON.stringify([t.key, t.operator, [...t.values].sort()])).sort();
    const key = JSON.stringify([gpuModels, terms]);
    let id = this.constraintByKey.get(key);
    if (id === undefined) {
      id = this.constraints.length;
      this.constraints.push({ gpuModels, affinity });
      this.constraintByKey.set(key, id);
    }
    return id;
  }

  private internSpreadGroup(name: string): number {
    let id = this.spreadGroupByName.get(name);
    if (id === undefined) {
      id = this.spreadGroups.length;
      requireRoom(id, SPREAD_GROUPS_MAX, 'spread groups');
      this.spreadGroups.push(name);
      this.spreadGroupByName.set(name, id);
    }
    return id;
  }
}

/**
 * Checks that ids of demands can be packed as in runs with many zones.
 *
 * @throws TegError TEG_LIMIT_REACHED beyond DEMANDS_MAX demands.
 */
export function requirePackable(demands: DemandTable): void {
  requireRoom(demands.demands.length - 1, DEMANDS_MAX, 'distinct pod shapes in a run with many zones');
}

function requireRoom(count: number, most: number, what: string): void {
  if (count < most) return;
  throw new TegError(
    'TEG_LIMIT_REACHED',
    `got more than ${most} ${what}, expected at most ${most}; round the requests of jobs, so that more of them are alike`,
  );
}

/** @returns True if the demand shares one GPU with others (less than one whole GPU). */
export function isSharing(demand: Demand): boolean {
  return demand.gpuCount === 1 && demand.gpuMilli < GPU_MILLI;
}
