/**
 * The published traces under ../shared/traces, where present: reading them must reproduce the figures of their
 * descriptions.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { JobSpec } from '../model/job.ts';
import type { NodeSpec } from '../model/node.ts';
import { detectFormat, readJobs, readNodes, streamUsage } from './read.ts';

const TRACES = join(process.env.TEG_SHARED ?? join(import.meta.dirname, '../../../shared'), 'traces');
const isThere = existsSync(TRACES);
const title = isThere
  ? 'the published traces'
  : `the published traces (skipped: no folder ${TRACES}; set TEG_SHARED)`;

const path = (name: string): string => join(TRACES, name);
const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
const cores = (job: JobSpec): number => (job.podCount * job.cpuMilli) / 1_000;
const gib = (job: JobSpec): number => (job.podCount * job.memoryMib) / 1_024;
const gpus = (job: JobSpec): number => (job.podCount * job.gpuCount * job.gpuMilli) / 1_000;

/** The value of rank q of a list, as the descriptions count it. */
function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number;
}

/** Most of a resource in use if every job started when it was submitted. */
function peak(jobs: readonly JobSpec[], of: (job: JobSpec) => number): number {
  const events = jobs.flatMap((job) => [
    [job.submitSeconds, of(job)] as const,
    [job.submitSeconds + job.durationSeconds, -of(job)] as const,
  ]);
  events.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let now = 0;
  let most = 0;
  for (const [, change] of events) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}

