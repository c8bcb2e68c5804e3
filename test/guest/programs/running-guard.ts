/** `teg guard` as a process of a guest, asked over its socket. */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type ControlRequest, controlPath } from '../../../src/drivers/guard/control-socket.ts';
import type { GuardEvent } from '../../../src/drivers/guard/guard-events.ts';
import type { GuardStatus } from '../../../src/drivers/guard/guard-status.ts';
import { until } from './report.ts';

const STATE = '/run/teg-guard';
const LOG = '/tmp/guard.log';

/** A guard that enforces. */
export class RunningGuard {
  private readonly child: ChildProcess;
  private hasEnded = false;

  private constructor(config: Record<string, unknown>) {
    writeFileSync('/tmp/guard.json', JSON.stringify({ ...config, stateFolder: STATE }));
    const log = openSync(LOG, 'a');
    const args = [
      '--disable-warning=ExperimentalWarning',
      'src/cli/guard-main.ts',
      'guard',
      'run',
      '--enforce',
    ];
    this.child = spawn('node', [...args, '--config', '/tmp/guard.json'], {
      stdio: ['ignore', log, log],
      cwd: '/teg',
    });
    this.child.once('exit', (code, signal) => {
      this.hasEnded = true;
      process.stdout.write(`the guard ended: ${code ?? signal}\n`);
    });
  }

  /** @returns A guard that has made its first tick. @throws Error with its output if it ends before. */
  static async start(config: Record<string, unknown>): Promise<RunningGuard> {
    const guard = new RunningGuard(config);
    for (let attempt = 0; ; attempt++) {
      try {
        if (Number.isFinite((await guard.status()).wallMib)) return guard;
      } catch {}
      if (guard.hasEnded || attempt > 300) throw new Error(`the guard did not start:\n${guard.log()}`);
      await sleep(200);
    }
  }

  async ask(request: ControlRequest): Promise<unknown> {
    return await ask(controlPath(STATE), request);
  }

  async status(): Promise<GuardStatus> {
    return (await this.ask({ op: 'status' })) as GuardStatus;
  }

  async events(): Promise<GuardEvent[]> {
    return ((await this.ask({ op: 'events' })) as { readonly events: GuardEvent[] }).events;
  }

  log(): string {
    return readFileSync(LOG, 'utf8').split('\n').slice(-20).join('\n');
  }

  /** Ends it, by default so that it restores everything. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.child.kill(signal);
    await until(() => this.hasEnded, 20_000, 'the end of the guard', 20);
  }
}
