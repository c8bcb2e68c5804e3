/**
 * Accounts as columns: sums of debits and credits in two limbs, reserves, and what a tenant's balance needs to be brought to a
 * time.
 *
 * Sums of a ledger pass 2^53 after about ten years of 10^5 GPUs. Two doubles in base 2^52 are exact to 2^105 and cost 1.2 ns an
 * addition; a BigInt in a BigInt64Array costs 25 ns, in an array 36 ns (5·10^6 additions to 1,024 sums, Node.js 26).
 */

import { assert } from '../kernel/assert.ts';
import { grown } from '../kernel/grown.ts';
import { TegError } from '../model/errors.ts';
import { TENANTS_MAX } from '../model/limits.ts';
import { LIMB } from './amounts.ts';
import { SYSTEM_ACCOUNTS } from './transfer.ts';

/** Most accounts of one ledger: one a tenant, and those of the system. */
export const ACCOUNTS_MAX: number = TENANTS_MAX + SYSTEM_ACCOUNTS.length;

/** Longest name of an account, in UTF-8 bytes. */
export const NAME_BYTES_MAX = 255;

const CAPACITY_FIRST = 64;
/** Numbers that `save` puts on a stack for one account. */
const SAVED_NUMBERS = 11;

/** Columns by account. Single writer: the ledger. */
export class AccountColumns {
  readonly names: string[] = [];
  private readonly byName = new Map<string, number>();
  /** @shape [capacity] Sums of what was posted, high × 2^52 + low; low in [0, 2^52). */
  creditHigh: Float64Array = new Float64Array(CAPACITY_FIRST);
  creditLow: Float64Array = new Float64Array(CAPACITY_FIRST);
  debitHigh: Float64Array = new Float64Array(CAPACITY_FIRST);
  debitLow: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] Micro-tokens of its open pending transfers. */
  reserved: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] Micro-tokens an hour. */
  mintRate: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] When mint and evaporation were last posted, µs. */
  settledMicros: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] Mint not posted yet, in 1 / MICROS_PER_HOUR of a micro-token: an integer below MICROS_PER_HOUR. */
  mintRest: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] Evaporation not posted yet, in 2^-32 of a micro-token: an integer below 2^32. */
  evaporationRest: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] Bound of what is available: the largest m/κ, and credits that were not mint. */
  mintCeiling: Float64Array = new Float64Array(CAPACITY_FIRST);
  received: Float64Array = new Float64Array(CAPACITY_FIRST);

  constructor() {
    for (const name of SYSTEM_ACCOUNTS) this.add(name, 0);
  }

  /** Accounts, those of the system included. */
  get count(): number {
    return this.names.length;
  }

  /** All columns, as a checkpoint has them. The arrays change as accounts are added. */
  get columns(): readonly Float64Array[] {
    return [
      ...[this.creditHigh, this.creditLow, this.debitHigh, this.debitLow, this.reserved, this.mintRate],
      ...[this.settledMicros, this.mintRest, this.evaporationRest, this.mintCeiling, this.received],
    ];
  }

  /** @returns The number of a name, −1 if it has no account. */
  find(name: string): number {
    return this.byName.get(name) ?? -1;
  }

  /** @returns Whether a number is a tenant's. */
  isTenant(account: number): boolean {
    return account >= SYSTEM_ACCOUNTS.length && account < this.names.length;
  }

  /**
   * Adds an account without tokens.
   *
   * @param name Not taken. @param timeMicros Time from which it mints.
   * @throws TegError TEG_LIMIT_REACHED at ACCOUNTS_MAX.
   */
  add(name: string, timeMicros: number): number {
    assert(!this.byName.has(name), 'an account is added twice');
    const account = this.names.length;
    if (account >= ACCOUNTS_MAX) {
      throw new TegError(
        'TEG_LIMIT_REACHED',
        `account '${name}' would be number ${account + 1}; expected at most ${ACCOUNTS_MAX}: accounts are for teams, not for jobs`,
      );
    }
    if (account === this.reserved.length) this.widen();
    this.names.push(name);
    this.byName.set(name, account);
    this.settledMicros[account] = timeMicros;
    return account;
  }

  /** Posted credits less posted debits; exact within ±2^53, which the balance of a tenant never leaves. */
  balance(account: number): number {
    const high = (this.creditHigh[account] as number) - (this.debitHigh[account] as number);
    return high * LIMB + ((this.creditLow[account] as number) - (this.debitLow[account] as number));
  }

  /** What may be spent: the balance without reserves. Exact for tenants. */
  available(account: number): number {
    return this.balance(account) - (this.reserved[account] as number);
  }

  /** Whether time changes nothing: no mint, nothing available, nothing that still has to evaporate. */
  isAtRest(account: number): boolean {
    const isIdle = this.mintRate[account] === 0 && this.evaporationRest[account] === 0;
    return isIdle && this.available(account) === 0;
  }

  /** Adds to posted credits. @param amount In [0, AMOUNT_MAX]. */
  credit(account: number, amount: number): void {
    const low = (this.creditLow[account] as number) + amount;
    if (low >= LIMB) {
      this.creditLow[account] = low - LIMB;
      this.creditHigh[account] = (this.creditHigh[account] as number) + 1;
    } else this.creditLow[account] = low;
  }

  /** Adds to posted debits. @param amount In [0, AMOUNT_MAX]. */
  debit(account: number, amount: number): void {
    const low = (this.debitLow[account] as number) + amount;
    if (low >= LIMB) {
      this.debitLow[account] = low - LIMB;
      this.debitHigh[account] = (this.debitHigh[account] as number) + 1;
    } else this.debitLow[account] = low;
  }

  /** @returns All that was ever posted to its credit. */
  credits(account: number): bigint {
    return (
      BigInt(this.creditHigh[account] as number) * BigInt(LIMB) + BigInt(this.creditLow[account] as number)
    );
  }

  /** @returns All that was ever posted to its debit. */
  debits(account: number): bigint {
    return (
      BigInt(this.debitHigh[account] as number) * BigInt(LIMB) + BigInt(this.debitLow[account] as number)
    );
  }

  /** Puts the state of an account on a stack, for `restore`. */
  save(account: number, stack: number[]): void {
    stack.push(this.creditHigh[account] as number, this.creditLow[account] as number);
    stack.push(this.debitHigh[account] as number, this.debitLow[account] as number);
    stack.push(this.reserved[account] as number, this.mintRate[account] as number);
    stack.push(this.evaporationRest[account] as number, this.mintCeiling[account] as number);
    stack.push(this.received[account] as number, this.mintRest[account] as number, account);
  }

  /** Takes states off a stack, the last first, until it is empty. */
  restore(stack: number[]): void {
    for (let end = stack.length; end > 0; end -= SAVED_NUMBERS) {
      const at = end - SAVED_NUMBERS;
      const account = stack[end - 1] as number;
      this.creditHigh[account] = stack[at] as number;
      this.creditLow[account] = stack[at + 1] as number;
      this.debitHigh[account] = stack[at + 2] as number;
      this.debitLow[account] = stack[at + 3] as number;
      this.reserved[account] = stack[at + 4] as number;
      this.mintRate[account] = stack[at + 5] as number;
      this.evaporationRest[account] = stack[at + 6] as number;
      this.mintCeiling[account] = stack[at + 7] as number;
      this.received[account] = stack[at + 8] as number;
      this.mintRest[account] = stack[at + 9] as number;
    }
    stack.length = 0;
  }

  private widen(): void {
    const capacity = 2 * this.reserved.length;
    this.creditHigh = grown(this.creditHigh, capacity);
    this.creditLow = grown(this.creditLow, capacity);
    this.debitHigh = grown(this.debitHigh, capacity);
    this.debitLow = grown(this.debitLow, capacity);
    this.reserved = grown(this.reserved, capacity);
    this.mintRate = grown(this.mintRate, capacity);
    this.settledMicros = grown(this.settledMicros, capacity);
    this.mintRest = grown(this.mintRest, capacity);
    this.evaporationRest = grown(this.evaporationRest, capacity);
    this.mintCeiling = grown(this.mintCeiling, capacity);
    this.received = grown(this.received, capacity);
  }
}
