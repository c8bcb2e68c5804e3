/** `teg why` and `teg share` on the result of a simulation that the product makes. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitSentence } from '../economy/wait-sentences.ts';

const TEG = join(import.meta.dirname, '..', '..', '..', 'bin', 'teg');
const folder = mkdtempSync(join(tmpdir(), 'teg-why-'));
const result = join(folder, 'result.json');
afterAll(() => rmSync(folder, { recursive: true }));

const NODES = 'name,cpu_milli,memory_mib,gpu_count,gpu_model\na,64000,262144,8,H100\nb,64000,262144,8,H100\n';
const HEADER =
  'id,tenant,submit_s,duration_s,pod_count,cpu_milli,memory_mib,gpu_count,gpu_milli,gpu_models\n';

function teg(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  return spawnSync(process.execPath, [TEG, ...args], { encoding: 'utf8', env });
}

beforeAll(() => {
  writeFileSync(join(folder, 'nodes.csv'), NODES);
  const jobs = [
    'base,vision,0,100000,1,1000,1000,8,1000,H100',
    'other,nlp,0,3600,1,1000,1000,4,1000,H100',
    'second,nlp,0,3600,1,1000,1000,4,1000,H100',
    'third,nlp,0,3600,1,1000,1000,4,1000,H100',
    'big,vision,10,100,1,1000,1000,8,1000,H100',
    'more,nlp,20,900000,1,1000,1000,4,1000,H100',
  ];
  writeFileSync(join(folder, 'jobs.csv'), HEADER + jobs.join('\n'));
  writeFileSync(
    join(folder, 'tenants.yaml'),
    [
      {
        kind: 'Market',
        metadata: { name: 'default' },
        spec: { flavors: [{ name: 'h100', gpuModels: ['H100'] }], halfLife: '168h' },
      },
      {
        kind: 'Tenant',
        metadata: { name: 'vision' },
        spec: { weight: 1, quota: { h100: { 'nvidia.com/gpu': 12 } } },
      },
      {
        kind: 'Tenant',
        metadata: { name: 'nlp' },
        spec: {
          weight: 1,
          quota: { h100: { 'nvidia.com/gpu': 4 } },
          limit: { h100: { 'nvidia.com/gpu': 4 } },
        },
      },
    ]
      .map((document) => JSON.stringify({ apiVersion: 'teg.dev/v1alpha1', ...document }))
      .join('\n---\n'),
  );
  const at = (name: string): string => join(folder, name);
  const run = teg(
    'simulate',
    '--cluster',
    at('nodes.csv'),
    '--jobs',
    at('jobs.csv'),
    '--tenants',
    at('tenants.yaml'),
    '--queue',
    'teg',
    '--runtimes',
    'exact',
    '--horizon',
    '30m',
    '--json',
    '--no-series',
  );
  expect(run.stderr).toBe('');
  writeFileSync(result, run.stdout);
});

describe('teg why', () => {
  it('says why each waiting job waits', () => {
    const { stdout, status } = teg('why', result);
    expect(status).toBe(0);
    expect(stdout).toContain('big  tenant vision, 1 pod, has waited 29 m 50 s, 2 before it');
    expect(stdout).toContain('more  tenant nlp');
    expect(stdout).toContain('Tenant nlp may hold 4 GPUs of h100, holds 4 GPUs, and the job needs 4 GPUs.');
  });

  it('answers for one job, also in JSON, and for no other', () => {
    expect(JSON.parse(teg('why', 'more', result, '--json').stdout).jobs).toMatchObject([
      { id: 'more', tenant: 'nlp', code: 'limit-reached' },
    ]);
    const running = teg('why', 'base', result);
    expect(running.status).toBe(2);
    expect(running.stderr).toContain("job 'base' is not among the 4 jobs");
  });

  it('says the same of equal jobs, of which only the first was tried', () => {
    const reasons = JSON.parse(teg('why', result, '--json').stdout).jobs.map(
      ({ id, code }: { id: string; code: string }) => `${id} ${code}`,
    );
    expect(reasons).toEqual(expect.arrayContaining(['second limit-reached', 'third limit-reached']));
  });

  it('names the equal job that goes before one that the accounts held back', () => {
    const jobs = [
      'first,nlp,0,100,1,1000,1000,4,1000,H100',
      'other,vision,0,9000,1,64000,1000,8,1000,H100',
      // Takes the cores that the first one leaves.
      'cores,vision,0,9000,1,64000,1000,0,0,',
      'next,nlp,1,100,1,1000,1000,4,1000,H100',
      'last,nlp,2,100,1,1000,1000,4,1000,H100',
    ];
    const path = join(folder, 'equal-jobs.csv');
    writeFileSync(path, HEADER + jobs.join('\n'));
    const inputs = ['--cluster', join(folder, 'nodes.csv'), '--jobs', path];
    const rules = ['--tenants', join(folder, 'tenants.yaml'), '--horizon', '10m'];
    const { stdout } = teg('simulate', ...inputs, ...rules, '--json', '--no-series');
    const waiting = join(folder, 'equal-jobs.json');
    writeFileSync(waiting, stdout);
    expect(teg('why', waiting).stdout).toContain('Job next of the same tenant and size goes before it');
  });

  it('refuses what is not a result', () => {
    expect(teg('why', join(folder, 'missing.json')).stderr).toContain('TEG_INPUT_NOT_FOUND');
    expect(teg('why', join(folder, 'jobs.csv')).stderr).toContain('TEG_INPUT_UNKNOWN_FORMAT');
  });
});

describe('teg share', () => {
  it('prints the tenants of a result', () => {
    expect(teg('share', result).stdout).toMatch(/vision .*12\.0/);
  });
});

describe('waitSentence', () => {
  it('has a sentence for reservations, and figures for a code that it does not know', () => {
    expect(waitSentence('room-reserved', { forJob: 'x', startsBySeconds: 700 }, 100)).toBe(
      'There is room for it, but it would still run when job x needs that room, in 10 m 00 s.',
    );
    expect(waitSentence('strange', { a: 1 }, 0)).toBe('strange (a 1).');
  });
});
