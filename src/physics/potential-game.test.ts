import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { Random } from '../kernel/random.ts';
import { drawIndex, glauberStep, logitProbabilities } from './logit.ts';
import { type GameSpec, PotentialGame } from './potential-game.ts';

function specOf(seed: number, kind: GameSpec['kind'], nodes = 4, jobs = 8, resources = 2): GameSpec {
  const random = new Random(seed);
  const fill = (length: number, low: number, high: number) =>
    Float64Array.from({ length }, () => low + (high - low) * random.nextDouble());
  return {
    kind,
    nodeCount: nodes,
    resourceCount: resources,
    capacities: fill(nodes * resources, 0.8, 1.5),
    weights: fill(resources, 0.5, 2),
    demands: fill(jobs * resources, 0.02, 0.09),
  };
}

describe.each(['barrier', 'quadratic'] as const)('a game with %s costs', (kind) => {
  test('a move changes the cost by what it changes Φ', () => {
    checkProperty(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.nat(7), fc.nat(3), (seed, j, n) => {
        const random = new Random(seed, 1);
        const game = new PotentialGame(
          specOf(seed, kind),
          Array.from({ length: 8 }, () => random.nextInt(4)),
        );
        const before = game.potential() - game.price(j, game.placement[j] as number);
        game.move(j, n);
        expect(game.potential() - game.price(j, n)).toBeCloseTo(before, 12);
      }),
    );
  });

  test('the exploitability is the best gain of any job', () => {
    const game = new PotentialGame(specOf(5, kind), new Int32Array(8));
    let max = 0;
    let sum = 0;
    let relative = 0;
    for (let j = 0; j < 8; j++) {
      const now = game.price(j, 0);
      const gain = now - Math.min(...[0, 1, 2, 3].map((n) => game.price(j, n)));
      max = Math.max(max, gain);
      sum += gain;
      relative = Math.max(relative, gain / now);
    }
    const found = game.exploitability();
    expect(found.max).toBeCloseTo(max, 12);
    expect(found.sum).toBeCloseTo(sum, 12);
    expect(found.relativeMax).toBeCloseTo(relative, 12);
    expect(max).toBeGreaterThan(0);
  });

  test('settles where no job gains, with every move downhill', () => {
    const game = new PotentialGame(specOf(6, kind), new Int32Array(8));
    let phi = game.potential();
    const moves = game.settle(1e-12, 1000, () => {
      expect(game.potential()).toBeLessThan(phi);
      phi = game.potential();
    });
    expect(moves).toBeGreaterThan(0);
    expect(moves).toBeLessThan(1000);
    expect(game.exploitability().max).toBeLessThanOrEqual(1e-12);
  });
});

test('a node without room costs Infinity and is never chosen', () => {
  const spec: GameSpec = {
    kind: 'barrier',
    nodeCount: 2,
    resourceCount: 1,
    capacities: Float64Array.of(1, 0.2),
    weights: Float64Array.of(1),
    demands: Float64Array.of(0.6, 0.3),
  };
  const game = new PotentialGame(spec, [0, 0]);
  expect(game.price(0, 1)).toBe(Number.POSITIVE_INFINITY);
  expect(game.bestNode(0)).toBe(0);
  expect(game.price(0, 0)).toBeCloseTo(-Math.log(0.1) + Math.log(0.7), 12);
  expect(game.exploitability().max).toBe(0);
});

test('settling is cut off at the most moves', () => {
  const game = new PotentialGame(specOf(6, 'barrier'), new Int32Array(8));
  expect(game.settle(1e-12, 2)).toBe(2);
});

describe('logit choice', () => {
  test('weighs costs by the temperature and never takes an infinite one', () => {
    const out = new Float64Array(3);
    logitProbabilities(Float64Array.of(700, 700 + Math.LN2, Number.POSITIVE_INFINITY), 1, out);
    expect([...out]).toEqual([expect.closeTo(2 / 3, 12), expect.closeTo(1 / 3, 12), 0]);
    logitProbabilities(Float64Array.of(1, 2, 3), 1e-6, out);
    expect([...out]).toEqual([1, 0, 0]);
  });

  test('draws by the probabilities', () => {
    const random = new Random(1);
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) {
      const k = drawIndex(Float64Array.of(0.2, 0, 0.8), random);
      counts[k] = (counts[k] as number) + 1;
    }
    expect((counts[0] as number) / 30_000).toBeCloseTo(0.2, 1);
    expect(counts[1]).toBe(0);
    // Rounding may leave a little: the last possible one takes it.
    expect(drawIndex(Float64Array.of(0.5, 0.4, 0), { nextFloat: () => 0.999 } as unknown as Random)).toBe(1);
  });

  test('a cold Glauber step is a best response', () => {
    const game = new PotentialGame(specOf(9, 'barrier'), new Int32Array(8));
    const scratch = new Float64Array(4);
    const random = new Random(2);
    for (let i = 0; i < 400; i++) glauberStep(game, 1e-9, scratch, random);
    expect(game.exploitability().max).toBeLessThan(1e-6);
  });
});
