/**
 * The books: what one transfer does to accounts, with the mint and evaporation that it brings to light.
 *
 * The ledger decides which transfers are carried out, and in what order; each is checked here before it changes anything, and
 * what a chain changed can be taken back.
 */
import { assert } from '../kernel/assert.ts';
import { AccountColumns } from './account-columns.ts';
import { AMOUNT_MAX } from './amounts.ts';
import { BatchBuilder, type OwnRecord } from './batch.ts';
import { type Decay, FRACTION_BITS } from './decay.ts';
import { Settlement } from './settlement.ts';
import { Answer, Code, EVAPORATED, MINT, TransferAction, type TransferId } from './transfer.ts';
import { SlotState, TransferTable } from './transfer-table.ts';

const FRACTION_MASK = (1n << FRACTION_BITS) - 1n;

/** Accounts, remembered transfers, and the batch in which their changes are recorded. Single writer: the ledger. */
export class Books {
  readonly accounts: AccountColumns = new AccountColumns();
  readonly transfers: TransferTable = new TransferTable();
  readonly batch: BatchBuilder = new BatchBuilder();
  /** Number of the batch that is being built. */
  batchNumber = 0;

  private readonly decay: Decay;
  private readonly isLogged: boolean;
  private readonly settlement = new Settlement();
  /** State of accounts before the chain, and pending transfers that it resolved. */
  private readonly saved: number[] = [];
  private readonly resolved: number[] = [];

  /** @param isLogged Whether batches are built at all. */
  constructor(decay: Decay, isLogged: boolean) {
    this.decay = decay;
    this.isLogged = isLogged;
  }

  /** Keeps what the chain did. */
  keepChain(): void {
    for (const slot of this.resolved) this.transfers.drop(slot);
    this.resolved.length = 0;
    this.saved.length = 0;
  }

  /** Takes back what the chain did to accounts and to transfers that were pending before. */
  undoChain(): void {
    this.accounts.restore(this.saved);
    for (const slot of this.resolved) this.transfers.reopen(slot);
    this.resolved.length = 0;
  }

  /** Gives an expired reserve back. @param due When, µs. */
  expire(slot: number, due: number): void {
    const { accounts, transfers } = this;
    const { id: pending, job, credit, debit, moved } = transfers.records.fields(slot);
    this.settleOne(debit, due);
    transfers.close(slot, SlotState.Expired);
    accounts.reserved[debit] = (accounts.reserved[debit] as number) - moved;
    this.addOwn({
      action: TransferAction.Expire,
      debit,
      credit,
      moved,
      code: Code.Expiry,
      job,
      timeMicros: due,
      pending,
    });
    this.evaporateReturned(slot, moved, due);
    transfers.drop(slot);
  }

  /** Brings the tenants of a transfer to its time, so that what it does happens at that time. */
  settleTouched(slot: number, timeMicros: number): void {
    const { records } = this.transfers;
    this.settleOne(records.debit(slot), timeMicros);
    this.settleOne(records.credit(slot), timeMicros);
    const pending = this.pendingSlot(slot);
    if (pending < 0) return;
    this.settleOne(records.debit(pending), timeMicros);
    this.settleOne(records.credit(pending), timeMicros);
  }

  /** The slot of the transfer that one resolves, −1: it is not known, or not one that pends or has pended. */
  private pendingSlot(slot: number): number {
    const { records, states } = this.transfers;
    const position = records.pendingPosition(slot);
    if (position < 0) return -1;
    const found = this.transfers.find(position, records.pendingKind(slot), records.pendingSubject(slot));
    return found < 0 || (states[found] as number) < SlotState.Open ? -1 : found;
  }

  /** Carries out one transfer. @returns See `Answer`; refused, it has changed nothing. */
  execute(slot: number, timeMicros: number): number {
    switch (this.transfers.records.action(slot)) {
      case TransferAction.Post:
        return this.post(slot, timeMicros);
      case TransferAction.Pend:
        return this.pend(slot, timeMicros);
      case TransferAction.SetMint:
        return this.setMint(slot, timeMicros);
      default:
        return this.resolve(slot, timeMicros);
    }
  }

