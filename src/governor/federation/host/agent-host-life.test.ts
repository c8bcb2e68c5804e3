/**
 * Agent hosts after the first placement: ends, cancels, lines, restarts, reports and counters.
 */
import { describe, expect, test } from 'vitest';
import { Agents, HOST, THREE } from '../agent-host.fixtures.ts';
import { type AnyMessage, DemandId, done, entry, jobOf, reply, told } from '../federation.fixtures.ts';
import { type BoardEntry, FederationReason, MessageKind } from '../messages.ts';

describe('the end of a job', () => {
  test('is acknowledged, and the job is gone', () => {
    const agents = new Agents();
    agents.running(7, 1, 91);
    const step = agents.hear(MessageKind.Ended, 1, 7, { offer: 91, reason: FederationReason.Finished }, 3);
    expect(reply(step)).toMatchObject({ kind: MessageKind.EndedAck, from: HOST, to: 1, job: 7, offer: 91 });
    expect(done(step)).toEqual(['job-ended 7: finished']);
    expect(agents.state(7)).toBe('unknown');
    const again = agents.hear(MessageKind.Ended, 1, 7, { offer: 91, reason: FederationReason.Finished }, 4);
    expect(told(again)).toEqual(['ended-ack 7']);
    expect(done(again)).toEqual([]);
  });

  test('may arrive before the start', () => {
    const agents = new Agents();
    agents.confirming(7, 1, 91);
    const step = agents.hear(MessageKind.Ended, 1, 7, { offer: 91, reason: FederationReason.Finished });
    expect(done(step)).toEqual(['job-placed 7', 'job-ended 7: finished']);
    expect(agents.process.counters.placements).toBe(1);
    expect(agents.hear(MessageKind.Started, 1, 7, { offer: 91 })).toEqual({ messages: [], actions: [] });
  });

  test('by a lost node lets it wait again with its rank, and go where there is room', () => {
    const agents = new Agents({ options: { proposalsMax: 1 } });
    agents.running(7, 1, 91);
    const other = reply(agents.submit(8, 1));
    agents.submit(9, 2);
    const step = agents.hear(MessageKind.Ended, 1, 7, { offer: 91, reason: FederationReason.NodeLost }, 3);
    expect(told(step)).toEqual(['ended-ack 7']);
    expect(done(step)).toEqual([]);
    expect(agents.line.waiting.map((slot) => agents.process.jobs.jobs[slot])).toEqual([7, 9]);
    const next = agents.offer(other, 92, 4);
    expect(told(next)).toEqual(['confirm 8', 'propose 7']);
    expect(next.messages[1]?.attempt).toBeGreaterThan(other.attempt);
  });

  test('of an earlier run does not touch the present one', () => {
    const agents = new Agents();
    agents.running(7, 1, 91);
    const lost = { offer: 91, reason: FederationReason.NodeLost };
    const proposal = agents.hear(MessageKind.Ended, 1, 7, lost, 3).messages[1] as AnyMessage;
    agents.offer(proposal, 95, 4);
    agents.hear(MessageKind.Started, 1, 7, { offer: 95 }, 5);
    const step = agents.hear(MessageKind.Ended, 1, 7, lost, 6);
    expect(told(step)).toEqual(['ended-ack 7']);
    expect(agents.process.explain(7)).toMatchObject({ state: 'running', target: 1, sinceSeconds: 5 });
  });
});

