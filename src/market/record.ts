/**
 * Records: one transfer with its outcome in 96 bytes, the form in which the ledger remembers transfers and its log keeps them.
 *
 * Invariant: the encoding is canonical. Two transfers are equal exactly if their first 80 bytes are, apart from the answer; so an
 * id that is replayed is compared by bytes, and a log that is recomputed too.
 *
 *     byte 0 action · 1 flags · 2 code (16 bit) · 4 kind of the id · 5 kind of the pending id · 6 answer · 7 zero
 *     int32  8 subject of the id · 12 of the pending id · 16 debit · 20 credit
 *     double 24 position of the id · 32 of the pending id, −1: none · 40 amount · 48 timeout, µs
 *     · 56 job · 64 quantity · 72 price
 *            80 moved · 88 time, µs
 *
 * Little endian, as every machine that Node.js runs on.
 */

import { assert } from '../kernel/assert.ts';
import { grown } from '../kernel/grown.ts';
import type { Transfer, TransferId } from './transfer.ts';

/** Bytes of one record. */
export const RECORD_BYTES = 96;
const WORDS = RECORD_BYTES / 4;
const DOUBLES = RECORD_BYTES / 8;

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

const FLAG_LINKED = 1;
const FLAG_BALANCING = 2;
/** Words that two equal transfers share entirely, and the part of the second word without answer. */
const EQUAL_WORDS_END = 20;
const WITHOUT_ANSWER = 0x0000ffff;

/** Fields of a record as an object, for readers of logs. */
export interface RecordFields {
  readonly action: number;
  readonly linked: boolean;
  readonly balancing: boolean;
  readonly code: number;
  readonly id: TransferId;
  readonly pending: TransferId | undefined;
  readonly answer: number;
  readonly debit: number;
  readonly credit: number;
  readonly amount: number;
  readonly timeoutMicros: number;
  readonly job: number;
  readonly quantity: number;
  readonly price: number;
  /** Micro-tokens that moved: into the other account, or into or out of reserve. */
  readonly moved: number;
  readonly timeMicros: number;
}

/** A growing array of records. Getters take the number of a record; nothing is checked here. */
export class Records {
  bytes: Uint8Array<ArrayBuffer>;
  words: Int32Array;
  doubles: Float64Array;

  /** @param memory Room for the records: a count, or bytes that hold them, aligned to 8. */
  constructor(memory: number | Uint8Array<ArrayBuffer>) {
    assert(IS_LITTLE_ENDIAN, 'this machine is not little endian');
    this.bytes = typeof memory === 'number' ? new Uint8Array(memory * RECORD_BYTES) : memory;
    const { buffer, byteOffset, length } = this.bytes;
    this.words = new Int32Array(buffer, byteOffset, length / 4);
    this.doubles = new Float64Array(buffer, byteOffset, length / 8);
  }

  /** @returns Records that lie in other bytes, from an offset on; a view where alignment permits, else a copy. */
  static over(bytes: Uint8Array<ArrayBuffer>, offset: number, count: number): Records {
    const part = bytes.subarray(offset, offset + count * RECORD_BYTES);
    return new Records(part.byteOffset % 8 === 0 ? part : part.slice());
  }

  /** Records that there is room for. */
  get capacity(): number {
    return this.bytes.length / RECORD_BYTES;
  }

  /** Makes room for at least that number of records; views that were taken before are stale. */
  reserve(count: number): void {
    if (count <= this.capacity) return;
    this.bytes = grown(this.bytes, Math.max(count, 2 * this.capacity) * RECORD_BYTES);
    this.words = new Int32Array(this.bytes.buffer);
    this.doubles = new Float64Array(this.bytes.buffer);
  }

  /** Writes a client's transfer without outcome. */
  write(at: number, transfer: Transfer): void {
    const { id, pending } = transfer;
    const byte = at * RECORD_BYTES;
    const word = at * WORDS;
    const double = at * DOUBLES;
    const { bytes, words, doubles } = this;
    bytes[byte] = transfer.action;
    bytes[byte + 1] =
      (transfer.linked === true ? FLAG_LINKED : 0) | (transfer.balancing === true ? FLAG_BALANCING : 0);
    bytes[byte + 2] = transfer.code & 0xff;
    bytes[byte + 3] = transfer.code >> 8;
    bytes[byte + 4] = id.kind;
    bytes[byte + 5] = pending?.kind ?? 0;
    bytes[byte + 6] = 0;
    bytes[byte + 7] = 0;
    words[word + 2] = id.subject;
    words[word + 3] = pending?.subject ?? 0;
    words[word + 4] = transfer.debit;
    words[word + 5] = transfer.credit;
    doubles[double + 3] = id.position;
    doubles[double + 4] = pending?.position ?? -1;
    doubles[double + 5] = transfer.amount;
    doubles[double + 6] = transfer.timeoutMicros;
    doubles[double + 7] = transfer.job;
    doubles[double + 8] = transfer.quantity;
    doubles[double + 9] = transfer.price;
    doubles[double + 10] = 0;
    doubles[double + 11] = 0;
  }

