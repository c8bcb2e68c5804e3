/**
 * Writes protobuf as an API server does, for any schema: for tests only. The scheduler's own writer is
 * `message-writer.ts`.
 */
import assert from 'node:assert/strict';
import { readMessage } from './message-reader.ts';
import { bytes, type MessageSchema, message, one, text } from './message-schema.ts';

/** @returns A varint; negative numbers have ten bytes. */
export function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** @returns A field of bytes. */
export function bytesField(number: number, value: Buffer | string): Buffer {
  const content = Buffer.from(value as string);
  return Buffer.concat([varint((number << 3) | 2), varint(content.length), content]);
}

/** @returns A field of a number. */
export function varintField(number: number, value: number | bigint): Buffer {
  return Buffer.concat([varint(number << 3), varint(value)]);
}

/** @returns The message of a schema that reads as this object. */
export function encode(schema: MessageSchema, object: Readonly<Record<string, unknown>>): Buffer {
  const parts: Buffer[] = [];
  for (const field of schema.fields) {
    if (field === undefined) continue;
    if (field.shape === 'inline') {
      parts.push(bytesField(field.number, encode(field.type as MessageSchema, object)));
      continue;
    }
    const value = object[field.name];
    if (value === undefined) continue;
    if (field.shape === 'list') for (const one of value as unknown[]) parts.push(fieldOf(field, one));
    else if (field.shape === 'one') parts.push(fieldOf(field, value));
    else for (const entry of Object.entries(value as object)) parts.push(entryOf(field, entry));
  }
  return Buffer.concat(parts);
}

type Field = NonNullable<MessageSchema['fields'][number]>;

function entryOf(field: Field, [key, value]: [string, unknown]): Buffer {
  const valued = field.shape === 'names' ? [] : [fieldOf({ ...field, number: 2 }, value)];
  return bytesField(field.number, Buffer.concat([bytesField(1, key), ...valued]));
}

function fieldOf({ number, type }: Field, value: unknown): Buffer {
  switch (type) {
    case 'text':
    case 'bytes':
      return bytesField(number, value as string);
    case 'integer':
      return varintField(number, value as number);
    case 'flag':
      return varintField(number, value === true ? 1 : 0);
    case 'time':
      return bytesField(number, varintField(1, Date.parse(value as string) / 1000));
    case 'quantity':
      return bytesField(number, bytesField(1, value as string));
    case 'microTime':
      return bytesField(number, moment(value as string));
    default:
      return bytesField(number, encode(type, value as Record<string, unknown>));
  }
}

function moment(time: string): Buffer {
  const nanos = Number(time.slice(20, 26)) * 1000;
  return Buffer.concat([varintField(1, Math.floor(Date.parse(time) / 1000)), varintField(2, nanos)]);
}

/** @returns An object in the envelope of an API server. */
export function enveloped(kind: string, object: Buffer): Buffer {
  const typeMeta = bytesField(1, Buffer.concat([bytesField(1, 'v1'), bytesField(2, kind)]));
  return Buffer.concat([Buffer.from('k8s\0', 'latin1'), typeMeta, bytesField(2, object)]);
}

const ENVELOPE = message({
  typeMeta: one(1, message({ apiVersion: text(1), kind: text(2) })),
  raw: bytes(2),
});

/** @returns An object in its envelope, read with the reader that real servers have been read with. */
export function readBack(written: Buffer, schema: MessageSchema): unknown {
  assert.equal(written.toString('latin1', 0, 4), 'k8s\0');
  const { typeMeta, raw } = readMessage(written.subarray(4), ENVELOPE) as { typeMeta: object; raw?: Buffer };
  return { ...typeMeta, ...readMessage(raw ?? Buffer.alloc(0), schema) };
}

/** @returns A frame of a watch, with its length. */
export function frame(type: string, kind: string, object: Buffer): Buffer {
  const event = Buffer.concat([bytesField(1, type), bytesField(2, bytesField(1, enveloped(kind, object)))]);
  return framed(event);
}

/** @returns Bytes with their length before them. */
export function framed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Cuts bytes at the places that the cuts (fractions of the length) name. */
export function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = cuts.map((one) => Math.floor(one * bytes.length)).sort((a, b) => a - b);
  return [...places, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : places[i - 1], end));
}
