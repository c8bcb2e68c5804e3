/**
 * Verification and recovery of a log: the same thing. Every call is done again, and must give the same batch, byte by byte.
 */
import { AssertionFailure } from '../kernel/assert.ts';
import { TegError } from '../model/errors.ts';
import { type BatchParts, Call, isClientAction, type LedgerBatch, readBatch } from './batch.ts';
import { isHalfLife } from './decay.ts';
import { areEqual, type ChainedBatch, HashChain, hashText } from './hash-chain.ts';
import { LEDGER_VERSION, Ledger, type LedgerOptions } from './ledger.ts';
import { checkLedger } from './ledger-check.ts';
import { checkpointHalfLife } from './ledger-checkpoint.ts';
import { LogReader } from './log-reader.ts';
import type { RecordFields } from './record.ts';
import { type ClientAction, idText, type Transfer, TransferAction } from './transfer.ts';

/** The first thing that is wrong with a log. */
export interface LedgerFault {
  /** Number of the batch, by its place in the log. */
  readonly batch: number;
  /** Number of the record in it, −1: the batch as a whole. */
  readonly record: number;
  /** What is wrong, with the id of the transfer if it is one. */
  readonly what: string;
  readonly found: string;
  readonly expected: string;
}

/** What a verification found. */
export interface LedgerReport {
  readonly batches: number;
  readonly records: number;
  /** Hash of the last batch that was read, hexadecimal. */
  readonly head: string;
  /** The ledger after the batches that were right; undefined if there was none. */
  readonly ledger: Ledger | undefined;
  /** Undefined: everything is as it should be. */
  readonly fault: LedgerFault | undefined;
}

/** Checks what a ledger cannot know: where its clients' amounts come from. */
export interface LedgerAudit {
  /** @param ledger After the batch. @returns What is wrong with the batch: what, found, expected. */
  next(parts: BatchParts, ledger: Ledger): readonly [string, unknown, unknown] | undefined;
}

/** A state that is stored beside a log. */
export interface StoredCheckpoint {
  /** Batches before it, and hash of the last of them. */
  readonly count: number;
  readonly head: Uint8Array<ArrayBuffer>;
  /** See `ledger-checkpoint.ts`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Options of the ledger that is made again; its half-life is that of the log. */
type ReplayOptions = Omit<LedgerOptions, 'halfLifeMicros' | 'checkpoint'>;

/** How a log is verified. */
export interface VerifyOptions extends ReplayOptions {
  readonly head?: string | undefined;
  readonly audit?: LedgerAudit | undefined;
  /** To be compared with the ledger when the log has come to it. */
  readonly checkpoint?: StoredCheckpoint | undefined;
}

/**
 * Recomputes a log, and compares everything that it says.
 *
 * @param head Hash of its last batch, hexadecimal, if it is known from elsewhere: finds a log that was cut short.
 * @param options Of the ledger that is made; its half-life is that of the log.
 * @throws TegError TEG_LIMIT_REACHED if the log needs more than `transfersMax`.
 */
export function verifyLedger(
  batches: Iterable<ChainedBatch>,
  { head, audit, checkpoint, ...options }: VerifyOptions = {},
): LedgerReport {
  const replay = new LedgerReplay(options, audit);
  let fault: LedgerFault | undefined;
  for (const batch of batches) {
    fault = replay.next(batch) ?? replay.compareWith(checkpoint);
    if (fault !== undefined) break;
  }
  fault ??= replay.end(head, checkpoint);
  const { batchCount, recordCount, ledger } = replay;
  return { batches: batchCount, records: recordCount, head: hashText(replay.head), ledger, fault };
}

/**
 * Brings a ledger back from its log.
 *
 * @param options `onBatch` gets the batches after those of the log.
 * @param from    A checkpoint that is trusted: the batches are those after it.
 * @throws TegError TEG_LEDGER_CORRUPT at the first thing that is wrong.
 */
export function restoreLedger(
  batches: Iterable<ChainedBatch>,
  options: ReplayOptions = {},
  from?: StoredCheckpoint,
): Ledger {
  const replay = new LedgerReplay(options, undefined, from);
  let fault: LedgerFault | undefined;
  for (const batch of batches) {
    fault = replay.next(batch);
    if (fault !== undefined) break;
  }
  fault ??= replay.end(undefined, undefined);
  const { ledger } = replay;
  if (fault !== undefined) throw new TegError('TEG_LEDGER_CORRUPT', faultText(fault));
  if (ledger === undefined) throw new TegError('TEG_LEDGER_CORRUPT', 'the log is empty, expected a genesis');
  return ledger;
}

/** @returns A fault in words: where, what, found, expected. */
export function faultText({ batch, record, what, found, expected }: LedgerFault): string {
  const place = record < 0 ? `batch ${batch}` : `batch ${batch}, record ${record}`;
  return `${place}: ${what}: got ${found}, expected ${expected}`;
}

/** A ledger that does again what a log says. */
class LedgerReplay {
  ledger: Ledger | undefined;
  batchCount = 0;
  recordCount = 0;
  private readonly options: ReplayOptions;
  private readonly chain = new HashChain();
  private readonly reader = new LogReader();
  private readonly balances: bigint[] = [];
  private made: LedgerBatch | undefined;
  private isOver = false;

