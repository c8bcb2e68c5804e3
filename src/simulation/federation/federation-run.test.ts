import { describe, expect, test } from 'vitest';
import { chooserByName } from '../../governor/choosers/registry.ts';
import type { NodeSpec } from '../../model/node.ts';
import { generateNodes } from '../../traces/generate-nodes.ts';
import { EnvelopeDecoder, encodeEnvelopes } from './envelope-codec.ts';
import { churn, type FederationSetup, federation, jobsOf } from './federation.fixtures.ts';
import { federationResult } from './federation-result.ts';
import {
  type FederationOutcome,
  type FederationProgress,
  type FederationRunOptions,
  LocalTeam,
  runFederation,
  type ShardTeam,
} from './federation-run.ts';
import { compareEnvelopes } from './network.ts';
import type { ShardOptions } from './shard.ts';

type Parts = Omit<ShardOptions, 'index' | 'count'>;

/** A team whose accounts are checked after every window. */
class CheckedTeam extends LocalTeam {
  windows = 0;

  override async window(untilSeconds: number): ReturnType<ShardTeam['window']> {
    const answer = await super.window(untilSeconds);
    if (this.windows++ % 16 === 0) for (const shard of this.shards) shard.check();
    return answer;
  }
}

/** A team whose shards exchange envelopes as threads do: packed, and unpacked by a reader of each shard's own. */
class PackedTeam extends LocalTeam {
  private readonly readers = this.shards.map(() => new EnvelopeDecoder());

  override async window(untilSeconds: number): ReturnType<ShardTeam['window']> {
    const { shards } = this;
    for (const shard of shards) shard.run(untilSeconds);
    const packed = shards.map((from) =>
      shards.map((to, index) => {
        const envelopes = from.takeOutgoing(index);
        return from === to ? envelopes : structuredClone(encodeEnvelopes(envelopes));
      }),
    );
    shards.forEach((to, index) => {
      const envelopes = packed.flatMap((row) => {
        const sent = row[index] as (typeof row)[number];
        return Array.isArray(sent) ? sent : (this.readers[index] as EnvelopeDecoder).unpack(sent);
      });
      to.deliver(envelopes.sort(compareEnvelopes));
    });
    const nextSeconds = Math.min(...shards.map((shard) => shard.nextSeconds()));
    return { statuses: shards.map((shard) => shard.status()), nextSeconds };
  }
}

/** The complete outcome of a run. */
function bitsOf(parts: Parts, outcome: FederationOutcome): object {
  const { topology, options } = parts.world;
  const result = federationResult(outcome, {
    cluster: 'test',
    workload: 'test',
    seed: parts.world.seed,
    chooser: parts.world.chooser.name,
    zones: topology.zones,
    hosts: topology.hosts,
    stalenessSeconds: options.publishSeconds,
    arrivalsEndSeconds: parts.jobs.spanSeconds,
    warmupSeconds: 0,
  });
  const { metrics } = outcome;
  const { numbers, hosts, traffic } = metrics.toPlain();
  // The sketch's own sum is of fractions, in the order in which shards were added up; it is in no result.
  const waits = [0, 0.1, 0.5, 0.9, 0.99, 1].map((q) => metrics.waitQuantile(q));
  return { result, numbers, hosts, waits, traffic };
}

async function run(
  setup: FederationSetup,
  options: FederationRunOptions = {},
  shards = 1,
): Promise<FederationOutcome> {
  return runFederation(new CheckedTeam(federation(setup), shards), options);
}

const NODES = generateNodes({ nodes: 64 });
const JOBS = churn(NODES, 0.8, 20, 15);
const NOISE: FederationSetup = {
  network: { delayMeanSeconds: 0.05, lossRate: 0.1, duplicateRate: 0.1 },
  failures: { mtbfSeconds: 400, mttrSeconds: 20 },
};

/** Nodes of four GPUs. */
function fours(count: number): NodeSpec[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `n${i}`,
    cpuMilli: 64_000,
    memoryMib: 262_144,
    gpuCount: 4,
    gpuModel: 'A100',
    podsMax: 110,
  }));
}

