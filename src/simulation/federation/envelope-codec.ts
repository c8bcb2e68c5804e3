/**
 * Envelopes as flat arrays, to be sent between threads: numbers one after the other, each hologram once in its wire
 * format.
 */

import type { Hologram } from '../../field/hologram/hologram.ts';
import { decodeHologram, encodeHologram } from '../../field/hologram/wire.ts';
import {
  ENTRY_FIELDS,
  type FieldSink,
  type FieldSource,
  MESSAGE_FIELDS,
  type MessageField,
  readEntryFields,
  readMessageFields,
  writeEntryFields,
  writeMessageFields,
} from '../../governor/federation/message-fields.ts';
import type { BoardEntry } from '../../governor/federation/messages.ts';
import { assert } from '../../kernel/assert.ts';
import type { Envelope } from './network.ts';

/** Numbers of an envelope before its message: time of arrival, number. */
const HEAD = 2;
/** Most numbers of an envelope: with its kind, and two for a board. */
const ENVELOPE_MAX = HEAD + 1 + Math.max(...MESSAGE_FIELDS.map((fields) => widthOf(fields ?? [])));
/** Numbers of a board entry, and where those that name its content are. */
const ENTRY_ROW = ENTRY_FIELDS.length;
const ENTRY_ID = ENTRY_FIELDS.findIndex(({ name }) => name === 'id');
const ENTRY_VERSION = ENTRY_FIELDS.findIndex(({ name }) => name === 'version');

/** Envelopes that can be transferred to another thread. */
export interface EncodedEnvelopes {
  /** By envelope: time of arrival, number, kind, the fields of the kind. @shape [numbers of all envelopes] */
  readonly numbers: Float64Array;
  /** Entries of all boards, one board after the other. @shape [entries × ENTRY_ROW] */
  readonly entries: Float64Array;
  readonly holograms: readonly Uint8Array[];
}

/** Packs envelopes in their order. O(envelopes + bytes of the holograms). */
export function encodeEnvelopes(envelopes: readonly Envelope[]): EncodedEnvelopes {
  const writer = new EnvelopeWriter(envelopes.length);
  for (const { arrivesAt, number, message } of envelopes) {
    writer.number(arrivesAt);
    writer.number(number);
    writeMessageFields(message, writer);
  }
  return writer.finish();
}

/** Writes messages. A board is the place of its first entry and their number; a hologram its index. */
class EnvelopeWriter implements FieldSink {
  private readonly numbers: Float64Array;
  private used = 0;
  private readonly entryNumbers: number[] = [];
  private readonly boards = new Map<readonly BoardEntry[], number>();
  private readonly indexes = new Map<Hologram, number>();
  private readonly holograms: Uint8Array[] = [];
  private readonly entrySink: FieldSink = {
    number: (value) => this.entryNumbers.push(value),
    hologram: (hologram) => this.entryNumbers.push(this.indexOf(hologram)),
    entries: () => {},
  };

  constructor(envelopes: number) {
    this.numbers = new Float64Array(envelopes * ENVELOPE_MAX);
  }

  finish(): EncodedEnvelopes {
    const numbers = this.numbers.slice(0, this.used);
    return { numbers, entries: Float64Array.from(this.entryNumbers), holograms: this.holograms };
  }

  number(value: number): void {
    this.numbers[this.used++] = value;
  }

  hologram(hologram: Hologram): void {
    this.number(this.indexOf(hologram));
  }

  entries(entries: readonly BoardEntry[]): void {
    let first = this.boards.get(entries);
    if (first === undefined) {
      first = this.entryNumbers.length / ENTRY_ROW;
      this.boards.set(entries, first);
      for (const entry of entries) writeEntryFields(entry, this.entrySink);
    }
    this.number(first);
    this.number(entries.length);
  }

  private indexOf(hologram: Hologram): number {
    let index = this.indexes.get(hologram);
    if (index === undefined) {
      index = this.holograms.length;
      this.holograms.push(encodeHologram(hologram));
      this.indexes.set(hologram, index);
    }
    return index;
  }
}

/** Unpacks envelopes, and caches holograms: most of those on a board are the same as on the last one. */
export class EnvelopeDecoder {
  /** The newest board entry of each process. */
  private readonly newest = new Map<number, BoardEntry>();

  /** @returns The envelopes in the order in which they were packed. @throws TegError of `decodeHologram`. */
  unpack(packed: EncodedEnvelopes): Envelope[] {
    const reader = new EnvelopeReader(packed, this.newest);
    const envelopes: Envelope[] = [];
    while (!reader.isAtEnd) {
      const arrivesAt = reader.number();
      const number = reader.number();
      envelopes.push({ arrivesAt, number, message: readMessageFields(reader) });
    }
    assert(reader.isWhole, 'an envelope is cut short');
    return envelopes;
  }
}

/** Reads what an `EnvelopeWriter` wrote. */
class EnvelopeReader implements FieldSource {
  private readonly packed: EncodedEnvelopes;
  private readonly newest: Map<number, BoardEntry>;
  private readonly decoded: (Hologram | undefined)[];
  /** By the place of the first entry, which distinguishes boards unless they are empty. */
  private readonly boards = new Map<number, readonly BoardEntry[]>();
  private at = 0;
  private entryAt = 0;
  private readonly entrySource: FieldSource = {
    number: () => this.packed.entries[this.entryAt++] as number,
    hologram: () => this.hologramAt(this.packed.entries[this.entryAt++] as number),
    entries: () => [],
  };

  constructor(packed: EncodedEnvelopes, newest: Map<number, BoardEntry>) {
    this.packed = packed;
    this.newest = newest;
    this.decoded = packed.holograms.map(() => undefined);
  }

  get isAtEnd(): boolean {
    return this.at >= this.packed.numbers.length;
  }

  /** False if more was read than there is. */
  get isWhole(): boolean {
    return this.at === this.packed.numbers.length;
  }

  number(): number {
    return this.packed.numbers[this.at++] as number;
  }

  hologram(): Hologram {
    return this.hologramAt(this.number());
  }

  entries(): readonly BoardEntry[] {
    const first = this.number();
    const length = this.number();
    if (length === 0) return [];
    let board = this.boards.get(first);
    if (board === undefined) {
      board = Array.from({ length }, (_, i) => this.entry(first + i));
      this.boards.set(first, board);
    }
    return board;
  }

  /** A version that is known already is not decoded again. */
  private entry(index: number): BoardEntry {
    const { entries } = this.packed;
    const id = entries[index * ENTRY_ROW + ENTRY_ID] as number;
    const known = this.newest.get(id);
    if (known !== undefined && known.version === entries[index * ENTRY_ROW + ENTRY_VERSION]) return known;
    this.entryAt = index * ENTRY_ROW;
    const entry = readEntryFields(this.entrySource);
    this.newest.set(id, entry);
    return entry;
  }

  private hologramAt(index: number): Hologram {
    const hologram = this.decoded[index] ?? decodeHologram(this.packed.holograms[index] as Uint8Array);
    this.decoded[index] = hologram;
    return hologram;
  }
}

/** @returns Numbers that the fields of a message take. */
function widthOf(fields: readonly MessageField[]): number {
  return fields.reduce((sum, { form }) => sum + (form === 'entries' ? 2 : 1), 0);
}
