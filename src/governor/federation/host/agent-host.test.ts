import { describe, expect, test } from 'vitest';
import { Random } from '../../../kernel/random.ts';
import { TegError } from '../../../model/errors.ts';
import { Agents, HOST, THREE } from '../agent-host.fixtures.ts';
import { type AnyMessage, DemandId, done, entry, reply, told } from '../federation.fixtures.ts';
import { ActionKind, type BoardEntry, FederationReason, MessageKind, ProposalMode } from '../messages.ts';

describe('a job that arrives', () => {
  test('waits for a board, then proposes itself to the zone that the chooser picks', () => {
    const agents = new Agents();
    expect(told(agents.submit(7, 1.5))).toEqual([]);
    expect(agents.process.explain(7)).toEqual({
      state: 'waiting',
      reason: 'no board yet',
      sinceSeconds: 1.5,
      target: -1,
      probes: 0,
    });
    const proposal = reply(agents.board(THREE, 2));
    expect(proposal).toMatchObject({
      kind: MessageKind.Propose,
      from: HOST,
      to: 1,
      job: 7,
      host: HOST,
      demandId: DemandId.OneGpu,
      podCount: 1,
      gangMin: 1,
      hops: 0,
      // Repeated after 0.5, 1 and 1.5 s, given up after 2 s: no offer is wanted later.
      deadline: 4,
    });
    expect(proposal.attempt).toBeGreaterThan(0);
    expect(agents.process.explain(7)).toMatchObject({ state: 'proposed', sinceSeconds: 2, target: 1 });
  });

  test('proposes itself at once where a board is there', () => {
    const agents = new Agents();
    agents.board(THREE);
    const proposal = reply(agents.submit(7, 0, DemandId.HalfGpu, 2));
    expect(proposal).toMatchObject({ to: 1, demandId: DemandId.HalfGpu, podCount: 2, gangMin: 2 });
  });

  test('waits while no zone shows room for all that has to start together, where gangs do not span zones', () => {
    const agents = new Agents({ options: { gangPartsMax: 1 } });
    agents.board(THREE);
    expect(told(agents.submit(7, 0, DemandId.OneGpu, 5))).toEqual([]);
    expect(agents.state(7)).toBe('waiting: no zone shows room');
    expect(told(agents.board([entry(2, 2, { freeGpuMilli: 5000, takenAt: 1 })], 1))).toEqual(['propose 7']);
  });

  test('waits for a board again once all that it knew has expired', () => {
    const agents = new Agents({ options: { expireSeconds: 10 } });
    agents.board(THREE);
    agents.submit(7, 10.5);
    expect(agents.state(7)).toBe('waiting: no board yet');
    agents.board([], 11);
    expect(agents.state(7)).toBe('waiting: no board yet');
    expect(told(agents.board([entry(1, 2, { freeGpuMilli: 4000, takenAt: 11 })], 12))).toEqual(['propose 7']);
  });

  test('is refused if its number is known or the host is full; nothing has happened then', () => {
    const agents = new Agents({ options: { hostJobsMax: 2 } });
    agents.submit(1);
    const code = (act: () => void): string => {
      try {
        act();
      } catch (error) {
        return (error as TegError).code;
      }
      return 'accepted';
    };
    expect(code(() => agents.submit(1))).toBe('TEG_JOB_INVALID');
    agents.submit(2);
    expect(code(() => agents.submit(3))).toBe('TEG_LIMIT_REACHED');
    expect(() => agents.submit(3)).toThrow(TegError);
    expect(agents.process.jobs.size).toBe(2);
    expect(agents.line.waiting).toHaveLength(2);
    agents.cancel(1);
    expect(code(() => agents.submit(3))).toBe('accepted');
  });
});