  private readonly audit: LedgerAudit | undefined;

  constructor(options: ReplayOptions, audit: LedgerAudit | undefined, from?: StoredCheckpoint) {
    this.options = options;
    this.audit = audit;
    if (from === undefined) return;
    const ledger = this.newLedger(checkpointHalfLife(from.bytes), from.bytes);
    this.ledger = ledger;
    this.batchCount = from.count;
    this.chain.head = from.head;
    this.reader.adopt(ledger);
    for (let account = 0; account < ledger.accounts.count; account++)
      this.balances[account] = ledger.view(account).balance;
  }

  get head(): Uint8Array {
    return this.chain.head;
  }

  /** Does one batch again. */
  next(batch: ChainedBatch): LedgerFault | undefined {
    const number = this.batchCount;
    const fault = (what: string, found: unknown, expected: unknown): LedgerFault => {
      return { batch: number, record: -1, what, found: String(found), expected: String(expected) };
    };
    if (batch.number !== number)
      return fault('batches are missing, or out of order', `number ${batch.number}`, number);
    if (!this.chain.accept(batch)) {
      return fault('the hash does not fit', hashText(batch.hash), hashText(this.chain.head));
    }
    this.made = undefined;
    try {
      const parts = readBatch(batch.bytes, `batch ${number}`);
      if (parts.number !== number) return fault('its own number', parts.number, number);
      const problem = this.redo(parts);
      if (problem !== undefined) return fault(...problem);
      const difference = differenceOf(batch, this.made);
      if (difference !== undefined) return difference;
      const wrong = this.audit?.next(parts, this.ledger as Ledger);
      if (wrong !== undefined) return fault(...wrong);
      for (const { debit, credit, moved } of this.reader.read(parts)) {
        this.balances[debit] = (this.balances[debit] ?? 0n) - BigInt(moved);
        this.balances[credit] = (this.balances[credit] ?? 0n) + BigInt(moved);
      }
      this.recordCount += parts.count;
    } catch (error) {
      // A log that needs more room than it is given is not a wrong one.
      const isFault =
        error instanceof TegError ? error.code !== 'TEG_LIMIT_REACHED' : error instanceof AssertionFailure;
      if (!isFault) throw error;
      return fault('it cannot be done again', (error as Error).message, 'a batch of a ledger');
    }
    this.batchCount++;
    return undefined;
  }

  /** Compares the ledger with a checkpoint, if the log has come to it. */
  compareWith(checkpoint: StoredCheckpoint | undefined): LedgerFault | undefined {
    if (checkpoint?.count !== this.batchCount || this.ledger === undefined) return undefined;
    const isSame =
      areEqual(checkpoint.head, this.chain.head) && areEqual(checkpoint.bytes, this.ledger.checkpoint());
    if (isSame) return undefined;
    return {
      ...{ batch: this.batchCount - 1, record: -1, what: 'the checkpoint after it' },
      ...{ found: 'another state', expected: 'that of the ledger at that time' },
    };
  }

  /** Checks what only shows at the end. */
  end(head: string | undefined, checkpoint: StoredCheckpoint | undefined): LedgerFault | undefined {
    const fault = (what: string, found: unknown, expected: unknown): LedgerFault => {
      return {
        batch: this.batchCount - 1,
        record: -1,
        what,
        found: String(found),
        expected: String(expected),
      };
    };
    const own = hashText(this.chain.head);
    if (head !== undefined && head !== own)
      return fault('the log does not end with the head that was given', own, head);
    if (checkpoint !== undefined && checkpoint.count > this.batchCount)
      return fault('the batches before the checkpoint', this.batchCount, checkpoint.count);
    const { ledger } = this;
    this.isOver = true;
    if (ledger === undefined) return undefined;
    checkLedger(ledger);
    for (let account = 0; account < ledger.accounts.count; account++) {
      const { name, balance } = ledger.view(account);
      const read = this.balances[account] ?? 0n;
      if (read !== balance) return fault(`the movements of account '${name}' add up`, read, balance);
    }
    return undefined;
  }

