/**
 * Logit choice: an alternative of cost c is taken in proportion to e^{−c/T}.
 *
 * What T means to an operator: how much of the best price one is ready to give up, at most T ln N a choice, in exchange
 * for not doing what all others do. One job at a time re-placed in this way (Glauber dynamics) visits placements in
 * proportion to e^{−Φ/T}; many at once on the same view do not.
 *
 * @source theory §1A P4; Blume 1993, The statistical mechanics of strategic interaction.
 */
import { assert } from '../kernel/assert.ts';
import type { Random } from '../kernel/random.ts';
import type { PotentialGame } from './potential-game.ts';

/**
 * Turns costs into probabilities. Uses Math.exp.
 *
 * @param costs       At least one finite; Infinity is never chosen. @shape [n]
 * @param temperature T > 0, in the unit of the costs.
 * @param out         Probabilities of sum 1; may be `costs`. @shape [n]
 */
export function logitProbabilities(costs: Float64Array, temperature: number, out: Float64Array): void {
  assert(temperature > 0, 'a temperature is not positive');
  assert(costs.length > 0 && out.length === costs.length, 'no alternative, or probabilities of others');
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < costs.length; i++) least = Math.min(least, costs[i] as number);
  let sum = 0;
  for (let i = 0; i < costs.length; i++) {
    const weight = Math.exp((least - (costs[i] as number)) / temperature);
    out[i] = weight;
    sum += weight;
  }
  assert(sum >= 1, 'no alternative has a finite cost');
  for (let i = 0; i < costs.length; i++) out[i] = (out[i] as number) / sum;
}

/** @returns An index in proportion to probabilities of sum 1. One draw. O(n). */
export function drawIndex(probabilities: Float64Array, random: Random): number {
  let left = random.nextFloat();
  let last = -1;
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i] as number;
    if (p <= 0) continue;
    last = i;
    left -= p;
    if (left < 0) return i;
  }
  assert(last >= 0, 'nothing to draw has a probability above 0');
  return last;
}

/** One step of Glauber dynamics: a random job is re-placed by logit choice. @param scratch @shape [nodes] */
export function glauberStep(
  game: PotentialGame,
  temperature: number,
  scratch: Float64Array,
  random: Random,
): void {
  const j = random.nextInt(game.jobCount);
  assert(scratch.length === game.spec.nodeCount, 'prices of other nodes than there are');
  game.pricesOf(j, scratch);
  logitProbabilities(scratch, temperature, scratch);
  game.move(j, drawIndex(scratch, random));
}
