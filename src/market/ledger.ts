/**
 * The ledger: double entry in whole micro-tokens, where every token has an owner and every movement a reason.
 *
 *     MINT ──mint──▶ tenant ──rent──▶ BURN      a tenant's balance also evaporates ──▶ EVAP, and pays tax ──▶ TAX
 *                      └─▶ reserve (pending) ──post──▶ … · ──void, expiry──▶ back
 *
 * Invariants. The balances of all accounts add up to exactly 0. Only MINT is ever below 0. A transfer never changes; an id is
 * answered once, and the same again when it is replayed. A chain happens whole or not at all. What a tenant has available never
 * passes m/κ and what it was given besides mint (`theory`: no hoarding; with it the bounds of supply and bursts).
 *
 * Mint and evaporation are posted when a tenant's account is touched, by the closed form of `decay.ts`; the fractions are
 * carried, so that how often an account is touched changes nothing. What is reserved does not evaporate. What comes back from a
 * reserve unspent does, for the time that it was away: otherwise tokens could be parked, and no bound would hold.
 *
 * Deterministic, no clock: times are the caller's and never decrease. Not here: who may start what (`Accounts`), storage.
 */
import { assert } from '../kernel/assert.ts';
import { TimeHeap } from '../kernel/time-heap.ts';
import { TegError } from '../model/errors.ts';
import { type AccountColumns, NAME_BYTES_MAX } from './account-columns.ts';
import { isNatural } from './amounts.ts';
import { Call, type LedgerBatch } from './batch.ts';
import { Books } from './books.ts';
import { Decay } from './decay.ts';
import { readCheckpoint, writeCheckpoint } from './ledger-checkpoint.ts';
import { Records } from './record.ts';
import { Answer, Code, checkTransfers, type Transfer, TransferAction } from './transfer.ts';
import { SlotState, type TransferTable } from './transfer-table.ts';

/** Version of the log and of the rules by which it is recomputed. */
export const LEDGER_VERSION = 1;

/** Transfers that are remembered at one time unless another bound is given; about 140 bytes each. */
const TRANSFERS_MAX_DEFAULT = 2 ** 20;

/** The heap of expiries is rebuilt when it is this many times as large as what is open. */
const HEAP_SLACK = 2;
const HEAP_MIN = 1_024;

/** What a ledger is made with. */
export interface LedgerOptions {
  /** In [HALF_LIFE_MICROS_MIN, HALF_LIFE_MICROS_MAX]. Part of the log. */
  readonly halfLifeMicros: number;
  /** Most transfers remembered; default 2^20. */
  readonly transfersMax?: number;
  /** Gets every batch in the call that made it, the genesis first. It must have stored it before the call is acknowledged. */
  readonly onBatch?: ((batch: LedgerBatch) => void) | undefined;
  /** Of a ledger with the same half-life, which this one continues: it writes no genesis. */
  readonly checkpoint?: Uint8Array<ArrayBuffer> | undefined;
}

/** An account at the time at which it was last settled. */
export interface AccountView {
  readonly name: string;
  /** Everything ever posted. */
  readonly credits: bigint;
  readonly debits: bigint;
  readonly balance: bigint;
  /** Micro-tokens in open pending transfers, and what may be spent. */
  readonly reserved: number;
  readonly available: bigint;
  /** Micro-tokens an hour. */
  readonly mintRate: number;
}

/** One ledger. Single writer. */
export class Ledger {
  /** To be read only, as `transfers`. */
  readonly accounts: AccountColumns;
  readonly transfers: TransferTable;
  readonly halfLifeMicros: number;
  /** Time of the last call, µs. */
  nowMicros = 0;
  /** Time of the last batch: that of the last call that changed something. */
  private batchMicros = 0;
  /** Notes in the log, and time of the last one. */
  private noteCount = 0;
  private noteMicros = 0;

  private readonly decay: Decay;
  private readonly books: Books;
  private readonly transfersMax: number;
  private readonly onBatch: ((batch: LedgerBatch) => void) | undefined;
  private expiries = new TimeHeap();
  /** Slots of the chain at hand. */
  private readonly slots: number[] = [];
  private readonly probe = new Records(1);

