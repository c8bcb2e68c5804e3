/**
 * Dual numbers: forward-mode derivatives. A dual a + b·ε with ε² = 0 carries a value and its derivative by one
 * variable through every operation, so one pass through a formula gives both, without the cancellation of finite
 * differences.
 *
 * What it means to an operator: a price and how fast it rises, from the same formula, so that neither can be edited
 * without the other. Allocates one object an operation: for tables and checks, not for loops per event.
 *
 * @source theory: dual-number damping, docs/results/claims.md T-10; Clifford 1873.
 */
import type { Algebra } from './algebra.ts';

/** A value and its derivative. Immutable. */
export class Dual {
  readonly value: number;
  readonly slope: number;

  constructor(value: number, slope: number) {
    this.value = value;
    this.slope = slope;
  }
}

/** Arithmetic of dual numbers. */
export const DUAL: Algebra<Dual> = {
  constant: (x) => new Dual(x, 0),
  add: (a, b) => new Dual(a.value + b.value, a.slope + b.slope),
  subtract: (a, b) => new Dual(a.value - b.value, a.slope - b.slope),
  multiply: (a, b) => new Dual(a.value * b.value, a.slope * b.value + a.value * b.slope),
  divide: (a, b) => {
    const value = a.value / b.value;
    return new Dual(value, (a.slope - value * b.slope) / b.value);
  },
  log: (a) => new Dual(Math.log(a.value), a.slope / a.value),
  exp: (a) => {
    const value = Math.exp(a.value);
    return new Dual(value, value * a.slope);
  },
};

/** @returns f and f' at x, from one evaluation of f. */
export function differentiate(f: (x: Dual) => Dual, x: number): Dual {
  return f(new Dual(x, 1));
}
