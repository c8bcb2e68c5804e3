/**
 * G-01 to G-05: the growth filter holds its limit between ticks; gains, initial set, old readings, dead time, and quantised
 * readings, each with what must fail beside it.
 *
 * @source The tables of docs/guard-laws.md.
 */

import { filterLag } from '../../../src/guard/barrier/growth-estimator.ts';
import { GrowthFilter } from '../../../src/guard/barrier/growth-filter.ts';
import type { Random } from '../../../src/kernel/random.ts';
import { type Claim, type Measurement, within } from '../claim.ts';
import {
  barrierOf,
  FILTER,
  figures,
  filtered,
  firstDegree,
  held,
  LAG,
  LIMIT,
  overshoot,
  RATE_MAX,
  ROUNDING,
  standardRun,
  TICK,
  threshold,
} from './growth-laws.ts';
import { type GrowthLaw, type GrowthRun, runGrowth } from './memory-plant.ts';

const LAGS = [0.02, LAG] as const;

/** G-01. */
export const GROWTH_HELD: Claim = {
  test: 'G-01',
  title: 'Memory growth never passes its limit',
  claim:
    'A group whose growth follows the granted rate with lag τ never passes its limit, at ticks or between them, if it is granted headroom minus growth in flight over one tick: u ≤ (M − m − τv)/T.',
  conditions:
    'Rates in [0, 1 GB/s], T = 10 ms at most (shorter ticks by jitter), τ known or overestimated, fresh readings, no growth past the actuator, started inside the initial set.',
  notClaimed:
    'Nothing about old, late or rounded readings (G-03 to G-05) or growth past the actuator (G-07).',
  quick: true,
  measure(random: Random): Measurement {
    const all = (law: (lag: number) => GrowthLaw, changes: Partial<GrowthRun> = {}): number =>
      Math.max(...LAGS.map((lag) => overshoot(() => law(lag), { ...changes, lagSeconds: lag })));
    const shares = Array.from({ length: 4096 }, () => random.nextDouble());
    const jitter = { tickShare: (tick: number) => Math.max(shares[tick % shares.length] as number, 0.05) };
    const least = (law: (lag: number) => GrowthLaw): number =>
      Math.min(...LAGS.map((lag) => overshoot(() => law(lag), { lagSeconds: lag })));
    return {
      checks: [
        held(
          'k1 = 1/τ and k2 = 1/T, τ = 20 and 100 ms, two integrators',
          all((lag) => filtered({ lagSeconds: lag })),
        ),
        held(
          'the same with ticks of 0.5 to 10 ms',
          all((lag) => filtered({ lagSeconds: lag }), jitter),
        ),
        held(
          'the same with τ overestimated by 20 %',
          all((lag) => filtered({ lagSeconds: 1.2 * lag })),
        ),
      ],
      controls: [
        held(
          'full rate below the limit, none above',
          least(() => threshold),
        ),
        held(
          'barrier of relative degree 1, gain 20/s',
          least(() => firstDegree(20)),
        ),
        held(
          'barrier of relative degree 1, gain 100/s',
          least(() => firstDegree(100)),
        ),
        held(
          'k2 = 2/T',
          least((lag) => barrierOf(1 / lag, 2 / TICK, lag)),
        ),
        held(
          'τ taken for half of what it is',
          least((lag) => filtered({ lagSeconds: lag / 2 })),
        ),
      ],
      notes: [
        `Overshoot at τ = 20 and 100 ms: threshold ${both(() => threshold)}, degree 1 with 20/s ${both(() => firstDegree(20))}, with 100/s ${both(() => firstDegree(100))}, k2 = 2/T ${both((lag) => barrierOf(1 / lag, 2 / TICK, lag))}, half of τ ${both((lag) => filtered({ lagSeconds: lag / 2 }))}.`,
      ],
    };
  },
};

function both(law: (lag: number) => GrowthLaw): string {
  return LAGS.map((lag) => overshoot(() => law(lag), { lagSeconds: lag }).toFixed(1)).join(' and ');
}

