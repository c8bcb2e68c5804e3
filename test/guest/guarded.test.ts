/** `teg guard` in charge of groups of pure cgroup v2, in a virtual machine. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GuestRun, resultOf, runGuest, VIRTIO_DISK } from './harness/guest.ts';
import { describeWithGuest, GUARD_PACKAGES } from './harness/guest-parts.ts';

/** GiB of the file that is read through a group of 256 MiB. */
const FILE_GIB = Number(process.env.TEG_GUEST_FILE_GIB ?? 10);

describeWithGuest('the guard on cgroup v2', [], () => {
  const folder = mkdtempSync(join(tmpdir(), 'teg-guarded-'));
  const disk = join(folder, 'disk');
  let run: GuestRun;

  beforeAll(async () => {
    writeFileSync(disk, '');
    truncateSync(disk, 64 * 1024 * 1024);
    run = await runGuest({
      program: `test/guest/programs/guarded.ts ${FILE_GIB}`,
      packages: GUARD_PACKAGES,
      modules: VIRTIO_DISK,
      disks: [disk],
      // Blocks that were never written need no room on the disk, and as much page cache as others.
      prepare: 'mke2fs -b 4096 /dev/vda >/dev/null; mount -t ext4 /dev/vda /mnt; truncate -s 10G /mnt/file',
      memoryMib: 2048,
      timeoutSeconds: 300,
    });
    if (run.exitCode !== 0) console.log(run.lines);
    console.log(JSON.stringify([...run.results]));
  }, 400_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test(`a file of ${FILE_GIB} GiB is read in a group of 256 MiB without a freeze`, () => {
    expect(resultOf<Record<string, unknown>>(run, 'reader')).toMatchObject({
      exitCode: 0,
      isSeen: true,
      freezes: 0,
      holds: 0,
      kills: 0,
    });
  });

  test('who fills a tmpfs is frozen within a second, before the limit', () => {
    const tmpfs = resultOf<Record<string, number>>(run, 'tmpfs');
    expect(tmpfs.kills).toBe(0);
    expect(tmpfs.frozenMs).toBeLessThan(1000);
  });

  test('a program that outgrows its limit is held, gets more and ends', () => {
    expect(resultOf<Record<string, unknown>>(run, 'grower')).toMatchObject({ isDone: false, kills: 0 });
  });

  test('nothing is left frozen', () => {
    expect(resultOf<Record<string, unknown>>(run, 'left')).toMatchObject({ frozen: 0 });
  });
});
