/** Real control groups for tests: made below one of their own name, removed afterwards with everything in them. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCgroupMounts } from './cgroup-mounts.ts';

/** Why real groups cannot be made here; undefined: they can. */
export function noRealGroups(): string | undefined {
  const { unified, memory, unifiedHasMemory } = findCgroupMounts();
  if (unified === undefined) return 'skipped: there is no cgroup2 mount';
  if (memory === undefined && !unifiedHasMemory) return 'skipped: there is no memory controller';
  try {
    for (const mount of [unified, memory ?? unified]) accessSync(mount, constants.W_OK);
  } catch {
    return 'skipped: control groups can be made by root only';
  }
  return process.getuid?.() === 0 ? undefined : 'skipped: control groups can be made by root only';
}

/** Folders of a path in each hierarchy that the guard uses. */
function foldersOf(path: string): string[] {
  const { unified, unifiedHasMemory, memory } = findCgroupMounts();
  const mounts = unifiedHasMemory ? [unified] : [memory, unified];
  return mounts.map((mount) => `${mount}${path}`);
}

/** Groups of one test file. */
export class RealGroups {
  /** Of all of them, for example `/teg-test-123-laws`. */
  readonly root: string;
  private readonly children = new Set<ChildProcess>();

  constructor(name: string) {
    this.root = `/teg-test-${process.pid}-${name}`;
    this.make(this.root);
  }

  /** @returns The path of a new group. */
  create(name: string): string {
    const path = `${this.root}/${name}`;
    this.make(path);
    return path;
  }

  /** Sets a limit of version 1, or version 2. */
  limit(path: string, bytes: number): void {
    const [folder = ''] = foldersOf(path);
    const old = `${folder}/memory.limit_in_bytes`;
    writeFileSync(existsSync(old) ? old : `${folder}/memory.max`, String(bytes));
  }

  /** Starts a program inside of a group: all that it takes is counted there. */
  run(path: string, command: readonly string[]): ChildProcess {
    const join = foldersOf(path).map((folder) => `echo $$ > ${folder}/cgroup.procs`);
    const child = spawn('sh', ['-c', `${join.join(' && ')} && exec "$@"`, 'sh', ...command], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.children.add(child);
    child.on('close', () => this.children.delete(child));
    return child;
  }

  /** A program that takes MiB at a rate, then prints `done` and stays for some seconds. */
  allocate(path: string, mib: number, mibPerSecond = 1e6, seconds = 60): ChildProcess {
    return this.run(path, [
      process.execPath,
      '-e',
      ALLOCATOR,
      String(mib),
      String(mibPerSecond),
      String(seconds),
    ]);
  }

  /** Kills what runs in a group, and removes it. */
  async remove(path: string): Promise<void> {
    const folders = foldersOf(path);
    const freezer = folders.at(-1) as string;
    for (const folder of folders) {
      if (!existsSync(folder)) continue;
      for (const entry of readdirSync(folder, { withFileTypes: true }))
        if (entry.isDirectory()) await this.remove(`${path}/${entry.name}`);
    }
    if (!existsSync(freezer)) return;
    writeFileSync(`${freezer}/cgroup.kill`, '1');
    writeFileSync(`${freezer}/cgroup.freeze`, '0');
    await until(() => readFileSync(`${freezer}/cgroup.procs`, 'utf8') === '', 5000);
    for (const folder of folders) await removeEmpty(folder);
  }

  /** Removes all of them. */
  async close(): Promise<void> {
    await this.remove(this.root);
  }

  private make(path: string): void {
    for (const folder of foldersOf(path)) mkdirSync(folder);
  }
}

/** Zombies keep a group busy for a moment. */
async function removeEmpty(folder: string): Promise<void> {
  await until(() => {
    try {
      rmdirSync(folder);
      return true;
    } catch {
      return false;
    }
  }, 5000);
}

/** Waits for something to become true. @throws Error if it does not in time. */
export async function until(
  isTrue: () => boolean,
  withinMs: number,
  what = 'what was waited for',
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`${what} did not happen within ${withinMs} ms`);
    await sleep(2);
  }
}

const ALLOCATOR = `
const [mib, rate, seconds] = process.argv.slice(1).map(Number);
const kept = [];
const began = performance.now();
function step() {
  while (kept.length < mib && kept.length <= rate * (performance.now() - began) / 1000) kept.push(Buffer.alloc(1048576, 1));
  if (kept.length < mib) return setTimeout(step, 1);
  process.stdout.write('done ' + kept.reduce((sum, part) => sum + part[7], 0) + '\\n');
  setTimeout(() => 0, 1000 * seconds);
}
step();
`;
