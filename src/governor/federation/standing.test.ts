/**
 * Standing requests, from the host that makes them through the summary node that forwards them to the zone that keeps
 * them.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import { Board } from './board.ts';
import {
  type AnyMessage,
  DemandId,
  done,
  entry,
  type GovernorSetup,
  type HostSetup,
  jobOf,
  makeGovernor,
  makeHost,
  makeSummaryNode,
  message,
  PlainReader,
  reply,
  Stage,
  type Step,
  showing,
  testDemands,
  told,
} from './federation.fixtures.ts';
import type { AgentHost } from './host/agent-host.ts';
import { type BoardEntry, MessageKind, ProposalMode, type ProposalModeCode } from './messages.ts';
import { StandingQueue } from './zone/standing-queue.ts';
import type { ZoneGovernor } from './zone/zone-governor.ts';
import { HoldState, ZoneLedger } from './zone/zone-ledger.ts';

const HOST = 50;
const { Priced, Standing } = ProposalMode;

class Agents extends Stage<AgentHost> {
  constructor(setup: HostSetup = {}) {
    super(makeHost({ id: HOST, ...setup, options: { standingZones: 2, ...setup.options } }));
  }

  submit(job: number, at = 0, demandId: number = DemandId.OneGpu): Step {
    return this.step((out) => this.process.submit(jobOf(job, demandId, 1, 1, 0), at, out));
  }

  board(entries: readonly BoardEntry[], at = 0): Step {
    return this.receive(message(MessageKind.Board, 100, HOST, { entries }), at);
  }

  offer(zone: number, job: number, attempt: number, at = 0): Step {
    return this.receive(message(MessageKind.Offer, zone, HOST, { job, attempt, offer: 90 + zone }), at);
  }
}

/** Zones without room. */
function full(zones: readonly number[], at = 0): BoardEntry[] {
  return zones.map((id) => entry(id, 1 + at, { freeGpuMilli: 0, takenAt: at }));
}

/** Zones that a job waits in. */
function zonesOf(step: Step): number[] {
  return step.messages.filter((m) => m.mode === Standing).map((m) => m.to);
}

describe('a job for which no zone shows room', () => {
  test('makes requests in some zones, each an attempt of its own, and keeps waiting', () => {
    const agents = new Agents();
    agents.board(full([1, 2, 3]));
    const step = agents.submit(7, 2);
    expect(told(step)).toEqual(['propose 7: standing request', 'propose 7: standing request']);
    expect(step.messages[0]).toMatchObject({
      host: HOST,
      demandId: DemandId.OneGpu,
      podCount: 1,
      deadline: 12,
    });
    expect(new Set(step.messages.map((m) => m.attempt)).size).toBe(2);
    expect(agents.process.explain(7)).toMatchObject({ state: 'waiting', reason: 'no zone shows room' });
    // Requests are not repeated.
    expect(told(agents.wake(11))).toEqual([]);
    expect(agents.process.counters.proposals).toBe(0);
  });

  test('makes them again after half their time, in any zones', () => {
    const agents = new Agents({ options: { standingSeconds: 10 } });
    agents.board(full([1, 2, 3, 4, 5, 6]));
    agents.submit(7, 0);
    const asked: number[] = [];
    for (let at = 1; at < 60; at++) {
      const zones = zonesOf(agents.board(full([1, 2, 3, 4, 5, 6], at), at));
      expect(zones).toHaveLength(at % 5 === 0 ? 2 : 0);
      asked.push(...zones);
    }
    expect(new Set(asked).size).toBe(6);
  });

  test('leaves none where that is switched off, and only the first of a line do', () => {
    const off = new Agents({ options: { standingZones: 0 } });
    off.board(full([1]));
    expect(told(off.submit(7))).toEqual([]);
    const agents = new Agents({ options: { standingJobsMax: 2, standingZones: 1 } });
    for (const job of [1, 2, 3, 4]) agents.submit(job);
    expect(agents.board(full([1])).messages.map((m) => m.job)).toEqual([1, 2]);
  });

  test('leaves none before there is a board, nor in zones that have fallen silent', () => {
    const agents = new Agents();
    expect(told(agents.submit(7))).toEqual([]);
    const step = agents.board([...full([1], 0), ...full([2], 5)], 12);
    expect(new Set(zonesOf(step))).toEqual(new Set([2]));
    expect(told(new Agents().board(full([1]), 11))).toEqual([]);
  });

  test('leaves some after refusals too, but none while others of its shape go first', () => {
    const agents = new Agents({ options: { proposalsMax: 1 } });
    agents.board([entry(1, 1, { freeGpuMilli: 4000, takenAt: 0 })]);
    const { attempt } = reply(agents.submit(1));
    expect(told(agents.submit(2))).toEqual([]);
    const refused = agents.receive(message(MessageKind.Refuse, 1, HOST, { job: 1, attempt }), 1);
    // The refusal holds for both: the zone has no room for their kind.
    expect(new Set(refused.messages.map((m) => m.job))).toEqual(new Set([1, 2]));
    expect(refused.messages.every((m) => m.mode === Standing)).toBe(true);
  });
});

