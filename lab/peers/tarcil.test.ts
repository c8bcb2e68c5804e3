import { describe, expect, it } from 'vitest';
import { Random } from '../../src/kernel/random.ts';
import { runPeer, testJobs, testNodes } from './peers.fixtures.ts';
import { bestOfQuality, samplesFor } from './sample-size.ts';
import { createTarcil } from './tarcil.ts';

describe('the sample size', () => {
  it('is that of the best of R uniform numbers where all nodes fit', () => {
    expect(bestOfQuality(4, 1)).toBeCloseTo(4 / 5, 12);
    expect(samplesFor(0.8, 1, 32)).toBe(4);
    expect(samplesFor(0.9, 1, 32)).toBe(9);
    expect(bestOfQuality(5, 0)).toBe(0);
  });

  it('agrees with samples drawn', () => {
    const random = new Random(7);
    for (const share of [0.2, 0.5, 0.9]) {
      let sum = 0;
      for (let i = 0; i < 20_000; i++) {
        let best = 0;
        for (let r = 0; r < 6; r++) if (random.nextFloat() < share) best = Math.max(best, random.nextFloat());
        sum += best;
      }
      expect(sum / 20_000).toBeCloseTo(bestOfQuality(6, share), 1.7);
    }
  });

  it('grows as fewer nodes fit, to the cap and no further', () => {
    const sizes = [1, 0.7, 0.5, 0.3, 0.2, 0.16, 0.14, 0].map((share) => samplesFor(0.8, share, 32));
    expect(sizes).toEqual([4, 7, 9, 16, 24, 31, 33, 33]);
  });
});

describe('tarcil', () => {
  it('samples more as the cluster fills', () => {
    const nodes = testNodes(1000, 1);
    const probesOf = (jobs: number, first: number) => {
      const table = testJobs(
        Array.from({ length: jobs }, (_, i) => ({ at: i < first ? 0.001 * i : 50 + 0.1 * i })),
      );
      return runPeer(createTarcil(), nodes, table).result;
    };
    expect(probesOf(10, 0)).toMatchObject({ probesMean: 4, probesP99: 4, waitingAtEnd: 0 });
    // 700 of 1000 nodes are taken before the other hundred arrive.
    const full = probesOf(800, 700);
    expect(full.probesP99).toBeGreaterThan(16);
    expect(full.probesMean).toBeGreaterThan(4);
    expect(full.placedPods).toBe(800);
  });

  it('retries where the view was stale', () => {
    // Two nodes, ten jobs within one refresh: the view shows both free all the time.
    const jobs = testJobs(Array.from({ length: 10 }, (_, i) => ({ at: i / 100 })));
    const { result } = runPeer(createTarcil({ attemptsMax: 3 }), testNodes(2, 1), jobs, {
      horizonSeconds: 0.9,
    });
    expect(result.placedPods).toBe(2);
    // Each of the other eight is refused three times, and waits.
    expect(result.refusals * 2).toBeGreaterThanOrEqual(24);
    expect(result.waitingAtEnd).toBe(8);
  });

  it('gives a node that gets free to the job that waits longest', () => {
    const jobs = testJobs([
      { at: 0, seconds: 7.5 },
      { at: 2, seconds: 1 },
      { at: 3, seconds: 1 },
    ]);
    const { starts } = runPeer(createTarcil(), testNodes(1, 1), jobs);
    expect(starts.map(({ job, at }) => [job, at])).toEqual([
      [0, 0],
      [1, 7.5],
      [2, 8.5],
    ]);
  });

  it('lets a job that waited long enough take a full sample', () => {
    // No node gets free, and one in 32 fits, which is too few to sample for.
    const fill = Array.from({ length: 62 }, (_, i) => ({ at: i / 100, gpus: 2 }));
    const jobs = testJobs([...fill, { at: 100, gpus: 2 }]);
    const { result, starts } = runPeer(createTarcil({ admissionSeconds: 4 }), testNodes(64, 2), jobs);
    const last = starts.find(({ job }) => job === 62);
    expect(last?.at).toBeGreaterThanOrEqual(104);
    expect(result.placedPods).toBe(63);
  });

  it('admits waiting jobs when a refresh shows room enough to sample', () => {
    const fill = Array.from({ length: 60 }, (_, i) => ({ at: i / 100, gpus: 2, seconds: 20 }));
    const jobs = testJobs([...fill, { at: 5, gpus: 2, pods: 20 }]);
    const { starts } = runPeer(createTarcil({ admissionSeconds: 500 }), testNodes(64, 2), jobs);
    const gang = starts.filter(({ job }) => job === 60);
    expect(gang).toHaveLength(20);
    expect(gang[0]?.at).toBeGreaterThan(20);
    expect(gang[0]?.at).toBeLessThan(30);
  });

  it.each([
    [{ qualityTarget: 1 }],
    [{ qualityTarget: 0 }],
    [{ samplesMax: 0 }],
    [{ attemptsMax: 0.5 }],
    [{ admissionSeconds: 0 }],
  ])('refuses %j', (options) => {
    expect(() => createTarcil(options)).toThrow(expect.objectContaining({ code: 'TEG_OPTION_INVALID' }));
  });
});
