/**
 * Readers of option values: text from the command line to a typed value, or TEG_OPTION_INVALID.
 *
 * Each takes the text only, so that it can be given to commander as it is (`.option(flags, text, parsePositiveInt)`);
 * the name of the option is put in front of the message by `main.ts`.
 */
import { TegError } from '../../model/errors.ts';

/** Most seeds one command takes: a slip such as `1-1000000000` must not fill the memory. */
export const SEEDS_MAX = 100_000;

/** Seconds of each unit that a duration may be written in. */
const SECONDS_BY_UNIT: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
};

/** Factors of the sizes that a byte count may be written in. */
const BYTES_BY_UNIT: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

function refuse(text: string, expected: string): never {
  throw new TegError('TEG_OPTION_INVALID', `got '${text}', expected ${expected}`);
}

/**
 * A decimal number, also as `1e6` or `1_000_000`; underscores are allowed between digits.
 *
 * @returns The number, or NaN if the text is not one as a whole.
 */
function toNumber(text: string): number {
  const plain = text.trim().replace(/(?<=\d)_(?=\d)/g, '');
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : Number.NaN;
}

/** Largest number that an option takes unless it has a tighter bound: no count here comes near. */
export const NUMBER_MAX = 1_000_000_000;

/** Longest duration that an option takes, seconds: some 300 years. */
export const DURATION_SECONDS_MAX = 10_000_000_000;

/** Most threads. */
export const WORKERS_MAX = 256;

/** Largest seed. */
export const SEED_MAX = 0xffffffff;

/** Most generated nodes. */
export const NODES_MAX = 10_000_000;

/** Most jobs that are held in memory at once. */
export const JOBS_MAX = 20_000_000;

/** @returns A reader of whole numbers in [min, max]. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = toNumber(text);
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    return refuse(text, `a whole number of at least ${min} and at most ${max}`);
  };
}

/** @returns A reader of numbers in [min, max], or in (min, max] if `isAbove`. */
export function decimalNumber(min: number, max: number, isAbove = false): (text: string) => number {
  return (text) => {
    const value = toNumber(text);
    if ((isAbove ? value > min : value >= min) && value <= max) return value;
    return refuse(text, `a number ${isAbove ? 'above' : 'of at least'} ${min} and at most ${max}`);
  };
}

/** @returns A reader of one of some words. */
export function oneOf<Name extends string>(...names: readonly Name[]): (text: string) => Name {
  return (text) => names.find((name) => name === text) ?? refuse(text, names.join(' or '));
}

/**
 * Reads how a policy knows the mix of the workload: `list`, the whole workload is known; `learned`, from arrivals only.
 *
 * @throws TegError TEG_OPTION_INVALID.
 */
export function parseWorkloadMix(text: string): 'list' | 'learned' {
  return oneOf('list', 'learned')(text);
}

/** @returns An integer in [1, NUMBER_MAX]. @throws TegError TEG_OPTION_INVALID. */
export function parsePositiveInt(text: string): number {
  return wholeNumber(1, NUMBER_MAX)(text);
}

/** @returns An integer in [0, NUMBER_MAX]. @throws TegError TEG_OPTION_INVALID. */
export function parseNonNegativeInt(text: string): number {
  return wholeNumber(0, NUMBER_MAX)(text);
}

/** @returns A seed, an integer in [0, SEED_MAX]. @throws TegError TEG_OPTION_INVALID. */
export function parseSeed(text: string): number {
  return wholeNumber(0, SEED_MAX)(text);
}

/** @returns A number of threads, an integer in [1, WORKERS_MAX]. @throws TegError TEG_OPTION_INVALID. */
export function parseWorkers(text: string): number {
  return wholeNumber(1, WORKERS_MAX)(text);
}

/** @returns A number in (0, NUMBER_MAX]. @throws TegError TEG_OPTION_INVALID. */
export function parsePositiveNumber(text: string): number {
  return decimalNumber(0, NUMBER_MAX, true)(text);
}

/** @returns A number in [0, NUMBER_MAX]. @throws TegError TEG_OPTION_INVALID. */
export function parseNonNegativeNumber(text: string): number {
  return decimalNumber(0, NUMBER_MAX)(text);
}

/** Reads `0.25` or `25%`. @returns A share in [0, 1]. @throws TegError TEG_OPTION_INVALID. */
export function parseFraction(text: string): number {
  const percent = text.trim().endsWith('%');
  const value = toNumber(percent ? text.trim().slice(0, -1) : text) / (percent ? 100 : 1);
  if (!(value >= 0 && value <= 1)) refuse(text, 'a share from 0 to 1, or a percentage such as 25%');
  return value;
}

/**
 * Reads `90`, `90s`, `15m`, `2h`, `7d`, `1w`, `250ms`. @returns Seconds in [0, DURATION_SECONDS_MAX]. @throws TegError
 * TEG_OPTION_INVALID.
 */
