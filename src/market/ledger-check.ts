/**
 * The invariants of a whole ledger, for tests, verifications, and diagnosis: O(accounts + transfers).
 */
import { assert } from '../kernel/assert.ts';
import type { Ledger } from './ledger.ts';
import { MINT, SYSTEM_ACCOUNTS } from './transfer.ts';
import { SlotState } from './transfer-table.ts';

/** Tokens that tenants have, micro-tokens, and bounds of it. */
export interface Supply {
  /** What tenants may spend. */
  readonly available: bigint;
  /** What is in their reserves: exempt from evaporation, and spent or evaporated later. */
  readonly reserved: bigint;
  /** Σ m/κ, and what tenants were given besides mint: available never passes it. */
  readonly bound: bigint;
}

/** @returns What tenants have at the times to which their accounts are settled. */
export function supplyOf(ledger: Ledger): Supply {
  const { accounts } = ledger;
  let [available, reserved, bound] = [0n, 0n, 0n];
  for (let account = SYSTEM_ACCOUNTS.length; account < accounts.count; account++) {
    const view = ledger.view(account);
    available += view.available;
    reserved += BigInt(view.reserved);
    bound += BigInt(
      Math.ceil((accounts.mintCeiling[account] as number) + (accounts.received[account] as number)),
    );
  }
  return { available, reserved, bound };
}

/** @throws AssertionFailure if an invariant is broken. */
export function checkLedger(ledger: Ledger): void {
  const { accounts, transfers } = ledger;
  const open = new Float64Array(accounts.count);
  let openCount = 0;
  for (let slot = 0; slot < transfers.slots; slot++) {
    if (transfers.states[slot] !== SlotState.Open) continue;
    const debit = transfers.records.debit(slot);
    open[debit] = (open[debit] as number) + transfers.records.moved(slot);
    openCount++;
  }
  assert(openCount === transfers.openCount, 'open pending transfers are miscounted');
  let sum = 0n;
  for (let account = 0; account < accounts.count; account++) {
    const { balance, available, reserved } = ledger.view(account);
    sum += balance;
    assert(reserved === open[account], 'a reserve is not the sum of its pending transfers');
    assert(account === MINT || available >= 0n, 'an account other than MINT is overdrawn');
  }
  assert(sum === 0n, 'the balances do not add up to 0');
  const { available, bound } = supplyOf(ledger);
  assert(available <= bound + BigInt(accounts.count), 'the supply has passed its bound');
}
