/**
 * T-28, T-30 and T-31: what the token rule shares out, against Karma and max-min, against liars, and against a partition.
 *
 * @source theory §5 (half-life as horizon of fairness, strategy surface).
 */
import type { Random } from '../../../src/kernel/random.ts';
import { atLeast, atMost, type Claim, type Measurement, within } from '../claim.ts';
import { DURATION_LIES, durationGain } from './duration-lies.ts';
import {
  KARMA_CAPACITY,
  KARMA_SEEDS,
  KARMA_SHARES,
  type OverReference,
  overReference,
} from './karma-setting.ts';
import {
  type Demands,
  differingCells,
  drawDemands,
  equalShares,
  FAIR_SHARE,
  fairnessOf,
  karma,
  maxMin,
  partition,
  proportional,
  QUANTA,
  remembered,
  runRule,
  type SharingRule,
  TENANTS,
  tokens,
  usefulOf,
} from './quanta-world.ts';

const SHARES: readonly number[] = equalShares(TENANTS);
const CAPACITY = TENANTS * FAIR_SHARE;
/** The default memory of 720 hours, and the default half-life of 168, with quanta of a minute. */
const MEMORY_QUANTA = 43_200;
const DEFAULT_QUANTA = 10_080;
/** As good as none: 2^−20 of a balance is left after a quantum. */
const SHORT_QUANTA = 0.05;
const HALF_LIVES = [Number.POSITIVE_INFINITY, 300, 30, 1] as const;

const SETTING = `${TENANTS} tenants of equal right, half steady and half bursty (4 × the demand for a quarter of the time, bursts of 8 quanta), ${QUANTA} quanta, capacity that of the mean demand, unit price, nothing left idle that somebody wants`;

/** T-28. */
export const BETWEEN_KARMA_AND_MAX_MIN: Claim = {
  test: 'T-28',
  title: 'Half-life: from Karma to max-min',
  claim:
    'At unit price, richest first, tokens without evaporation allocate each quantum as Karma with nothing guaranteed does, and with instant evaporation as max-min does, up to ties. The order by usage with the default memory is as even as Karma over the whole time, also in Karma’s own setting.',
  conditions: `${SETTING}. Karma’s setting: 100 users of 10 slices, 900 quanta, demands uniform from 0 to 20, ${KARMA_SEEDS} seeds. Karma’s parameter is the guaranteed part of the fair share (α in its paper; its authors’ code calls the complement alpha), with credits enough for all.`,
  notClaimed:
    'Two families of workloads: a check, not a theorem for all. Nothing about balances whose prices follow the load, which Karma does not have, nor about what is further behind than the memory.',
  quick: false,
  measure(random: Random): Measurement {
    const demands = drawDemands(random);
    const run = (rule: SharingRule): Float64Array[] => runRule(rule, demands);
    const byKarma = run(karma(SHARES, 0));
    const byMaxMin = run(maxMin(CAPACITY));
    const endless = run(tokens(SHARES, Number.POSITIVE_INFINITY));
    const instant = run(tokens(SHARES, SHORT_QUANTA));
    const usual = fairnessOf(run(remembered(SHARES, MEMORY_QUANTA)), demands);
    const reference = fairnessOf(byKarma, demands);
    const hundred = run(tokens(SHARES, 100));
    const forgetful = fairnessOf(byMaxMin, demands);
    const own = karmaSetting(random);
    return {
      checks: [
        within(
          `cells (of ${QUANTA * TENANTS}) in which endless tokens and Karma differ`,
          differingCells(endless, byKarma, 0),
          0,
          0,
        ),
        within(
          'cells in which instant evaporation and max-min differ by more than a slice',
          differingCells(instant, byMaxMin, 1),
          0,
          0,
        ),
        atMost(
          'part of cells in which they differ at all',
          differingCells(instant, byMaxMin, 0) / (QUANTA * TENANTS),
          0.02,
        ),
        atLeast('Jain’s index with the default memory over Karma’s', usual.jain / reference.jain, 1),
        atLeast('smallest over largest allocation, over Karma’s', usual.minOverMax / reference.minOverMax, 1),
        atLeast(
          'smallest satisfied part of a demand, over Karma’s',
          usual.satisfied / reference.satisfied,
          1,
        ),
        ...own.checks,
      ],
      controls: [
        within(
          'cells in which a half-life of 100 quanta and Karma differ',
          differingCells(hundred, byKarma, 0),
          0,
          0,
        ),
        within(
          'cells in which endless tokens and max-min differ by more than a slice',
          differingCells(endless, byMaxMin, 1),
          0,
          0,
        ),
        atLeast('Jain’s index of max-min over Karma’s', forgetful.jain / reference.jain, 0.9999),
        ...own.controls,
      ],
      notes: [own.note, ...fairnessLines(demands)],
    };
  },
};

