/**
 * G-06 to G-09: limits that fall, growth past the actuator, hard constraints and missing data, progress, and a million ticks
 * under everything at once.
 *
 * @source The tables of docs/guard-laws.md.
 */

import { GrowthFilter } from '../../../src/guard/barrier/growth-filter.ts';
import type { Random } from '../../../src/kernel/random.ts';
import { atLeast, atMost, type Claim, type Measurement, within } from '../claim.ts';
import {
  FILTER,
  fallingBarrier,
  figures,
  filtered,
  firstDegree,
  held,
  LAG,
  LIMIT,
  overshoot,
  RATE_MAX,
  ROUNDING,
  slackened,
  standardRun,
  TICK,
} from './growth-laws.ts';
import {
  exactSolution,
  type GrowthLaw,
  type GrowthRun,
  type PlantIntegrator,
  runGrowth,
  rungeKutta,
} from './memory-plant.ts';

const SLOPES = [50, 100, 200] as const;
const FALL_FROM = 1;
const FALL_SECONDS = 1.5;
/** MB/s at which memory of a frozen group is reclaimed. */
const RECLAIM_RATE = 250;

/** G-06. */
export const GROWTH_FALLING_LIMIT: Claim = {
  test: 'G-06',
  title: 'A limit falls only to what can be held',
  claim:
    'Checked against usage and growth in flight before each step, a falling limit in force is never passed: the group is frozen and memory reclaimed first.',
  conditions: 'As G-01; a limit that is asked to fall by 50, 100, 200 MB/s for 1.5 s; reclaim at 250 MB/s.',
  notClaimed: 'That the limit in force follows the one that is asked for at its speed: it follows reclaim.',
  quick: true,
  measure(): Measurement {
    const ours = SLOPES.map(careful);
    const term = SLOPES.map((slope) => {
      const isFalling = (time: number): boolean => time >= FALL_FROM && time < FALL_FROM + FALL_SECONDS;
      const law = fallingBarrier((time) => (isFalling(time) ? -slope : 0));
      return overshoot(() => law, { limit: (time) => asked(slope, time) });
    });
    const unchecked = SLOPES.map((slope) => overshoot(filtered, { limit: (time) => asked(slope, time) }));
    return {
      checks: [
        held('over the limit in force', Math.max(...ours.map((run) => run.overshoot))),
        atMost(
          'MB between the limit in force and the one asked for, at the end',
          Math.max(...ours.map((run) => run.short)),
          TICK * RECLAIM_RATE,
        ),
      ],
      controls: [
        held('a barrier with a term for the falling limit', Math.min(...term)),
        held('the limit lowered unchecked', Math.min(...unchecked)),
      ],
      notes: [
        `Overshoot for −50, −100, −200 MB/s: with the term ${figures(term)}, unchecked ${figures(unchecked)}. The design has 50.5/103.5/115.5 with the term; here the group stands at its limit when it begins to fall.`,
      ],
    };
  },
};

function asked(slope: number, time: number): number {
  return LIMIT - slope * Math.min(Math.max(time - FALL_FROM, 0), FALL_SECONDS);
}

/**
 * A group that is frozen and reclaimed from where the limit cannot fall yet, and thawed when it can.
 *
 * @returns The larger of two integrators, each.
 */
function careful(slope: number): { overshoot: number; short: number } {
  const runs = [exactSolution, rungeKutta].map((integrator) => carefulRun(slope, integrator));
  return {
    overshoot: Math.max(...runs.map((run) => run.overshoot)),
    short: Math.max(...runs.map((run) => run.short)),
  };
}

function carefulRun(slope: number, integrator: PlantIntegrator): { overshoot: number; short: number } {
  const filter = new GrowthFilter(FILTER);
  let limit = LIMIT;
  let reclaiming = false;
  const law: GrowthLaw = (usage, growth, _limit, time) => {
    const wanted = asked(slope, time);
    reclaiming = filter.checkLimit(usage, growth, wanted, time) !== 'holds';
    // As far down as holds now.
    limit = reclaiming ? Math.min(limit, Math.max(wanted, usage + LAG * Math.max(growth, 0))) : wanted;
    return reclaiming ? 0 : filter.allow(usage, growth, limit, time);
  };
  const bypass = (): number => (reclaiming ? -RECLAIM_RATE : 0);
  const run = runGrowth(standardRun(law, { limit: () => limit, bypass, seconds: 5, integrator }));
  return { overshoot: run.overshoot, short: limit - asked(slope, 5) };
}

const BYPASS = 50;
const FREEZE_SECONDS = 0.004;