describe('an offer on a standing request', () => {
  function standing(): { agents: Agents; requests: readonly AnyMessage[] } {
    // Drawn so that the two requests are in different zones.
    const agents = new Agents({ random: new Random(1) });
    agents.board(full([1, 2, 3, 4, 5, 6]));
    const requests = agents.submit(7).messages;
    expect(new Set(requests.map((m) => m.to)).size).toBe(2);
    return { agents, requests };
  }

  test('is confirmed, and the requests elsewhere are withdrawn', () => {
    const { agents, requests } = standing();
    const [first, second] = requests as [AnyMessage, AnyMessage];
    const step = agents.offer(first.to, 7, first.attempt, 3);
    expect(step.messages.map((m) => [m.kind, m.to, m.offer])).toEqual([
      [MessageKind.Decline, second.to, 0],
      [MessageKind.Confirm, first.to, 90 + first.to],
    ]);
    // The other zone had granted it too.
    const late = reply(agents.offer(second.to, 7, second.attempt, 4));
    expect(late).toMatchObject({ kind: MessageKind.Decline, to: second.to, offer: 90 + second.to });
  });

  test('comes too late for a job that was cancelled: its requests are withdrawn, the offer is declined', () => {
    const { agents, requests } = standing();
    const step = agents.step((out) => agents.process.cancel(7, 1, out));
    expect(done(step)).toEqual(['job-ended 7: cancelled']);
    expect(new Set(step.messages.map((m) => m.to))).toEqual(new Set(requests.map((m) => m.to)));
    expect(step.messages.every((m) => m.kind === MessageKind.Decline && m.offer === 0)).toBe(true);
    const [first] = requests as [AnyMessage];
    expect(told(agents.offer(first.to, 7, first.attempt, 2))).toEqual(['decline 7']);
  });

  test('and room that a board shows are both used: the first one counts', () => {
    const { agents, requests } = standing();
    const [first] = requests as [AnyMessage];
    const proposal = agents.board([entry(9, 9, { freeGpuMilli: 4000, takenAt: 1 })], 1)
      .messages[0] as AnyMessage;
    expect(proposal).toMatchObject({ to: 9, mode: Priced });
    expect(told(agents.offer(first.to, 7, first.attempt, 2))).toContain('confirm 7');
    expect(told(agents.offer(9, 7, proposal.attempt, 3))).toEqual(['decline 7']);
  });
});

class Site extends Stage<ZoneGovernor> {
  private attempts = 0;

  constructor(setup: GovernorSetup = {}) {
    super(makeGovernor({ firstPublishSeconds: 1e6, ...setup }));
  }

  propose(job: number, at: number, fields: Partial<AnyMessage> = {}): Step {
    const shape = { job, attempt: ++this.attempts, host: HOST, demandId: DemandId.OneGpu, podCount: 1 };
    const gangMin = fields.gangMin ?? fields.podCount ?? 1;
    return this.receive(
      message(MessageKind.Propose, HOST, this.process.id, {
        ...shape,
        gangMin,
        deadline: at + 10,
        ...fields,
      }),
      at,
    );
  }

