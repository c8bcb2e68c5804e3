import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, describe, expect, test } from 'vitest';
import type { SimulationTask } from '../../drivers/embedded/simulation-task.ts';
import { simulate } from '../../drivers/embedded/simulations.ts';
import { JOB_STATES, type JobRecords } from '../../simulation/inputs/job-log.ts';
import type { SimulationResult } from '../../simulation/metrics/result.ts';
import { DECOMPRESSORS } from '../../traces/parquet/codecs.ts';
import { openJobsOut } from './jobs-out.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-jobs-out-'));
afterAll(() => rmSync(folder, { recursive: true }));

const TASK: SimulationTask = {
  cluster: 'generated:openb:20',
  jobs: 'generated:400:1.2:6h',
  policy: 'best-fit',
  seed: 3,
  withJobs: true,
};

async function run(task: SimulationTask): Promise<{ result: SimulationResult; records: JobRecords }> {
  let records: JobRecords | undefined;
  const result = await simulate(task, {
    onJobs: (kept) => {
      records = kept;
    },
  });
  if (records === undefined) throw new Error('no records');
  return { result, records };
}

async function rowsOf(records: JobRecords, name: string): Promise<Record<string, string>[]> {
  const path = join(folder, name);
  await (await openJobsOut(path)).write(records);
  expect(existsSync(`${path}.partial`)).toBe(false);
  const bytes = readFileSync(path);
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  const [header = '', ...lines] = text.trimEnd().split('\n');
  expect(header).toBe('job,submit_s,start_s,end_s,wait_s,runs,state,nodes,tenant');
  const names = header.split(',');
  return lines.map((line) => {
    const fields = line.split(',');
    return Object.fromEntries(names.map((column, i) => [column, fields[i] ?? '']));
  });
}

function count(rows: readonly Record<string, string>[], state: string): number {
  return rows.filter((row) => row.state === state).length;
}

describe('the rows of --jobs-out agree with the summary', () => {
  test.each([
    ['a run to its end', TASK],
    ['a run with a horizon', { ...TASK, horizonSeconds: 20_000 }],
    [
      'nodes that fail, jobs that start again',
      { ...TASK, failures: { mtbfSeconds: 40_000, mttrSeconds: 3_600 } },
    ],
    [
      'nodes that fail, jobs that fail with them',
      { ...TASK, failures: { mtbfSeconds: 40_000, mttrSeconds: 3_600 }, lostPods: 'fail' as const },
    ],
  ])('%s', async (_name, task) => {
    const { result, records } = await run(task);
    const rows = await rowsOf(records, 'jobs.csv');
    const { jobs } = result;
    expect(count(rows, 'finished')).toBe(jobs.finished);
    expect(count(rows, 'failed')).toBe(jobs.failed);
    expect(count(rows, 'dropped')).toBe(jobs.dropped);
    expect(count(rows, 'running')).toBe(jobs.running);
    expect(count(rows, 'waiting')).toBe(jobs.waiting);
    expect(rows.length - count(rows, 'not-arrived')).toBe(jobs.arrived);
    const waits = rows.filter((row) => row.wait_s !== '').map((row) => Number(row.wait_s));
    expect(waits.length).toBe(result.wait?.count);
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    expect(mean).toBeCloseTo(result.wait?.mean ?? Number.NaN, 3);
    for (const row of rows.filter(({ state }) => state === 'finished')) {
      expect(Number(row.end_s)).toBeGreaterThanOrEqual(Number(row.start_s));
      expect(Number(row.start_s)).toBeGreaterThanOrEqual(Number(row.submit_s) + Number(row.wait_s) - 1e-6);
      expect(row.nodes).toMatch(/^node-\d+(\|node-\d+)*$/);
    }
    expect(rows.every(({ tenant }) => /^tenant-\d+$/.test(tenant ?? ''))).toBe(true);
    expect(new Set(rows.map(({ tenant }) => tenant)).size).toBeGreaterThan(10);
    const last = Math.max(...rows.map((row) => Number(row.end_s)));
    expect(last).toBeLessThanOrEqual(result.endSeconds);
  });

  test('a job that runs again after its node failed has not ended', async () => {
    const failures = { mtbfSeconds: 20_000, mttrSeconds: 600 };
    const { records } = await run({
      ...TASK,
      jobs: 'generated:200:1.2:24h',
      failures,
      horizonSeconds: 20_000,
    });
    const again = [...records.states.keys()].filter(
      (job) => JOB_STATES[records.states[job] as number] === 'running' && (records.runs[job] as number) > 1,
    );
    expect(again.length).toBeGreaterThan(0);
    for (const job of again) {
      expect(records.endSeconds[job]).toBeNaN();
      expect(records.startSeconds[job]).toBeGreaterThan(records.firstStartSeconds[job] as number);
    }
  });

  test('no node ever holds more GPUs than it has', async () => {
    const task = { ...TASK, cluster: 'generated:homogeneous:6', jobs: 'generated:200:1.5:6h' };
    const { records, result } = await run(task);
    expect(result.jobs.finished).toBe(records.ids.length - result.jobs.dropped);
    const perNode = new Map<number, number>();
    for (const node of records.nodes) perNode.set(node, (perNode.get(node) ?? 0) + 1);
    expect([...perNode.keys()].every((node) => node >= 0 && node < 6)).toBe(true);
  });
});

test('CSV, gzip and Parquet hold the same', async () => {
  const { records } = await run({ ...TASK, jobs: 'generated:60' });
  const csv = await rowsOf(records, 'a.csv');
  expect(await rowsOf(records, 'a.csv.gz')).toEqual(csv);
  const path = join(folder, 'a.parquet');
  await (await openJobsOut(path)).write(records);
  const bytes = readFileSync(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const rows = await parquetReadObjects({ file, compressors: DECOMPRESSORS });
  const asText = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, value === null ? '' : String(value)]),
    ),
  );
  expect(asText).toEqual(csv);
});

test('another ending is refused before anything runs; an aborted one leaves nothing', async () => {
  await expect(openJobsOut(join(folder, 'jobs.txt'))).rejects.toMatchObject({ code: 'TEG_OPTION_INVALID' });
  const path = join(folder, 'aborted.csv');
  await (await openJobsOut(path)).abort();
  expect(existsSync(path) || existsSync(`${path}.partial`)).toBe(false);
});
