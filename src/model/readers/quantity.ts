/**
 * Kubernetes quantities (`500m`, `16Gi`, `1e3`, `0.5`), in exact integer arithmetic.
 *
 * Why not floating point: 0.1 Gi and 1.001 are not representable, and a rounding error of one part in 10^16 at a
 * whole number would round a request up by a whole unit.
 *
 * @source https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
 */

/** Units of a quantity: thousandths, bytes or pieces, or MiB. */
export type QuantityUnit = 'milli' | 'one';

/** Requests are rounded up, capacities are rounded down. */
export type Rounding = 'up' | 'down';

const QUANTITY = /^\+?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3})|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?$/;

/** Longest text that is parsed; canonical quantities have at most 20 characters. */
const QUANTITY_CHARS_MAX = 64;

const DECIMAL_EXPONENT: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};

const BINARY_EXPONENT: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

/** Decimal exponents beyond these are refused: the value would be 0 or above any bound. */
const EXPONENT_MAX = 60;

/**
 * Reads a quantity.
 *
 * @returns The number of units, a safe integer ≥ 0; NaN if the text is not a quantity, is negative, or is beyond
 *   2^53 − 1 units.
 */
export function parseQuantity(text: string, unit: QuantityUnit, rounding: Rounding): number {
  const ratio = quantityRatio(text, unit === 'milli' ? 3 : 0);
  if (ratio === undefined) return Number.NaN;
  const { numerator, denominator } = ratio;
  const units = (rounding === 'up' ? numerator + denominator - 1n : numerator) / denominator;
  return units <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(units) : Number.NaN;
}

/**
 * Reads a quantity in nano-units, the finest that Kubernetes keeps: for sums that are rounded only once.
 *
 * @returns Nano-units ≥ 0, finer fractions rounded up as in Kubernetes; undefined if the text is not a quantity, or is
 *   negative.
 */
export function parseQuantityNanos(text: string): bigint | undefined {
  const ratio = quantityRatio(text, 9);
  return ratio && (ratio.numerator + ratio.denominator - 1n) / ratio.denominator;
}

/** @returns The quantity times 10^`power` as a fraction; undefined if the text is not a quantity. */
function quantityRatio(text: string, power: number): { numerator: bigint; denominator: bigint } | undefined {
  const match = text.length > QUANTITY_CHARS_MAX ? null : QUANTITY.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = '', exponentText, suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const exponent = exponentText === undefined ? (DECIMAL_EXPONENT[suffix] ?? 0) : Number(exponentText);
  if (Math.abs(exponent) > EXPONENT_MAX) return undefined;
  const shift = exponent - fraction.length + power;
  const binary = BigInt(BINARY_EXPONENT[suffix] ?? 0);
  return {
    numerator: (BigInt(whole + fraction) << binary) * 10n ** BigInt(Math.max(shift, 0)),
    denominator: 10n ** BigInt(Math.max(-shift, 0)),
  };
}
