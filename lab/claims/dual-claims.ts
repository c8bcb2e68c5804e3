/**
 * T-10: the derivative that a dual number carries is exact.
 *
 * @source theory §1B; Squire & Trapp 1998, Using complex variables to estimate derivatives of real functions, for the
 *         complex step: f'(x) = Im f(x + ih) / h without cancellation, on arithmetic that shares nothing with duals.
 */
import type { Random } from '../../src/kernel/random.ts';
import { type Algebra, REAL } from '../../src/physics/algebra.ts';
import { DUAL, differentiate } from '../../src/physics/dual.ts';
import {
  barrier,
  doubleWell,
  polynomial,
  reciprocal,
  reciprocalPrice,
  reciprocalSlope,
  smoothedFreeEnergy,
} from '../../src/physics/price-functions.ts';
import { atMost, type Claim, type Measurement } from './claim.ts';

const POINTS = 1000;
/** Imaginary step; far below rounding on purpose, the method has no cancellation. */
const STEP = 1e-30;
const FINITE_STEP = 1e-8;

/** A complex number. */
interface Complex {
  readonly re: number;
  readonly im: number;
}

const COMPLEX: Algebra<Complex> = {
  constant: (x) => ({ re: x, im: 0 }),
  add: (a, b) => ({ re: a.re + b.re, im: a.im + b.im }),
  subtract: (a, b) => ({ re: a.re - b.re, im: a.im - b.im }),
  multiply: (a, b) => ({ re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re }),
  divide: (a, b) => {
    const size = b.re * b.re + b.im * b.im;
    return { re: (a.re * b.re + a.im * b.im) / size, im: (a.im * b.re - a.re * b.im) / size };
  },
  log: (a) => ({ re: Math.log(Math.hypot(a.re, a.im)), im: Math.atan2(a.im, a.re) }),
  exp: (a) => ({ re: Math.exp(a.re) * Math.cos(a.im), im: Math.exp(a.re) * Math.sin(a.im) }),
};

/** A price or field over any algebra. */
type Formula = <T>(algebra: Algebra<T>, x: T) => T;

const CENTRES = [0.1, 0.35, 0.5, 0.8];
const LEVELS = [0.2, 0.1, 0.6, 0.3];
const COUNTS = [3, 10, 1, 6];

const FORMULAS: Readonly<Record<string, Formula>> = {
  'potential −ln(1 − ρ)': barrier,
  'price 1/(1 − ρ)': reciprocal,
  'polynomial price': (algebra, x) => polynomial(algebra, [0.1, 2, 0.5, 3], x),
  'double well': doubleWell,
  'free energy of a histogram': (algebra, x) =>
    smoothedFreeEnergy(algebra, CENTRES, LEVELS, COUNTS, 0.2, 0.1, x),
};

/** T-10. */
export const DUAL_NUMBERS: Claim = {
  test: 'T-10',
  title: 'Dual numbers give exact slopes',
  claim: 'One pass over a price with dual numbers gives the price and its exact derivative.',
  conditions: 'Every price and field in use, loads 0.001 … 0.999; exact to rounding (double precision).',
  notClaimed:
    'A derivative does not damp anything on its own: it allows a gain that needs no tuning (T-06, T-08).',
  quick: true,
  measure(random: Random): Measurement {
    const xs = Float64Array.from({ length: POINTS }, () => 0.001 + 0.998 * random.nextDouble());
    let dual = 0;
    let finite = 0;
    let closed = 0;
    for (const x of xs) {
      for (const formula of Object.values(FORMULAS)) {
        const exact = formula(COMPLEX, { re: x, im: STEP }).im / STEP;
        const { slope } = differentiate((q) => formula(DUAL, q), x);
        const difference = (formula(REAL, x + FINITE_STEP) - formula(REAL, x)) / FINITE_STEP;
        dual = Math.max(dual, relative(slope, exact));
        finite = Math.max(finite, relative(difference, exact));
      }
      const { value, slope } = differentiate((q) => reciprocal(DUAL, q), x);
      closed = Math.max(
        closed,
        relative(reciprocalPrice(x, 1), value),
        relative(reciprocalSlope(x, 1), slope),
      );
    }
    return {
      checks: [
        atMost(
          `largest relative error of the slope against the complex step, ${Object.keys(FORMULAS).length} formulas × ${POINTS} loads`,
          dual,
          1e-12,
        ),
        atMost('closed forms of hot loops against the dual', closed, 1e-12),
      ],
      controls: [atMost('finite difference, step 10⁻⁸', finite, 1e-12)],
      notes: [`Formulas: ${Object.keys(FORMULAS).join(', ')}.`],
    };
  },
};

/** Error relative to the derivative, or to 1e−3 where the derivative passes through 0. */
function relative(x: number, exact: number): number {
  return Math.abs(x - exact) / Math.max(Math.abs(exact), 1e-3);
}
