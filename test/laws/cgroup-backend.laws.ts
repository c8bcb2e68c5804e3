/** What every backend of control groups keeps, the simulated one as well as the kernel's. */
import { expect, test } from 'vitest';
import type { CgroupBackend, CgroupHandle } from '../../src/guard/node/cgroup-backend.ts';

const MIB = 1024 * 1024;

/** A backend, with a way to make groups for it. */
export interface CgroupRig {
  readonly backend: CgroupBackend;
  /** @returns The path of a new group, below `root`. */
  create(name: string): string;
  readonly root: string;
  /** Adds one process that has taken MiB and idles. */
  addProcess(path: string, mib: number): Promise<void>;
  remove(path: string): Promise<void>;
  /** Waits for what the kernel does in its own time. */
  until(isTrue: () => boolean): Promise<void>;
}

/** Adds the laws as tests. */
export function testCgroupBackend(rigOf: () => CgroupRig): void {
  const opened = (name: string): { rig: CgroupRig; handle: CgroupHandle; path: string } => {
    const rig = rigOf();
    const path = rig.create(name);
    return { rig, path, handle: rig.backend.open(path) };
  };

  test('lists groups right below one, sorted', () => {
    const { rig, path } = opened('list');
    rig.create('list/b');
    rig.create('list/a');
    expect(rig.backend.list(path)).toEqual([`${path}/a`, `${path}/b`]);
    expect(rig.backend.list(`${path}/a`)).toEqual([]);
    expect(rig.backend.list(`${rig.root}/missing`)).toEqual([]);
  });

  test('refuses a group that is not there', () => {
    const { rig } = opened('refuse');
    expect(() => rig.backend.open(`${rig.root}/missing`)).toThrow(
      expect.objectContaining({ code: 'TEG_GUARD_GROUP' }),
    );
  });

  test('counts the memory and the processes of a group', async () => {
    const { rig, handle, path } = opened('count');
    expect(handle.processCount()).toBe(0);
    await rig.addProcess(path, 32);
    expect(handle.usage()).toBeGreaterThanOrEqual(32 * MIB);
    const { anonymous, cache, shared } = handle.parts();
    expect(anonymous).toBeGreaterThanOrEqual(31 * MIB);
    expect(anonymous + cache + shared).toBeLessThanOrEqual(handle.usage() + 2 * MIB);
    expect([handle.processCount(), handle.strayCount()]).toEqual([1, 0]);
    expect(handle.pressure().some).toBeGreaterThanOrEqual(0);
    expect([handle.events().max, handle.events().oomKills]).toEqual([0, 0]);
  });

  test('freezes and thaws, once or twice; closed files are opened again', async () => {
    const { rig, handle, path } = opened('freeze');
    await rig.addProcess(path, 1);
    expect([handle.isFreezeAsked(), handle.isFrozen()]).toEqual([false, false]);
    for (let i = 0; i < 2; i++) expect(handle.freeze()).toBe(true);
    await rig.until(() => handle.isFrozen());
    expect(handle.isFreezeAsked()).toBe(true);
    handle.close();
    for (let i = 0; i < 2; i++) expect(handle.thaw()).toBe(true);
    await rig.until(() => !handle.isFrozen());
    expect(handle.isFreezeAsked()).toBe(false);
  });

  test('kills what is frozen', async () => {
    const { rig, handle, path } = opened('kill');
    await rig.addProcess(path, 1);
    handle.freeze();
    await rig.until(() => handle.isFrozen());
    expect(handle.kill()).toBe(true);
    handle.thaw();
    await rig.until(() => handle.processCount() === 0);
    expect(handle.exists()).toBe(true);
  });

  test('has no limit at first; takes one above the usage, and none below', async () => {
    const { rig, handle, path } = opened('limits');
    expect(handle.limits().max).toBe(Number.POSITIVE_INFINITY);
    await rig.addProcess(path, 32);
    expect(handle.setMax(512 * MIB)).toBe(true);
    expect(handle.limits().max).toBe(512 * MIB);
    expect(handle.setMax(16 * MIB)).toBe(false);
    expect(handle.limits().max).toBe(512 * MIB);
    expect(handle.processCount()).toBe(1);
    expect(handle.setMax(Number.POSITIVE_INFINITY)).toBe(true);
    expect(handle.limits().max).toBe(Number.POSITIVE_INFINITY);
  });

  test('takes a soft limit and gives it up, or says that it has none', async () => {
    const { rig, handle, path } = opened('soft');
    await rig.addProcess(path, 1);
    const { high, max } = handle.limits();
    const hasHigh = !Number.isNaN(high);
    expect(hasHigh).toBe(rig.backend.kind !== 'v1');
    expect(handle.setHigh(64 * MIB)).toBe(hasHigh);
    expect(handle.limits()).toEqual({ high: hasHigh ? 64 * MIB : Number.NaN, max });
    expect(handle.setHigh(Number.POSITIVE_INFINITY)).toBe(hasHigh);
    expect(handle.limits()).toEqual({ high, max });
  });

  test('sees that a group is gone, and that another has its path', async () => {
    const { rig, handle, path } = opened('gone');
    await rig.remove(path);
    expect(handle.exists()).toBe(false);
    expect(handle.usage()).toBeNaN();
    expect(handle.freeze()).toBe(false);
    expect(handle.thaw()).toBe(false);
    rig.create('gone');
    expect(handle.exists()).toBe(false);
    expect(rig.backend.open(path).identity).not.toBe(handle.identity);
  });
}