  stand(job: number, at: number, fields: Partial<AnyMessage> = {}): Step {
    return this.propose(job, at, { mode: Standing, ...fields });
  }

  decline(job: number, offer: number, at: number): Step {
    return this.receive(message(MessageKind.Decline, HOST, this.process.id, { job, offer }), at);
  }

  /** @returns The offer under which a job of n GPUs runs. */
  running(job: number, pods: number, at = 0): number {
    const { offer } = reply(this.propose(job, at, { podCount: pods }));
    this.receive(message(MessageKind.Confirm, HOST, this.process.id, { job, offer }), at);
    return offer;
  }

  exit(job: number, offer: number, at: number): Step {
    return this.step((out) => this.process.podsExited(job, offer, at, out));
  }
}

describe('a zone', () => {
  test('offers at once if there is room after all', () => {
    const site = new Site();
    expect(told(site.stand(1, 0))).toEqual(['offer 1']);
  });

  test('keeps a request without an answer, holds nothing for it, and offers the place that opens', () => {
    const site = new Site();
    const offer = site.running(1, 4);
    expect(told(site.stand(2, 1, { attempt: 77, host: 61 }))).toEqual([]);
    const { ledger } = site.process;
    expect(ledger).toMatchObject({ standing: 1, escrows: 0, escrowGpuMilli: 0, runningGpuMilli: 4000 });
    const step = site.exit(1, offer, 3);
    expect(told(step)).toEqual(['ended 1: finished', 'offer 2']);
    expect(step.messages[1]).toMatchObject({ to: 61, attempt: 77, deadline: 8 });
    expect(ledger).toMatchObject({ standing: 0, escrows: 1, escrowGpuMilli: 1000 });
    const granted = (step.messages[1] as AnyMessage).offer;
    const confirm = message(MessageKind.Confirm, 61, 0, { job: 2, offer: granted });
    expect(done(site.receive(confirm, 4))).toEqual(['start 2']);
    site.process.arbiter.zone.check();
  });

  test.each<[string, (site: Site) => Step]>([
    ['a job ends', (site) => site.exit(1, site.process.ledger.offers[0] as number, 3)],
    ['an offer is declined', (site) => site.decline(3, site.process.ledger.offers[1] as number, 3)],
    ['an escrow ends', (site) => site.wake(5)],
    ['a node returns', (site) => site.step((out) => site.process.nodeUp(1, 3, out))],
    [
      'a node joins',
      (site) =>
        site.step((out) => {
          const more = { cpuMilli: 9000, memoryMib: 9000, gpuCount: 4, gpuModel: 'A100', podsMax: 9 };
          site.process.nodeJoined({ name: 'new', ...more }, 3, out);
        }),
    ],
  ])('grants the first request when %s', (_, happen) => {
    const site = new Site({ nodes: 2, options: { escrowSeconds: 5 } });
    site.step((out) => site.process.nodeDown(1, 0, out));
    site.running(1, 2);
    site.propose(3, 0, { podCount: 2 });
    site.stand(8, 1, { podCount: 2 });
    site.stand(9, 2, { podCount: 2 });
    expect(site.process.ledger).toMatchObject({ standing: 2, escrows: 1 });
    const offers = happen(site).messages.filter((m) => m.kind === MessageKind.Offer);
    expect(offers.map((m) => m.job).sort()[0]).toBe(8);
    site.process.arbiter.zone.check();
  });

  test('lets a gang wait until all of it fits; smaller requests do not wait for it', () => {
    const site = new Site();
    const [first, second] = [site.running(1, 2), site.running(2, 2)];
    site.stand(3, 1, { podCount: 3 });
    site.stand(4, 2);
    expect(told(site.exit(1, first, 3))).toEqual(['ended 1: finished', 'offer 4']);
    // Three of four GPUs are free now.
    expect(told(site.exit(2, second, 4))).toEqual(['ended 2: finished', 'offer 3']);
    expect(site.process.ledger).toMatchObject({ standing: 0, escrows: 2, escrowGpuMilli: 4000 });
  });

  test('forgets a request when its time is over, unless it was made again', () => {
    const site = new Site({ options: { standingSeconds: 10 } });
    site.running(1, 4);
    site.wake(5);
    site.stand(2, 5);
    site.stand(3, 6);
    expect(site.process.wakeAt).toBe(15);
    site.stand(2, 12);
    site.wake(15);
    expect(site.process.ledger.standing).toBe(2);
    expect(site.process.wakeAt).toBe(16);
    site.wake(16);
    expect(site.process.ledger.standing).toBe(1);
    expect(told(site.wake(22))).toEqual([]);
    expect(site.process.ledger.standing).toBe(0);
    expect(site.process.wakeAt).toBe(1e6);
    site.process.arbiter.zone.check();
  });

  test('forgets a request that is withdrawn; an ordinary offer is not withdrawn that way', () => {
    const site = new Site();
    const offer = site.running(1, 3);
    site.propose(2, 1);
    site.stand(3, 1);
    site.decline(2, 0, 2);
    expect(site.process.ledger).toMatchObject({ escrows: 1, standing: 1 });
    site.decline(3, 0, 2);
    expect(site.process.ledger).toMatchObject({ escrows: 1, standing: 0 });
    expect(told(site.exit(1, offer, 3))).toEqual(['ended 1: finished']);
  });

  test('refuses a host that requests a place now although its job stands there; the job keeps standing', () => {
    const site = new Site();
    const offer = site.running(1, 4);
    site.stand(2, 1);
    expect(told(site.propose(2, 2, { attempt: 99 }))).toEqual(['refuse 2: no room in the zone']);
    const granted = site.exit(1, offer, 3).messages[1];
    expect(granted).toMatchObject({ kind: MessageKind.Offer, job: 2, attempt: 99 });
  });

  test('refuses requests beyond standingMax, late ones, and those that no nodes could ever hold', () => {
    const site = new Site({ options: { standingMax: 1 } });
    site.running(1, 4);
    expect(told(site.stand(2, 1))).toEqual([]);
    expect(told(site.stand(3, 1))).toEqual(['refuse 3: no room in the zone']);
    expect(told(site.stand(4, 5, { deadline: 4 }))).toEqual(['refuse 4: too late']);
    const other = new Site();
    expect(told(other.stand(5, 1, { demandId: DemandId.EightGpus }))).toEqual([
      'refuse 5: no room in the zone',
    ]);
    expect(other.process.ledger.size).toBe(0);
    for (const { process } of [site, other]) process.arbiter.zone.check();
  });

  test('grants no more than it may have escrows, and nothing while it is owed acknowledgements', () => {
    const site = new Site({ options: { escrowsMax: 1 } });
    const offer = site.running(1, 4);
    site.stand(2, 1);
    site.stand(3, 1);
    site.exit(1, offer, 2);
    expect(site.process.ledger.escrows).toBe(1);
    const owed = new Site({ options: { noticesMax: 1 } });
    const last = owed.running(1, 4);
    owed.stand(2, 1);
    expect(told(owed.exit(1, last, 2))).toEqual(['ended 1: finished']);
    expect(owed.process.ledger.size).toBe(0);
    for (const { process } of [site, owed]) process.arbiter.zone.check();
  });

  test('counts a request neither as a proposal nor twice as an arrival', () => {
    const site = new Site({ firstPublishSeconds: 100 });
    site.running(1, 4);
    for (let i = 0; i < 50; i++) site.stand(2, i);
    expect(site.process.counters.proposals).toBe(1);
    const { hologram } = reply(site.wake(100));
    expect(hologram?.sums.arrivalsPerSecond).toBeLessThan(0.01);
  });
});

