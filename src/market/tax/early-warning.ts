/**
 * Signs that held-idle capacity is about to run away: near a fold a disturbance takes ever longer to die out, so
 * fluctuations of ψ get larger (variance Θ/A) and slower (autocorrelation e^{−ΓAΔ} between samples Δ apart).
 *
 * Advice for an operator, never an actuator: it sees slow drift with noise, is blind to bursts, and takes a trend of the
 * load for a sign unless the load is given and regressed out.
 *
 * @source theory §4.3; Dakos et al. 2012, Methods for detecting early warnings of critical transitions, PLoS ONE 7(7).
 */
import { assert } from '../../kernel/assert.ts';

/** The windows of a detector and when it warns. */
export interface EarlyWarningOptions {
  /** Samples of a window; default 100. */
  readonly window?: number;
  /** Samples between evaluations; default 10. */
  readonly step?: number;
  /** Evaluations that trends are taken over, the newest; default 31. */
  readonly historyMax?: number;
}

/** The statistics of a series of windows. */
export interface EarlyWarningSigns {
  /** Autocorrelation of neighbouring samples in the last window, in [−1, 1]. */
  readonly autocorrelation: number;
  /** Variance of the last window by that of the first in the history. */
  readonly varianceRatio: number;
  /** Kendall's τ of the autocorrelations with time, in [−1, 1]. */
  readonly autocorrelationTrend: number;
  /** Kendall's τ of the variances with time. */
  readonly varianceTrend: number;
  /** Whether all signs together make a warning. */
  readonly isWarning: boolean;
}

/** A warning needs each of these at least. */
const AUTOCORRELATION_MIN = 0.6;
const VARIANCE_RATIO_MIN = 1.5;
const TREND_MIN = 0.2;
/** Windows before trends mean anything. */
const HISTORY_MIN = 5;

/** Collects samples of ψ and of the load, in rings: nothing grows. */
export class EarlyWarning {
  private readonly window: number;
  private readonly step: number;
  private readonly historyMax: number;
  private readonly values: Float64Array;
  private readonly loads: Float64Array;
  private readonly residuals: Float64Array;
  private readonly autocorrelations: number[] = [];
  private readonly variances: number[] = [];
  private sampleCount = 0;

  /** @param options Window ≥ 10, step ≥ 1, historyMax ≥ 5. */
  constructor({ window = 100, step = 10, historyMax = 31 }: EarlyWarningOptions = {}) {
    assert(window >= 10 && step >= 1 && historyMax >= HISTORY_MIN, 'a window or a history too short');
    this.window = window;
    this.step = step;
    this.historyMax = historyMax;
    this.values = new Float64Array(window);
    this.loads = new Float64Array(window);
    this.residuals = new Float64Array(window);
  }

  /**
   * Takes a sample; samples have to be equally far apart. O(window) every `step` samples.
   *
   * @param psi  ψ. @param load ρ, whose linear influence is taken out; a constant where it is not known.
   */
  add(psi: number, load: number): void {
    const place = this.sampleCount % this.window;
    this.values[place] = psi;
    this.loads[place] = load;
    this.sampleCount++;
    const past = this.sampleCount - this.window;
    if (past < 0 || past % this.step !== 0) return;
    this.detrend();
    const { autocorrelation, variance } = moments(this.residuals);
    this.autocorrelations.push(autocorrelation);
    this.variances.push(variance);
    if (this.variances.length > this.historyMax) {
      this.autocorrelations.shift();
      this.variances.shift();
    }
  }

  /** The signs so far; undefined before five windows. O(historyMax²). */
  get signs(): EarlyWarningSigns | undefined {
    const { autocorrelations, variances } = this;
    if (variances.length < HISTORY_MIN) return undefined;
    const autocorrelation = autocorrelations.at(-1) as number;
    const first = variances[0] as number;
    const last = variances.at(-1) as number;
    const varianceRatio = first > 0 ? last / first : last > 0 ? Number.POSITIVE_INFINITY : 1;
    const autocorrelationTrend = kendallTrend(autocorrelations);
    const varianceTrend = kendallTrend(variances);
    const isWarning =
      autocorrelation >= AUTOCORRELATION_MIN &&
      varianceRatio >= VARIANCE_RATIO_MIN &&
      autocorrelationTrend >= TREND_MIN &&
      varianceTrend >= TREND_MIN;
    return { autocorrelation, varianceRatio, autocorrelationTrend, varianceTrend, isWarning };
  }

  /** Writes what is left of the window after a least-squares fit of 1, time and load. */
  private detrend(): void {
    const { window: n, values, loads, residuals, sampleCount } = this;
    const at = (k: number): number => (sampleCount + k) % n;
    let meanValue = 0;
    let meanLoad = 0;
    for (let k = 0; k < n; k++) {
      meanValue += (values[k] as number) / n;
      meanLoad += (loads[k] as number) / n;
    }
    const middle = (n - 1) / 2;
    let [tt, tl, ll, tv, lv] = [0, 0, 0, 0, 0];
    for (let k = 0; k < n; k++) {
      const t = k - middle;
      const load = (loads[at(k)] as number) - meanLoad;
      const value = (values[at(k)] as number) - meanValue;
      tt += t * t;
      tl += t * load;
      ll += load * load;
      tv += t * value;
      lv += load * value;
    }
    // What the load explains beyond time; a load that is constant or a straight line explains nothing more.
    const free = ll - (tl * tl) / tt;
    const byLoad = free > 1e-9 * ll ? (lv - (tl * tv) / tt) / free : 0;
    const byTime = (tv - byLoad * tl) / tt;
    for (let k = 0; k < n; k++) {
      const place = at(k);
      const fit = byTime * (k - middle) + byLoad * ((loads[place] as number) - meanLoad);
      residuals[k] = (values[place] as number) - meanValue - fit;
    }
  }
}

/** @returns Moments of numbers whose mean is 0; an autocorrelation of 0 where all are 0. */
function moments(x: Float64Array): { autocorrelation: number; variance: number } {
  let squares = 0;
  let products = 0;
  for (let k = 0; k < x.length; k++) {
    const value = x[k] as number;
    squares += value * value;
    if (k > 0) products += value * (x[k - 1] as number);
  }
  return { autocorrelation: squares > 0 ? products / squares : 0, variance: squares / (x.length - 1) };
}

/** @returns Kendall's τ_a of a series with its order, in [−1, 1]. O(n²). */
export function kendallTrend(series: readonly number[]): number {
  let score = 0;
  for (let i = 0; i < series.length; i++) {
    for (let j = i + 1; j < series.length; j++)
      score += Math.sign((series[j] as number) - (series[i] as number));
  }
  const pairs = (series.length * (series.length - 1)) / 2;
  return pairs > 0 ? score / pairs : 0;
}
