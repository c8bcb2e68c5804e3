/**
 * Axes in the units that people read: percent, hours, durations on a logarithmic scale, microseconds, nodes.
 */
import { formatCount, formatFixed } from '../terminal/formatting.ts';
import type { Axis } from './chart.ts';

/** Durations that ticks of a logarithmic axis may stand at. */
const DURATION_TICKS: readonly (readonly [number, string])[] = [
  [0.001, '1 ms'],
  [0.01, '10 ms'],
  [0.1, '0.1 s'],
  [1, '1 s'],
  [10, '10 s'],
  [60, '1 min'],
  [600, '10 min'],
  [3_600, '1 h'],
  [21_600, '6 h'],
  [86_400, '1 d'],
  [604_800, '1 w'],
  [2_592_000, '30 d'],
  [31_536_000, '1 y'],
  [315_360_000, '10 y'],
  [3_153_600_000, '100 y'],
];

const TIME_UNITS: readonly (readonly [number, string])[] = [
  [86_400, 'days'],
  [3_600, 'hours'],
  [60, 'minutes'],
  [1, 'seconds'],
];

/** Units that a time axis must have at least to be chosen. */
const TIME_UNITS_MIN = 4;

/** Most ticks of an axis: labels have as many digits as distinguish these. */
export const TICKS_MAX = 8;

/** @returns The least of 1, 2, 5 times a power of ten that is at least `x` > 0. */
function niceStep(x: number): number {
  const power = 10 ** Math.floor(Math.log10(x));
  const factor = [1, 2, 5, 10].find((f) => f * power >= x * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/**
 * Ticks of a linear axis: multiples of 1, 2 or 5 times a power of ten.
 *
 * @param countMax ≥ 2, at most TICKS_MAX.
 * @param stepMin  Least distance, for example 1 for counts.
 */
export function linearTicks([from, to]: readonly [number, number], countMax: number, stepMin = 0): number[] {
  const step = Math.max(stepMin, niceStep((to - from) / countMax));
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Decimals that distinguish the ticks of an axis whose values are `span` apart. */
function tickDigits(span: number): number {
  return Math.max(0, -Math.floor(Math.log10(niceStep(span / TICKS_MAX)) + 1e-9));
}

/** A share, from at most `lower` to at least `upper`. */
export function shareAxis(label: string, upper: number, lower = 0): Axis {
  const step =
    upper > 2
      ? 0.5
      : upper > 0.5
        ? 0.2
        : upper > 0.2
          ? 0.1
          : upper > 0.08
            ? 0.05
            : upper > 0.02
              ? 0.01
              : 0.001;
  const top = Math.max(step, Math.ceil(upper / step - 1e-9) * step);
  const bottom = Math.min(top - step, Math.floor(lower / step + 1e-9) * step);
  const digits = tickDigits((top - bottom) * 100);
  return {
    label,
    scale: 'linear',
    domain: [bottom, top],
    format: (value) => `${formatFixed(value * 100, digits)} %`,
  };
}

/** A share on a logarithmic axis, in whole decades. Both ends in (0, 1]. */
export function logShareAxis(label: string, lower: number, upper: number): Axis {
  return decadeAxis(label, lower, upper, (value) => `${Number((value * 100).toPrecision(2))} %`);
}

/** A count from 0. */
export function countAxis(label: string, upper: number): Axis {
  return { label, scale: 'linear', domain: [0, Math.max(1, upper * 1.05)], stepMin: 1, format: formatCount };
}

/** A time axis and the divisor of its values. */
export function timeAxis(label: string, upperSeconds: number): { axis: Axis; unitSeconds: number } {
  const [unitSeconds, unit] = TIME_UNITS.find(([size]) => upperSeconds >= TIME_UNITS_MIN * size) ?? [
    1,
    'seconds',
  ];
  const upper = Math.max(upperSeconds / unitSeconds, 1e-3);
  const digits = tickDigits(upper);
  const format = (value: number): string => formatFixed(value, digits);
  return { axis: { label: `${label} (${unit})`, scale: 'linear', domain: [0, upper], format }, unitSeconds };
}

/** Durations on a logarithmic axis between two values > 0, with ticks at 1 s, 1 min, 1 h … */
export function durationAxis(label: string, lower: number, upper: number): Axis {
  const domain: [number, number] = [lower, Math.max(upper * 1.1, lower * 10)];
  const ticks = DURATION_TICKS.map(([seconds]) => seconds).filter(
    (seconds) => seconds >= domain[0] * 0.999 && seconds <= domain[1],
  );
  const names = new Map(DURATION_TICKS);
  return { label, scale: 'log', domain, ticks, format: (value) => names.get(value) ?? '' };
}

/** Powers of ten between two values > 0. */
export function decadeAxis(
  label: string,
  lower: number,
  upper: number,
  format: (value: number) => string = decadeTick,
): Axis {
  const from = Math.floor(Math.log10(lower) + 1e-9);
  const to = Math.max(from + 1, Math.ceil(Math.log10(upper) - 1e-9));
  return {
    label,
    scale: 'log',
    domain: [10 ** from, 10 ** to],
    ticks: Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i)),
    format,
  };
}

/** A power of ten ≥ 1 in few characters: `1,000`, `10 M`. */
function decadeTick(value: number): string {
  const [size, unit] = value < 999_999 ? [1, ''] : value < 999_999_999 ? [1e6, ' M'] : [1e9, ' G'];
  return `${formatCount(value / size)}${unit}`;
}

/** @returns Microseconds with the unit that suits, for ticks at powers of ten: `10 ns`, `1 µs`, `100 ms`. */
export function microsTick(micros: number): string {
  const [size, unit] =
    micros < 0.999 ? [1e-3, 'ns'] : micros < 999 ? [1, 'µs'] : micros < 999_000 ? [1e3, 'ms'] : [1e6, 's'];
  return `${Number((micros / size).toPrecision(3))} ${unit}`;
}
