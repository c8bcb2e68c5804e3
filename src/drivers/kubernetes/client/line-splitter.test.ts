import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { LineSplitter, LineTooLongError } from './line-splitter.ts';

/** The lines of these chunks. */
function split(chunks: readonly Buffer[], lineBytesMax?: number): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line), lineBytesMax);
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

/** Cuts bytes at the places that the cuts (fractions of the length) name. */
function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [
    0,
    ...cuts.map((one) => Math.floor(one * bytes.length)).sort((a, b) => a - b),
    bytes.length,
  ];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

const CUTS = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });

test('any cutting into chunks gives the same lines, with characters of several bytes', () => {
  const line = fc.string({ unit: 'grapheme' }).filter((text) => !/[\r\n]/.test(text));
  checkProperty(
    fc.property(fc.array(line), CUTS, fc.boolean(), (lines, cuts, ended) => {
      const bytes = Buffer.from(lines.join('\n') + (ended ? '\n' : ''), 'utf8');
      expect(split(cut(bytes, cuts))).toEqual(lines.filter((text) => text !== ''));
    }),
    { numRuns: 500 },
  );
});

test('JSON documents survive byte by byte', () => {
  checkProperty(
    fc.property(fc.array(fc.json(), { minLength: 1, maxLength: 5 }), (documents) => {
      const texts = documents.map((text) => JSON.stringify(JSON.parse(text)));
      const bytes = Buffer.from(`${texts.join('\n')}\n`);
      const chunks = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
      expect(split(chunks)).toEqual(texts);
    }),
    { numRuns: 50 },
  );
});

test('a carriage return before the end is not part of the line', () => {
  expect(split([Buffer.from('a\r'), Buffer.from('\nb\r\n\r\n\n'), Buffer.from('c\r')])).toEqual([
    'a',
    'b',
    'c',
  ]);
});

test('the bound: exactly that many bytes pass, one more does not, whole or in parts', () => {
  for (const cuts of [[], [0.3, 0.6]]) {
    expect(split(cut(Buffer.from(`${'x'.repeat(100)}\n`), cuts), 100)).toEqual(['x'.repeat(100)]);
    expect(() => split(cut(Buffer.from(`${'x'.repeat(101)}\n`), cuts), 100)).toThrow(LineTooLongError);
    expect(() => split(cut(Buffer.from('x'.repeat(101)), cuts), 100)).toThrow(LineTooLongError);
  }
});

test('an exception of the receiver passes through', () => {
  const splitter = new LineSplitter(() => {
    throw new Error('receiver');
  });
  expect(() => splitter.push(Buffer.from('a\n'))).toThrow('receiver');
});

test('a line in many chunks costs as much per byte as one in few', () => {
  const megabytes = 16;
  const chunk = Buffer.alloc(1024, 'x');
  const started = performance.now();
  let seen = 0;
  const splitter = new LineSplitter((line) => {
    seen = line.length;
  });
  for (let i = 0; i < megabytes * 1024; i++) splitter.push(chunk);
  splitter.push(Buffer.from('\n'));
  expect(seen).toBe(megabytes * 1024 * 1024);
  // Copying all bytes at every chunk would move 128 GB.
  expect(performance.now() - started).toBeLessThan(10_000);
});
