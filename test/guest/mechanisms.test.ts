/** What a kernel of pure cgroup v2 does with each mechanism of the guard, by files alone, in a virtual machine. */
import { beforeAll, expect, test } from 'vitest';
import { type GuestRun, resultOf, runGuest } from './harness/guest.ts';
import { describeWithGuest } from './harness/guest-parts.ts';

const ZRAM = `echo 256M > /sys/block/zram0/disksize; mkswap /dev/zram0 >/dev/null; swapon /dev/zram0`;

describeWithGuest('mechanisms of cgroup v2', [], () => {
  let run: GuestRun;
  beforeAll(async () => {
    run = await runGuest({
      program: 'test/guest/programs/mechanisms.ts',
      modules: ['zsmalloc', 'lzo-rle', 'zram'],
      prepare: ZRAM,
      timeoutSeconds: 240,
    });
  }, 300_000);

  test('memory.high holds a program back, and lets it go on', () => {
    const throttled = resultOf<Record<string, number>>(run, 'throttle');
    expect(throttled).toMatchObject({ hasEnded: false, kills: 0 });
    expect(throttled.pastHighMib).toBeLessThan(32);
  });

  test('a frozen program neither grows nor ends, and goes on when thawed', () => {
    const frozen = resultOf<Record<string, number>>(run, 'freeze');
    expect(frozen).toMatchObject({ hasEnded: false, exitCode: 0, grownMib: 0 });
  });

  test('memory of a frozen program is taken back without running it', () => {
    const reclaimed = resultOf<Record<string, number>>(run, 'reclaim');
    expect(reclaimed).toMatchObject({ isFrozen: true, kills: 0 });
    expect(reclaimed.reclaimedMib).toBeGreaterThan(24);
  });

  test('100 limits are lowered by freeze, read, set and thaw without a kill', () => {
    const shrunk = resultOf<Record<string, number>>(run, 'shrink');
    expect(shrunk).toMatchObject({ cycles: 100, kills: 0 });
    expect(shrunk.shrunk).toBeGreaterThan(10);
  });

  test('a limit that is checked and then set kills, and so does one below the usage of a frozen group', () => {
    expect(resultOf<Record<string, number>>(run, 'shrink-unchecked').kills).toBeGreaterThan(0);
    expect(resultOf<Record<string, number>>(run, 'shrink-under-usage').kills).toBeGreaterThan(0);
  });
});