export function parseDurationSeconds(text: string): number {
  const match = /^(.*?[\d.])\s*(ms|s|m|h|d|w)?$/i.exec(text.trim());
  const unit = SECONDS_BY_UNIT[(match?.[2] ?? 's').toLowerCase()] as number;
  const value = toNumber(match?.[1] ?? '') * unit;
  if (!(value >= 0 && value <= DURATION_SECONDS_MAX)) {
    refuse(text, 'a duration of at most 300 years, such as 90s, 15m, 2h or 7d (a plain number is seconds)');
  }
  return value;
}

/** As `parseDurationSeconds`, above 0. @throws TegError TEG_OPTION_INVALID. */
export function parsePositiveDuration(text: string): number {
  const seconds = parseDurationSeconds(text);
  return seconds > 0 ? seconds : refuse(text, 'a duration above 0, such as 90s, 15m, 2h or 7d');
}

/** Reads `4096`, `512MiB`, `4GiB`, `2GB`. @returns Bytes, a whole number ≥ 0. @throws TegError TEG_OPTION_INVALID. */
export function parseByteCount(text: string): number {
  const match = /^(.*?[\d.])\s*(b|kb|mb|gb|kib|mib|gib|tib)?$/i.exec(text.trim());
  const unit = BYTES_BY_UNIT[(match?.[2] ?? 'b').toLowerCase()] as number;
  const value = Math.round(toNumber(match?.[1] ?? '') * unit);
  if (!Number.isSafeInteger(value) || value < 0) refuse(text, 'a size such as 512MiB or 4GiB');
  return value;
}

/**
 * Where nodes or jobs come from is one thing to all commands: `--nodes`, `--cluster`, `--pods` and `--jobs` take a file,
 * or how many to generate. A command that needs one of the two says which and refuses the other.
 *
 * @returns Whether a source is a number: how many to generate.
 */
export function isCount(text: string): boolean {
  return /^(?=.*\d)[\d_.e+]+$/i.test(text);
}

/** Reads `2000`, `generated:openb:2000` or the path of a file. @returns The latter two as they are, the first as the second. */
export function parseClusterSourceOption(text: string): string {
  return isCount(text) ? `generated:openb:${wholeNumber(1, NODES_MAX)(text)}` : text;
}

/** Reads `50000`, `generated:50000:0.9` or the path of a file. @returns The latter two as they are, the first generated. */
export function parseJobSourceOption(text: string): string {
  return isCount(text) ? `generated:${parsePositiveInt(text)}` : text;
}

/** Reads a source that must be a file. @throws TegError TEG_OPTION_INVALID for what asks to make something up. */
export function parseSourceFile(text: string): string {
  if (!isCount(text) && !text.startsWith('generated:')) return text;
  return refuse(text, 'a file: nothing is generated here, `teg trace generate` makes files');
}

/**
 * Reads `a,b,c`. @returns The parts without blanks around them, in order; none empty, none twice. @throws TegError
 * TEG_OPTION_INVALID.
 */
export function parseList(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.some((part) => part === '')) refuse(text, 'names separated by single commas, such as a,b,c');
  const twice = parts.find((part, i) => parts.indexOf(part) !== i);
  if (twice !== undefined) refuse(text, `each name once; '${twice}' is there twice`);
  return parts;
}

/**
 * Reads `1000,1e4,100_000`. @returns Whole numbers in [1, NODES_MAX] in the order given, none twice. @throws TegError
 * TEG_OPTION_INVALID.
 */
export function parsePositiveIntList(text: string): number[] {
  const values = parseList(text).map(toNumber);
  const good = values.every((value) => Number.isSafeInteger(value) && value >= 1 && value <= NODES_MAX);
  if (!good || new Set(values).size !== values.length) {
    refuse(
      text,
      `different whole numbers of at least 1 and at most ${NODES_MAX}, separated by commas, such as 1000,10000`,
    );
  }
  return values;
}

/**
 * Reads seeds: single numbers and ranges with both ends, for example `42-51,60`.
 *
 * @returns Seeds in [0, 2^32), in the order given, none twice; at most SEEDS_MAX.
 * @throws TegError TEG_OPTION_INVALID.
 */
export function parseSeeds(text: string): number[] {
  const expected = 'seeds from 0 to 4294967295 such as 42, 42-51 (the smaller first) or 42-51,60';
  const seeds: number[] = [];
  for (const part of text.split(',')) {
    const match = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part);
    if (match === null) refuse(text, expected);
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (last < first || last > 0xffffffff) refuse(text, expected);
    if (seeds.length + (last - first) >= SEEDS_MAX) refuse(text, `at most ${SEEDS_MAX} seeds`);
    for (let seed = first; seed <= last; seed++) seeds.push(seed);
  }
  if (new Set(seeds).size !== seeds.length) refuse(text, 'each seed once');
  return seeds;
}
