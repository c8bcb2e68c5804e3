/**
 * The groups that a configuration names, as they come and go: opened once, read at every tick.
 *
 * Not here: what is done to them.
 */
import type { CgroupBackend, CgroupHandle } from '../../guard/node/cgroup-backend.ts';
import type { GroupSample } from '../../guard/node/guard-core.ts';
import type { NodeFacts } from '../../guard/paths/freezable.ts';
import { TegError } from '../../model/errors.ts';
import { refusalOf } from './group-rules.ts';
import { GroupSoftener } from './group-softener.ts';
import type { GuardGroupConfig } from './guard-config.ts';
import type { GuardedPods } from './guarded-pods.ts';
import { UsageReader } from './usage-reader.ts';

/** Most groups at a time; further ones are reported and left alone. */
export const OPEN_GROUPS_MAX = 1024;
const BYTES_PER_MIB = 1024 * 1024;

/** A group that is open. */
export interface OpenGroup {
  readonly handle: CgroupHandle;
  readonly config: GuardGroupConfig;
  /** Why it must not be acted on; undefined: it may. */
  readonly refusal: string | undefined;
  /** The guard froze it. */
  isOurs: boolean;
  /** It was seen to stand still since. */
  isStill: boolean;
  /** Somebody else did. */
  isForeign: boolean;
  readonly usage: UsageReader;
  /** MiB; read now and then. */
  limit: number;
  readonly soft: GroupSoftener;
  /** Freezes of it, and of these how many were short ones at its line. */
  freezes: number;
  holds: number;
  frozenSeconds: number;
  frozenAt: number;
}

/** What came and went. */
export interface TableChange {
  readonly event: 'group found' | 'group gone' | 'group refused' | 'too many groups';
  readonly group: string;
  readonly why?: string;
}

/** The groups of a guard. */
export class GroupTable {
  private readonly backend: CgroupBackend;
  private readonly config: readonly GuardGroupConfig[];
  private readonly facts: NodeFacts;
  private readonly pods: GuardedPods | undefined;
  private readonly open = new Map<string, OpenGroup>();
  /** Groups that could not be opened, with what was reported about them. */
  private readonly unusable = new Map<string, string>();

  /**
   * @param facts What is known of the node: its protected groups.
   * @param pods  Groups of pods, which come and go beside those that the configuration names; they are judged there.
   */
  constructor(
    backend: CgroupBackend,
    config: readonly GuardGroupConfig[],
    facts: NodeFacts,
    pods?: GuardedPods,
  ) {
    this.backend = backend;
    this.pods = pods;
    this.config = config;
    this.facts = facts;
  }

  /** The open groups. */
  get groups(): IterableIterator<OpenGroup> {
    return this.open.values();
  }

  /** @returns The group; undefined: not open. */
  get(path: string): OpenGroup | undefined {
    return this.open.get(path);
  }

  /** Groups that cannot be used, with the reason. */
  get faults(): ReadonlyMap<string, string> {
    return this.unusable;
  }

  /** Looks for groups that have come or gone, for their limits, and for what others did to them. Not for every tick. */
  refresh(): TableChange[] {
    const changes: TableChange[] = [];
    for (const [path, group] of this.open) {
      if (group.handle.exists()) continue;
      group.handle.close();
      this.open.delete(path);
      changes.push({ event: 'group gone', group: path });
    }
    // A group that has come back is another group: decisions about the old one are forgotten before it is opened.
    const gone = new Set(changes.map(({ group }) => group));
    const named = new Set<string>();
    const ofPods = this.pods?.entries() ?? [];
    for (const entry of [...this.config, ...ofPods]) {
      for (const path of this.pathsOf(entry)) {
        if (named.has(path)) continue;
        named.add(path);
        if (!this.open.has(path) && !gone.has(path))
          changes.push(...this.add(path, entry, ofPods.includes(entry)));
      }
    }
    for (const path of this.unusable.keys()) if (!named.has(path)) this.unusable.delete(path);
    for (const group of this.open.values()) {
      group.limit = limitOf(group);
      group.isForeign = !group.isOurs && group.handle.isFreezeAsked();
    }
    return changes;
  }

  /** Reads all groups. */
  sample(time: number, isEnforcing: boolean): GroupSample[] {
    const samples: GroupSample[] = [];
    for (const group of this.open.values()) {
      const { handle, config } = group;
      // In a dry run nothing freezes; the decisions go on as if it had.
      if (group.isOurs && !group.isStill) group.isStill = !isEnforcing || handle.isFrozen();
      samples.push({
        path: handle.path,
        usage: group.usage.read(time),
        limit: group.limit,
        isFrozen: group.isOurs && group.isStill,
        isForeign: group.isForeign,
        priority: config.priority,
        gang: config.gang,
        optedIn:
          config.optIn && group.refusal === undefined && this.pods?.refusalOf(handle.path) === undefined,
        canThrottle: config.softLimit === true && group.soft.canThrottle,
        high: group.soft.foreignMib,
        stalled: group.soft.stalled,
        ...this.pods?.budgetOf(handle.path),
      });
    }
    return samples;
  }

  /** Closes all files. */
  close(): void {
    for (const { handle } of this.open.values()) handle.close();
    this.open.clear();
  }

  private pathsOf({ path }: GuardGroupConfig): readonly string[] {
    return path.endsWith('/*') ? this.backend.list(path.slice(0, -2) || '/') : [path];
  }

  private add(path: string, config: GuardGroupConfig, isOfPod: boolean): TableChange[] {
    if (this.open.size >= OPEN_GROUPS_MAX) return this.refuse('too many groups', path, 'the table is full');
    let handle: CgroupHandle;
    try {
      handle = this.backend.open(path);
    } catch (error) {
      if (!(error instanceof TegError)) throw error;
      return this.refuse('group refused', path, error.message);
    }
    const strays = handle.strayCount();
    if (strays > 0) {
      handle.close();
      return this.refuse('group refused', path, `${strays} of its processes are not in its freezer`);
    }
    this.unusable.delete(path);
    const isNamed = config.optIn && !isOfPod;
    const refusal = isNamed ? refusalOf(path, this.backend, this.facts) : undefined;
    const group: OpenGroup = {
      handle,
      config,
      refusal,
      isOurs: false,
      isStill: false,
      usage: new UsageReader(handle),
      isForeign: handle.isFreezeAsked(),
      limit: Number.POSITIVE_INFINITY,
      soft: new GroupSoftener(handle),
      freezes: 0,
      holds: 0,
      frozenSeconds: 0,
      frozenAt: Number.NaN,
    };
    group.limit = limitOf(group);
    this.open.set(path, group);
    if (refusal !== undefined) return [{ event: 'group refused', group: path, why: refusal }];
    return [{ event: 'group found', group: path }];
  }

  /** Reported once for each reason. */
  private refuse(event: TableChange['event'], group: string, why: string): TableChange[] {
    if (this.unusable.get(group) === why) return [];
    if (this.unusable.size < OPEN_GROUPS_MAX) this.unusable.set(group, why);
    return [{ event, group, why }];
  }
}

function limitOf({ config, handle }: OpenGroup): number {
  if (config.limitMib !== undefined) return config.limitMib;
  const { max } = handle.limits();
  return Number.isFinite(max) ? max / BYTES_PER_MIB : Number.POSITIVE_INFINITY;
}
