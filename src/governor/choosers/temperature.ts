/**
 * The temperature controller: keeps the share of concurrent deciders that lose their place within a budget.
 *
 * Few deciders: the temperature falls, and choices go to the cheapest entry. Many: it rises until they are spread over
 * enough places. Each choice corrects what the last one left by at most two steps; a stream's first choice takes as
 * many as it needs.
 *
 * Invariants: the temperature lies in [low, high] and never above 16 × the range of prices, where choices are even
 * anyway. In steady state the predicted loser fraction is within the budget, or the temperature at that bound.
 * Not here: how losers are counted (`ensemble.ts`), nor any measurement of real refusals: it is a prediction.
 *
 * @source theory §2C, with d ln q2/dβ = 2(⟨U⟩_β − ⟨U⟩_2β) as the slope of Newton's step.
 */
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

/** Losers aimed at, and from where on they are corrected, in budgets: never more than the budget in steady state. */
const AIM = 0.95;
const SLACK = 0.05;
/** Largest factor of one step. */
const FACTOR_MAX = 4;
/** A slope nearer to 0 than this is taken for it: a plateau, which is left by the largest step. */
const ELASTICITY_MIN = 0.25;
/** Steps of a choice, and of a stream's first one. */
const STEPS = 2;
const FIRST_STEPS = 40;
/** T above which choices are even, in ranges of prices. */
const EVEN = 16;

/**
 * Corrects the temperature of a stream and leaves the ensemble evaluated at it.
 *
 * @param deciders m ≥ 1.
 * @cost One to three evaluations: O(count).
 */
export function controlTemperature(
  ensemble: Ensemble,
  offers: ZoneOffers,
  deciders: number,
  stream: ChoiceStream,
  options: TemperatureOptions,
): void {
  const range = rangeOf(offers);
  const high = Math.min(options.high, Math.max(options.low, EVEN * range));
  const isFirst = !(stream.temperature > 0);
  let temperature = clamp(isFirst ? range : stream.temperature, options.low, high);
  ensemble.evaluate(offers, temperature, deciders);
  for (let step = isFirst ? FIRST_STEPS : STEPS; step > 0; step--) {
    const next = clamp(temperature * correction(ensemble, options.loserBudget), options.low, high);
    if (next === temperature) break;
    temperature = next;
    ensemble.evaluate(offers, temperature, deciders);
  }
  stream.temperature = temperature;
}

/** @returns The factor that should bring the losers to their aim; 1 if they are near it. */
function correction(ensemble: Ensemble, budget: number): number {
  const excess = ensemble.losers / (AIM * budget);
  if (Math.abs(excess - 1) <= SLACK) return 1;
  const steepness = Math.max(ELASTICITY_MIN, -ensemble.elasticity);
  return clamp(excess ** (1 / steepness), 1 / FACTOR_MAX, FACTOR_MAX);
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
