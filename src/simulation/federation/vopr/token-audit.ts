/**
 * The ledger of a run: every escrow of every zone is reserved in it, spent when its job starts, and given back when it
 * ends otherwise; tax is paid out of it. Checked: Σ = 0; what is reserved, spent and taxed is what zones and hosts did,
 * to the micro-token; what a process does again when it replays its log, and what a client sends twice, changes
 * nothing; the log of the ledger gives the same ledger.
 */
import { gangOf } from '../../../governor/federation/federation-limits.ts';
import { type Action, ActionKind } from '../../../governor/federation/messages.ts';
import type { ZoneGovernor } from '../../../governor/federation/zone/zone-governor.ts';
import { HoldState } from '../../../governor/federation/zone/zone-ledger.ts';
import { type ChainedBatch, HashChain, hashText } from '../../../market/hash-chain.ts';
import { Ledger } from '../../../market/ledger.ts';
import { checkLedger } from '../../../market/ledger-check.ts';
import {
  Answer,
  BURN,
  Code,
  MINT,
  TAX,
  type Transfer,
  TransferAction,
  type TransferId,
} from '../../../market/transfer.ts';
import { verifyLedger } from '../../../market/verify-ledger.ts';
import { ensure } from './violation.ts';

/** A week. */
const HALF_LIFE_MICROS = 604_800_000_000;
/** What each tenant has at first, micro-tokens: more than any run spends. */
const GRANT = 1e14;
/** Micro-tokens for a thousandth of a GPU or core in escrow. */
const PRICE = 1000;
/** Changes between two checks of the whole ledger, and between two that are sent again. */
const WHOLE_CHECK = 64;
const SENT_AGAIN = 5;
/** Kinds of ids. */
const Kind = { Grant: 0, Escrow: 1, Rent: 2, Release: 3, Tax: 4 } as const;

/** An escrow that is reserved. */
interface Reserved {
  readonly id: TransferId;
  readonly account: number;
  readonly amount: number;
}

/** Makes the ledger of a run; see `plantedLedger`. */
export type LedgerMaker = (options: ConstructorParameters<typeof Ledger>[0]) => Ledger;

/** The tokens of one run. */
export class TokenAudit {
  readonly ledger: Ledger;
  /** By zone and offer. */
  private readonly reserved: Map<number, Reserved>[];
  /** By tenant. */
  private readonly accounts = new Map<number, number>();
  private readonly batches: ChainedBatch[] = [];
  private readonly chain = new HashChain();
  private readonly tenantOf: (job: number) => number;
  private spent = 0;
  private taxed = 0;
  private held = 0;
  private changes = 0;
  private micros = 0;
  private subjects = 0;

  /** @param tenantOf Of a job. */
  constructor(
    zones: number,
    tenantOf: (job: number) => number,
    make: LedgerMaker = (options) => new Ledger(options),
  ) {
    this.reserved = Array.from({ length: zones }, () => new Map());
    this.tenantOf = tenantOf;
    this.ledger = make({
      halfLifeMicros: HALF_LIFE_MICROS,
      onBatch: (batch) => this.batches.push(this.chain.append(batch)),
    });
  }

  /** A zone has made a step. @param position Number of the step. O(jobs of the zone). */
  zoneStepped({ id, ledger }: ZoneGovernor, position: number, timeSeconds: number): void {
    const reserved = this.reserved[id] as Map<number, Reserved>;
    const seen = new Set<number>();
    this.begin(timeSeconds);
    ledger.forEach((local) => {
      const offer = ledger.offers[local] as number;
      if (offer === 0) return;
      const known = reserved.get(offer);
      if (ledger.states[local] === HoldState.Running) {
        if (known !== undefined) this.spend(known, position);
        reserved.delete(offer);
        return;
      }
      seen.add(offer);
      if (known !== undefined) return;
      const amount = PRICE * ((ledger.gpuMilli[local] as number) + (ledger.cpuMilli[local] as number));
      reserved.set(offer, this.reserve(ledger.jobs[local] as number, amount, position));
    });
    for (const [offer, known] of reserved) {
      if (seen.has(offer)) continue;
      this.release(known, position);
      reserved.delete(offer);
    }
  }

  /** A zone has lost its log, and with it its escrows. */
  zoneLost(zone: number, position: number, timeSeconds: number): void {
    this.begin(timeSeconds);
    const reserved = this.reserved[zone] as Map<number, Reserved>;
    for (const known of reserved.values()) this.release(known, position);
    reserved.clear();
  }

  /** A zone is back from its log. @throws Violation unless it holds the escrows that are reserved. */
  zoneReturned({ id, ledger }: ZoneGovernor): void {
    const reserved = this.reserved[id] as Map<number, Reserved>;
    ensure(ledger.escrows === reserved.size, () => {
      return `zone ${id} holds ${ledger.escrows} escrows after its replay; ${reserved.size} are reserved in the ledger`;
    });
  }