/** Karma's own setting: the order by usage over Karma; as controls max-min, and a memory of one quantum. */
function karmaSetting(random: Random): Pick<Measurement, 'checks' | 'controls'> & { note: string } {
  const [overHalf, ofMaxMin, ofShort] = overReference(random.fork(1), () => [
    karma(KARMA_SHARES, 0.5),
    remembered(KARMA_SHARES, MEMORY_QUANTA),
    maxMin(KARMA_CAPACITY),
    remembered(KARMA_SHARES, 1),
  ]) as [OverReference, OverReference, OverReference];
  const [overNone] = overReference(random.fork(1), () => [
    karma(KARMA_SHARES, 0),
    remembered(KARMA_SHARES, MEMORY_QUANTA),
  ]) as [OverReference];
  return {
    checks: [
      atLeast('Karma’s setting: Jain’s index over Karma’s, worst seed', overNone.jainWorst, 1),
      atLeast('Karma’s setting: smallest share over Karma’s, worst seed', overNone.minShareWorst, 1),
      atLeast('the same over Karma with half guaranteed: Jain’s index, mean', overHalf.jainMean, 0.99999),
      atLeast('smallest share, mean, to a slice in a thousand', overHalf.minShareMean, 0.9995),
    ],
    controls: [
      atLeast(
        'Karma’s setting: smallest share of max-min over Karma’s, worst seed',
        ofMaxMin.minShareWorst,
        1,
      ),
      atLeast(
        'Karma’s setting: smallest share with a memory of one quantum over Karma’s, worst seed',
        ofShort.minShareWorst,
        1,
      ),
    ],
    note: `Karma’s setting, over Karma with half guaranteed, as in its paper: smallest share ${overHalf.minShareWorst.toFixed(4)} (worst seed) and ${overHalf.minShareMean.toFixed(6)} (mean), Jain ${overHalf.jainWorst.toFixed(6)} and ${overHalf.jainMean.toFixed(6)}. They differ by single slices of the last quanta.`,
  };
}

/** A line for each rule between a partition and max-min. */
function fairnessLines(demands: Demands): string[] {
  const run = (rule: SharingRule): Float64Array[] => runRule(rule, demands);
  return [
    fairnessLine('partition', run(partition(SHARES)), demands),
    fairnessLine('max-min', run(maxMin(CAPACITY)), demands),
    fairnessLine('Karma, half guaranteed', run(karma(SHARES, 0.5)), demands),
    fairnessLine('Karma, nothing guaranteed', run(karma(SHARES, 0)), demands),
    fairnessLine(`tokens, half-life ${DEFAULT_QUANTA}`, run(tokens(SHARES, DEFAULT_QUANTA)), demands),
    ...HALF_LIVES.map((halfLife) =>
      fairnessLine(
        `tokens, half-life ${halfLife === Number.POSITIVE_INFINITY ? '∞' : halfLife}`,
        run(tokens(SHARES, halfLife)),
        demands,
      ),
    ),
  ];
}

function fairnessLine(name: string, allocations: readonly Float64Array[], demands: Demands): string {
  const { minOverMax, jain, satisfied, used } = fairnessOf(allocations, demands);
  const text = [minOverMax, jain, satisfied, used].map((value) => value.toFixed(4));
  return `${name}: smallest over largest allocation ${text[0]}, Jain ${text[1]}, smallest satisfied part ${text[2]}, used ${text[3]}.`;
}

