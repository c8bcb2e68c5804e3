import { describe, expect, test } from 'vitest';
import { Agents } from '../agent-host.fixtures.ts';
import {
  type AnyMessage,
  DemandId,
  done,
  entry,
  jobOf,
  message,
  type Step,
  told,
} from '../federation.fixtures.ts';
import { GANG_PARTS_MAX, gangOf, partNumber } from '../federation-limits.ts';
import type { FederationOptions } from '../federation-options.ts';
import { FederationReason, MessageKind } from '../messages.ts';

const GANG = 7;
const PARTS = [partNumber(GANG, 1), partNumber(GANG, 2)] as const;
const OPTIONS = {
  spanAfterSeconds: 1,
  claimSeconds: 10,
  escrowSeconds: 4,
  confirmSeconds: 1,
  proposeSeconds: 1,
};

/** Large enough for the gang, once it is free. */
const CAPACITY = { capacityGpuMilli: 8000, capacityCpuMilli: 64_000 };

/** Boards of zones with that many free GPUs each, zone 1 first. */
function zones(version: number, takenAt: number, ...gpus: number[]) {
  return gpus.map((free, i) => entry(i + 1, version, { freeGpuMilli: 1000 * free, takenAt, sums: CAPACITY }));
}

/** A host with a gang of six pods of a GPU, which no zone of four can take, and its zones. */
class Gang extends Agents {
  offers = 90;

  constructor(options: Partial<FederationOptions> = {}, gangMin = 6) {
    super({ options: { ...OPTIONS, ...options } });
    this.board(zones(1, 0, 4, 3, 2));
    this.step((out) => this.process.submit(jobOf(GANG, DemandId.OneGpu, 6, gangMin), 0, out));
    expect(this.state(GANG)).toBe('waiting: no zone shows room');
  }

  /** The board after the gang's patience. @returns Its first proposal. */
  begin(at = 2): AnyMessage {
    return this.board(zones(2, at, 4, 3, 2), at).messages[0] as AnyMessage;
  }

  /** A zone holds a part. */
  grant(ask: AnyMessage, pods: number, at = 2): Step {
    const { to, job, attempt } = ask;
    return this.hear(
      MessageKind.Offer,
      to,
      job,
      { attempt, offer: ++this.offers, pods, deadline: at + 3.5 },
      at,
    );
  }

  /** A zone renews a part. */
  renewed(renewal: AnyMessage, at = 2): Step {
    const { to, job, offer, deadline } = renewal;
    return this.hear(MessageKind.Offer, to, job, { offer, deadline }, at);
  }

  /** Both parts are held; phase one begins. @returns The two renewals. */
  held(): AnyMessage[] {
    const second = this.grant(this.begin(), 4).messages[0] as AnyMessage;
    return [...this.grant(second, 2).messages];
  }

  /** Phase two begins. @returns The two confirmations. */
  confirmed(): AnyMessage[] {
    const [first, second] = this.held();
    expect(told(this.renewed(first as AnyMessage))).toEqual([]);
    return [...this.renewed(second as AnyMessage).messages];
  }

  started({ to, job, offer }: AnyMessage, at = 2): Step {
    return this.hear(MessageKind.Started, to, job, { offer }, at);
  }

  placed(): AnyMessage[] {
    const confirms = this.confirmed();
    for (const confirm of confirms) this.started(confirm);
    expect(this.state(GANG)).toBe('running in several zones');
    return confirms;
  }

  over({ to, job, offer }: AnyMessage, reason: number, at = 3): Step {
    return this.hear(MessageKind.Ended, to, job, { offer, reason: reason as never }, at);
  }
}

