/** `teg simulate` and `teg compare` from the user's side. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../../../test/support/command-line.ts';
import { comparisonResultSchema, simulationResultSchema } from '../../simulation/metrics/result.ts';
import { formatDuration } from '../terminal/formatting.ts';

const ROOT = join(import.meta.dirname, '../../..');
const TEG = join(ROOT, 'bin/teg');
const SMALL = ['--cluster', 'generated:openb:20', '--jobs', 'generated:500'];

function teg(...args: string[]) {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, [TEG, ...args], {
    env,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 1 << 26,
  });
  return { status, stdout, stderr };
}

/**
 * Three nodes and five endless jobs: a policy that spreads strands the fourth, the last requests more than the cluster
 * has.
 */
const YAML = [
  ...[0, 1, 2].map(
    (i) => `apiVersion: v1
kind: Node
metadata: { name: node-${i} }
status:
  allocatable: { cpu: "8", memory: 32Gi, pods: "110", nvidia.com/gpu: "4" }
`,
  ),
  ...[1, 2, 4, 4, 16].map(
    (gpus, i) => `apiVersion: v1
kind: Pod
metadata: { name: pod-${i}, namespace: default }
spec:
  containers:
    - name: main
      resources: { requests: { cpu: 500m, memory: 1Gi, nvidia.com/gpu: "${gpus}" } }
`,
  ),
].join('---\n');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'teg-simulate-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('teg simulate', () => {
  test('prints tables, quietly when piped', () => {
    const { status, stdout, stderr } = teg(
      'simulate',
      ...SMALL,
      '--policy',
      'best-fit',
      '--timing',
      '--mtbf',
      '2d',
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const text of [
      '20 nodes',
      'GPUs in use',
      'bounded slowdown',
      'node failures',
      'gpu-share',
      'decision',
    ]) {
      expect(stdout).toContain(text);
    }
  });

  test('--json is a result, the same each time, with the series or without', () => {
    const args = ['simulate', ...SMALL, '--policy', 'random', '--seed', '7', '--json'];
    const { status, stdout, stderr } = teg(...args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const result = simulationResultSchema.parse(JSON.parse(stdout));
    expect(result).toMatchObject({ complete: true, seed: 7, policy: 'random', ended: 'drained' });
    expect(result.timing).toBeUndefined();
    const { series, ...rest } = result;
    expect(series?.atSeconds.length).toBeGreaterThanOrEqual(200);
    expect(JSON.parse(teg(...args, '--no-series').stdout)).toEqual(rest);
  });

  test('runs Kubernetes objects with a policy of the user', () => {
    const file = join(folder, 'cluster.yaml');
    writeFileSync(file, YAML);
    const policy = join(ROOT, 'examples/my-policy.ts');
    const { status, stdout } = teg(
      'simulate',
      '--cluster',
      file,
      '--jobs',
      file,
      '--policy',
      policy,
      '--json',
    );
    expect(status).toBe(0);
    const result = simulationResultSchema.parse(JSON.parse(stdout));
    expect(result.cluster).toMatchObject({ nodes: 3, gpus: 12, cpuCores: 24 });
    expect(result.jobs).toMatchObject({ arrived: 5, running: 3, waiting: 1, dropped: 1 });
    expect(result.ended).toBe('stalled');
    expect(result.peakGpu).toBeCloseTo(7 / 12, 12);
  });

  test('--explain prints the life of a job', () => {
    const { status, stdout } = teg('simulate', ...SMALL, '--policy', 'fgd', '--explain', 'job-17');
    expect(status).toBe(0);
    expect(stdout).toMatch(/ {2}started: \d+ pods?, [\d.]+ (?:s|m|h|d).* after it arrived$/m);
    expect(stdout).not.toMatch(/\(s\)/);
    expect(stdout).toMatch(/job 'job-17': \d+ pods? .*cores/);
    expect(stdout).toMatch(/ {2}pod 0 on node-\d+/);
    expect(stdout).toMatch(/released: finished/);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends it with a partial result, in all forms, and exit code %d', async (signal, code) => {
    const markdown = join(folder, `${signal}.md`);
    const html = join(folder, `${signal}.html`);
    const started = join(folder, `${signal}.started`);
    // A policy that shows when the run has begun: no delay needs to be guessed.
    const policy = join(folder, `${signal}-policy.ts`);
    writeFileSync(
      policy,
      `import { writeFileSync } from 'node:fs';
       const pause = new Int32Array(new SharedArrayBuffer(4));
       export const createPolicy = ({ cluster }) => ({
         name: 'slow',
         gpuMask: 0,
         nodesExamined: 0,
         choose(demand) {
           writeFileSync(${JSON.stringify(started)}, '');
           Atomics.wait(pause, 0, 0, 5);
           for (let node = 0; node < cluster.nodeCount; node++) {
             if (!cluster.fits(node, demand)) continue;
             this.gpuMask = cluster.bestFitGpus(node, demand);
             return node;
           }
           return -1;
         },
       });`,
    );
    const args = ['--cluster', 'generated:openb:20', '--jobs', 'generated:5000', '--policy', policy];
    const files = ['--markdown', markdown, '--html', html];
    const child = spawn(process.execPath, [TEG, 'simulate', ...args, '--json', '--no-series', ...files], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    const closed = once(child, 'close');
    while (!existsSync(started)) await sleep(20);
    child.kill(signal);
    const [status] = await closed;
    expect(status).toBe(code);
    const result = simulationResultSchema.parse(JSON.parse(stdout));
    expect(result).toMatchObject({ complete: false, ended: 'interrupted' });
    const text = readFileSync(markdown, 'utf8');
    const at = formatDuration(result.endSeconds);
    expect(text).toContain(`> **Partial:** The run was stopped before its end, at virtual time ${at}.`);
    expect(text).toContain('\n- runs: 0 complete of 1\n');
    const page = readFileSync(html, 'utf8');
    expect(page).toContain('<strong>Partial:</strong> The run was stopped before its end');
    expect(page).toContain('<dt>runs</dt><dd>0 complete of 1</dd>');
  });

  test.each([
    [['--policy', 'tegg'], 'TEG_POLICY_UNKNOWN'],
    [['--cluster', 'nowhere.csv'], 'TEG_INPUT_NOT_FOUND'],
    [['--mttr', '1h'], 'got --mttr without --mtbf'],
    [['--horizon', 'soon'], "option '--horizon <duration>': got 'soon'"],
    [['--horizon', '0'], "got '0', expected a duration above 0"],
    [['--queue', 'lifo'], 'best-effort, strict-fifo'],
    [['--explain', 'nobody'], "for example 'job-0'"],
  ])('refuses %j', async (args, message) => {
    const all = ['simulate', ...SMALL, '--policy', 'first-fit', ...args];
    const { status, stdout, stderr } = await runHere(all);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('a refusal ends the process with exit code 2', () => {
    const { status, stdout, stderr } = teg('simulate', ...SMALL, '--horizon', 'soon');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain("option '--horizon <duration>': got 'soon'");
  });
});

describe('teg compare', () => {
  const args = ['compare', ...SMALL, '--policies', 'best-fit,random', '--seeds', '1-2'];

  test('prints means and differences', () => {
    const { status, stdout, stderr } = teg(...args, '--workers', '2');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('mean over seeds');
    expect(stdout).toContain('against best-fit');
    expect(stdout).toMatch(/GPUs in use .* points ± .* (better|worse|unclear|equal)/);
  });

  test('--json is a comparison, the same bytes whatever the number of workers', () => {
    const { status, stdout } = teg(...args, '--json', '--workers', '1', '--baseline', 'random');
    expect(status).toBe(0);
    const result = comparisonResultSchema.parse(JSON.parse(stdout));
    expect(result).toMatchObject({ complete: true, baseline: 'random', seeds: [1, 2] });
    expect(result.runs.length).toBe(4);
    expect(teg(...args, '--json', '--workers', '2', '--baseline', 'random').stdout === stdout).toBe(true);
  });

  test.each([
    ['teg,best-fit,random', 'best-fit'],
    ['random,teg', 'random'],
    ['teg', 'teg'],
  ])('of %s the baseline is %s: the first that is not teg, unless named', async (policies, baseline) => {
    const small = [
      '--cluster',
      'generated:openb:5',
      '--jobs',
      'generated:20',
      '--seeds',
      '1',
      '--workers',
      '1',
    ];
    const { status, stdout } = await runHere(['compare', ...small, '--policies', policies, '--json']);
    expect(status).toBe(0);
    expect(comparisonResultSchema.parse(JSON.parse(stdout)).baseline).toBe(baseline);
  });

  test('a baseline that is not compared is refused', async () => {
    const { status, stderr } = await runHere([...args, '--baseline', 'fgd']);
    expect(status).toBe(2);
    expect(stderr).toContain('expected one of the policies best-fit, random');
  });
});

describe('--json-schema', () => {
  test.each(['simulate', 'compare'])(
    'of teg %s is a JSON Schema that describes its fields',
    async (command) => {
      const { status, stdout } = await runHere([command, '--json-schema']);
      expect(status).toBe(0);
      const schema = JSON.parse(stdout);
      expect(schema.$schema).toContain('2020-12');
      expect(schema.required).toContain('complete');
      expect(stdout).toContain('arrived = finished + dropped + failed + running + waiting');
    },
  );
});
