/**
 * T-02 and T-03: serial best responses stop in an equilibrium, and its distance from the best placement.
 *
 * @source theory §1A P1 (finite improvement), P2 (gap theorem), P3 (price of anarchy of |L|²).
 */
import type { Random } from '../../src/kernel/random.ts';
import { type GameSpec, PotentialGame } from '../../src/physics/potential-game.ts';
import { atMost, type Claim, type Measurement, within } from './claim.ts';
import { placedWithRoom, randomGame } from './random-games.ts';

const STARTS = 100;
const MOVES_MAX = 20_000;
const ROUNDS_MAX = 30;
/** Gains below this are rounding. */
const GAIN_MIN = 1e-12;
const SMALL_GAMES = 1000;

/** T-02: best responses one at a time lower Φ until no job can gain. */
export const BEST_RESPONSE_STOPS: Claim = {
  test: 'T-02',
  title: 'Serial best responses stop in an equilibrium',
  claim:
    'Jobs that move one at a time, each to its cheapest node, lower Φ with every move and stop where no job gains by moving alone (exploitability 0).',
  conditions:
    'Marginal-contribution prices that are fresh at every move; one move at a time; jobs and nodes do not change meanwhile.',
  notClaimed:
    'Not that it is quick in the worst case, not that the equilibrium is the best placement, and not that jobs that move at the same time stop at all.',
  quick: true,
  measure(random: Random): Measurement {
    let serial = 0;
    let simultaneous = 0;
    let movesMax = 0;
    let plot: { serial: number[]; simultaneous: number[] } | undefined;
    for (let i = 0; i < STARTS; i++) {
      const start = packed(
        randomGame({ nodes: 30, jobs: 120, resources: 2, load: 0.6, spread: 0.3 }, random),
        random,
      );
      const one = serialRun(start);
      const all = simultaneousRun(start);
      serial += one.good ? 1 : 0;
      simultaneous += all.good ? 1 : 0;
      movesMax = Math.max(movesMax, one.moves);
      plot ??= { serial: one.phis, simultaneous: all.phis };
    }
    return {
      checks: [
        within(
          'share of 100 bad starts that stop, Φ falling with every move, exploitability 0',
          serial / STARTS,
          1,
          1,
        ),
      ],
      controls: [within('the same when all jobs move at once on the same view', simultaneous / STARTS, 1, 1)],
      notes: [`At most ${movesMax} moves for 120 jobs on 30 nodes, from first-fit packed starts.`],
      plots: [
        {
          title: 'Φ from the first bad start',
          reading: 'The same jobs and nodes; Φ has to fall for a schedule to settle.',
          xLabel: 'sweeps over all jobs (serial) or rounds (all at once)',
          yLabel: 'Φ',
          series: [
            {
              name: 'one at a time',
              x: plot?.serial.map((_, x) => x) ?? [],
              y: plot?.serial ?? [],
            },
            {
              name: 'all at once',
              x: plot?.simultaneous.map((_, x) => x) ?? [],
              y: plot?.simultaneous ?? [],
            },
          ],
        },
      ],
    };
  },
};

interface Descent {
  readonly good: boolean;
  readonly moves: number;
  /** Φ at the start of every sweep or round. */
  readonly phis: number[];
}

/** The same jobs packed first-fit on nodes in random order. */
function packed(game: PotentialGame, random: Random): PotentialGame {
  const order = Array.from({ length: game.spec.nodeCount }, (_, n) => n);
  for (let i = order.length - 1; i > 0; i--) {
    const k = random.nextInt(i + 1);
    [order[i], order[k]] = [order[k] as number, order[i] as number];
  }
  for (let j = 0; j < game.jobCount; j++) {
    const now = order.indexOf(game.placement[j] as number);
    const target = order.findIndex((n, i) => i < now && game.price(j, n) < Number.POSITIVE_INFINITY);
    if (target >= 0) game.move(j, order[target] as number);
  }
  return game;
}

function serialRun(start: PotentialGame): Descent {
  const game = new PotentialGame(start.spec, start.placement);
  let phi = game.potential();
  const phis = [phi];
  let falling = true;
  let count = 0;
  const moves = game.settle(GAIN_MIN, MOVES_MAX, () => {
    const next = game.potential();
    falling &&= next < phi;
    phi = next;
    if (++count % game.jobCount === 0) phis.push(phi);
  });
  phis.push(phi);
  return { good: falling && moves < MOVES_MAX && game.exploitability().max <= GAIN_MIN, moves, phis };
}