describe('a federation', () => {
  test('runs every job once, and ends when all have ended', async () => {
    const outcome = await run({ nodes: NODES, jobs: JOBS });
    const { metrics } = outcome;
    expect(outcome.ended).toBe('drained');
    expect(JOBS.count).toBeGreaterThan(500);
    expect(metrics).toMatchObject({
      arrived: JOBS.count,
      firstStarts: JOBS.count,
      starts: JOBS.count,
      ended: JOBS.count,
      waitingAtEnd: 0,
    });
    expect(metrics.hosts.placements).toBe(JOBS.count);
    expect(metrics.podsStarted).toBe(JOBS.podCounts.reduce((sum, pods) => sum + pods, 0));
    const last = Math.max(...JOBS.submitSeconds.map((at, job) => at + (JOBS.durationSeconds[job] as number)));
    expect(outcome.endSeconds).toBeGreaterThanOrEqual(last);
    expect(outcome.samples.at(-1)).toMatchObject({ runningGpuMilli: 0, runningCpuMilli: 0 });
  });

  test('runs every job to its end over a network that loses and doubles, on nodes that fail', async () => {
    const { metrics, ended } = await run({ nodes: NODES, jobs: JOBS, ...NOISE });
    expect(ended).toBe('drained');
    expect(metrics).toMatchObject({
      arrived: JOBS.count,
      firstStarts: JOBS.count,
      ended: JOBS.count,
      waitingAtEnd: 0,
    });
    // Some messages were really lost, and the losses were repaired.
    expect(metrics.starts).toBeGreaterThan(JOBS.count);
    expect(metrics.hosts.unanswered + metrics.hosts.declined + metrics.escrowsExpired).toBeGreaterThan(0);
  });

  test('never uses more than there is', async () => {
    const { samples, facts, metrics } = await run(
      { nodes: NODES, jobs: churn(NODES, 2, 15, 10), ...NOISE },
      { horizonSeconds: 20 },
      2,
    );
    const used = samples.map((sample) => sample.runningGpuMilli / facts.capacityGpuMilli);
    expect(Math.max(...used)).toBeLessThanOrEqual(1);
    expect(Math.max(...used)).toBeGreaterThan(0.8);
    expect(Math.max(...samples.map((sample) => sample.runningCpuMilli))).toBeLessThanOrEqual(
      facts.capacityCpuMilli,
    );
    expect(metrics.waitingAtEnd).toBeGreaterThan(0);
  });

  test.each<[string, FederationSetup]>([
    ['one zone', { zones: 1 }],
    ['more hosts than zones', { zones: 3, hosts: 7 }],
    ['fewer hosts than zones', { zones: 8, hosts: 2 }],
    ['three levels of summaries', { zones: 9, options: { fanOut: 2 } }],
  ])('of %s drains', async (_, setup) => {
    const jobs = churn(NODES, 0.5, 10, 10);
    const { ended, metrics } = await run({ nodes: NODES, jobs, ...setup });
    expect(ended).toBe('drained');
    expect(metrics.ended).toBe(jobs.count);
  });

  test('one node a zone is the most that there may be', async () => {
    const jobs = jobsOf([{ gpuCount: 1, gpuMilli: 1000, podCount: 4, gangMin: 4 }]);
    expect((await run({ nodes: fours(5), zones: 5, jobs })).ended).toBe('drained');
    expect(() => federation({ nodes: fours(5), zones: 6, jobs })).not.toThrow();
    expect(() => new LocalTeam(federation({ nodes: fours(5), zones: 6, jobs }), 1)).toThrow(
      '6 zones for 5 nodes',
    );
  });
});