/** What a tenant may report instead of what it wants. */
const LIES: Readonly<Record<string, (wanted: number) => number>> = {
  'half as much again': (wanted) => Math.round(1.5 * wanted),
  'twice as much': (wanted) => 2 * wanted,
  'its share when it wants nothing': (wanted) => (wanted === 0 ? FAIR_SHARE : wanted),
  'four times its share, always': (wanted) => Math.max(wanted, 4 * FAIR_SHARE),
  'half of it': (wanted) => Math.round(wanted / 2),
};
/** One steady, two bursty. */
const LIARS = [0, 1, 3];
/** The run is five of the first. */
const LIE_HALF_LIVES = [300, 30];
const PARTS = 4;
/** Which of its parts a split tenant asks with. */
const SPLITS: Readonly<Record<string, (wanted: number, quantum: number) => number[]>> = {
  evenly: (wanted) =>
    Array.from({ length: PARTS }, (_, part) => Math.floor(wanted / PARTS) + (part < wanted % PARTS ? 1 : 0)),
  'in turn, ten quanta each': (wanted, quantum) => only(wanted, Math.floor(quantum / 10) % PARTS),
  'in turn, a hundred quanta each': (wanted, quantum) => only(wanted, Math.floor(quantum / 100) % PARTS),
  'through one of them': (wanted) => only(wanted, 0),
};

function only(wanted: number, chosen: number): number[] {
  return Array.from({ length: PARTS }, (_, part) => (part === chosen ? wanted : 0));
}

/** Roundings of slices: see the claim's notes. */
const SPLIT_GAIN_MOST = 0.0005;

/** T-30. */
export const LIES_GAIN_NOTHING: Claim = {
  test: 'T-30',
  title: 'Lies and split tenants gain nothing',
  claim:
    'A tenant that reports another demand than it has, or splits itself into tenants that share its right, gets no more that it can use.',
  conditions: `${SETTING}; one liar at a time, half-lives and memories of 300 and 30 quanta, of which the run is at least five; lies: ${Object.keys(LIES).join(', ')}; splits into ${PARTS}, asking ${Object.keys(SPLITS).join(', ')}. Mint follows quota and weight, so that the parts mint what the whole did. Run times: on 40 GPUs with the market itself, four tenants with 1.3 × the work that fits.`,
  notClaimed: 'Not strategy-proof against every lie, nor against coalitions: a fixed set was tried.',
  quick: false,
  measure(random: Random): Measurement {
    const demands = drawDemands(random);
    const rules = [
      ...LIE_HALF_LIVES.map((halfLife) => (shares: readonly number[]) => tokens(shares, halfLife)),
      ...LIE_HALF_LIVES.map((memory) => (shares: readonly number[]) => remembered(shares, memory)),
    ];
    const lies = rules.map((rule) => lieGains(rule, demands));
    const splits = rules.map((rule) => splitGains(rule, demands, FAIR_SHARE / PARTS));
    const most = (gains: readonly number[]): number => Math.max(...gains);
    const rewarded = most(lieGains(() => proportional(CAPACITY), demands));
    const perIdentity = most(
      splitGains(rules[0] as (shares: readonly number[]) => SharingRule, demands, FAIR_SHARE),
    );
    return {
      checks: [
        atMost('largest gain by a lie, useful slices over those of the truth', most(lies.flat()), 1.01),
        atMost('largest gain by a split, less 1', most(splits.flat()) - 1, SPLIT_GAIN_MOST),
        atMost(
          `largest gain in GPU-time by declaring ${DURATION_LIES.join(', ')} × the run times`,
          most(DURATION_LIES.map((factor) => durationGain(random.fork(1), factor, 'Usage'))),
          1.01,
        ),
        atMost(
          'the same where tenants are ordered by balance',
          most(DURATION_LIES.map((factor) => durationGain(random.fork(1), factor, 'Balance'))),
          1.01,
        ),
      ],
      controls: [
        atMost('largest gain by a lie where slices are shared by what is asked for', rewarded, 1.01),
        atMost('the same if every part mints like a whole tenant', perIdentity - 1, SPLIT_GAIN_MOST),
      ],
      notes: [
        `Gains by lies, half-lives ${LIE_HALF_LIVES.join(', ')}, then memories: ${lies.map((gains) => `${Math.min(...gains).toFixed(3)} to ${most(gains).toFixed(3)}`).join('; ')}.`,
        `Gains by splits: ${splits.map((gains) => `${Math.min(...gains).toFixed(3)} to ${most(gains).toFixed(5)}`).join('; ')}. A turn goes by the middle of a slice, so that each part rounds to the nearest. By its beginning each rounds up, so that four are a slice and a half ahead of the whole, and gain that again whenever it is forgotten: 1.0004. What is left is of both signs: at most 1.0001 by half-life, and 1.0003 by memory, whose reach is counted from the poorest part (17 draws of the demands). The design asked for 1.00: missed by that; no bound was derived. Of three further draws (three liars; memories of 300 and 30, half-life 300) even splits gain −62 to 40 of some 100,000 to 154,000 slices, −93 in the sum of the 27 cases (39 with a memory of 30, −132 with the two others), as rounding would; splits in turn lose .005 to .34. Without evaporation the start of a run is never forgotten: there a split has gained .024 in 1,500 quanta (seed 2), and nothing in 6,000.`,
      ],
    };
  },
};

