/** Control groups of version 2: the main backend. */
import { constants } from 'node:fs';
import type {
  CgroupBackend,
  CgroupHandle,
  MemoryEvents,
  MemoryLimits,
  MemoryParts,
  MemoryPressure,
} from '../../guard/node/cgroup-backend.ts';
import { TegError } from '../../model/errors.ts';
import { GroupFreezer, groupsBelow } from './cgroup-group.ts';
import { cgroupPath } from './cgroup-mounts.ts';
import { fieldOf, HeldFile, HeldSwitch } from './held-file.ts';

/** Version 2 of a machine. */
export class CgroupV2 implements CgroupBackend {
  readonly kind = 'v2';
  private readonly mount: string;

  constructor(mount: string) {
    this.mount = mount;
  }

  list(path: string): string[] {
    return groupsBelow(this.mount, cgroupPath(path));
  }

  open(path: string): CgroupHandle {
    return new GroupV2(this.mount, cgroupPath(path));
  }
}

class GroupV2 implements CgroupHandle {
  readonly path: string;
  readonly identity: string;
  private readonly folder: string;
  private readonly freezer: GroupFreezer;
  private readonly current: HeldFile;
  private readonly statFile: HeldFile;
  private readonly eventsFile: HeldFile;
  private readonly highFile: HeldFile;
  private readonly maxFile: HeldFile;
  private readonly highSwitch: HeldSwitch;
  private readonly maxSwitch: HeldSwitch;

  constructor(mount: string, path: string) {
    this.path = path;
    this.folder = mount + path;
    this.freezer = new GroupFreezer(mount, path);
    this.identity = this.freezer.identity;
    this.current = new HeldFile(`${this.folder}/memory.current`);
    this.statFile = new HeldFile(`${this.folder}/memory.stat`);
    this.eventsFile = new HeldFile(`${this.folder}/memory.events`);
    this.highFile = new HeldFile(`${this.folder}/memory.high`);
    this.maxFile = new HeldFile(`${this.folder}/memory.max`);
    // Not blocking: the kernel then does not reclaim in the writer's time.
    this.highSwitch = new HeldSwitch(`${this.folder}/memory.high`, constants.O_WRONLY | constants.O_NONBLOCK);
    this.maxSwitch = new HeldSwitch(`${this.folder}/memory.max`);
    for (const file of [this.statFile, this.eventsFile, this.highFile, this.maxFile]) file.open();
    this.highSwitch.open();
    this.maxSwitch.open();
    if (!this.current.open()) {
      this.close();
      throw new TegError(
        'TEG_GUARD_GROUP',
        `${this.folder}: got a group without memory.current, expected the memory controller: write +memory to cgroup.subtree_control of its parents`,
      );
    }
  }

  exists(): boolean {
    return this.freezer.exists();
  }

  usage(): number {
    return this.current.number();
  }

  parts(): MemoryParts {
    const text = this.statFile.text() ?? '';
    const inactiveFile = fieldOf(text, 'inactive_file');
    return {
      anonymous: fieldOf(text, 'anon'),
      shared: fieldOf(text, 'shmem'),
      cache: inactiveFile + fieldOf(text, 'active_file'),
      inactiveFile,
    };
  }

  pressure(): MemoryPressure {
    return this.freezer.pressure();
  }

  events(): MemoryEvents {
    const text = this.eventsFile.text() ?? '';
    return { max: fieldOf(text, 'max'), high: fieldOf(text, 'high'), oomKills: fieldOf(text, 'oom_kill') };
  }

  processCount(): number {
    return this.freezer.processCount();
  }

  strayCount(): number {
    return 0;
  }

  limits(): MemoryLimits {
    return { high: this.highFile.number(), max: this.maxFile.number() };
  }

  setHigh(bytes: number): boolean {
    return this.highSwitch.write(limitText(bytes));
  }

  setMax(bytes: number): boolean {
    return !(bytes < this.usage()) && this.maxSwitch.write(limitText(bytes));
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

  reclaim(bytes: number): boolean {
    const file = new HeldSwitch(`${this.folder}/memory.reclaim`);
    try {
      return file.write(String(Math.max(Math.floor(bytes), 0)));
    } finally {
      file.close();
    }
  }

  kill(): boolean {
    return this.freezer.kill();
  }

  close(): void {
    this.freezer.close();
    const { current, statFile, eventsFile, highFile, maxFile, highSwitch, maxSwitch } = this;
    for (const file of [current, statFile, eventsFile, highFile, maxFile, highSwitch, maxSwitch])
      file.close();
  }
}

function limitText(bytes: number): string {
  return bytes === Number.POSITIVE_INFINITY ? 'max' : String(Math.floor(bytes));
}
