/**
 * T-09: arrivals that choose a server by a board that is refreshed every T_b service times.
 *
 * @source theory §1B D3; Mitzenmacher 2000, How useful is old information?, IEEE TPDS 11(1), for the board model.
 */
import { createAnticipatedChooser } from '../../src/governor/choosers/anticipated.ts';
import { createBestOfDChooser } from '../../src/governor/choosers/best-of-d.ts';
import type { Chooser } from '../../src/governor/choosers/chooser.ts';
import { drawWeighted, leastOf } from '../../src/governor/choosers/ensemble.ts';
import { createGibbsChooser } from '../../src/governor/choosers/gibbs.ts';
import { createRandomChooser } from '../../src/governor/choosers/random-choice.ts';
import type { Random } from '../../src/kernel/random.ts';
import { boardSpeeds, simulateBoard } from '../boards/bulletin-board.ts';
import { atLeast, atMost, type Claim, type Measurement } from './claim.ts';

const ARRIVALS = 100_000;
const PERIODS = [0.1, 1, 5, 20] as const;
/** The choosers of the cluster, and three rules that are not used there. */
const RULES = {
  random: createRandomChooser,
  'least loaded': () => fixedTemperature('least loaded', 0),
  'two choices': createBestOfDChooser,
  D3: createAnticipatedChooser,
  'logit T by budget': createGibbsChooser,
  'logit T=0.5': () => fixedTemperature('logit', 0.5),
  'logit T=5': () => fixedTemperature('logit', 5),
} as const satisfies Record<string, () => Chooser>;
type Rule = keyof typeof RULES;
const NAMES = Object.keys(RULES) as Rule[];

/** @returns Logit choice at a fixed temperature ≥ 0; at 0 the cheapest server, ties at random. */
function fixedTemperature(name: string, temperature: number): Chooser {
  let weights = new Float64Array(64);
  return {
    name,
    choose({ count, prices }, _deciders, _stream, random) {
      if (count > weights.length) weights = new Float64Array(2 * count);
      const least = leastOf(prices, count);
      let total = 0;
      for (let i = 0; i < count; i++) {
        const above = (prices[i] as number) - least;
        const weight = above === 0 ? 1 : temperature > 0 ? Math.exp(-above / temperature) : 0;
        weights[i] = weight;
        total += weight;
      }
      return drawWeighted(weights, count, total, random);
    },
  };
}

function meanResponse(rule: Rule, staleness: number, random: Random): number {
  const { meanResponse: mean } = simulateBoard(
    {
      chooser: RULES[rule](),
      staleness,
      arrivals: ARRIVALS,
      load: 0.9,
      speeds: boardSpeeds('equal'),
      refresh: 'together',
      deciders: 'so-far',
    },
    random,
  );
  return mean;
}

/** T-09. */
export const ANTICIPATED_ARRIVALS: Claim = {
  test: 'T-09',
  title: 'Arrivals on a stale board',
  claim:
    'Choosing by the price after all deciders on the same board have arrived (D3, no temperature) is as good as least-loaded on fresh boards, no worse than two stale choices on older ones and better on the oldest, without tuning. A temperature that follows the number of deciders does nearly as well; a fixed one herds.',
  conditions:
    '100 equal servers, Poisson arrivals at load 0.9, exponential service, first come first served, board refreshed every T_b = 0.1 … 20 mean service times; deciders know the arrival rate and the age of the board. Loser budget 5 %.',
  notClaimed:
    'Not that temperature is useless everywhere: only that a fixed one herds as well once the board is old. Nothing about jobs that move later.',
  quick: false,
  measure(random: Random): Measurement {
    const table = PERIODS.map((period) =>
      Object.fromEntries(NAMES.map((rule) => [rule, meanResponse(rule, period, random.fork(1))])),
    ) as Record<Rule, number>[];
    const at = (period: number, rule: Rule): number =>
      (table[PERIODS.indexOf(period as 20)] as Record<Rule, number>)[rule];
    const twoChoices = at(20, 'two choices');
    return {
      checks: [
        atMost('T_b = 20: mean response of D3 / of two stale choices', at(20, 'D3') / twoChoices, 0.9),
        atMost(
          'T_b = 0.1: mean response of D3 / of least-loaded',
          at(0.1, 'D3') / at(0.1, 'least loaded'),
          1.02,
        ),
        atMost(
          'T_b = 1 and 5: mean response of D3 / of two stale choices, larger',
          Math.max(...[1, 5].map((t) => at(t, 'D3') / at(t, 'two choices'))),
          1.03,
        ),
        atMost(
          'T_b = 0.1 … 20: mean response of logit choice with T by budget / of two stale choices, largest',
          Math.max(...PERIODS.map((t) => at(t, 'logit T by budget') / at(t, 'two choices'))),
          1.1,
        ),
        atLeast(
          'T_b = 20: mean response of least-loaded / of random',
          at(20, 'least loaded') / at(20, 'random'),
          3,
        ),
      ],
      controls: [
        atMost('T_b = 20: least-loaded / two stale choices', at(20, 'least loaded') / twoChoices, 0.9),
        atMost(
          'T_b = 20: logit choice at fixed T = 0.5 / two stale choices',
          at(20, 'logit T=0.5') / twoChoices,
          0.9,
        ),
      ],
      notes: [
        'D3 and two choices are the choosers `anticipated` and `best-of-d` of the cluster, logit with T by budget is `gibbs`.',
        'The design’s table has 41.6 for least-loaded and 45.4 for logit T = 0.5 at T_b = 20, which grow with the length of the run; its D3 places the arrivals of a whole period from the start, here twice those so far: 2.50 and 5.94 there at T_b = 1 and 20.',
        'Mean response in service times (one random server alone: 10):',
        ...PERIODS.map(
          (period) =>
            `T_b = ${period}: ${NAMES.map((rule) => `${rule} ${at(period, rule).toFixed(2)}`).join(', ')}.`,
        ),
      ],
      plots: [
        {
          title: 'Mean response on a board of age up to T_b',
          reading: 'Lower is better. A board that is always fresh is at the left; the load is 0.9.',
          xLabel: 'T_b, service times',
          yLabel: 'mean response, service times',
          xLog: true,
          yLog: true,
          series: NAMES.map((rule) => ({
            name: rule,
            x: [...PERIODS],
            y: table.map((row) => row[rule]),
          })),
        },
      ],
    };
  },
};
