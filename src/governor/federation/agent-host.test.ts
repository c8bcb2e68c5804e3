import { describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { TegError } from '../../model/errors.ts';
import type { AgentHost } from './agent-host.ts';
import {
  DemandId,
  done,
  entry,
  type HostSetup,
  makeHost,
  message,
  reply,
  Stage,
  type Step,
  told,
} from './federation.scenarios.ts';
import type { JobLine } from './host-lines.ts';
import {
  ActionKind,
  type BoardEntry,
  FederationReason,
  type FederationReasonCode,
  type Message,
  MessageKind,
  type MessageKindCode,
} from './messages.ts';

const HOST = 50;

/** A host, with what can happen to it as methods. */
class Agents extends Stage<AgentHost> {
  constructor(setup: HostSetup = {}) {
    super(makeHost({ id: HOST, ...setup }));
  }

  submit(job: number, at = 0, demandId: number = DemandId.OneGpu, pods = 1, priority = 0): Step {
    return this.step((out) => this.process.submit(job, demandId, pods, pods, priority, at, out));
  }

  cancel(job: number, at = 0): Step {
    return this.step((out) => this.process.cancel(job, at, out));
  }

  board(entries: readonly BoardEntry[], at = 0): Step {
    return this.receive(message(MessageKind.Board, 100, HOST, { entries }), at);
  }

  /** A zone says something of a job. */
  hear(kind: MessageKindCode, zone: number, job: number, fields: Partial<Message> = {}, at = 0): Step {
    return this.receive(message(kind, zone, HOST, { job, zone, ...fields }), at);
  }

  refuse(proposal: Message, at = 0, reason: FederationReasonCode = FederationReason.NoRoom): Step {
    const { to, job, attempt } = proposal;
    return this.hear(MessageKind.Refuse, to, job, { attempt, reason }, at);
  }

  offer(proposal: Message, offer: number, at = 0): Step {
    const { to, job, attempt } = proposal;
    return this.hear(MessageKind.Offer, to, job, { attempt, offer }, at);
  }

  /** Brings a new job to where it confirms an offer. */
  confirming(job: number, zone: number, offer: number): void {
    this.board([entry(zone, 1, { freeGpuMilli: 4000, takenAt: 0 })]);
    this.offer(reply(this.submit(job)), offer);
    expect(this.state(job)).toBe('confirming');
  }

  /** Brings a new job to where it runs. */
  running(job: number, zone: number, offer: number): void {
    this.confirming(job, zone, offer);
    this.hear(MessageKind.Started, zone, job, { offer });
    expect(this.state(job)).toBe('running');
  }

  /** State of a job, with the reason if it waits: `waiting: no board yet`; `unknown` if it is not known. */
  state(job: number): string {
    const view = this.process.explain(job);
    if (view === undefined) return 'unknown';
    return view.reason === '' ? view.state : `${view.state}: ${view.reason}`;
  }

  /** The only line. */
  get line(): JobLine {
    const lines: JobLine[] = [];
    this.process.forEachLine((line) => {
      lines.push(line);
    });
    expect(lines).toHaveLength(1);
    return lines[0] as JobLine;
  }
}

/** Zones 1 and 2 show four and two free GPUs; zone 3 none. */
const THREE = [
  entry(1, 1, { freeGpuMilli: 4000, takenAt: 0 }),
  entry(2, 1, { freeGpuMilli: 2000, takenAt: 0 }),
  entry(3, 1, { freeGpuMilli: 0, takenAt: 0 }),
];

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

  test('waits while no zone shows room for all that has to start together', () => {
    const agents = new Agents();
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
      price: 0,
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

  test('that comes twice is confirmed once; the same start heard twice is counted once', () => {
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
    // A success that nobody waited for any more says nothing of how many proposals may be out.
    expect(agents.line.window).toBe(4);
  });

  test('for a job that nobody knows is declined', () => {
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
    // The limit of proposals under way is reached by job 8, so 7 waits; but it waits in front.
    agents.submit(9, 3);
    const gone = agents.hear(MessageKind.Gone, 1, 7, { offer: 91 }, 4);
    expect(told(gone)).toEqual([]);
    expect(agents.line.waiting.map((slot) => agents.process.jobs.jobs[slot])).toEqual([7, 9]);
    expect(agents.process.counters.gone).toBe(1);
    expect(told(agents.offer(next as Message, 92, 5))).toEqual(['confirm 8', 'propose 7']);
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
  test('sends the job elsewhere at once, and to nobody once all have refused', () => {
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
    const agents = new Agents({ random });
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

  test('asks at random, all who show room at one board, and says so to summary nodes', () => {
    const agents = refusedGang();
    const asked: number[] = [];
    let step = agents.board(wide(9), 9);
    while (step.messages.length > 0 && asked.length < 60) {
      const proposal = reply(step);
      expect(proposal.reason).toBe(FederationReason.NoRoom);
      asked.push(proposal.to);
      step = agents.refuse(proposal, 9);
    }
    expect(new Set(asked)).toEqual(new Set([1, 2, 3, 4, 5, GROUP]));
    for (const zone of [1, 2, 3, 4, 5]) expect(asked.filter((to) => to === zone)).toHaveLength(1);
    expect(asked[0]).not.toBe(1);
    expect(agents.state(7)).toBe('waiting: refused where room was shown');
  });

  test('asks a group again, about as often as it has zones, unless the group knows nobody', () => {
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

  test('is special: jobs of one pod go on by price', () => {
    const agents = refusedGang(1);
    const proposal = reply(agents.board(wide(9), 9));
    expect(proposal).toMatchObject({ to: 1, reason: FederationReason.None });
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

  test('has a confirmation repeated for ever, with growing patience', () => {
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

  test('may be heard before the start was', () => {
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
    const proposal = agents.hear(MessageKind.Ended, 1, 7, lost, 3).messages[1] as Message;
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
    const second = agents.hear(MessageKind.Ended, 1, 7, lost, 2).messages[1] as Message;
    expect(second).toMatchObject({ kind: MessageKind.Propose, to: 2 });
    agents.offer(second, 91, 3);
    expect(agents.state(7)).toBe('confirming');
    return agents;
  }

  test.each([
    ['lost a node', MessageKind.Ended, FederationReason.NodeLost],
    ['finished', MessageKind.Ended, FederationReason.Finished],
    ['moved', MessageKind.Ended, FederationReason.Moved],
    ['was gone', MessageKind.Gone, FederationReason.None],
    ['started', MessageKind.Started, FederationReason.None],
  ])('late news of the one, that it %s, is not taken for news of the other', (_, kind, reason) => {
    const agents = twoOffers();
    const late = agents.hear(kind, 1, 7, { offer: 91, reason }, 4);
    expect(done(late)).toEqual([]);
    expect(told(late)).toEqual(kind === MessageKind.Ended ? ['ended-ack 7'] : []);
    expect(agents.process.explain(7)).toMatchObject({ state: 'confirming', target: 2 });
    agents.hear(MessageKind.Started, 2, 7, { offer: 91 }, 5);
    expect(done(agents.hear(kind, 1, 7, { offer: 91, reason }, 6))).toEqual([]);
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
      // The start was on its way.
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
    expect(told(agents.offer(out[0] as Message, 91))).toEqual(['confirm 0', 'propose 8', 'propose 9']);
    expect(agents.line).toMatchObject({ window: 9, proposed: 9 });
  });

  test('the window halves with each refusal; below one the line tries by chance, one job at a board', () => {
    const agents = new Agents();
    for (let job = 0; job < 12; job++) agents.submit(job);
    const boardOf = (version: number): BoardEntry[] => [
      entry(1, version, { freeGpuMilli: 90_000, takenAt: version }),
    ];
    const out = agents.board(boardOf(1)).messages;
    for (const proposal of out) agents.refuse(proposal as Message);
    expect(agents.line).toMatchObject({ proposed: 0, window: 1 / 16 });
    let tries = 0;
    for (let version = 2; version < 400; version++) {
      const step = agents.board(boardOf(version), version);
      expect(step.messages.length).toBeLessThanOrEqual(1);
      for (const proposal of step.messages) {
        tries++;
        agents.refuse(proposal as Message, version);
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
    agents.offer(out[0] as Message, 91);
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
  test('takes over what runs: it hears of its end, can cancel it, and starts it again after a lost node', () => {
    const agents = new Agents({ incarnation: 2 });
    for (const job of [1, 2, 3]) agents.process.adopt(job, DemandId.OneGpu, 1, 1, 0, 6, 90 + job, 5);
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
      podCount: 0,
      price: 0,
      deadline: 0,
    });
    agents.submit(1, 1, DemandId.OneGpu, 3);
    agents.submit(2, 2, DemandId.HalfGpu);
    agents.submit(3, 2, DemandId.Cpu);
    expect(agents.process.wakeAt).toBe(2.25);
    expect(reply(agents.wake(2.25))).toMatchObject({ podCount: 3, price: 3500, deadline: 1.25 });
    expect(agents.process.wakeAt).toBe(4.25);
  });

  test('keeps its phase however late it is woken', () => {
    const agents = new Agents({ homeZone: 3, firstReportSeconds: 0.25 });
    expect(agents.wake(7.5).messages).toHaveLength(1);
    expect(agents.process.wakeAt).toBe(8.25);
  });

  test('time in line counts anew after a job has run', () => {
    const agents = new Agents({ homeZone: 3, firstReportSeconds: 100 });
    agents.running(7, 1, 91);
    agents.board([]);
    agents.hear(MessageKind.Ended, 1, 7, { offer: 91, reason: FederationReason.NodeLost }, 90);
    expect(agents.wake(100).messages.at(-1)).toMatchObject({ podCount: 1, deadline: 10 });
  });
});

describe('what is measured', () => {
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