  /** A host has made a step. @param isReplay It makes it again, from its log. */
  hostStepped(actions: readonly Action[], position: number, timeSeconds: number, isReplay: boolean): void {
    let subject = 0;
    for (const { kind, job, microTokens = 0 } of actions) {
      if (kind !== ActionKind.Tax) continue;
      this.begin(timeSeconds);
      const id = { position, kind: Kind.Tax, subject: subject++ };
      const transfer = this.transfer(id, {
        action: TransferAction.Post,
        debit: this.accountOf(job, position),
        credit: TAX,
        amount: microTokens,
        code: Code.Tax,
        job: gangOf(job),
      });
      if (!isReplay) this.taxed += microTokens;
      this.apply(transfer);
    }
  }

  /** Everything. @throws Violation, or AssertionFailure of the ledger. O(ledger). */
  checkWhole(): void {
    checkLedger(this.ledger);
    this.checkSums();
  }

  /** A crash of the ledger: what is made of its log is the same. O(log). */
  checkLog(): void {
    this.checkWhole();
    const { fault, ledger } = verifyLedger(this.batches, { head: hashText(this.chain.head) });
    ensure(fault === undefined, () => {
      return `the ledger's log does not give the ledger: batch ${fault?.batch}: ${fault?.what}, ${fault?.found}, expected ${fault?.expected}`;
    });
    for (let account = 0; account < this.ledger.accounts.count; account++) {
      ensure(
        ledger?.view(account).balance === this.ledger.view(account).balance,
        () => `account ${account} has another balance after the ledger was made from its log`,
      );
    }
  }

  private begin(timeSeconds: number): void {
    this.micros = Math.max(this.micros, Math.round(1e6 * timeSeconds));
  }

  private accountOf(job: number, position: number): number {
    const tenant = this.tenantOf(job);
    const known = this.accounts.get(tenant);
    if (known !== undefined) return known;
    const account = this.ledger.open(`tenant-${tenant}`, this.micros);
    this.accounts.set(tenant, account);
    const grant = {
      action: TransferAction.Post,
      debit: MINT,
      credit: account,
      amount: GRANT,
      code: Code.Grant,
    };
    this.apply(this.transfer(this.nextId(position, Kind.Grant), grant));
    return account;
  }

  private reserve(job: number, amount: number, position: number): Reserved {
    const account = this.accountOf(job, position);
    const id = this.nextId(position, Kind.Escrow);
    this.held += amount;
    const pend = { action: TransferAction.Pend, debit: account, credit: BURN, amount, code: Code.Escrow };
    this.apply(this.transfer(id, { ...pend, job: gangOf(job) }));
    return { id, account, amount };
  }

  /** Half of an escrow is the rent that is due at the start, the rest comes back. */
  private spend({ id: pending, amount }: Reserved, position: number): void {
    const rent = Math.floor(amount / 2);
    this.held -= amount;
    this.spent += rent;
    const post = { action: TransferAction.PostPending, amount: rent, code: Code.Rent, pending };
    this.apply(this.transfer(this.nextId(position, Kind.Rent), post));
  }

  private release({ id: pending, amount }: Reserved, position: number): void {
    this.held -= amount;
    const give = { action: TransferAction.VoidPending, amount: 0, code: Code.Release, pending };
    this.apply(this.transfer(this.nextId(position, Kind.Release), give));
  }

  private nextId(position: number, kind: number): TransferId {
    return { position, kind, subject: this.subjects++ };
  }

  private transfer(
    id: TransferId,
    what: Pick<Transfer, 'action' | 'amount' | 'code'> & Partial<Transfer>,
  ): Transfer {
    return { id, debit: 0, credit: 0, timeoutMicros: 0, job: -1, quantity: 0, price: 0, ...what };
  }

  /** Has a transfer carried out, some of them twice as after a lost answer, and checks what came of it. */
  private apply(transfer: Transfer): void {
    const { ledger } = this;
    this.answered(transfer);
    this.changes++;
    if (this.changes % SENT_AGAIN === 0) this.answered(transfer);
    if (this.changes % WHOLE_CHECK === 0) checkLedger(ledger);
    this.checkSums();
  }

  private answered(transfer: Transfer): void {
    const [answer] = this.ledger.apply([transfer], this.micros);
    ensure(
      answer === Answer.Done,
      () => `the ledger answers ${answer} to a transfer of step ${transfer.id.position} that is right`,
    );
  }

  private checkSums(): void {
    const { accounts } = this.ledger;
    ensure(accounts.balance(BURN) === this.spent, () => {
      return `${accounts.balance(BURN)} micro-tokens of rent are booked; starts cost ${this.spent}`;
    });
    ensure(accounts.balance(TAX) === this.taxed, () => {
      return `${accounts.balance(TAX)} micro-tokens of tax are booked; hosts charged ${this.taxed}`;
    });
    let held = 0;
    for (const account of this.accounts.values()) held += accounts.reserved[account] as number;
    ensure(held === this.held, () => `${held} micro-tokens are reserved; zones hold ${this.held} in escrow`);
  }
}
