/**
 * T-21: early warning of a runaway of held-idle capacity.
 *
 * @source theory §4.3; Dakos et al. 2012, PLoS ONE 7(7).
 */
import type { Random } from '../../src/kernel/random.ts';
import { EarlyWarning, type EarlyWarningSigns } from '../../src/market/tax/early-warning.ts';
import { atLeast, atMost, type Claim, type Measurement } from './claim.ts';

const SAMPLES = 400;
const SERIES = 400;
/** By how much ψ follows the load, in deviations of its noise per unit of load. */
const LOAD_EFFECT = 20;

/** T-21. */
export const EARLY_WARNING: Claim = {
  test: 'T-21',
  title: 'Early warning of a runaway',
  claim:
    'As the restoring force A falls, fluctuations get slower and larger: autocorrelation distinguishes a ramp from a stationary series, and a warning that needs all signs together is rare on stationary series under a varying load.',
  conditions:
    'Slow drift (A from 1 to 0.05 within 400 samples a relaxation time apart) with noise; windows of 100 samples, every 10; the load is given and regressed out with time.',
  notClaimed:
    'Blind to bursts; advice, never an actuator. Without the load, a trend of the load looks like a warning.',
  quick: true,
  measure(random: Random): Measurement {
    const ramps = seriesSigns(random.fork(1), { lastA: 0.05 });
    const steady = seriesSigns(random.fork(2), {});
    const loaded = seriesSigns(random.fork(3), { load: 'given' });
    const hidden = seriesSigns(random.fork(3), { load: 'hidden' });
    const bursts = seriesSigns(random.fork(4), { burst: true });
    const area = (of: (signs: EarlyWarningSigns) => number, other = ramps): number =>
      areaUnderCurve(other.map(of), steady.map(of));
    return {
      checks: [
        atLeast(
          'area under the curve of the last autocorrelation, ramp against stationary',
          area((s) => s.autocorrelation),
          0.95,
        ),
        atMost('share of warnings on stationary series under a varying load', warnings(loaded), 0.05),
        atMost('share of warnings on stationary series', warnings(steady), 0.05),
        atLeast('share of warnings on ramps', warnings(ramps), 0.8),
      ],
      controls: [
        atLeast(
          'area under the curve for a burst that begins at the last sample',
          area((s) => s.autocorrelation, bursts),
          0.95,
        ),
        atMost(
          'share of warnings under a varying load that the detector is not given',
          warnings(hidden),
          0.05,
        ),
      ],
      notes: [
        `Area under the curve: autocorrelation ${area((s) => s.autocorrelation).toFixed(3)}, variance ratio ${area((s) => s.varianceRatio).toFixed(3)}, trend of the variance ${area((s) => s.varianceTrend).toFixed(3)}, trend of the autocorrelation ${area((s) => s.autocorrelationTrend).toFixed(3)}.`,
        `Warnings on ramps: ${(100 * warnings(ramps)).toFixed(1)} %.`,
      ],
    };
  },
};

interface SeriesOptions {
  /** A at the last sample; it begins at 1. Default 1. */
  readonly lastA?: number;
  /** A load that varies, and whether the detector is given it. */
  readonly load?: 'given' | 'hidden';
  /** A at the last sample is 0.05 at once, before it 1. */
  readonly burst?: boolean;
}

/** @returns The signs at the end of each series. */
function seriesSigns(random: Random, options: SeriesOptions): EarlyWarningSigns[] {
  return Array.from({ length: SERIES }, () => {
    const detector = new EarlyWarning();
    const { lastA = 1, load, burst = false } = options;
    const phase = random.nextDouble();
    const period = 150 + 250 * random.nextDouble();
    // Exact steps of ẋ = −Ax + √2 ξ, a second apart.
    let x = random.nextNormal();
    for (let k = 0; k < SAMPLES; k++) {
      const done = k / (SAMPLES - 1);
      const a = burst ? (k === SAMPLES - 1 ? 0.05 : 1) : 1 + (lastA - 1) * done;
      const keep = Math.exp(-a);
      x = keep * x + Math.sqrt((1 - keep * keep) / a) * random.nextNormal();
      const rho = load === undefined ? 0 : 0.7 + 0.3 * done * Math.sin(2 * Math.PI * (k / period + phase));
      detector.add(x + LOAD_EFFECT * rho, load === 'given' ? rho : 0);
    }
    return detector.signs as EarlyWarningSigns;
  });
}

function warnings(signs: readonly EarlyWarningSigns[]): number {
  return signs.filter(({ isWarning }) => isWarning).length / signs.length;
}

/** @returns The probability that a positive lies above a negative; ties count half. */
function areaUnderCurve(positives: readonly number[], negatives: readonly number[]): number {
  let above = 0;
  for (const p of positives) {
    for (const n of negatives) above += p > n ? 1 : p === n ? 0.5 : 0;
  }
  return above / (positives.length * negatives.length);
}