describe.skipIf(!isThere)(title, () => {
  test.each([
    ['default', 8_152, 1_088, 3_078, 6_086.8, 85_436, 296_432, 0],
    ['cpu050', 7_439, 375, 3_078, 6_086.8, 72_762, 262_210, 0],
    ['cpu200', 8_832, 1_768, 3_078, 6_086.8, 97_253, 328_382, 0],
    ['gpuspec10', 8_152, 1_088, 3_078, 6_086.8, 85_436, 296_432, 732],
    ['gpushare40', 8_152, 1_088, 4_001, 5_641.2, 80_383, 275_099, 0],
    ['multigpu20', 8_324, 1_088, 3_078, 7_086.8, 95_172, 336_693, 0],
  ])('openb pods, list %s', async (list, pods, cpuOnly, sharing, gpuTotal, coreTotal, gibTotal, models) => {
    const file = path(`openb/openb_pod_list_${list}.csv.gz`);
    const jobs = await readJobs(file);
    expect(await detectFormat(file)).toBe('openb-pods');
    expect(jobs).toHaveLength(pods);
    expect(jobs.filter((job) => job.gpuCount === 0)).toHaveLength(cpuOnly);
    expect(jobs.filter((job) => job.gpuCount === 1 && job.gpuMilli < 1_000)).toHaveLength(sharing);
    expect(sum(jobs, gpus)).toBeCloseTo(gpuTotal, 1);
    expect(Math.abs(sum(jobs, cores) - coreTotal)).toBeLessThan(1);
    expect(Math.abs(sum(jobs, gib) - gibTotal)).toBeLessThan(1);
    expect(jobs.filter((job) => job.gpuModels.length > 0)).toHaveLength(models);
  });

  test('openb pods, times and shapes of the default list', async () => {
    const jobs = await readJobs(path('openb/openb_pod_list_default.csv.gz'));
    const times = jobs.map((job) => job.submitSeconds);
    expect([Math.min(...times), Math.max(...times)]).toEqual([0, 12_901_761]);
    const shapes = new Set(
      jobs.map((job) => [job.cpuMilli, job.gpuMilli, job.gpuCount, job.gpuModels].join()),
    );
    expect(shapes.size).toBe(91);
    const counts = [0, 1, 2, 4, 8].map((n) => jobs.filter((job) => job.gpuCount === n).length);
    expect(counts).toEqual([1_088, 6_989, 16, 15, 44]);
  });

  test('openb nodes', async () => {
    const gpuNodes = await readNodes(path('openb/openb_node_list_gpu_node.csv.gz'));
    expect(gpuNodes).toHaveLength(1_213);
    expect(sum(gpuNodes, (node) => node.gpuCount)).toBe(6_212);
    expect(sum(gpuNodes, (node) => node.cpuMilli)).toBe(107_018_000);
    expect(Math.round(sum(gpuNodes, (node) => node.memoryMib) / 1_024)).toBe(492_020);
    const models = ['G2', 'T4', 'P100', 'V100M16', 'G3', 'V100M32', 'A10'];
    expect(models.map((model) => gpuNodes.filter((node) => node.gpuModel === model).length)).toEqual([
      549, 404, 134, 55, 39, 30, 2,
    ]);
    const all = await readNodes(path('openb/openb_node_list_all_node.csv.gz'));
    expect(all).toHaveLength(1_523);
    expect(Math.round(sum(all, (node) => node.memoryMib) / 1_024)).toBe(597_684);
  });

  test('Philly', async () => {
    const jobs = await readJobs(path('philly-2017/jobs.csv.gz'));
    expect(jobs).toHaveLength(82_247);
    const gpuHours = (some: readonly JobSpec[]): number =>
      sum(some, (job) => (gpus(job) * job.durationSeconds) / 3_600);
    const total = gpuHours(jobs);
    expect(Math.round(total)).toBe(978_078);
    const byGpus = (lower: number, upper: number): JobSpec[] =>
      jobs.filter((job) => gpus(job) >= lower && gpus(job) <= upper);
    expect([1, 4, 2, 8, 16, 32].map((n) => byGpus(n, n).length)).toEqual([
      76_627, 1_870, 1_818, 1_643, 199, 67,
    ]);
    expect(Math.round((100 * gpuHours(byGpus(2, 8))) / total)).toBe(68);
    expect(Math.round((100 * gpuHours(byGpus(9, 128))) / total)).toBe(14);
    const durations = jobs.map((job) => job.durationSeconds);
    expect([0.5, 0.75, 0.9, 0.99, 1].map((q) => quantile(durations, q))).toEqual([
      1_144, 2_932, 11_266, 254_884, 4_628_226,
    ]);
    expect(new Set(jobs.map((job) => job.tenant)).size).toBe(15);
    expect(peak(jobs, gpus)).toBe(1_243);
    expect(jobs.every((job) => job.gangMin === job.podCount && job.gpuCount <= 8)).toBe(true);
  });

  test('MetaCentrum jobs', async () => {
    const bad: string[] = [];
    const jobs = await readJobs(path('metacentrum-2013/jobs.csv.gz'), {
      skipBad: 2,
      onBad: (error) => bad.push(error.message),
    });
    expect(jobs).toHaveLength(17_898);
    expect(bad).toEqual([
      expect.stringContaining("column 'run_s'"),
      expect.stringContaining("column 'run_s'"),
    ]);
    expect(jobs.some((job) => job.id === '4185' || job.id === '4199')).toBe(false);
    expect(new Set(jobs.map((job) => job.user)).size).toBe(75);
    expect(jobs.every((job) => job.requestedSeconds > 0)).toBe(true);
    expect((jobs.at(-1)?.submitSeconds ?? 0) / 86_400).toBeCloseTo(88.96, 2);
    expect(jobs.filter((job) => job.podCount > 1)).toHaveLength(334);
    expect(Math.max(...jobs.map((job) => job.podCount))).toBe(10);
    const runs = jobs.map((job) => job.durationSeconds);
    expect([0.5, 0.9, 0.99].map((q) => quantile(runs, q))).toEqual([
      // 2,370 with the two bad rows.
      2_371,
      expect.closeTo(117_960, -2),
      expect.closeTo(604_820, -1),
    ]);
    const memory = jobs.map((job) => job.memoryMib / 1_024);
    expect([0.5, 0.9, 0.99, 1].map((q) => Math.round(quantile(memory, q)))).toEqual([4, 45, 168, 512]);
    const whole = jobs.filter((job) => job.cpuMilli === 80_000 && hasTerm(job, 'cl_zewura'));
    expect(whole.length).toBeGreaterThanOrEqual(231);
  });

  test('MetaCentrum machines take every job that ran on them', async () => {
    const nodes = await readNodes(path('metacentrum-2013/machines.csv.gz'));
    expect(nodes).toHaveLength(68);
    expect(sum(nodes, (node) => node.cpuMilli)).toBe(2_176_000);
    expect(Math.round(sum(nodes, (node) => node.memoryMib) / 1_024)).toBe(14_403);
    const jobs = await readJobs(path('metacentrum-2013/jobs.csv.gz'), { skipBad: 2 });
    // One job requested 512 GiB: more than the 504.9 GiB of the machine that it is recorded to have run on.
    const impossible = jobs.filter((job) => !nodes.some((node) => couldHold(node, job)));
    expect(impossible.map((job) => job.id)).toMatchInlineSnapshot(`
      [
        "8687",
      ]
    `);
  });

  test('Alibaba batch 2017', async () => {
    const jobs = await readJobs(path('alibaba-batch-2017/tasks.csv.gz'));
    expect(jobs).toHaveLength(80_553);
    const instances = jobs.map((job) => job.podCount);
    expect((sum(instances, (n) => n) / 1e6).toFixed(1)).toBe('11.9');
    expect([0.5, 1].map((q) => quantile(instances, q))).toEqual([2, 64_486]);
    expect(new Set(jobs.map((job) => job.id.split('/')[0])).size).toBe(12_951);
    const times = jobs.map((job) => job.submitSeconds);
    expect([quantile(times, 0), quantile(times, 1)]).toEqual([-1_078, 60_181]);
    expect(jobs.filter((job) => job.cpuMilli === 1_000)).toHaveLength(17_584);
    expect(jobs.filter((job) => job.cpuMilli === 500)).toHaveLength(52_901 + 9_017);
  });

  test('Alibaba recommendation serving 2025', async () => {
    const jobs = await readJobs(path('alibaba-dlrm-2025/instances.csv.gz'));
    expect(jobs).toHaveLength(23_871);
    expect(jobs.filter((job) => job.gpuCount > 0)).toHaveLength(7_386);
    expect(new Set(jobs.map((job) => job.tenant)).size).toBe(156);
    const limits = [2, 4, 8, 10, 16].map((n) => jobs.filter((job) => job.podsPerNodeMax === n).length);
    expect(limits).toEqual([6_778, 3_588, 724, 469, 64]);
    expect(jobs.filter((job) => job.durationSeconds === Number.POSITIVE_INFINITY)).toHaveLength(8_878);
    expect([0.5, 0.9, 1].map((q) => quantile(jobs.map(cores), q))).toEqual([64, 96, 192]);
    expect([0.5, 1].map((q) => quantile(jobs.map(gib), q))).toEqual([320, 1_000]);
    expect(peak(jobs, gpus)).toBe(3_414);
  });

  test('Alibaba spot nodes 2026', async () => {
    const nodes = await readNodes(path('alibaba-spot-nodes-2026/nodes.csv.gz'));
    expect(nodes).toHaveLength(4_278);
    expect(sum(nodes, (node) => node.gpuCount)).toBe(10_412);
    expect(sum(nodes, (node) => node.cpuMilli)).toBe(632_636_000);
  });

  test('Alibaba pod memory 2026', async () => {
    let count = 0;
    let last = 0;
    const peaks = new Map<string, number>();
    for await (const batch of streamUsage(path('alibaba-genai-podmem-2026/pod_memory_util.csv.gz'))) {
      count += batch.length;
      for (const { pod, seconds, memoryShare } of batch) {
        last = Math.max(last, seconds);
        peaks.set(pod, Math.max(memoryShare, peaks.get(pod) ?? 0));
      }
    }
    expect(count).toBe(214_890);
    expect(peaks.size).toBe(208);
    expect((last / 3_600).toFixed(1)).toBe('22.8');
    expect([...peaks.values()].filter((p) => p <= 0.5)).toHaveLength(111);
  });
});

function hasTerm(job: JobSpec, key: string): boolean {
  return job.affinity?.some((term) => term.key === key) ?? false;
}

/** True if an empty node could hold one pod of the job: capacity and labels, with In and NotIn only. */
function couldHold(node: NodeSpec, job: JobSpec): boolean {
  if (node.cpuMilli < job.cpuMilli || node.memoryMib < job.memoryMib) return false;
  return (job.affinity ?? []).every((term) => {
    const isIn = term.values.includes(node.labels?.[term.key] ?? '');
    return term.operator === 'In' ? isIn : !isIn;
  });
}
