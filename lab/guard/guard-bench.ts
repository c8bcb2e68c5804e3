/** Programs larger than their memory, with nobody but the kernel, and under `teg guard`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, controlPath } from '../../src/drivers/guard/control-socket.ts';
import type { GuardStatus } from '../../src/drivers/guard/guard-status.ts';
import { BenchGroups } from './bench-groups.ts';
import { GuardLoads, type LoadName, loadEndOf } from './guard-loads.ts';

/** Limit of the parent group, which is the wall; and what each program wants. MiB. */
const WALL_MIB = 400;
const WANTED_MIB = 600;
/** The wall once there is room. */
const RAISED_MIB = 3000;
/** How long the programs stand before there is room. */
const HOLD_MS = 1000;
const END_MS = 30_000;
const START_MS = 20_000;
const CYCLES = 10;
const SPINNERS = 10;

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'guard-main.ts');

/** A kind of run. */
export interface GuardCase {
  readonly name: string;
  readonly load: LoadName;
  readonly programs: number;
  /** Of each program; Infinity: as fast as it can. */
  readonly mibPerSecond: number;
  /** Undefined: the guard's own. */
  readonly marginMib: number | undefined;
}

/** Who guards. */
export type GuardName = 'teg' | 'kernel' | 'earlyoom' | 'systemd-oomd';

/** Output of `teg bench guard --json` for a case and guard. null: not measured. */
export interface GuardBenchRow {
  readonly case: string;
  readonly guard: GuardName;
  readonly runs: number;
  readonly kills: number;
  readonly enomem: number;
  readonly crashes: number;
  /** Peak beyond the line that the guard keeps free, MiB. */
  readonly overshootMbP50: number | null;
  readonly overshootMbMax: number | null;
  /** Of all freezes, in the guard: the write, and until the group, at the end ten busy processes, was seen to stand still. */
  readonly freezeMsP50: number | null;
  readonly frozenMsP50: number | null;
  /** The write that thaws. */
  readonly thawMsP50: number | null;
  readonly tickMicrosP99: number | null;
  readonly cpuPercent: number | null;
  /** Why there are no runs; '': there are. */
  readonly reason: string;
}

/** The runs of a benchmark. */
export interface GuardPlan {
  readonly cases: readonly GuardCase[];
  readonly runs: number;
}

const MAX = Number.POSITIVE_INFINITY;
const of = (
  name: string,
  load: LoadName,
  programs: number,
  more: Partial<Pick<GuardCase, 'mibPerSecond' | 'marginMib'>> = {},
): GuardCase => ({ name, load, programs, mibPerSecond: MAX, marginMib: undefined, ...more });

/** @param quick True: a row of each kind, two runs. */
export function guardPlan(quick: boolean): GuardPlan {
  if (quick) {
    const cases = [
      of('touch x2, 16 MiB', 'touch', 2, { marginMib: 16 }),
      of('node', 'node', 1),
      of('read', 'read', 1),
    ];
    return { cases, runs: 2 };
  }
  const storm = [4, 16, 64].flatMap((marginMib) => [
    of(`1000 MiB/s, ${marginMib} MiB`, 'touch', 1, { mibPerSecond: 1000, marginMib }),
    of(`touch x2, ${marginMib} MiB`, 'touch', 2, { marginMib }),
    of(`touch-thp x2, ${marginMib} MiB`, 'touch-thp', 2, { marginMib }),
  ]);
  const kinds = (['touch', 'read', 'tmpfs', 'fork', 'node', 'python'] as const).map((load) =>
    of(load, load, 1),
  );
  return { cases: [...storm, ...kinds, of('touch x2', 'touch', 2)], runs: 5 };
}

/**
 * Runs a plan.
 *
 * @param onRow Called with each row. @param signal Ends it early: all groups are removed.
 */
