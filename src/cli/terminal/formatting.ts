/**
 * Numbers formatted for people: counts, shares, bytes, durations, rates.
 *
 * Invariant: the same value gives the same text everywhere (no locale of the machine), and a value that is not known
 * (NaN) is an en dash, so that a gap in a table is never mistaken for a zero.
 */
import { durationText } from '../../kernel/duration-text.ts';

const UNKNOWN = '–';

/** The text of a number that is not finite; undefined if it is finite. */
function unusual(value: number): string | undefined {
  if (Number.isNaN(value)) return UNKNOWN;
  if (value === Number.POSITIVE_INFINITY) return '∞';
  if (value === Number.NEGATIVE_INFINITY) return '-∞';
  return undefined;
}

/** @returns The value with `digits` decimals and commas between thousands, for example `1,234.50`. */
export function formatFixed(value: number, digits: number): string {
  const special = unusual(value);
  if (special !== undefined) return special;
  const text = value.toFixed(digits);
  const [whole = '', fraction] = text.replace(/^-(?=[0.]*$)/, '').split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** @returns A count, rounded to an integer, with commas between thousands. */
export function formatCount(value: number): string {
  return formatFixed(value, 0);
}

/**
 * A count with its noun: `1 node`, `2,000 nodes`.
 *
 * @param plural Default: the noun with an s.
 */
export function formatCounted(value: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(value)} ${value === 1 ? noun : plural}`;
}

/** @param fraction 1 is 100 %. @returns For example `98.3 %`. */
export function formatPercent(fraction: number, digits = 1): string {
  const special = unusual(fraction);
  return special ?? `${formatFixed(fraction * 100, digits)} %`;
}

/** @returns The value with its sign in front, also when it is positive: for differences. */
export function formatSigned(value: number, digits: number): string {
  const text = formatFixed(value, digits);
  return value > 0 && /[1-9∞]/.test(text) ? `+${text}` : text;
}

/** @param bytes ≥ 0. @returns In binary units with three figures or so, for example `3.21 GiB`. */
export function formatBytes(bytes: number): string {
  const special = unusual(bytes);
  if (special !== undefined) return special;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${formatFixed(value, digits)} ${units[unit]}`;
}

/**
 * A span of time with the unit that suits it: `850 ns`, `4.2 µs`, `12.3 ms`, `7.4 s`, `2 m 05 s`, `3 h 07 m`,
 * `12 d 04 h`.
 *
 * @param seconds Any number; NaN is unknown.
 */
export function formatDuration(seconds: number): string {
  const special = unusual(seconds);
  if (special !== undefined) return special;
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  if (seconds === 0) return '0 s';
  if (seconds < 59.95) return formatShortDuration(seconds);
  return durationText(seconds);
}

/** Durations under a minute: one number and one unit. */
function formatShortDuration(seconds: number): string {
  if (seconds < 0.9995e-6) return `${formatFixed(seconds * 1e9, 0)} ns`;
  if (seconds < 0.9995e-3) return `${threeFigures(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${threeFigures(seconds * 1e3)} ms`;
  return `${formatFixed(seconds, 1)} s`;
}

function threeFigures(value: number): string {
  return formatFixed(value, value >= 99.95 ? 0 : 1);
}

/**
 * A rate per second with three figures: `950 jobs/s`, `12.3 k jobs/s`, `1.20 M jobs/s`.
 *
 * @param perSecond ≥ 0.
 * @param unit      Plural noun; '' for none.
 */
export function formatRate(perSecond: number, unit: string): string {
  const name = unit === '' ? '/s' : ` ${unit}/s`;
  const special = unusual(perSecond);
  if (special !== undefined) return `${special}${name}`;
  const steps: readonly [number, string][] = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  for (const [size, letter] of steps) {
    if (perSecond >= size) {
      const value = perSecond / size;
      return `${formatFixed(value, value >= 100 ? 0 : value >= 10 ? 1 : 2)} ${letter}${name}`;
    }
  }
  return `${formatFixed(perSecond, perSecond >= 10 || Number.isInteger(perSecond) ? 0 : 1)}${name}`;
}