describe('the same bits come out', () => {
  const cases: [string, FederationSetup][] = [
    ['at rest', {}],
    ['with loss, duplicates and failing nodes', NOISE],
    ['with jobs that move', { options: { movesPerBoard: 4, moveSavesMilliMin: 1 }, ...NOISE }],
    ['with a zone alone in its group', { zones: 7, hosts: 5 }],
    ['with prices that are learned', { isLearned: true }],
    [
      'where many envelopes arrive at one instant',
      { network: { delayMinSeconds: 0.01, delayMeanSeconds: 0.01 } },
    ],
    ['with a chooser that walks', { chooser: chooserByName('langevin') }],
  ];

  test.each(cases)('for one shard, two across threads, and three, %s', async (_, setup) => {
    // Four groups of two zones: three shards have one or two each.
    const options = { fanOut: 2, ...setup.options };
    const parts = federation({ nodes: NODES, jobs: churn(NODES, 0.9, 5, 5), ...setup, options });
    const bits = async (team: ShardTeam): Promise<object> => bitsOf(parts, await runFederation(team));
    const one = await bits(new LocalTeam(parts, 1));
    expect(await bits(new LocalTeam(parts, 3))).toEqual(one);
    expect(await bits(new PackedTeam(parts, 2))).toEqual(one);
  });

  test('for the same seed, and others for another', async () => {
    const jobs = churn(NODES, 0.9, 10, 10);
    const bits = async (seed: number): Promise<object> => {
      const parts = federation({ nodes: NODES, jobs, seed });
      // The seed itself is in the result.
      return bitsOf(
        { ...parts, world: { ...parts.world, seed: 0 } },
        await runFederation(new LocalTeam(parts, 1)),
      );
    };
    const first = await bits(1);
    expect(await bits(1)).toEqual(first);
    expect(await bits(2)).not.toEqual(first);
  });
});

describe('jobs that move', () => {
  test('are moved where the prices of zones differ, with the work that they have done', async () => {
    // Gangs do not move, and come and go around the one job that may.
    const gangs = Array.from({ length: 30 }, (_, i) => ({
      gpuCount: 1,
      gpuMilli: [250, 500, 1000][i % 3] as number,
      podCount: 2,
      gangMin: 2,
      submitSeconds: 1 + i / 2,
      durationSeconds: 5,
    }));
    const setup: FederationSetup = {
      nodes: fours(4),
      zones: 4,
      jobs: jobsOf([{ gpuCount: 1, gpuMilli: 500, durationSeconds: 300 }, ...gangs]),
      options: { movesPerBoard: 8, moveSavesMilliMin: 0.01, moveGain: 1 },
    };
    const { metrics, ended, endSeconds } = await run(setup, { sampleSeconds: 0.125 });
    expect(ended).toBe('drained');
    const { migrations, placements } = metrics.hosts;
    expect(migrations).toBeGreaterThan(0);
    expect(placements).toBe(31);
    expect(metrics).toMatchObject({ starts: 31 + migrations, firstStarts: 31, ended: 31 });
    // 300 s of work, 30 s for each move, and some seconds until it first runs and between zones.
    expect(endSeconds).toBeGreaterThan(300 + 30 * migrations);
    expect(endSeconds).toBeLessThan(302 + 30.5 * migrations);
  });
});

