/**
 * Properties on fixed draws and on new ones: what a fixed seed has noticed once, it notices in every run; what only other
 * draws notice is found some day, and printed with its seed. Tests check properties through here alone
 * (`test/property-rules.ts`).
 */
import fc from 'fast-check';

/** Options of a check. */
export interface PropertyOptions<Values> extends fc.Parameters<Values> {
  /**
   * Called once the fixed draws have passed: the place for a statement about what the draws reach. It is the same in every
   * run there; about random draws it would be false some day.
   */
  readonly afterFixed?: () => void;
}

/** Seed of the draws that stay the same from run to run. */
export const FIXED_SEED = 20_260_801;

/**
 * Checks a property: the first half of the runs with a fixed seed, the rest with a random one.
 *
 * @param options.numRuns Draws in all; default 100.
 * @param options.seed    Of the fixed half; for tests that need another than FIXED_SEED.
 * @throws Error with the smallest counterexample that was found, and its seed.
 */
export function checkProperty<Values>(
  property: fc.IProperty<Values>,
  { afterFixed, ...options }: PropertyOptions<Values> = {},
): void {
  for (const [i, half] of halvesOf(options).entries()) {
    fc.assert(property, half);
    if (i === 0) afterFixed?.();
  }
}

/**
 * Checks a property that is asynchronous, on the draws that `checkProperty` would give it.
 *
 * @param options As of `checkProperty`.
 * @returns Settled after the last draw; one draw is checked at a time.
 * @throws Error (a rejection) with the smallest counterexample that was found, and its seed.
 */
export async function checkAsyncProperty<Values>(
  property: fc.IAsyncProperty<Values>,
  { afterFixed, ...options }: PropertyOptions<Values> = {},
): Promise<void> {
  for (const [i, half] of halvesOf(options).entries()) {
    await fc.assert(property, half);
    if (i === 0) afterFixed?.();
  }
}

/** The fixed draws, then the random ones if there are any. */
function halvesOf<Values>({
  numRuns = 100,
  seed = FIXED_SEED,
  ...others
}: fc.Parameters<Values>): fc.Parameters<Values>[] {
  const fixed = Math.ceil(numRuns / 2);
  const halves: fc.Parameters<Values>[] = [{ ...others, numRuns: fixed, seed }];
  if (numRuns > fixed) halves.push({ ...others, numRuns: numRuns - fixed });
  return halves;
}
