import { describe, expect, it } from 'vitest';
import { createNomad } from './nomad.ts';
import { runPeer, testJobs, testNodes } from './peers.fixtures.ts';

/** Workers that need no time, and an applier that needs none. */
const instant = { applySeconds: 0, evaluationSeconds: 0 };

describe('nomad', () => {
  it('has plans on a stale snapshot rejected, and blocks', () => {
    const jobs = testJobs([{ at: 0 }, { at: 1 }]);
    const { result, starts } = runPeer(createNomad(instant), testNodes(1, 1), jobs, {
      stalenessSeconds: 100,
    });
    expect(starts.map(({ job }) => job)).toEqual([0]);
    // The second is planned on the empty node of the snapshot, rejected, and finds no room on the fresh one.
    expect(result).toMatchObject({ decisions: 3, refusals: 1, waitingAtEnd: 1 });
  });

  it('has none rejected when the snapshot is new', () => {
    const jobs = testJobs([{ at: 0 }, { at: 1 }]);
    const { result } = runPeer(createNomad(instant), testNodes(1, 1), jobs, { stalenessSeconds: 0.5 });
    expect(result).toMatchObject({ decisions: 2, refusals: 0, waitingAtEnd: 1 });
  });

  it('finds the last free node on the second try, from the fresh state', () => {
    const jobs = testJobs(Array.from({ length: 4 }, (_, i) => ({ at: i })));
    const { result } = runPeer(createNomad({ ...instant, attemptsMax: 2 }), testNodes(4, 1), jobs, {
      stalenessSeconds: 100,
    });
    expect(result.placedPods).toBe(4);
    // A rejected plan is followed by one that fits, so no evaluation is blocked.
    expect(result.decisions).toBe(4 + Math.round(result.refusals * 4));
  });

  it('takes blocked evaluations up when a refresh shows room', () => {
    const jobs = testJobs([{ at: 0, seconds: 12 }, { at: 1 }]);
    const { starts } = runPeer(createNomad(instant), testNodes(1, 1), jobs, { stalenessSeconds: 5 });
    expect(starts.map(({ job, at }) => [job, at])).toEqual([
      [0, 0],
      [1, 15],
    ]);
  });

  it('applies plans one after the other', () => {
    const jobs = testJobs([{ at: 0 }, { at: 0 }, { at: 0, pods: 2 }, { at: 0 }]);
    const { starts } = runPeer(createNomad({ ...instant, applySeconds: 1 }), testNodes(900, 1), jobs, {
      stalenessSeconds: 100,
    });
    // Five pods; on this many nodes no plan is rejected.
    expect(starts.map(({ at }) => at)).toEqual([1, 2, 4, 4, 5]);
  });

  it('evaluates no more at a time than it has workers, by priority', () => {
    const jobs = testJobs([{ at: 0 }, { at: 0 }, { at: 0, priority: 1 }]);
    const { starts } = runPeer(
      createNomad({ applySeconds: 0, evaluationSeconds: 1, workers: 1 }),
      testNodes(1, 3),
      jobs,
    );
    expect(starts.map(({ job, at }) => [job, at])).toEqual([
      [0, 1],
      [2, 2],
      [1, 3],
    ]);
  });

  it('takes the fuller of two nodes', () => {
    const jobs = testJobs([
      { at: 0, gpus: 3 },
      ...Array.from({ length: 20 }, (_, i) => ({ at: 2 + i, seconds: 0.5 })),
    ]);
    const { starts } = runPeer(createNomad(instant), testNodes(2, 4), jobs);
    const full = starts[0]?.node;
    // Both are drawn in half of the cases, the empty one twice in a quarter.
    const taken = starts.slice(1).filter(({ node }) => node === full).length;
    expect(taken).toBeGreaterThan(10);
    expect(taken).toBeLessThan(20);
  });

  it('counts the pods of a gang that its own plan has placed', () => {
    const jobs = testJobs([{ at: 0, gpus: 2, pods: 4 }]);
    const { result } = runPeer(createNomad(instant), testNodes(2, 4), jobs);
    expect(result).toMatchObject({ placedPods: 4, refusals: 0, decisions: 1 });
  });

  it.each([
    [{ choices: 0 }],
    [{ applySeconds: -1 }],
    [{ evaluationSeconds: Number.POSITIVE_INFINITY }],
    [{ workers: 0 }],
    [{ attemptsMax: 1000 }],
  ])('refuses %j', (options) => {
    expect(() => createNomad(options)).toThrow(expect.objectContaining({ code: 'TEG_OPTION_INVALID' }));
  });
});
