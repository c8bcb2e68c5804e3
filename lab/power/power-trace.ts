/**
 * The power that a node of eight GPUs would draw over time: generated, or read from a file.
 *
 * The generator has the statistics of a published trace of such a node (docs/results/power.md): 697 s, 574 to 4,632 W, up to
 * +3,179 and −3,396 W within a second, above 80 % of its peak in 223 s, which come in some eleven surges. It does not copy it.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Random } from '../../src/kernel/random.ts';
import { TegError } from '../../src/model/errors.ts';

/** Seconds between the values of a trace. */
export const TRACE_STEP = 0.1;
/** Most rows of a file. */
const ROWS_MAX = 1_000_000;

const SECONDS = 697;
const LEAST_WATTS = 574;
const PEAK_WATTS = 4632;
const SURGES = 11;
const SURGE_SECONDS = 223;
/** Mean and spread of a surge's level, W. */
const SURGE_WATTS = 4480;
const SURGE_SPREAD = 90;
/** Levels between surges: idle, exchange, evaluation; W, and how often. */
const CALM_LEVELS: readonly (readonly [from: number, to: number, weight: number])[] = [
  [574, 800, 0.35],
  [1200, 2200, 0.4],
  [2200, 2900, 0.25],
];
/** W/s at most. */
const RISE = 3179;
const FALL = 3396;
/** Fluctuation within a level, W, and how long it lasts, s. */
const FLUCTUATION = 40;
const FLUCTUATION_SECONDS = 1;

/** Power wanted by a node every `TRACE_STEP`, W. */
export type PowerTrace = Float64Array;

/** Generates a trace. Begins and ends calm, so that it can be rotated. */
export function generatePower(seed: number): PowerTrace {
  const random = new Random(seed, 14);
  const surges = partsOf(SURGE_SECONDS, SURGES, random);
  const calms = partsOf(SECONDS - SURGE_SECONDS, SURGES + 1, random);
  const levels: number[] = [];
  const hold = (seconds: number, watts: number): void => {
    for (let i = Math.round(seconds / TRACE_STEP); i > 0; i--) levels.push(watts);
  };
  calms.forEach((seconds, i) => {
    let left = seconds;
    while (left > 0) {
      const part = Math.min(left, 3 + 9 * random.nextDouble());
      hold(part, i === 0 && left === seconds ? LEAST_WATTS : calmLevel(random));
      left -= part;
    }
    if (i < SURGES) hold(surges[i] as number, SURGE_WATTS + SURGE_SPREAD * random.nextNormal());
  });
  return smooth(levels, random);
}

/** Cuts a time into parts between a third and five thirds of their mean. */
function partsOf(seconds: number, count: number, random: Random): number[] {
  const parts = Array.from({ length: count }, () => 1 / 3 + (4 / 3) * random.nextDouble());
  const sum = parts.reduce((total, part) => total + part, 0);
  return parts.map((part) => (part / sum) * seconds);
}

function calmLevel(random: Random): number {
  let draw = random.nextDouble();
  for (const [from, to, weight] of CALM_LEVELS) {
    if (draw < weight) return from + (to - from) * random.nextDouble();
    draw -= weight;
  }
  return LEAST_WATTS;
}

/** Ramps between levels, and fluctuation on them. */
function smooth(levels: readonly number[], random: Random): PowerTrace {
  const out = new Float64Array(Math.round(SECONDS / TRACE_STEP)).fill(LEAST_WATTS);
  const keep = Math.exp(-TRACE_STEP / FLUCTUATION_SECONDS);
  let watts = LEAST_WATTS;
  let noise = 0;
  for (let i = 0; i < out.length; i++) {
    noise = keep * noise + Math.sqrt(1 - keep * keep) * FLUCTUATION * random.nextNormal();
    const goal = Math.min(Math.max((levels[i] ?? LEAST_WATTS) + noise, LEAST_WATTS), PEAK_WATTS);
    watts = Math.min(Math.max(goal, watts - FALL * TRACE_STEP), watts + RISE * TRACE_STEP);
    out[i] = watts;
  }
  return out;
}

