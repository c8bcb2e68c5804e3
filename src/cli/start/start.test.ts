/** `teg start` from the user's side, and its choice of what to run. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { DemandTable } from '../../model/demand.ts';
import { type JobTable, JobTableBuilder } from '../../simulation/inputs/job-table.ts';
import { comparisonResultSchema } from '../../simulation/metrics/result.ts';
import { demandPeak, demandTogether, speedForPeak } from './demand-peak.ts';
import { planStart, type StartOptions } from './start-plan.ts';

const ROOT = join(import.meta.dirname, '../../..');
const TEG = join(ROOT, 'bin/teg');
const ENV = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };

const folder = mkdtempSync(join(tmpdir(), 'teg-start-'));
afterAll(() => rmSync(folder, { recursive: true }));

function start(...args: string[]) {
  const options = { env: ENV, encoding: 'utf8', timeout: 120_000, cwd: folder } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [TEG, 'start', ...args], options);
  return { status, stdout, stderr };
}

/** Paths of the reports that an output names, in order. */
function reportsOf(stdout: string): string[] {
  const block = /\nreport {4}([\s\S]*?)\nnext /.exec(stdout)?.[1] ?? '';
  return block.split('\n').map((line) => join(folder, line.trim()));
}

/** Single-GPU jobs by arrival and duration. */
function tableOf(jobs: readonly { submit: number; duration: number; gpus: number }[]): JobTable {
  const builder = new JobTableBuilder(new DemandTable());
  for (const [i, { submit, duration, gpus }] of jobs.entries()) {
    builder.add({
      id: `job-${i}`,
      tenant: 'a',
      priority: 0,
      cpuMilli: 1000,
      memoryMib: 1024,
      gpuCount: gpus,
      gpuMilli: gpus > 0 ? 1000 : 0,
      gpuModels: [],
      submitSeconds: submit,
      durationSeconds: duration,
      requestedSeconds: duration,
      podCount: 1,
      gangMin: 1,
    });
  }
  return builder.build();
}

describe('the peak of a demand', () => {
  const capacity = { gpuMilli: 10_000, cpuMilli: 100_000 };

  test('counts overlapping jobs', () => {
    const table = tableOf([
      { submit: 0, duration: 100, gpus: 2 },
      { submit: 50, duration: 100, gpus: 4 },
      { submit: 120, duration: 500, gpus: 1 },
      { submit: 1000, duration: 1, gpus: 3 },
    ]);
    expect(demandPeak(table, capacity)).toBeCloseTo(0.6, 9);
    expect(demandTogether(table, capacity)).toBeCloseTo(1, 9);
    expect(demandPeak(table, { gpuMilli: 0, cpuMilli: 4000 })).toBeCloseTo(0.5, 9);
    expect(demandPeak(tableOf([]), capacity)).toBe(0);
  });

  test('is the brute-force one, where jobs are long against the instants looked at', () => {
    const job = fc.record({
      submit: fc.integer({ min: 0, max: 4096 }),
      duration: fc.integer({ min: 20, max: 5000 }),
      gpus: fc.integer({ min: 0, max: 8 }),
    });
    checkProperty(
      fc.property(fc.array(job, { minLength: 2, maxLength: 40 }), (jobs) => {
        const table = tableOf(jobs);
        const first = Math.min(...jobs.map(({ submit }) => submit));
        const spread = jobs.map((j) => ({ ...j, submit: j.submit - first }));
        const most = Math.max(
          ...spread.map(({ submit: at }) =>
            spread.reduce((sum, j) => sum + (j.submit <= at && at < j.submit + j.duration ? j.gpus : 0), 0),
          ),
        );
        expect(demandPeak(table, capacity)).toBeLessThanOrEqual(most / 10 + 1e-9);
        const instants = tableOf(jobs.map((j) => ({ ...j, duration: j.duration + 2 })));
        expect(demandPeak(instants, capacity)).toBeGreaterThanOrEqual(most / 10 - 1e-9);
      }),
      { numRuns: 100 },
    );
  });

  test('grows with speed to the target, and not much beyond', () => {
    const jobs = Array.from({ length: 400 }, (_, i) => ({ submit: i * 60, duration: 90, gpus: 1 }));
    const table = tableOf(jobs);
    const speed = speedForPeak(table, capacity, 1.2) as number;
    expect(demandPeak(table, capacity, speed)).toBeGreaterThanOrEqual(1.1);
    expect(demandPeak(table, capacity, speed * 0.8)).toBeLessThan(1.2);
    expect(speed).toBeCloseTo(7.5, 0);
    expect(speedForPeak(table, capacity, 41)).toBeUndefined();
    expect(speedForPeak(table, capacity, 0.01)).toBe(1);
  });
});