/** G-02. */
export const GROWTH_GAIN: Claim = {
  test: 'G-02',
  title: 'The gain and the initial set of the growth barrier',
  claim:
    'k1 = 1/τ is the largest gain whose bound a rate ≥ 0 can always meet, and the filter admits exactly the states {m + τv ≤ M} from which the limit can be held.',
  conditions: 'As G-01.',
  notClaimed: 'A state outside the set is not saved: it has to start frozen.',
  quick: true,
  measure(random: Random): Measurement {
    const start = (usage: number): Partial<GrowthRun> => ({ usage, growth: RATE_MAX });
    const filter = new GrowthFilter(FILTER);
    let wrong = 0;
    for (let i = 0; i < 1000; i++) {
      const usage = LIMIT * random.nextDouble();
      const growth = RATE_MAX * random.nextDouble();
      const peak = runGrowth(standardRun(() => 0, { usage, growth })).overshoot;
      if ((filter.checkLimit(usage, growth, LIMIT, 0) === 'holds') !== peak <= ROUNDING) wrong++;
    }
    const gain = (times: number): number => overshoot(() => barrierOf(times / LAG, 1 / TICK, LAG));
    return {
      checks: [
        held('k1 = 1/τ', gain(1)),
        held('started at m = 300, v = 1,000 (on the edge)', overshoot(filtered, start(300))),
        within('states of 1,000 admitted or refused wrongly', wrong, 0, 0),
      ],
      controls: [
        held('k1 = 2/τ', gain(2)),
        held('k1 = 4/τ', gain(4)),
        held('started at m = 390, v = 1,000, which the filter refuses', overshoot(filtered, start(390))),
      ],
      notes: [
        `Overshoot with k1 = 2/τ ${figures([gain(2)])}, 4/τ ${figures([gain(4)])} (cut at u = 0), from m = 390 ${figures([overshoot(filtered, start(390))])}. The design has 47.9, 70.0 and 89.5 from its own start.`,
      ],
    };
  },
};

const STALE = 0.01;

/** G-03. */
export const GROWTH_STALE: Claim = {
  test: 'G-03',
  title: 'Old readings cost a stated margin',
  claim: 'Readings up to δ old are safe with k2 = 1/(T + δ) and a margin of ūδ.',
  conditions: 'As G-01; δ = 10 ms; the age of each reading is at most δ, and may change from tick to tick.',
  notClaimed: 'An older reading is refused: it counts as none (G-08).',
  quick: true,
  measure(random: Random): Measurement {
    const ages = Array.from({ length: 512 }, () => STALE * random.nextDouble());
    const margin = RATE_MAX * STALE;
    const careful = (): GrowthLaw => filtered({ staleSeconds: STALE, margin });
    const steady = { staleSeconds: () => STALE };
    const varied = { staleSeconds: (tick: number) => ages[tick % ages.length] as number };
    return {
      checks: [
        held('every reading 10 ms old', overshoot(careful, steady)),
        held('0 to 10 ms old', overshoot(careful, varied)),
      ],
      controls: [
        held('10 ms old, no margin', overshoot(filtered, steady)),
        held(
          '10 ms old, k2 = 1/(T + δ) without margin',
          overshoot(() => filtered({ staleSeconds: STALE }), steady),
        ),
      ],
      notes: [
        `Overshoot ${figures([overshoot(careful, steady)])} with the margin, ${figures([overshoot(filtered, steady)])} without (the design: −5.1 and 9.9).`,
      ],
    };
  },
};

const DEAD_TIMES = [0.02, 0.06, 0.2] as const;