export async function runGuardBench(
  plan: GuardPlan,
  onRow: (row: GuardBenchRow) => void,
  signal?: AbortSignal,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'teg-bench-guard-'));
  const groups = new BenchGroups();
  try {
    const loads = new GuardLoads(folder);
    for (const [i, each] of plan.cases.entries()) {
      const parts = { folder, groups, loads, index: i };
      for (const guard of ['kernel', 'teg'] as const) {
        if (signal?.aborted === true) return;
        const missing = loads.missing(each.load);
        onRow(
          missing === undefined
            ? await runCase(parts, each, guard, plan.runs)
            : emptyRow(each, guard, missing),
        );
      }
    }
    const why = 'it acts on the whole machine, not on a control group: for a machine of its own';
    for (const guard of ['earlyoom', 'systemd-oomd'] as const) {
      for (const each of plan.cases) onRow(emptyRow(each, guard, why));
    }
  } finally {
    await groups.remove(groups.root);
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Parts {
  readonly folder: string;
  readonly groups: BenchGroups;
  readonly loads: GuardLoads;
  readonly index: number;
}

async function runCase(
  parts: Parts,
  each: GuardCase,
  guard: GuardName,
  runs: number,
): Promise<GuardBenchRow> {
  const results: RunResult[] = [];
  let status: GuardStatus | undefined;
  for (let run = 0; run < runs; run++) {
    const parent = parts.groups.create(parts.groups.root, `${guard}-${parts.index}-${run}`);
    parts.groups.limit(parent, WALL_MIB);
    const children = Array.from({ length: each.programs }, (_, i) => parts.groups.create(parent, `p${i}`));
    const running =
      guard === 'teg' ? await RunningGuard.start(parts.folder, parent, each.marginMib) : undefined;
    try {
      results.push(await runOnce(parts, each, parent, children, running));
      if (running !== undefined && run === runs - 1) {
        await freezeByHand(parts.groups, running, children[0] as string);
        status = await running.status();
      }
    } finally {
      await running?.stop();
      await parts.groups.remove(parent);
    }
  }
  return rowOf(each, guard, results, status);
}

interface RunResult {
  readonly kills: number;
  readonly enomem: number;
  readonly crashes: number;
  readonly overshootMib: number;
}

async function runOnce(
  { groups, loads }: Parts,
  each: GuardCase,
  parent: string,
  children: readonly string[],
  guard: RunningGuard | undefined,
): Promise<RunResult> {
  const lineMib = WALL_MIB - (guard === undefined ? 0 : (await guard.status()).marginMib);
  const programs = children.map(
    (path) => new Program(groups.run(path, loads.command(each.load, WANTED_MIB, each.mibPerSecond))),
  );
  const isOver = (): boolean => programs.some(({ hasEnded }) => hasEnded);
  await until(() => isOver() || groups.usageMib(parent) > WALL_MIB / 2, END_MS);
  if (guard === undefined) await until(isOver, END_MS);
  else await sleep(HOLD_MS);
  const overshootMib = groups.peakMib(parent) - lineMib;
  groups.limit(parent, RAISED_MIB);
  await until(() => programs.every(({ hasEnded }) => hasEnded), END_MS);
  const ends = programs.map(({ output }) => loadEndOf(output));
  return {
    kills: programs.filter(({ signal }) => signal === 'SIGKILL').length,
    enomem: ends.reduce((sum, end) => sum + (end?.enomem ?? 0), 0),
    crashes: programs.filter(({ signal }, i) => signal !== 'SIGKILL' && ends[i]?.checksum !== WANTED_MIB)
      .length,
    overshootMib,
  };
}

/** A program and what it printed. */
class Program {
  output = '';
  hasEnded = false;
  signal: NodeJS.Signals | null = null;

  constructor(child: ChildProcess) {
    child.stdout?.on('data', (chunk) => {
      this.output += String(chunk);
    });
    child.on('close', (_code, signal) => {
      this.hasEnded = true;
      this.signal = signal;
    });
  }
}

/** Freezes and thaws ten busy processes through the guard, which measures it. */
async function freezeByHand(groups: BenchGroups, guard: RunningGuard, path: string): Promise<void> {
  for (let i = 0; i < SPINNERS; i++) groups.run(path, ['sh', '-c', 'while :; do :; done']);
  await sleep(200);
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    await guard.ask('freeze', path);
    await until(() => groups.isFrozen(path), 5000);
    await sleep(20);
    await guard.ask('thaw', path);
    await until(() => !groups.isFrozen(path), 5000);
    await sleep(20);
  }
}

/** A guard of the groups below one. */
class RunningGuard {
  private readonly state: string;
  private readonly child: ChildProcess;
  private log = '';

  private constructor(state: string, config: string) {
    this.state = state;
    this.child = spawn(process.execPath, [MAIN, 'guard', 'run', '--config', config, '--enforce'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child.stdout?.on('data', (chunk) => {
      this.log += String(chunk);
    });
  }

  static async start(folder: string, parent: string, marginMib: number | undefined): Promise<RunningGuard> {
    const state = mkdtempSync(join(folder, 'state-'));
    const config = join(state, 'guard.yaml');
    const headroom = marginMib === undefined ? {} : { marginMib };
    const groups = [{ path: `${parent}/*`, optIn: true }];
    writeFileSync(config, JSON.stringify({ wall: { of: parent }, headroom, groups, stateFolder: state }));
    const guard = new RunningGuard(state, config);
    await until(() => guard.log.includes('guard started'), START_MS);
    return guard;
  }

  async status(): Promise<GuardStatus> {
    return (await ask(controlPath(this.state), { op: 'status' })) as GuardStatus;
  }

  async ask(op: 'freeze' | 'thaw', group: string): Promise<void> {
    await ask(controlPath(this.state), { op, group });
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.child.once('close', resolve));
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM');
      await closed;
    }
    rmSync(this.state, { recursive: true, force: true });
  }
}

async function until(isTrue: () => boolean, withinMs: number): Promise<void> {
  for (const endMs = performance.now() + withinMs; !isTrue() && performance.now() < endMs; ) await sleep(1);
}

function rowOf(
  each: GuardCase,
  guard: GuardName,
  results: readonly RunResult[],
  status: GuardStatus | undefined,
): GuardBenchRow {
  const sum = (of: (result: RunResult) => number): number =>
    results.reduce((total, one) => total + of(one), 0);
  const overshoots = guard === 'teg' ? results.map(({ overshootMib }) => overshootMib) : [];
  return {
    ...{ case: each.name, guard, runs: results.length, reason: '' },
    kills: sum(({ kills }) => kills),
    enomem: sum(({ enomem }) => enomem),
    crashes: sum(({ crashes }) => crashes),
    overshootMbP50: median(overshoots),
    overshootMbMax: overshoots.length === 0 ? null : rounded(Math.max(...overshoots)),
    freezeMsP50: millis(status?.freezeMicros),
    frozenMsP50: millis(status?.standMicros),
    thawMsP50: millis(status?.thawMicros),
    tickMicrosP99: status === undefined ? null : rounded(status.tickMicros.p99),
    cpuPercent: status === undefined ? null : rounded((100 * status.cpuSeconds) / status.upSeconds),
  };
}

function emptyRow(each: GuardCase, guard: GuardName, reason: string): GuardBenchRow {
  return { ...rowOf(each, guard, [], undefined), reason };
}

function millis(summary: GuardStatus['tickMicros'] | undefined): number | null {
  return summary === undefined || summary.count === 0 ? null : Math.round(summary.p50) / 1000;
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? null : rounded(sorted[sorted.length >> 1] as number);
}

function rounded(value: number): number {
  return Math.round(100 * value) / 100;
}
