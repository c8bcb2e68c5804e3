/** Settings of the tax on what gangs across zones hold idle, and of the champion. */

import { gammaForAge } from '../../market/tax/delay-margin.ts';
import { deadBandOf } from '../../market/tax/landau.ts';
import { landauWhileOn, type TaxGovernorOptions } from '../../market/tax/tax-governor.ts';
import { TegError } from '../../model/errors.ts';

/** All times in seconds, all amounts in tokens. */
export interface GangTaxOptions {
  /** Of each host, by the boards that it reads. */
  readonly governor: TaxGovernorOptions;
  /** t_stuck > 0: a gang that was granted nothing for longer holds idle what it has. */
  readonly stuckSeconds: number;
  /** B̄ > 0: what a tenant's gangs on one host can pay at first, and at most. */
  readonly balance: number;
  /** What they get for it in a second, ≥ 0. */
  readonly mintPerSecond: number;
  /** A champion that has not started within this time goes to the end; a zone reserves no longer at a stretch. */
  readonly championSeconds: number;
  /**
   * `tax`: as described. `wound-wait`: no tax, all give way to the champion at once. `tax-alone`: nobody is champion; it
   * dissolves no deadlock, and is there to show that.
   */
  readonly remedy: 'tax' | 'wound-wait' | 'tax-alone';
}

/** The free energy of `lab/claims`: on at ψ = 0.2, off at 0.075; κ_τ of the design. */
const LANDAU = { slope: 2, psiCritical: 0.2, quartic: 1, seed: 0.01, taxScale: 10 } as const;

/**
 * @param ageSeconds  Worst age of a board, > 0: bounds Γ by the delay margin.
 * @param claimSeconds How long a claim waits for a part without a tax.
 * @returns Settings for boards of that age.
 */
export function gangTaxFor(ageSeconds: number, claimSeconds: number): GangTaxOptions {
  const deadBand = deadBandOf({ ...LANDAU, gamma: 1 }, 1, 1);
  const balance = 30 * claimSeconds;
  const plants = [1, 4, 16].map((slots) => ({
    fill: 1 / claimSeconds,
    resolve: 1 / (8 * claimSeconds),
    taxedResolve: (LANDAU.taxScale * slots) / balance,
  }));
  const whileOn = landauWhileOn({ landau: { ...LANDAU, gamma: 1 }, deadBand });
  const gamma = gammaForAge(whileOn, plants, ageSeconds);
  return {
    governor: { landau: { ...LANDAU, gamma }, deadBand, fallbackSeconds: 50 * claimSeconds },
    stuckSeconds: claimSeconds / 5,
    balance,
    mintPerSecond: 0.1,
    championSeconds: 60 * claimSeconds,
    remedy: 'tax',
  };
}

/** @throws TegError TEG_OPTION_INVALID for a time or an amount out of range. */
export function checkGangTax(options: GangTaxOptions): void {
  const { stuckSeconds, balance, championSeconds, mintPerSecond } = options;
  for (const [name, value] of Object.entries({ stuckSeconds, balance, championSeconds })) {
    if (value > 0 && value < Number.POSITIVE_INFINITY) continue;
    throw new TegError(
      'TEG_OPTION_INVALID',
      `gangTax.${name} is ${value}; expected a number above 0: correct it`,
    );
  }
  if (mintPerSecond >= 0 && mintPerSecond < Number.POSITIVE_INFINITY) return;
  throw new TegError(
    'TEG_OPTION_INVALID',
    `gangTax.mintPerSecond is ${mintPerSecond}; expected a number from 0: correct it`,
  );
}
