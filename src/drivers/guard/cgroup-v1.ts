/**
 * Control groups of version 1: memory from its memory controller, the freezer from a version 2 mount beside it. A group has the
 * same path in both, and the same processes: a process may be in both hierarchies.
 */
import type {
  CgroupBackend,
  CgroupHandle,
  MemoryEvents,
  MemoryLimits,
  MemoryParts,
  MemoryPressure,
} from '../../guard/node/cgroup-backend.ts';
import { GroupFreezer, groupIdentity, groupsBelow } from './cgroup-group.ts';
import { cgroupPath } from './cgroup-mounts.ts';
import { fieldOf, HeldFile, HeldSwitch } from './held-file.ts';

/** The kernel's "no limit": the largest number of whole pages in an int64. */
const NO_LIMIT = 2 ** 62;

/** Version 1 of a machine. */
export class CgroupV1 implements CgroupBackend {
  readonly kind = 'v1';
  private readonly memory: string;
  private readonly unified: string;

  /** @param memory Mount of the memory controller. @param unified Mount of version 2. */
  constructor(memory: string, unified: string) {
    this.memory = memory;
    this.unified = unified;
  }

  list(path: string): string[] {
    return groupsBelow(this.memory, cgroupPath(path));
  }

  open(path: string): CgroupHandle {
    return new GroupV1(this.memory, this.unified, cgroupPath(path));
  }
}

class GroupV1 implements CgroupHandle {
  readonly path: string;
  readonly identity: string;
  private readonly freezer: GroupFreezer;
  private readonly usageFile: HeldFile;
  private readonly statFile: HeldFile;
  private readonly limitFile: HeldFile;
  private readonly failures: HeldFile;
  private readonly oom: HeldFile;
  private readonly procs: HeldFile;
  private readonly held: HeldFile;
  private readonly limitSwitch: HeldSwitch;
  private readonly emptySwitch: HeldSwitch;

  constructor(memory: string, unified: string, path: string) {
    const folder = memory + path;
    this.path = path;
    const identity = groupIdentity(memory, path);
    this.usageFile = new HeldFile(`${folder}/memory.usage_in_bytes`);
    this.statFile = new HeldFile(`${folder}/memory.stat`);
    this.limitFile = new HeldFile(`${folder}/memory.limit_in_bytes`);
    this.failures = new HeldFile(`${folder}/memory.failcnt`);
    this.oom = new HeldFile(`${folder}/memory.oom_control`);
    this.procs = new HeldFile(`${folder}/cgroup.procs`);
    this.limitSwitch = new HeldSwitch(`${folder}/memory.limit_in_bytes`);
    this.emptySwitch = new HeldSwitch(`${folder}/memory.force_empty`);
    for (const file of [this.usageFile, this.statFile, this.limitFile, this.failures, this.oom, this.procs])
      file.open();
    this.limitSwitch.open();
    this.freezer = new GroupFreezer(unified, path);
    this.identity = `${identity} ${this.freezer.identity}`;
    this.held = new HeldFile(`${unified}${path}/cgroup.procs`);
  }

  exists(): boolean {
    return !Number.isNaN(this.usageFile.number()) && this.freezer.exists();
  }

  usage(): number {
    return this.usageFile.number();
  }

  parts(): MemoryParts {
    const text = this.statFile.text() ?? '';
    const inactiveFile = fieldOf(text, 'total_inactive_file');
    return {
      anonymous: fieldOf(text, 'total_rss'),
      shared: fieldOf(text, 'total_shmem'),
      cache: inactiveFile + fieldOf(text, 'total_active_file'),
      inactiveFile,
    };
  }

  pressure(): MemoryPressure {
    return this.freezer.pressure();
  }

  events(): MemoryEvents {
    return {
      max: this.failures.number(),
      high: Number.NaN,
      oomKills: this.oom.field('oom_kill'),
    };
  }

  processCount(): number {
    return this.freezer.processCount();
  }

  /** A process that only the memory controller counts goes on growing while the group is frozen. */
  strayCount(): number {
    const held = new Set((this.held.text() ?? '').split('\n'));
    return (this.procs.text() ?? '').split('\n').filter((pid) => !held.has(pid)).length;
  }

  limits(): MemoryLimits {
    const max = this.limitFile.number();
    return { high: Number.NaN, max: max >= NO_LIMIT ? Number.POSITIVE_INFINITY : max };
  }

  setHigh(): boolean {
    return false;
  }

  setMax(bytes: number): boolean {
    // The kernel reclaims before it refuses; it does not kill on this version.
    if (bytes < this.usage()) return false;
    return this.limitSwitch.write(bytes === Number.POSITIVE_INFINITY ? '-1' : String(Math.floor(bytes)));
  }

  isFreezeAsked(): boolean {
    return this.freezer.isFreezeAsked();
  }

  isFrozen(): boolean {
    return this.freezer.isFrozen();
  }

  freeze(): boolean {
    return this.freezer.freeze();
  }

  thaw(): boolean {
    return this.freezer.thaw();
  }

  /** Empties the group as far as it goes: version 1 takes no amount. */
  reclaim(): boolean {
    return this.emptySwitch.write('0');
  }

  kill(): boolean {
    return this.freezer.kill();
  }

  close(): void {
    this.freezer.close();
    const { usageFile, statFile, limitFile, failures, oom, procs, held, limitSwitch, emptySwitch } = this;
    for (const file of [usageFile, statFile, limitFile, failures, oom, procs, held, limitSwitch, emptySwitch])
      file.close();
  }
}
