import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../../test/support/properties.ts';
import { POD } from '../../objects/wire-schemas.ts';
import { ProtobufError, readMessage } from './message-reader.ts';
import {
  bytes,
  flag,
  inline,
  integer,
  kept,
  many,
  message,
  names,
  one,
  quantities,
  strings,
  text,
  texts,
  time,
} from './message-schema.ts';
import { bytesField, encode, varintField } from './protobuf.fixtures.ts';

const INNER = message({ name: text(1), count: integer(2) });

const EVERYTHING = message({
  text: text(1),
  texts: texts(2),
  count: integer(3),
  flag: flag(4),
  made: time(5),
  labels: strings(6),
  amounts: quantities(7),
  inner: one(8, INNER),
  list: many(9, INNER),
  source: inline(16, message({ disk: one(1, INNER) })),
  disrupted: names(17),
  host: kept(flag(18)),
  minimum: kept(integer(2000)),
});

const OBJECT = {
  text: 'Zürich ✓',
  texts: ['', 'b'],
  count: -7,
  flag: true,
  made: '2026-01-31T12:00:00Z',
  labels: { a: '', 'x/y': 'z' },
  amounts: { cpu: '500m' },
  inner: { name: 'i', count: 2 ** 40 },
  list: [{ name: 'l' }, {}],
  disk: { name: 'd' },
  disrupted: { p: {} },
  host: false,
  minimum: 0,
};

test('two fields of one number are refused: the second would hide the first', () => {
  expect(() => message({ a: text(3), b: integer(3) })).toThrow("'a' and 'b' both have the number 3");
});

describe('a message', () => {
  test('becomes the object that JSON would have been', () => {
    expect(readMessage(encode(EVERYTHING, OBJECT), EVERYTHING)).toEqual(OBJECT);
  });

  test('leaves out empty and zero values, unless the field is a pointer', () => {
    const empty = { ...{ text: '', count: 0, flag: false }, host: false, minimum: 0, inner: {} };
    expect(readMessage(encode(EVERYTHING, empty), EVERYTHING)).toEqual({
      host: false,
      minimum: 0,
      inner: {},
    });
    expect(readMessage(bytesField(5, ''), EVERYTHING)).toEqual({});
  });

  test('is read without the fields that no schema names, of every wire type', () => {
    const strangers = [
      varintField(90, 2n ** 63n),
      bytesField(91, 'x'.repeat(300)),
      Buffer.from([0xe1, 0x05, 1, 2, 3, 4, 5, 6, 7, 8]),
      Buffer.from([0xe5, 0x05, 1, 2, 3, 4]),
    ];
    const known = encode(EVERYTHING, OBJECT);
    expect(readMessage(Buffer.concat([...strangers, known, ...strangers]), EVERYTHING)).toEqual(OBJECT);
  });

  test('that comes in parts is one; of a scalar the last counts', () => {
    const parts = [
      { inner: { name: 'a' }, text: 'x' },
      { inner: { count: 3 }, text: 'y' },
    ];
    const whole = Buffer.concat(parts.map((part) => encode(EVERYTHING, part)));
    expect(readMessage(whole, EVERYTHING)).toEqual({ inner: { name: 'a', count: 3 }, text: 'y' });
  });

  test.each([0, 1, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1)])(
    'has the integer %d',
    (count) => {
      expect(readMessage(encode(EVERYTHING, { minimum: count }), EVERYTHING)).toEqual({ minimum: count });
    },
  );

  test('has names such as __proto__ as its own', () => {
    const labels = JSON.parse('{"__proto__":"a","constructor":"b"}') as object;
    const read = readMessage(encode(EVERYTHING, { labels }), EVERYTHING).labels as object;
    expect(Object.keys(read).sort()).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  test('shares the bytes of a field that is bytes', () => {
    const whole = bytesField(1, 'abc');
    const { raw } = readMessage(whole, message({ raw: bytes(1) })) as { raw: Buffer };
    expect(raw.toString()).toBe('abc');
    expect(raw.buffer).toBe(whole.buffer);
  });
});

describe('bytes that are not a message', () => {
  test.each([
    ['a number without end', Buffer.alloc(11, 0xff)],
    ['a number cut off', Buffer.from([0x18, 0x80])],
    ['a text longer than the rest', Buffer.from([0x0a, 5, 65])],
    [
      'a message longer than the one around it',
      Buffer.concat([bytesField(8, Buffer.from([0x0a, 200])), Buffer.alloc(300)]),
    ],
    ['a fixed field cut off', Buffer.from([0xe1, 0x05, 1, 2])],
    ['a wire type that is none', Buffer.from([0x0f])],
    ['a group', Buffer.from([0x0b, 0x0c])],
    ['a text that is a number', varintField(1, 5)],
    ['a time that no calendar has', bytesField(5, varintField(1, 2n ** 62n))],
  ])('%s', (_, whole) => {
    expect(() => readMessage(whole, EVERYTHING)).toThrow(ProtobufError);
  });

  test('whatever they are: an object or a ProtobufError, and never anything from beside them', () => {
    const pod = encode(POD, {
      metadata: { name: 'p', labels: { a: 'b' }, creationTimestamp: '2026-01-31T12:00:00Z' },
      spec: { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }], priority: 5 },
    });
    const flips = fc.array(fc.tuple(fc.nat(pod.length - 1), fc.nat(255)), { maxLength: 4 });
    let objects = 0;
    checkProperty(
      fc.property(fc.oneof(flips, fc.uint8Array({ maxLength: 60 })), (change) => {
        const broken = change instanceof Uint8Array ? Buffer.from(change) : Buffer.from(pod);
        if (!(change instanceof Uint8Array)) for (const [at, value] of change) broken[at] = value;
        const secret = Buffer.concat([broken, Buffer.from('SECRET'.repeat(20))]);
        try {
          const read = readMessage(secret.subarray(0, broken.length), POD);
          objects++;
          expect(JSON.stringify(read)).not.toContain('SECRET');
        } catch (error) {
          expect(error).toBeInstanceOf(ProtobufError);
        }
      }),
      { numRuns: 20_000 },
    );
    expect(objects).toBeGreaterThan(1000);
  });
});