describe('a gang across zones', () => {
  test('asks one zone after the other for all that is missing, and waits before for one with room for all', () => {
    const gang = new Gang();
    expect(told(gang.board(zones(2, 0.5, 4, 3, 2), 0.5))).toEqual([]);
    const first = gang.begin();
    expect(first).toMatchObject({ kind: MessageKind.Propose, to: 1, job: PARTS[0], podCount: 6, gangMin: 1 });
    const second = gang.grant(first, 4).messages[0];
    expect(second).toMatchObject({
      kind: MessageKind.Propose,
      to: 2,
      job: PARTS[1],
      podCount: 2,
      gangMin: 1,
    });
    expect(gang.state(GANG)).toBe('collecting parts in several zones');
  });

  test('confirms nothing before every zone has renewed its escrow, and runs when all parts do', () => {
    const gang = new Gang();
    const [first, second] = gang.held() as [AnyMessage, AnyMessage];
    expect(told({ messages: [first, second], actions: [] })).toEqual(PARTS.map((part) => `renew ${part}`));
    expect(told(gang.renewed(second))).toEqual([]);
    const confirms = gang.renewed(first);
    expect(told(confirms)).toEqual(PARTS.map((part) => `confirm ${part}`));
    expect(done(gang.started(confirms.messages[0] as AnyMessage))).toEqual([]);
    expect(done(gang.started(confirms.messages[1] as AnyMessage))).toEqual([`job-placed ${GANG}`]);
  });

  test('an escrow that is gone in phase one is collected again; nothing has started', () => {
    const gang = new Gang();
    const [first, second] = gang.held() as [AnyMessage, AnyMessage];
    gang.renewed(first);
    const step = gang.hear(MessageKind.Gone, second.to, second.job, { offer: second.offer }, 2);
    expect(step.messages).toMatchObject([{ kind: MessageKind.Propose, podCount: 2 }]);
    expect(gang.state(GANG)).toBe('collecting parts in several zones');
  });

  test('an escrow that is gone in phase two rolls the gang back whole, and it waits once all have answered', () => {
    const gang = new Gang();
    const [first, second] = gang.confirmed() as [AnyMessage, AnyMessage];
    gang.started(first);
    const gone = gang.hear(MessageKind.Gone, second.to, second.job, { offer: second.offer }, 2);
    expect(told(gone)).toEqual([`stop ${PARTS[0]}: gang over`]);
    expect(gang.state(GANG)).toBe('stopping in several zones');
    // The stop is repeated until the zone answers.
    expect(told(gang.wake(3))).toEqual([`stop ${PARTS[0]}: gang over`]);
    expect(told(gang.over(first, FederationReason.GangOver))).toEqual([`ended-ack ${PARTS[0]}`]);
    expect(gang.state(GANG)).toBe('waiting: no zone shows room');
  });

  test('a confirmation is repeated until it is answered', () => {
    const gang = new Gang();
    const [first] = gang.confirmed() as [AnyMessage, AnyMessage];
    gang.started(first);
    expect(told(gang.wake(3))).toEqual([`confirm ${PARTS[1]}`]);
  });

  test('that loses a node stops its other parts and waits again', () => {
    const gang = new Gang();
    const [first, second] = gang.placed() as [AnyMessage, AnyMessage];
    expect(told(gang.over(first, FederationReason.NodeLost))).toEqual([
      `ended-ack ${PARTS[0]}`,
      `stop ${PARTS[1]}: gang over`,
    ]);
    gang.over(second, FederationReason.GangOver);
    expect(gang.state(GANG)).toBe('waiting: no zone shows room');
  });

  test.each([
    ['finished', FederationReason.Finished],
    ['cancelled', FederationReason.Cancelled],
  ])('ends as %s when its last part has ended', (name, reason) => {
    const gang = new Gang();
    const [first, second] = gang.placed() as [AnyMessage, AnyMessage];
    if (reason === FederationReason.Finished) gang.over(first, reason);
    else {
      expect(told(gang.cancel(GANG, 3))).toEqual(PARTS.map((part) => `stop ${part}: gang over`));
      gang.over(first, FederationReason.GangOver);
    }
    expect(gang.state(GANG)).toBe('stopping in several zones');
    expect(done(gang.over(second, FederationReason.GangOver))).toEqual([`job-ended ${GANG}: ${name}`]);
  });

  test('keeps what it holds by renewals, and drops a part whose zone is silent until it has ended', () => {
    const gang = new Gang();
    gang.grant(gang.begin(), 4);
    expect(told(gang.wake(4))).toContain(`renew ${PARTS[0]}`);
    expect(told(gang.wake(5.5))).toContain(`decline ${PARTS[0]}`);
  });

  test('takes no offer for an attempt that it has given up', () => {
    const gang = new Gang();
    const first = gang.begin();
    gang.hear(MessageKind.Refuse, first.to, first.job, { attempt: first.attempt }, 2);
    expect(told(gang.grant(first, 4))).toEqual([`decline ${PARTS[0]}`]);
  });
});

describe('a host without its log', () => {
  const adopt = (gang: Agents, part: number, zone: number, pods: number, isOver = false) =>
    gang.process.adoptPart(
      jobOf(GANG, DemandId.OneGpu, 6, 5),
      { part: PARTS[part] as number, zone, offer: 90 + zone, pods, isOver },
      0,
    );

  test('goes on with a gang whose parts are enough, and rolls back half a gang', () => {
    const whole = new Agents();
    adopt(whole, 0, 1, 4);
    adopt(whole, 1, 2, 1);
    expect(told(whole.wake(0))).toEqual([]);
    expect(whole.state(GANG)).toBe('running in several zones');
    const half = new Agents();
    adopt(half, 0, 1, 4);
    expect(told(half.wake(0))).toEqual([`stop ${PARTS[0]}: gang over`]);
  });

  test('stops the rest of a gang that has finished', () => {
    const agents = new Agents();
    adopt(agents, 1, 2, 1, true);
    agents.wake(0);
    const ended = { offer: 92, reason: FederationReason.GangOver };
    expect(done(agents.hear(MessageKind.Ended, 2, PARTS[1], ended))).toEqual([`job-ended ${GANG}: finished`]);
  });
});

