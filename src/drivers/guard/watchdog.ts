/** Keeps a watchdog process running: starts it, sends heartbeats, and starts another one when it dies. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HEARTBEAT_MS, WATCHDOG_BEAT, WATCHDOG_END } from './watchdog-protocol.ts';

const MAIN = fileURLToPath(new URL('./watchdog-main.ts', import.meta.url));
/** Pauses before restarts in a row: one that dies at once must not become a loop. */
const RESTART_MS = [0, 100, 500, 2000] as const;
/** A watchdog that lived as long is not one of a row. */
const STEADY_MS = 10_000;
const END_MS = 2000;

/** The watchdog of one guard. */
export class Watchdog {
  private readonly journal: string;
  private readonly onEvent: (event: string, details: Record<string, unknown>) => void;
  private readonly beat: NodeJS.Timeout;
  private child: ChildProcess | undefined;
  private startedMs = 0;
  private failures = 0;
  private isStopping = false;

  /** @param onEvent Called for each start and death. */
  constructor(journal: string, onEvent: (event: string, details: Record<string, unknown>) => void) {
    this.journal = journal;
    this.onEvent = onEvent;
    this.beat = setInterval(() => this.child?.stdin?.write(WATCHDOG_BEAT), HEARTBEAT_MS);
  }

  /** Of the process; undefined while there is none. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Starts it. @returns When it is ready to restore, or has failed to start. */
  start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const child = spawn(process.execPath, [MAIN, this.journal, String(process.pid)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // A Ctrl-C at the terminal is for the guard.
      detached: true,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    this.child = child;
    this.startedMs = performance.now();
    child.stdin.on('error', () => undefined);
    child.stdout.once('data', () => {
      this.onEvent('watchdog ready', { pid: child.pid });
      resolve();
    });
    child.on('error', (error) => this.onEvent('watchdog cannot start', { error: error.message }));
    child.on('close', (code, signal) => {
      resolve();
      this.died(code, signal);
    });
    return promise;
  }

  /** Ends it without restoring: the guard has done that. */
  async stop(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.beat);
    const { child } = this;
    if (child?.stdin == null || child.exitCode !== null) return;
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    child.stdin.end(WATCHDOG_END);
    const late = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await closed;
    clearTimeout(late);
  }

  private died(code: number | null, signal: NodeJS.Signals | null): void {
    this.child = undefined;
    if (this.isStopping) return;
    this.failures = performance.now() - this.startedMs > STEADY_MS ? 0 : this.failures + 1;
    const pauseMs = RESTART_MS[Math.min(this.failures, RESTART_MS.length - 1)] as number;
    this.onEvent('watchdog died', { code, signal, again: pauseMs });
    setTimeout(() => {
      if (!this.isStopping) void this.start();
    }, pauseMs);
  }
}
