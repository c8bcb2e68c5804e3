/**
 * Assertions: checks of the internal preconditions and invariants of a function, inside the function.
 *
 * An assertion that fails is a bug of TEG, never bad input: a user's mistake is a `TegError` with a code. Assertions
 * stay on in production, as a wrong placement costs more than a restart; so they must be cheap: a comparison of numbers
 * that are at hand, a constant message, once a call and not once an element of a loop. The innermost functions of the
 * field (prices, potentials) have none: each uses up the compiler's inlining budget, and together they cost a
 * decision 6 %. Tests check these against oracles and laws after every call.
 */

/** A violated internal invariant. It is not caught: the state in memory can no longer be trusted. */
export class AssertionFailure extends Error {
  /** @param message The invariant that was violated. */
  constructor(message: string) {
    super(`assertion failed: ${message}`);
    this.name = 'AssertionFailure';
  }
}

/**
 * Checks an internal invariant.
 *
 * @param message A constant: a composed text costs its allocation even where the invariant holds.
 * @throws AssertionFailure if `condition` is false.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) fail(message);
}

/** Separate from `assert`, which stays small enough to be inlined everywhere. */
function fail(message: string): never {
  throw new AssertionFailure(message);
}
