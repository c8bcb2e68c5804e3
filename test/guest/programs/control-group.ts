/** A control group of version 2 by its files, for programs in a guest: no code of the guard. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './report.ts';

const MOUNT = '/sys/fs/cgroup';
/** Bytes of a mebibyte. */
export const MIB = 1024 * 1024;

/** Hands the controllers on to the groups below one. */
export function enableControllers(path = ''): void {
  writeFileSync(`${MOUNT}${path}/cgroup.subtree_control`, '+memory +cpu +pids');
}

/** A group that this program has made. */
export class ControlGroup {
  readonly path: string;
  private readonly folder: string;

  constructor(path: string) {
    this.path = path;
    this.folder = MOUNT + path;
    mkdirSync(this.folder, { recursive: true });
  }

  read(file: string): string {
    return readFileSync(`${this.folder}/${file}`, 'utf8').trim();
  }

  write(file: string, value: string | number): void {
    writeFileSync(`${this.folder}/${file}`, String(value));
  }

  /** @returns One number of a file of lines `key value`; NaN if the file has no such line. */
  field(file: string, key: string): number {
    return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(this.read(file))?.[1] ?? Number.NaN);
  }

  /** @returns MiB. */
  current(): number {
    return Number(this.read('memory.current')) / MIB;
  }

  kills(): number {
    return this.field('memory.events', 'oom_kill');
  }

  /** False once the group is gone. */
  isFrozen(): boolean {
    return existsSync(this.folder) && this.field('cgroup.events', 'frozen') === 1;
  }

  /** @returns Milliseconds until it stands still. */
  async freeze(): Promise<number> {
    this.write('cgroup.freeze', 1);
    return await until(() => this.isFrozen(), 5000, `${this.path} frozen`);
  }

  thaw(): void {
    this.write('cgroup.freeze', 0);
  }

  /** Starts a program in the group. */
  spawn(command: string, args: readonly string[]): ChildProcess {
    const script = `echo $$ > ${this.folder}/cgroup.procs; exec "$0" "$@"`;
    return spawn('/bin/sh', ['-c', script, command, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  }

  /** Kills what is in it, and removes it. */
  async remove(): Promise<void> {
    this.write('cgroup.kill', 1);
    await until(() => this.field('cgroup.events', 'populated') === 0, 10_000, `${this.path} empty`);
    for (let attempt = 0; attempt < 50; attempt++) {
      try {
        rmdirSync(this.folder);
        return;
      } catch {
        await sleep(10);
      }
    }
  }
}

/** A Node.js program in a group that holds as much memory as it is asked to. */
export class Holder {
  readonly child: ChildProcess;
  private answers = 0;
  private asked = 0;
  isGone = false;

  constructor(group: ControlGroup) {
    this.child = group.spawn('node', [
      '--expose-gc',
      '--disable-warning=ExperimentalWarning',
      `${import.meta.dirname}/holder.ts`,
    ]);
    this.child.stdout?.on('data', (data: Buffer) => {
      this.answers += data.toString().split('\n').length - 1;
    });
    this.child.on('exit', () => {
      this.isGone = true;
    });
    this.child.stdin?.on('error', () => undefined);
  }

  /** Asks for MiB in buffers; `settled` says when it has them. */
  hold(mib: number): void {
    this.asked++;
    this.child.stdin?.write(`${mib}\n`);
  }

  get hasSettled(): boolean {
    return this.answers >= this.asked;
  }

  async settled(withinMs = 30_000): Promise<void> {
    await until(() => this.hasSettled || this.isGone, withinMs, 'the holder has its memory');
    if (this.isGone) throw new Error('the holder was killed');
  }
}