  /** @returns What is wrong, what was found and expected; undefined if the call could be done. */
  private redo(parts: BatchParts): [string, unknown, unknown] | undefined {
    const { call, timeMicros, account, name, records, count } = parts;
    if ((call === Call.Genesis) !== (this.ledger === undefined))
      return ['the genesis', `call ${call}`, 'it first, and once'];
    if (this.ledger === undefined) return this.genesis(parts);
    switch (call) {
      case Call.Open:
        this.ledger.open(name, timeMicros);
        return undefined;
      case Call.Apply:
        this.ledger.apply(clientTransfers(parts), timeMicros);
        return undefined;
      case Call.Settle:
        this.ledger.settle(timeMicros, account);
        return undefined;
      case Call.Forget:
        if (count > 0) this.ledger.forget(records.amount(count - 1), timeMicros);
        return undefined;
      case Call.Expire:
        this.ledger.expire(timeMicros);
        return undefined;
      case Call.Note:
        this.ledger.note(records, count, name, timeMicros);
        return undefined;
      default:
        return ['the call', call, `0 to ${Call.Note}`];
    }
  }

  private genesis({ records, count }: BatchParts): [string, unknown, unknown] | undefined {
    const first = count === 1 ? records.fields(0) : undefined;
    if (first?.action !== TransferAction.Genesis)
      return ['the genesis', `${count} records`, 'one, of the genesis'];
    if (first.code !== LEDGER_VERSION) return ['the version', first.code, LEDGER_VERSION];
    if (!isHalfLife(first.moved)) return ['the half-life', `${first.moved} µs`, 'a second to 250 years'];
    this.ledger = this.newLedger(first.moved);
    return undefined;
  }

  private newLedger(halfLifeMicros: number, checkpoint?: Uint8Array<ArrayBuffer>): Ledger {
    const { onBatch } = this.options;
    return new Ledger({
      ...this.options,
      halfLifeMicros,
      checkpoint,
      onBatch: (batch) => {
        if (this.isOver) onBatch?.(batch);
        else this.made = batch;
      },
    });
  }
}

/** @returns What clients asked for in a batch. */
function clientTransfers({ records, count }: BatchParts): Transfer[] {
  const transfers: Transfer[] = [];
  for (let at = 0; at < count; at++) {
    if (!isClientAction(records.action(at))) continue;
    const fields = records.fields(at);
    transfers.push({ ...fields, action: fields.action as ClientAction });
  }
  return transfers;
}

/** @returns The first difference between a batch of the log and the same one made again. */
function differenceOf(logged: LedgerBatch, made: LedgerBatch | undefined): LedgerFault | undefined {
  const fault = (record: number, what: string, found: unknown, expected: unknown): LedgerFault => {
    return { batch: logged.number, record, what, found: String(found), expected: String(expected) };
  };
  if (made === undefined)
    return fault(-1, 'the batch', `${logged.bytes.length} bytes`, 'none: the call changes nothing');
  if (areEqual(made.bytes, logged.bytes)) return undefined;
  const mine = readBatch(made.bytes, 'made again');
  const theirs = readBatch(logged.bytes, 'logged');
  for (let at = 0; at < Math.min(mine.count, theirs.count); at++) {
    const expected = mine.records.fields(at);
    const found = theirs.records.fields(at);
    const field = (Object.keys(expected) as (keyof RecordFields)[]).find(
      (key) => fieldText(found, key) !== fieldText(expected, key),
    );
    if (field !== undefined) {
      return fault(
        at,
        `${field} of transfer ${idText(found.id)}`,
        fieldText(found, field),
        fieldText(expected, field),
      );
    }
  }
  if (mine.count !== theirs.count) return fault(-1, 'records', theirs.count, mine.count);
  return fault(
    -1,
    'the header or a name',
    `call ${theirs.call} '${theirs.name}'`,
    `call ${mine.call} '${mine.name}'`,
  );
}

/** @returns The value of a field as text. */
function fieldText(fields: RecordFields, key: keyof RecordFields): string {
  const value = fields[key];
  return typeof value === 'object' ? idText(value) : String(value);
}
