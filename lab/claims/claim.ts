/**
 * The form of a claim with its test: the statement, its conditions, the measurement, and a negative control, which is
 * the same measurement on an object that must not pass.
 *
 * A claim is a pure function of a random stream: the same seed gives the same measurements.
 */
import type { Random } from '../../src/kernel/random.ts';

/** One measured number and the interval that it has to lie in. */
export interface Check {
  /** The measured quantity. */
  readonly what: string;
  readonly measured: number;
  /** Bounds, inclusive; −Infinity or Infinity where there is none. */
  readonly low: number;
  readonly high: number;
  readonly holds: boolean;
}

/** A curve of a plot. */
export interface Curve {
  readonly name: string;
  /** Ascending. @shape [points], as `y`; on a logarithmic axis > 0. */
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** A picture of the measurement. */
export interface ClaimPlot {
  readonly title: string;
  /** The quantity plotted and how to read it. */
  readonly reading: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xLog?: boolean;
  readonly yLog?: boolean;
  readonly series: readonly Curve[];
  /** A height to mark, and its label. */
  readonly rule?: { readonly at: number; readonly text: string };
}

/** Results of a claim's test. */
export interface Measurement {
  /** The claim holds if all do; the first is the one to quote. */
  readonly checks: readonly Check[];
  /** Each must not hold: a test that these pass would prove nothing. */
  readonly controls: readonly Check[];
  /** Further figures, and where they differ from what was expected. */
  readonly notes?: readonly string[];
  readonly plots?: readonly ClaimPlot[];
}

/** A claim and its test. */
export interface Claim {
  /** For example `T-06`. */
  readonly test: string;
  readonly title: string;
  /** The statement, in a sentence. */
  readonly claim: string;
  /** Conditions under which it holds; always stated with the claim. */
  readonly conditions: string;
  /** Conclusions that must not be drawn from it. */
  readonly notClaimed: string;
  /** Quick enough (well below a second) to run with every `npm test`. */
  readonly quick: boolean;
  /** @param isFull With all seeds that the claim names; false or absent: fewer where that is enough for a verdict. */
  measure(random: Random, isFull?: boolean): Measurement;
}

/** A claim with its verdict. */
export interface ClaimResult extends Measurement {
  readonly claim: Claim;
  readonly holds: boolean;
  readonly negativeControlFails: boolean;
}

/** @returns A check that a number is at most `high`. */
export function atMost(what: string, measured: number, high: number): Check {
  return within(what, measured, Number.NEGATIVE_INFINITY, high);
}

/** @returns A check that a number is at least `low`. */
export function atLeast(what: string, measured: number, low: number): Check {
  return within(what, measured, low, Number.POSITIVE_INFINITY);
}

/** @returns A check that a number lies in [low, high]; NaN does not. */
export function within(what: string, measured: number, low: number, high: number): Check {
  return { what, measured, low, high, holds: measured >= low && measured <= high };
}

/** @returns The bounds of a check as text, for example `≤ 0.01` or `0.95 … 1.07`. */
export function thresholdText({ low, high }: Check): string {
  if (low === high) return `= ${numberText(low)}`;
  if (low === Number.NEGATIVE_INFINITY) return `≤ ${numberText(high)}`;
  if (high === Number.POSITIVE_INFINITY) return `≥ ${numberText(low)}`;
  return `${numberText(low)} … ${numberText(high)}`;
}

/** @returns A number with four significant digits, in scientific notation where it is very small or large. */
export function numberText(x: number): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'not a number' : x > 0 ? '∞' : '−∞';
  if (Number.isInteger(x) && Math.abs(x) < 1e7) return String(x).replace('-', '−');
  const size = Math.abs(x);
  const text =
    size < 1e-3 || size >= 1e7 ? x.toExponential(1).replace('.0e', 'e') : String(Number(x.toPrecision(4)));
  return text.replaceAll('-', '−');
}
