import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../../../test/support/properties.ts';
import { FrameSplitter, FrameTooLongError } from './frame-splitter.ts';
import { ProtobufError } from './message-reader.ts';
import { cut, framed } from './protobuf.fixtures.ts';

/** The frames of these chunks. */
function split(chunks: readonly Buffer[], frameBytesMax = 1000): string[] {
  const frames: string[] = [];
  const splitter = new FrameSplitter((frame) => frames.push(frame.toString('hex')), frameBytesMax);
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return frames;
}

const FRAMES = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 });
const CUTS = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });

test('any cutting into chunks gives the same frames, empty ones among them', () => {
  checkProperty(
    fc.property(FRAMES, CUTS, (contents, cuts) => {
      const frames = contents.map((content) => Buffer.from(content));
      const bytes = Buffer.concat(frames.map(framed));
      expect(split(cut(bytes, cuts))).toEqual(frames.map((frame) => frame.toString('hex')));
    }),
    { numRuns: 1000 },
  );
});

test('byte by byte', () => {
  const bytes = Buffer.concat(['', 'a', '', 'bcd'].map((content) => framed(Buffer.from(content))));
  const chunks = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  expect(split(chunks)).toEqual(['', '61', '', '626364']);
});

test('the bound: exactly that many bytes pass, one more does not, before it is there', () => {
  for (const cuts of [[], [0.01, 0.02], [0.5]]) {
    expect(split(cut(framed(Buffer.alloc(100)), cuts), 100)).toHaveLength(1);
    const announced = framed(Buffer.alloc(101)).subarray(0, 5);
    expect(() => split(cut(announced, cuts), 100)).toThrow(FrameTooLongError);
  }
});

test('an end within a frame, or within its length', () => {
  const whole = framed(Buffer.from('abc'));
  for (const bytes of [1, 4, 6]) expect(() => split([whole.subarray(0, bytes)])).toThrow(ProtobufError);
});

test('keeps no more than the unfinished frame', () => {
  const splitter = new FrameSplitter(() => undefined, 1000);
  splitter.push(Buffer.concat([framed(Buffer.alloc(500)), framed(Buffer.alloc(500)).subarray(0, 10)]));
  expect(splitter.pendingBytes).toBe(10);
});
