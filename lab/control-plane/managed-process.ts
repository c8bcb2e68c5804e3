/**
 * A process of the control plane: started with its output in a file, watched, stopped, started again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TegError } from '../../src/model/errors.ts';
import type { ControlPlaneProcess } from './control-plane.ts';

/** How long a process may take to become ready, s. Four seconds are usual; a busy machine takes longer. */
const READY_SECONDS = 120;

/** How long a process may take to end after SIGTERM before it is killed, s. */
const STOP_SECONDS = 20;

/** Clock ticks a second in /proc: 100 on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;

const LOG_LINES_SHOWN = 8;

/** What to start. */
export interface ProcessPlan {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Folder of its log. */
  readonly folder: string;
  /** True if it serves; polled every 50 ms. */
  isReady(): Promise<boolean>;
}

/** Resources that a process used. */
interface Usage {
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** A managed process; `start` before anything else. See the head of the file. */
export class ManagedProcess implements ControlPlaneProcess {
  readonly name: string;
  readonly logFile: string;
  /** Its address, if a caller needs it: the stock scheduler's metrics. */
  url = '';
  private readonly plan: ProcessPlan;
  private readonly onChange: () => void;
  private child: ChildProcess | undefined;
  private ended: Promise<void> = Promise.resolve();
  /** Of earlier runs of the same process, and the last sample of this one. */
  private before: Usage = { cpuSeconds: 0, peakBytes: 0 };
  private latest: Usage = { cpuSeconds: 0, peakBytes: 0 };

  /** @param onChange Called when its process id changes. */
  constructor(plan: ProcessPlan, onChange: () => void) {
    this.plan = plan;
    this.name = plan.name;
    this.onChange = onChange;
    this.logFile = join(plan.folder, `${plan.name}.log`);
  }

  /** 0 while it does not run. */
  get pid(): number {
    return this.isRunning() ? (this.child?.pid ?? 0) : 0;
  }

  private isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Starts it and waits until it is ready. @throws TegError TEG_CONTROL_PLANE_FAILED with the end of its log. */
  async start(): Promise<void> {
    const log = openSync(this.logFile, 'a');
    // A group of its own: we pass Ctrl-C of a terminal on ourselves, in order.
    const child = spawn(this.plan.program, this.plan.args, {
      stdio: ['ignore', log, log],
      detached: true,
      cwd: this.plan.folder,
    });
    closeSync(log);
    this.child = child;
    this.before = sum(this.before, this.latest);
    this.latest = { cpuSeconds: 0, peakBytes: 0 };
    let failure: Error | undefined;
    this.ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', (error) => {
        failure = error;
        resolve();
      });
    });
    void this.ended.then(this.onChange);
    child.unref();
    this.onChange();
    await this.untilReady(() => failure);
  }

  private async untilReady(failure: () => Error | undefined): Promise<void> {
    const deadline = performance.now() + READY_SECONDS * 1000;
    while (performance.now() < deadline) {
      if (failure() !== undefined || !this.isRunning()) {
        throw this.failed(
          failure()?.message ?? `ended with ${this.child?.exitCode ?? this.child?.signalCode}`,
        );
      }
      if (await this.plan.isReady().catch(() => false)) return;
      await delay(50);
    }
    await this.stop('SIGKILL');
    throw this.failed(`was not ready after ${READY_SECONDS} s`);
  }

  private failed(what: string): TegError {
    const tail = readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
    return new TegError(
      'TEG_CONTROL_PLANE_FAILED',
      `${this.name} ${what}, expected it to serve; the end of its log (${this.logFile}):\n${tail}`,
    );
  }

  usage(): Usage {
    if (this.isRunning()) this.latest = usageOf(this.pid) ?? this.latest;
    return sum(this.before, this.latest);
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (!this.isRunning()) return this.ended;
    this.usage();
    this.child?.ref();
    this.child?.kill(signal);
    const timer = setTimeout(() => this.child?.kill('SIGKILL'), STOP_SECONDS * 1000);
    await this.ended;
    clearTimeout(timer);
  }

  /** For the end of our own process, where waiting is impossible. */
  killNow(): void {
    if (this.isRunning()) this.child?.kill('SIGKILL');
  }
}

function sum(a: Usage, b: Usage): Usage {
  return { cpuSeconds: a.cpuSeconds + b.cpuSeconds, peakBytes: Math.max(a.peakBytes, b.peakBytes) };
}

/**
 * CPU time of all threads of a process, ended ones included, and the most memory it had resident.
 *
 * @returns undefined if there is no such process; NaN where this system does not report it (no /proc).
 */
export function usageOf(pid: number): Usage | undefined {
  if (process.platform !== 'linux') return { cpuSeconds: Number.NaN, peakBytes: Number.NaN };
  try {
    // Fields after the name, which is in brackets and may hold any characters: utime and stime are 14 and 15.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { cpuSeconds: ticks / TICKS_PER_SECOND, peakBytes: Number(peak ?? 0) * 1024 };
  } catch {
    return undefined;
  }
}
