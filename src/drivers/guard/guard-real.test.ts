/** A program that the kernel would kill: held, thawed and ended under a guard; killed without one. On real groups. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ask, controlPath } from './control-socket.ts';
import type { GuardEvent } from './guard-events.ts';
import type { GuardStatus } from './guard-status.ts';
import { noRealGroups, RealGroups, until } from './real-groups.fixtures.ts';
import { selectBackend } from './select-backend.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
const MIB = 1024 * 1024;
const START_MS = 20_000;
/** A controller of version 1 whose groups have no time for real-time processes until they are given some. */
const CPU = '/sys/fs/cgroup/cpu';
const hasRealtimeGroups = existsSync(`${CPU}/cpu.rt_runtime_us`);
const why = noRealGroups();

/** A guard of the groups below one, which has the wall as its limit. */
class Guard {
  readonly state = mkdtempSync(join(tmpdir(), 'teg-guard-'));
  log = '';
  private readonly child: ChildProcess;

  constructor(root: string, settings: object, flags: readonly string[], cpuGroup?: string) {
    const config = join(this.state, 'guard.yaml');
    const groups = [{ path: `${root}/*`, optIn: true }];
    writeFileSync(
      config,
      JSON.stringify({ wall: { of: root }, groups, stateFolder: this.state, ...settings }),
    );
    const join_ = cpuGroup === undefined ? '' : `echo $$ > ${cpuGroup}/cgroup.procs && `;
    const run = ['guard', 'run', '--config', config, ...flags];
    this.child = spawn('sh', ['-c', `${join_}exec "$@"`, 'sh', process.execPath, MAIN, ...run], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child.stdout?.on('data', (chunk) => {
      this.log += String(chunk);
    });
  }

  async status(): Promise<GuardStatus> {
    return (await ask(controlPath(this.state), { op: 'status' })) as GuardStatus;
  }

  /** All groups stand at once: at their lines they are thawed for moments, and one of them grows at a time. */
  async whenAllFrozen(): Promise<GuardStatus> {
    for (const endMs = performance.now() + START_MS; performance.now() < endMs; await sleep(50)) {
      const status = await this.status();
      if (status.groups.every(({ frozen }) => frozen !== undefined)) return status;
    }
    throw new Error('the groups never stood all at once');
  }

  async events(): Promise<string[]> {
    const { events } = (await ask(controlPath(this.state), { op: 'events' })) as { events: GuardEvent[] };
    return events.map(({ event }) => event);
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    if (this.child.exitCode === null) await new Promise((resolve) => this.child.once('close', resolve));
    rmSync(this.state, { recursive: true });
  }
}

const outputOf = (child: ChildProcess): { text: string } => {
  const output = { text: '' };
  child.stdout?.on('data', (chunk) => {
    output.text += String(chunk);
  });
  return output;
};

describe.skipIf(why !== undefined)(
  `a program larger than its memory${why === undefined ? '' : ` (${why})`}`,
  () => {
    let groups: RealGroups;
    const guards: Guard[] = [];
    let count = 0;
    beforeAll(() => {
      groups = new RealGroups('real');
    });
    afterEach(async () => {
      for (const guard of guards.splice(0)) await guard.stop();
    });
    afterAll(() => groups.close());

    const start = async (root: string, flags: readonly string[], cpuGroup?: string): Promise<Guard> => {
      const guard = new Guard(root, {}, flags, cpuGroup);
      guards.push(guard);
      await until(() => guard.log.includes('guard started'), START_MS, 'the start of the guard');
      return guard;
    };

    /** A parent with a limit of 250 MiB, and a group in it. */
    const limited = (): { root: string; path: string } => {
      const name = `limited-${count++}`;
      const root = groups.create(name);
      groups.limit(root, 250 * MIB);
      return { root, path: groups.create(`${name}/a`) };
    };

    test('is killed by the kernel without a guard', async () => {
      const { path } = limited();
      const program = groups.allocate(path, 400, 500);
      const output = outputOf(program);
      await until(() => program.signalCode === 'SIGKILL', START_MS, 'the kill');
      expect(output.text).toBe('');
    });

    test('is killed as well while a guard without --enforce says what it would do', async () => {
      const { root, path } = limited();
      const guard = await start(root, []);
      const program = groups.allocate(path, 400, 500);
      await until(() => program.signalCode === 'SIGKILL', START_MS, 'the kill');
      expect(await guard.events()).toContain('held');
    });

    const saved = async (guard: Guard, root: string, path: string): Promise<GuardStatus> => {
      const programs = [path, groups.create(`${root.slice(groups.root.length + 1)}/b`)].map((group) =>
        groups.allocate(group, 300, 500),
      );
      const outputs = programs.map(outputOf);
      const handle = selectBackend().open(root);
      await until(() => handle.usage() > 120 * MIB, START_MS, 'the growth');
      const status = await guard.whenAllFrozen();
      expect(handle.usage()).toBeLessThan(250 * MIB);
      expect(handle.events().oomKills + handle.events().max).toBe(0);
      expect(outputs.map(({ text }) => text)).toEqual(['', '']);
      groups.limit(root, 1000 * MIB);
      await until(
        () => outputs.every(({ text }) => text === 'done 300\n'),
        START_MS,
        'the end of both programs',
      );
      return status;
    };

    test('is held below the wall, and ends its work once the wall is raised', async () => {
      const { root, path } = limited();
      const guard = await start(root, ['--enforce']);
      await saved(guard, root, path);
      expect(guard.log).not.toContain('does not freeze');
    });

    const without = hasRealtimeGroups
      ? ''
      : ' (skipped: the cpu controller of version 1 has no real-time groups)';
    test.skipIf(!hasRealtimeGroups)(
      `the same where SCHED_FIFO is refused: with a larger margin${without}`,
      async () => {
        const cpuGroup = `${CPU}/teg-test-${process.pid}`;
        mkdirSync(cpuGroup);
        const { root, path } = limited();
        const guard = await start(root, ['--enforce'], cpuGroup);
        const { isRealtime, marginMib, faults } = await saved(guard, root, path);
        expect(isRealtime).toBe(false);
        expect(marginMib).toBeGreaterThan(30);
        expect(faults).toContainEqual({ what: 'SCHED_FIFO', why: 'sched_setscheduler failed with EPERM' });
        guards.pop();
        await guard.stop();
        await until(() => tryRemove(cpuGroup), 5000);
      },
    );

    test('a group that others froze is left alone', async () => {
      const { root, path } = limited();
      const foreign = selectBackend().open(path);
      foreign.freeze();
      const guard = await start(root, ['--enforce']);
      await sleep(600);
      const [group] = (await guard.status()).groups;
      expect(group?.frozen).toBe('others');
      guards.pop();
      await guard.stop();
      expect(foreign.isFreezeAsked()).toBe(true);
      foreign.thaw();
    });
  },
);

function tryRemove(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
