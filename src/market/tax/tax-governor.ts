/**
 * The macro governor of one contention domain: it sees ψ, moves m, and says what a slot held idle costs a second.
 *
 * It switches on at ψ_c and off at a lower share (the dead band), so that noise round ψ_c does not toggle it. While it is
 * on, A = a(ψ_off − ψ): its point of rest has m > 0 and so lies above ψ_off, where the tax does not switch itself off.
 * (The two branches of the jump variant of `landau.ts` may both be out of balance; then it cycles without any delay.)
 * Measured: with a tax that resolves holdings 2,000 times as fast as they come, ψ overshoots below ψ_off, and the two
 * thresholds take turns; at 200 times they do not.
 *
 * A tax resolves a deadlock only together with a champion (`champion.ts`). If no gang has started for T_max although the
 * governor is on, the remedy is wound-wait (gangs of lower rank take what the others hold) until it has been off for T_max:
 * a tax that failed once, for a balance too large or a rate too small, would fail again.
 *
 * @source theory §4.2, §4.4, §4.5.
 */
import { assert } from '../../kernel/assert.ts';
import { advanceLandau, assertLandau, type DeadBand, type LandauParameters, landauTax } from './landau.ts';

/** Constants of a governor. */
export interface TaxGovernorOptions {
  /** `psiCritical` is replaced by the thresholds of the dead band. */
  readonly landau: LandauParameters;
  /** 0 < offPsi ≤ onPsi < 1; see `deadBandOf`. */
  readonly deadBand: DeadBand;
  /** T_max > 0: longest time on without a start before the fallback. */
  readonly fallbackSeconds: number;
}

/** What to do about gangs that are stuck. */
export type StuckRemedy = 'none' | 'tax' | 'wound-wait';

/** @returns The parameters that hold while the governor is on: those to choose Γ by. */
export function landauWhileOn({
  landau,
  deadBand,
}: Omit<TaxGovernorOptions, 'fallbackSeconds'>): LandauParameters {
  return { ...landau, psiCritical: deadBand.offPsi };
}

/** See the head of this file. */
export class TaxGovernor {
  private readonly whileOff: LandauParameters;
  private readonly whileOn: LandauParameters;
  private readonly deadBand: DeadBand;
  private readonly fallbackSeconds: number;
  private order: number;
  private psi = 0;
  private isOnNow = false;
  private atSeconds: number;
  /** Since when it is on without a start, or off. */
  private waitSeconds: number;
  private isFallback = false;

  /** @param nowSeconds Begin, with nothing held idle. */
  constructor(options: TaxGovernorOptions, nowSeconds: number) {
    const { landau, deadBand, fallbackSeconds } = options;
    const { offPsi, onPsi } = deadBand;
    assert(offPsi > 0 && offPsi <= onPsi && onPsi < 1, 'a dead band out of order');
    assert(fallbackSeconds > 0, 'a fallback before anything was tried');
    this.whileOff = { ...landau, psiCritical: onPsi };
    this.whileOn = landauWhileOn(options);
    assertLandau(this.whileOff);
    this.deadBand = deadBand;
    this.fallbackSeconds = fallbackSeconds;
    this.atSeconds = nowSeconds;
    this.waitSeconds = nowSeconds;
    this.order = landau.seed / (landau.slope * onPsi);
  }

  /** m ≥ 0. */
  get m(): number {
    return this.order;
  }

  /** Whether it is on: since ψ was at least `onPsi`, and until it falls below `offPsi`. */
  get isOn(): boolean {
    return this.isOnNow;
  }

  /** Tokens for a slot held idle for a second. */
  get taxRate(): number {
    return landauTax(this.whileOff, this.order);
  }

  /**
   * Moves m to `nowSeconds` under the last ψ, and takes a new one.
   *
   * @param psi        In [0, 1], of any age; the worst age bounds Γ (`gammaForAge`).
   * @param nowSeconds Not before the last call.
   */
  observe(psi: number, nowSeconds: number): void {
    assert(psi >= 0 && psi <= 1, 'a share of capacity outside [0, 1]');
    assert(nowSeconds >= this.atSeconds, 'a governor goes back in time');
    const parameters = this.isOnNow ? this.whileOn : this.whileOff;
    this.order = advanceLandau(parameters, this.order, this.psi, nowSeconds - this.atSeconds);
    this.atSeconds = nowSeconds;
    this.psi = psi;
    const hasWaited = nowSeconds - this.waitSeconds > this.fallbackSeconds;
    if (this.isOnNow ? psi < this.deadBand.offPsi : psi >= this.deadBand.onPsi) {
      if (!this.isOnNow && hasWaited) this.isFallback = false;
      this.isOnNow = !this.isOnNow;
      this.waitSeconds = nowSeconds;
    } else if (this.isOnNow && hasWaited) {
      this.isFallback = true;
    }
  }

  /** A gang started: the tax works, if the fallback is not in force already. */
  gangStarted(nowSeconds: number): void {
    this.waitSeconds = Math.max(this.waitSeconds, nowSeconds);
  }

  /** What is to be done: nothing, let the tax work, or, after T_max without a start, wound-wait. */
  get remedy(): StuckRemedy {
    if (!this.isOnNow) return 'none';
    return this.isFallback ? 'wound-wait' : 'tax';
  }
}
