/**
 * Gibbs choice among classes of equal nodes: node i in proportion to e^{−U_i/T}, that is class k in proportion to
 * g_k e^{−U_k/T} = e^{−A_k/T} with the free energy A = U − T ln g, and then any node of the class.
 *
 * What it means to an operator: T trades the price of the place that is chosen for not colliding with the others who
 * choose on the same table. The effective number of nodes N_eff says over how many nodes a choice is spread, and with m
 * concurrent deciders the share of them that loses its place is about (m − 1) / (2 N_eff).
 *
 * Math.exp and Math.log are used: the last bit of a share may differ between engines.
 *
 * @source theory §2B (entropic term), §2C (collisions, temperature controller).
 */
import { assert } from '../kernel/assert.ts';

/** Bisection stops when the bracket is this narrow, relatively. */
const PRECISION = 1e-10;
/** Points of the scan for the cheapest temperature. */
const SCAN_POINTS = 64;

/** Classes of nodes at levels, and the Gibbs shares at one temperature. */
export class GibbsChoice {
  /** π_k at the temperature set last. @shape [classes] */
  readonly shares: Float64Array;
  /** T; 0 until it is set. */
  temperature = 0;
  private readonly levels: Float64Array;
  private readonly counts: Float64Array;

  /**
   * @param levels U_k, finite. Kept, not copied. @shape [classes]
   * @param counts g_k ≥ 0, not all 0. Kept, not copied. @shape [classes]
   */
  constructor(levels: Float64Array, counts: Float64Array) {
    assert(levels.length > 0 && levels.length === counts.length, 'a level without a count, or no class');
    this.levels = levels;
    this.counts = counts;
    this.shares = new Float64Array(levels.length);
  }

  /** Computes the shares. @param temperature T > 0; Infinity: every node alike. O(classes). */
  setTemperature(temperature: number): void {
    const { levels, counts, shares } = this;
    assert(temperature > 0, 'a temperature is not positive');
    let least = Number.POSITIVE_INFINITY;
    for (let k = 0; k < levels.length; k++) {
      if ((counts[k] as number) > 0) least = Math.min(least, levels[k] as number);
    }
    let sum = 0;
    for (let k = 0; k < levels.length; k++) {
      const count = counts[k] as number;
      const weight = count > 0 ? count * Math.exp((least - (levels[k] as number)) / temperature) : 0;
      shares[k] = weight;
      sum += weight;
    }
    // The weight of the lowest level is its count: no sum of less can be right.
    assert(sum > 0 && Number.isFinite(sum), 'no class has a node, or a level is not finite');
    for (let k = 0; k < levels.length; k++) shares[k] = (shares[k] as number) / sum;
    this.temperature = temperature;
  }

  /** ⟨U⟩: mean level of the place chosen. */
  meanLevel(): number {
    this.assertSet();
    let sum = 0;
    for (let k = 0; k < this.shares.length; k++)
      sum += (this.shares[k] as number) * (this.levels[k] as number);
    return sum;
  }

  /** N_eff = 1 / Σ over nodes of (probability)²: increasing in T, from the size of the best class to all nodes. */
  effectiveNodes(): number {
    this.assertSet();
    let sum = 0;
    for (let k = 0; k < this.shares.length; k++) {
      const share = this.shares[k] as number;
      if (share > 0) sum += (share * share) / (this.counts[k] as number);
    }
    return 1 / sum;
  }

  /** Exact expected share of m concurrent deciders that find their single-slot node taken by another of them. */
  loserFraction(deciders: number): number {
    this.assertSet();
    assert(deciders >= 1, 'there are no deciders');
    let placed = 0;
    for (let k = 0; k < this.shares.length; k++) {
      const count = this.counts[k] as number;
      if (count <= 0) continue;
      const p = (this.shares[k] as number) / count;
      placed += count * -Math.expm1(deciders * Math.log1p(-p));
    }
    return 1 - placed / deciders;
  }

  /** (m − 1) / (2 N_eff): good to 10 % while it is below 0.1. */
  approximateLoserFraction(deciders: number): number {
    assert(deciders >= 1, 'there are no deciders');
    return (deciders - 1) / (2 * this.effectiveNodes());
  }

  /**
   * The controller: sets the lowest temperature in [low, high] at which the exact loser fraction is within a budget.
   *
   * @returns The temperature; `high` if even that is not enough. By bisection on ln T: losers fall as T rises.
   */
  controlTemperature(deciders: number, budget: number, low: number, high: number): number {
    assert(budget >= 0, 'a budget is negative');
    return this.bisect(low, high, () => this.loserFraction(deciders) <= budget);
  }

  /**
   * Sets the temperature in [low, high] that minimises ⟨U⟩ + penalty · losers.
   *
   * Why a scan first: near T → 0 all lose alike and the cost is flat, so that it has more than one minimum.
   *
   * @returns The temperature. @cost About 100 × O(classes).
   */
  cheapestTemperature(deciders: number, penalty: number, low: number, high: number): number {
    assert(low > 0 && low < high, 'the range of temperatures is empty');
    const cost = (x: number): number => {
      this.setTemperature(Math.exp(x));
      return this.meanLevel() + penalty * this.loserFraction(deciders);
    };
    const start = Math.log(low);
    const stride = (Math.log(high) - start) / SCAN_POINTS;
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i <= SCAN_POINTS; i++) {
      const now = cost(start + i * stride);
      if (now >= least) continue;
      least = now;
      best = i;
    }
    const from = start + Math.max(0, best - 1) * stride;
    const to = start + Math.min(SCAN_POINTS, best + 1) * stride;
    this.setTemperature(Math.exp(goldenSection(cost, from, to)));
    return this.temperature;
  }

  /** The shares are those of no temperature until `setTemperature` was called. */
  private assertSet(): void {
    assert(this.temperature > 0, 'shares are read before a temperature is set');
  }

  /** Lowest temperature at which `enough` holds, which must not fail again above it. */
  private bisect(low: number, high: number, enough: () => boolean): number {
    assert(low > 0 && low <= high, 'the range of temperatures is empty');
    let below = Math.log(low);
    let above = Math.log(high);
    this.setTemperature(low);
    if (enough()) return low;
    while (above - below > PRECISION) {
      const middle = (below + above) / 2;
      this.setTemperature(Math.exp(middle));
      if (enough()) above = middle;
      else below = middle;
    }
    this.setTemperature(Math.exp(above));
    return this.temperature;
  }
}

/** @returns Where f, with one minimum in [a, b], is least, to 1e−7. @source Kiefer 1953. */
function goldenSection(f: (x: number) => number, a: number, b: number): number {
  assert(a <= b, 'a section of an empty range');
  const golden = (Math.sqrt(5) - 1) / 2;
  let low = a;
  let high = b;
  let left = high - golden * (high - low);
  let right = low + golden * (high - low);
  let atLeft = f(left);
  let atRight = f(right);
  while (high - low > 1e-7) {
    if (atLeft < atRight) {
      high = right;
      right = left;
      atRight = atLeft;
      left = high - golden * (high - low);
      atLeft = f(left);
    } else {
      low = left;
      left = right;
      atLeft = atRight;
      right = low + golden * (high - low);
      atRight = f(right);
    }
  }
  return (low + high) / 2;
}