const header =
  'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time';

describe('the plan', () => {
  const options: StartOptions = { policies: ['teg', 'kube-scheduler', 'fgd'], out: 'reports' };

  test('without options: 2,000 generated nodes near their limit, four seeds', async () => {
    const { task } = await planStart(options);
    expect(task).toMatchObject({
      cluster: 'generated:openb:2000',
      jobs: 'generated:100000:0.95:8h',
      policies: ['teg', 'kube-scheduler', 'fgd'],
      seeds: [1, 2, 3, 4],
      baseline: 'kube-scheduler',
      warmupSeconds: 14_400,
    });
  });

  test('counts are for generated nodes and jobs', async () => {
    expect((await planStart({ ...options, nodes: '500' })).task).toMatchObject({
      cluster: 'generated:openb:500',
      jobs: 'generated:25000:0.95:8h',
    });
    expect((await planStart({ ...options, jobs: '1e4', quick: true })).task).toMatchObject({
      cluster: 'generated:openb:100',
      jobs: 'generated:10000:0.95:8h',
      seeds: [1, 2, 3, 4, 5],
    });
    expect((await planStart({ ...options, quick: true })).task.jobs).toBe('generated:2500:0.95:8h');
  });

  test('jobs that all arrive while the cluster fills up are measured from the first one on', async () => {
    const { task, intro } = await planStart({ ...options, nodes: '5', jobs: '5' });
    expect(task).not.toHaveProperty('warmupSeconds');
    expect(intro.at(-1)).toMatch(/^All jobs arrive within .*: figures are from the first arrival on/);
    const many = await planStart({ ...options, nodes: '50', jobs: '2500' });
    expect(many.task.warmupSeconds).toBe(14_400);
  });

  test.each([
    [{ nodes: '0' }, /got '0', expected a whole number/],
    [{ jobs: '1.5' }, /got '1.5', expected a whole number/],
    [{ pods: 'a.csv', jobs: '5' }, /got --pods 'a.csv' and --jobs '5', expected one of them/],
  ])('%j is refused', async (more, message) => {
    await expect(planStart({ ...options, ...more })).rejects.toThrow(
      expect.objectContaining({ code: 'TEG_OPTION_INVALID', message: expect.stringMatching(message) }),
    );
  });

  const nodesFile = join(folder, 'nodes.csv');
  writeFileSync(
    nodesFile,
    `sn,cpu_milli,memory_mib,gpu,model\n${Array.from({ length: 10 }, (_, i) => `n-${i},64000,262144,8,G2\n`).join('')}`,
  );
  const pods = (count: number, gap: number, seconds: number): string => {
    const path = join(folder, `pods-${count}-${gap}-${seconds}.csv`);
    const rows = Array.from({ length: count }, (_, i) => {
      const at = i * gap;
      return `p-${i},8000,16384,1,1000,,LS,Succeeded,${at},${at + seconds},${at}`;
    });
    writeFileSync(path, `${[header, ...rows].join('\n')}\n`);
    return path;
  };

  test('a file that fills the cluster runs as recorded, drawn again for each seed', async () => {
    const busy = { ...options, nodes: nodesFile, pods: pods(300, 10, 700) };
    const { task, intro } = await planStart(busy);
    expect(task).toMatchObject({ cluster: nodesFile, jobs: busy.pods, resample: true });
    expect(task).not.toHaveProperty('load');
    expect(task).not.toHaveProperty('horizonSeconds');
    expect(intro.join('\n')).toContain('As recorded its demand peaks at 88 % of the GPUs.');
    expect((await planStart({ ...busy, seeds: [7] })).task.resample).toBe(false);
  });

  test('a light file is put under pressure, unless the options say how to run', async () => {
    const light = { ...options, quick: true, nodes: nodesFile, pods: pods(300, 600, 700) };
    const { task, intro } = await planStart(light);
    expect(task.repeat).toBe(7);
    expect(task.load).toBeGreaterThan(50);
    expect(task.load).toBeLessThan(100);
    expect(task.horizonSeconds).toBeGreaterThan((7 * 300 * 600) / (task.load as number));
    expect(intro.join('\n')).toMatch(
      /never exceeds 2\.5 % of the GPUs, .*\n.* 7 times over with arrivals \d+ times/,
    );
    const asRecorded = await planStart({ ...light, arrivalSpeed: 1 });
    expect(asRecorded.task).toMatchObject({ load: 1 });
    expect(asRecorded.task).not.toHaveProperty('repeat');
  });
});