  /** Writes what became of a transfer. */
  writeOutcome(at: number, answer: number, moved: number, timeMicros: number): void {
    this.bytes[at * RECORD_BYTES + 6] = answer;
    this.doubles[at * DOUBLES + 10] = moved;
    this.doubles[at * DOUBLES + 11] = timeMicros;
  }

  /** Copies one record of another array. */
  copy(at: number, from: Records, source: number): void {
    const { words } = this;
    const others = from.words;
    for (let word = 0; word < WORDS; word++)
      words[at * WORDS + word] = others[source * WORDS + word] as number;
  }

  /** @returns Whether two records are of the same transfer, whatever became of it. */
  isSameTransfer(at: number, from: Records, source: number): boolean {
    const mine = at * WORDS;
    const other = source * WORDS;
    const { words } = this;
    const others = from.words;
    if (words[mine] !== others[other]) return false;
    if ((((words[mine + 1] as number) ^ (others[other + 1] as number)) & WITHOUT_ANSWER) !== 0) return false;
    for (let word = 2; word < EQUAL_WORDS_END; word++) {
      if (words[mine + word] !== others[other + word]) return false;
    }
    return true;
  }

  action(at: number): number {
    return this.bytes[at * RECORD_BYTES] as number;
  }

  isLinked(at: number): boolean {
    return ((this.bytes[at * RECORD_BYTES + 1] as number) & FLAG_LINKED) !== 0;
  }

  isBalancing(at: number): boolean {
    return ((this.bytes[at * RECORD_BYTES + 1] as number) & FLAG_BALANCING) !== 0;
  }

  kind(at: number): number {
    return this.bytes[at * RECORD_BYTES + 4] as number;
  }

  pendingKind(at: number): number {
    return this.bytes[at * RECORD_BYTES + 5] as number;
  }

  answer(at: number): number {
    return this.bytes[at * RECORD_BYTES + 6] as number;
  }

  subject(at: number): number {
    return this.words[at * WORDS + 2] as number;
  }

  pendingSubject(at: number): number {
    return this.words[at * WORDS + 3] as number;
  }

  debit(at: number): number {
    return this.words[at * WORDS + 4] as number;
  }

  credit(at: number): number {
    return this.words[at * WORDS + 5] as number;
  }

  position(at: number): number {
    return this.doubles[at * DOUBLES + 3] as number;
  }

  pendingPosition(at: number): number {
    return this.doubles[at * DOUBLES + 4] as number;
  }

  amount(at: number): number {
    return this.doubles[at * DOUBLES + 5] as number;
  }

  timeoutMicros(at: number): number {
    return this.doubles[at * DOUBLES + 6] as number;
  }

  moved(at: number): number {
    return this.doubles[at * DOUBLES + 10] as number;
  }

  timeMicros(at: number): number {
    return this.doubles[at * DOUBLES + 11] as number;
  }

  /** @returns All fields of one record. */
  fields(at: number): RecordFields {
    const double = at * DOUBLES;
    const position = this.pendingPosition(at);
    const pending = { position, kind: this.pendingKind(at), subject: this.pendingSubject(at) };
    const byte = at * RECORD_BYTES;
    return {
      action: this.action(at),
      linked: this.isLinked(at),
      balancing: this.isBalancing(at),
      code: (this.bytes[byte + 2] as number) + 256 * (this.bytes[byte + 3] as number),
      id: { position: this.position(at), kind: this.kind(at), subject: this.subject(at) },
      pending: position < 0 ? undefined : pending,
      answer: this.answer(at),
      debit: this.debit(at),
      credit: this.credit(at),
      amount: this.amount(at),
      timeoutMicros: this.timeoutMicros(at),
      job: this.doubles[double + 7] as number,
      quantity: this.doubles[double + 8] as number,
      price: this.doubles[double + 9] as number,
      moved: this.moved(at),
      timeMicros: this.timeMicros(at),
    };
  }
}