/** All jobs read the same loads and move at once; a node that is full by then refuses. */
function simultaneousRun(start: PotentialGame): Descent {
  const game = new PotentialGame(start.spec, start.placement);
  const targets = new Int32Array(game.jobCount);
  const phis = [game.potential()];
  let falling = true;
  let moves = 0;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    let moved = 0;
    for (let j = 0; j < targets.length; j++) targets[j] = game.bestNode(j, GAIN_MIN);
    for (let j = 0; j < targets.length; j++) {
      const target = targets[j] as number;
      if (target === game.placement[j] || game.price(j, target) === Number.POSITIVE_INFINITY) continue;
      game.move(j, target);
      moved++;
    }
    if (moved === 0) break;
    moves += moved;
    const phi = game.potential();
    falling &&= phi < (phis.at(-1) as number);
    phis.push(phi);
  }
  return { good: falling && game.exploitability().max <= GAIN_MIN, moves, phis };
}

/** T-03: the distance of an equilibrium from the best placement, even a fractional one. */
export const EQUILIBRIUM_GAP: Claim = {
  test: 'T-03',
  title: 'Distance of an equilibrium from the optimum',
  claim:
    'An ε-equilibrium has Φ ≤ Φ(any placement, fractional ones too) + M Σ|d|² + J ε; for jobs of at most a tenth of a node at load ≤ 0.8 it is within 1 % of the fractional optimum. For U = |L|² every equilibrium obeys the price-of-anarchy bound ((1 + √(1 + 4δ))/2)², δ = Σ|d|² / Φ(optimum).',
  conditions:
    'M bounds U″ on all loads within one job of the present ones, and every such move fits. The bound is empty near saturation, where M = 1/(1 − ρ)² has no limit.',
  notClaimed:
    'Φ is the only yardstick: nothing about fragmentation, makespan or completion times, and nothing where moves do not fit.',
  quick: true,
  measure(random: Random): Measurement {
    const games = gapGames(random, true);
    const unsettled = gapGames(random, false);
    const worst = smallQuadraticGames(random);
    const large = Array.from({ length: 3 }, () => uniformGap(0.5, 0.7, random, true).ratio);
    return {
      checks: [
        atMost('largest Φ(equilibrium) / Φ(fractional optimum), jobs ≤ 0.1, load 0.5–0.8', games.ratio, 1.01),
        atMost('largest (Φ(equilibrium) − Φ(fractional)) / (M Σ|d|² + J ε)', games.used, 1),
        atMost(
          `largest ratio / bound over all equilibria of ${SMALL_GAMES} games with U = |L|²`,
          worst.nash,
          1,
        ),
      ],
      controls: [
        atMost(
          'Φ(equilibrium) / Φ(fractional optimum) with jobs up to half a node',
          Math.min(...large),
          1.01,
        ),
        atMost(
          'smallest Φ / Φ(fractional optimum) of such games where they start, before any job has moved',
          unsettled.least,
          1.01,
        ),
        atMost('ratio / bound at the worst placement instead of an equilibrium', worst.any, 1),
      ],
      notes: [
        'All games start from jobs packed first-fit, which is far from any equilibrium.',
        `The gap theorem is valid and loose: the gap is at most ${(100 * games.used).toFixed(2)} % of its bound (here M comes from the fullest node plus the largest job).`,
      ],
    };
  },
};

interface Gap {
  /** Φ(equilibrium) / Φ(fractional optimum). */
  readonly ratio: number;
  /** Gap over its bound; NaN where a move does not fit, so that the theorem is silent. */
  readonly used: number;
}

/** @param settle True if jobs move until no job gains; false: they stay where they were packed. */
function gapGames(random: Random, settle: boolean): Gap & { readonly least: number } {
  let ratio = 0;
  let used = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const load of [0.5, 0.7, 0.8]) {
    for (const gap of [
      uniformGap(0.1, load, random, settle),
      uniformGap(0.05, load, random, settle),
      lineGap(load, random, settle),
    ]) {
      least = Math.min(least, gap.ratio);
      ratio = Math.max(ratio, gap.ratio);
      used = Math.max(used, gap.used);
    }
  }
  return { ratio, used, least };
}

