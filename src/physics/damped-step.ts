/**
 * Moving load towards equal prices on information that is s rounds old, without oscillation.
 *
 * Each step is divided by how fast the price reacts (its derivative). The gain of the loop is then η itself, whatever
 * the load, the number of nodes or the steepness of prices; so the largest safe η depends on the delay alone.
 *
 * @source theory §1B: D1 fluid step, D2 agent step, S1 sharp linear condition, S2 certificate; Levin & May 1976 for S1.
 */
import { assert } from '../kernel/assert.ts';

/**
 * η below this is stable when information is `delay` rounds old: 2 sin(π / (2(2s + 1))).
 *
 * Exact for the linearised loop e ← e − η e(s rounds ago); near an equilibrium only. @param delay s, an integer ≥ 0.
 */
export function stableGain(delay: number): number {
  assertDelay(delay);
  return 2 * Math.sin(Math.PI / (2 * (2 * delay + 1)));
}

/** η up to this does not even overshoot: s^s / (s + 1)^(s + 1). @param delay s, an integer ≥ 0. */
export function monotoneGain(delay: number): number {
  assertDelay(delay);
  return delay ** delay / (delay + 1) ** (delay + 1);
}

/** γL (or η where the step is divided by the slope) below this has a global certificate: 1 / (s + ½). */
export function certifiedGain(delay: number): number {
  assertDelay(delay);
  return 1 / (delay + 0.5);
}

function assertDelay(delay: number): void {
  assert(Number.isInteger(delay) && delay >= 0, 'a delay is not a number of rounds');
}

/**
 * D1: moves load so that to first order all prices meet, η of the way.
 *
 * @param prices As last seen. @shape [n]
 * @param slopes Derivatives of the prices by the load, > 0. @shape [n]
 * @param gain   η.
 * @param out    Change of each load; sums to 0. @shape [n]
 * @returns      λ, the price at which all would meet.
 */
export function dampedStep(
  prices: Float64Array,
  slopes: Float64Array,
  gain: number,
  out: Float64Array,
): number {
  assert(prices.length > 0, 'no prices to level');
  assert(
    slopes.length === prices.length && out.length === prices.length,
    'prices, slopes and steps differ in length',
  );
  let weighted = 0;
  let total = 0;
  for (let n = 0; n < prices.length; n++) {
    const ease = 1 / (slopes[n] as number);
    weighted += (prices[n] as number) * ease;
    total += ease;
  }
  const lambda = weighted / total;
  assert(total > 0 && Number.isFinite(lambda), 'slopes are not positive, or a price is not finite');
  for (let n = 0; n < prices.length; n++) {
    out[n] = (-gain * ((prices[n] as number) - lambda)) / (slopes[n] as number);
  }
  return lambda;
}

/**
 * D2: probability with which one agent moves from node a to a sampled node b.
 *
 * (p_a − p_b) / (p'_a + p'_b) is the load that would equalise the two; each of the x_a agents takes its share of it.
 *
 * @param agents  x_a: load of a in units of the agent's own size, ≥ 1.
 * @param gain    η.
 * @param gainMin Dead band: migration is not worth less than this.
 */
export function moveProbability(
  priceA: number,
  priceB: number,
  slopeA: number,
  slopeB: number,
  agents: number,
  gain: number,
  gainMin: number,
): number {
  assert(agents > 0 && gain >= 0 && slopeA + slopeB > 0, 'a move of no agent, or on a flat price');
  const saved = priceA - priceB;
  if (!(saved > gainMin)) return 0;
  const q = (2 * gain * saved) / ((slopeA + slopeB) * agents);
  return q < 1 ? q : 1;
}
