/**
 * What tenants have, what is set aside of it, and what they owe: the ledger's balances, carried on between its settlements.
 */
import { assert } from '../../kernel/assert.ts';
import { TegError } from '../../model/errors.ts';
import type { Ledger } from '../ledger.ts';
import { decayed, settledBalance } from '../prices/half-life.ts';
import { Answer, SYSTEM_ACCOUNTS, TRANSFERS_PER_CALL_MAX, type Transfer } from '../transfer.ts';
import { rentFor } from './accrual.ts';
import { excessRent, MarketKind, mintOf, rentFrom, reserveOf } from './market-transfers.ts';

/** Calls after which the ledger forgets: each time costs it a batch. */
const CALLS_PER_FORGET = 64;

/** One tenant at a tick. */
interface Payment {
  readonly tenant: number;
  /** Micro-tokens due, and how much of it the escrow lacks. */
  readonly due: number;
  readonly excess: number;
  /** Micro-tokens an hour from now on. */
  readonly rate: number;
}

/** Balances by tenant. Single writer: the market. */
export class EscrowBook {
  readonly ledger: Ledger;
  /** To be read only. @shape [tenants] Account numbers in the ledger. */
  readonly accounts: Int32Array;
  /** To be read only. @shape [tenants] m/κ, micro-tokens. */
  readonly ceilings: Float64Array;
  /** To be read only. @shape [tenants] Micro-tokens of rent and tax paid so far, and of rent that was due. */
  readonly paid: Float64Array;
  readonly charged: Float64Array;
  private readonly period: number;
  private readonly horizon: number;
  /** @shape [tenants] Set aside since the last tick; in escrow; missing in it until the next tick. Micro-tokens. */
  private readonly committed: Float64Array;
  private readonly escrows: Float64Array;
  private readonly missing: Float64Array;
  /** @shape [tenants] Rent that could not be paid, decayed until `owedMicros`. */
  private readonly owed: Float64Array;
  private readonly owedMicros: Float64Array;
  /** @shape [tenants] Position of the transfer that made the escrow; −1: none. */
  private readonly positions: Float64Array;
  private readonly callsKept: number;
  private position: number;
  private calls = 0;

  /**
   * @param names Of tenants; accounts are opened. @param times In µs. @param callsKept See `TokenMarketOptions`.
   * @param first Position of the first call.
   */
  constructor(
    ledger: Ledger,
    names: readonly string[],
    { periodMicros, horizonMicros }: { readonly periodMicros: number; readonly horizonMicros: number },
    callsKept: number,
    first = 0,
  ) {
    this.position = first;
    this.callsKept = callsKept;
    const column = (): Float64Array => new Float64Array(names.length);
    this.ledger = ledger;
    this.period = periodMicros;
    this.horizon = horizonMicros;
    this.accounts = Int32Array.from(names, (name) => openAccount(ledger, name));
    [this.ceilings, this.paid, this.charged, this.committed] = [column(), column(), column(), column()];
    [this.escrows, this.missing, this.owed, this.owedMicros] = [column(), column(), column(), column()];
    this.positions = column().fill(-1);
  }

  /** @returns A position for the next call of the ledger. */
  nextPosition(): number {
    return this.position++;
  }

  /** Available of the ledger at a time, not before its last settlement; micro-tokens. */
  availableAt(tenant: number, timeMicros: number): number {
    const { accounts, halfLifeMicros } = this.ledger;
    const account = this.accounts[tenant] as number;
    const elapsed = timeMicros - (accounts.settledMicros[account] as number);
    const available = accounts.available(account);
    return settledBalance(available, this.ceilings[tenant] as number, elapsed, halfLifeMicros);
  }

  /**
   * What a tenant has less what it has set aside and what it owes: m/κ less decayed usage. May be below 0.
   *
   * @param freshDue Rent that ran up since the last tick of what started since: where jobs run longer than they declared, it
   * counts.
   */
  balanceAt(tenant: number, timeMicros: number, freshDue: number): number {
    const setAside = Math.max(this.committed[tenant] as number, freshDue);
    return this.availableAt(tenant, timeMicros) - setAside - this.owedAt(tenant, timeMicros);
  }

  /** What it may still set aside, so that the tick at `tickMicros` can pay for all. */
  spendableAt(tenant: number, tickMicros: number, freshDue: number): number {
    return this.balanceAt(tenant, tickMicros, freshDue) - (this.missing[tenant] as number);
  }

  /** Rent that it could not pay, forgotten with the half-life. */
  owedAt(tenant: number, timeMicros: number): number {
    const owed = this.owed[tenant] as number;
    if (owed === 0) return 0;
    return decayed(owed, timeMicros - (this.owedMicros[tenant] as number), this.ledger.halfLifeMicros);
  }

  /** In escrow and set aside. */
  reservedOf(tenant: number): number {
    return (this.escrows[tenant] as number) + (this.committed[tenant] as number);
  }

  /** Sets tokens aside, or frees some that were. */
  commit(tenant: number, amount: number): void {
    this.committed[tenant] = (this.committed[tenant] as number) + amount;
  }

  /** Notes rent that could not be paid. */
  owe(tenant: number, amount: number, timeMicros: number): void {
    this.owed[tenant] = this.owedAt(tenant, timeMicros) + amount;
    this.owedMicros[tenant] = timeMicros;
  }

  /** Whether nothing is left to be paid or given back at a tick. */
  isSettled(tenant: number): boolean {
    return (this.positions[tenant] as number) < 0;
  }