/** What is published of a trace. */
export interface PowerStatistics {
  readonly seconds: number;
  readonly leastWatts: number;
  readonly peakWatts: number;
  readonly meanWatts: number;
  /** Largest changes within a second, W. */
  readonly rise: number;
  readonly fall: number;
}

/** Describes a trace. */
export function describePower(trace: PowerTrace): PowerStatistics {
  const second = Math.round(1 / TRACE_STEP);
  let rise = 0;
  let fall = 0;
  for (let i = second; i < trace.length; i++) {
    const change = (trace[i] as number) - (trace[i - second] as number);
    rise = Math.max(rise, change);
    fall = Math.min(fall, change);
  }
  return {
    seconds: trace.length * TRACE_STEP,
    leastWatts: trace.reduce((least, watts) => Math.min(least, watts), Number.POSITIVE_INFINITY),
    peakWatts: trace.reduce((most, watts) => Math.max(most, watts), 0),
    meanWatts: trace.reduce((sum, watts) => sum + watts, 0) / trace.length,
    rise,
    fall,
  };
}

/**
 * Reads a trace: two columns, seconds and watts of one node, with or without a header; ascending times.
 *
 * @throws TegError TEG_INPUT_NOT_FOUND, TEG_TRACE_BAD_VALUE, TEG_TRACE_BAD_ROW, TEG_INPUT_TOO_LARGE.
 */
export async function readPower(file: string): Promise<PowerTrace> {
  const times: number[] = [];
  const watts: number[] = [];
  let line = 0;
  try {
    for await (const text of createInterface({ input: createReadStream(file) })) {
      line++;
      if (text.trim() === '') continue;
      const [time = Number.NaN, value = Number.NaN] = text.split(',').map((field) => Number(field));
      if (line === 1 && Number.isNaN(time)) continue;
      checkRow(file, line, time, value, times.at(-1) ?? Number.NEGATIVE_INFINITY);
      times.push(time);
      watts.push(value);
      if (times.length > ROWS_MAX) {
        throw new TegError(
          'TEG_INPUT_TOO_LARGE',
          `${file}: more than ${ROWS_MAX} rows; give a shorter trace`,
        );
      }
    }
  } catch (error) {
    if (error instanceof TegError) throw error;
    throw new TegError('TEG_INPUT_NOT_FOUND', `cannot read '${file}': ${(error as Error).message}`);
  }
  if (times.length < 2) {
    throw new TegError(
      'TEG_TRACE_BAD_ROW',
      `${file}: got ${times.length} rows, expected 2 or more of seconds,watts`,
    );
  }
  return resampled(file, times, watts);
}

function checkRow(file: string, line: number, time: number, watts: number, before: number): void {
  const isGood = Number.isFinite(time) && time > before && watts >= 0 && watts < 1e6;
  if (isGood) return;
  throw new TegError(
    'TEG_TRACE_BAD_VALUE',
    `${file}:${line}: got ${time},${watts} after ${before} s, expected ascending seconds and watts from 0 to 1,000,000`,
  );
}

/** Each value holds until the next. */
function resampled(file: string, times: readonly number[], watts: readonly number[]): PowerTrace {
  const begin = times[0] as number;
  const count = Math.round(((times.at(-1) as number) - begin) / TRACE_STEP);
  if (count < 1 || count > ROWS_MAX) {
    throw new TegError(
      'TEG_INPUT_TOO_LARGE',
      `${file}: got ${count} steps of ${TRACE_STEP} s, expected 1 to ${ROWS_MAX}`,
    );
  }
  let row = 0;
  return Float64Array.from({ length: count }, (_, i) => {
    while (row + 1 < times.length && (times[row + 1] as number) <= begin + i * TRACE_STEP + 1e-9) row++;
    return watts[row] as number;
  });
}
