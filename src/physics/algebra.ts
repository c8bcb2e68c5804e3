/**
 * The arithmetic that formulas are written over: a price or a field is written once over an algebra and then evaluated
 * on plain numbers, on dual numbers (exact derivative), or on anything else that satisfies the same laws.
 *
 * `Math.log` and `Math.exp` may differ in their last bit between engines: results of formulas that use them are
 * compared with a tolerance, and never decide between placements bit for bit across engines.
 */

/** Arithmetic over numbers of type T. */
export interface Algebra<T> {
  /** @returns The number that stands for a constant. */
  constant(x: number): T;
  add(a: T, b: T): T;
  subtract(a: T, b: T): T;
  multiply(a: T, b: T): T;
  divide(a: T, b: T): T;
  /** Natural logarithm. */
  log(a: T): T;
  exp(a: T): T;
}

/** Plain double precision numbers. */
export const REAL: Algebra<number> = {
  constant: (x) => x,
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  log: Math.log,
  exp: Math.exp,
};
