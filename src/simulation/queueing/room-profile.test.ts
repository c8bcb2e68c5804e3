/** The profile against an array of unit steps. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { RoomProfile } from './room-profile.ts';

const END = 60;

describe('RoomProfile', () => {
  it('finds the earliest start that plain steps have', () => {
    const taking = fc.record({
      from: fc.nat(30),
      seconds: fc.oneof(fc.nat(15), fc.constant(Number.POSITIVE_INFINITY)),
      amounts: fc.tuple(fc.nat(4), fc.nat(4)),
      isReturned: fc.boolean(),
    });
    let later = 0;
    checkProperty(
      fc.property(
        fc.array(taking, { maxLength: 8 }),
        fc.tuple(fc.nat(7), fc.nat(7)),
        fc.oneof(fc.nat(12), fc.constant(Number.POSITIVE_INFINITY)),
        (takings, asked, seconds) => {
          const profile = new RoomProfile(2);
          profile.reset(0, [6, 6]);
          const steps = Array.from({ length: END }, () => [6, 6] as [number, number]);
          for (const { from, seconds: length, amounts } of takings) {
            profile.take(from, from + length, amounts);
            for (let t = from; t < Math.min(END, from + length); t++)
              for (const k of [0, 1] as const) (steps[t] as [number, number])[k] -= amounts[k];
          }
          for (const { from, seconds: length, amounts, isReturned } of takings) {
            if (!isReturned) continue;
            profile.take(from, from + length, amounts, -1);
            for (let t = from; t < Math.min(END, from + length); t++)
              for (const k of [0, 1] as const) (steps[t] as [number, number])[k] += amounts[k];
          }
          for (const from of [0, 7, 23]) {
            const levels = steps.slice(from, Math.min(END, from + Math.max(1, seconds)));
            const times = ([a, b]: [number, number]): number =>
              Math.min(
                asked[0] > 0 ? Math.floor(a / asked[0]) : 1e9,
                asked[1] > 0 ? Math.floor(b / asked[1]) : 1e9,
              );
            const most = Math.max(0, Math.min(...levels.map(times)));
            expect(Math.min(1e9, profile.multiples(asked, from, seconds))).toBe(most);
          }
          const has = (t: number): boolean =>
            asked.every((amount, k) => amount <= ((steps[Math.min(t, END - 1)] as number[])[k] as number));
          // Nothing changes after 30 + 15, so the last step stands for all that follow.
          let plain = Number.POSITIVE_INFINITY;
          for (let t = 0; t < END && plain === Number.POSITIVE_INFINITY; t++) {
            const until = t + Math.max(1, Math.min(seconds, END));
            let holds = true;
            for (let u = t; u < until && holds; u++) holds = has(u);
            if (holds) plain = t;
          }
          const found = profile.earliest(asked, seconds);
          expect(found).toBe(plain);
          if (found > 0 && found < Number.POSITIVE_INFINITY) later++;
        },
      ),
    );
    expect(later).toBeGreaterThan(5);
  });
});
