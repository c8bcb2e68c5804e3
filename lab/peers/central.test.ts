import { describe, expect, it } from 'vitest';
import { Random } from '../../src/kernel/random.ts';
import { createCentral } from './central.ts';
import { runPeer, type TestJob, testJobs, testNodes } from './peers.fixtures.ts';

const perSecond = createCentral({ decisionSeconds: 1 });

describe('central', () => {
  it('decides one pod after the other', () => {
    const jobs = testJobs([{ at: 0 }, { at: 0.5 }, { at: 0.6 }, { at: 5 }]);
    const { result, starts } = runPeer(perSecond, testNodes(4, 1), jobs);
    // Decided at 1, 2, 3; idle; 6.
    expect(starts.map((start) => start.at)).toEqual([1, 2, 3, 6]);
    expect(result.delayMeanSeconds).toBeCloseTo((1 + 1.5 + 2.4 + 1) / 4, 12);
    expect(result.delayMaxSeconds).toBeCloseTo(2.4, 12);
    expect(result).toMatchObject({
      decisions: 4,
      placedPods: 4,
      probesMean: 1,
      refusals: 0,
      waitingAtEnd: 0,
    });
  });

  it('has the mean delay of an M/D/1 queue below its rate', () => {
    const random = new Random(3);
    const jobs: TestJob[] = [];
    let at = 0;
    for (let i = 0; i < 100_000; i++) {
      at += random.nextExponential() / 0.8;
      jobs.push({ at, seconds: 1, gpus: 0 });
    }
    const { result } = runPeer(perSecond, testNodes(20, 1), testJobs(jobs), { horizonSeconds: at + 1000 });
    // Service 1, and ρ / (2 (1 − ρ)) of waiting.
    expect(result.delayMeanSeconds / (1 + 0.8 / 0.4)).toBeGreaterThan(0.95);
    expect(result.delayMeanSeconds / (1 + 0.8 / 0.4)).toBeLessThan(1.05);
  });

  it('falls behind without bound above its rate', () => {
    const jobs = testJobs(Array.from({ length: 2000 }, (_, i) => ({ at: i / 2, seconds: 1, gpus: 0 })));
    const { result } = runPeer(perSecond, testNodes(20, 1), jobs, { horizonSeconds: 999.5 });
    // Job k arrives at k / 2 and is decided at k + 1; by 999.5, 999 are.
    expect(result.waitingAtEnd).toBe(2000 - 999);
    expect(result.delayMaxSeconds).toBe(1 + 998 / 2);
    expect(result.delayMeanSeconds).toBeCloseTo(1 + 998 / 4, 9);
    expect(result.delayP50Seconds).toBeCloseTo(250, -1);
  });

  it('takes a decision for each pod of a gang, and places all or none', () => {
    const jobs = testJobs([{ at: 0, pods: 3 }, { at: 0.5 }, { at: 0.6, pods: 2 }]);
    const { result, starts } = runPeer(perSecond, testNodes(1, 5), jobs);
    expect(starts.map(({ job, at }) => [job, at])).toEqual([
      [0, 3],
      [0, 3],
      [0, 3],
      [1, 4],
    ]);
    // One GPU is left; the gang of two does not take it.
    expect(result.allocation).toBe(0.8);
    expect(result.waitingAtEnd).toBe(1);
  });

  it('serves priority first', () => {
    const jobs = testJobs([{ at: 0 }, { at: 0.1 }, { at: 0.2, priority: 5 }]);
    const { starts } = runPeer(perSecond, testNodes(3, 1), jobs);
    expect(starts.map((start) => start.job)).toEqual([0, 2, 1]);
  });

  it('tries again when a pod has ended, after its wait if others are there', () => {
    const fast = createCentral({ decisionSeconds: 0.1 });
    const alone = testJobs([{ at: 0, seconds: 5 }, { at: 1 }]);
    // Decided and placed at 0.1, ends at 5.1; no other job waits.
    expect(runPeer(fast, testNodes(1, 1), alone).starts[1]).toMatchObject({ job: 1, at: 5.199999999999999 });
    const slow = createCentral({ decisionSeconds: 1 });
    const busy = testJobs([
      { at: 0, seconds: 2.5 },
      { at: 0.1, gpus: 2 },
      ...Array.from({ length: 6 }, () => ({ at: 0.2, gpus: 0 })),
    ]);
    // Fails at 2, may come back at 3; a pod ends at 3.5; it then stands behind the six others, decided until 8.
    const { starts } = runPeer(slow, testNodes(1, 2), busy);
    expect(starts.find((start) => start.job === 1)?.at).toBe(9);
  });

  it('packs: the fuller node wins', () => {
    const jobs = testJobs([{ at: 0, gpus: 3 }, { at: 2 }, { at: 4, gpus: 4 }]);
    const { starts } = runPeer(perSecond, testNodes(2, 4), jobs);
    expect(starts[1]?.node).toBe(starts[0]?.node);
    expect(starts).toHaveLength(3);
  });

  it.each([[{ decisionSeconds: -1 }], [{ decisionSeconds: Number.NaN }], [{ nodesToScoreMax: 0 }]])(
    'refuses %j',
    (options) => {
      expect(() => createCentral(options)).toThrow(expect.objectContaining({ code: 'TEG_OPTION_INVALID' }));
    },
  );
});