  /** Notes what a transfer has done. */
  private done(slot: number, moved: number, timeMicros: number): number {
    this.transfers.records.writeOutcome(slot, Answer.Done, moved, timeMicros);
    if (this.isLogged) this.batch.add(this.transfers.records, slot);
    return Answer.Done;
  }

  /** What a transfer takes from its debit account; −1: not enough. */
  private payable(slot: number): number {
    const { records } = this.transfers;
    const debit = records.debit(slot);
    const amount = records.amount(slot);
    if (debit === MINT) return amount;
    const available = this.accounts.available(debit);
    if (amount <= available) return amount;
    return records.isBalancing(slot) ? available : -1;
  }

  private post(slot: number, timeMicros: number): number {
    const { accounts } = this;
    const debit = this.transfers.records.debit(slot);
    const credit = this.transfers.records.credit(slot);
    if (debit >= accounts.count || credit >= accounts.count) return Answer.AccountUnknown;
    const amount = this.payable(slot);
    if (amount < 0) return Answer.NotEnough;
    if (this.wouldOverflow(credit, amount)) return Answer.Overflow;
    accounts.save(debit, this.saved);
    accounts.save(credit, this.saved);
    this.move(debit, credit, amount);
    this.checkBounds(debit);
    this.checkBounds(credit);
    return this.done(slot, amount, timeMicros);
  }

  private pend(slot: number, timeMicros: number): number {
    const { accounts, transfers } = this;
    const debit = transfers.records.debit(slot);
    if (debit >= accounts.count || transfers.records.credit(slot) >= accounts.count)
      return Answer.AccountUnknown;
    const amount = this.payable(slot);
    if (amount < 0) return Answer.NotEnough;
    const reserved = (accounts.reserved[debit] as number) + amount;
    if (reserved > AMOUNT_MAX) return Answer.Overflow;
    accounts.save(debit, this.saved);
    accounts.reserved[debit] = reserved;
    transfers.states[slot] = SlotState.Open;
    transfers.openCount++;
    return this.done(slot, amount, timeMicros);
  }

  /** Posts a pending transfer, or a part of it, or none (void); the rest goes back. */
  private resolve(slot: number, timeMicros: number): number {
    const { accounts, transfers } = this;
    const { records } = transfers;
    const pending = this.pendingSlot(slot);
    if (pending < 0) return Answer.PendingUnknown;
    const state = transfers.states[pending];
    if (state === SlotState.Posted) return Answer.AlreadyPosted;
    if (state === SlotState.Voided) return Answer.AlreadyVoided;
    if (state === SlotState.Expired) return Answer.AlreadyExpired;
    const held = records.moved(pending);
    const amount = records.amount(slot);
    if (amount > held) return Answer.ExceedsPending;
    const debit = records.debit(pending);
    const credit = records.credit(pending);
    if (this.wouldOverflow(credit, amount)) return Answer.Overflow;
    accounts.save(debit, this.saved);
    accounts.save(credit, this.saved);
    accounts.save(EVAPORATED, this.saved);
    const isVoid = records.action(slot) === TransferAction.VoidPending;
    transfers.close(pending, isVoid ? SlotState.Voided : SlotState.Posted);
    this.resolved.push(pending);
    accounts.reserved[debit] = (accounts.reserved[debit] as number) - held;
    this.move(debit, credit, amount);
    this.done(slot, isVoid ? held : amount, timeMicros);
    this.evaporateReturned(pending, held - amount, timeMicros);
    this.checkBounds(debit);
    this.checkBounds(credit);
    return Answer.Done;
  }

  private setMint(slot: number, timeMicros: number): number {
    const { accounts } = this;
    const account = this.transfers.records.credit(slot);
    if (!accounts.isTenant(account)) return Answer.AccountUnknown;
    const rate = this.transfers.records.amount(slot);
    const ceiling = this.decay.ceilingOf(rate);
    if (ceiling > AMOUNT_MAX) return Answer.Overflow;
    accounts.save(account, this.saved);
    accounts.mintRate[account] = rate;
    accounts.mintCeiling[account] = Math.max(accounts.mintCeiling[account] as number, ceiling);
    return this.done(slot, 0, timeMicros);
  }

