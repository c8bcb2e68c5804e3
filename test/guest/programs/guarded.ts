/** Groups of pure cgroup v2 with `teg guard` in charge. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlGroup, enableControllers, Holder, MIB } from './control-group.ts';
import { part, until } from './report.ts';
import { RunningGuard } from './running-guard.ts';

/** GiB of the file that is read. */
const FILE_GIB = Number(process.argv[2] ?? 10);

const CONFIG = {
  wall: { of: 'node', mib: 1400 },
  growth: { rateMaxMibPerSecond: 512, bypassMibPerSecond: 64 },
  groups: [{ path: '/jobs/*', optIn: true }],
  starvation: { frozenSeconds: 60 },
};

enableControllers();
const jobs = new ControlGroup('/jobs');
enableControllers('/jobs');
const guard = await RunningGuard.start(CONFIG);
await part('guard', async () => {
  const { backend, isRealtime, faults, marginMib } = await guard.status();
  return { backend, isRealtime, faults, marginMib };
});
await part('tmpfs', fillTmpfs);
await part('grower', grow);
await part('reader', readFile);
await part('ticks', async () => (await guard.status()).tickMicros);
await guard.stop();
await part('left', () => ({ frozen: jobs.field('cgroup.events', 'frozen'), log: guard.log() }));

/** A file larger than the group, read through the page cache. */
async function readFile(): Promise<unknown> {
  const group = limited('/jobs/reader', 256);
  let exitCode: number | null | undefined;
  const child = group.spawn('dd', ['if=/mnt/file', 'of=/dev/null', 'bs=1048576', `count=${FILE_GIB * 1024}`]);
  child.on('exit', (code) => {
    exitCode = code;
  });
  const started = performance.now();
  let usageMax = 0;
  await until(
    () => {
      usageMax = Math.max(usageMax, group.current());
      return exitCode !== undefined;
    },
    400_000,
    'the end of the reader',
    50,
  );
  const state = await stateOf('/jobs/reader');
  const isSeen = state !== undefined;
  const kills = group.kills();
  const seconds = (performance.now() - started) / 1000;
  await group.remove();
  return {
    exitCode,
    seconds,
    gib: FILE_GIB,
    usageMax,
    isSeen,
    freezes: state?.freezes,
    holds: state?.holds,
    kills,
  };
}

/** Pages of tmpfs stay when their writer stands still: only it can be stopped. */
async function fillTmpfs(): Promise<unknown> {
  const group = limited('/jobs/tmpfs', 256);
  await seen('/jobs/tmpfs');
  const { marginMib } = await guard.status();
  const line = 256 - marginMib;
  group.spawn('dd', ['if=/dev/zero', 'of=/dev/shm/filled', 'bs=1048576', 'count=400']);
  await until(() => group.current() >= line || group.isFrozen(), 60_000, 'usage in the margin');
  const frozenMs = await until(() => group.isFrozen(), 10_000, 'the writer frozen');
  await sleep(2000);
  const usage = group.current();
  const kills = group.kills();
  const events = (await guard.events()).filter((event) => JSON.stringify(event).includes('/jobs/tmpfs'));
  await group.remove();
  spawn('rm', ['/dev/shm/filled']);
  return { line, frozenMs, usage, kills, events: events.slice(-6) };
}

/** A program that outgrows its limit is held, gets more, and ends as if nothing had been. */
async function grow(): Promise<unknown> {
  const group = limited('/jobs/grower', 256);
  const holder = new Holder(group);
  await seen('/jobs/grower');
  holder.hold(320);
  await until(() => group.isFrozen(), 60_000, 'the grower held');
  await sleep(2000);
  const heldAt = group.current();
  const isDone = holder.hasSettled;
  const started = performance.now();
  group.write('memory.max', 700 * MIB);
  await holder.settled(60_000);
  const endedMs = performance.now() - started;
  const kills = group.kills();
  await group.remove();
  return { heldAt, isDone, endedMs, kills };
}

function limited(path: string, mib: number): ControlGroup {
  const group = new ControlGroup(path);
  group.write('memory.max', mib * MIB);
  return group;
}

async function stateOf(path: string) {
  return (await guard.status()).groups.find((group) => group.path === path);
}

/** Waits until the guard has the group. */
async function seen(path: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await stateOf(path)) !== undefined) return;
    await sleep(50);
  }
  throw new Error(`the guard does not see ${path}`);
}