describe('a summary node', () => {
  const propose = (mode: ProposalModeCode, shown: readonly (number | undefined)[], at = 0): AnyMessage => {
    const children = shown.map((_, id) => ({ id, isGroup: false, position: id }));
    const node = new Stage(makeSummaryNode({ children }));
    shown.forEach((freeGpuMilli, id) => {
      if (freeGpuMilli === undefined) return;
      const hologram = showing({ freeGpuMilli, takenAt: 0 });
      node.receive(message(MessageKind.Summary, id, 100, { version: 1, hologram }), 0);
    });
    const fields = {
      job: 7,
      host: HOST,
      demandId: DemandId.OneGpu,
      podCount: 1,
      gangMin: 1,
      deadline: 99,
      mode,
    };
    return reply(node.receive(message(MessageKind.Propose, HOST, 100, fields), at));
  };

  test('hands a standing request to any zone it knows if none shows room, to one with room if there is one', () => {
    expect(propose(Standing, [0, 0])).toMatchObject({ kind: MessageKind.Propose, mode: Standing, hops: 1 });
    expect(propose(Standing, [undefined, 0, undefined])).toMatchObject({ kind: MessageKind.Propose, to: 1 });
    expect(propose(Standing, [0, 0, 4000])).toMatchObject({ kind: MessageKind.Propose, to: 2 });
    expect(propose(Priced, [0, 0])).toMatchObject({ kind: MessageKind.Refuse });
  });

  test('refuses it where it knows no child', () => {
    expect(propose(Standing, [undefined])).toMatchObject({ kind: MessageKind.Refuse });
    expect(propose(Standing, [0, 0], 50)).toMatchObject({ kind: MessageKind.Refuse });
  });
});

