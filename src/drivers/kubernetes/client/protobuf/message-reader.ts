/**
 * Reads protobuf messages of an API server into the objects that its JSON would have been, as far as a schema names
 * them.
 *
 * A field that no schema names is skipped unread: of a pod that is most of its bytes (managed fields, environment,
 * probes). Scalars that are empty or zero are left out, as JSON does for fields that are not pointers in Go; `kept`
 * marks the others. Why not a library: those make every field of every message, in classes whose absent fields are not
 * absent; here a reader of objects must not see which of the two formats an object came in.
 */

import {
  integer,
  type MessageSchema,
  message,
  type NamedField,
  text,
  WIRE_BYTES,
  WIRE_FIXED32,
  WIRE_FIXED64,
  WIRE_VARINT,
} from './message-schema.ts';

/** Bytes that are not such a message. */
export class ProtobufError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProtobufError';
  }
}

/** Longest varint: 64 bits in groups of seven. */
const VARINT_BYTES_MAX = 10;

const TWO_32 = 2 ** 32;

/** A cursor in bytes. Positions beyond the end of the enclosing message are errors, never reads. */
class Cursor {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** An unsigned varint of at most 32 bits; higher bits are dropped. */
  varint32(end: number): number {
    const { bytes } = this;
    // Most have one byte.
    if (this.at < end && (bytes[this.at] as number) < 0x80) return bytes[this.at++] as number;
    let value = 0;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      if (this.at >= end) throw new ProtobufError('a number is cut off');
      const byte = bytes[this.at++] as number;
      if (i < 5) value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return value >>> 0;
    }
    throw new ProtobufError(`a number of more than ${VARINT_BYTES_MAX} bytes`);
  }

  /** A varint of 64 bits with a sign. */
  integer(end: number): number {
    const { bytes } = this;
    let low = 0;
    let high = 0;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      if (this.at >= end) throw new ProtobufError('a number is cut off');
      const byte = bytes[this.at++] as number;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i > 4) high |= bits << (7 * i - 32);
      else {
        low |= bits << 28;
        high |= bits >> 4;
      }
      if (byte < 0x80) return high * TWO_32 + (low >>> 0);
    }
    throw new ProtobufError(`a number of more than ${VARINT_BYTES_MAX} bytes`);
  }

  /** Reads a length. @returns The end of the field with that length. */
  lengthEnd(end: number): number {
    const length = this.varint32(end);
    if (length > end - this.at)
      throw new ProtobufError(`${length} bytes announced, ${end - this.at} are left`);
    return this.at + length;
  }

  /** Skips a field. */
  skip(wire: number, end: number): void {
    if (wire === WIRE_BYTES) this.at = this.lengthEnd(end);
    else if (wire === WIRE_VARINT) this.varint32(end);
    else if (wire === WIRE_FIXED64) this.at += 8;
    else if (wire === WIRE_FIXED32) this.at += 4;
    else throw new ProtobufError(`wire type ${wire}, expected 0, 1, 2 or 5`);
    if (this.at > end) throw new ProtobufError('a field is cut off');
  }

  view(end: number): Buffer {
    const last = this.lengthEnd(end);
    const start = this.at;
    this.at = last;
    return this.bytes.subarray(start, last);
  }

  text(end: number): string {
    const last = this.lengthEnd(end);
    const start = this.at;
    this.at = last;
    return last === start ? '' : this.bytes.toString('utf8', start, last);
  }
}

/** A message under construction. */
type Target = Record<string, unknown>;

/**
 * @param whole One message, whole; kept only by fields that are `bytes`.
 * @returns The fields that the schema names, as JSON would have them.
 * @throws ProtobufError if the bytes are not a message of this schema. Never reads outside of them.
 * @cost 1 ns a byte stepped over, about 0.1 µs a field read.
 */
export function readMessage(whole: Buffer, schema: MessageSchema): Target {
  return messageAt(new Cursor(whole, 0), whole.length, schema, {});
}

function messageAt(cursor: Cursor, end: number, schema: MessageSchema, target: Target): Target {
  const { fields } = schema;
  while (cursor.at < end) {
    const tag = cursor.varint32(end);
    const named = fields[tag >>> 3];
    if (named === undefined) cursor.skip(tag & 7, end);
    else if ((tag & 7) !== named.wire)
      throw new ProtobufError(`${named.name} has wire type ${tag & 7}, expected ${named.wire}`);
    else fieldAt(cursor, end, named, target);
  }
  return target;
}

