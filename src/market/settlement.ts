/**
 * Bringing one tenant's balance to a time: what is minted and what evaporates, in whole micro-tokens with the rests carried.
 *
 * The exact balance is a = A + mint not posted yet − evaporation not posted yet, where A is what is available; `Decay` takes a to
 * the new time. Never overdrawn: the new a is a convex combination of the old one, the mint and 0, so that evaporation that is
 * due never exceeds A and what was minted by a whole micro-token.
 */
import type { AccountColumns } from './account-columns.ts';
import { AMOUNT_MAX, MICROS_PER_HOUR } from './amounts.ts';
import { type Decay, FRACTION_BITS } from './decay.ts';

const FRACTION_SPAN = 2 ** Number(FRACTION_BITS);
const FRACTION_MASK = (1n << FRACTION_BITS) - 1n;
const HOUR = BigInt(MICROS_PER_HOUR);

/** One step of an account's time. Reused from call to call. */
export class Settlement {
  /** Micro-tokens to post from MINT to the account, and from the account to EVAP; each in [0, AMOUNT_MAX]. */
  minted = 0;
  evaporated = 0;

  /**
   * Computes a step, carries the rests and moves the account's time to its end; the caller posts the amounts.
   *
   * @param timeMicros Where to; not before the account's time. @returns Whether anything but the time has changed.
   */
  step(accounts: AccountColumns, decay: Decay, account: number, timeMicros: number): boolean {
    const rate = accounts.mintRate[account] as number;
    const since = accounts.settledMicros[account] as number;
    const until = rate === 0 ? timeMicros : Math.min(timeMicros, since + longestStep(rate));
    const elapsed = until - since;
    const available = accounts.available(account);
    const oldRest = accounts.evaporationRest[account] as number;
    accounts.settledMicros[account] = until;
    this.minted = 0;
    this.evaporated = 0;
    if (accounts.isAtRest(account)) return false;
    const oldMint = mintFraction(accounts.mintRest[account] as number);
    const before = (BigInt(available) << FRACTION_BITS) + oldMint - BigInt(oldRest);
    this.mint(accounts, account, rate, elapsed);
    const after = decay.balanceAfter(before, rate, elapsed);
    const funds = available + this.minted;
    const due = (BigInt(funds) << FRACTION_BITS) + mintFraction(accounts.mintRest[account] as number) - after;
    this.evaporate(accounts, account, due, funds);
    return true;
  }

  private mint(accounts: AccountColumns, account: number, rate: number, elapsed: number): void {
    if (rate === 0) return;
    const total = (accounts.mintRest[account] as number) + rate * elapsed;
    if (total <= Number.MAX_SAFE_INTEGER) {
      const rest = total % MICROS_PER_HOUR;
      this.minted = (total - rest) / MICROS_PER_HOUR;
      accounts.mintRest[account] = rest;
      return;
    }
    const exact = BigInt(accounts.mintRest[account] as number) + BigInt(rate) * BigInt(elapsed);
    this.minted = Number(exact / HOUR);
    accounts.mintRest[account] = Number(exact % HOUR);
  }

  /** @param due Evaporation that is not posted, with FRACTION_BITS bits behind the point. @param funds What there is. */
  private evaporate(accounts: AccountColumns, account: number, due: bigint, funds: number): void {
    // Rounding may take it out of its bounds by 2^-31 of a micro-token.
    const positive = due > 0n ? due : 0n;
    const whole = Number(positive >> FRACTION_BITS);
    this.evaporated = Math.min(whole, funds);
    accounts.evaporationRest[account] = whole > funds ? FRACTION_SPAN - 1 : Number(positive & FRACTION_MASK);
  }
}

/** Time in which a mint makes no more than an amount may be. */
function longestStep(rate: number): number {
  return Math.floor((AMOUNT_MAX / rate) * MICROS_PER_HOUR) - MICROS_PER_HOUR;
}

/** @param rest In 1 / MICROS_PER_HOUR of a micro-token. @returns With FRACTION_BITS bits behind the point, rounded down. */
function mintFraction(rest: number): bigint {
  return rest === 0 ? 0n : (BigInt(rest) << FRACTION_BITS) / HOUR;
}
