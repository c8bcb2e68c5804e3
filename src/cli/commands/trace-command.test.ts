import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readJobs, readNodes } from '../../traces/read.ts';
import { SAMPLES } from '../../traces/samples.fixtures.ts';
import { addTraceCommand } from './trace-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-trace-'));
afterAll(() => rmSync(folder, { recursive: true }));

let output = '';
let complaints = '';
beforeEach(() => {
  output = '';
  complaints = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    complaints += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

/** Runs `teg trace …` in this process. */
async function trace(...args: string[]): Promise<void> {
  const program = new Command().exitOverride();
  addTraceCommand(program);
  await program.parseAsync(['trace', ...args], { from: 'user' });
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('inspect', () => {
  test.each(Object.keys(SAMPLES) as (keyof typeof SAMPLES)[])('prints the contents of %s', async (format) => {
    const path = file(`${format}.txt`, SAMPLES[format]);
    await trace('inspect', path);
    expect(output).toContain(path);
    expect(output).toContain(`· ${format} (`);
    expect(output).not.toMatch(/undefined|NaN|\[object/);
  });

  test('prints count, span, percentiles, mix, tenants and warnings of jobs', async () => {
    await trace('inspect', file('p.csv', SAMPLES.philly));
    for (const part of ['jobs      ', 'span', 'p99', 'GPUs a pod', 'GPU hours', 'tenant', 'Warnings']) {
      expect(output).toContain(part);
    }
  });

  test('prints JSON', async () => {
    await trace('inspect', file('p.csv', SAMPLES.philly), '--json');
    expect(JSON.parse(output)).toMatchObject({ format: 'philly', jobs: { jobs: 4, pods: 22 } });
  });

  test('assumptions can be changed, and only those that there are', async () => {
    const path = file('p.csv', SAMPLES.philly);
    await trace(
      'inspect',
      path,
      '--json',
      '--assume',
      'phillyCpuMilliPerGpu=0',
      '--assume',
      'gpusPerPodMax=4',
    );
    expect(JSON.parse(output).jobs).toMatchObject({ coresRequested: 0, gpusPerPod: { max: 4 } });
    await expect(trace('inspect', path, '--assume', 'x=1')).rejects.toMatchObject({
      code: 'TEG_OPTION_INVALID',
      message: expect.stringContaining('phillyCpuMilliPerGpu'),
    });
  });

  test('a format can be named, and only one that there is', async () => {
    const swf = SAMPLES.swf.replace(/^;.*$/gm, '');
    await trace('inspect', file('x.swf', swf), '--format', 'swf');
    expect(output).toContain('swf');
    await expect(trace('inspect', 'x', '--format', 'xls')).rejects.toThrow(
      "got 'xls', expected one of openb-pods",
    );
  });

  test('stops at a bad row, or leaves up to N out and reports them', async () => {
    const path = file('bad.csv', `${SAMPLES['openb-nodes']}x,1,2,99,\n`);
    await expect(trace('inspect', path)).rejects.toThrow('bad.csv:4: column \'gpu\': got "99"');
    await trace('inspect', path, '--skip-bad', '1');
    expect(complaints).toContain('left out: ');
    expect(complaints).toContain('bad.csv:4: column \'gpu\': got "99", expected an integer in [0, 30]');
    expect(output).toContain('bad rows left out');
  });
});

describe('convert', () => {
  test.each(['o.parquet', 'o.csv', 'o.csv.gz'])('to %s', async (name) => {
    const from = file('from.csv', SAMPLES['alibaba-dlrm']);
    const to = join(folder, name);
    await trace('convert', from, to);
    expect(output).toContain(`${to}: 2 jobs`);
    expect(await readJobs(to)).toEqual(await readJobs(from));
  });

  test('of a file with both, jobs are read unless nodes are requested', async () => {
    const from = file('k.yaml', SAMPLES.kubernetes);
    const to = join(folder, 'k.parquet');
    await trace('convert', from, to, '--json');
    expect(JSON.parse(output)).toMatchObject({
      kind: 'jobs',
      count: 2,
      warnings: [{ message: expect.stringContaining('gangs are ignored') }, { count: 1 }],
    });
    await trace('convert', from, to, '--kind', 'nodes');
    expect(await readNodes(to)).toEqual(await readNodes(from));
  });

  test('usage samples are kept as such', async () => {
    const to = join(folder, 'u.csv');
    await trace('convert', file('m.csv', SAMPLES['alibaba-podmem']), to);
    expect(readFileSync(to, 'utf8')).toBe('pod,t_s,memory_share\n0,0,0.5\n0,57,0.75\n1,0,0\n');
  });

  test('leaves nothing behind when it fails', async () => {
    const from = file('bad.csv', `${SAMPLES['openb-pods']}x\n`);
    const before = readdirSync(folder);
    await expect(trace('convert', from, join(folder, 'z.parquet'))).rejects.toThrow('got 1 fields');
    expect(readdirSync(folder)).toEqual(before);
    await expect(trace('convert', from, join(folder, 'z.xls'))).rejects.toThrow('.parquet, .csv, .csv.gz');
  });
});

describe('generate', () => {
  test('nodes', async () => {
    const to = join(folder, 'n.parquet');
    await trace('generate', 'nodes', to, '--nodes', '20');
    expect(await readNodes(to)).toHaveLength(20);
    await trace(
      'generate',
      'nodes',
      to,
      '--nodes',
      '5',
      '--mix',
      'homogeneous',
      '--gpus',
      '4',
      '--model',
      'L4',
    );
    expect((await readNodes(to))[4]).toMatchObject({ gpuCount: 4, gpuModel: 'L4', cpuMilli: 128_000 });
  });

  test('jobs, the same for the same seed', async () => {
    const [a, b] = [join(folder, 'a.parquet'), join(folder, 'b.parquet')];
    await trace('generate', 'jobs', a, '--jobs', '3000', '--nodes', '100', '--seed', '5');
    await trace('generate', 'jobs', b, '--jobs', '3000', '--nodes', '100', '--seed', '5', '--json');
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
    expect(output).toContain('3,000 jobs, seed 5: 90 % offered load');
    await trace('generate', 'jobs', b, '--jobs', '3000', '--nodes', '100', '--seed', '6');
    expect(readFileSync(a).equals(readFileSync(b))).toBe(false);
  });

  test('jobs for a cluster in a file', async () => {
    const cluster = file('c.csv', SAMPLES['alibaba-spot-nodes']);
    const to = join(folder, 'j.csv');
    await trace('generate', 'jobs', to, '--jobs', '500', '--cluster', cluster, '--model-share', '1');
    const models = new Set((await readJobs(to)).flatMap((job) => job.gpuModels));
    expect([...models].sort()).toEqual(['A10', 'H800']);
  });
});
