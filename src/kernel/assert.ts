/**
 * Internal promises: what a function takes for granted, said where it takes it for granted.
 *
 * An assertion that fails is a bug of TEG, never bad input: a user's mistake is a `TegError` with a code. Assertions
 * stay on in production, as a wrong placement costs more than a restart; so they must be cheap: a comparison of numbers
 * that are at hand, a constant message, once a call and not once an element of a loop.
 */

/** A broken promise between two parts of TEG. It is not caught: whatever is in memory can no longer be trusted. */
export class AssertionFailure extends Error {
  /** @param message The promise that was broken. */
  constructor(message: string) {
    super(`assertion failed: ${message}`);
    this.name = 'AssertionFailure';
  }
}

/**
 * Checks an internal promise.
 *
 * @param message A constant: a text that is put together costs its allocation even where the promise holds.
 * @throws AssertionFailure if `condition` is false.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) fail(message);
}

/** Apart from `assert`, which stays small enough to be inlined everywhere. */
function fail(message: string): never {
  throw new AssertionFailure(message);
}
