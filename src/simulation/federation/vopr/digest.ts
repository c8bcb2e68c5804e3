/**
 * Digests: one number for a step's output, or for the whole state of a process, to compare two runs.
 *
 * Not for cryptography: 32 bits, so one difference in four thousand million goes unseen.
 */
import { Hologram } from '../../../field/hologram/hologram.ts';
import { encodeHologram } from '../../../field/hologram/wire.ts';
import {
  type FieldSink,
  writeEntryFields,
  writeMessageFields,
} from '../../../governor/federation/message-fields.ts';
import type { Action, BoardEntry, Outbox } from '../../../governor/federation/messages.ts';

/** A hash that numbers, texts and bytes are added to, in order. */
export class Digest {
  private hash = 0;
  private length = 0;
  private readonly double = new Float64Array(1);
  private readonly words = new Uint32Array(this.double.buffer);

  /** The hash of everything added. A 32-bit unsigned integer. */
  get value(): number {
    let h = this.hash ^ this.length;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) >>> 0;
  }

  /** Adds 32 bits: one round of MurmurHash3. */
  word(word: number): void {
    let k = Math.imul(word, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    const x = this.hash ^ k;
    this.hash = (Math.imul((x << 13) | (x >>> 19), 5) + 0xe6546b64) | 0;
    this.length++;
  }

  /** Adds a number; −0 and 0 are distinguished, NaNs are not. */
  number(value: number): void {
    this.double[0] = Number.isNaN(value) ? Number.NaN : value;
    this.word(this.words[0] as number);
    this.word(this.words[1] as number);
  }

  /** Adds a text. */
  text(text: string): void {
    this.word(text.length);
    for (let i = 0; i < text.length; i++) this.word(text.charCodeAt(i));
  }

  /** Adds the bytes of an array of numbers. */
  bytes(array: ArrayBufferView): void {
    const { buffer, byteOffset, byteLength } = array;
    this.word(byteLength);
    const whole = (byteOffset & 3) === 0 ? byteLength >> 2 : 0;
    const words = whole > 0 ? new Uint32Array(buffer, byteOffset, whole) : new Uint32Array(0);
    for (let i = 0; i < words.length; i++) this.word(words[i] as number);
    const rest = new Uint8Array(buffer, byteOffset + 4 * whole, byteLength - 4 * whole);
    for (let i = 0; i < rest.length; i++) this.word(rest[i] as number);
  }
}

/** @returns The digest of a step's messages and actions, in order. */
export function digestOutbox(out: Outbox): number {
  const digest = new Digest();
  const sink = new DigestSink(digest);
  for (const message of out.messages) writeMessageFields(message, sink);
  for (const action of out.actions) addAction(digest, action);
  return digest.value;
}

/** Adds all numbers of an action, whichever they are. */
function addAction(digest: Digest, action: Action): void {
  for (const value of Object.values(action)) digest.number(value);
}

/** Adds the fields of messages. */
class DigestSink implements FieldSink {
  private readonly digest: Digest;

  constructor(digest: Digest) {
    this.digest = digest;
  }

  number(value: number): void {
    this.digest.number(value);
  }

  hologram(hologram: Hologram): void {
    this.digest.bytes(encodeHologram(hologram));
  }

  entries(entries: readonly BoardEntry[]): void {
    this.digest.word(entries.length);
    for (const entry of entries) writeEntryFields(entry, this);
  }
}

/** Fields that cache answers and are not state: observing a process from outside fills them too. */
const MEMOS: ReadonlySet<string> = new Set(['allowedCache']);

/**
 * Digests everything reachable from an object: fields, arrays, maps in their order, and the identity of references.
 * Functions and weak maps are left out; they hold no state of a process.
 *
 * @param shared Objects that are not part of the state: tables that many processes read and none of them changes.
 * @cost Some milliseconds for a zone: for crashes, not for steps.
 */
export function digestState(root: object, shared: ReadonlySet<object>): number {
  const walk = new StateWalk(shared);
  walk.add(root);
  return walk.digest.value;
}

/** A walk over an object graph. */
class StateWalk {
  readonly digest = new Digest();
  private readonly shared: ReadonlySet<object>;
  private readonly seen = new Map<object, number>();

  constructor(shared: ReadonlySet<object>) {
    this.shared = shared;
  }

  add(value: unknown): void {
    const { digest } = this;
    if (typeof value === 'number') digest.number(value);
    else if (typeof value === 'string') digest.text(value);
    else if (typeof value === 'boolean') digest.word(value ? 1 : 2);
    else if (typeof value === 'object' && value !== null) this.addObject(value);
    else digest.word(3);
  }

  private addObject(value: object): void {
    const { digest, seen } = this;
    if (this.shared.has(value) || value instanceof WeakMap) return;
    const before = seen.get(value);
    if (before !== undefined) {
      digest.word(before);
      return;
    }
    seen.set(value, seen.size);
    if (ArrayBuffer.isView(value)) digest.bytes(value);
    else if (value instanceof Hologram) digest.bytes(encodeHologram(value));
    else if (Array.isArray(value)) this.addAll(value, value.length);
    else if (value instanceof Map) this.addAll([...value].flat(), value.size);
    else if (value instanceof Set) this.addAll(value, value.size);
    else this.addFields(value);
  }

  private addAll(values: Iterable<unknown>, count: number): void {
    this.digest.word(count);
    for (const value of values) this.add(value);
  }

  private addFields(value: object): void {
    for (const [name, field] of Object.entries(value)) {
      if (typeof field === 'function' || MEMOS.has(name)) continue;
      this.digest.text(name);
      this.add(field);
    }
  }
}
