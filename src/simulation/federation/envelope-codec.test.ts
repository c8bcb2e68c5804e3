import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { randomZone, sumsOf } from '../../field/hologram/hologram.fixtures.ts';
import { emptyMaxima, type Hologram, mergeHolograms } from '../../field/hologram/hologram.ts';
import { takeHologram } from '../../field/hologram/hologram-source.ts';
import {
  type BoardEntry,
  type Message,
  MessageKind,
  makeMessage,
} from '../../governor/federation/messages.ts';
import { Random } from '../../kernel/random.ts';
import { TegError } from '../../model/errors.ts';
import { EnvelopeDecoder, encodeEnvelopes } from './envelope-codec.ts';
import type { Envelope } from './network.ts';

/** Holograms to send, the empty one among them. */
const HOLOGRAMS: readonly Hologram[] = [0, 1, 2, 3].map((seed) => {
  const random = new Random(seed);
  const zone = randomZone(6, random);
  return seed === 3
    ? mergeHolograms([])
    : takeHologram(zone.classes, zone.rent, sumsOf(zone, random), emptyMaxima(), seed);
});

/** An entry whose version is its content, as it is with real ones. */
function entryOf(id: number, version: number): BoardEntry {
  const hologram = HOLOGRAMS[(7 * id + version) % HOLOGRAMS.length] as Hologram;
  return { id, isGroup: id % 2 === 1, position: id / 2, version: 2 ** 32 + version, hologram };
}

const plain = fc.record({
  kind: fc.constantFrom(...Object.values(MessageKind)),
  from: fc.nat(2 ** 20),
  to: fc.nat(2 ** 20),
  job: fc.maxSafeNat(),
  attempt: fc.maxSafeNat(),
  offer: fc.maxSafeNat(),
  zone: fc.nat(2 ** 20),
  host: fc.nat(2 ** 20),
  demandId: fc.nat(),
  podCount: fc.nat(),
  gangMin: fc.nat(),
  hops: fc.nat(8),
  reason: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8) as fc.Arbitrary<Message['reason']>,
  price: fc.double({ noNaN: true }),
  deadline: fc.double({ noNaN: true }),
  version: fc.maxSafeNat(),
  hologram: fc.constant(undefined),
  entries: fc.constant(undefined),
});
const summaries = fc
  .tuple(plain, fc.constantFrom(...HOLOGRAMS))
  .map(([m, hologram]): Message => ({ ...m, kind: MessageKind.Summary, hologram }));
/** Boards; several letters may carry the same one. Ids on a board are distinct. */
const lists = fc
  .uniqueArray(fc.tuple(fc.nat(9), fc.nat(3)), { selector: ([id]) => id, maxLength: 6 })
  .map((keys) => keys.map(([id, version]) => entryOf(id, version)));
const boards = fc
  .tuple(lists, fc.array(plain, { minLength: 1, maxLength: 3 }))
  .map(([entries, messages]) => messages.map((m): Message => ({ ...m, kind: MessageKind.Board, entries })));
const batches = fc
  .array(
    fc.oneof(
      plain.map((m): Message[] => [m]),
      summaries.map((m) => [m]),
      boards,
    ),
    { maxLength: 12 },
  )
  .map((groups) =>
    groups
      .flat()
      .map((message, i): Envelope => ({ arrivesAt: i + 0.1 + 1 / 3, number: 2 ** 40 + i, message })),
  );

/** Over the border between threads, as in production. */
function cross(letters: readonly Envelope[]): ReturnType<typeof encodeEnvelopes> {
  return structuredClone(encodeEnvelopes(letters));
}

describe('letters that are packed and unpacked', () => {
  test('are the same, in the same order, batch after batch', () => {
    checkProperty(
      fc.property(fc.array(batches, { minLength: 1, maxLength: 4 }), (all) => {
        const reader = new EnvelopeDecoder();
        for (const letters of all) expect(reader.unpack(cross(letters))).toEqual(letters);
      }),
      { numRuns: 150 },
    );
  });

  test('none give none', () => {
    expect(new EnvelopeDecoder().unpack(cross([]))).toEqual([]);
  });

  test('an empty board before another one is empty, and the other is not', () => {
    const board = (entries: BoardEntry[], i: number): Envelope => ({
      arrivesAt: i,
      number: i,
      message: { ...makeMessage(MessageKind.Board, 1, 2, 0), entries },
    });
    const letters = [
      board([], 1),
      board([entryOf(1, 1), entryOf(2, 1)], 2),
      board([], 3),
      board([entryOf(3, 1)], 4),
    ];
    const sizes = new EnvelopeDecoder().unpack(cross(letters)).map(({ message }) => message.entries?.length);
    expect(sizes).toEqual([0, 2, 0, 1]);
  });
});

describe('holograms', () => {
  const boardOf = (entries: readonly BoardEntry[]): Envelope[] => [
    { arrivesAt: 1, number: 1, message: { ...makeMessage(MessageKind.Board, 1, 2, 0), entries } },
    { arrivesAt: 1, number: 2, message: { ...makeMessage(MessageKind.Board, 1, 3, 0), entries } },
  ];

  test('cross once, however many letters and boards show them', () => {
    const entries = [entryOf(0, 0), entryOf(4, 0)];
    const summary = { ...makeMessage(MessageKind.Summary, 1, 2, 0), hologram: entries[0]?.hologram };
    const packed = encodeEnvelopes([...boardOf(entries), { arrivesAt: 2, number: 3, message: summary }]);
    expect(packed.holograms).toHaveLength(new Set(entries.map((one) => one.hologram)).size);
    expect(packed.entries).toHaveLength(2 * 5);
  });

  test('that were on an earlier board in the same version are the same object, with all that was read of it', () => {
    const reader = new EnvelopeDecoder();
    const first = reader.unpack(cross(boardOf([entryOf(0, 0), entryOf(1, 0)])));
    const second = reader.unpack(cross(boardOf([entryOf(1, 0), entryOf(0, 1)])));
    expect(first[0]?.message.entries).toBe(first[1]?.message.entries);
    expect(second[0]?.message.entries?.[0]).toBe(first[0]?.message.entries?.[1]);
    expect(second[0]?.message.entries?.[1]).not.toBe(first[0]?.message.entries?.[0]);
  });

  test('that are damaged are refused', () => {
    const packed = encodeEnvelopes(boardOf([entryOf(0, 0)]));
    (packed.holograms[0] as Uint8Array)[0] = 0;
    expect(() => new EnvelopeDecoder().unpack(packed)).toThrow(TegError);
  });
});