  /**
   * Pays the rents of a period and reserves those of the next: one chain a tenant.
   *
   * @param dueOf Micro-tokens due of a tenant, and unit-milliseconds for it. @param rateOf Micro-tokens an hour from now on.
   */
  tick(
    tenants: readonly number[],
    timeMicros: number,
    dueOf: (tenant: number) => { readonly due: number; readonly quantity: number },
    rateOf: (tenant: number) => number,
  ): void {
    const perCall = Math.floor(TRANSFERS_PER_CALL_MAX / 3);
    for (let from = 0; from < tenants.length; from += perCall) {
      const position = this.nextPosition();
      const transfers: Transfer[] = [];
      const payments = tenants
        .slice(from, from + perCall)
        .map((tenant) => this.payment(tenant, position, transfers, dueOf(tenant), rateOf(tenant)));
      this.apply(transfers, timeMicros);
      for (const payment of payments) this.settle(payment, position, timeMicros);
    }
  }

  /** Adds the chain of one tenant. */
  private payment(
    tenant: number,
    position: number,
    transfers: Transfer[],
    { due, quantity }: { readonly due: number; readonly quantity: number },
    rate: number,
  ): Payment {
    const subject = this.accounts[tenant] as number;
    const id = (kind: number) => ({ position, kind, subject });
    const inEscrow = this.escrows[tenant] as number;
    const excess = Math.max(0, due - inEscrow);
    const isNext = rate > 0;
    const old = this.positions[tenant] as number;
    // The quantity stands on one line.
    const isQuantityOfExcess = old < 0;
    if (old >= 0) {
      const pending = { position: old, kind: MarketKind.Escrow, subject };
      const linked = excess > 0 || isNext;
      transfers.push(rentFrom(id(MarketKind.Rent), pending, due - excess, quantity, linked));
    }
    if (excess > 0) {
      transfers.push(
        excessRent(id(MarketKind.Excess), subject, excess, isQuantityOfExcess ? quantity : 0, isNext),
      );
    }
    if (isNext) transfers.push(reserveOf(id(MarketKind.Escrow), subject, rentFor(rate, this.horizon)));
    return { tenant, due, excess, rate };
  }

  /** Reads what a tenant's chain moved. */
  private settle({ tenant, due, excess, rate }: Payment, position: number, timeMicros: number): void {
    const subject = this.accounts[tenant] as number;
    const paid = due - excess + (excess > 0 ? this.movedBy(position, MarketKind.Excess, subject) : 0);
    this.paid[tenant] = (this.paid[tenant] as number) + paid;
    this.charged[tenant] = (this.charged[tenant] as number) + due;
    if (paid < due) this.owe(tenant, due - paid, timeMicros);
    const isNext = rate > 0;
    this.positions[tenant] = isNext ? position : -1;
    this.escrows[tenant] = isNext ? this.movedBy(position, MarketKind.Escrow, subject) : 0;
    this.missing[tenant] = Math.max(0, rentFor(rate, this.period) - (this.escrows[tenant] as number));
    this.committed[tenant] = 0;
  }

  /** @returns Micro-tokens that a transfer of the last call moved. */
  movedBy(position: number, kind: number, subject: number): number {
    const { transfers } = this.ledger;
    const slot = transfers.find(position, kind, subject);
    assert(slot >= 0, 'the ledger does not know a transfer of its last call');
    return transfers.records.moved(slot);
  }

  /** Carries out transfers, all of which must succeed. */
  apply(transfers: readonly Transfer[], timeMicros: number): void {
    if (transfers.length === 0) return;
    const answers = this.ledger.apply(transfers, timeMicros);
    assert(
      answers.every((answer) => answer === Answer.Done),
      'the ledger refuses a transfer of the market',
    );
    if (++this.calls % CALLS_PER_FORGET === 0 && this.position > this.callsKept)
      this.ledger.forget(this.position - this.callsKept, timeMicros);
  }

  /** Accounts of the ledger that are no tenants of this market mint nothing from now on. */
  endOtherMints(timeMicros: number): void {
    const { accounts } = this.ledger;
    const own = new Set(this.accounts);
    const position = this.nextPosition();
    const transfers: Transfer[] = [];
    for (let subject = 0; subject < accounts.count; subject++) {
      if (own.has(subject) || (accounts.mintRate[subject] as number) === 0) continue;
      transfers.push(mintOf({ position, kind: MarketKind.Mint, subject }, subject, 0));
    }
    for (let from = 0; from < transfers.length; from += TRANSFERS_PER_CALL_MAX)
      this.apply(transfers.slice(from, from + TRANSFERS_PER_CALL_MAX), timeMicros);
  }

  /** Notes m/κ of a mint that the ledger was given. @param rate Micro-tokens an hour. */
  setMint(tenant: number, rate: number): void {
    this.ceilings[tenant] = rate === 0 ? 0 : this.ledger.ceilingOf(rate);
  }
}

/** @throws TegError TEG_CONFIG_INVALID for a name that the ledger uses itself, and as `Ledger.open`. */
function openAccount(ledger: Ledger, name: string): number {
  const account = ledger.open(name, ledger.nowMicros);
  if (ledger.accounts.isTenant(account)) return account;
  throw new TegError(
    'TEG_CONFIG_INVALID',
    `got a tenant named '${name}', expected another name: ${SYSTEM_ACCOUNTS.join(', ')} are accounts of the ledger`,
  );
}