describe('offers of two zones that happen to have the same number', () => {
  /** Job 7 was lost in zone 1 under offer 91 and has another offer 91 of zone 2. */
  function twoOffers(): Agents {
    const agents = new Agents();
    agents.board(THREE);
    const first = reply(agents.submit(7));
    agents.offer(first, 91);
    agents.hear(MessageKind.Started, 1, 7, { offer: 91 });
    agents.board([entry(2, 2, { freeGpuMilli: 4000, takenAt: 1 })], 1);
    const lost = { offer: 91, reason: FederationReason.NodeLost };
    const second = agents.hear(MessageKind.Ended, 1, 7, lost, 2).messages[1] as AnyMessage;
    expect(second).toMatchObject({ kind: MessageKind.Propose, to: 2 });
    agents.offer(second, 91, 3);
    expect(agents.state(7)).toBe('confirming');
    return agents;
  }

  test.each([
    ['lost a node', MessageKind.Ended, { reason: FederationReason.NodeLost }],
    ['finished', MessageKind.Ended, { reason: FederationReason.Finished }],
    ['moved', MessageKind.Ended, { reason: FederationReason.Moved }],
    ['was gone', MessageKind.Gone, {}],
    ['started', MessageKind.Started, {}],
  ])('late news of the one, that it %s, is not taken for news of the other', (_, kind, fields) => {
    const agents = twoOffers();
    const late = agents.hear(kind, 1, 7, { offer: 91, ...fields }, 4);
    expect(done(late)).toEqual([]);
    expect(told(late)).toEqual(kind === MessageKind.Ended ? ['ended-ack 7'] : []);
    expect(agents.process.explain(7)).toMatchObject({ state: 'confirming', target: 2 });
    agents.hear(MessageKind.Started, 2, 7, { offer: 91 }, 5);
    expect(done(agents.hear(kind, 1, 7, { offer: 91, ...fields }, 6))).toEqual([]);
    expect(agents.process.explain(7)).toMatchObject({ state: 'running', target: 2, sinceSeconds: 5 });
  });

  test('the late offer of the one is declined', () => {
    const agents = new Agents();
    agents.board(THREE);
    const first = reply(agents.submit(7));
    const second = reply(agents.refuse(first));
    agents.offer(second, 91);
    expect(reply(agents.offer(first, 91))).toMatchObject({ kind: MessageKind.Decline, to: 1, offer: 91 });
  });
});

describe('cancelling', () => {
  test('a job that waits ends it', () => {
    const agents = new Agents();
    agents.submit(7);
    agents.submit(8);
    expect(done(agents.cancel(7))).toEqual(['job-ended 7: cancelled']);
    expect(agents.line.waiting.map((slot) => agents.process.jobs.jobs[slot])).toEqual([8]);
  });

  test('a job that is proposed ends it; the offer is declined', () => {
    const agents = new Agents();
    agents.board(THREE);
    const proposal = reply(agents.submit(7));
    const step = agents.cancel(7, 1);
    expect([told(step), done(step)]).toEqual([[], ['job-ended 7: cancelled']]);
    expect(agents.line.proposed).toBe(0);
    expect(told(agents.wake(10))).toEqual([]);
    expect(told(agents.offer(proposal, 91))).toEqual(['decline 7']);
  });

  test.each(['confirming', 'running'] as const)(
    'a job that is %s has its zone stop it, until it answers',
    (state) => {
      const agents = new Agents({ options: { confirmSeconds: 0.5 } });
      agents[state](7, 1, 91);
      const stop = reply(agents.cancel(7, 10));
      expect(stop).toMatchObject({
        kind: MessageKind.Stop,
        to: 1,
        job: 7,
        offer: 91,
        reason: FederationReason.Cancelled,
      });
      expect(agents.state(7)).toBe('stopping');
      expect(agents.cancel(7, 10.1)).toEqual({ messages: [], actions: [] });
      expect(reply(agents.wake(10.5))).toEqual(stop);
      expect(reply(agents.wake(11.5))).toEqual(stop);
      // The start was in transit.
      expect(agents.hear(MessageKind.Started, 1, 7, { offer: 91 }, 12)).toEqual({
        messages: [],
        actions: [],
      });
      const ended = agents.hear(
        MessageKind.Ended,
        1,
        7,
        { offer: 91, reason: FederationReason.Cancelled },
        13,
      );
      expect(told(ended)).toEqual(['ended-ack 7']);
      expect(done(ended)).toEqual(['job-ended 7: cancelled']);
      expect(agents.state(7)).toBe('unknown');
      expect(told(agents.wake(1000))).toEqual([]);
    },
  );

  test('a job whose escrow is gone ends it', () => {
    const agents = new Agents();
    agents.confirming(7, 1, 91);
    agents.cancel(7);
    expect(done(agents.hear(MessageKind.Gone, 1, 7, { offer: 91 }))).toEqual(['job-ended 7: cancelled']);
  });

  test('a job that has ended, or was never there, does nothing', () => {
    expect(new Agents().cancel(3)).toEqual({ messages: [], actions: [] });
  });
});