describe('teg start', () => {
  test('--quick compares, prints, and leaves reports', () => {
    const { status, stdout, stderr } = start('--quick', '--nodes', '20', '--workers', '2');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines =
      stdout.match(/^ {2}seed \d {2}\S+ +[\d,]+ jobs, \d+\.\d % of GPUs in use, mean wait .*\)$/gm) ?? [];
    expect(lines.length).toBe(15);
    expect(stdout).toMatch(/^mean of 5 seeds +teg +kube-scheduler +fgd$/m);
    expect(stdout).toMatch(/^TEG kept \d+\.\d % of \d+ GPUs in use while jobs arrived: /m);
    expect(stdout).toMatch(
      /^TEG against fgd, of \d+ figures: better in \d+, worse in \d+, no clear difference in \d+/m,
    );
    expect(stdout).toMatch(/^ +npm start -- --nodes nodes\.csv --pods pods\.csv/m);
    expect(stdout).toMatch(
      /^Three tenants on 96 GPUs, [\s\S]* students \d+\.\d GPUs beyond its quota of\s+0[,;]/m,
    );
    const [, gang = '', by] =
      /^The gang (\S+) of vision \(3 × 8 GPUs\) was promised a start by (.*), and\s+started\s+at\s+/m.exec(
        stdout,
      ) ?? [];
    expect(by).toBeDefined();
    const tenants = reportsOf(stdout)[3] ?? '';
    const why = spawnSync(process.execPath, [TEG, 'why', gang, tenants], { env: ENV, encoding: 'utf8' });
    expect(why.stdout).toContain('Room on 3 nodes is reserved for it: it starts in');
    const [html = '', markdown = '', json = ''] = reportsOf(stdout);
    expect(html).toMatch(/\/reports\/start-\d{8}-\d{6}\.html$/);
    const page = readFileSync(html, 'utf8');
    expect(page.match(/<figure /g)?.length).toBe(8);
    expect(page).toContain('<h1>TEG against kube-scheduler and fgd on 20 nodes');
    const text = readFileSync(markdown, 'utf8');
    expect(text).toMatch(
      /\nbin\/teg compare --cluster generated:openb:20 --jobs generated:500:0\.95:8h .*--warmup 14400/,
    );
    const result = comparisonResultSchema.parse(JSON.parse(readFileSync(json, 'utf8')));
    expect(result).toMatchObject({
      complete: true,
      seeds: [1, 2, 3, 4, 5],
      policies: ['teg', 'kube-scheduler', 'fgd'],
    });
  });

  test('the command in the report gives the same figures', () => {
    const args = ['--nodes', '20', '--jobs', '500', '--policies', 'best-fit,fgd', '--seeds', '3'];
    const { stdout } = start(...args);
    expect(stdout).toContain('\nOne seed cannot show a difference: run three or more (--seeds 1-5)');
    const [, markdown = '', json = ''] = reportsOf(stdout);
    const command =
      /\nbin\/teg (.*) --timing --html report\.html\n/.exec(readFileSync(markdown, 'utf8'))?.[1] ?? '';
    const again = spawnSync('sh', ['-c', `'${process.execPath}' '${TEG}' ${command} --json`], {
      env: ENV,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    const bare = (text: string): unknown[] =>
      comparisonResultSchema.parse(JSON.parse(text)).runs.map(({ series: _s, timing: _t, ...run }) => run);
    expect(bare(again.stdout)).toEqual(bare(readFileSync(json, 'utf8')));
  });

  test('reports on a cluster without GPUs', () => {
    const nodes = join(folder, 'cpu-nodes.csv');
    const jobs = join(folder, 'cpu-pods.csv');
    writeFileSync(nodes, 'sn,cpu_milli,memory_mib,gpu,model\nc-0,64000,262144,0,\nc-1,64000,262144,0,\n');
    const rows = Array.from(
      { length: 60 },
      (_, i) => `p-${i},8000,4096,0,0,,LS,Succeeded,${i * 9},${i * 9 + 300},${i * 9}`,
    );
    writeFileSync(jobs, `${[header, ...rows].join('\n')}\n`);
    const args = [
      '--nodes',
      nodes,
      '--pods',
      jobs,
      '--seeds',
      '1',
      '--policies',
      'best-fit,random',
      '--out',
      'cpu',
    ];
    const { status, stdout, stderr } = start(...args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [html = '', markdown = '', json = ''] = reportsOf(stdout);
    expect(readFileSync(html, 'utf8')).toContain('cores in use over time');
    expect(readFileSync(markdown, 'utf8')).toMatch(/kept \*\*\d+\.\d %\*\* of 128 cores in use/);
    expect(comparisonResultSchema.parse(JSON.parse(readFileSync(json, 'utf8'))).complete).toBe(true);
  });

  test('says where nothing had to wait', () => {
    const { status, stdout } = start(
      ...['--nodes', '50', '--pods', 'generated:50:0.01', '--policies', 'best-fit', '--seeds', '1'],
    );
    expect(status).toBe(0);
    expect(stdout.replaceAll('\n', ' ')).toContain('Every job started at once, whatever the policy');
  });

  test.each([
    [['--seeds', 'x'], 2, /^error TEG_OPTION_INVALID: option '--seeds <seeds>': got 'x'/],
    [['--nodes', 'none.csv', '--pods', 'none.csv'], 2, /^error TEG_INPUT_NOT_FOUND: /],
    [['--quick', '--policies', 'tegg'], 2, /^error TEG_POLICY_UNKNOWN: .*did you mean 'teg'/],
    [['--quick', '--workers', '0'], 2, /^error TEG_OPTION_INVALID: option '--workers <n>'/],
    [
      ['--quick', '--out', 'nodes.csv'],
      2,
      /^error TEG_OPTION_INVALID: got the folder 'nodes\.csv', but '.*nodes\.csv' is a file/,
    ],
  ])('%j is refused', (args, code, message) => {
    const { status, stderr } = start(...args);
    expect(status).toBe(code);
    expect(stderr).toMatch(message);
  });

  test('Ctrl-C ends it with the whole runs it has, marked as partial', async () => {
    const args = [
      'start',
      '--nodes',
      '20',
      '--policies',
      'best-fit,fgd',
      '--seeds',
      '1-500',
      '--workers',
      '2',
    ];
    const child = spawn(process.execPath, [TEG, ...args, '--out', 'partial'], { env: ENV, cwd: folder });
    let stdout = '';
    child.stdout.on('data', (data) => {
      stdout += data;
      if (/seed 2 .*fgd/.test(stdout) && !child.killed) child.kill('SIGINT');
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(130);
    expect(stdout).toMatch(/^PARTIAL: Stopped before all runs had ended: \d+ of 1000 reached their end/m);
    const files = readdirSync(join(folder, 'partial'));
    const page = readFileSync(
      join(folder, 'partial', files.find((name) => name.endsWith('.html')) as string),
      'utf8',
    );
    expect(page).toContain('<strong>Partial:</strong>');
    expect(page).toMatch(/<dt>runs<\/dt><dd>\d+ complete of 1000<\/dd>/);
  });

  test('Ctrl-C before any run has ended leaves no report', async () => {
    const args = ['start', '--nodes', '300', '--policies', 'fgd', '--seeds', '1', '--out', 'none'];
    const child = spawn(process.execPath, [TEG, ...args], { env: ENV, cwd: folder });
    let stdout = '';
    child.stdout.on('data', (data) => {
      stdout += data;
      if (/threads?; Ctrl-C/.test(stdout) && !child.killed) setTimeout(() => child.kill('SIGINT'), 400);
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(130);
    expect(stdout).toMatch(/^PARTIAL: stopped before any run had ended; there is nothing to compare\.$/m);
    expect(existsSync(join(folder, 'none')) ? readdirSync(join(folder, 'none')) : []).toEqual([]);
  });
});
