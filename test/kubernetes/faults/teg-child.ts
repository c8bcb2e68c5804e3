/**
 * `bin/teg scheduler` as a child process, as a user would start it, with its log read and its end watched.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Guardian, startGuardian } from '../../../lab/control-plane/guardian.ts';
import { usageOf } from '../../../lab/control-plane/managed-process.ts';

const TEG = join(import.meta.dirname, '..', '..', '..', 'bin', 'teg');

/** Lines of its log that are kept. */
const LINES_KEPT = 2000;

/** How to start it. */
export interface TegOptions {
  readonly kubeconfig: string;
  /** For its configuration file. */
  readonly folder: string;
  /** Parts of the configuration; no election by default. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Called with the exit code and the end of the log if it ends without having been stopped. */
  readonly onDeath?: (what: string) => void;
}

let count = 0;
let guardian: Guardian | undefined;
const alive = new Set<number>();

function protect(): void {
  guardian ??= startGuardian(undefined);
  guardian.protect([...alive]);
}

/** One run of it. */
export class TegChild {
  readonly pid: number;
  /** Parsed lines of its log. */
  readonly lines: Record<string, unknown>[] = [];
  stderr = '';
  /** Resolves when it has ended. */
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  private readonly child: ChildProcess;
  private wanted = false;
  private rest = '';

  constructor(options: TegOptions) {
    const file = join(options.folder, `teg-${++count}.yaml`);
    const config = {
      apiVersion: 'teg.dev/v1alpha1',
      kind: 'SchedulerConfiguration',
      leaderElection: { leaderElect: false },
      server: { bindAddress: '127.0.0.1', port: 0, insecureLoopback: true },
      ...options.config,
    };
    writeFileSync(file, JSON.stringify(config));
    const args = ['scheduler', '--kubeconfig', options.kubeconfig, '--config', file];
    this.child = spawn(process.execPath, [TEG, ...args, ...(options.args ?? [])], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...options.env },
    });
    this.pid = this.child.pid ?? 0;
    alive.add(this.pid);
    protect();
    this.child.stdout?.setEncoding('utf8').on('data', (chunk: string) => this.read(chunk));
    this.child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr = (this.stderr + chunk).slice(-20_000);
    });
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        alive.delete(this.pid);
        protect();
        if (!this.wanted) {
          const last = `${this.stderr} ${JSON.stringify(this.lines.slice(-3))}`.slice(-1500);
          options.onDeath?.(`the scheduler ended on its own (${code ?? signal}): ${last}`);
        }
        resolve({ code, signal });
      });
    });
  }

  /** Whether it runs. */
  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Where its pages are; '' before it said so. */
  get url(): string {
    const line = this.lines.find(({ pages }) => typeof pages === 'string');
    return typeof line?.pages === 'string' ? line.pages : '';
  }

  /** @returns Lines with this message. */
  said(message: string): Record<string, unknown>[] {
    return this.lines.filter(({ msg }) => typeof msg === 'string' && msg.startsWith(message));
  }

  /** Sends a signal that does not end it. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.wanted = true;
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** SIGTERM, and SIGKILL if that takes more than 30 s. @returns Its exit code. */
  async stop(): Promise<number | null> {
    this.wanted = true;
    this.child.kill('SIGCONT');
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 30_000);
    const { code } = await this.ended;
    clearTimeout(timer);
    return code;
  }

  /** Resident bytes and CPU seconds. */
  usage(): { readonly cpuSeconds: number; readonly peakBytes: number } {
    return usageOf(this.pid) ?? { cpuSeconds: Number.NaN, peakBytes: Number.NaN };
  }

  /** @returns Metrics without labels, and sums of those with; by name. */
  async metrics(): Promise<Map<string, number>> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const values = new Map<string, number>();
    for (const line of text.split('\n')) {
      const match = /^([a-zA-Z_:0-9]+)(\{[^}]*\})? (\S+)$/.exec(line);
      if (match === null) continue;
      const [, name = '', labels = '', value] = match;
      values.set(name, (values.get(name) ?? 0) + Number(value));
      if (labels !== '') values.set(`${name}${labels}`, Number(value));
    }
    return values;
  }

  private read(chunk: string): void {
    const lines = (this.rest + chunk).split('\n');
    this.rest = lines.pop() as string;
    for (const line of lines) {
      let parsed: Record<string, unknown>;
      try {
        parsed = JSON.parse(line) as Record<string, unknown>;
      } catch {
        parsed = { msg: line };
      }
      this.lines.push(parsed);
      if (this.lines.length > LINES_KEPT) this.lines.splice(100, 100);
    }
  }
}
