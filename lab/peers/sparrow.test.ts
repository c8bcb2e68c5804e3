import { describe, expect, it } from 'vitest';
import { runPeer, testJobs, testNodes } from './peers.fixtures.ts';
import { createSparrow } from './sparrow.ts';
import { requestsOf } from './sparrow-requests.ts';

const sparrow = createSparrow();

describe('sparrow', () => {
  it('binds late: the pod goes to the node that is free first', () => {
    const jobs = testJobs([
      { at: 0, seconds: 100 },
      { at: 0.5, seconds: 10 },
      { at: 1, seconds: 50 },
    ]);
    const { result, starts } = runPeer(sparrow, testNodes(2, 1), jobs);
    expect(starts.map(({ job, at }) => [job, at])).toEqual([
      [0, 0],
      [1, 0.5],
      [2, 10.5],
    ]);
    expect(starts[2]?.node).toBe(starts[1]?.node);
    expect(result).toMatchObject({
      placedPods: 3,
      probesMean: 2,
      probesP99: 2,
      refusals: 0,
      waitingAtEnd: 0,
    });
    // The other reservations were cancelled, and no node asked for them: only the two on the node of job 0 at once.
    expect(result.decisions).toBe(4);
  });

  it('answers reservations one by one without cancellation', () => {
    const jobs = testJobs([
      { at: 0, seconds: 100 },
      { at: 0.5, seconds: 10 },
      { at: 1, seconds: 50 },
    ]);
    const { result, starts } = runPeer(createSparrow({ cancels: false }), testNodes(2, 1), jobs);
    expect(starts[2]).toMatchObject({ job: 2, at: 10.5 });
    expect(result.decisions).toBe(6);
  });

  it('needs three messages: probe, question, answer', () => {
    const jobs = testJobs(Array.from({ length: 4000 }, (_, i) => ({ at: i, seconds: 0.1 })));
    const { result } = runPeer(createSparrow({ probeRatio: 1 }), testNodes(50, 1), jobs, {
      delaySeconds: 0.2,
      horizonSeconds: 5000,
    });
    expect(result.delayMeanSeconds).toBeGreaterThan(0.59);
    expect(result.delayMeanSeconds).toBeLessThan(0.63);
  });

  it('lets no reservation overtake the head of a queue, unless configured to', () => {
    const jobs = testJobs([
      { at: 0, gpus: 3, seconds: 20 },
      { at: 1, gpus: 4, seconds: 5 },
      { at: 2, gpus: 1, seconds: 5 },
    ]);
    const atOf = (looksMax: number) =>
      runPeer(createSparrow({ probeRatio: 1, looksMax }), testNodes(1, 4), jobs).starts.map(({ job, at }) => [
        job,
        at,
      ]);
    expect(atOf(1)).toEqual([
      [0, 0],
      [1, 20],
      [2, 25],
    ]);
    expect(atOf(2)).toEqual([
      [0, 0],
      [2, 2],
      [1, 20],
    ]);
  });

  it('samples for all members of an array at once, and starts members of a gang one by one', () => {
    const array = testJobs([{ at: 0, pods: 3, isArray: true, seconds: 5 }, { at: 0 }]);
    expect([...requestsOf(array)]).toEqual([0, 3, 4]);
    // Six probes reach all six nodes, so three at once; as three requests of two they could collide.
    const { starts } = runPeer(sparrow, testNodes(6, 1), array);
    expect(new Set(starts.filter(({ job }) => job < 3).map(({ node }) => node)).size).toBe(3);
    expect(starts.filter(({ job }) => job < 3).every(({ at }) => at === 0)).toBe(true);

    const gang = testJobs([
      { at: 0, seconds: 7 },
      { at: 1, pods: 2, seconds: 4 },
    ]);
    const { result, starts: gangStarts } = runPeer(sparrow, testNodes(2, 1), gang);
    // The first member at once; the second when that member has ended, on the same node, before the other is free.
    expect(gangStarts.map(({ job, member, at }) => [job, member, at])).toEqual([
      [0, 0, 0],
      [1, 0, 1],
      [1, 1, 5],
    ]);
    expect(result.delayMaxSeconds).toBe(4);
  });

  it('sends several probes to a node where there are fewer nodes than probes', () => {
    const jobs = testJobs([{ at: 0, pods: 5, seconds: 3 }]);
    const { result } = runPeer(sparrow, testNodes(3, 2), jobs);
    expect(result).toMatchObject({ placedPods: 5, probesMean: 10, waitingAtEnd: 0 });
  });

  it('does not take names for arrays that are none', () => {
    const jobs = testJobs([{ at: 0 }, { at: 0 }, { at: 0, pods: 2 }, { at: 1 }]);
    expect([...requestsOf(jobs)]).toEqual([0, 1, 2, 3, 4]);
  });

  it('refuses probes of a full queue, and replaces them later', () => {
    const jobs = testJobs(Array.from({ length: 6 }, () => ({ at: 0, seconds: 10 })));
    const { result } = runPeer(createSparrow({ queueMax: 1, reprobeSeconds: 3 }), testNodes(1, 1), jobs);
    expect(result.placedPods).toBe(6);
    expect(result.refusals).toBeGreaterThan(0);
    expect(result.probesMean).toBeGreaterThan(2);
  });

  it('keeps jobs that no node could hold', () => {
    const jobs = testJobs([{ at: 0, gpus: 5 }, { at: 0, model: 'Z' }, { at: 0 }]);
    const { result } = runPeer(sparrow, testNodes(2, 4), jobs);
    expect(result).toMatchObject({ placedPods: 1, waitingAtEnd: 2 });
  });

  it.each([
    [{ probeRatio: 0.5 }],
    [{ queueMax: 0 }],
    [{ looksMax: 1.5 }],
    [{ reprobeSeconds: 0 }],
    [{ probeRatio: Number.NaN }],
  ])('refuses %j', (options) => {
    expect(() => createSparrow(options)).toThrow(expect.objectContaining({ code: 'TEG_OPTION_INVALID' }));
  });
});
