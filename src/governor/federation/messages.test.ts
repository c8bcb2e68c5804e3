import { describe, expect, test } from 'vitest';
import {
  ActionKind,
  FEDERATION_REASON_NAMES,
  FederationReason,
  MESSAGE_NAMES,
  type Message,
  MessageKind,
  Outbox,
  PROPOSAL_MODE_NAMES,
  ProposalMode,
} from './messages.ts';

describe('messages', () => {
  test('every kind and reason has its own number and name', () => {
    for (const [codes, names] of [
      [Object.values(MessageKind), MESSAGE_NAMES],
      [Object.values(FederationReason), FEDERATION_REASON_NAMES],
      [Object.values(ProposalMode), PROPOSAL_MODE_NAMES],
    ] as const) {
      expect(new Set<number>(codes).size).toBe(codes.length);
      const named = codes.map((code) => names[code]);
      expect(new Set(named).size).toBe(codes.length);
      expect(named.every(Boolean)).toBe(true);
    }
    expect(new Set<number>(Object.values(ActionKind)).size).toBe(Object.keys(ActionKind).length);
  });

  test('numbers that are written to logs do not change', () => {
    expect(MessageKind).toMatchObject({
      Propose: 1,
      Offer: 2,
      Refuse: 3,
      Confirm: 4,
      Started: 5,
      Gone: 6,
      Decline: 7,
      Ended: 8,
      EndedAck: 9,
      Summary: 10,
      Board: 11,
      HostReport: 12,
      Stop: 13,
      Quote: 14,
      Quoted: 15,
    });
    expect(ProposalMode).toMatchObject({ Priced: 0, Random: 1, Standing: 2 });
    expect(FederationReason).toMatchObject({
      None: 0,
      NoRoom: 1,
      Busy: 2,
      Late: 3,
      NoZone: 4,
      Finished: 5,
      NodeLost: 6,
      Cancelled: 7,
      Moved: 8,
    });
  });
});

describe('an outbox', () => {
  test('keeps messages and actions in order until it is cleared', () => {
    const out = new Outbox();
    const gone = (job: number): Message => ({ kind: MessageKind.Gone, from: 0, to: 1, job, offer: 3 });
    const [first, second] = [gone(1), gone(2)];
    out.send(first);
    out.act(ActionKind.Start, 1, 2, 3, 4, FederationReason.None);
    out.send(second);
    expect(out.messages).toEqual([first, second]);
    expect(out.actions).toMatchObject([
      { kind: ActionKind.Start, job: 1, offer: 2, zone: 3, local: 4, reason: 0 },
    ]);
    out.clear();
    expect(out).toEqual(new Outbox());
  });
});
