/** Small worlds of slot jobs for the comparison of backfilling with plain code. */
import fc from 'fast-check';
import type { SlotJob } from './queues.fixtures.ts';

/** Slots of the small worlds. */
export const SLOTS = 6;

const job = (shortest: number) =>
  fc.record({
    gap: fc.oneof(fc.constant(0), fc.nat(12)),
    durationSeconds: fc.oneof(fc.constant(shortest), fc.integer({ min: shortest, max: 30 })),
    slots: fc.integer({ min: 1, max: SLOTS + 1 }),
    /** Over- and underestimates; 0: exact, by its sign. */
    error: fc.oneof(fc.constant(0), fc.integer({ min: -10, max: 60 })),
  });

/** Jobs with estimates that are exact, too long, or too short; many at one instant; some of no length. */
export const slotJobs: fc.Arbitrary<SlotJob[]> = fc
  .oneof(fc.array(job(0), { maxLength: 40 }), fc.array(job(1), { maxLength: 40 }))
  .map((drawn) => {
    let submitSeconds = 0;
    return drawn.map(({ gap, durationSeconds, slots, error }, i) => {
      submitSeconds += i === 0 ? 0 : gap;
      return {
        submitSeconds,
        durationSeconds,
        slots,
        requestedSeconds: Math.max(0, durationSeconds + error),
      };
    });
  });