describe('an offer', () => {
  test('is confirmed, and the job runs when the zone says so', () => {
    const agents = new Agents();
    agents.board(THREE);
    const proposal = reply(agents.submit(7));
    const confirm = reply(agents.offer(proposal, 91, 1));
    expect(confirm).toMatchObject({
      kind: MessageKind.Confirm,
      from: HOST,
      to: 1,
      job: 7,
      offer: 91,
      doneSeconds: 0,
    });
    expect(agents.state(7)).toBe('confirming');
    const started = agents.hear(MessageKind.Started, 1, 7, { offer: 91 }, 2);
    expect(told(started)).toEqual([]);
    expect(started.actions).toMatchObject([{ kind: ActionKind.JobPlaced, job: 7, offer: 91, zone: 1 }]);
    expect(agents.process.explain(7)).toEqual({
      state: 'running',
      reason: '',
      sinceSeconds: 2,
      target: 1,
      probes: 0,
    });
    expect(agents.process.counters).toMatchObject({ proposals: 1, placements: 1, refusals: 0, declined: 0 });
  });

  test('of a zone that a summary node has picked is confirmed to that zone', () => {
    const agents = new Agents();
    agents.board([entry(200, 1, { freeGpuMilli: 4000, takenAt: 0 }, true)]);
    const proposal = reply(agents.submit(7));
    expect(proposal.to).toBe(200);
    const { attempt } = proposal;
    expect(reply(agents.hear(MessageKind.Offer, 9, 7, { attempt, offer: 91 }))).toMatchObject({
      to: 9,
      offer: 91,
    });
  });

  test('that comes twice is confirmed once; the same start received twice is counted once', () => {
    const agents = new Agents();
    agents.board(THREE);
    const proposal = reply(agents.submit(7));
    agents.offer(proposal, 91);
    expect(agents.offer(proposal, 91)).toEqual({ messages: [], actions: [] });
    agents.hear(MessageKind.Started, 1, 7, { offer: 91 });
    expect(agents.hear(MessageKind.Started, 1, 7, { offer: 91 })).toEqual({ messages: [], actions: [] });
    expect(agents.offer(proposal, 91)).toEqual({ messages: [], actions: [] });
    expect(agents.process.counters).toMatchObject({ placements: 1, declined: 0 });
  });

  test('that comes when the job has gone on asking is taken; the other one is declined then', () => {
    const agents = new Agents({ options: { proposeSeconds: 1, proposeRepeatsMax: 1 } });
    agents.board(THREE);
    const first = reply(agents.submit(7));
    agents.wake(1);
    const second = reply(agents.wake(2));
    expect([first.to, second.to]).toEqual([1, 2]);
    expect(reply(agents.offer(first, 91, 3))).toMatchObject({ kind: MessageKind.Confirm, to: 1, offer: 91 });
    expect(agents.line.proposed).toBe(0);
    const declined = reply(agents.offer(second, 92, 4));
    expect(declined).toMatchObject({ kind: MessageKind.Decline, from: HOST, to: 2, job: 7, offer: 92 });
    agents.hear(MessageKind.Started, 1, 7, { offer: 91 }, 5);
    expect(reply(agents.offer(second, 92, 6))).toMatchObject({ kind: MessageKind.Decline, to: 2, offer: 92 });
    expect(agents.process.explain(7)).toMatchObject({ state: 'running', target: 1 });
    expect(agents.process.counters.declined).toBe(2);
  });

  test('that comes when the job has given up asking takes it out of its line', () => {
    const agents = new Agents({ options: { proposeSeconds: 1, proposeRepeatsMax: 1 } });
    agents.board([THREE[0] as BoardEntry]);
    const first = reply(agents.submit(7));
    agents.wake(1);
    agents.wake(2);
    expect(agents.state(7)).toBe('waiting: a zone did not answer');
    expect(told(agents.offer(first, 91, 3))).toEqual(['confirm 7']);
    expect(agents.line.waiting).toEqual([]);
    // A success that the job no longer waited for says nothing about the window of proposals.
    expect(agents.line.window).toBe(4);
  });

  test('for an unknown job is declined', () => {
    const agents = new Agents();
    expect(reply(agents.hear(MessageKind.Offer, 4, 999, { attempt: 1, offer: 5 }))).toMatchObject({
      kind: MessageKind.Decline,
      to: 4,
      job: 999,
      offer: 5,
    });
  });

  test('whose escrow is gone sends the job back to its line, at its old rank', () => {
    const agents = new Agents({ options: { proposalsMax: 1 } });
    agents.board(THREE);
    const proposal = reply(agents.submit(7, 0));
    agents.submit(8, 1);
    const [confirm, next] = agents.offer(proposal, 91, 2).messages;
    expect([confirm?.kind, next?.kind, next?.job]).toEqual([MessageKind.Confirm, MessageKind.Propose, 8]);
    // The limit of proposals in flight is reached by job 8, so 7 waits; but it waits in front.
    agents.submit(9, 3);
    const gone = agents.hear(MessageKind.Gone, 1, 7, { offer: 91 }, 4);
    expect(told(gone)).toEqual([]);
    expect(agents.line.waiting.map((slot) => agents.process.jobs.jobs[slot])).toEqual([7, 9]);
    expect(agents.process.counters.gone).toBe(1);
    expect(told(agents.offer(next as AnyMessage, 92, 5))).toEqual(['confirm 8', 'propose 7']);
  });

  test('known to run answers a proposal of a host that had forgotten', () => {
    const agents = new Agents({ incarnation: 2 });
    agents.board(THREE);
    const { attempt } = reply(agents.submit(7));
    const step = agents.hear(MessageKind.Started, 1, 7, { offer: 91, attempt }, 1);
    expect(done(step)).toEqual(['job-placed 7']);
    expect(agents.process.explain(7)).toMatchObject({ state: 'running', target: 1 });
    expect(agents.line.proposed).toBe(0);
  });
});

