/**
 * Taints and tolerations: nodes with equal taints share a set, pods with equal tolerations share a class, and a class
 * decides once about a set (NodeUnschedulable and TaintToleration of kube-scheduler).
 */
import { grown } from '../../../../kernel/grown.ts';
import type { Taint } from '../../../../model/kubernetes/node.ts';
import type { Toleration } from '../../../../model/kubernetes/pod.ts';
import { CORDON, tolerates } from '../../../../model/readers/taints.ts';
import { evictOldest } from '../least-recent.ts';

const UNKNOWN = -1;

/** The verdicts of pods with equal tolerations on sets of taints. */
export class TolerationClass {
  /** True if they go to nodes with `spec.unschedulable`. */
  readonly toleratesUnschedulable: boolean;
  /** Time of its last use; see `least-recent.ts`. */
  usedAt = 0;
  /** Users that need it up to date: it is not dropped. */
  pins = 0;
  dropped = false;
  private readonly tolerations: readonly Toleration[];
  private readonly sets: TaintSets;
  /** By set: 1 all of its hard taints are tolerated, 0 not. */
  private verdicts: Int8Array;
  /** By set: number of its soft taints that are not tolerated. */
  private disliked: Int16Array;

  constructor(tolerations: readonly Toleration[], sets: TaintSets) {
    this.tolerations = tolerations;
    this.sets = sets;
    this.toleratesUnschedulable = this.accepts(CORDON);
    this.verdicts = new Int8Array(sets.capacity).fill(UNKNOWN);
    this.disliked = new Int16Array(sets.capacity).fill(UNKNOWN);
  }

  /** @returns True if all NoSchedule and NoExecute taints of a set are tolerated. O(1) but for the first time. */
  toleratesSet(set: number): boolean {
    if (set === 0) return true;
    const known = this.verdicts[set];
    if (known === 0 || known === 1) return known === 1;
    const all = this.sets.taintsOf(set).every((t) => t.effect === 'PreferNoSchedule' || this.accepts(t));
    if (this.sets.capacity > this.verdicts.length) this.widen();
    this.verdicts[set] = all ? 1 : 0;
    return all;
  }

  /** @returns Number of PreferNoSchedule taints of a set that are not tolerated. */
  countDisliked(set: number): number {
    if (set === 0) return 0;
    const known = this.disliked[set];
    if (known !== undefined && known !== UNKNOWN) return known;
    const taints = this.sets.taintsOf(set);
    const count = taints.filter((t) => t.effect === 'PreferNoSchedule' && !this.accepts(t)).length;
    if (this.sets.capacity > this.disliked.length) this.widen();
    this.disliked[set] = count;
    return count;
  }

  /** The set's number means other taints from now on. */
  forgetSet(set: number): void {
    if (set >= this.verdicts.length) return;
    this.verdicts[set] = UNKNOWN;
    this.disliked[set] = UNKNOWN;
  }

  private accepts(taint: Taint): boolean {
    return this.tolerations.some((toleration) => tolerates(toleration, taint));
  }

  private widen(): void {
    const length = Math.max(2 * this.verdicts.length, this.sets.capacity);
    this.verdicts = grown(this.verdicts, length, UNKNOWN);
    this.disliked = grown(this.disliked, length, UNKNOWN);
  }
}

/** The sets of taints that nodes have, and the classes that evaluate them. Set 0 has no taint. */
export class TaintSets {
  private readonly taints: (readonly Taint[])[] = [[]];
  private readonly keys: string[] = [''];
  private readonly nodesOf: number[] = [0];
  private readonly index = new Map<string, number>();
  private readonly free: number[] = [];
  private readonly classes = new Map<string, TolerationClass>();
  private readonly classesMax: number;
  private clock = 0;
  /** Nodes by soft taints, to know whether any preference is possible. */
  private readonly softSets = new Set<number>();

  constructor(classesMax: number) {
    this.classesMax = classesMax;
  }

  /** Sets are numbered below this. */
  get capacity(): number {
    return this.taints.length;
  }

  /** True if any node has a PreferNoSchedule taint. */
  get hasSoft(): boolean {
    return this.softSets.size > 0;
  }

  /** One more node has these taints. @returns Their set. */
  join(taints: readonly Taint[]): number {
    if (taints.length === 0) return 0;
    const key = JSON.stringify(taints.map((t) => [t.key, t.value, t.effect]));
    const known = this.index.get(key);
    const set = known ?? this.create(key, taints);
    this.nodesOf[set] = (this.nodesOf[set] as number) + 1;
    return set;
  }

  /** One node less has them. */
  leave(set: number): void {
    if (set === 0) return;
    const left = (this.nodesOf[set] as number) - 1;
    this.nodesOf[set] = left;
    if (left > 0) return;
    this.index.delete(this.keys[set] as string);
    this.taints[set] = [];
    this.softSets.delete(set);
    this.free.push(set);
  }

  /** The taints of a set in use. */
  taintsOf(set: number): readonly Taint[] {
    return this.taints[set] as readonly Taint[];
  }

  /** The class of pods with these tolerations; valid until it is `dropped`. */
  classOf(tolerations: readonly Toleration[]): TolerationClass {
    const key = JSON.stringify(tolerations.map((t) => [t.key, t.operator, t.value, t.effect]));
    let found = this.classes.get(key);
    if (found === undefined) {
      found = new TolerationClass(tolerations, this);
      this.classes.set(key, found);
      this.touch(found);
      evictOldest(this.classes, this.classesMax, found.usedAt, drop);
    }
    this.touch(found);
    return found;
  }

  /** The class is in use. */
  touch(used: TolerationClass): void {
    used.usedAt = ++this.clock;
  }

  /** True if some node has a PreferNoSchedule taint that the class does not tolerate. */
  anyDisliked(by: TolerationClass): boolean {
    for (const set of this.softSets) {
      if (by.countDisliked(set) > 0) return true;
    }
    return false;
  }

  private create(key: string, taints: readonly Taint[]): number {
    const set = this.free.pop() ?? this.taints.length;
    this.taints[set] = taints;
    this.keys[set] = key;
    this.nodesOf[set] = 0;
    this.index.set(key, set);
    if (taints.some((t) => t.effect === 'PreferNoSchedule')) this.softSets.add(set);
    for (const known of this.classes.values()) known.forgetSet(set);
    return set;
  }
}

function drop(gone: TolerationClass): void {
  gone.dropped = true;
}
