import { expect, test } from 'vitest';
import { type JournalRecord, journalLine, journalWriter, pendingUndos } from './journal-records.ts';

const OPEN: JournalRecord = { op: 'open', boot: 'b', pid: 7 };
const A = { group: '/a', identity: '1' };

const textOf = (...records: JournalRecord[]): string => [OPEN, ...records].map(journalLine).join('');

test('a freeze is pending until its thaw; limits keep the first value', () => {
  expect(pendingUndos(textOf({ op: 'freeze', ...A }), 'b')).toEqual([
    { ...A, thaw: true, limits: undefined },
  ]);
  expect(pendingUndos(textOf({ op: 'freeze', ...A }, { op: 'thaw', ...A }), 'b')).toEqual([]);
  const limits = (max: number | null): JournalRecord => ({ op: 'limits', ...A, high: null, max });
  const [undo] = pendingUndos(textOf(limits(5), limits(9)), 'b');
  expect(undo).toEqual({ ...A, thaw: false, limits: { high: Number.POSITIVE_INFINITY, max: 5 } });
  expect(pendingUndos(textOf(limits(5), { op: 'restored', ...A }), 'b')).toEqual([]);
});

test('another group of the same path is another group', () => {
  const other: JournalRecord = { op: 'thaw', group: '/a', identity: '2' };
  expect(pendingUndos(textOf({ op: 'freeze', ...A }, other), 'b')).toHaveLength(1);
});

test('nothing is pending after another boot', () => {
  expect(pendingUndos(textOf({ op: 'freeze', ...A }), 'c')).toEqual([]);
});

test('a line that was cut short, and lines that are none, are passed over', () => {
  const whole = textOf({ op: 'freeze', ...A });
  expect(pendingUndos(`${whole}{"op":"thaw","group":"/a","iden`, 'b')).toHaveLength(1);
  const strange = [
    'null',
    '[]',
    '"x"',
    '{}',
    '{"op":"thaw"}',
    '{"op":"limits","group":"/a","identity":"1","max":-1}',
  ];
  expect(pendingUndos(`${whole}${strange.join('\n')}\n`, 'b')).toHaveLength(1);
  expect(pendingUndos('x'.repeat(10_000), 'b')).toEqual([]);
  expect([journalWriter(whole), journalWriter('')]).toEqual([7, undefined]);
});

test('cut anywhere, a journal never forgets a freeze whose record is whole', () => {
  const text = textOf({ op: 'freeze', ...A }, { op: 'freeze', group: '/b', identity: '2' });
  const first = text.indexOf('\n', text.indexOf('/a')) + 1;
  for (let length = 0; length <= text.length; length++) {
    const pending = pendingUndos(text.slice(0, length), 'b').map(({ group }) => group);
    expect(pending.includes('/a')).toBe(length >= first);
  }
});
