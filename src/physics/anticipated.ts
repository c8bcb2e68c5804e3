/**
 * Anticipated load (D3): choose where the price will be low once all deciders with the same view have arrived.
 *
 * With m concurrent deciders of size d, a class of g equal nodes at price U and slope U' will cost U + U'·d·m·π/g if it
 * draws the share π. The shares solve
 *
 *     U_k + U'_k d m π_k/g_k + T ln(π_k/g_k) = ν  on the support,   Σ π_k = 1
 *
 * a strictly convex problem with one solution. At T = 0 it is water-filling: π_k = g_k (ν − U_k)⁺ / (m d U'_k).
 *
 * @source theory §1B D3; with unit slopes Dahlin 1999, Interpreting stale load information (ICDCS).
 */
import { assert } from '../kernel/assert.ts';

/** Largest error of Σ π that bisection leaves. */
const TOLERANCE = 1e-13;
const BISECTIONS_MAX = 200;
const NEWTON_STEPS_MAX = 60;

/** One class of equal alternatives as columns. @shape each [classes] */
export interface Alternatives {
  /** U_k. */
  readonly prices: Float64Array;
  /** U'_k > 0: how much the price of one node rises by one unit of load. */
  readonly slopes: Float64Array;
  /** g_k > 0. */
  readonly counts: Float64Array;
}

/**
 * Solves for the shares.
 *
 * @param mass        m·d: load that is on its way and not in the prices, > 0 (→ 0: all to the cheapest).
 * @param temperature T ≥ 0; with T > 0 uses Math.exp and Math.log.
 * @param out         π. @shape [classes]; sums to 1.
 * @returns           ν, the price all of the support will meet at.
 * @cost O(classes × 60), with T > 0 × a few Newton steps.
 */
export function anticipate(
  classes: Alternatives,
  mass: number,
  temperature: number,
  out: Float64Array,
): number {
  const count = classes.prices.length;
  assert(count > 0 && out.length === count, 'no class, or shares of other classes');
  assert(
    classes.slopes.length === count && classes.counts.length === count,
    'columns of classes differ in length',
  );
  assert(mass > 0 && temperature >= 0, 'no mass to place, or a negative temperature');
  const share = temperature > 0 ? warmShare : coldShare;
  let [low, high] = bracket(classes, mass, temperature);
  let nu = high;
  for (let i = 0; i < BISECTIONS_MAX; i++) {
    nu = (low + high) / 2;
    const total = fill(classes, mass, temperature, nu, share, out);
    if (Math.abs(total - 1) < TOLERANCE || nu === low || nu === high) break;
    if (total > 1) high = nu;
    else low = nu;
  }
  let total = 0;
  for (let k = 0; k < out.length; k++) total += out[k] as number;
  assert(total > 0 && Number.isFinite(total), 'the shares of the classes have no sum');
  for (let k = 0; k < out.length; k++) out[k] = (out[k] as number) / total;
  return nu;
}

type Share = (price: number, slope: number, count: number, mass: number, t: number, nu: number) => number;

/** ν lies between these: at the lower Σπ ≤ 1, at the upper the cheapest class alone takes all of it. */
function bracket(classes: Alternatives, mass: number, temperature: number): [number, number] {
  const { prices, slopes, counts } = classes;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.POSITIVE_INFINITY;
  let nodes = 0;
  for (let k = 0; k < prices.length; k++) {
    const price = prices[k] as number;
    const count = counts[k] as number;
    nodes += count;
    low = Math.min(low, price);
    const entropy = temperature > 0 ? -temperature * Math.log(count) : 0;
    high = Math.min(high, price + ((slopes[k] as number) * mass) / count + entropy);
  }
  // With all prices at their least and no slope every node would get 1/nodes: no ν can be lower.
  if (temperature > 0) low -= temperature * Math.log(nodes);
  assert(Number.isFinite(low) && Number.isFinite(high), 'a price, slope or count is not finite');
  return [low, Math.max(low, high)];
}

function fill(
  classes: Alternatives,
  mass: number,
  temperature: number,
  nu: number,
  share: Share,
  out: Float64Array,
): number {
  const { prices, slopes, counts } = classes;
  let total = 0;
  for (let k = 0; k < out.length; k++) {
    const x = share(prices[k] as number, slopes[k] as number, counts[k] as number, mass, temperature, nu);
    out[k] = x;
    total += x;
  }
  return total;
}

function coldShare(
  price: number,
  slope: number,
  count: number,
  mass: number,
  _t: number,
  nu: number,
): number {
  return nu > price ? (count * (nu - price)) / (slope * mass) : 0;
}

/** Solves U + c e^z + T z = ν for z = ln(π/g): increasing and convex in z, so Newton from the right never overshoots. */
function warmShare(price: number, slope: number, count: number, mass: number, t: number, nu: number): number {
  const steep = slope * mass;
  const gap = nu - price;
  // Both bound the root from above: T z < gap, and c e^z ≤ gap where z ≥ 0.
  let z = Math.min(gap / t, gap > steep ? Math.log(gap / steep) : 0);
  for (let i = 0; i < NEWTON_STEPS_MAX; i++) {
    const risen = steep * Math.exp(z);
    const step = (risen + t * z - gap) / (risen + t);
    z -= step;
    if (Math.abs(step) < 1e-14 * (1 + Math.abs(z))) break;
  }
  return count * Math.exp(z);
}