  /**
   * The half-life must be in its bounds (`isHalfLife`), which is asserted.
   *
   * @throws TegError TEG_LEDGER_CORRUPT for bytes that are not a checkpoint of this version.
   */
  constructor({ halfLifeMicros, transfersMax = TRANSFERS_MAX_DEFAULT, onBatch, checkpoint }: LedgerOptions) {
    this.decay = new Decay(halfLifeMicros);
    this.halfLifeMicros = halfLifeMicros;
    this.books = new Books(this.decay, onBatch !== undefined);
    this.accounts = this.books.accounts;
    this.transfers = this.books.transfers;
    this.transfersMax = transfersMax;
    this.onBatch = onBatch;
    if (checkpoint !== undefined) {
      this.continueFrom(checkpoint);
      return;
    }
    this.books.addOwn({
      action: TransferAction.Genesis,
      moved: halfLifeMicros,
      code: LEDGER_VERSION,
      timeMicros: 0,
    });
    this.finish(Call.Genesis, -1, 0);
  }

  /**
   * Opens an account for a tenant, or finds it.
   *
   * @param name Not empty, at most NAME_BYTES_MAX bytes of UTF-8.
   * @returns Its number, counted from 4 upwards in the order of opening.
   * @throws TegError TEG_LEDGER_TRANSFER for a name that cannot be used, TEG_LIMIT_REACHED if the table is full.
   */
  open(name: string, timeMicros: number): number {
    const known = this.accounts.find(name);
    if (known >= 0) return known;
    const bytes = new TextEncoder().encode(name).length;
    if (bytes === 0 || bytes > NAME_BYTES_MAX || !name.isWellFormed()) {
      throw new TegError(
        'TEG_LEDGER_TRANSFER',
        `got an account name of ${bytes} bytes, expected 1 to ${NAME_BYTES_MAX} of well-formed text`,
      );
    }
    this.advance(timeMicros);
    const account = this.accounts.add(name, timeMicros);
    this.books.addOwn({
      action: TransferAction.Open,
      credit: account,
      moved: 0,
      code: Code.None,
      timeMicros,
    });
    this.finish(Call.Open, account, timeMicros, name);
    return account;
  }

  /**
   * Carries out transfers, chain by chain in their order.
   *
   * @returns The answer to each, see `Answer`; the caller's.
   * @throws TegError TEG_LEDGER_TRANSFER if one is malformed or new ones come from before the last call, TEG_LIMIT_REACHED if too
   * many would be remembered. Nothing is changed then.
   */
  apply(transfers: readonly Transfer[], timeMicros: number): Uint8Array {
    checkTransfers(transfers);
    const answers = new Uint8Array(transfers.length);
    let isNew = false;
    let kept = false;
    let expired = false;
    for (let start = 0, end = 0; start < transfers.length; start = end) {
      while (transfers[end]?.linked === true) end++;
      end++;
      const known = this.answerKnown(transfers, start, end, answers);
      if (known) continue;
      if (!isNew) {
        this.checkRoom(transfers.length - start);
        expired = this.advance(timeMicros);
        isNew = true;
      }
      kept = this.applyChain(transfers, start, end, timeMicros, answers) || kept;
    }
    if (kept || expired) this.finish(kept ? Call.Apply : Call.Expire, -1, timeMicros);
    return answers;
  }

  /** Posts mint and evaporation of one tenant, or of all, up to a time. O(accounts). */
  settle(timeMicros: number, account = -1): void {
    let changed = this.advance(timeMicros);
    const { accounts } = this;
    const from = account < 0 ? 0 : account;
    const to = account < 0 ? accounts.count : account + 1;
    for (let each = from; each < to; each++) changed = this.books.settleOne(each, timeMicros) || changed;
    if (changed) this.finish(Call.Settle, account, timeMicros);
  }

  /** Expires what is due by a time. */
  expire(timeMicros: number): void {
    if (this.advance(timeMicros)) this.finish(Call.Expire, -1, timeMicros);
  }

  /**
   * Writes notes into the log, see `usage-notes.ts`. Those that it has are known by their numbers and are not written again.
   *
   * @param names Of the notes, as a batch keeps them.
   * @throws TegError TEG_LEDGER_TRANSFER if a number is left out, or a time goes back.
   */
  note(notes: Records, count: number, names: string, timeMicros: number): void {
    if (this.onBatch === undefined || count === 0 || notes.position(count - 1) < this.noteCount) return;
    let last = this.noteMicros;
    for (let at = 0; at < count; at++) {
      const action = notes.action(at);
      const time = notes.timeMicros(at);
      const isNote = action >= TransferAction.NoteFlavor && action <= TransferAction.NoteQuote;
      if (!isNote || notes.position(at) !== this.noteCount + at || !(time >= last && time <= timeMicros)) {
        throw new TegError(
          'TEG_LEDGER_TRANSFER',
          `got note ${notes.position(at)} of action ${action} at ${time} µs, expected note ${this.noteCount + at} between ${last} and ` +
            `${timeMicros} µs; nothing was changed`,
        );
      }
      last = time;
    }
    this.advance(timeMicros);
    for (let at = 0; at < count; at++) this.books.batch.add(notes, at);
    this.noteCount += count;
    this.noteMicros = last;
    this.finish(Call.Note, -1, timeMicros, names);
  }

