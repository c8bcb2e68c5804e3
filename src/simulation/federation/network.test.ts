import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { emptyMaxima, emptySums, Hologram, mergeHolograms } from '../../field/hologram/hologram.ts';
import { encodeHologram } from '../../field/hologram/wire.ts';
import { message } from '../../governor/federation/federation.fixtures.ts';
import {
  type BoardEntry,
  FederationReason,
  type Message,
  MessageKind,
  type StopMessage,
} from '../../governor/federation/messages.ts';
import { TegError } from '../../model/errors.ts';
import {
  compareEnvelopes,
  type Envelope,
  NETWORK_DEFAULTS,
  Network,
  type NetworkOptions,
} from './network.ts';

function network(options: Partial<NetworkOptions> = {}, seed = 1): Network {
  return new Network({ ...NETWORK_DEFAULTS, ...options }, seed);
}

function stop(from: number, job: number): StopMessage {
  return { kind: MessageKind.Stop, from, to: 9, job, offer: 1, reason: FederationReason.Cancelled };
}

function jobOf({ message }: Envelope): number {
  return (message as StopMessage).job;
}

/** Sends messages of one process, one a second. */
function envelopesOf(net: Network, from: number, count: number): Envelope[] {
  const envelopes: Envelope[] = [];
  for (let i = 0; i < count; i++) net.send(stop(from, i), i, envelopes);
  return envelopes;
}

/** Times on the way. */
function delays(envelopes: readonly Envelope[]): number[] {
  return envelopes.map((envelope) => envelope.arrivesAt - jobOf(envelope));
}

const COUNT = 20_000;

describe('time on the way', () => {
  test('is never less than the least, and its mean is the requested one', () => {
    const times = delays(envelopesOf(network({ delayMinSeconds: 0.25, delayMeanSeconds: 1 }), 3, COUNT));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(0.25);
    const mean = times.reduce((sum, time) => sum + time, 0) / COUNT;
    // Beyond the least it is exponential with mean 0.75: the mean of 20,000 is within 5 σ = 0.027.
    expect(Math.abs(mean - 1)).toBeLessThan(0.027);
    const late = times.filter((time) => time > 0.25 + 0.75 * Math.log(10)).length / COUNT;
    expect(Math.abs(late - 0.1)).toBeLessThan(0.011);
  });

  test('is constant where the mean is the least', () => {
    const times = delays(envelopesOf(network({ delayMinSeconds: 0.5, delayMeanSeconds: 0.5 }), 3, 64));
    expect(new Set(times)).toEqual(new Set([0.5]));
  });

  test('lets later messages overtake earlier ones', () => {
    const net = network({ delayMinSeconds: 0.5, delayMeanSeconds: 3 });
    const envelopes = envelopesOf(net, 3, 500);
    const sorted = [...envelopes].sort(compareEnvelopes);
    expect(sorted).not.toEqual(envelopes);
    expect(envelopes.map((envelope) => envelope.number)).toEqual(envelopes.map((_, i) => i + 1));
  });
});

describe('loss and duplication', () => {
  test('happen at the requested rates, independently', () => {
    const envelopes = envelopesOf(network({ lossRate: 0.2, duplicateRate: 0.1 }), 3, COUNT);
    const copies = new Map<number, number>();
    for (const job of envelopes.map(jobOf)) copies.set(job, (copies.get(job) ?? 0) + 1);
    const lost = (COUNT - copies.size) / COUNT;
    const doubled = [...copies.values()].filter((n) => n === 2).length / copies.size;
    expect(Math.max(...copies.values())).toBe(2);
    // 5 σ of 20,000.
    expect(Math.abs(lost - 0.2)).toBeLessThan(0.0142);
    expect(Math.abs(doubled - 0.1)).toBeLessThan(0.012);
  });

  test('do not happen unless requested', () => {
    expect(envelopesOf(network(), 3, 500)).toHaveLength(500);
  });

  test('the copies of a message have numbers and delays of their own', () => {
    const envelopes = envelopesOf(network({ duplicateRate: 0.999 }), 3, 20);
    expect(envelopes.length).toBeGreaterThan(30);
    expect(envelopes.map((envelope) => envelope.number)).toEqual(envelopes.map((_, i) => i + 1));
    expect(new Set(delays(envelopes)).size).toBe(envelopes.length);
  });
});