/** G-07. */
export const GROWTH_BYPASS: Claim = {
  test: 'G-07',
  title: 'Growth past the actuator is stopped by freezing alone',
  claim:
    'A lasting growth w past the actuator passes any margin, since no rate ≥ 0 takes it back; a group frozen before its margin w̄(T + freeze) is used up does not.',
  conditions: 'As G-01; w = 50 MB/s for ever; a freeze takes 4 ms; nothing grows in a frozen group.',
  notClaimed: 'That a frozen group never grows: socket buffers do, which is what w̄ of the margin is for.',
  quick: true,
  measure(): Measurement {
    const bypass = { bypass: () => BYPASS, seconds: 6 };
    const margins = [0, 10, 50, 100].map((margin) => overshoot(() => filtered({ margin }), bypass));
    return {
      checks: [held('frozen when headroom and margin are used up', frozenInTime())],
      controls: [held('margin of 0, 10, 50, 100 MB without a freeze (the least)', Math.min(...margins))],
      notes: [`Without a freeze the group passes by ${figures(margins, 0)} MB in 6 s, and goes on.`],
    };
  },
};

function frozenInTime(): number {
  return Math.max(...[exactSolution, rungeKutta].map(frozenRun));
}

function frozenRun(integrator: PlantIntegrator): number {
  const filter = new GrowthFilter(FILTER);
  let freezesAt = Number.POSITIVE_INFINITY;
  const law: GrowthLaw = (usage, growth, limit, time) => {
    // What it may still grow until the next tick's freeze has hold of it.
    const blind = (growth + BYPASS) * (TICK + FREEZE_SECONDS);
    if (usage + blind > limit) freezesAt = Math.min(freezesAt, time + FREEZE_SECONDS);
    return filter.allow(usage, growth, limit, time);
  };
  const isFrozen = (time: number): boolean => time >= freezesAt;
  return runGrowth(standardRun(law, { bypass: () => BYPASS, seconds: 6, isFrozen, integrator })).overshoot;
}

/** G-08. */
export const GROWTH_HARD: Claim = {
  test: 'G-08',
  title: 'Hard limits are never slackened, and no reading grants nothing',
  claim:
    'The filter holds its limit through readings that are missing, not a number or negative, grants nothing meanwhile, and lets a group grow again within a stated time once it may.',
  conditions:
    'As G-01; readings lost for 0.1 s in every 0.3 s. Progress: after the limit is raised from 400 to 800 MB, 99 % of the new headroom is used within headroom/ū + 5(τ + T).',
  notClaimed: 'Progress of several groups under one limit: the airlock grants to one at a time.',
  quick: true,
  measure(): Measurement {
    const kept = overshoot(() =>
      lossy((filter, _last, limit, time) => filter.allow(Number.NaN, 0, limit, time)),
    );
    const repeated = overshoot(() =>
      lossy((filter, last, limit, time) => filter.allow(last, 0, limit, time)),
    );
    const slack = overshoot(() => slackened(100));
    const filter = new GrowthFilter(FILTER);
    const broken = [
      [Number.NaN, 0],
      [0, Number.NaN],
      [-1, 0],
      [Number.POSITIVE_INFINITY, 0],
    ] as const;
    const granted = broken.map(([usage, growth]) => filter.allow(usage, growth, LIMIT, 0));
    return {
      checks: [
        held('readings lost again and again', kept),
        within('MB/s granted on a reading that is none', Math.max(...granted), 0, 0),
        atMost(
          'seconds until 99 % of 400 MB more are used, less the bound',
          secondsToUse(filtered) - (400 / RATE_MAX + 5 * (LAG + TICK)),
          0,
        ),
      ],
      controls: [
        held('a soft constraint with a penalty of 100', slack),
        held('the last reading repeated while there is none', repeated),
        atMost(
          'the same seconds with a barrier of relative degree 1 slow enough to be safe (1/s)',
          secondsToUse(() => firstDegree(1)) - (400 / RATE_MAX + 5 * (LAG + TICK)),
          0,
        ),
      ],
      notes: [`The slack creeps ${slack.toFixed(2)} MB past the limit and stays there.`],
    };
  },
};

/** A law whose readings are lost a third of the time. @param without What it grants then. */
function lossy(
  without: (filter: GrowthFilter, last: number, limit: number, time: number) => number,
): GrowthLaw {
  const filter = new GrowthFilter(FILTER);
  let last = 0;
  return (usage, growth, limit, time) => {
    if (time % 0.3 >= 0.2) return without(filter, last, limit, time);
    last = usage;
    return filter.allow(usage, growth, limit, time);
  };
}

function secondsToUse(law: () => GrowthLaw): number {
  const raised = 2 * LIMIT;
  let reached = Number.POSITIVE_INFINITY;
  const inner = law();
  const watching: GrowthLaw = (usage, growth, limit, time) => {
    if (usage >= raised - 0.01 * LIMIT) reached = Math.min(reached, time);
    return inner(usage, growth, limit, time);
  };
  runGrowth(standardRun(watching, { usage: LIMIT - 1, limit: () => raised, seconds: 20 }));
  return reached;
}

/** Ticks of a run of G-09. */
const RUN_TICKS = 500;

