/** What the two versions of control groups have in common: the freezer, kill and pressure of a version 2 mount. */
import { readdirSync, statSync } from 'node:fs';
import type { MemoryPressure } from '../../guard/node/cgroup-backend.ts';
import { TegError } from '../../model/errors.ts';
import { readFault } from '../../model/file-faults.ts';
import { HeldFile, HeldSwitch } from './held-file.ts';

/** @returns Paths of the groups right below one, sorted; empty if it is not there. */
export function groupsBelow(mount: string, path: string): string[] {
  try {
    return readdirSync(mount + path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => (path === '/' ? `/${name}` : `${path}/${name}`))
      .sort();
  } catch {
    return [];
  }
}

/**
 * @returns Inode and device of a group's folder: another group of the same path has others.
 * @throws TegError TEG_GUARD_GROUP.
 */
export function groupIdentity(mount: string, path: string): string {
  try {
    const { dev, ino, birthtimeMs } = statSync(mount + path);
    return `${dev}:${ino}:${Math.round(birthtimeMs)}`;
  } catch (cause) {
    throw new TegError(
      'TEG_GUARD_GROUP',
      `${mount}${path}: ${readFault(cause)}, expected a control group: create it, or correct its path`,
      { cause },
    );
  }
}

/** The freezer of one group. */
export class GroupFreezer {
  readonly identity: string;
  private readonly folder: string;
  private readonly asked: HeldFile;
  private readonly events: HeldFile;
  private readonly procs: HeldFile;
  private readonly stall: HeldFile;
  private readonly freezeSwitch: HeldSwitch;
  private readonly killSwitch: HeldSwitch;

  /** @throws TegError TEG_GUARD_GROUP: not there, or without a freezer (the root has none). */
  constructor(mount: string, path: string) {
    this.folder = mount + path;
    this.identity = groupIdentity(mount, path);
    this.asked = new HeldFile(`${this.folder}/cgroup.freeze`);
    this.events = new HeldFile(`${this.folder}/cgroup.events`);
    this.procs = new HeldFile(`${this.folder}/cgroup.procs`);
    this.stall = new HeldFile(`${this.folder}/memory.pressure`);
    this.freezeSwitch = new HeldSwitch(`${this.folder}/cgroup.freeze`);
    this.killSwitch = new HeldSwitch(`${this.folder}/cgroup.kill`);
    for (const file of [this.asked, this.events, this.procs, this.stall]) file.open();
    this.killSwitch.open();
    if (!this.freezeSwitch.open()) {
      throw new TegError(
        'TEG_GUARD_GROUP',
        `${this.folder}: got a group whose cgroup.freeze cannot be written, expected one with a freezer: the root has none, and root rights are needed`,
      );
    }
  }

  exists(): boolean {
    return !Number.isNaN(this.events.field('populated'));
  }

  isFreezeAsked(): boolean {
    return this.asked.number() === 1;
  }

  isFrozen(): boolean {
    return this.events.field('frozen') === 1;
  }

  freeze(): boolean {
    return this.freezeSwitch.write('1');
  }

  thaw(): boolean {
    return this.freezeSwitch.write('0');
  }

  kill(): boolean {
    return this.killSwitch.write('1');
  }

  processCount(): number {
    const text = this.procs.text();
    return text === undefined ? Number.NaN : text.split('\n').length - 1;
  }

  pressure(): MemoryPressure {
    const text = this.stall.text() ?? '';
    return { some: totalOf(text, 'some'), full: totalOf(text, 'full') };
  }

  close(): void {
    for (const file of [this.asked, this.events, this.procs, this.stall, this.freezeSwitch, this.killSwitch])
      file.close();
  }
}

function totalOf(text: string, kind: string): number {
  return Number.parseInt(new RegExp(`^${kind} .*total=(\\d+)`, 'm').exec(text)?.[1] ?? '', 10);
}