/** 50 equal nodes, 3 resources: the fractional optimum spreads evenly. */
function uniformGap(largest: number, load: number, random: Random, settle: boolean): Gap {
  const nodes = 50;
  const resources = 3;
  const jobs = Math.round((nodes * load) / (largest / 2));
  const spec: GameSpec = {
    kind: 'barrier',
    nodeCount: nodes,
    resourceCount: resources,
    capacities: new Float64Array(nodes * resources).fill(1),
    weights: new Float64Array(resources).fill(1),
    demands: Float64Array.from({ length: jobs * resources }, () => largest * random.nextDouble()),
  };
  const game = packed(placedWithRoom(spec), random);
  if (settle) game.settle(GAIN_MIN, 100 * jobs);
  const mean = new Float64Array(resources);
  spec.demands.forEach((d, i) => {
    mean[i % resources] = (mean[i % resources] as number) + d / nodes;
  });
  const fractional = mean.reduce((sum, rho) => sum - nodes * Math.log(1 - rho), 0);
  return gapOf(game, fractional, spec.demands);
}

/** 20 unequal nodes, one resource: the fractional optimum leaves the same room on every node that is used. */
function lineGap(load: number, random: Random, settle: boolean): Gap {
  const game = packed(randomGame({ nodes: 20, jobs: 400, resources: 1, load, spread: 0.2 }, random), random);
  if (settle) game.settle(GAIN_MIN, 40_000);
  const capacities = game.spec.capacities;
  const total = game.spec.demands.reduce((sum, d) => sum + d, 0);
  let low = 0;
  let high = Math.max(...capacities);
  for (let i = 0; i < 200; i++) {
    const room = (low + high) / 2;
    const filled = capacities.reduce((sum, c) => sum + Math.max(0, c - room), 0);
    if (filled > total) low = room;
    else high = room;
  }
  const fractional = capacities.reduce((sum, c) => sum - Math.log(Math.min(1, high / c)), 0);
  const smallest = Math.min(...capacities);
  return gapOf(
    game,
    fractional,
    game.spec.demands.map((d) => d / smallest),
  );
}

/** @param demands In units of the smallest capacity. */
function gapOf(game: PotentialGame, fractional: number, demands: Float64Array): Gap {
  let fullest = 0;
  game.loads.forEach((load, i) => {
    fullest = Math.max(fullest, load / (game.spec.capacities[i] as number));
  });
  const reach = fullest + demands.reduce((max, d) => Math.max(max, d), 0);
  const squares = demands.reduce((sum, d) => sum + d * d, 0);
  const gap = game.potential() - fractional;
  const bound = squares / (1 - reach) ** 2 + game.jobCount * game.exploitability().max;
  return { ratio: game.potential() / fractional, used: reach < 1 ? gap / bound : Number.NaN };
}

/** Largest ratio/bound over all equilibria, and over all placements, of small games with U = |L|². */
function smallQuadraticGames(random: Random): { nash: number; any: number } {
  let nash = 0;
  let any = 0;
  for (let i = 0; i < SMALL_GAMES; i++) {
    const nodes = 2 + random.nextInt(2);
    const jobs = 3 + random.nextInt(3);
    const result = solveQuadratic(nodes, jobs, random);
    nash = Math.max(nash, result.nash);
    any = Math.max(any, result.any);
  }
  return { nash, any };
}

function solveQuadratic(nodes: number, jobs: number, random: Random): { nash: number; any: number } {
  const demands = Float64Array.from({ length: jobs * 2 }, () => random.nextDouble() ** 2);
  const spec: GameSpec = {
    kind: 'quadratic',
    nodeCount: nodes,
    resourceCount: 2,
    capacities: new Float64Array(nodes * 2).fill(1),
    weights: new Float64Array(2).fill(1),
    demands,
  };
  const game = new PotentialGame(spec, new Int32Array(jobs));
  let optimum = Number.POSITIVE_INFINITY;
  let nash = 0;
  let any = 0;
  for (let state = 0; state < nodes ** jobs; state++) {
    for (let j = 0, rest = state; j < jobs; j++, rest = Math.floor(rest / nodes)) {
      if (game.placement[j] !== rest % nodes) game.move(j, rest % nodes);
    }
    const phi = game.potential();
    optimum = Math.min(optimum, phi);
    any = Math.max(any, phi);
    if (phi > nash && game.exploitability().max <= GAIN_MIN) nash = phi;
  }
  const delta = demands.reduce((sum, d) => sum + d * d, 0) / optimum;
  const bound = ((1 + Math.sqrt(1 + 4 * delta)) / 2) ** 2;
  return { nash: nash / optimum / bound, any: any / optimum / bound };
}