  /** Whether there is a log: notes are for it alone. */
  get isLogged(): boolean {
    return this.onBatch !== undefined;
  }

  /** Notes in the log: number of the next one. */
  get notesWritten(): number {
    return this.noteCount;
  }

  /** Number of the next batch. */
  get batchNumber(): number {
    return this.books.batchNumber;
  }

  /** When the next pending transfer expires, µs; Infinity: none. */
  get dueMicros(): number {
    this.dropStaleExpiries();
    return this.expiries.size > 0 ? (this.expiries.times[0] as number) : Number.POSITIVE_INFINITY;
  }

  /** Forgets the ids at and before a position of the client's event log, from which it will not replay any more. */
  forget(position: number, timeMicros: number): void {
    assert(isNatural(position), 'a position is not whole');
    if (position <= this.transfers.floor) return;
    this.advance(timeMicros);
    this.transfers.forget(position);
    this.books.addOwn({ action: TransferAction.Forget, moved: position, code: Code.None, timeMicros });
    this.finish(Call.Forget, -1, timeMicros);
  }

  /** @returns An account for people and tests; bigints are new. @param account In [0, accounts.count). */
  view(account: number): AccountView {
    const { accounts } = this;
    const credits = accounts.credits(account);
    const debits = accounts.debits(account);
    const reserved = accounts.reserved[account] as number;
    const balance = credits - debits;
    return {
      name: accounts.names[account] as string,
      ...{ credits, debits, balance, reserved },
      available: balance - BigInt(reserved),
      mintRate: accounts.mintRate[account] as number,
    };
  }

  /** The state as bytes, see `ledger-checkpoint.ts`. O(n log n) in what is remembered. */
  checkpoint(): Uint8Array<ArrayBuffer> {
    const { halfLifeMicros, batchMicros, batchNumber, noteCount, noteMicros } = this;
    const clock = { halfLifeMicros, nowMicros: batchMicros, batchNumber, noteCount, noteMicros };
    return writeCheckpoint(clock, this.accounts, this.transfers);
  }

  private continueFrom(checkpoint: Uint8Array<ArrayBuffer>): void {
    const { accounts, transfers } = this;
    const clock = readCheckpoint(checkpoint, accounts, transfers);
    assert(clock.halfLifeMicros === this.halfLifeMicros, 'a checkpoint of another half-life');
    this.nowMicros = clock.nowMicros;
    this.batchMicros = clock.nowMicros;
    this.noteCount = clock.noteCount;
    this.noteMicros = clock.noteMicros;
    this.books.batchNumber = clock.batchNumber;
    for (const slot of transfers.inOrder())
      if (transfers.states[slot] === SlotState.Open) this.schedule(slot);
  }

  /** m/κ: what a mint alone never passes, micro-tokens. @param rate Micro-tokens an hour. */
  ceilingOf(rate: number): number {
    return this.decay.ceilingOf(rate);
  }

  /** Answers a chain that is not new; false if it is. */
  private answerKnown(
    transfers: readonly Transfer[],
    start: number,
    end: number,
    answers: Uint8Array,
  ): boolean {
    const { transfers: table, slots } = this;
    slots.length = 0;
    let known = 0;
    let isSame = true;
    let isPast = false;
    for (let at = start; at < end; at++) {
      const transfer = transfers[at] as Transfer;
      const { position, kind, subject } = transfer.id;
      const slot = table.find(position, kind, subject);
      if (slot < 0) {
        isPast ||= position <= table.floor || position < table.lastPosition;
        continue;
      }
      known++;
      slots.push(slot);
      isSame &&= this.isSame(slot, transfer);
    }
    if (known === 0 && !isPast) return false;
    if (known === end - start && isSame) {
      for (let at = start; at < end; at++) answers[at] = table.records.answer(slots[at - start] as number);
    } else answers.fill(known === 0 ? Answer.Stale : Answer.IdReused, start, end);
    return true;
  }

  private isSame(slot: number, transfer: Transfer): boolean {
    this.probe.write(0, transfer);
    return this.transfers.records.isSameTransfer(slot, this.probe, 0);
  }

  private checkRoom(count: number): void {
    const { size } = this.transfers;
    if (size + count <= this.transfersMax) return;
    throw new TegError(
      'TEG_LIMIT_REACHED',
      `the ledger remembers ${size} transfers and was given ${count} more, expected at most ${this.transfersMax}: ` +
        'forget what will not be replayed any more; nothing was changed',
    );
  }

