/**
 * The temperature controller: keeps the share of concurrent deciders that lose their place within a budget.
 *
 * Few deciders: the temperature falls, and choices go to the cheapest entry. Many: it rises until they are spread over
 * enough places. Each choice corrects the result of the last one by at most two steps; a stream's first choice takes as
 * many as it needs.
 *
 * Invariants: the temperature lies in [low, high] and never above 16 × the range of prices, where choices are even
 * anyway. In steady state the predicted loser fraction is within the budget, or the temperature at that bound.
 * Not here: the count of losers (`ensemble.ts`), nor any measurement of real refusals: it is a prediction.
 *
 * @source theory §2C, with d ln q2/dβ = 2(⟨U⟩_β − ⟨U⟩_2β) as the slope of Newton's step.
 */
import { assert } from '../../kernel/assert.ts';
import type { ChoiceStream, ZoneOffers } from './chooser.ts';
import type { Ensemble } from './ensemble.ts';

/** Settings of the controller. */
export interface TemperatureOptions {
  /** ε: share of deciders that may lose their place. In (0, 1). */
  readonly loserBudget: number;
  /** Bounds of T, milli-GPU. */
  readonly low: number;
  readonly high: number;
}

/** The defaults. */
export const TEMPERATURE_DEFAULTS: TemperatureOptions = { loserBudget: 0.05, low: 1e-3, high: 1e9 };

/**
 * Target of the losers, and the level at which correction begins, in budgets: never more than the budget in steady
 * state.
 */
const AIM = 0.95;
const SLACK = 0.05;
/** Largest factor of one step. */
const FACTOR_MAX = 4;
/** A slope nearer to 0 than this counts as 0: a plateau, which is left by the largest step. */
const ELASTICITY_MIN = 0.25;
/** Steps of a choice, and of a stream's first one. */
const STEPS = 2;
const FIRST_STEPS = 40;
/** Lower bound of the losers in their target: a single decider has none. */
const LEAST_EXCESS = 1e-6;
/** T above which choices are even, in ranges of prices. */
const EVEN = 16;

/**
 * Corrects the temperature of a stream and leaves the ensemble evaluated at it.
 *
 * @param deciders m ≥ 1.
 * @cost One evaluation while nothing changes, five at most but for a stream's first choice: O(count).
 */
export function controlTemperature(
  ensemble: Ensemble,
  offers: ZoneOffers,
  deciders: number,
  stream: ChoiceStream,
  options: TemperatureOptions,
): void {
  assert(options.low > 0 && options.low <= options.high, 'the range of temperatures is empty');
  assert(options.loserBudget > 0 && options.loserBudget < 1, 'a budget of losers outside (0, 1)');
  const range = rangeOf(offers);
  const high = Math.min(options.high, Math.max(options.low, EVEN * range));
  const isFirst = !(stream.temperature > 0);
  const aim = AIM * options.loserBudget;
  let temperature = clamp(isFirst ? range : stream.temperature, options.low, high);
  ensemble.evaluate(offers, temperature, deciders);
  let excess = ensemble.losers / aim;
  for (let step = isFirst ? FIRST_STEPS : STEPS; step > 0; step--) {
    if (Math.abs(excess - 1) <= SLACK) break;
    const next = clamp(temperature * newtonFactor(excess, ensemble.elasticity), options.low, high);
    if (next === temperature) break;
    ensemble.evaluate(offers, next, deciders);
    const left = ensemble.losers / aim;
    const isPast = left > 1 !== excess > 1 && Math.abs(left - 1) > SLACK;
    temperature = isPast ? between(temperature, excess, next, left) : next;
    if (isPast) ensemble.evaluate(offers, temperature, deciders);
    excess = ensemble.losers / aim;
  }
  stream.temperature = temperature;
}

/**
 * The factor on T that should bring the losers to their target, by their slope. @param excess Losers over their target.
 */
function newtonFactor(excess: number, elasticity: number): number {
  const steepness = Math.max(ELASTICITY_MIN, -elasticity);
  return clamp(excess ** (1 / steepness), 1 / FACTOR_MAX, FACTOR_MAX);
}

/**
 * Where a straight line in ln T and ln losers meets the target, kept off both ends. Why: a step from one plateau to
 * another jumps over the steep part between them, and would jump back forever.
 */
function between(t0: number, excess0: number, t1: number, excess1: number): number {
  const from = Math.log(Math.max(excess0, LEAST_EXCESS));
  const to = Math.log(Math.max(excess1, LEAST_EXCESS));
  const share = clamp(from / (from - to), 0.1, 0.9);
  return t0 * (t1 / t0) ** share;
}

/** Range of prices, and the highest first rung of an entry's ladder: the scale on which temperatures matter. */
function rangeOf(offers: ZoneOffers): number {
  const { count, prices, slopes, near } = offers;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  let rung = 0;
  for (let i = 0; i < count; i++) {
    const price = prices[i] as number;
    if (price < least) least = price;
    if (price > most) most = price;
    rung = Math.max(rung, (near[i] as number) * (slopes[i] as number));
  }
  return most - least + rung;
}

function clamp(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}
