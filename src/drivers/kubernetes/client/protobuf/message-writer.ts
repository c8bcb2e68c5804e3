/**
 * Writes protobuf of an API server for the objects that are written for every pod: bindings and events.
 *
 * Why: an API server reads and answers them in less time than JSON, and the stock scheduler writes them in protobuf,
 * too. Only the kinds of fields that these objects have can be written: texts, integers, times with microseconds, and
 * messages of them.
 */
import { assert } from '../../../../kernel/assert.ts';
import { MAGIC } from './envelope.ts';
import { type MessageSchema, type NamedField, WIRE_BYTES, WIRE_VARINT } from './message-schema.ts';

/** An object of the API. */
export type TypedObject = Readonly<Record<string, unknown>> & {
  readonly apiVersion: string;
  readonly kind: string;
};

/** Most bytes of a character of UTF-16 in UTF-8. */
const BYTES_A_CHARACTER = 3;

/** A tag and a varint of 32 bits, or a length that grows to one, at most. */
const BYTES_A_FIELD = 16;

/** A growing byte buffer, reused for each object. */
class Scratch {
  bytes = Buffer.allocUnsafeSlow(4096);
  at = 0;

  /** Makes room for n further bytes. */
  ensure(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.at + count));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }

  /** @param value Integer, 0 ≤ value < 2^53. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.at++] = rest;
  }

  tag(number: number, wire: number): void {
    this.varint(number * 8 + wire);
  }

  text(number: number, value: string): void {
    this.ensure(BYTES_A_FIELD + value.length * BYTES_A_CHARACTER);
    const start = this.open(number);
    this.at += this.bytes.write(value, this.at, 'utf8');
    this.close(start);
  }

  /** Begins a field with a length. @returns Where its content begins, for `close`. */
  open(number: number): number {
    this.ensure(BYTES_A_FIELD);
    this.tag(number, WIRE_BYTES);
    // Most lengths have one byte; a longer one moves the content once it is known.
    return ++this.at;
  }

  /** Ends the field: writes its length before it. */
  close(start: number): void {
    const length = this.at - start;
    let extra = 0;
    for (let rest = length; rest >= 0x80; rest = Math.floor(rest / 0x80)) extra++;
    if (extra > 0) {
      this.ensure(extra);
      this.bytes.copyWithin(start + extra, start, this.at);
    }
    this.at = start - 1;
    this.varint(length);
    this.at += length;
  }
}

const scratch = new Scratch();

/**
 * @param schema Of the object's kind, of fields that can be written.
 * @returns The object in the envelope of the API.
 * @cost About 0.1 µs a field.
 */
export function writeObject(object: TypedObject, schema: MessageSchema): Buffer {
  scratch.at = MAGIC.copy(scratch.bytes);
  const typeMeta = scratch.open(1);
  scratch.text(1, object.apiVersion);
  scratch.text(2, object.kind);
  scratch.close(typeMeta);
  const raw = scratch.open(2);
  writeFields(object, schema);
  scratch.close(raw);
  return Buffer.from(scratch.bytes.subarray(0, scratch.at));
}

function writeFields(object: Readonly<Record<string, unknown>>, schema: MessageSchema): void {
  for (const field of schema.fields) {
    if (field === undefined) continue;
    const value = object[field.name];
    // Absent, empty and zero are the same, as in the JSON of fields that are not pointers.
    if (value !== undefined && value !== '' && value !== 0) writeField(field, value);
  }
}

function writeField({ name, number, type, shape }: NamedField, value: unknown): void {
  assert(shape === 'one', `${name} is of a shape that is only read`);
  if (type === 'text') scratch.text(number, value as string);
  else if (type === 'integer') writeInteger(number, value as number);
  else if (type === 'microTime') writeMicroTime(number, value as string);
  else {
    assert(typeof type === 'object', `${name} is of a type that is only read`);
    const start = scratch.open(number);
    writeFields(value as Readonly<Record<string, unknown>>, type);
    scratch.close(start);
  }
}

function writeInteger(number: number, value: number): void {
  assert(Number.isSafeInteger(value) && value > 0, 'counts and times are written, which are > 0');
  scratch.ensure(BYTES_A_FIELD);
  scratch.tag(number, WIRE_VARINT);
  scratch.varint(value);
}

/** The second that was written last: events come many a second. */
let latestText = '';
let latestSeconds = 0;

/** @param time `2026-01-31T12:00:00.123456Z`. */
function writeMicroTime(number: number, time: string): void {
  const second = time.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length);
  if (second !== latestText) {
    latestSeconds = Date.parse(`${second}Z`) / 1000;
    latestText = second;
  }
  const micros = Number(time.slice(second.length + 1, -1));
  const start = scratch.open(number);
  if (latestSeconds > 0) writeInteger(1, latestSeconds);
  if (micros > 0) writeInteger(2, micros * 1000);
  scratch.close(start);
}
