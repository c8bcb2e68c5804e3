import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { DEMANDS_MAX } from '../../../model/limits.ts';
import { PODS_PACKED_MAX } from '../federation-limits.ts';
import { enterLine, HostLines, type JobLine, narrowWindow, widenWindow } from './host-lines.ts';

describe('lines of a host', () => {
  test('there is one for each shape, new once', () => {
    const lines = new HostLines(7);
    const one = lines.lineOf(1, 2, 2);
    expect(lines.lineOf(1, 2, 2)).toBe(one);
    const others = [
      lines.lineOf(1, 2, 1),
      lines.lineOf(1, 3, 2),
      lines.lineOf(2, 2, 2),
      lines.lineOf(12, 2, 2),
    ];
    expect(new Set([one, ...others]).size).toBe(5);
    expect(lines.lines).toEqual([one, ...others]);
    expect(one).toMatchObject({
      demandId: 1,
      podCount: 2,
      gangMin: 2,
      waiting: [],
      proposed: 0,
      lastZone: -1,
    });
    expect(one.stream.home).toBe(7);
    expect(others[0]?.stream).not.toBe(one.stream);
  });

  test('the largest packable shapes are distinguished, and larger ids are refused', () => {
    const lines = new HostLines(0);
    const [demand, pods] = [DEMANDS_MAX - 1, PODS_PACKED_MAX];
    const largest = lines.lineOf(demand, pods, pods);
    const near = [
      lines.lineOf(demand, pods, pods - 1),
      lines.lineOf(demand, pods - 1, pods),
      lines.lineOf(demand - 1, pods, pods),
    ];
    expect(new Set([largest, ...near]).size).toBe(4);
    expect(lines.lineOf(demand, pods, pods)).toBe(largest);
    expect(() => lines.lineOf(DEMANDS_MAX, 1, 1)).toThrow('the id of a demand is too large');
    expect(() => lines.lineOf(0, PODS_PACKED_MAX + 1, 1)).toThrow('more pods than can be packed');
    expect(() => lines.lineOf(0, 1, PODS_PACKED_MAX + 1)).toThrow('more pods than can be packed');
  });

  test('a line is in order however slots enter it, and equal ones keep their order of entry', () => {
    checkProperty(
      fc.property(fc.array(fc.nat(6), { maxLength: 60 }), (keys) => {
        const line = new HostLines(0).lineOf(0, 1, 1);
        keys.forEach((_, slot) => {
          enterLine(line, slot, (a, b) => (keys[a] as number) < (keys[b] as number));
        });
        const expected = keys
          .map((key, slot) => ({ key, slot }))
          .sort((a, b) => a.key - b.key || a.slot - b.slot);
        expect(line.waiting).toEqual(expected.map(({ slot }) => slot));
      }),
    );
  });

  test('the window adds one for a success above 1, doubles below, and halves for a refusal', () => {
    const line = new HostLines(0).lineOf(0, 1, 1);
    const windowAfter = (change: (line: JobLine) => void): number => {
      change(line);
      return line.window;
    };
    expect(line.window).toBe(8);
    expect([1, 2, 3, 4, 5].map(() => windowAfter(narrowWindow))).toEqual([4, 2, 1, 0.5, 0.25]);
    expect([1, 2, 3].map(() => windowAfter(widenWindow))).toEqual([0.5, 1, 2]);
    expect(windowAfter(widenWindow)).toBe(3);
  });

  test('the window stays between a sixteenth and 1024', () => {
    checkProperty(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), fc.constantFrom(0, 1200), (wins, first) => {
        const line = new HostLines(0).lineOf(0, 1, 1);
        for (let i = 0; i < first; i++) widenWindow(line);
        for (const win of wins) {
          if (win) widenWindow(line);
          else narrowWindow(line);
          expect(line.window).toBeGreaterThanOrEqual(1 / 16);
          expect(line.window).toBeLessThanOrEqual(1024);
        }
      }),
    );
  });
});
