import { beforeAll, describe, expect, test } from 'vitest';
import { generateNodes } from '../../traces/generate-nodes.ts';
import { churn, federation, jobsOf } from './federation.fixtures.ts';
import {
  type FederationLabels,
  type FederationResult,
  federationResult,
  federationResultSchema,
} from './federation-result.ts';
import { type FederationOutcome, LocalTeam, runFederation } from './federation-run.ts';
import { ShardMetrics } from './shard-metrics.ts';

const LABELS: FederationLabels = {
  cluster: 'a cluster',
  workload: 'a workload',
  seed: 3,
  chooser: 'best-of-d',
  zones: 8,
  hosts: 8,
  stalenessSeconds: 1,
  arrivalsEndSeconds: 10,
  warmupSeconds: 0,
};

/** An outcome of nothing, with some samples. */
function outcomeOf(gpuMilli: readonly number[], metrics = new ShardMetrics(0)): FederationOutcome {
  return {
    ended: 'drained',
    endSeconds: gpuMilli.length,
    samples: gpuMilli.map((runningGpuMilli, i) => ({
      timeSeconds: i + 1,
      runningGpuMilli,
      runningCpuMilli: 0,
    })),
    metrics,
    facts: {
      nodes: 2,
      jobs: 0,
      capacityGpuMilli: 1000,
      capacityCpuMilli: 0,
      publishSeconds: 1,
      arrivalsEndSeconds: 10,
      windowSecondsMax: 1,
    },
  };
}

describe('the result of a run', () => {
  const nodes = generateNodes({ nodes: 64 });
  const jobs = churn(nodes, 0.8, 10, 10);
  let outcome: FederationOutcome;
  let result: FederationResult;

  beforeAll(async () => {
    outcome = await runFederation(new LocalTeam(federation({ nodes, jobs }), 1), { sampleSeconds: 0.05 });
    result = federationResult(outcome, { ...LABELS, arrivalsEndSeconds: jobs.spanSeconds });
  });

  test('keeps to its schema, and survives as JSON', () => {
    expect(federationResultSchema.parse(result)).toEqual(result);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    expect(Object.keys(federationResultSchema.shape).sort()).toEqual(Object.keys(result).sort());
  });

  test('reports the fates of the jobs', () => {
    const { count } = jobs;
    expect(result).toMatchObject({
      complete: true,
      ended: 'drained',
      nodes: 64,
      jobs: { arrived: count, placed: count, starts: count, ended: count, waiting: 0 },
    });
  });

  test('quantiles ascend, and means lie between extremes', () => {
    const { wait, probes, age } = result;
    const waits = [wait?.p50, wait?.p90, wait?.p99, wait?.max] as number[];
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(wait?.mean).toBeGreaterThan(0);
    expect(wait?.mean).toBeLessThan(wait?.max as number);
    expect(probes?.mean).toBeGreaterThanOrEqual(1);
    expect(probes?.p99).toBeGreaterThanOrEqual(probes?.p50 as number);
    expect(age.mean).toBeLessThanOrEqual(age.max);
    expect(result.distance).toBeGreaterThan(0);
    expect(result.moved).toBeLessThanOrEqual(1);
  });

  test('traffic is the sent volume over the time, the nodes and the periods', () => {
    const { traffic, endSeconds } = result;
    const sent = outcome.metrics.traffic;
    expect(traffic.messages).toBe(sent.messages);
    expect(traffic.summaryBytesPerSecond * endSeconds).toBeCloseTo(sent.summaryBytes, 3);
    expect(traffic.summaryBytesPerNodeAndRefresh).toBeCloseTo(traffic.summaryBytesPerSecond / 64, 9);
    expect(traffic.jobBytesPerSecond * endSeconds).toBeCloseTo(sent.jobBytes, 3);
    // Each job takes a proposal, an offer, a confirmation and its answer, the end and its acknowledgement at least.
    expect(sent.jobBytes).toBeGreaterThanOrEqual(6 * 48 * jobs.count);
  });

  test('its series is short, in order, and ends at the end', () => {
    const { series } = result;
    expect(outcome.samples.length).toBeGreaterThan(400);
    expect(series.length).toBeLessThanOrEqual(400);
    expect(series.length).toBeGreaterThan(100);
    expect(series.at(-1)?.timeSeconds).toBe(outcome.samples.at(-1)?.timeSeconds);
    const times = series.map((one) => one.timeSeconds);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
});

describe('use', () => {
  test('is a mean over all looks, over those while jobs came, and that of the last one', () => {
    const result = federationResult(outcomeOf([200, 400, 600, 0]), { ...LABELS, arrivalsEndSeconds: 2 });
    expect(result.allocation).toEqual({ gpu: 0.3, cpu: null });
    expect(result.allocationWhileArriving.gpu).toBeCloseTo(0.3, 12);
    expect(result.allocationAtEnd).toEqual({ gpu: 0, cpu: null });
    expect(result.series.map((one) => one.gpu)).toEqual([0.2, 0.4, 0.6, 0]);
  });

  test('a long drain takes no instants from the time in which jobs arrive', () => {
    const samples = Array.from({ length: 100_000 }, (_, i) => (i < 150 ? 500 : 1));
    const result = federationResult(outcomeOf(samples), { ...LABELS, arrivalsEndSeconds: 150 });
    expect(result.series.slice(0, 150).map(({ gpu }) => gpu)).toEqual(Array(150).fill(0.5));
    expect(result.series.length).toBeGreaterThan(250);
    expect(result.series.length).toBeLessThanOrEqual(350);
  });

  test('leaves the warm-up out', () => {
    const labels = { ...LABELS, warmupSeconds: 2, arrivalsEndSeconds: 3 };
    const result = federationResult(outcomeOf([200, 400, 600, 0]), labels);
    expect(result.allocation.gpu).toBeCloseTo(1 / 3, 12);
    expect(result.allocationWhileArriving.gpu).toBeCloseTo(0.5, 12);
    expect(result.series).toHaveLength(4);
  });

  test('while jobs came is that of the last look where none came before the first', () => {
    const result = federationResult(outcomeOf([200, 400]), { ...LABELS, arrivalsEndSeconds: 0.5 });
    expect(result.allocationWhileArriving.gpu).toBe(0.4);
  });
});

describe('missing quantities', () => {
  test('is null, and keeps to the schema', () => {
    const result = federationResult(outcomeOf([]), LABELS);
    expect(result).toMatchObject({
      wait: null,
      probes: null,
      distance: null,
      moved: null,
      refusals: 0,
      age: { mean: 0, max: 0 },
      allocation: { gpu: null, cpu: null },
      series: [],
    });
    expect(federationResultSchema.safeParse(result).success).toBe(true);
  });

  test('in one zone nothing is far away', async () => {
    const nodes = generateNodes({ nodes: 4 });
    const parts = federation({
      nodes,
      zones: 1,
      jobs: jobsOf([{}, { submitSeconds: 1 }, { submitSeconds: 2 }]),
    });
    const outcome = await runFederation(new LocalTeam(parts, 1));
    expect(federationResult(outcome, { ...LABELS, zones: 1, hosts: 1 })).toMatchObject({
      distance: null,
      moved: 0,
    });
  });

  test('a run that was stopped is not complete', () => {
    const stopped = { ...outcomeOf([1]), ended: 'interrupted' as const };
    expect(federationResult(stopped, LABELS)).toMatchObject({ complete: false, ended: 'interrupted' });
    expect(federationResult({ ...stopped, ended: 'stalled' }, LABELS).complete).toBe(true);
  });
});
