/** `teg vopr` from the user's side. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../../../test/support/command-line.ts';
import type { VoprFailure } from '../../simulation/federation/vopr/vopr-run.ts';
import { addTotals, emptyTotals } from '../../simulation/federation/vopr/vopr-totals.ts';
import { voprExitCode, voprSchema } from '../vopr/vopr-output.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const TEG = join(ROOT, 'bin', 'teg');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'teg-vopr-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function teg(...args: string[]) {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, [TEG, 'vopr', ...args], {
    env,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 2 ** 26,
  });
  return { status, stdout, stderr };
}

/** True if a process has a handler for a signal, according to Linux. */
function watchesSignal(pid: number, signal: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

describe('many seeds', () => {
  test('come to the same for any number of workers, as the schema says', () => {
    const [one, three] = ['1', '3'].map((workers) =>
      teg('--seeds', '1-45', '--steps', '120', '--workers', workers, '--json'),
    );
    expect(one).toEqual(three);
    expect(one?.status).toBe(0);
    const result = voprSchema.strict().parse(JSON.parse(one?.stdout ?? ''));
    expect(result).toMatchObject({ seeds: 45, steps: 120, failures: [], failed: 0, plant: null });
    expect(result.faults['message-lost']).toBeGreaterThan(0);
    expect(Object.keys(result).slice(0, 4)).toEqual(['seeds', 'steps', 'faults', 'failures']);
  });

  test('are printed as text', () => {
    const { status, stdout, stderr } = teg('--seeds', '1-5', '--steps', '60');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^5 seeds of 60 steps: [\d,]+ events/);
    expect(stdout).toMatch(/^no failure$/m);
  });

  test('with a planted bug fail with the code of the failure found, and say after how many', () => {
    const { status, stdout } = teg('--seeds', '1-6', '--inject-bug', 'unchecked-arbiter');
    expect(status).toBe(3);
    expect(stdout).toMatch(/^SAFETY seed \d+ event \d+ at [\d.]+ s: /m);
    expect(stdout).toMatch(/again: teg vopr --seed \d+ --steps 500 --inject-bug unchecked-arbiter --trace/);
    expect(stdout).toMatch(/^'unchecked-arbiter' was found after \d+ seeds$/m);
    const failed = teg('--seeds', '1-12', '--inject-bug', 'unrepeated-confirm', '--json');
    expect(failed.status).toBe(4);
    const { failures } = voprSchema.parse(JSON.parse(failed.stdout));
    expect(failures[0]).toMatchObject({
      kind: 'liveness',
      message: expect.stringContaining('is confirming'),
    });
  });

  test('end with partial results when they are interrupted', async () => {
    const child = spawn(process.execPath, [TEG, 'vopr', '--seeds', '1-50000', '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (data) => {
      output.stdout += data;
    });
    child.stderr.on('data', (data) => {
      output.stderr += data;
    });
    // SIGHUP is the one signal of them that Node.js does not handle on its own.
    const closed = once(child, 'close');
    while (!watchesSignal(child.pid as number, 1)) await sleep(20);
    child.kill('SIGINT');
    expect((await closed)[0]).toBe(130);
    expect(output.stderr).toMatch(/^partial: \d+ of 50000 seeds$/m);
    expect(JSON.parse(output.stdout).seeds).toBeLessThan(50_000);
  }, 30_000);
});

describe('the exit code', () => {
  const failure = (kind: VoprFailure['kind'], seed = 1): VoprFailure => ({
    seed,
    kind,
    event: 1,
    message: '',
    timeSeconds: 0,
  });

  test.each([
    [[], 0],
    [['liveness'], 4],
    [['crash'], 5],
    [['safety'], 3],
    [['liveness', 'safety'], 3],
    [['liveness', 'crash'], 5],
    [['crash', 'safety', 'liveness'], 3],
  ] as const)('of %j is %d: the worst kind decides', (kinds, code) => {
    expect(voprExitCode(kinds.map((kind) => failure(kind)))).toBe(code);
  });

  test('knows of a safety failure behind any number of others', () => {
    const totals = emptyTotals();
    const late = emptyTotals();
    late.failures = [failure('safety', 5_000)];
    addTotals(totals, late);
    for (let seed = 0; seed < 1_500; seed += 500) {
      const more = emptyTotals();
      more.failures = Array.from({ length: 500 }, (_, i) => failure('liveness', seed + i));
      addTotals(totals, more);
    }
    expect(totals.failures.length).toBe(1_001);
    expect(voprExitCode(totals.failures)).toBe(3);
  });
});