describe('a refusal', () => {
  test('sends the job elsewhere at once, and nowhere once all have refused', () => {
    const agents = new Agents();
    agents.board(THREE);
    const first = reply(agents.submit(7));
    const second = reply(agents.refuse(first, 1));
    expect([first.to, second.to]).toEqual([1, 2]);
    expect(second.attempt).toBeGreaterThan(first.attempt);
    expect(told(agents.refuse(second, 2))).toEqual([]);
    expect(agents.state(7)).toBe('waiting: refused where room was shown');
    expect(agents.process.explain(7)?.probes).toBe(2);
    expect(agents.process.counters).toMatchObject({ proposals: 2, refusals: 2 });
  });

  test('is remembered until a newer summary of that zone comes', () => {
    const agents = new Agents();
    agents.board(THREE);
    agents.refuse(reply(agents.refuse(reply(agents.submit(7)))));
    expect(told(agents.board(THREE, 1))).toEqual([]);
    expect(agents.state(7)).toBe('waiting: refused where room was shown');
    const newer = [THREE[0] as BoardEntry, entry(2, 2, { freeGpuMilli: 1000, takenAt: 1 })];
    expect(reply(agents.board(newer, 2))).toMatchObject({ kind: MessageKind.Propose, job: 7, to: 2 });
  });

  test('counts for the kind of job that was refused, not for others', () => {
    const agents = new Agents();
    agents.board(THREE);
    agents.refuse(reply(agents.submit(7)));
    expect(reply(agents.submit(8, 1, DemandId.HalfGpu)).to).toBe(1);
  });

  test('of an attempt that is over, or for a job that runs or is not known, changes nothing', () => {
    const agents = new Agents();
    agents.board(THREE);
    const first = reply(agents.submit(7));
    const second = reply(agents.refuse(first));
    expect(told(agents.refuse(first))).toEqual([]);
    expect(agents.process.explain(7)).toMatchObject({ state: 'proposed', target: 2, probes: 1 });
    agents.offer(second, 92);
    agents.refuse(second);
    expect(agents.state(7)).toBe('confirming');
    agents.refuse({ ...second, job: 1234 });
    expect(agents.process.counters.refusals).toBe(1);
  });
});

describe('a gang that has been refused eight times', () => {
  const GROUP = 200;

  /** Job 7, a gang of four, after its eighth refusal; a fresh board comes at every one. */
  function refusedGang(pods = 4, random = new Random(3)): Agents {
    const agents = new Agents({ random, options: { gangPartsMax: 1 } });
    for (let version = 1; version <= 8; version++) {
      const shown = [entry(1, version, { freeGpuMilli: 9000, takenAt: version })];
      const retried = agents.board(shown);
      const step = version === 1 ? agents.submit(7, 1, DemandId.OneGpu, pods) : retried;
      agents.line.window = 4;
      agents.refuse(reply(step), version);
    }
    expect(agents.process.explain(7)).toMatchObject({ state: 'waiting', probes: 8 });
    return agents;
  }

  /** Zones and a group, of which zone 1 is by far the cheapest. */
  const wide = (version: number): BoardEntry[] => [
    entry(1, version, { freeGpuMilli: 90_000, takenAt: version }),
    ...[2, 3, 4, 5].map((id) => entry(id, version, { freeGpuMilli: 5000, takenAt: version })),
    entry(GROUP, version, { freeGpuMilli: 5000, takenAt: version, sums: { zones: 4 } }, true),
  ];

  test('asks at random, all entries that show room on one board, and says so to summary nodes', () => {
    const agents = refusedGang();
    const asked: number[] = [];
    let step = agents.board(wide(9), 9);
    while (step.messages.length > 0 && asked.length < 60) {
      const proposal = reply(step);
      expect(proposal.mode).toBe(ProposalMode.Random);
      asked.push(proposal.to);
      step = agents.refuse(proposal, 9);
    }
    expect(new Set(asked)).toEqual(new Set([1, 2, 3, 4, 5, GROUP]));
    for (const zone of [1, 2, 3, 4, 5]) expect(asked.filter((to) => to === zone)).toHaveLength(1);
    expect(asked[0]).not.toBe(1);
    expect(agents.state(7)).toBe('waiting: refused where room was shown');
  });

  test('asks a group again, about as often as it has zones, unless the group knows no zone with room', () => {
    const group = (version: number) =>
      entry(GROUP, version, { freeGpuMilli: 5000, takenAt: version, sums: { zones: 4 } }, true);
    let asks = 0;
    for (let seed = 0; seed < 100; seed++) {
      const agents = refusedGang(4, new Random(seed));
      agents.line.window = 1024;
      let step = agents.board([group(9)], 9);
      for (; step.messages.length > 0; asks++) step = agents.refuse(reply(step), 9);
      agents.line.window = 1024;
      const last = reply(agents.board([group(10)], 10));
      expect(told(agents.refuse(last, 10, FederationReason.NoZone))).toEqual([]);
    }
    // Geometric with mean 4: the mean of a hundred is within 5 σ = 1.8.
    expect(asks / 100).toBeGreaterThan(2.2);
    expect(asks / 100).toBeLessThan(5.8);
  });

  test('is special: jobs of one pod continue by price', () => {
    const agents = refusedGang(1);
    const proposal = reply(agents.board(wide(9), 9));
    expect(proposal).toMatchObject({ to: 1, mode: ProposalMode.Priced });
  });
});

