import { describe, expect, test } from 'vitest';
import {
  type AnyMessage,
  DemandId,
  done,
  entry,
  type HostSetup,
  jobOf,
  makeHost,
  message,
  reply,
  Stage,
  type Step,
  told,
} from '../federation.fixtures.ts';
import {
  FederationReason,
  type FederationReasonCode,
  MessageKind,
  type MessageKindCode,
} from '../messages.ts';
import type { AgentHost } from './agent-host.ts';

const HOST = 50;
const OLD = 1;
const NEW = 2;
/** Offers of both zones have the same number: numbers are unique in their zone only. */
const OFFER = 91;

/** A host whose job 7 runs in zone OLD, and whose board shows zone NEW only. */
class Mover extends Stage<AgentHost> {
  constructor(setup: HostSetup = {}) {
    super(makeHost({ id: HOST, ...setup, options: { movesPerBoard: 1, ...setup.options } }));
    this.process.adopt(jobOf(7, DemandId.OneGpu, 1, 1, 0), OLD, OFFER, 0);
  }

  board(at: number, freeGpuMilli = 4000, zone = NEW): Step {
    const entries = [entry(zone, at + 1, { freeGpuMilli, takenAt: at })];
    return this.receive(message(MessageKind.Board, 100, HOST, { entries }), at);
  }

  hear(kind: MessageKindCode, zone: number, fields: Partial<AnyMessage> = {}, at = 5): Step {
    return this.receive(message(kind, zone, HOST, { job: 7, offer: OFFER, ...fields }), at);
  }

  refuse(zone: number, attempt: number, at = 5): Step {
    return this.receive(message(MessageKind.Refuse, zone, HOST, { job: 7, attempt }), at);
  }

  ended(zone: number, reason: FederationReasonCode, at = 5, doneSeconds = 0): Step {
    return this.hear(MessageKind.Ended, zone, { reason, doneSeconds }, at);
  }

  /** @returns The proposal that moves the job. */
  moving(): AnyMessage {
    this.board(1);
    const proposal = reply(this.hear(MessageKind.Quoted, OLD, { priceMilli: 1e6 }, 2));
    expect(this.state).toBe('moving');
    return proposal;
  }

  /** Has an offer in the new zone; the old one was asked to stop the job. */
  leaving(): Step {
    const { attempt } = this.moving();
    const step = this.hear(MessageKind.Offer, NEW, { attempt, priceMilli: 0 }, 3);
    expect(this.state).toBe('leaving');
    return step;
  }

  get state(): string {
    const view = this.process.explain(7);
    return view === undefined ? 'unknown' : view.reason === '' ? view.state : `${view.state}: ${view.reason}`;
  }
}

describe('moving is considered', () => {
  test('only where it is switched on', () => {
    expect(told(new Mover({ options: { movesPerBoard: 0 } }).board(1))).toEqual([]);
    const quote = reply(new Mover().board(1));
    expect(quote).toMatchObject({ kind: MessageKind.Quote, to: OLD, job: 7, offer: OFFER });
  });

  test('at most the allowed number of times a board', () => {
    const mover = new Mover({ options: { movesPerBoard: 3 } });
    for (let job = 8; job < 20; job++) mover.process.adopt(jobOf(job, DemandId.OneGpu, 1, 1, 0), OLD, job, 0);
    for (let at = 1; at < 10; at++) expect(mover.board(at).messages.length).toBeLessThanOrEqual(3);
  });

  test('not for gangs, nor for jobs that do not run', () => {
    const host = new Stage(makeHost({ id: HOST, options: { movesPerBoard: 8 } }));
    host.process.adopt(jobOf(1, DemandId.OneGpu, 2, 2, 0), OLD, OFFER, 0);
    host.step((out) => host.process.submit(jobOf(2, DemandId.EightGpus, 1, 1, 0), 0, out));
    const entries = [entry(NEW, 1, { freeGpuMilli: 4000, takenAt: 0 })];
    expect(told(host.receive(message(MessageKind.Board, 100, HOST, { entries }), 1))).toEqual([]);
  });
});