/** @returns Useful slices of each liar with each lie, over those of the truth. */
function lieGains(rule: (shares: readonly number[]) => SharingRule, demands: Demands): number[] {
  const honest = usefulOf(runRule(rule(SHARES), demands), demands);
  return LIARS.flatMap((liar) =>
    Object.values(LIES).map((lie) => {
      const reported = demands.map((row) =>
        row.map((wanted, tenant) => (tenant === liar ? lie(wanted) : wanted)),
      );
      const useful = usefulOf(runRule(rule(SHARES), reported), demands);
      return (useful[liar] as number) / (honest[liar] as number);
    }),
  );
}

/** @returns The same for tenants that split. @param partShare Right of each part. */
function splitGains(
  rule: (shares: readonly number[]) => SharingRule,
  demands: Demands,
  partShare: number,
): number[] {
  const honest = usefulOf(runRule(rule(SHARES), demands), demands);
  const shares = [...new Array(PARTS).fill(partShare), ...SHARES.slice(1)] as number[];
  return LIARS.flatMap((liar) =>
    Object.values(SPLITS).map((split) => {
      const asked = demands.map((row, quantum) => [
        ...split(row[liar] as number, quantum),
        ...row.filter((_, tenant) => tenant !== liar),
      ]);
      const useful = usefulOf(runRule(rule(shares), asked), asked);
      return useful.slice(0, PARTS).reduce((sum, slices) => sum + slices, 0) / (honest[liar] as number);
    }),
  );
}

const SHARING_HALF_LIVES = [300, 100, 30, 10];

/** T-31. */
export const SHARING_INCENTIVE: Claim = {
  test: 'T-31',
  title: 'Nobody does worse than with a partition of its own',
  claim:
    'Over five half-lives, or memories, every tenant gets at least .99 of what it could use of a partition of its own.',
  conditions: `${SETTING}; half-lives and memories of ${SHARING_HALF_LIVES.join(', ')} quanta; ${QUANTA} quanta are at least five of them.`,
  notClaimed: 'Not in every quantum: who used more than its share before gives way now.',
  quick: true,
  measure(random: Random): Measurement {
    const demands = drawDemands(random);
    const alone = usefulOf(runRule(partition(SHARES), demands), demands);
    const incentive = (rule: SharingRule): number[] =>
      usefulOf(runRule(rule, demands), demands).map((useful, tenant) => useful / (alone[tenant] as number));
    const least = SHARING_HALF_LIVES.map((halfLife) => Math.min(...incentive(tokens(SHARES, halfLife))));
    const byMemory = SHARING_HALF_LIVES.map((memory) => Math.min(...incentive(remembered(SHARES, memory))));
    // The last tenant counts a twentieth of the others.
    const weights = SHARES.map((_, tenant) => (tenant === TENANTS - 2 ? 1 / 20 : 1));
    const slighted = Math.min(...incentive(maxMin(CAPACITY, weights)));
    return {
      checks: [
        atLeast(
          'smallest useful slices of a tenant over those of its partition',
          Math.min(...least, ...byMemory),
          0.99,
        ),
      ],
      controls: [
        atLeast(
          'the same if one tenant is weighted with a twentieth of its right, by max-min',
          slighted,
          0.99,
        ),
      ],
      notes: [
        `By memory: ${byMemory.map((value, at) => `${value.toFixed(3)} (${SHARING_HALF_LIVES[at]})`).join(', ')}.`,
        `By half-life: ${least.map((value, at) => `${value.toFixed(3)} (${SHARING_HALF_LIVES[at]})`).join(', ')}. Karma: ${Math.min(...incentive(karma(SHARES, 0))).toFixed(3)}; max-min: ${Math.min(...incentive(maxMin(CAPACITY))).toFixed(3)}.`,
      ],
    };
  },
};