describe('draws', () => {
  const noisy = { lossRate: 0.3, duplicateRate: 0.3 };

  test("of a sender do not depend on other senders' messages, or on the network they share", () => {
    const sends = fc.array(fc.nat(4), { maxLength: 80 });
    checkProperty(
      fc.property(sends, (senders) => {
        const shared = network(noisy);
        const mixed: Envelope[] = [];
        const own = new Map<number, { net: Network; envelopes: Envelope[]; sent: number }>();
        senders.forEach((from, i) => {
          const alone = own.get(from) ?? { net: network(noisy), envelopes: [], sent: 0 };
          own.set(from, alone);
          const m = stop(from, i);
          shared.send(m, i, mixed);
          alone.net.send(m, i, alone.envelopes);
        });
        for (const [from, { envelopes }] of own) {
          expect(mixed.filter((envelope) => envelope.message.from === from)).toEqual(envelopes);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('depend on seed and sender', () => {
    const [base, again, otherSeed] = [network(noisy, 1), network(noisy, 1), network(noisy, 2)].map((net) =>
      delays(envelopesOf(net, 3, 50)),
    );
    expect(again).toEqual(base);
    expect(otherSeed).not.toEqual(base);
    expect(delays(envelopesOf(network(noisy, 1), 4, 50))).not.toEqual(base);
  });
});

describe('the order of envelopes', () => {
  const envelope = (arrivesAt: number, from: number, number: number): Envelope => ({
    arrivesAt,
    number,
    message: stop(from, 0),
  });

  test('is by time, then sender, then number', () => {
    const ordered = [
      envelope(1, 5, 9),
      envelope(2, 3, 4),
      envelope(2, 4, 1),
      envelope(2, 4, 2),
      envelope(2.5, 0, 0),
    ];
    expect([...ordered].reverse().sort(compareEnvelopes)).toEqual(ordered);
  });

  test('is the same however envelopes were collected', () => {
    const keys = fc.uniqueArray(fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5)), {
      selector: String,
      maxLength: 40,
    });
    checkProperty(
      fc.property(keys, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (all, shuffle) => {
        const envelopes = all.map(([at, from, number]) => envelope(at, from, number));
        const mixed = envelopes
          .map((one) => ({ one, key: shuffle.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ one }) => one);
        expect(mixed.sort(compareEnvelopes)).toEqual([...envelopes].sort(compareEnvelopes));
      }),
    );
  });
});

describe('traffic', () => {
  const hologram = (pods: number): Hologram =>
    new Hologram({
      ...mergeHolograms([]),
      takenAt: 1,
      newestAt: 1,
      sums: { ...emptySums(), pods },
      maxima: emptyMaxima(),
    });
  const summary = (hologram: Hologram): Message => ({
    kind: MessageKind.Summary,
    from: 1,
    to: 2,
    version: 1,
    hologram,
  });
  const bytesOf = (messages: readonly Message[]): [number, number, number] => {
    const net = network();
    for (const m of messages) net.send(m, 0, []);
    return [net.traffic.messages, net.traffic.summaryBytes, net.traffic.jobBytes];
  };

  test('counts job messages by the piece, summaries and boards by their size on the wire', () => {
    const size = encodeHologram(hologram(7)).length;
    const entry: BoardEntry = { id: 1, isGroup: false, position: 1, version: 1, hologram: hologram(7) };
    const board = { kind: MessageKind.Board, from: 1, to: 2, entries: [entry, entry] } as const;
    expect(bytesOf([message(MessageKind.Propose, 1, 2, { job: 3 })])).toEqual([1, 0, 48]);
    expect(bytesOf([summary(hologram(7))])).toEqual([1, 48 + size, 0]);
    expect(bytesOf([board])).toEqual([1, 48 + 2 * (16 + size), 0]);
    expect(bytesOf([{ ...board, entries: [] }])).toEqual([1, 48, 0]);
  });

  test('a hologram takes its own bytes, whatever others with the same classes took before', () => {
    const small = hologram(1);
    const large = new Hologram({ ...small, sums: { ...small.sums, pods: 2 ** 50, arrivalsPerSecond: 1000 } });
    const sizes = [small, large].map((one) => encodeHologram(one).length);
    expect(sizes[1]).toBeGreaterThan(sizes[0] as number);
    const expected = 2 * 48 + (sizes[0] as number) + (sizes[1] as number);
    expect(bytesOf([summary(small), summary(large)])[1]).toBe(expected);
    expect(bytesOf([summary(large), summary(small)])[1]).toBe(expected);
  });

  test('counts lost messages, and doubles once', () => {
    const net = network({ lossRate: 0.5, duplicateRate: 0.5 });
    envelopesOf(net, 3, 100);
    expect(net.traffic).toEqual({ messages: 100, summaryBytes: 0, jobBytes: 4800 });
  });
});

describe('bad input', () => {
  test.each<[Partial<NetworkOptions>, string]>([
    [{ delayMinSeconds: 0 }, 'the least message delay is 0'],
    [{ delayMinSeconds: Number.NaN }, 'the least message delay is NaN'],
    [
      { delayMeanSeconds: 0.001 },
      'the mean message delay is 0.001; expected at least the least one, 0.005 s',
    ],
    [{ delayMeanSeconds: Number.POSITIVE_INFINITY }, 'the mean message delay is Infinity'],
    [{ lossRate: 1 }, 'the share of lost messages is 1; expected one in [0, 1)'],
    [{ lossRate: -0.1 }, 'the share of lost messages is -0.1'],
    [{ duplicateRate: 1 }, 'the share of doubled messages is 1'],
    [{ duplicateRate: Number.NaN }, 'the share of doubled messages is NaN'],
  ])('%j is refused', (options, what) => {
    expect(() => network(options)).toThrow(TegError);
    expect(() => network(options)).toThrow(what);
  });
});