describe('one seed', () => {
  test('is followed step by step', () => {
    const { status, stdout } = teg('--seed', '5', '--steps', '80', '--trace');
    expect(status).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('event  time_s  process  input  → sent | done');
    expect(lines[1]).toMatch(/^ {4}0 {5}0\.0000 {2}z0 {4}starts empty$/);
    expect(stdout).toMatch(/^ *\d+ +[\d.]+ {2}h\d {4}submit job 0 \(demand \d+, /m);
    expect(stdout).toMatch(/confirm<h\d job \d+ offer \d+ → started>h\d job \d+ offer \d+ \| start job \d+/);
    expect(stdout).toMatch(/^ *\d+ +[\d.]+ {2}! {5}message-overtakes$/m);
  });

  test('is recorded and replayed bit for bit', () => {
    const file = join(folder, 'run.log');
    const { status, stdout } = teg('--seed', '7', '--steps', '200', '--record', file, '--json');
    expect(status).toBe(0);
    expect(stdout).toBe(teg('--seeds', '7', '--steps', '200', '--json').stdout);
    const same = teg('--replay', file);
    expect(same.status).toBe(0);
    expect(same.stdout).toMatch(/^seed 7, \d+ inputs: the same, bit for bit\n$/);
    const lines = readFileSync(file, 'utf8').split('\n');
    const at = lines.findIndex((line) => line.includes('"submit"'));
    lines[at] = (lines[at] as string).replace(/\d+\]$/, '1]');
    writeFileSync(file, lines.join('\n'));
    const other = teg('--replay', file, '--json');
    expect(other.status).toBe(5);
    expect(JSON.parse(other.stdout).difference).toMatch(/^event \d+, process \d+, submit: /);
    lines[at] = 'nonsense';
    writeFileSync(file, lines.join('\n'));
    expect(teg('--replay', file)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(`TEG_LOG_INVALID: line ${at + 1} of`),
    });
  });
});

describe('bad input', () => {
  test.each([
    [['--seed', '1', '--seeds', '1-2'], 'one of them'],
    [['--trace'], 'add --seed'],
    [['--record', 'x'], 'add --seed'],
    [['--seed', '4294967296'], 'at most 4294967295'],
    [['--seed', '1', '--replay', 'x'], 'leave --seed'],
    [['--inject-bug', 'nothing'], 'expected one of unchecked-arbiter'],
    [['--steps', '0'], 'at least 1'],
  ])('%j is refused', async (args, message) => {
    const { status, stdout, stderr } = await runHere(['vopr', ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('TEG_OPTION_INVALID');
    expect(stderr).toContain(message);
  });

  test('ends the process with exit code 2', () => {
    const { status, stdout, stderr } = teg('--steps', '0');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('TEG_OPTION_INVALID');
  });

  test('files that are missing or cannot be written are reported', async () => {
    const missing = await runHere(['vopr', '--replay', join(folder, 'none')]);
    expect(missing).toMatchObject({ status: 2, stderr: expect.stringContaining('TEG_INPUT_NOT_FOUND') });
    const record = join(folder, 'no', 'such', 'folder');
    const { status, stderr } = await runHere(['vopr', '--seed', '1', '--record', record]);
    expect(status).toBe(1);
    expect(stderr).toContain('TEG_OUTPUT_FAILED');
    expect(existsSync(join(folder, 'no'))).toBe(false);
  });
});

test('--json-schema prints a schema', async () => {
  const schema = JSON.parse((await runHere(['vopr', '--json-schema'])).stdout);
  expect(schema.required).toEqual(expect.arrayContaining(['seeds', 'steps', 'faults', 'failures']));
});
