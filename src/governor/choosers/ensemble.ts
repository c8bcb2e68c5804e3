/**
 * The places of a board as a statistical ensemble: the probability of each entry at a temperature, the number of places
 * over which choices spread, and the share of concurrent deciders that find their place taken.
 *
 * An entry offers `near` places at its price U, and from there on a ladder: after every `near` pods the price has risen
 * by near·U', until its slots are used up. Summed over its places z of cost E_z its weight is
 *
 *     Z = Σ_z e^{−E_z/T} = e^{−U/T} · near · (1 − a^K) / (1 − a),   a = e^{−near·U'/T},  K = slots / near
 *
 * so that A = −T ln Z is its free energy: U − T ln near where the ladder is steep (near·U' ≫ T) or has one rung (slots
 * = near), and lower where many places lie within T of the cheapest. The number of places that the entry's choices
 * spread over is Z(T)² / Z(T/2).
 *
 * Why a ladder: with `near` alone a board of few cheap places implies that every crowd larger than them must collide,
 * the temperature runs to its bound, and the choice becomes random though the entries have room for all.
 *
 * Math.exp and Math.log are used: the last bit of a weight may differ between engines.
 *
 * @source theory §2B (entropic term), §2C (collisions).
 */
import { assert } from '../../kernel/assert.ts';
import type { Random } from '../../kernel/random.ts';
import type { ZoneOffers } from './chooser.ts';

/** Above this loser fraction the formula for few deciders is not good enough. */
const FEW_LOSERS_MAX = 0.1;
/** A ladder whose rungs lie closer than this, in units of T, is level. */
const LEVEL_GAP = 1e-9;
/** 1 − e^{−x} is 1 in double precision above this. */
const SATURATED = 38;

/** An evaluation of a board at one temperature. Reused; arrays grow with the largest board. */
export class Ensemble {
  /** Weight of each entry relative to e^{−least U/T}. @shape [≥ count] ≥ 0 */
  weights: Float64Array = new Float64Array(64);
  /** Z without e^{−U/T}: its places, each weighted by its cost. @shape [≥ count] in [near, slots] */
  places: Float64Array = new Float64Array(64);
  /** (U − least U) / T. @shape [≥ count] ≥ 0 */
  heights: Float64Array = new Float64Array(64);
  /** Sum of the weights, > 0. */
  total = 0;
  /** Expected share of the deciders whose place is taken by another one of them. */
  losers = 0;
  /** d ln q2 / d ln T ≤ 0, where q2 is the probability that two deciders draw the same place. */
  elasticity = 0;
  private spread: Float64Array = new Float64Array(64);

  /**
   * Evaluates all entries.
   *
   * @param temperature T > 0. @param deciders m ≥ 1.
   * @cost O(count), three exponentials each, more where many lose.
   */
  evaluate(offers: ZoneOffers, temperature: number, deciders: number): void {
    assert(temperature > 0 && deciders >= 1, 'a temperature is not positive, or there are no deciders');
    const { count, prices, slopes, near, slots } = offers;
    this.reserve(count);
    const { weights, places, heights, spread } = this;
    const least = leastOf(prices, count);
    let total = 0;
    let meetings = 0;
    let energy = 0;
    let energyOfPairs = 0;
    for (let i = 0; i < count; i++) {
      const first = near[i] as number;
      const rungs = (slots[i] as number) / first;
      const gap = (first * (slopes[i] as number)) / temperature;
      const height = ((prices[i] as number) - least) / temperature;
      const level = Math.exp(-height);
      const one = risen(gap);
      const all = risen(rungs * gap);
      const steep = gap > LEVEL_GAP;
      const sum = steep ? (first * all) / one : (slots[i] as number);
      const apart = steep ? (sum * (2 - one)) / (2 - all) : sum;
      const weight = level * sum;
      heights[i] = height;
      places[i] = sum;
      spread[i] = apart;
      weights[i] = weight;
      total += weight;
      if (weight === 0) continue;
      const pairs = (weight * weight) / apart;
      meetings += pairs;
      energy += weight * (height + (steep ? ladderEnergy(gap, rungs, one, all) : 0));
      const again = steep ? ladderEnergy(2 * gap, rungs, one * (2 - one), all * (2 - all)) : 0;
      energyOfPairs += pairs * (2 * height + again);
    }
    assert(total > 0 && Number.isFinite(total), 'the weights of a board have no sum');
    this.total = total;
    this.elasticity = energyOfPairs / meetings - (2 * energy) / total;
    const few = ((deciders - 1) * meetings) / (2 * total * total);
    // Without the bound the step from one formula down to the other would be a place where no temperature fits.
    this.losers = few <= FEW_LOSERS_MAX ? few : Math.max(FEW_LOSERS_MAX, this.manyLosers(count, deciders));
  }

  /** @returns An entry in proportion to the weights. @param random Advanced by two draws. O(count). */
  draw(count: number, random: Random): number {
    return drawWeighted(this.weights, count, this.total, random);
  }

  /** 1 − (1/m) Σ g (1 − (1 − π/g)^m). */
  private manyLosers(count: number, deciders: number): number {
    const { weights, spread, total } = this;
    let placed = 0;
    for (let i = 0; i < count; i++) {
      const places = spread[i] as number;
      const p = Math.min(1, (weights[i] as number) / total / places);
      placed -= places * Math.expm1(deciders * Math.log1p(-p));
    }
    return 1 - placed / deciders;
  }

  private reserve(count: number): void {
    if (count <= this.weights.length) return;
    const capacity = 2 * count;
    this.weights = new Float64Array(capacity);
    this.places = new Float64Array(capacity);
    this.heights = new Float64Array(capacity);
    this.spread = new Float64Array(capacity);
  }
}

/** 1 − e^{−x}, x ≥ 0. */
function risen(x: number): number {
  return x > SATURATED ? 1 : -Math.expm1(-x);
}

/** Mean cost above U of an entry's places, over T. @param one 1 − e^{−gap} @param all 1 − e^{−rungs·gap} */
function ladderEnergy(gap: number, rungs: number, one: number, all: number): number {
  return gap * ((1 - one) / one - (rungs * (1 - all)) / all);
}

/** @returns The least of the first `count` values. */
export function leastOf(values: Float64Array, count: number): number {
  let least = values[0] as number;
  for (let i = 1; i < count; i++) least = Math.min(least, values[i] as number);
  return least;
}

/**
 * @param total Sum of the first `count` weights, > 0.
 * @returns An index in proportion to its weight; never one of weight 0. @param random Advanced by two draws. O(count).
 */
export function drawWeighted(weights: Float64Array, count: number, total: number, random: Random): number {
  let left = random.nextDouble() * total;
  let last = -1;
  for (let i = 0; i < count; i++) {
    const weight = weights[i] as number;
    if (weight <= 0) continue;
    last = i;
    left -= weight;
    if (left < 0) return i;
  }
  assert(last >= 0, 'nothing to draw has a weight above 0');
  return last;
}
