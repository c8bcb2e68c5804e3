import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { QuantileSketch } from '../kernel/quantile-sketch.ts';
import type { JobSpec } from '../model/job.ts';
import type { TraceWarning } from './format.ts';
import { openTrace } from './readers.ts';
import { SAMPLES } from './samples.fixtures.ts';
import { bytesInput } from './source.ts';
import { jobArbitrary } from './specs.fixtures.ts';
import { summarizeTrace, type TraceSummary } from './summary.ts';
import { JobSummarizer } from './summary-jobs.ts';
import { TALLY_NAMES_MAX, Tally } from './summary-parts.ts';

const makeSketch = (): QuantileSketch => new QuantileSketch();

async function summaryOf(text: string): Promise<TraceSummary> {
  const warnings: TraceWarning[] = [];
  const input = bytesInput('sample', Buffer.from(text));
  const trace = await openTrace(input, { skipBad: 1, onWarning: (w) => warnings.push(w) });
  return summarizeTrace(trace, warnings, { makeSketch });
}

test('jobs: counts, work, mix, tenants', async () => {
  const summary = await summaryOf(SAMPLES.philly);
  expect(summary).toMatchObject({ file: 'sample', format: 'philly', badRows: 0 });
  expect(summary).not.toHaveProperty('nodes');
  expect(summary.jobs).toMatchObject({
    jobs: 4,
    pods: 22,
    spanSeconds: 95,
    gpusRequested: 46,
    gangs: 3,
    arrays: 0,
    tenants: 2,
    endless: 0,
  });
  expect(summary.jobs?.gpuHours).toBeCloseTo((3600.5 + 7200 * 12 + 10 * 33) / 3600, 9);
  expect(summary.jobs?.gpuMix.map((row) => [row.gpus, row.jobs, row.pods])).toEqual([
    ['1', 2, 18],
    ['6', 1, 2],
    ['8', 1, 2],
  ]);
  expect(summary.jobs?.topTenants.map((row) => row.tenant)).toEqual(['bbb', 'aaa']);
  expect(summary.jobs?.interArrivalSeconds).toMatchObject({ count: 3, min: 5, p50: 30, max: 60 });
  expect(summary.jobs?.gpusPerJob).toMatchObject({ min: 1, max: 17 });
});

test('nodes and jobs of one file, notes and warnings', async () => {
  const kubernetes = await summaryOf(SAMPLES.kubernetes);
  expect(kubernetes.jobs).toMatchObject({ jobs: 2, endless: 2, withPodGroup: 1, withNode: 1, withModel: 1 });
  expect(kubernetes.nodes).toMatchObject({
    nodes: 1,
    gpus: 8,
    gpuModels: { 'NVIDIA-A100-SXM4-80GB': 8 },
    extended: { 'rdma/hca': 1000 },
    labels: { 'kubernetes.io/hostname': 1, 'nvidia.com/gpu.product': 1 },
  });
  expect(kubernetes.notes).toEqual({ 'time 0': '2026-01-01T00:00:00.000Z' });
  const swf = await summaryOf(SAMPLES.swf);
  expect(swf.notes).toMatchObject({ MaxNodes: '64' });
  expect(swf.warnings.length).toBeGreaterThan(0);
});

test('nodes: kinds by frequency', async () => {
  const { nodes } = await summaryOf(SAMPLES['metacentrum-machines']);
  expect(nodes?.topKinds).toEqual([
    { model: '', gpus: 0, cores: 12, memoryGib: expect.closeTo(89.7, 1), nodes: 3 },
    { model: '', gpus: 0, cores: 80, memoryGib: expect.closeTo(504.9, 1), nodes: 2 },
  ]);
});

test('usage: means and peaks of pods', async () => {
  const { usage } = await summaryOf(SAMPLES['alibaba-podmem']);
  expect(usage).toMatchObject({ samples: 3, pods: 2, spanSeconds: 57, podsBelowHalf: 1 });
  expect(usage?.podPeak.max).toBe(0.75);
  expect(usage?.peakOverMean).toMatchObject({ count: 1, max: 1.2 });
});

test('bad rows are counted, and a file with nothing in it says so', async () => {
  expect(await summaryOf(`${SAMPLES['openb-nodes']}bad,row\n`)).toMatchObject({ badRows: 1 });
  const { warnings } = await summaryOf('kind: List\nitems: []\n');
  expect(warnings.map((w) => w.message)).toContain('nothing in this file');
});

test('times between arrivals do not depend on the order of the file', () => {
  checkProperty(
    fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 2, maxLength: 50 }), (times) => {
      const [job] = fc.sample(jobArbitrary, { numRuns: 1, seed: 1 }) as [JobSpec];
      const inOrder = new JobSummarizer(makeSketch);
      const asIs = new JobSummarizer(makeSketch);
      for (const submitSeconds of times) asIs.add({ ...job, submitSeconds });
      for (const submitSeconds of times.toSorted((a, b) => a - b)) inOrder.add({ ...job, submitSeconds });
      expect(asIs.result()).toEqual(inOrder.result());
    }),
  );
});

test('any job can be summarised', () => {
  checkProperty(
    fc.property(fc.array(jobArbitrary, { minLength: 1 }), (jobs) => {
      const summarizer = new JobSummarizer(makeSketch);
      for (const job of jobs) summarizer.add(job);
      const { gpuMix, topTenants, ...rest } = summarizer.result();
      expect(gpuMix.reduce((sum, row) => sum + row.jobs, 0)).toBe(jobs.length);
      expect(topTenants.length).toBeLessThanOrEqual(10);
      expect(rest.durationSeconds.count + rest.endless).toBe(jobs.length);
    }),
  );
});

test('names beyond the bound are counted together', () => {
  const tally = new Tally(() => ({ count: 0 }));
  for (let i = 0; i < TALLY_NAMES_MAX + 10; i++) tally.of(`n${i}`).count++;
  expect(tally.size).toBe(TALLY_NAMES_MAX);
  expect(tally.others.count).toBe(10);
  expect(tally.top(2, (sums) => sums.count).map((row) => row.name)).toEqual(['n0', 'n1']);
});
