/** The preconditions of the physics: the last value that a formula accepts, and the first that it does not. */
import { expect, test } from 'vitest';
import { AssertionFailure } from '../kernel/assert.ts';
import { Random } from '../kernel/random.ts';
import { anticipate } from './anticipated.ts';
import { certifiedGain, dampedStep, moveProbability, stableGain } from './damped-step.ts';
import { GibbsChoice } from './gibbs.ts';
import { baoabStep, eulerMaruyamaStep, type Force, leimkuhlerMatthewsStep, makeWalkers } from './langevin.ts';
import { drawIndex, logitProbabilities } from './logit.ts';
import { type GameSpec, PotentialGame } from './potential-game.ts';
import { reciprocalPrice } from './price-functions.ts';
import { gibbsMean, kramersTime, meanPassageTime, simpson } from './quadrature.ts';

const f = (...xs: number[]): Float64Array => Float64Array.from(xs);
const square = (x: number): number => x * x;

function warm(levels: Float64Array, temperature = 1): GibbsChoice {
  const choice = new GibbsChoice(levels, f(1, 1));
  choice.setTemperature(temperature);
  return choice;
}

const still: Force = (_, out) => void out.fill(0);
const walkers = makeWalkers([0], 1, still, new Random(1));

const GAME: GameSpec = {
  kind: 'quadratic',
  nodeCount: 2,
  resourceCount: 1,
  capacities: f(1, 1),
  weights: f(1),
  demands: f(1),
};
const game = new PotentialGame(GAME, [0]);

const CLASSES = { prices: f(1, 2), slopes: f(1, 1), counts: f(1, 1) };

test.each<readonly [what: string, taken: () => unknown, refused: () => unknown]>([
  ['a delay between rounds', () => stableGain(1), () => stableGain(0.5)],
  ['a delay before now', () => certifiedGain(0), () => certifiedGain(-1)],
  ['no prices', () => dampedStep(f(1), f(1), 1, f(0)), () => dampedStep(f(), f(), 1, f())],
  [
    'a price without a slope',
    () => dampedStep(f(1, 2), f(1, 1), 1, f(0, 0)),
    () => dampedStep(f(1, 2), f(1), 1, f(0, 0)),
  ],
  [
    'a price that is not a number',
    () => dampedStep(f(1, 2), f(1, 1), 1, f(0, 0)),
    () => dampedStep(f(1, NaN), f(1, 1), 1, f(0, 0)),
  ],
  [
    'a move of no agent',
    () => moveProbability(2, 1, 1, 1, 1, 1, 0),
    () => moveProbability(2, 1, 1, 1, 0, 1, 0),
  ],
  ['a level without a count', () => new GibbsChoice(f(1), f(1)), () => new GibbsChoice(f(1, 2), f(1))],
  ['classes without nodes', () => warm(f(1, 2)), () => new GibbsChoice(f(1), f(0)).setTemperature(1)],
  ['a temperature of 0', () => warm(f(1, 2), 1e-9), () => warm(f(1, 2), 0)],
  [
    'shares before a temperature',
    () => warm(f(1, 2)).meanLevel(),
    () => new GibbsChoice(f(1), f(1)).meanLevel(),
  ],
  ['losers among no deciders', () => warm(f(1, 2)).loserFraction(1), () => warm(f(1, 2)).loserFraction(0)],
  [
    'an empty range of temperatures',
    () => warm(f(1, 2)).controlTemperature(9, 0.1, 1, 1),
    () => warm(f(1, 2)).controlTemperature(9, 0.1, 2, 1),
  ],
  ['no mass', () => anticipate(CLASSES, 1e-9, 0, f(0, 0)), () => anticipate(CLASSES, 0, 0, f(0, 0))],
  [
    'shares of other classes',
    () => anticipate(CLASSES, 1, 0, f(0, 0)),
    () => anticipate(CLASSES, 1, 0, f(0)),
  ],
  [
    'costs that are all infinite',
    () => logitProbabilities(f(Infinity, 1), 1, f(0, 0)),
    () => logitProbabilities(f(Infinity), 1, f(0)),
  ],
  [
    'a draw among impossible outcomes',
    () => drawIndex(f(0, 1), new Random(1)),
    () => drawIndex(f(0, 0), new Random(1)),
  ],
  ['a full node', () => reciprocalPrice(0.99, 1), () => reciprocalPrice(1, 1)],
  ['an odd number of intervals', () => simpson(square, 0, 1, 2), () => simpson(square, 0, 1, 3)],
  ['a mean over nothing', () => gibbsMean(square, square, 1, 0, 1), () => gibbsMean(square, square, 1, 1, 1)],
  [
    'a passage backwards',
    () => meanPassageTime(square, 1, 0, 1, 0, 9),
    () => meanPassageTime(square, 1, 1, 0, 0, 9),
  ],
  ['a well without walls', () => kramersTime(1, 1, 1, -1), () => kramersTime(1, 1, 0, 1)],
  [
    'walkers below absolute zero',
    () => makeWalkers([0], 0, still, new Random(1)),
    () => makeWalkers([0], -1, still, new Random(1)),
  ],
  [
    'a BAOAB step backwards',
    () => baoabStep(walkers, still, 0.1, 0, 1, new Random(1)),
    () => baoabStep(walkers, still, -0.1, 0, 1, new Random(1)),
  ],
  [
    'a Leimkuhler–Matthews step backwards',
    () => leimkuhlerMatthewsStep(walkers, still, 0.1, 1, new Random(1)),
    () => leimkuhlerMatthewsStep(walkers, still, -0.1, 1, new Random(1)),
  ],
  [
    'an Euler step backwards',
    () => eulerMaruyamaStep(walkers, still, 0.1, 1, new Random(1)),
    () => eulerMaruyamaStep(walkers, still, -0.1, 1, new Random(1)),
  ],
  ['a move to no node', () => game.move(0, 1), () => game.move(0, 2)],
  ['a price of no job', () => game.price(0, 1), () => game.price(1, 1)],
  ['demands of other jobs', () => new PotentialGame(GAME, [1]), () => new PotentialGame(GAME, [0, 1])],
])('physics does not take %s', (_, taken, refused) => {
  expect(taken).not.toThrow();
  expect(refused).toThrow(AssertionFailure);
});
