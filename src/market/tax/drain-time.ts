/**
 * How long a stuck gang can pay the tax for what it holds: the T_drain of the deadlock theorem.
 *
 * With a champion (reservation, exempt from tax) the first gang starts within max(R, T_drain) + δ, where R bounds the
 * runs and δ is what the governor needs to see and to act; K gangs start within the sum. Without the reservation the tax
 * proves nothing.
 *
 * @source theory §4.5.
 */
import { assert } from '../../kernel/assert.ts';

/**
 * @param balance   B̄ ≥ 0: the most that a gang can have, tokens.
 * @param taxRate   τ ≥ 0, tokens a slot and second.
 * @param slots     h ≥ 1: slots that it holds.
 * @param mint      Its income while it is stuck, tokens a second, ≥ 0.
 * @returns B̄/(τh − mint), seconds; Infinity where the income covers the tax.
 */
export function drainSecondsFlat(balance: number, taxRate: number, slots: number, mint = 0): number {
  assert(balance >= 0 && taxRate >= 0 && slots >= 1 && mint >= 0, 'a drain of less than nothing');
  const loss = taxRate * slots - mint;
  return loss > 0 ? balance / loss : Number.POSITIVE_INFINITY;
}

/** A tax that ramps up. */
export interface TaxRamp {
  /** τ_0 > 0, tokens a slot and second, where the ramp begins. */
  readonly start: number;
  /** r > 0, 1/s: the tax is τ_0 e^{rt} until it reaches `limit`. */
  readonly rate: number;
  /** τ* ≥ τ_0: where it stays; default Infinity. */
  readonly limit?: number;
}

/**
 * @returns (1/r) ln(1 + rB̄/(τ_0h)) while the ramp lasts, then linear at τ*; seconds, without income.
 * @param balance B̄ ≥ 0, tokens. @param slots h ≥ 1.
 */
export function drainSecondsRamp(balance: number, slots: number, ramp: TaxRamp): number {
  const { start, rate, limit = Number.POSITIVE_INFINITY } = ramp;
  assert(balance >= 0 && slots >= 1 && start > 0 && rate > 0 && limit >= start, 'a ramp that does not rise');
  const rampSeconds = Math.log(limit / start) / rate;
  const paid = ((limit - start) / rate) * slots;
  if (!(balance > paid)) return Math.log1p((rate * balance) / (start * slots)) / rate;
  return rampSeconds + (balance - paid) / (limit * slots);
}
