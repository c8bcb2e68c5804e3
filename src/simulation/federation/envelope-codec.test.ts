import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { randomZone, sumsOf } from '../../field/hologram/hologram.fixtures.ts';
import { emptyMaxima, type Hologram, mergeHolograms } from '../../field/hologram/hologram.ts';
import { takeHologram } from '../../field/hologram/hologram-source.ts';
import { carriesSummaries, MESSAGE_FIELDS } from '../../governor/federation/message-fields.ts';
import {
  type BoardEntry,
  type BoardMessage,
  type Message,
  MessageKind,
  type MessageKindCode,
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

const number = fc.oneof(fc.maxSafeNat(), fc.double({ noNaN: true }));

/** Messages of some kinds with any values in their fields. @param contents Given: of fields that are holograms or entries. */
function messages(kinds: readonly MessageKindCode[], contents: object = {}): fc.Arbitrary<Message> {
  return fc.constantFrom(...kinds).chain((kind) => {
    const fields = (MESSAGE_FIELDS[kind] ?? []).filter(({ name }) => !(name in contents));
    const values = fields.map(({ name, form }) => [name, form === 'flag' ? fc.boolean() : number] as const);
    return fc
      .record(Object.fromEntries(values))
      .map((record) => ({ kind, ...record, ...contents }) as unknown as Message);
  });
}

const plain = messages(Object.values(MessageKind).filter((kind) => !carriesSummaries(kind)));
const summaries = fc
  .constantFrom(...HOLOGRAMS)
  .chain((hologram) => messages([MessageKind.Summary], { hologram }));
/** Boards; several envelopes may carry the same one. Ids on a board are distinct. */
const lists = fc
  .uniqueArray(fc.tuple(fc.nat(9), fc.nat(3)), { selector: ([id]) => id, maxLength: 6 })
  .map((keys) => keys.map(([id, version]) => entryOf(id, version)));
const boards = lists.chain((entries) =>
  fc.array(messages([MessageKind.Board], { entries }), { minLength: 1, maxLength: 3 }),
);
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

/** The entries of a board. */
function entriesOf({ message }: Envelope): readonly BoardEntry[] {
  expect(message.kind).toBe(MessageKind.Board);
  return (message as BoardMessage).entries;
}

/** Over the border between threads, as in production. */
function cross(envelopes: readonly Envelope[]): ReturnType<typeof encodeEnvelopes> {
  return structuredClone(encodeEnvelopes(envelopes));
}

describe('envelopes that are packed and unpacked', () => {
  test('are the same, in the same order, batch after batch', () => {
    checkProperty(
      fc.property(fc.array(batches, { minLength: 1, maxLength: 4 }), (all) => {
        const reader = new EnvelopeDecoder();
        for (const envelopes of all) expect(reader.unpack(cross(envelopes))).toEqual(envelopes);
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
      message: { kind: MessageKind.Board, from: 1, to: 2, entries },
    });
    const envelopes = [
      board([], 1),
      board([entryOf(1, 1), entryOf(2, 1)], 2),
      board([], 3),
      board([entryOf(3, 1)], 4),
    ];
    const sizes = new EnvelopeDecoder()
      .unpack(cross(envelopes))
      .map((envelope) => entriesOf(envelope).length);
    expect(sizes).toEqual([0, 2, 0, 1]);
  });
});

describe('holograms', () => {
  const boardOf = (entries: readonly BoardEntry[]): Envelope[] => [
    { arrivesAt: 1, number: 1, message: { kind: MessageKind.Board, from: 1, to: 2, entries } },
    { arrivesAt: 1, number: 2, message: { kind: MessageKind.Board, from: 1, to: 3, entries } },
  ];

  test('cross once, however many envelopes and boards show them', () => {
    const entries = [entryOf(0, 0), entryOf(4, 0)];
    const hologram = (entries[0] as BoardEntry).hologram;
    const summary = { kind: MessageKind.Summary, from: 1, to: 2, version: 1, hologram } as const;
    const packed = encodeEnvelopes([...boardOf(entries), { arrivesAt: 2, number: 3, message: summary }]);
    expect(packed.holograms).toHaveLength(new Set(entries.map((one) => one.hologram)).size);
    expect(packed.entries).toHaveLength(2 * 5);
  });

  test('that were on an earlier board in the same version are the same object, with all that was read of it', () => {
    const reader = new EnvelopeDecoder();
    const first = reader.unpack(cross(boardOf([entryOf(0, 0), entryOf(1, 0)])));
    const second = reader.unpack(cross(boardOf([entryOf(1, 0), entryOf(0, 1)])));
    const [one, two] = first.map(entriesOf);
    const [later] = second.map(entriesOf);
    expect(one).toBe(two);
    expect(later?.[0]).toBe(one?.[1]);
    expect(later?.[1]).not.toBe(one?.[0]);
  });

  test('that are damaged are refused', () => {
    const packed = encodeEnvelopes(boardOf([entryOf(0, 0)]));
    (packed.holograms[0] as Uint8Array)[0] = 0;
    expect(() => new EnvelopeDecoder().unpack(packed)).toThrow(TegError);
  });
});