  private wouldOverflow(credit: number, amount: number): boolean {
    return this.accounts.isTenant(credit) && this.accounts.balance(credit) + amount > AMOUNT_MAX;
  }

  /** Moves posted tokens. */
  private move(debit: number, credit: number, amount: number): void {
    const { accounts } = this;
    accounts.debit(debit, amount);
    accounts.credit(credit, amount);
    if (accounts.isTenant(credit)) accounts.received[credit] = (accounts.received[credit] as number) + amount;
  }

  /** The bounds of a tenant's balance: not below 0, not above what mint and credits allow. */
  private checkBounds(account: number): void {
    if (account === MINT) return;
    const { accounts } = this;
    const available = accounts.available(account);
    assert(available >= 0, 'an account other than MINT is overdrawn');
    if (!accounts.isTenant(account)) return;
    const bound = (accounts.mintCeiling[account] as number) + (accounts.received[account] as number) + 1;
    assert(available <= bound, 'a balance has passed m/κ and what the tenant was given');
  }

  /** Posts mint and evaporation of one account. @returns Whether its state has changed. */
  settleOne(account: number, timeMicros: number): boolean {
    const { accounts } = this;
    if (!accounts.isTenant(account) || timeMicros <= (accounts.settledMicros[account] as number))
      return false;
    const { settlement } = this;
    let changed = false;
    for (let at = -1; at < timeMicros; at = accounts.settledMicros[account] as number) {
      changed = settlement.step(accounts, this.decay, account, timeMicros) || changed;
      this.postSettlement(account);
    }
    return changed;
  }

  private postSettlement(account: number): void {
    const { accounts } = this;
    const { minted, evaporated } = this.settlement;
    const timeMicros = accounts.settledMicros[account] as number;
    if (minted > 0) {
      accounts.debit(MINT, minted);
      accounts.credit(account, minted);
      this.addOwn({
        action: TransferAction.Mint,
        debit: MINT,
        credit: account,
        moved: minted,
        code: Code.Mint,
        timeMicros,
      });
    }
    if (evaporated > 0) this.evaporate(account, evaporated, Code.Evaporation, timeMicros);
    this.checkBounds(account);
  }

  /** What comes back from a reserve has evaporated while it was there. */
  private evaporateReturned(pending: number, amount: number, timeMicros: number): void {
    const { accounts, transfers } = this;
    const account = transfers.records.debit(pending);
    if (amount === 0 || !accounts.isTenant(account)) return;
    const elapsed = timeMicros - transfers.records.timeMicros(pending);
    const loss = this.decay.lossOf(amount, elapsed) + BigInt(accounts.evaporationRest[account] as number);
    const lost = Number(loss >> FRACTION_BITS);
    accounts.evaporationRest[account] = Number(loss & FRACTION_MASK);
    if (lost > 0) this.evaporate(account, lost, Code.Returned, timeMicros, transfers.records.fields(pending));
    this.checkBounds(account);
  }

  private evaporate(
    account: number,
    amount: number,
    code: number,
    timeMicros: number,
    pending?: { id: TransferId; job: number },
  ): void {
    this.accounts.debit(account, amount);
    this.accounts.credit(EVAPORATED, amount);
    this.addOwn({
      ...{
        action: TransferAction.Evaporate,
        debit: account,
        credit: EVAPORATED,
        moved: amount,
        code,
        timeMicros,
      },
      ...(pending === undefined ? {} : { job: pending.job, pending: pending.id }),
    });
  }

  /** Records what nobody asked for. */
  addOwn(own: Pick<OwnRecord, 'action' | 'moved' | 'code' | 'timeMicros'> & Partial<OwnRecord>): void {
    if (!this.isLogged) return;
    this.batch.addOwn({ debit: 0, credit: 0, job: -1, pending: undefined, ...own }, this.batchNumber);
  }
}
