/** A guard, its watchdog, or both die at the worst moment, with a group frozen: it is thawed. On real groups. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CgroupHandle } from '../../guard/node/cgroup-backend.ts';
import { ask, controlPath } from './control-socket.ts';
import type { GuardStatus } from './guard-status.ts';
import { noRealGroups, RealGroups, until } from './real-groups.fixtures.ts';
import { selectBackend } from './select-backend.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
/** Time that a start of Node.js may take on a busy machine. */
const START_MS = 20_000;
/** What is promised to take a second, on a machine whose cores are taken by other tests. */
const SECOND_MS = 5000;
const why = noRealGroups();

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once('close', resolve));
}

/** Waits until a group stays frozen: a group that grows is frozen for moments before that. */
async function untilFrozenFor(handle: CgroupHandle, ms: number): Promise<void> {
  let since = performance.now();
  const lasts = (): boolean => {
    const now = performance.now();
    if (!handle.isFrozen()) since = now;
    return now - since >= ms;
  };
  await until(lasts, START_MS, `a freeze of ${ms} ms`);
}

/** State of a process as its `stat` says: R, S, T, … */
function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2)[0] as string;
}

/**
 * Kills both at once: a guard that runs would start another watchdog before it is killed itself.
 *
 * A guard that holds a group at its line may have thawed it for a moment. So it is stopped first, and goes on if the group runs.
 */
async function killBothWhileFrozen(
  guard: ChildProcess,
  watchdog: number,
  handle: CgroupHandle,
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    guard.kill('SIGSTOP');
    await until(() => stateOf(guard.pid as number) === 'T', START_MS, 'the stop of the guard');
    if (handle.isFrozen()) break;
    if (attempt === 100) throw new Error('the group was never frozen while its guard was stopped');
    guard.kill('SIGCONT');
    await sleep(20);
  }
  process.kill(watchdog, 'SIGKILL');
  guard.kill('SIGKILL');
  await ended(guard);
}

describe.skipIf(why !== undefined)(`a guard that dies${why === undefined ? '' : ` (${why})`}`, () => {
  let groups: RealGroups;
  let state: string;
  let guards: ChildProcess[] = [];
  let log = '';
  let count = 0;

  beforeAll(() => {
    groups = new RealGroups('crash');
  });
  afterEach(async () => {
    for (const guard of guards) {
      guard.kill('SIGTERM');
      await ended(guard);
    }
    guards = [];
    rmSync(state, { recursive: true, force: true });
  });
  afterAll(() => groups.close());

  const command = (...args: string[]): ChildProcess => {
    const child = spawn(process.execPath, [MAIN, 'guard', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout?.on('data', (chunk) => {
      log += String(chunk);
    });
    return child;
  };

  const start = async (path: string): Promise<ChildProcess> => {
    const config = join(state, 'guard.yaml');
    const settings = { wall: { of: 'groups', mib: 200 }, stateFolder: state };
    writeFileSync(config, JSON.stringify({ ...settings, groups: [{ path, optIn: true }] }));
    const guard = command('run', '--config', config, '--enforce');
    guards.push(guard);
    await until(() => log.includes('guard started'), START_MS, 'the start of the guard');
    return guard;
  };

  const status = async (): Promise<GuardStatus> =>
    (await ask(controlPath(state), { op: 'status' })) as GuardStatus;

  /** A group with a program that the guard holds at the wall. */
  const heldGroup = async (): Promise<{
    guard: ChildProcess;
    handle: CgroupHandle;
    program: ChildProcess;
  }> => {
    log = '';
    state = mkdtempSync(join(tmpdir(), 'teg-guard-'));
    const path = groups.create(`group-${count++}`);
    const guard = await start(path);
    const program = groups.allocate(path, 260, 400);
    const handle = selectBackend().open(path);
    await untilFrozenFor(handle, 500);
    return { guard, handle, program };
  };

  test('kill -9 of the guard: the watchdog thaws at once, and the program ends its work', async () => {
    const { guard, handle, program } = await heldGroup();
    guard.kill('SIGKILL');
    await until(() => !handle.isFreezeAsked(), SECOND_MS, 'the thaw');
    const output = await new Promise((resolve) => program.stdout?.once('data', resolve));
    expect(String(output)).toBe('done 260\n');
  });

  test('kill -9 of the watchdog: there is another one, and the group stays frozen', async () => {
    const { handle } = await heldGroup();
    const before = await status();
    process.kill(before.watchdogPid as number, 'SIGKILL');
    await until(() => log.split('watchdog ready').length > 2, START_MS, 'another watchdog');
    const after = await status();
    expect(after.watchdogPid).not.toBe(before.watchdogPid);
    await untilFrozenFor(handle, 200);
    expect(log).toContain('watchdog died');
  });

  test('kill -9 of both: the next guard restores first', async () => {
    const { guard, handle } = await heldGroup();
    await killBothWhileFrozen(guard, (await status()).watchdogPid as number, handle);
    expect(handle.isFrozen()).toBe(true);
    log = '';
    await start(handle.path);
    expect(log).toMatch(/"thawed":true.*restored at start/);
    expect(log.indexOf('restored at start')).toBeLessThan(log.indexOf('guard started'));
  });

  test('kill -9 of both, then undo by hand', async () => {
    const { guard, handle } = await heldGroup();
    await killBothWhileFrozen(guard, (await status()).watchdogPid as number, handle);
    log = '';
    await ended(command('undo', '--state-folder', state));
    expect(log).toBe(`${handle.path}: thawed\n`);
    expect(handle.isFreezeAsked()).toBe(false);
    log = '';
    await ended(command('undo', '--state-folder', state));
    expect(log).toBe('nothing to restore\n');
  });

  test('a guard that hangs is ended by its watchdog, and the group is thawed', async () => {
    const { guard, handle } = await heldGroup();
    guard.kill('SIGSTOP');
    await until(() => !handle.isFreezeAsked(), START_MS, 'the thaw');
    await ended(guard);
    expect(guard.signalCode).toBe('SIGKILL');
  });

  test('a guard that is asked to stop thaws, and leaves what others froze', async () => {
    const { guard, handle } = await heldGroup();
    const foreign = selectBackend().open(groups.create(`foreign-${count++}`));
    foreign.freeze();
    guard.kill('SIGTERM');
    await ended(guard);
    expect(guard.exitCode).toBe(0);
    expect(handle.isFreezeAsked()).toBe(false);
    expect(foreign.isFreezeAsked()).toBe(true);
    expect(readFileSync(join(state, 'journal'), 'utf8')).toMatch(/"op":"thaw"[^\n]*\n$/);
    foreign.thaw();
  });
});