describe('a quote', () => {
  test("far above the board's prices has the job proposed there; it keeps running meanwhile", () => {
    const mover = new Mover();
    const proposal = mover.moving();
    expect(proposal).toMatchObject({ kind: MessageKind.Propose, to: NEW, job: 7, podCount: 1, hops: 0 });
    expect(proposal.attempt).toBeGreaterThan(0);
    expect(mover.process.explain(7)).toMatchObject({ target: OLD });
  });

  test.each<[string, Partial<AnyMessage>, number]>([
    ['within the dead band', { priceMilli: -4000 + 99 }, NEW],
    ['for another offer', { priceMilli: 1e6, offer: OFFER + 1 }, NEW],
    ['of another zone', { priceMilli: 1e6, from: 3 }, NEW],
    ['if the board shows only the zone where it runs', { priceMilli: 1e6 }, OLD],
  ])('changes nothing %s', (_, fields, shown) => {
    const mover = new Mover();
    mover.board(1, 4000, shown);
    expect(told(mover.hear(MessageKind.Quoted, OLD, fields, 2))).toEqual([]);
    expect(mover.state).toBe('running');
  });

  test('changes nothing without room elsewhere, or at the limit of proposals', () => {
    const full = new Mover();
    full.board(1, 0);
    expect(told(full.hear(MessageKind.Quoted, OLD, { priceMilli: 1e6 }, 2))).toEqual([]);
    const busy = new Mover({ options: { proposalsMax: 1 } });
    busy.board(1);
    busy.step((out) => busy.process.submit(jobOf(8, DemandId.HalfGpu, 1, 1, 0), 1, out));
    expect(told(busy.hear(MessageKind.Quoted, OLD, { priceMilli: 1e6 }, 2))).toEqual([]);
  });

  test('moves one of many alike with the probability that levels prices', () => {
    // Saves 1000, all but the dead band of which counts; η = 0.4, slopes 1 and 1, 2,000 pods there: q = 0.2.
    let moved = 0;
    const options = { movesPerBoard: 1, moveGain: 0.4 };
    const mover = new Mover({ options });
    for (let i = 0; i < 1000; i++) {
      const entries = [
        entry(NEW, i + 1, { freeGpuMilli: 2000, takenAt: 0 }),
        entry(OLD, i + 1, { freeGpuMilli: 0, takenAt: 0, sums: { pods: 2000 } }),
      ];
      mover.receive(message(MessageKind.Board, 100, HOST, { entries }), 1);
      const step = mover.hear(MessageKind.Quoted, OLD, { priceMilli: -1000 }, 1);
      for (const { attempt } of step.messages) {
        moved++;
        mover.refuse(NEW, attempt, 1);
      }
    }
    expect(moved).toBeGreaterThan(150);
    expect(moved).toBeLessThan(250);
  });
});

describe('a move', () => {
  test('holds the new place first, then gives the old one up, then starts with the work that was done', () => {
    const mover = new Mover();
    expect(reply(mover.leaving())).toMatchObject({
      kind: MessageKind.Stop,
      to: OLD,
      offer: OFFER,
      reason: FederationReason.Moved,
    });
    const [ack, confirm] = mover.ended(OLD, FederationReason.Moved, 4, 123).messages;
    expect(ack).toMatchObject({ kind: MessageKind.EndedAck, to: OLD });
    expect(confirm).toMatchObject({ kind: MessageKind.Confirm, to: NEW, offer: OFFER, doneSeconds: 123 });
    const started = mover.hear(MessageKind.Started, NEW);
    expect(done(started)).toEqual(['job-placed 7']);
    expect(mover.process.explain(7)).toMatchObject({ state: 'running', target: NEW });
    expect(mover.process.counters).toMatchObject({ migrations: 1, placements: 0 });
    // The old zone repeats itself until it receives the acknowledgement: that is not about the new run.
    expect(told(mover.ended(OLD, FederationReason.Moved, 6, 123))).toEqual(['ended-ack 7']);
    expect(mover.state).toBe('running');
  });

  test('is put off by a refusal or by silence', () => {
    const refused = new Mover();
    const { attempt } = refused.moving();
    expect(told(refused.refuse(NEW, attempt))).toEqual([]);
    expect(refused.state).toBe('running');
    const silent = new Mover({ options: { proposeSeconds: 1, proposeRepeatsMax: 1 } });
    const proposal = silent.moving();
    expect(reply(silent.wake(3))).toEqual(proposal);
    expect(told(silent.wake(4))).toEqual([]);
    expect(silent.state).toBe('running');
    expect(told(silent.wake(100))).toEqual([]);
    for (const mover of [refused, silent]) {
      const late = mover.hear(MessageKind.Offer, NEW, { attempt: proposal.attempt, offer: 5 });
      expect(reply(late)).toMatchObject({ kind: MessageKind.Decline, to: NEW, offer: 5 });
    }
  });

  test('is put off if the summary node picked the zone where the job runs', () => {
    const mover = new Mover();
    const { attempt } = mover.moving();
    mover.hear(MessageKind.Started, OLD, { attempt });
    expect(mover.state).toBe('running');
    expect(told(mover.wake(100))).toEqual([]);
  });

  test('is put off by an offer that saves too little: it is declined', () => {
    const mover = new Mover();
    const { attempt } = mover.moving();
    expect(told(mover.hear(MessageKind.Offer, NEW, { attempt, priceMilli: 1e6 - 50 }))).toEqual([
      'decline 7',
    ]);
    expect(mover.state).toBe('running');
  });

  test('the stop is repeated until the old zone answers; the offer that comes twice is not declined', () => {
    const mover = new Mover({ options: { confirmSeconds: 1 } });
    const stop = reply(mover.leaving());
    expect(reply(mover.wake(4))).toEqual(stop);
    expect(reply(mover.wake(6))).toEqual(stop);
    const { attempt } = { attempt: mover.process.jobs.attempts[mover.process.jobs.slotOf(7)] as number };
    expect(told(mover.hear(MessageKind.Offer, NEW, { attempt }))).toEqual([]);
  });

  test('whose new place expired before the job got there: it waits again, with its work', () => {
    const mover = new Mover();
    mover.leaving();
    mover.ended(OLD, FederationReason.Moved, 4, 123);
    const proposal = reply(mover.hear(MessageKind.Gone, NEW));
    expect(proposal.kind).toBe(MessageKind.Propose);
    const { attempt } = proposal;
    const confirm = reply(mover.hear(MessageKind.Offer, NEW, { attempt, offer: 95 }));
    expect(confirm).toMatchObject({ kind: MessageKind.Confirm, offer: 95, doneSeconds: 123 });
  });
});

