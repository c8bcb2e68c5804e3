import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../../test/support/properties.ts';
import { BINDING, EVENT } from '../../writes/written-schemas.ts';
import { integer, message, microTime, texts } from './message-schema.ts';
import { writeObject } from './message-writer.ts';
import { encode, enveloped, readBack } from './protobuf.fixtures.ts';

const BIND = {
  apiVersion: 'v1',
  kind: 'Binding',
  metadata: { name: 'p', namespace: 'n', uid: 'u' },
  target: { apiVersion: 'v1', kind: 'Node', name: 'node-1' },
};

describe('an object in protobuf', () => {
  test('has the very bytes that an API server would have sent', () => {
    expect(writeObject(BIND, BINDING)).toEqual(enveloped('Binding', encode(BINDING, BIND)));
  });

  test('reads as it was, whatever the length of its texts: lengths of one, two and three bytes', () => {
    for (const length of [0, 1, 63, 100, 126, 127, 128, 129, 4000, 4096, 16_383, 16_384, 70_000]) {
      for (const letter of ['a', 'ü', '✓', '😀']) {
        const note = letter.repeat(length);
        const event = { apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'e' }, note };
        const expected = length === 0 ? { ...event, note: undefined } : event;
        expect(readBack(writeObject(event, EVENT), EVENT), `${length} × ${letter}`).toEqual(expected);
      }
    }
  });

  test('is a copy: the next write does not change it', () => {
    const first = writeObject(BIND, BINDING);
    const kept = Buffer.from(first);
    writeObject({ ...BIND, metadata: { name: 'q'.repeat(100) } }, BINDING);
    expect(first).toEqual(kept);
  });

  test('random events', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 });
    const time = fc
      .tuple(fc.integer({ min: 1, max: 4e9 }), fc.integer({ min: 0, max: 999_999 }))
      .map(
        ([second, micros]) =>
          `${new Date(second * 1000).toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`,
      );
    const reference = fc.record({ apiVersion: name, kind: name, namespace: name, name, uid: name });
    const event = fc.record(
      {
        apiVersion: fc.constant('events.k8s.io/v1'),
        kind: fc.constant('Event'),
        metadata: fc.record({ name, namespace: name }),
        eventTime: time,
        series: fc.record({ count: fc.integer({ min: 1, max: 2 ** 31 - 1 }), lastObservedTime: time }),
        note: name,
        type: name,
        regarding: reference,
        related: reference,
      },
      { requiredKeys: ['apiVersion', 'kind', 'metadata', 'regarding'] },
    );
    checkProperty(
      fc.property(event, (one) => {
        expect(readBack(writeObject(one, EVENT), EVENT)).toEqual(one);
      }),
    );
  });

  test('kinds that only the reader knows, and values that are not numbers, are bugs of the caller', () => {
    const list = message({ list: texts(1) });
    const count = message({ count: integer(1), time: microTime(2) });
    const meta = { apiVersion: 'v1', kind: 'K' };
    expect(() => writeObject({ ...meta, list: ['a'] }, list)).toThrow(/only read/);
    expect(() => writeObject({ ...meta, count: -1 }, count)).toThrow(/> 0/);
    expect(() => writeObject({ ...meta, count: 1.5 }, count)).toThrow(/> 0/);
  });
});