describe('silence', () => {
  test('has a proposal repeated, then the job goes elsewhere', () => {
    const agents = new Agents({ options: { proposeSeconds: 0.5, proposeRepeatsMax: 3 } });
    agents.board(THREE);
    const first = reply(agents.submit(7, 0));
    for (const at of [0.5, 1, 1.5]) {
      expect(agents.process.wakeAt).toBe(at);
      expect(agents.wake(at - 0.01)).toEqual({ messages: [], actions: [] });
      expect(reply(agents.wake(at))).toEqual(first);
    }
    const second = reply(agents.wake(2));
    expect(second).toMatchObject({ kind: MessageKind.Propose, to: 2, job: 7, deadline: 4 });
    expect(second.attempt).not.toBe(first.attempt);
    expect(agents.process.counters).toMatchObject({ proposals: 2, unanswered: 1, refusals: 0 });
  });

  test('of all zones leaves the job waiting for that reason', () => {
    const agents = new Agents({ options: { proposeRepeatsMax: 1, proposeSeconds: 1 } });
    agents.board([THREE[0] as BoardEntry]);
    agents.submit(7, 0);
    agents.wake(1);
    expect(told(agents.wake(2))).toEqual([]);
    expect(agents.state(7)).toBe('waiting: a zone did not answer');
  });

  test('has a confirmation repeated forever, with growing intervals', () => {
    const agents = new Agents({ options: { confirmSeconds: 0.5 } });
    agents.confirming(7, 1, 91);
    const gaps: number[] = [];
    let last = 0;
    for (let i = 0; i < 8; i++) {
      const at = agents.process.wakeAt;
      gaps.push(at - last);
      last = at;
      expect(reply(agents.wake(at))).toMatchObject({ kind: MessageKind.Confirm, to: 1, job: 7, offer: 91 });
    }
    expect(gaps).toEqual([0.5, 1, 2, 4, 8, 8, 8, 8]);
    agents.hear(MessageKind.Started, 1, 7, { offer: 91 }, last);
    expect(told(agents.wake(last + 1000))).toEqual([]);
    expect(agents.process.wakeAt).toBe(Number.POSITIVE_INFINITY);
  });

  test('nothing is due for an idle host, and waking it early does nothing', () => {
    const agents = new Agents();
    expect(agents.process.wakeAt).toBe(Number.POSITIVE_INFINITY);
    expect(agents.wake(5)).toEqual({ messages: [], actions: [] });
    agents.board(THREE);
    agents.submit(7);
    for (let at = 0; at < 0.5; at += 0.1) expect(agents.wake(at)).toEqual({ messages: [], actions: [] });
  });
});

test('a job that is missing in its line is reported, and no other leaves in its place', () => {
  const agents = new Agents();
  agents.submit(7);
  agents.submit(8);
  const [line] = agents.process.jobs.lines;
  const waiting = line?.waiting as number[];
  waiting.shift();
  expect(() => agents.process.cancel(7, 1, { messages: [], actions: [] } as never)).toThrow(
    'a job leaves a line that it is not in',
  );
  expect(waiting).toHaveLength(1);
});