/** G-09. */
export const GROWTH_MILLION: Claim = {
  test: 'G-09',
  title: 'A million ticks under everything at once',
  claim:
    'With the stated margin the filter never passes its limit under jitter, old readings, dead time, parameters off by 20 % and a worst-case demand together, by the verdict of two independent integrators; and it uses what it is given.',
  conditions:
    'T, δ, d, τ̂ are upper bounds of what happens; ū is reached; the demand switches between full, none and freeing at ticks; 10⁶ ticks (without --full 10⁵).',
  notClaimed: 'Anything past the bounds, and growth past the actuator (G-07).',
  quick: false,
  measure(random: Random, isFull = false): Measurement {
    const runs = (isFull ? 1_000_000 : 100_000) / RUN_TICKS;
    const ours = worstOf(random.fork(1), runs, 'none');
    const bare = worstOf(random.fork(1), Math.min(runs, 200), 'no-margin');
    const wrong = worstOf(random.fork(1), Math.min(runs, 200), 'wrong-plant');
    return {
      checks: [
        held(`largest of ${runs} runs of ${RUN_TICKS} ticks, exact solution`, ours.exact),
        held('the same by Runge–Kutta', ours.steps),
        within('runs with a violation', ours.violations, 0, 0),
        atLeast('mean share of the limit less the margin that is used at the end', ours.used, 0.8),
      ],
      controls: [
        held(`no margin (${Math.min(runs, 200)} runs)`, bare.exact),
        held(`the lag taken for half and no dead time (${Math.min(runs, 200)} runs)`, wrong.exact),
      ],
      notes: [
        `${runs * RUN_TICKS} ticks with each integrator; the two differ by at most ${ours.apart.toExponential(1)} MB.`,
      ],
    };
  },
};

/** How the filter is wrong: no margin at all, or half of the lag and no dead time. */
type Fault = 'none' | 'no-margin' | 'wrong-plant';

function worstOf(random: Random, runs: number, fault: Fault) {
  let exact = Number.NEGATIVE_INFINITY;
  let steps = Number.NEGATIVE_INFINITY;
  let violations = 0;
  let used = 0;
  let apart = 0;
  for (let i = 0; i < runs; i++) {
    const world = randomWorld(random);
    const a = runGrowth({ ...world.run, law: lawOf(world, fault), integrator: exactSolution });
    const b = runGrowth({ ...world.run, law: lawOf(world, fault), integrator: rungeKutta });
    exact = Math.max(exact, a.overshoot);
    steps = Math.max(steps, b.overshoot);
    apart = Math.max(apart, Math.abs(a.overshoot - b.overshoot));
    if (Math.max(a.overshoot, b.overshoot) > ROUNDING) violations++;
    used += a.usage / (LIMIT - world.margin);
  }
  return { exact, steps, violations, used: used / runs, apart };
}

interface RandomWorld {
  readonly run: Omit<GrowthRun, 'law'>;
  readonly tick: number;
  readonly lag: number;
  readonly stale: number;
  readonly dead: number;
  readonly margin: number;
}

function randomWorld(random: Random): RandomWorld {
  const between = (low: number, high: number): number => low + (high - low) * random.nextDouble();
  const tick = between(0.001, 0.01);
  const lag = between(0.01, 0.1);
  const stale = between(0, 0.01);
  const dead = between(0, 0.03);
  const column = (low: number, high: number): number[] =>
    Array.from({ length: RUN_TICKS }, () => between(low, high));
  const shares = column(0.2, 1);
  const ages = column(0, stale);
  // At full demand most of the time, so that the boundary is reached; then a switch at each tick.
  const demands = shares.map((_, k) => adversary(k, random));
  const at = (values: readonly number[], tick_: number): number => values[tick_ % RUN_TICKS] as number;
  return {
    tick,
    lag,
    stale,
    dead,
    margin: RATE_MAX * (stale + dead),
    run: {
      // The bounds of the filter are 20 % above the truth at most: a lag that is shorter than believed is the worst case.
      lagSeconds: lag * between(0.67, 1),
      deadSeconds: dead * between(0.8, 1),
      tickSeconds: tick,
      seconds: RUN_TICKS * tick * 0.5,
      rateMax: RATE_MAX,
      limit: () => LIMIT,
      usage: LIMIT * 0.6 * random.nextDouble(),
      tickShare: (k) => at(shares, k),
      staleSeconds: (k) => at(ages, k),
      demand: (k) => at(demands, k),
    },
  };
}

function adversary(tick: number, random: Random): number {
  if (tick % 100 < 70) return RATE_MAX;
  const draw = random.nextDouble();
  return draw < 0.6 ? RATE_MAX : draw < 0.8 ? 0 : -RATE_MAX / 10;
}

function lawOf(world: RandomWorld, fault: Fault): GrowthLaw {
  const { tick, lag, stale, dead, margin } = world;
  const isWrong = fault === 'wrong-plant';
  return filtered({
    tickSeconds: tick,
    lagSeconds: isWrong ? lag / 2 : lag,
    staleSeconds: stale,
    deadSeconds: isWrong ? 0 : dead,
    margin: fault === 'no-margin' ? 0 : isWrong ? RATE_MAX * stale : margin,
  });
}