describe('a run ends', () => {
  const IMPOSSIBLE = { gpuCount: 4, gpuMilli: 1000, podCount: 9, gangMin: 9, durationSeconds: 5 };

  test('stalled, where waiting jobs can never start', async () => {
    const jobs = jobsOf([{ durationSeconds: 5 }, IMPOSSIBLE]);
    const outcome = await run({ nodes: fours(8), zones: 2, jobs });
    expect(outcome.ended).toBe('stalled');
    expect(outcome.metrics).toMatchObject({ arrived: 2, ended: 1, waitingAtEnd: 1 });
    expect(outcome.endSeconds).toBeGreaterThan(60);
    expect(outcome.endSeconds).toBeLessThan(80);
  });

  test('stalled, where all remaining jobs stay forever', async () => {
    const jobs = jobsOf([{ durationSeconds: Number.POSITIVE_INFINITY }, { durationSeconds: 5 }]);
    const outcome = await run({ nodes: fours(2), zones: 2, jobs });
    expect(outcome.ended).toBe('stalled');
    expect(outcome.samples.at(-1)?.runningCpuMilli).toBe(1000);
    expect(outcome.metrics.ended).toBe(1);
  });

  test('not while jobs are to come, however long that takes', async () => {
    const jobs = jobsOf([{ durationSeconds: 1 }, { submitSeconds: 500, durationSeconds: 1 }]);
    const outcome = await run({ nodes: fours(2), zones: 2, jobs });
    expect(outcome.ended).toBe('drained');
    expect(outcome.metrics.ended).toBe(2);
  });

  test('at once, where there is nothing to do', async () => {
    const outcome = await run({ nodes: fours(2), zones: 2, jobs: jobsOf([]) });
    expect(outcome.ended).toBe('drained');
    expect(outcome.endSeconds).toBe(1);
  });

  test('at its horizon, on the instant, with a sample there', async () => {
    const jobs = jobsOf([{ durationSeconds: 100 }]);
    for (const shards of [1, 2]) {
      const outcome = await run(
        { nodes: fours(8), zones: 8, jobs },
        { horizonSeconds: 10.5, sampleSeconds: 2 },
        shards,
      );
      expect(outcome.ended).toBe('horizon');
      expect(outcome.endSeconds).toBe(10.5);
      expect(outcome.samples.map((sample) => sample.timeSeconds)).toEqual([2, 4, 6, 8, 10, 10.5]);
      expect(outcome.metrics.ended).toBe(0);
    }
  });

  test('on a stop request, with partial results', async () => {
    let looks = 0;
    const outcome = await run({ nodes: NODES, jobs: JOBS }, { shouldStop: () => ++looks === 5 });
    expect(outcome.ended).toBe('interrupted');
    expect(outcome.endSeconds).toBe(5);
    expect(outcome.metrics.arrived).toBeGreaterThan(0);
    expect(outcome.metrics.arrived).toBeLessThan(JOBS.count);
  });
});

describe('progress', () => {
  test('is reported at every sample, and only grows', async () => {
    const told: FederationProgress[] = [];
    const { samples } = await run(
      { nodes: NODES, jobs: JOBS },
      { sampleSeconds: 5, onProgress: (p) => told.push(p) },
      2,
    );
    expect(told).toHaveLength(samples.length);
    expect(told.map((p) => p.virtualSeconds)).toEqual(samples.map((_, i) => 5 * (i + 1)));
    for (const key of ['jobsArrived', 'jobsEnded'] as const) {
      const counts = told.map((p) => p[key]);
      expect(counts).toEqual([...counts].sort((a, b) => a - b));
      expect(counts.at(-1)).toBe(JOBS.count);
    }
    expect(told.every((p) => p.gpuShare >= 0 && p.gpuShare <= 1 && p.jobs === JOBS.count)).toBe(true);
  });
});

describe('gangs that no zone can take', () => {
  const nodes: NodeSpec[] = Array.from({ length: 8 }, (_, i) => ({
    name: `node-${i}`,
    cpuMilli: 4000,
    memoryMib: 16_384,
    gpuCount: 0,
    gpuModel: '',
    podsMax: 110,
  }));
  // Four zones of eight pods; two gangs that exclude each other, and single pods.
  const gang = { podCount: 20, gangMin: 20 };
  const jobs = jobsOf([gang, gang, {}, {}, {}]);
  const run = async (shards: number, options = {}) => {
    const parts = federation({ nodes, jobs, zones: 4, options });
    return { parts, outcome: await runFederation(new CheckedTeam(parts, shards), { horizonSeconds: 300 }) };
  };

  test('run across zones, one after the other, and with the same bits on any number of threads', async () => {
    const { parts, outcome } = await run(1);
    expect(outcome.ended).toBe('drained');
    expect(outcome.metrics).toMatchObject({ ended: 5, podsStarted: 43 });
    const two = await run(2);
    expect(bitsOf(two.parts, two.outcome)).toEqual(bitsOf(parts, outcome));
  });

  test('wait for ever where gangs may have one part only', async () => {
    const { outcome } = await run(1, { gangPartsMax: 1 });
    expect(outcome.ended).toBe('stalled');
    expect(outcome.metrics.ended).toBe(3);
  });
});