describe('a job that ends while it moves', () => {
  test('has finished: its hold elsewhere is released', () => {
    const mover = new Mover();
    const { attempt } = mover.moving();
    expect(done(mover.ended(OLD, FederationReason.Finished))).toEqual(['job-ended 7: finished']);
    expect(told(mover.hear(MessageKind.Offer, NEW, { attempt }))).toEqual(['decline 7']);
    const late = new Mover();
    late.leaving();
    const step = late.ended(OLD, FederationReason.Finished);
    expect(told(step)).toEqual(['ended-ack 7', 'decline 7']);
    expect(step.messages[1]).toMatchObject({ to: NEW, offer: OFFER });
    expect(done(step)).toEqual(['job-ended 7: finished']);
  });

  test('has lost its node: it goes where it has an offer, without its work, or waits again', () => {
    const leaving = new Mover();
    leaving.leaving();
    const confirm = leaving.ended(OLD, FederationReason.NodeLost, 4).messages[1] as AnyMessage;
    expect(confirm).toMatchObject({ kind: MessageKind.Confirm, to: NEW, doneSeconds: 0 });
    const moving = new Mover();
    const first = moving.moving();
    const proposal = moving.ended(OLD, FederationReason.NodeLost, 4).messages[1] as AnyMessage;
    expect(proposal).toMatchObject({ kind: MessageKind.Propose, to: NEW });
    expect(told(moving.hear(MessageKind.Offer, NEW, { attempt: first.attempt }))).toEqual(['decline 7']);
    expect(moving.state).toBe('proposed');
  });

  test('after it moved, loses its node: the next zone gets no work credit', () => {
    const mover = new Mover();
    mover.leaving();
    const moved = mover.ended(OLD, FederationReason.Moved, 4, 100);
    expect(moved.messages[1]).toMatchObject({ kind: MessageKind.Confirm, to: NEW, doneSeconds: 100 });
    mover.hear(MessageKind.Started, NEW);
    expect(mover.state).toBe('running');
    const proposal = mover.ended(NEW, FederationReason.NodeLost, 6).messages[1] as AnyMessage;
    expect(proposal.kind).toBe(MessageKind.Propose);
    const confirm = reply(mover.hear(MessageKind.Offer, NEW, { attempt: proposal.attempt, offer: 95 }, 7));
    expect(confirm).toMatchObject({ kind: MessageKind.Confirm, offer: 95, doneSeconds: 0 });
  });

  test('was cancelled: both zones are informed', () => {
    const moving = new Mover();
    const { attempt } = moving.moving();
    const cancel = (mover: Mover): Step => mover.step((out) => mover.process.cancel(7, 4, out));
    expect(told(cancel(moving))).toEqual(['stop 7: cancelled']);
    expect(told(moving.hear(MessageKind.Offer, NEW, { attempt }))).toEqual(['decline 7']);
    const leaving = new Mover();
    leaving.leaving();
    expect(told(cancel(leaving))).toEqual(['decline 7', 'stop 7: cancelled']);
    for (const mover of [moving, leaving]) {
      expect(done(mover.ended(OLD, FederationReason.Cancelled))).toEqual(['job-ended 7: cancelled']);
    }
  });

  test('is not known where it ran: it waits again', () => {
    const mover = new Mover();
    mover.leaving();
    expect(told(mover.hear(MessageKind.Gone, OLD))).toEqual(['decline 7', 'propose 7']);
  });

  test('proposals under way are counted right, whatever ends a move', () => {
    const mover = new Mover({ options: { proposalsMax: 1 } });
    const reasons = [FederationReason.NodeLost, FederationReason.Finished, FederationReason.Cancelled];
    for (const reason of reasons) {
      const other = new Mover({ options: { proposalsMax: 1 } });
      other.moving();
      other.board(3, 0);
      other.ended(OLD, reason);
      other.board(6);
      if (other.state !== 'proposed') {
        expect(
          told(other.step((out) => other.process.submit(jobOf(8, DemandId.HalfGpu, 1, 1, 0), 6, out))),
        ).toEqual(['propose 8']);
      }
    }
    const { attempt } = mover.moving();
    mover.refuse(NEW, attempt);
    expect(told(mover.step((out) => mover.process.submit(jobOf(8, DemandId.HalfGpu), 6, out)))).toEqual([
      'propose 8',
    ]);
  });
});