describe('the order of a line', () => {
  test('is by priority, then by submission', () => {
    const agents = new Agents();
    for (const [job, priority] of [
      [1, 0],
      [2, 5],
      [3, -3],
      [4, 5],
      [5, 0],
    ] as const) {
      agents.submit(job, 0, DemandId.HalfGpu, 1, priority);
    }
    expect(agents.board(THREE).messages.map((m) => m.job)).toEqual([2, 4, 1, 5, 3]);
  });

  test('the first of all lines proposes first', () => {
    const agents = new Agents();
    agents.submit(1, 0, DemandId.OneGpu, 1, 0);
    agents.submit(2, 0, DemandId.HalfGpu, 1, 9);
    agents.submit(3, 0, DemandId.Cpu, 1, 4);
    agents.submit(4, 0, DemandId.OneGpu, 1, 5);
    expect(agents.board(THREE).messages.map((m) => m.job)).toEqual([2, 4, 1, 3]);
  });

  test('a line has no more proposals out than its window, and the window opens with success', () => {
    const agents = new Agents();
    for (let job = 0; job < 40; job++) agents.submit(job);
    const out = agents.board(THREE).messages;
    expect(out).toHaveLength(8);
    expect(agents.state(8)).toMatch(/^waiting/);
    expect(told(agents.offer(out[0] as AnyMessage, 91))).toEqual(['confirm 0', 'propose 8', 'propose 9']);
    expect(agents.line).toMatchObject({ window: 9, proposed: 9 });
  });

  test('the window halves with each refusal; below one the line tries by chance, one job at a board', () => {
    const agents = new Agents();
    for (let job = 0; job < 12; job++) agents.submit(job);
    const boardOf = (version: number): BoardEntry[] => [
      entry(1, version, { freeGpuMilli: 90_000, takenAt: version }),
    ];
    const out = agents.board(boardOf(1)).messages;
    for (const proposal of out) agents.refuse(proposal as AnyMessage);
    expect(agents.line).toMatchObject({ proposed: 0, window: 1 / 16 });
    let tries = 0;
    for (let version = 2; version < 400; version++) {
      const step = agents.board(boardOf(version), version);
      expect(step.messages.length).toBeLessThanOrEqual(1);
      for (const proposal of step.messages) {
        tries++;
        agents.refuse(proposal as AnyMessage, version);
      }
    }
    // 398 boards, each with probability 1/16: 25 ± 5.
    expect(tries).toBeGreaterThan(10);
    expect(tries).toBeLessThan(45);
  });

  test('one success after a refusal lets the next try again', () => {
    const agents = new Agents();
    agents.board(THREE);
    const proposal = reply(agents.submit(1));
    agents.line.window = 0.5;
    agents.submit(2);
    expect(told(agents.offer(proposal, 91))).toEqual(['confirm 1', 'propose 2']);
    expect(agents.line.window).toBe(1);
  });
});

describe('limits', () => {
  test('no more than proposalsMax proposals are out, over all lines', () => {
    const agents = new Agents({ options: { proposalsMax: 3 } });
    agents.board(THREE);
    const out = [DemandId.Cpu, DemandId.HalfGpu, DemandId.OneGpu, DemandId.OneGpu].flatMap(
      (demand, job) => agents.submit(job, 0, demand).messages,
    );
    expect(out.map((m) => m.job)).toEqual([0, 1, 2]);
    expect(agents.state(3)).toBe('waiting: others of its shape go first');
    agents.offer(out[0] as AnyMessage, 91);
    expect(told(agents.board(THREE, 1))).toEqual(['propose 3']);
  });

  test('attempts are unique, also across restarts', () => {
    const attempts = [1, 2].flatMap((incarnation) => {
      const agents = new Agents({ incarnation });
      agents.board(THREE);
      return [1, 2, 3].map((job) => reply(agents.submit(job)).attempt);
    });
    expect(new Set(attempts).size).toBe(6);
    expect([...attempts].sort((a, b) => a - b)).toEqual(attempts);
  });
});

