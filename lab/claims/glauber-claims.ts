/**
 * T-04: jobs that re-place themselves one at a time by logit choice visit placements in proportion to e^{−Φ/T}.
 *
 * @source theory §1A P4.
 */
import type { Random } from '../../src/kernel/random.ts';
import { drawIndex, glauberStep, logitProbabilities } from '../../src/physics/logit.ts';
import { type GameSpec, PotentialGame } from '../../src/physics/potential-game.ts';
import { atMost, type Claim, type Measurement } from './claim.ts';

const NODES = 3;
const JOBS = 5;
const STATES = NODES ** JOBS;
const STEPS = 400_000;
const TEMPERATURE = 0.1;

/** T-04. */
export const GLAUBER_GIBBS: Claim = {
  test: 'T-04',
  title: 'Serial logit choice is Gibbs sampling',
  claim:
    'When one random job at a time re-places itself with probability ∝ e^{−cost/T}, placements are visited with probability ∝ e^{−Φ/T}: the temperature is a budget for exploitability.',
  conditions:
    'One job at a time, fresh prices, marginal contributions; after mixing, which near T → 0 is slow.',
  notClaimed: 'It does not hold for jobs that revise at the same time on the same view.',
  quick: true,
  measure(random: Random): Measurement {
    const sizes = Float64Array.from({ length: JOBS }, () => 0.08 + 0.1 * random.nextDouble());
    const spec: GameSpec = {
      kind: 'barrier',
      nodeCount: NODES,
      resourceCount: 1,
      capacities: Float64Array.from([1, 1.1, 1.3]),
      weights: Float64Array.of(1),
      demands: sizes,
    };
    const gibbs = exactGibbs(spec);
    const serial = new PotentialGame(spec, new Int32Array(JOBS));
    const scratch = new Float64Array(NODES);
    const atOnce = new PotentialGame(spec, new Int32Array(JOBS));
    const choices = new Int32Array(JOBS);
    return {
      checks: [
        atMost(
          `total variation from Gibbs after ${STEPS} steps`,
          distance(gibbs, serial, STEPS, () => glauberStep(serial, TEMPERATURE, scratch, random)),
          0.03,
        ),
        atMost('largest relative error of detailed balance, all states', balanceError(spec, gibbs), 1e-12),
      ],
      controls: [
        atMost(
          'total variation when all jobs revise at once on the same view',
          distance(gibbs, atOnce, STEPS, () => reviseAll(atOnce, choices, scratch, random)),
          0.03,
        ),
      ],
      notes: [
        `${NODES} nodes, ${JOBS} jobs, all ${STATES} placements, T = ${TEMPERATURE}. The design’s experiment had 0.437 for the control, in a game whose sizes are not recorded.`,
      ],
    };
  },
};

/** Every job chooses by the prices of the same moment. */
function reviseAll(game: PotentialGame, choices: Int32Array, scratch: Float64Array, random: Random): void {
  for (let j = 0; j < JOBS; j++) {
    game.pricesOf(j, scratch);
    logitProbabilities(scratch, TEMPERATURE, scratch);
    choices[j] = drawIndex(scratch, random);
  }
  for (let j = 0; j < JOBS; j++) game.move(j, choices[j] as number);
}

/** Puts the jobs where the digits of `state` say. */
function putState(game: PotentialGame, state: number): void {
  for (let j = 0, rest = state; j < JOBS; j++, rest = Math.floor(rest / NODES)) game.move(j, rest % NODES);
}

function stateOf(game: PotentialGame): number {
  let state = 0;
  for (let j = JOBS - 1; j >= 0; j--) state = state * NODES + (game.placement[j] as number);
  return state;
}

function exactGibbs(spec: GameSpec): Float64Array {
  const game = new PotentialGame(spec, new Int32Array(JOBS));
  const phis = new Float64Array(STATES);
  for (let state = 0; state < STATES; state++) {
    putState(game, state);
    phis[state] = game.potential();
  }
  logitProbabilities(phis, TEMPERATURE, phis);
  return phis;
}

/** Total variation between the exact law and the visits of a run. */
function distance(gibbs: Float64Array, game: PotentialGame, steps: number, advance: () => void): number {
  const visits = new Float64Array(STATES);
  for (let i = 0; i < steps; i++) {
    advance();
    const state = stateOf(game);
    visits[state] = (visits[state] as number) + 1 / steps;
  }
  return gibbs.reduce((sum, p, state) => sum + Math.abs(p - (visits[state] as number)) / 2, 0);
}

/** max |π(a)P(a → b) − π(b)P(b → a)| / π(a)P(a → b) over all moves of one job. */
function balanceError(spec: GameSpec, gibbs: Float64Array): number {
  const game = new PotentialGame(spec, new Int32Array(JOBS));
  const forth = new Float64Array(NODES);
  let worst = 0;
  for (let state = 0; state < STATES; state++) {
    putState(game, state);
    for (let j = 0; j < JOBS; j++) {
      const home = game.placement[j] as number;
      game.pricesOf(j, forth);
      logitProbabilities(forth, TEMPERATURE, forth);
      for (let n = 0; n < NODES; n++) {
        if (n === home) continue;
        const flow = (gibbs[state] as number) * (forth[n] as number);
        game.move(j, n);
        const back = new Float64Array(NODES);
        game.pricesOf(j, back);
        logitProbabilities(back, TEMPERATURE, back);
        const reverse = (gibbs[stateOf(game)] as number) * (back[home] as number);
        game.move(j, home);
        worst = Math.max(worst, Math.abs(flow - reverse) / flow);
      }
    }
  }
  return worst;
}
