/** Control groups of a benchmark: made below one of their own name, and removed with everything in them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCgroupMounts } from '../../src/drivers/guard/cgroup-mounts.ts';

const REMOVE_MS = 5000;

/** Why groups cannot be made here; undefined: they can. */
export function groupsMissing(): string | undefined {
  const { unified, memory, unifiedHasMemory } = findCgroupMounts();
  if (unified === undefined) return 'there is no cgroup2 mount';
  if (memory === undefined && !unifiedHasMemory) return 'there is no memory controller';
  return process.getuid?.() === 0 ? undefined : 'control groups can be made by root only';
}

/** Groups of one benchmark. Only these are ever touched. */
export class BenchGroups {
  readonly root: string;
  private readonly memory: string;
  private readonly freezer: string;
  private readonly isOld: boolean;

  constructor() {
    const { unified = '', memory, unifiedHasMemory } = findCgroupMounts();
    this.freezer = unified;
    this.memory = unifiedHasMemory ? unified : (memory as string);
    this.isOld = !unifiedHasMemory;
    this.root = `/teg-bench-${process.pid}`;
    this.make(this.root);
  }

  /** @returns The path of a new group below one. */
  create(parent: string, name: string): string {
    const path = `${parent}/${name}`;
    this.make(path);
    if (!this.isOld) writeFileSync(`${this.memory}${parent}/cgroup.subtree_control`, '+memory');
    return path;
  }

  limit(path: string, mib: number): void {
    const file = this.isOld ? 'memory.limit_in_bytes' : 'memory.max';
    writeFileSync(`${this.memory}${path}/${file}`, String(mib * 1048576));
  }

  /** Highest usage since the group was made, MiB, with all below it. */
  peakMib(path: string): number {
    const file = this.isOld ? 'memory.max_usage_in_bytes' : 'memory.peak';
    return Number(readFileSync(`${this.memory}${path}/${file}`, 'utf8')) / 1048576;
  }

  usageMib(path: string): number {
    const file = this.isOld ? 'memory.usage_in_bytes' : 'memory.current';
    return Number(readFileSync(`${this.memory}${path}/${file}`, 'utf8')) / 1048576;
  }

  isFrozen(path: string): boolean {
    return /^frozen 1$/m.test(readFileSync(`${this.freezer}${path}/cgroup.events`, 'utf8'));
  }

  /** Starts a program inside of a group. */
  run(path: string, command: readonly string[]): ChildProcess {
    const joins = this.folders(path).map((folder) => `echo $$ > ${folder}/cgroup.procs`);
    return spawn('sh', ['-c', `${joins.join(' && ')} && exec "$@"`, 'sh', ...command], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }

  /** Kills what runs in a group and below, and removes it. */
  async remove(path: string): Promise<void> {
    const [memory = ''] = this.folders(path);
    const freezer = this.freezer + path;
    if (!existsSync(freezer)) return;
    for (const entry of readdirSync(freezer, { withFileTypes: true }))
      if (entry.isDirectory()) await this.remove(`${path}/${entry.name}`);
    writeFileSync(`${freezer}/cgroup.freeze`, '0');
    writeFileSync(`${freezer}/cgroup.kill`, '1');
    for (const folder of new Set([memory, freezer])) await removeFolder(folder);
  }

  private make(path: string): void {
    for (const folder of this.folders(path)) mkdirSync(folder);
  }

  private folders(path: string): string[] {
    return [...new Set([this.memory, this.freezer])].map((mount) => mount + path);
  }
}

/** Zombies keep a group busy for a moment. */
async function removeFolder(folder: string): Promise<void> {
  for (const endMs = performance.now() + REMOVE_MS; ; ) {
    try {
      rmdirSync(folder);
      return;
    } catch (cause) {
      if (performance.now() > endMs) throw cause;
      await sleep(5);
    }
  }
}
