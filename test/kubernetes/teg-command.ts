/**
 * `bin/teg` as a user runs it: commands that end, and commands that run until a signal.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const TEG = join(import.meta.dirname, '..', '..', 'bin', 'teg');

/** What a command left. */
export interface Ended {
  /** Exit code; null: killed. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a command runs. */
export interface Surroundings {
  /** Value of KUBECONFIG. */
  readonly kubeconfig?: string;
  readonly folder?: string;
}

/** A command that runs. */
export class RunningTeg {
  stdout = '';
  stderr = '';
  /** Resolves when it has ended and all it wrote is read. */
  readonly ended: Promise<Ended>;
  private readonly child: ChildProcess;

  constructor(args: readonly string[], { kubeconfig, folder }: Surroundings = {}) {
    this.child = spawn(process.execPath, [TEG, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, KUBECONFIG: kubeconfig },
      ...(folder !== undefined && { cwd: folder }),
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Its log, where that is JSON. */
  get lines(): Record<string, unknown>[] {
    const whole = this.stdout.slice(0, this.stdout.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** @returns Lines of its log with this message. */
  said(message: string): Record<string, unknown>[] {
    return this.lines.filter(({ msg }) => msg === message);
  }

  /** Signals it to end, and waits. */
  async stop(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** Runs a command to its end; killed after a minute. */
export async function runTeg(args: readonly string[], surroundings: Surroundings = {}): Promise<Ended> {
  const running = new RunningTeg(args, surroundings);
  const timer = setTimeout(() => void running.stop('SIGKILL'), 60_000);
  const ended = await running.ended;
  clearTimeout(timer);
  return ended;
}