/** G-04. */
export const GROWTH_DEAD_TIME: Claim = {
  test: 'G-04',
  title: 'Dead time is not lag',
  claim:
    'Commands that take effect d later are safe with a margin of ūd, or, if the commands in the pipe are counted, with a margin of one tick of growth whatever d is.',
  conditions: 'As G-01; d = 20, 60, 200 ms, known or overestimated.',
  notClaimed: 'A smaller k2 alone does not do.',
  quick: true,
  measure(): Measurement {
    const over = (law: (d: number) => GrowthLaw, deadTimes: readonly number[] = DEAD_TIMES): number[] =>
      deadTimes.map((d) => overshoot(() => law(d), { deadSeconds: d }));
    const naive = over(() => filtered());
    const slower = over((d) => filtered({ deadSeconds: d }));
    const withMargin = over((d) => filtered({ deadSeconds: d, margin: RATE_MAX * d }));
    const predicted = over((d) => filtered({ deadSeconds: d, predicts: true, margin: RATE_MAX * TICK }));
    const longer = over((d) => filtered({ deadSeconds: 1.2 * d, predicts: true, margin: RATE_MAX * TICK }));
    return {
      checks: [
        held('margin ūd', Math.max(...withMargin)),
        held('commands in the pipe counted, margin ūT', Math.max(...predicted)),
        held('the same with d overestimated by 20 %', Math.max(...longer)),
      ],
      controls: [
        held('dead time ignored', Math.min(...naive)),
        held('k2 = 1/(T + d) without margin', Math.min(...slower)),
        held(
          'commands counted over half of d',
          Math.min(
            ...over(
              (d) => filtered({ deadSeconds: d / 2, predicts: true, margin: RATE_MAX * TICK }),
              [0.06, 0.2],
            ),
          ),
        ),
      ],
      notes: [
        `Overshoot at d = 20, 60, 200 ms: ignored ${figures(naive)}; k2 = 1/(T + d) ${figures(slower)}; margin ūd ${figures(withMargin)}; commands counted, margin ūT ${figures(predicted)}. The design has 19.5/59.5/199.5, 9.8/29.5/99.6, −10.3/−30.5/−104.9 and 9.5 without its margin.`,
      ],
    };
  },
};

const QUANTA = [0.25, 0.5, 2] as const;
const WEIGHT = 0.2;
const SLOW_TICK = 0.005;

/** G-05. */
export const GROWTH_QUANTUM: Claim = {
  test: 'G-05',
  title: 'Usage that is charged in batches',
  claim:
    'With usage read in steps of q, a filtered rate and a margin of q + ūT hold the limit, where a rate by plain differences passes it by tens of megabytes.',
  conditions:
    'q = 0.25, 0.5, 2 MB; T = 5 ms; weight 0.2; the estimator’s own lag T(1 − α)/α is part of τ̂; otherwise as G-01.',
  notClaimed: 'That filtering alone is enough: without the margin the limit is passed.',
  quick: true,
  measure(): Measurement {
    const over = (tick: number, weight: number, margin: (q: number) => number, lag = LAG): number[] =>
      QUANTA.map((quantum) =>
        overshoot(() => filtered({ tickSeconds: tick, lagSeconds: lag, margin: margin(quantum) }), {
          tickSeconds: tick,
          quantum,
          filterWeight: weight,
        }),
      );
    const none = (): number => 0;
    const plain = over(0.001, 1, none);
    const fast = over(0.001, WEIGHT, none);
    const slow = over(SLOW_TICK, WEIGHT, none);
    const design = over(SLOW_TICK, WEIGHT, (q) => q + 0.4 * RATE_MAX * SLOW_TICK);
    const lag = LAG + filterLag(WEIGHT, SLOW_TICK);
    const ours = over(SLOW_TICK, WEIGHT, (q) => q + RATE_MAX * SLOW_TICK, lag);
    return {
      checks: [held('T = 5 ms, weight 0.2, margin q + ūT', Math.max(...ours))],
      controls: [
        held('plain differences at T = 1 ms', Math.min(...plain)),
        held('weight 0.2 at T = 1 ms, no margin', Math.min(...fast)),
        held('weight 0.2 at T = 5 ms, no margin', Math.min(...slow)),
      ],
      notes: [
        `Overshoot at q = 0.25, 0.5, 2: plain at 1 ms ${figures(plain)}; weight 0.2 at 1 ms ${figures(fast)}, at 5 ms ${figures(slow)}; with the design’s margin q + 0.4ūT ${figures(design)} (the design has −1.6/−1.6/−0.1), with q + ūT and the estimator’s lag ${figures(ours)}.`,
      ],
    };
  },
};