describe('a gang that no zone could ever take', () => {
  test('collects parts at once', () => {
    const agents = new Agents({ options: { spanAfterSeconds: 1e6 } });
    const board = [4, 3].map((free, i) =>
      entry(i + 1, 1, {
        freeGpuMilli: 1000 * free,
        takenAt: 0,
        sums: { ...CAPACITY, capacityGpuMilli: 4000 },
      }),
    );
    agents.board(board);
    agents.step((out) => agents.process.submit(jobOf(GANG, DemandId.OneGpu, 6, 6), 0, out));
    expect(told(agents.board(board))).toEqual([`propose ${PARTS[0]}`]);
  });
});

describe('limits of gangs across zones', () => {
  test('gangPartsMax 1: a gang waits for a zone with room for all of it', () => {
    const gang = new Gang({ gangPartsMax: 1 });
    expect(told(gang.board(zones(2, 100, 4, 3, 2), 100))).toEqual([]);
  });

  test('gangPartsMax: holds no more escrows, whatever other zones show', () => {
    const gang = new Gang({ gangPartsMax: 2 });
    const second = gang.grant(gang.begin(), 4).messages[0] as AnyMessage;
    expect(told(gang.grant(second, 1))).toEqual([]);
    expect(told(gang.board(zones(3, 3, 4, 3, 2), 3))).toEqual([]);
  });

  test('gangPartsMax may not exceed what numbers of parts can hold', () => {
    expect(() => new Agents({ options: { gangPartsMax: GANG_PARTS_MAX + 1 } })).toThrow(
      /gangPartsMax is 512/,
    );
    expect(gangOf(partNumber(GANG, GANG_PARTS_MAX))).toBe(GANG);
  });

  test('claimSeconds: without a new part it releases all it holds, and backs off', () => {
    const gang = new Gang();
    const second = gang.grant(gang.begin(), 4).messages[0] as AnyMessage;
    gang.hear(MessageKind.Refuse, second.to, second.job, { attempt: second.attempt }, 2);
    for (let at = 3; at < 12; at++) {
      const renewal = gang.wake(at).messages.find(({ kind }) => kind === MessageKind.Renew);
      if (renewal !== undefined) gang.renewed(renewal, at);
    }
    expect(told(gang.wake(12))).toContain(`decline ${PARTS[0]}`);
    expect(gang.state(GANG)).toBe('waiting: no zone shows room');
    expect(told(gang.board(zones(3, 12, 4, 3, 2), 12))).toEqual([]);
    expect(told(gang.board(zones(4, 22, 4, 3, 2), 22))).toEqual([`propose ${PARTS[0]}`]);
  });

  test('claimRetriesMax: the back-off grows no further', () => {
    const gang = new Gang({ claimRetriesMax: 1, gangPartsMax: 2, expireSeconds: 1e6 });
    let at = 2;
    for (let tries = 0; tries < 6; tries++) {
      // Twice claimSeconds is the longest back-off.
      at += 21;
      expect(gang.board(zones(10 + tries, at, 4, 3, 2), at).messages).toHaveLength(1);
      for (const until = at + 20; at < until && gang.state(GANG).startsWith('collecting'); at++)
        gang.wake(at);
      expect(gang.state(GANG)).toContain('waiting');
    }
  });

  test('claimsMax: a further gang waits, and has its turn when the first has failed', () => {
    const gang = new Gang({ claimsMax: 1 });
    gang.step((out) => gang.process.submit(jobOf(8, DemandId.OneGpu, 6, 6), 0, out));
    expect(gang.begin().job).toBe(PARTS[0]);
    expect(gang.state(8)).toContain('waiting');
    for (let at = 3; at <= 13; at++) gang.wake(at);
    const turn = gang.board(zones(3, 30, 4, 3, 2), 30).messages;
    expect(turn.map(({ job }) => gangOf(job))).toEqual([8]);
  });

  test('the number of a job leaves room for those of parts', () => {
    const agents = new Agents();
    expect(() => agents.submit(2 ** 44)).toThrow(/too large a number/);
    expect(agents.receive(message(MessageKind.Gone, 1, 50, { job: PARTS[0] }), 0).messages).toEqual([]);
  });
});