test('any entry of a board is drawn alike, but for those that have expired', () => {
  const board = new Board(new PlainReader(), 10, 16);
  const random = new Random(2);
  expect(board.anyEntry(random, 0)).toBeUndefined();
  board.replace([...full([1, 2, 3], 5), ...full([4], 0)]);
  const drawn = Array.from({ length: 300 }, () => board.anyEntry(random, 3)?.id);
  for (const id of [1, 2, 3, 4]) expect(drawn.filter((one) => one === id).length).toBeGreaterThan(45);
  const late = Array.from({ length: 300 }, () => board.anyEntry(random, 12)?.id);
  expect(new Set(late)).toEqual(new Set([1, 2, 3]));
  expect(board.anyEntry(random, 16)).toBeUndefined();
});

test('a queue ends each request once, at its last deadline, whatever else became of it', () => {
  const moves = fc.array(
    fc.record({ what: fc.constantFrom('stand', 'again', 'grant', 'drop', 'wait'), pick: fc.nat(50) }),
    { maxLength: 80 },
  );
  const demand = testDemands().demands[DemandId.OneGpu];
  checkProperty(
    fc.property(moves, (script) => {
      const ledger = new ZoneLedger();
      const queue = new StandingQueue(ledger);
      /** Deadline by job. */
      const stands = new Map<number, number>();
      script.forEach(({ what, pick }, now) => {
        const jobs = [...stands.keys()];
        const job = jobs[pick % Math.max(1, jobs.length)];
        if (what === 'stand') {
          queue.add(ledger.stand(1000 + now, 1, HOST), now + 10);
          stands.set(1000 + now, now + 10);
        } else if (job !== undefined && what === 'again') {
          queue.add(ledger.localOf(job), now + 10);
          stands.set(job, now + 10);
        } else if (job !== undefined && what !== 'wait') {
          if (what === 'grant')
            ledger.grant(ledger.localOf(job), now, demand as NonNullable<typeof demand>, 1);
          else ledger.drop(ledger.localOf(job));
          stands.delete(job);
        }
        const due = [...stands].filter(([, deadline]) => deadline <= now).map(([one]) => one);
        const ended: number[] = [];
        queue.expire(now, (local) => {
          expect(ledger.states[local]).toBe(HoldState.Standing);
          ended.push(ledger.jobs[local] as number);
          ledger.drop(local);
        });
        expect(ended.sort()).toEqual(due.sort());
        for (const one of due) stands.delete(one);
        expect(ledger.standing).toBe(stands.size);
        const first = Math.min(Number.POSITIVE_INFINITY, ...stands.values());
        expect(queue.dueAt).toBeLessThanOrEqual(first);
      });
    }),
  );
});
