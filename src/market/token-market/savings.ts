/**
 * Savings: tokens that a tenant puts aside for one gang, in reserves that do not evaporate.
 *
 *     open ──▶ collects at each tick what is left after rents ──▶ full: its time is the gang's rank ──▶ pays the gang's rent
 *       └──────────────────────────────────────────────────────────────────────────────────▶ cancelled: what is left comes back
 *
 * Without it a gang whose cost exceeds m/κ never starts out of a balance. What comes back unspent has evaporated meanwhile:
 * saving does not get around the bounds of a balance.
 */
import { assert } from '../../kernel/assert.ts';
import { isNatural, MICROS_PER_HOUR } from '../amounts.ts';
import type { Transfer, TransferId } from '../transfer.ts';
import type { EscrowBook } from './escrow-book.ts';
import { MarketKind, releaseOf, rentFrom, reserveOf } from './market-transfers.ts';

/**
 * Reserves of one saving: it waits until that part of its cost is there. What waits evaporates: below .2 % of the cost for κP =
 * m.
 */
const PARTS_MAX = 256;

const MILLIS_PER_UNIT = 1_000;
const MICROS_PER_MILLISECOND = 1_000;

/** A reserve that belongs to a saving. */
interface Part {
  readonly position: number;
  readonly amount: number;
}

/** What is saved for one gang. The market's record: to be read only. */
export interface Saving {
  readonly tenant: number;
  readonly job: number;
  /** Micro-tokens wanted, and put aside so far less what was paid of it. */
  readonly cost: number;
  saved: number;
  /** When it was full; Infinity: not yet. The gang's rank: the smaller goes first. */
  fullMicros: number;
  state: 'saving' | 'paying' | 'over';
}

/** A saving as its keeper sees it. */
interface Account extends Saving {
  readonly parts: Part[];
  /** Of the gang once it runs: micro-tokens an hour, units, start, and what of it is paid for. */
  rate: number;
  milli: number;
  startMicros: number;
  paid: number;
  paidMicros: number;
}

/** All savings of a market. Single writer. */
export class Savings {
  private readonly book: EscrowBook;
  private accounts: Account[] = [];

  constructor(book: EscrowBook) {
    this.book = book;
  }

  /** Begins one. @param cost Micro-tokens, an integer > 0. */
  open(tenant: number, job: number, cost: number): Saving {
    assert(isNatural(cost) && cost > 0, 'a saving for less than a micro-token');
    const account: Account = {
      ...{ tenant, job, cost, saved: 0, fullMicros: Number.POSITIVE_INFINITY, state: 'saving' },
      ...{ parts: [], rate: 0, milli: 0, startMicros: 0, paid: 0, paidMicros: 0 },
    };
    this.accounts.push(account);
    return account;
  }

  /** Puts aside what tenants have left, the oldest saving first. O(savings). */
  collect(timeMicros: number): void {
    for (const account of this.accounts) {
      const left = account.cost - account.saved;
      if (account.state !== 'saving' || left === 0) continue;
      const least = Math.min(left, Math.ceil(account.cost / PARTS_MAX));
      const subject = this.book.accounts[account.tenant] as number;
      if (this.book.availableAt(account.tenant, timeMicros) < least) continue;
      this.reserve(account, subject, left, timeMicros);
      if (account.saved === account.cost) account.fullMicros = timeMicros;
    }
  }

  /** The gang starts: its rent is paid out of what was saved. @param saving Full. @param rate Micro-tokens an hour. */
  start(saving: Saving, rate: number, milli: number, timeMicros: number): void {
    const account = saving as Account;
    assert(
      account.state === 'saving' && account.saved === account.cost,
      'a gang starts that has not saved enough',
    );
    account.state = 'paying';
    account.rate = rate;
    account.milli = milli;
    account.startMicros = timeMicros;
    account.paidMicros = timeMicros;
  }

  /** Pays the rent of a gang up to a time. @returns Micro-tokens that the savings lack. */
  pay(saving: Saving, timeMicros: number): number {
    const account = saving as Account;
    assert(account.state === 'paying', 'rent of a gang that does not run');
    const { rate, milli, startMicros, paidMicros } = account;
    const total = Number((BigInt(rate) * BigInt(timeMicros - startMicros)) / BigInt(MICROS_PER_HOUR));
    const due = total - account.paid;
    const quantity = Math.floor(
      ((milli / MILLIS_PER_UNIT) * (timeMicros - paidMicros)) / MICROS_PER_MILLISECOND,
    );
    account.paid = total;
    account.paidMicros = timeMicros;
    return due - this.payOut(account, due, quantity, timeMicros);
  }

  /** Those that pay rents now. */
  get paying(): readonly Saving[] {
    return this.accounts.filter(({ state }) => state === 'paying');
  }

  /** Ends one; what is left comes back, evaporated. */
  end(saving: Saving, timeMicros: number): void {
    const account = saving as Account;
    const transfers = account.parts.map((part): Transfer => {
      const subject = this.book.accounts[account.tenant] as number;
      const position = this.book.nextPosition();
      return releaseOf({ position, kind: MarketKind.Release, subject }, idOf(part, subject), account.job);
    });
    this.book.apply(transfers, timeMicros);
    account.parts.length = 0;
    account.saved = 0;
    account.state = 'over';
    this.accounts = this.accounts.filter((each) => each !== account);
  }

  /** @returns Micro-tokens paid out of the parts, the oldest first. */
  private payOut(account: Account, due: number, quantity: number, timeMicros: number): number {
    const { book } = this;
    const subject = book.accounts[account.tenant] as number;
    let left = due;
    let [first, isSplit] = [true, false];
    const transfers: Transfer[] = [];
    while (left > 0 && account.parts.length > 0 && !isSplit) {
      const part = account.parts[0] as Part;
      const amount = Math.min(left, part.amount);
      const id = { position: book.nextPosition(), kind: MarketKind.Rent, subject };
      transfers.push(rentFrom(id, idOf(part, subject), amount, first ? quantity : 0, false, account.job));
      first = false;
      left -= amount;
      account.saved -= part.amount;
      account.parts.shift();
      isSplit = amount < part.amount;
      if (isSplit) {
        book.apply(transfers.splice(0), timeMicros);
        this.reserve(account, subject, part.amount - amount, timeMicros);
      }
    }
    book.apply(transfers, timeMicros);
    const paid = due - left;
    book.paid[account.tenant] = (book.paid[account.tenant] as number) + paid;
    book.charged[account.tenant] = (book.charged[account.tenant] as number) + paid;
    return paid;
  }

  /** Puts what there is aside, at most an amount. */
  private reserve(account: Account, subject: number, amount: number, timeMicros: number): void {
    const position = this.book.nextPosition();
    const id: TransferId = { position, kind: MarketKind.Saving, subject };
    this.book.apply([reserveOf(id, subject, amount, account.job)], timeMicros);
    const moved = this.book.movedBy(position, MarketKind.Saving, subject);
    account.parts.push({ position, amount: moved });
    account.saved += moved;
  }
}

function idOf({ position }: Part, subject: number): TransferId {
  return { position, kind: MarketKind.Saving, subject };
}