  /** Brings the ledger to a time. @returns Whether anything expired. */
  private advance(timeMicros: number): boolean {
    if (!isNatural(timeMicros) || timeMicros < this.nowMicros) {
      throw new TegError(
        'TEG_LEDGER_TRANSFER',
        `got the time ${timeMicros} µs, expected an integer ≥ ${this.nowMicros}, that of the last call: times of a ledger never decrease`,
      );
    }
    let expired = false;
    while (this.dueMicros <= timeMicros) {
      const due = this.expiries.times[0] as number;
      const slot = this.expiries.pop();
      this.books.expire(slot, due);
      expired = true;
    }
    this.nowMicros = timeMicros;
    return expired;
  }

  private dropStaleExpiries(): void {
    const { expiries } = this;
    while (expiries.size > 0 && !this.isLive(expiries.ids[0] as number, expiries.sequences[0] as number))
      expiries.pop();
  }

  /** Whether an entry of the heap is of the pending transfer that has its slot now. */
  private isLive(slot: number, sequence: number): boolean {
    return this.transfers.states[slot] === SlotState.Open && this.transfers.sequences[slot] === sequence;
  }

  private schedule(slot: number): void {
    const { transfers } = this;
    const timeout = transfers.records.timeoutMicros(slot);
    if (timeout === 0) return;
    this.expiries.push(
      transfers.records.timeMicros(slot) + timeout,
      transfers.sequences[slot] as number,
      slot,
    );
    if (this.expiries.size <= Math.max(HEAP_MIN, HEAP_SLACK * transfers.openCount)) return;
    const old = this.expiries;
    this.expiries = new TimeHeap();
    for (let at = 0; at < old.size; at++) {
      const id = old.ids[at] as number;
      const sequence = old.sequences[at] as number;
      if (this.isLive(id, sequence)) this.expiries.push(old.times[at] as number, sequence, id);
    }
  }

  /** Carries out a chain of ids that are not known. @returns Whether it is remembered, whatever it was answered. */
  private applyChain(
    transfers: readonly Transfer[],
    start: number,
    end: number,
    timeMicros: number,
    answers: Uint8Array,
  ): boolean {
    const { transfers: table, slots } = this;
    slots.length = 0;
    for (let at = start; at < end; at++) {
      const transfer = transfers[at] as Transfer;
      const { position, kind, subject } = transfer.id;
      const isOrdered = slots.length === 0 || position >= table.records.position(slots.at(-1) as number);
      if (!isOrdered || table.find(position, kind, subject) >= 0) {
        // An id twice in one chain, or positions that decrease: no part of it is kept.
        for (const slot of slots) table.remove(slot);
        answers.fill(isOrdered ? Answer.IdReused : Answer.Stale, start, end);
        return false;
      }
      slots.push(table.add(transfer));
    }
    for (const slot of slots) table.keep(slot);
    for (const slot of slots) this.books.settleTouched(slot, timeMicros);
    const firstRecord = this.books.batch.size;
    let failed = -1;
    for (let at = 0; at < slots.length && failed < 0; at++) {
      const answer = this.books.execute(slots[at] as number, timeMicros);
      if (answer !== Answer.Done) failed = at;
      answers[start + at] = answer;
    }
    if (failed >= 0) this.refuseChain(firstRecord, failed, start, timeMicros, answers);
    for (const slot of slots) if (table.states[slot] === SlotState.Open) this.schedule(slot);
    this.books.keepChain();
    return true;
  }

  /** Takes a chain back, and records each of it as refused. */
  private refuseChain(
    firstRecord: number,
    failed: number,
    start: number,
    timeMicros: number,
    answers: Uint8Array,
  ): void {
    const { transfers: table, slots } = this;
    this.books.batch.cut(firstRecord);
    this.books.undoChain();
    for (let at = 0; at < slots.length; at++) {
      const slot = slots[at] as number;
      if (table.states[slot] === SlotState.Open) table.close(slot, SlotState.Closed);
      else table.states[slot] = SlotState.Closed;
      if (at !== failed) answers[start + at] = Answer.LinkedFailed;
      table.records.writeOutcome(slot, answers[start + at] as number, 0, timeMicros);
      if (this.onBatch !== undefined) this.books.batch.add(table.records, slot);
    }
  }

  /** Ends a call that changed something. */
  private finish(call: number, account: number, timeMicros: number, name = ''): void {
    const number = this.books.batchNumber++;
    this.batchMicros = timeMicros;
    if (this.onBatch === undefined) return;
    this.onBatch(this.books.batch.finish({ number, call, account, timeMicros, name }));
  }
}