function fieldAt(cursor: Cursor, end: number, named: NamedField, target: Target): void {
  switch (named.shape) {
    case 'one': {
      const before = typeof named.type === 'object' ? target[named.name] : undefined;
      const value = valueAt(cursor, end, named, before);
      if (named.kept || (value !== '' && value !== 0 && value !== false)) target[named.name] = value;
      return;
    }
    case 'list': {
      const value = valueAt(cursor, end, named, undefined);
      const list = target[named.name] as unknown[] | undefined;
      if (list === undefined) target[named.name] = [value];
      else list.push(value);
      return;
    }
    case 'inline':
      messageAt(cursor, cursor.lengthEnd(end), named.type as MessageSchema, target);
      return;
    default:
      entryAt(cursor, cursor.lengthEnd(end), named, target);
  }
}

/** @param before The field's earlier value: the parts of a message that occurs twice form one message. */
function valueAt(cursor: Cursor, end: number, named: NamedField, before: unknown): unknown {
  switch (named.type) {
    case 'text':
      return cursor.text(end);
    case 'integer':
      return cursor.integer(end);
    case 'flag':
      return cursor.varint32(end) !== 0;
    case 'time':
      return timeAt(cursor, cursor.lengthEnd(end));
    case 'microTime':
      return microTimeAt(cursor, cursor.lengthEnd(end));
    case 'quantity':
      return quantityAt(cursor, cursor.lengthEnd(end));
    case 'bytes':
      return cursor.view(end);
    default:
      return messageAt(cursor, cursor.lengthEnd(end), named.type, (before as Target | undefined) ?? {});
  }
}

/** One entry of a map: a message of a name (1) and a value (2). */
function entryAt(cursor: Cursor, end: number, named: NamedField, target: Target): void {
  let key = '';
  let value: unknown = named.shape === 'names' ? {} : named.type === 'quantity' ? '0' : '';
  while (cursor.at < end) {
    const tag = cursor.varint32(end);
    if (tag === ((1 << 3) | WIRE_BYTES)) key = cursor.text(end);
    else if (tag === ((2 << 3) | WIRE_BYTES) && named.shape === 'map')
      value = valueAt(cursor, end, named, undefined);
    else cursor.skip(tag & 7, end);
  }
  const before = target[named.name] as Target | undefined;
  const map = before ?? {};
  if (before === undefined) target[named.name] = map;
  // As JSON.parse has it: a name like any other.
  if (key === '__proto__') {
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  } else map[key] = value;
}

const SECONDS = message({ seconds: integer(1) });
const MOMENT = message({ seconds: integer(1), nanos: integer(2) });
const QUANTITY = message({ string: text(1) });

/** Largest distance from 1970 that a Date has, in seconds. */
const SECONDS_MAX = 8.64e12;

/** @returns JSON's text for a time with microseconds; '' for none. */
function microTimeAt(cursor: Cursor, end: number): string {
  if (cursor.at === end) return '';
  const { seconds = 0, nanos = 0 } = messageAt(cursor, end, MOMENT, {}) as {
    seconds?: number;
    nanos?: number;
  };
  const micros = String(Math.floor(nanos / 1000)).padStart(6, '0');
  return `${secondText(seconds)}.${micros}Z`;
}

/** The time that was read last: objects that arrive together were often made in the same second. */
let latestSeconds = Number.NaN;
let latestTime = '';

/** @returns JSON's text for a time; '' for none. */
function timeAt(cursor: Cursor, end: number): string {
  if (cursor.at === end) return '';
  const { seconds = 0 } = messageAt(cursor, end, SECONDS, {}) as { seconds?: number };
  if (seconds === latestSeconds) return latestTime;
  latestTime = `${secondText(seconds)}Z`;
  latestSeconds = seconds;
  return latestTime;
}

/** @returns `2026-01-31T12:00:00`. */
function secondText(seconds: number): string {
  if (Math.abs(seconds) > SECONDS_MAX) throw new ProtobufError(`a time ${seconds} s from 1970`);
  return new Date(seconds * 1000).toISOString().slice(0, -5);
}

function quantityAt(cursor: Cursor, end: number): string {
  const { string = '' } = messageAt(cursor, end, QUANTITY, {}) as { string?: string };
  // JSON's text for a quantity without a value.
  return string === '' ? '0' : string;
}
