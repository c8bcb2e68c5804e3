/**
 * Recomputes rents from the notes of a log: what ran, at which prices, has to give what tenants were charged, to the micro-token.
 *
 * A rent out of an escrow and what exceeds it are together what was due; the ledger itself says what of it could be paid. Not
 * checked: that what is noted did run, and that prices follow from loads. Where a log has no notes nothing is checked.
 */
import { type BatchParts, Call } from '../batch.ts';
import type { Ledger } from '../ledger.ts';
import { Code, TransferAction } from '../transfer.ts';
import { type Note, readNotes } from '../usage-notes.ts';
import { TenantRents } from './tenant-rents.ts';

/** A lease that runs. */
interface AuditedLease {
  readonly account: number;
  readonly flavor: number;
  readonly milli: number;
  readonly rate: number;
  readonly startMicros: number;
}

/** What is wrong: what, found, expected. */
export type RentFault = readonly [what: string, found: number, expected: number];

/** Reads a log batch by batch, in order. */
export class RentAudit {
  private rents: TenantRents | undefined;
  private flavorCount = 0;
  private accountCount = 0;
  private readonly quotes: number[] = [];
  private lastQuoteMicros = 0;
  private readonly leases = new Map<number, AuditedLease>();

  /** Numbers of the starts that have not ended. */
  get running(): IterableIterator<number> {
    return this.leases.keys();
  }

  /** @returns Micro-tokens that an account owes for the time until now, which are taken as charged, and unit-milliseconds. */
  takeDue(account: number, timeMicros: number): { readonly due: number; readonly quantity: number } {
    const { rents } = this;
    if (rents === undefined || account >= this.accountCount) return { due: 0, quantity: 0 };
    return { due: rents.takeDue(account, timeMicros), quantity: rents.takeUsed(account, timeMicros) };
  }

  /** @param ledger After the batch. @returns What is wrong with it. */
  next(parts: BatchParts, ledger: Ledger): RentFault | undefined {
    if (parts.call === Call.Note) {
      for (const note of readNotes(parts)) {
        const fault = this.note(note, ledger);
        if (fault !== undefined) return fault;
      }
    }
    return parts.call === Call.Apply ? this.compare(parts, ledger) : undefined;
  }

  private note(note: Note, ledger: Ledger): RentFault | undefined {
    const { action, number, account, flavor, milli, price, rate, start, timeMicros } = note;
    if (action === TransferAction.NoteFlavor) {
      // Another market begins, whose flavors and accounts may be others; what ran in the one before has ended and is paid.
      if (flavor === 0 && this.leases.size === 0) this.begin();
      this.flavorCount = Math.max(this.flavorCount, flavor + 1);
      return undefined;
    }
    if (action === TransferAction.NoteStart) {
      this.rents ??= this.newRents(ledger.accounts.count);
      if (!ledger.accounts.isTenant(account) || flavor >= this.flavorCount)
        return ['the account or flavor of a start', account, ledger.accounts.count - 1];
      this.rents.start(account, flavor, milli, rate, timeMicros);
      this.leases.set(number, { account, flavor, milli, rate, startMicros: timeMicros });
      return undefined;
    }
    if (action === TransferAction.NoteEnd) {
      const lease = this.leases.get(start);
      if (lease === undefined) return ['the start of an end', start, -1];
      this.leases.delete(start);
      if (lease.startMicros >= this.lastQuoteMicros)
        this.rents?.endFresh(lease.account, lease.flavor, lease.milli, lease.rate, timeMicros);
      else this.rents?.endQuoted(lease.account, lease.flavor, lease.milli, timeMicros);
      return undefined;
    }
    if (action !== TransferAction.NoteQuote) return undefined;
    this.quotes[flavor] = price;
    if (flavor === this.flavorCount - 1) this.requote(timeMicros);
    return undefined;
  }

  private begin(): void {
    this.rents = undefined;
    this.flavorCount = 0;
    this.quotes.length = 0;
    this.lastQuoteMicros = 0;
  }

  private newRents(accounts: number): TenantRents {
    this.accountCount = accounts;
    return new TenantRents(accounts, this.flavorCount);
  }

  /** All quotes of a tick are there. */
  private requote(timeMicros: number): void {
    this.lastQuoteMicros = timeMicros;
    const accounts = new Set<number>();
    for (const { account } of this.leases.values()) accounts.add(account);
    for (const account of accounts)
      this.rents?.requote(account, (flavor) => this.quotes[flavor] ?? 0, timeMicros);
  }

  private compare({ records, count, timeMicros }: BatchParts, { accounts }: Ledger): RentFault | undefined {
    const { rents } = this;
    if (rents === undefined) return undefined;
    const charged = new Map<number, number>();
    for (let at = 0; at < count; at++) {
      const { action, code, job, amount, id } = records.fields(at);
      const isRent = action === TransferAction.PostPending || action === TransferAction.Post;
      // The subject of a market's transfer is the account that pays.
      if (isRent && code === Code.Rent && job < 0)
        charged.set(id.subject, (charged.get(id.subject) ?? 0) + amount);
    }
    for (const [account, amount] of charged) {
      const due = rents.takeDue(account, timeMicros);
      if (due !== amount) return [`the rent of '${accounts.names[account] ?? account}'`, amount, due];
    }
    return undefined;
  }
}
