/**
 * Random placement games for the claims: nodes, jobs and a feasible start.
 */
import type { Random } from '../../src/kernel/random.ts';
import { type GameSpec, PotentialGame } from '../../src/physics/potential-game.ts';

/** Parameters of a random game. */
export interface GameShape {
  readonly nodes: number;
  readonly jobs: number;
  readonly resources: number;
  /** Demand over capacity of the whole, each resource. */
  readonly load: number;
  /** Capacities in 1 ± spread; in [0, 1). */
  readonly spread: number;
}

/** @returns A game with jobs of unequal size (1 : 10), placed where there is most room. */
export function randomGame(shape: GameShape, random: Random): PotentialGame {
  const { nodes, jobs, resources, load, spread } = shape;
  const capacities = new Float64Array(nodes * resources);
  const demands = new Float64Array(jobs * resources);
  const weights = new Float64Array(resources).fill(1);
  for (let i = 0; i < capacities.length; i++) capacities[i] = 1 + spread * (2 * random.nextDouble() - 1);
  for (let i = 0; i < demands.length; i++) demands[i] = 0.1 + 0.9 * random.nextDouble();
  for (let r = 0; r < resources; r++) scaleDemands(demands, capacities, resources, r, load);
  const spec: GameSpec = {
    kind: 'barrier',
    nodeCount: nodes,
    resourceCount: resources,
    capacities,
    weights,
    demands,
  };
  return placedWithRoom(spec);
}

/** Scales resource r of all demands to `load` × its capacity. */
function scaleDemands(
  demands: Float64Array,
  capacities: Float64Array,
  stride: number,
  r: number,
  load: number,
): void {
  let have = 0;
  let want = 0;
  for (let i = r; i < capacities.length; i += stride) have += capacities[i] as number;
  for (let i = r; i < demands.length; i += stride) want += demands[i] as number;
  for (let i = r; i < demands.length; i += stride) demands[i] = ((demands[i] as number) * load * have) / want;
}

/** Places job by job on the node with the most room in its tightest resource. */
export function placedWithRoom(spec: GameSpec): PotentialGame {
  const { nodeCount, resourceCount, capacities, demands } = spec;
  const loads = new Float64Array(capacities.length);
  const jobs = demands.length / resourceCount;
  const placement = new Int32Array(jobs);
  for (let j = 0; j < jobs; j++) {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let n = 0; n < nodeCount; n++) {
      let fullest = 0;
      for (let r = 0; r < resourceCount; r++) {
        const at = n * resourceCount + r;
        const rho =
          ((loads[at] as number) + (demands[j * resourceCount + r] as number)) / (capacities[at] as number);
        fullest = Math.max(fullest, rho);
      }
      if (fullest < least) {
        least = fullest;
        best = n;
      }
    }
    placement[j] = best;
    for (let r = 0; r < resourceCount; r++) {
      const at = best * resourceCount + r;
      loads[at] = (loads[at] as number) + (demands[j * resourceCount + r] as number);
    }
  }
  return new PotentialGame(spec, placement);
}

/** The charge of job j in its place if sizes are charged at a unit price: Σ_r d_r · (−ln(1 − ρ_r)). */
export function averagePrice(game: PotentialGame, j: number): number {
  const { resourceCount, capacities, demands } = game.spec;
  const n = game.placement[j] as number;
  let sum = 0;
  for (let r = 0; r < resourceCount; r++) {
    const at = n * resourceCount + r;
    const rho = (game.loads[at] as number) / (capacities[at] as number);
    sum +=
      (demands[j * resourceCount + r] as number) * (rho < 1 ? -Math.log(1 - rho) : Number.POSITIVE_INFINITY);
  }
  return sum;
}
