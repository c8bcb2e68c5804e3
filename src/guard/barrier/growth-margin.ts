/**
 * ε, the memory that a growth filter keeps free below the limit, and the guarantee that it stands for.
 *
 * A guarantee is worth as much as its constants, so each of them says whether it was measured on this machine or assumed,
 * and the text that states the guarantee prints them all.
 */
import { assert } from '../../kernel/assert.ts';

/** A constant of a guarantee, and where it comes from. */
export interface Bound {
  readonly value: number;
  readonly basis: 'measured' | 'assumed';
}

/** The constants behind a margin. Amounts in MiB, rates in MiB/s, times in seconds. */
export interface GrowthBounds {
  /** T: longest time between two ticks, jitter included. */
  readonly tickSeconds: Bound;
  /** δ: oldest age of a reading. */
  readonly staleSeconds: Bound;
  /** d: time until a command has effect. */
  readonly deadSeconds: Bound;
  /** τ̂: lag of the actuator. */
  readonly lagSeconds: Bound;
  /** ū: highest rate of growth. */
  readonly rateMax: Bound;
  /** w̄: growth past the actuator (socket buffers, accept bursts, tmpfs of others). */
  readonly bypassRate: Bound;
  /** q: quantum of the reading; charges arrive in batches a processor. */
  readonly quantum: Bound;
  /** Largest error of the estimated growth rate; `GrowthEstimator` states its own. */
  readonly rateError: Bound;
  /** Processors that can hold an uncharged batch, and MiB of one. */
  readonly processors: Bound;
  readonly batch: Bound;
  /** Threads that may fault a huge page at once; 0 without huge pages. */
  readonly hugePageThreads: Bound;
}

/** MiB of a huge page. */
const HUGE_PAGE_MIB = 2;

/** One summand of a margin. */
export interface MarginTerm {
  readonly name: string;
  /** MiB. */
  readonly amount: number;
}

/**
 * The summands of ε.
 *
 * @param predicts As `GrowthFilterOptions.predicts`: dead time then costs one tick of growth instead of ū d.
 */
export function marginTerms(bounds: GrowthBounds, predicts = false): MarginTerm[] {
  for (const [name, { value }] of Object.entries(bounds)) {
    assert(Number.isFinite(value) && value >= 0, `a bound of a guarantee is negative or not finite: ${name}`);
  }
  const value = (key: keyof GrowthBounds): number => bounds[key].value;
  const blind = value('tickSeconds') + value('staleSeconds') + value('deadSeconds');
  const piped = predicts && value('deadSeconds') > 0 ? value('tickSeconds') : value('deadSeconds');
  return [
    { name: 'growth past the actuator until it is seen', amount: value('bypassRate') * blind },
    { name: 'growth since the reading', amount: value('rateMax') * value('staleSeconds') },
    { name: 'commands in the pipe', amount: value('rateMax') * piped },
    { name: 'error of the estimated rate', amount: value('lagSeconds') * value('rateError') },
    { name: 'quantum of the reading', amount: value('quantum') },
    { name: 'uncharged batches', amount: value('processors') * value('batch') },
    { name: 'huge pages', amount: value('hugePageThreads') * HUGE_PAGE_MIB },
  ];
}

/** ε in MiB. */
export function growthMargin(bounds: GrowthBounds, predicts = false): number {
  return marginTerms(bounds, predicts).reduce((sum, term) => sum + term.amount, 0);
}

/** Names and units of the constants in the text, in its order. */
const SYMBOLS: Readonly<Record<keyof GrowthBounds, readonly [symbol: string, unit: string]>> = {
  tickSeconds: ['T', 's'],
  staleSeconds: ['δ', 's'],
  deadSeconds: ['d', 's'],
  lagSeconds: ['τ̂', 's'],
  rateMax: ['ū', 'MiB/s'],
  bypassRate: ['w̄', 'MiB/s'],
  quantum: ['q', 'MiB'],
  rateError: ['Δv', 'MiB/s'],
  processors: ['processors', ''],
  batch: ['batch', 'MiB'],
  hugePageThreads: ['huge-page threads', ''],
};

/** @returns The guarantee as lines of text: the margin, its summands, and every constant with its basis. */
export function guaranteeText(bounds: GrowthBounds, predicts = false): string[] {
  const terms = marginTerms(bounds, predicts).filter((term) => term.amount > 0);
  const sum = terms.map((term) => `${short(term.amount)} (${term.name})`).join(' + ');
  const constants = Object.entries(SYMBOLS).map(([key, [symbol, unit]]) => {
    const { value, basis } = bounds[key as keyof GrowthBounds];
    return `  ${symbol} = ${short(value)}${unit === '' ? '' : ` ${unit}`} (${basis})`;
  });
  return [
    `Usage stays at or below the limit between ticks too, with ε = ${short(growthMargin(bounds, predicts))} MiB kept free${sum === '' ? '' : ` = ${sum}`}, if:`,
    ...constants,
    'Not covered: growth past the actuator that lasts (freeze the group), and a limit that falls below usage and growth in flight.',
  ];
}

function short(x: number): string {
  return String(Number(x.toPrecision(4)));
}