describe('a host that starts over', () => {
  test('adopts a running job: it learns of its end, can cancel it, and starts it again after a lost node', () => {
    const agents = new Agents({ incarnation: 2 });
    for (const job of [1, 2, 3]) agents.process.adopt(jobOf(job, DemandId.OneGpu, 1, 1, 0), 6, 90 + job, 5);
    expect(agents.process.explain(1)).toMatchObject({ state: 'running', target: 6, sinceSeconds: 5 });
    const finished = { offer: 91, reason: FederationReason.Finished };
    expect(done(agents.hear(MessageKind.Ended, 6, 1, finished, 6))).toEqual(['job-ended 1: finished']);
    expect(reply(agents.cancel(2, 6))).toMatchObject({ kind: MessageKind.Stop, to: 6, offer: 92 });
    agents.board(THREE, 6);
    const lost = { offer: 93, reason: FederationReason.NodeLost };
    expect(told(agents.hear(MessageKind.Ended, 6, 3, lost, 7))).toEqual(['ended-ack 3', 'propose 3']);
  });
});

describe('the report to the home zone', () => {
  test('says how many jobs wait, how many GPUs they want, and how long the first has waited', () => {
    const agents = new Agents({ homeZone: 3, firstReportSeconds: 0.25, options: { publishSeconds: 2 } });
    expect(agents.process.wakeAt).toBe(0.25);
    expect(reply(agents.wake(0.25))).toMatchObject({
      kind: MessageKind.HostReport,
      from: HOST,
      to: 3,
      waitingJobs: 0,
      waitingGpuMilli: 0,
      oldestSeconds: 0,
    });
    agents.submit(1, 1, DemandId.OneGpu, 3);
    agents.submit(2, 2, DemandId.HalfGpu);
    agents.submit(3, 2, DemandId.Cpu);
    expect(agents.process.wakeAt).toBe(2.25);
    expect(reply(agents.wake(2.25))).toMatchObject({
      waitingJobs: 3,
      waitingGpuMilli: 3500,
      oldestSeconds: 1.25,
    });
    expect(agents.process.wakeAt).toBe(4.25);
  });

  test('keeps its phase however late it is woken', () => {
    const agents = new Agents({ homeZone: 3, firstReportSeconds: 0.25 });
    expect(agents.wake(7.5).messages).toHaveLength(1);
    expect(agents.process.wakeAt).toBe(8.25);
  });

  test('time in line starts again after a job has run', () => {
    const agents = new Agents({ homeZone: 3, firstReportSeconds: 100 });
    agents.running(7, 1, 91);
    agents.board([]);
    agents.hear(MessageKind.Ended, 1, 7, { offer: 91, reason: FederationReason.NodeLost }, 90);
    expect(agents.wake(100).messages.at(-1)).toMatchObject({ waitingJobs: 1, oldestSeconds: 10 });
  });
});

describe('measurements', () => {
  test('distance: between the zones of one shape, from its second placement on', () => {
    const agents = new Agents();
    const place = (job: number, zone: number): void => {
      agents.board([entry(zone, job + 1, { freeGpuMilli: 4000, takenAt: 0 })]);
      agents.offer(reply(agents.submit(job)), 90 + job);
      agents.hear(MessageKind.Started, zone, job, { offer: 90 + job });
    };
    [4, 4, 9, 7].forEach((zone, job) => {
      place(job, zone);
    });
    expect(agents.process.counters).toMatchObject({ placements: 4, successors: 3, moved: 2, distanceSum: 7 });
  });

  test('probes: proposals of a placement, the refused and the unanswered included', () => {
    const agents = new Agents({ options: { proposeRepeatsMax: 1, proposeSeconds: 1 } });
    agents.board([...THREE.slice(0, 2), entry(4, 1, { freeGpuMilli: 1000, takenAt: 0 })]);
    const second = reply(agents.refuse(reply(agents.submit(7))));
    expect(second.to).toBe(2);
    agents.wake(1);
    const third = reply(agents.wake(2));
    agents.offer(third, 91, 3);
    agents.hear(MessageKind.Started, 4, 7, { offer: 91 }, 4);
    expect(agents.process.counters.probesMean).toBe(3);
  });

  test('age: that of the data that was chosen by', () => {
    const agents = new Agents();
    agents.board([entry(1, 1, { freeGpuMilli: 4000, takenAt: 1, newestAt: 2 })], 2);
    agents.submit(1, 3.5);
    agents.submit(2, 4.5);
    expect(agents.process.counters).toMatchObject({ ageMicros: 6_000_000, ageMax: 3.5 });
  });
});
