/** `teg replay` from the user's side, on logs that a recorded pod scheduler wrote. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRecordFile } from '../../drivers/kubernetes/record-file.ts';
import { createConstraints } from '../../governor/pods/constraints/cluster-constraints.ts';
import { POD_OPTIONS } from '../../governor/pods/pod-events.fixtures.ts';
import type { PodEvent } from '../../governor/pods/pod-events.ts';
import { PodScheduler } from '../../governor/pods/pod-scheduler.ts';
import { barePod, bareTemplate } from '../../model/kubernetes/bare-pod.ts';
import type { PodDescription } from '../../model/kubernetes/pod.ts';
import { replayExitCode } from './replay-command.ts';

const TEG = join(import.meta.dirname, '..', '..', '..', 'bin', 'teg');
let folder: string;
let log: string;
/** Its lines, for logs that are altered. */
let lines: string[];

function teg(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, [TEG, 'replay', ...args], {
    env,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 2 ** 26,
  });
  return { status, stdout, stderr };
}

function pod(n: number, cpuMilli: number): PodDescription {
  const template = bareTemplate('team-a', { cpuMilli, memoryBytes: 2 ** 20, extended: {} });
  return { ...barePod(`uid-${n}`, `pod-${n}`, template), generation: 1, createdSeconds: 1_700_000_000 + n };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'teg-replay-'));
  log = join(folder, 'decisions.log.gz');
  const file = await openRecordFile(log, POD_OPTIONS, {
    onWarning: (text) => expect.fail(text),
    madeBy: '9.9',
  });
  const scheduler = new PodScheduler(POD_OPTIONS, createConstraints());
  let t = 1_700_000_000;
  const step = (event: PodEvent): void => {
    const effects = scheduler.step(event, t);
    file.step(event, t, effects);
    t += 0.25;
    for (const effect of effects) {
      if (effect.kind === 'bind') step({ kind: 'bind-done', uid: effect.uid, outcome: 'bound' });
    }
  };
  for (let i = 0; i < 3; i++) {
    step({
      kind: 'node',
      node: {
        name: `node-${i}`,
        uid: `nu-${i}`,
        labels: { 'kubernetes.io/hostname': `node-${i}` },
        taints: [],
        unschedulable: false,
        cpuMilli: 8_000,
        memoryBytes: 2 ** 34,
        podsMax: 110,
        extended: {},
      },
    });
  }
  for (let n = 0; n < 12; n++) {
    step({ kind: 'pod', pod: pod(n, n === 7 ? 64_000 : 1_000) });
    step({ kind: 'decide', max: 8 });
  }
  await file.close();
  lines = gunzipSync(readFileSync(log)).toString().trimEnd().split('\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

function altered(name: string, change: (line: string, i: number) => string | undefined): string {
  const path = join(folder, name);
  const kept = lines.map(change).filter((line) => line !== undefined);
  writeFileSync(path, `${kept.join('\n')}\n`);
  return path;
}

describe('teg replay', () => {
  test('repeats a log', () => {
    const { status, stdout, stderr } = teg(log);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^38 steps over [\d.]+ s: 12 decisions$/m);
    expect(stdout).toMatch(/^11 binds, 1 reported unschedulable$/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('identical');
    const { status: code, stdout: json } = teg(log, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(json)).toMatchObject({
      steps: 38,
      compared: 38,
      identical: true,
      difference: null,
      binds: 11,
      end: 'complete',
      madeBy: '9.9',
      failure: '',
      pod: null,
    });
  });

  test('names the first step that differs, with both effects', () => {
    const first = lines.findIndex((line) => line.includes('"kind":"bind"'));
    const path = altered('bind.log', (line, i) => {
      if (i !== first) return line;
      const digest = (JSON.parse(line) as { digest: number }).digest;
      return line
        .replace(/"node":"node-\d"/, '"node":"node-9"')
        .replace(`"digest":${digest}`, `"digest":${digest ^ 1}`);
    });
    const { status, stdout } = teg(path);
    expect(status).toBe(5);
    expect(stdout).toMatch(
      new RegExp(`^DIFFERENT at step 4 \\(line ${first + 1}\\), event {"kind":"decide","max":8}$`, 'm'),
    );
    expect(stdout).toMatch(/^recorded: 1 effects\n {2}.*"node":"node-9"/m);
    expect(stdout).toMatch(/^replayed: 1 effects\n {2}.*"node":"node-[012]"/m);
    expect(stdout).not.toMatch(/^identical/m);
    const json = teg(path, '--json');
    expect(json.status).toBe(5);
    const { difference, identical } = JSON.parse(json.stdout);
    expect(identical).toBe(false);
    expect(difference).toMatchObject({ step: 4, line: first + 1, event: { kind: 'decide', max: 8 } });
    expect(difference.recorded[0].node).toBe('node-9');
    expect(difference.replayed[0].node).toMatch(/^node-[012]$/);
  });

  test('finds that a node was other than recorded', () => {
    const { status, stdout } = teg(
      altered('node.log', (line) => line.replace('"cpuMilli":8000', '"cpuMilli":500')),
    );
    expect(status).toBe(5);
    expect(stdout).toMatch(/^DIFFERENT at step 4 /m);
    expect(stdout).toMatch(/^ {2}.*Insufficient cpu/m);
  });

  test('of the log of a killed scheduler says that it is cut off', () => {
    const path = altered('cut.log', (line, i) => (i < 20 ? line : i === 20 ? line.slice(0, 30) : undefined));
    const text = readFileSync(path, 'utf8').trimEnd();
    writeFileSync(path, text);
    const { status, stdout } = teg(path);
    expect(status).toBe(0);
    expect(stdout).toContain('the log is cut off');
    expect(stdout).toMatch(/^identical$/m);
    expect(JSON.parse(teg(path, '--json').stdout)).toMatchObject({ end: 'cut off', identical: true });
  });

  test('reports steps without a digest, and of a recording that ended early', () => {
    const path = altered('early.log', (line, i) => {
      if (i > 10 && line.includes('"digest"')) return line.replace(/,"digest":.*$/, '}');
      return line.replace('"end":"complete"', '"end":"the limit of 9 bytes is reached"');
    });
    const { status, stdout } = teg(path);
    expect(status).toBe(0);
    expect(stdout).toContain('recording ended early: the limit of 9 bytes');
    expect(stdout).toMatch(/^identical in \d+ steps; the log has no digest of the other \d+$/m);
  });

  test("prints a pod's history", () => {
    const { status, stdout } = teg(log, '--explain', 'team-a/pod-3', '--json');
    expect(status).toBe(0);
    const { pod } = JSON.parse(stdout);
    expect(pod.history.map(({ what }: { what: string }) => what)).toEqual(['seen', 'bind', 'bound']);
    expect(pod.history[1].detail).toMatch(/^node-[012], attempt 1 after [\d.]+ s$/);
    expect(pod.explanation).toMatchObject({ name: 'pod-3', state: 'bound' });
    const { stdout: text } = teg(log, '--explain', 'team-a/pod-7');
    expect(text).toMatch(/seen +64000m cpu/);
    expect(text).toMatch(/unschedulable +Unschedulable: 0\/3 nodes are available: 3 Insufficient cpu/);
    expect(text).toMatch(/^team-a\/pod-7: waiting/m);
    const early = JSON.parse(teg(log, '--explain', 'team-a/pod-3', '--until', '13', '--json').stdout);
    expect(early.steps).toBe(13);
    expect(early.pod.history.map(({ what }: { what: string }) => what)).toEqual(['seen']);
    expect(early.pod.explanation.state).toBe('waiting');
  });
});

test.each([
  [true, '', 0],
  [false, '', 5],
  // The core failed as it had when the log was written: identical, but not a success.
  [true, 'Error: recorded', 5],
  [false, 'Error: another', 5],
])('identical: %j with the failure %j ends with %d', (identical, failure, code) => {
  expect(replayExitCode({ identical, failure })).toBe(code);
});

describe('bad input', () => {
  test.each([
    [['/no/such/log'], 2, 'TEG_INPUT_NOT_FOUND'],
    [[], 2, 'TEG_OPTION_INVALID'],
    [['LOG', '--explain', 'team-a/nobody'], 2, 'TEG_POD_UNKNOWN'],
    [['LOG', '--explain', 'a/b/c'], 2, 'expected NAMESPACE/NAME'],
    [['LOG', '--until', '0'], 2, 'a whole number of at least 1'],
  ])('%j', (args, code, message) => {
    const { status, stdout, stderr } = teg(...args.map((arg) => (arg === 'LOG' ? log : arg)));
    expect(stderr).toContain(message);
    expect({ status, stdout }).toEqual({ status: code, stdout: '' });
  });

  test('a damaged line is named', () => {
    const { status, stderr } = teg(altered('bad.log', (line, i) => (i === 5 ? '{"t":1}' : line)));
    expect(status).toBe(2);
    expect(stderr).toContain('TEG_LOG_INVALID: event log line 6 ');
    const other = teg(altered('version.log', (line) => line.replace('"version":2', '"version":7')));
    expect(other.stderr).toContain('got version 7 of the format');
  });
});
