import { describe, expect, it } from 'vitest';
import { Random } from '../../src/kernel/random.ts';
import { createCentral } from './central.ts';
import { faultsOf, randomJobs, runPeer, testJobs, testNodes } from './peers.fixtures.ts';
import { PEERS, peerByName } from './registry.ts';
import { createSparrow } from './sparrow.ts';

describe('the registry', () => {
  it('knows its peers by name', () => {
    expect(PEERS.map((peer) => peer.name)).toEqual(['central', 'sparrow', 'nomad', 'tarcil']);
    for (const peer of PEERS) expect(peerByName(peer.name)).toBe(peer);
    expect(() => peerByName('sparow')).toThrow(/did you mean 'sparrow'/);
  });
});

describe.each([
  ...PEERS,
  createSparrow({ looksMax: 8, cancels: false }),
  createCentral({ decisionSeconds: 0.5 }),
])('$name', (peer) => {
  const nodes = testNodes(12, 4, ['A', 'A', 'B']);

  it.each([1, 2, 3, 4, 5, 6])('never puts more on a node than it has, nor a pod twice (seed %i)', (seed) => {
    const jobs = testJobs(randomJobs(new Random(seed), 300));
    const options = { seed, delaySeconds: 0.3, stalenessSeconds: 2, horizonSeconds: 600 };
    const { result, starts } = runPeer(peer, nodes, jobs, options);
    expect(faultsOf(nodes, jobs, starts)).toEqual([]);
    expect(starts).toHaveLength(result.placedPods);
    expect(result.placedPods).toBeGreaterThan(100);
    const models = new Set(
      starts.filter(({ job }) => jobs.demandOf(job).constraintId > 0).map(({ node }) => node % 3),
    );
    expect([...models]).toEqual([2]);
  });

  it('is a pure function of its options', () => {
    const jobs = testJobs(randomJobs(new Random(9), 300));
    const run = (seed: number) =>
      runPeer(peer, nodes, jobs, { seed, delaySeconds: 0.2, horizonSeconds: 500 });
    expect(run(4)).toEqual(run(4));
    expect(run(4)).not.toEqual(run(5));
  });

  it('places every job there is room for in the end', () => {
    const jobs = testJobs(
      randomJobs(new Random(10), 200).map((job) => ({ ...job, seconds: Math.min(job.seconds ?? 9, 9) })),
    );
    const { result } = runPeer(peer, nodes, jobs, { delaySeconds: 0.01, horizonSeconds: 5000 });
    expect(result.waitingAtEnd).toBe(0);
    expect(result.placedPods).toBe(jobs.podCounts.reduce((sum, pods) => sum + pods, 0));
    expect(result.allocation).toBe(0);
  });

  it('lets jobs that no node could hold wait to the end, and does not look past the horizon', () => {
    const jobs = testJobs([
      { at: 0, gpus: 9 },
      { at: 1, model: 'Z' },
      { at: 2, gpus: 4, pods: 99 },
      { at: 1e6 },
    ]);
    const { result } = runPeer(peer, nodes, jobs, { horizonSeconds: 300 });
    const members = peer.name === 'sparrow' ? 12 : 0;
    expect(result).toMatchObject({ placedPods: members, waitingAtEnd: 3, delayMeanSeconds: 0, probesP99: 0 });
  });

  it('measures the share of GPUs in use, and its mean in the second half', () => {
    // Half of the GPUs from about 0, all from 60; the second half begins at 50.
    const jobs = testJobs([
      { at: 0, gpus: 4, seconds: 80 },
      { at: 60, gpus: 4 },
    ]);
    const { result } = runPeer(peer, testNodes(2, 4), jobs, { horizonSeconds: 100 });
    expect(result.allocation).toBe(0.5);
    expect(result.allocationMean).toBeCloseTo((50 * 0.5 + 20 * 0.5) / 50, 1);
  });

  it('runs without jobs, and on nodes without GPUs', () => {
    expect(runPeer(peer, nodes, testJobs([])).result).toMatchObject({
      decisions: 0,
      waitingAtEnd: 0,
      allocation: 0,
    });
    const cpuOnly = testJobs([{ at: 0, gpus: 0 }]);
    expect(runPeer(peer, testNodes(2, 0), cpuOnly).result).toMatchObject({ placedPods: 1, allocation: 0 });
  });

  it.each([
    [{ horizonSeconds: 0 }, 'TEG_OPTION_INVALID'],
    [{ horizonSeconds: Number.POSITIVE_INFINITY }, 'TEG_OPTION_INVALID'],
    [{ delaySeconds: -1 }, 'TEG_OPTION_INVALID'],
    [{ delaySeconds: Number.NaN }, 'TEG_OPTION_INVALID'],
    [{ stalenessSeconds: 0 }, 'TEG_OPTION_INVALID'],
    [{ stalenessSeconds: 1e-9 }, 'TEG_OPTION_INVALID'],
    [{ seed: Number.NaN }, 'TEG_OPTION_INVALID'],
    [{ nodes: [] }, 'TEG_CLUSTER_INVALID'],
  ])('refuses %j', (options, code) => {
    expect(() => runPeer(peer, nodes, testJobs([{ at: 0 }]), options)).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it('stops on request', () => {
    const jobs = testJobs(Array.from({ length: 10_000 }, (_, i) => ({ at: i / 100, seconds: 0.1, gpus: 0 })));
    expect(() => runPeer(peer, nodes, jobs, { shouldStop: () => true })).toThrow(
      expect.objectContaining({ code: 'TEG_INTERRUPTED' }),
    );
  });
});
