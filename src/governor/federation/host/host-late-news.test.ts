/** Messages that reach a host long after they were true, as whole clusters under faults (`teg vopr`) produce them. */
import { expect, test } from 'vitest';
import {
  type AnyMessage,
  DemandId,
  done,
  entry,
  jobOf,
  makeHost,
  message,
  reply,
  Stage,
  type Step,
  told,
} from '../federation.fixtures.ts';
import { FederationReason, MessageKind, type MessageKindCode } from '../messages.ts';
import type { AgentHost } from './agent-host.ts';

const HOST = 50;
const JOB = 7;

/** A host with one job, and one zone, 1, that shows room. */
class Late extends Stage<AgentHost> {
  constructor(incarnation = 1) {
    super(makeHost({ id: HOST, incarnation, options: { standingZones: 0 } }));
    const entries = [entry(1, 1, { freeGpuMilli: 4000, takenAt: 0 })];
    this.receive(message(MessageKind.Board, 100, HOST, { entries }), 0);
  }

  submit(): AnyMessage {
    return reply(this.step((out) => this.process.submit(jobOf(JOB, DemandId.OneGpu, 1, 1, 0), 0, out)));
  }

  hear(kind: MessageKindCode, fields: Partial<AnyMessage>): Step {
    return this.receive(message(kind, 1, HOST, { job: JOB, ...fields }), 1);
  }

  get state(): string | undefined {
    return this.process.explain(JOB)?.state;
  }
}

test('a late duplicate of a used offer does not bind a job: its late start would be mistaken for the present one', () => {
  const late = new Late();
  const { attempt } = late.submit();
  late.hear(MessageKind.Offer, { attempt, offer: 11 });
  const proposal = reply({
    messages: late
      .hear(MessageKind.Ended, { offer: 11, reason: FederationReason.NodeLost })
      .messages.filter(({ kind }) => kind === MessageKind.Propose),
    actions: [],
  });
  expect(proposal.attempt).toBeGreaterThan(attempt);
  expect(told(late.hear(MessageKind.Offer, { attempt, offer: 11 }))).toEqual([`decline ${JOB}`]);
  late.hear(MessageKind.Started, { offer: 11 });
  expect(late.state).toBe('proposed');
  expect(told(late.hear(MessageKind.Offer, { attempt: proposal.attempt, offer: 12 }))).toEqual([
    `confirm ${JOB}`,
  ]);
});

test('an offer for an attempt of its former self is declined', () => {
  const former = new Late(1).submit();
  const late = new Late(2);
  const { attempt } = late.submit();
  expect(told(late.hear(MessageKind.Offer, { attempt: former.attempt, offer: 11 }))).toEqual([
    `decline ${JOB}`,
  ]);
  expect(told(late.hear(MessageKind.Offer, { attempt, offer: 12 }))).toEqual([`confirm ${JOB}`]);
});

test('a job that was stopped for a move that its host has forgotten looks for a place, with its work', () => {
  const late = new Late(2);
  late.step(() => late.process.adopt(jobOf(JOB, DemandId.OneGpu, 1, 1, 0), 1, 11, 0));
  const step = late.hear(MessageKind.Ended, { offer: 11, reason: FederationReason.Moved, doneSeconds: 42 });
  expect(done(step)).toEqual([]);
  expect(told(step)).toEqual([`ended-ack ${JOB}`, `propose ${JOB}`]);
  const { attempt } = step.messages[1] as AnyMessage;
  const confirm = reply(late.hear(MessageKind.Offer, { attempt, offer: 12 }));
  expect(confirm).toMatchObject({ kind: MessageKind.Confirm, offer: 12, doneSeconds: 42 });
});

test('timers are bounded by the jobs, however often they are set again', () => {
  const late = new Late();
  let asked = late.submit();
  for (let i = 0; i < 500; i++) {
    late.hear(MessageKind.Offer, { attempt: asked.attempt, offer: 100 + i });
    asked = reply(late.hear(MessageKind.Gone, { offer: 100 + i }));
  }
  expect(late.process.counters.gone).toBe(500);
  expect(late.process.pendingTimers).toBeLessThanOrEqual(64 + 2);
});
