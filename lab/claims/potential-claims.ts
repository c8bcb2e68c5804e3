/**
 * T-01 and T-05: prices that make placement an exact potential game, and prices that do not.
 *
 * @source theory §1A P1 and P1'; Monderer & Shapley 1996, theorem 2.8, for closed paths of four moves.
 */
import type { Random } from '../../src/kernel/random.ts';
import type { PotentialGame } from '../../src/physics/potential-game.ts';
import { atLeast, atMost, type Claim, type Measurement } from './claim.ts';
import { averagePrice, randomGame } from './random-games.ts';

const MOVES = 1000;
const PATHS = 2000;

/** T-01: the price quoted to a job changes by exactly the change of the potential. */
export const EXACT_POTENTIAL: Claim = {
  test: 'T-01',
  title: 'Exact potential',
  claim:
    'A job that moves alone changes its own cost by exactly the change of the potential Φ of the whole cluster.',
  conditions:
    'Price = marginal contribution U(L + d) − U(L) with U = −Σ w ln(1 − ρ); indivisible jobs of unequal, vector-valued size; heterogeneous nodes.',
  notClaimed:
    'Nothing about jobs that move at the same time, and nothing about makespan or job completion times.',
  quick: true,
  measure(random: Random): Measurement {
    const game = randomGame({ nodes: 40, jobs: 200, resources: 3, load: 0.7, spread: 0.5 }, random);
    let marginal = 0;
    let average = 0;
    for (let i = 0; i < MOVES; i++) {
      const { job, target } = feasibleMove(game, random);
      const source = game.placement[job] as number;
      const phi = game.potential();
      const cost = game.price(job, source);
      const averageCost = averagePrice(game, job);
      game.move(job, target);
      const risen = game.potential() - phi;
      marginal = Math.max(marginal, Math.abs(risen - (game.price(job, target) - cost)) / phi);
      average = Math.max(average, Math.abs(risen - (averagePrice(game, job) - averageCost)) / phi);
    }
    return {
      checks: [atMost(`largest |ΔΦ − Δcost| / Φ over ${MOVES} random moves`, marginal, 1e-9)],
      controls: [atMost('the same with the price per unit, size × (−ln(1 − ρ))', average, 1e-9)],
    };
  },
};

/** T-05: charging size × unit price has no potential. */
export const AVERAGE_PRICE_DEFECT: Claim = {
  test: 'T-05',
  title: 'Size × unit price has no potential',
  claim:
    'If a job pays its size times a congested unit price instead of its marginal cost, cost changes round a closed path of four moves do not cancel: no potential exists, and moves that each gain may go round in circles.',
  conditions:
    'Unit price −ln(1 − ρ), unequal job sizes. (With equal sizes, or an affine price, a potential exists.)',
  notClaimed:
    'Not that such prices always cycle; only that the argument that they never do is not available.',
  quick: true,
  measure(random: Random): Measurement {
    let average = 0;
    let marginal = 0;
    for (let i = 0; i < PATHS; i++) {
      const game = randomGame({ nodes: 2, jobs: 6, resources: 1, load: 0.45, spread: 0.8 }, random);
      game.placement.forEach((_, j) => {
        game.move(j, random.nextInt(2));
      });
      const a = random.nextInt(game.jobCount);
      const b = (a + 1 + random.nextInt(game.jobCount - 1)) % game.jobCount;
      average = Math.max(
        average,
        pathDefect(game, a, b, (j) => averagePrice(game, j)),
      );
      marginal = Math.max(
        marginal,
        pathDefect(game, a, b, (j) => game.price(j, game.placement[j] as number)),
      );
    }
    return {
      checks: [atLeast(`largest defect of ${PATHS} random closed paths, price per unit`, average, 0.01)],
      controls: [atLeast('the same with the marginal contribution as price', marginal, 0.01)],
    };
  },
};

/**
 * |Sum of the movers' cost changes| when a, b, a, b swap nodes and are back where they were; NaN-free: infinite costs count as
 * none.
 */
function pathDefect(game: PotentialGame, a: number, b: number, cost: (j: number) => number): number {
  let sum = 0;
  for (const j of [a, b, a, b]) {
    const before = cost(j);
    game.move(j, 1 - (game.placement[j] as number));
    sum += cost(j) - before;
  }
  return Number.isFinite(sum) ? Math.abs(sum) : 0;
}

/** A random job and another node that it fits. */
function feasibleMove(game: PotentialGame, random: Random): { job: number; target: number } {
  for (;;) {
    const job = random.nextInt(game.jobCount);
    const target = random.nextInt(game.spec.nodeCount);
    if (target !== game.placement[job] && game.price(job, target) < Number.POSITIVE_INFINITY)
      return { job, target };
  }
}
