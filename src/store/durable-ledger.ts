/**
 * A ledger whose log is stored: its answers may be reported to others after the next commit, and not before.
 *
 * Group commit: any number of calls, then one commit for all of them.
 */

import type { LedgerBatch } from '../market/batch.ts';
import { areEqual, type ChainedBatch, HashChain } from '../market/hash-chain.ts';
import { Ledger } from '../market/ledger.ts';
import { restoreLedger } from '../market/verify-ledger.ts';
import { TegError } from '../model/errors.ts';
import type { LedgerStore } from './ledger-store.ts';

/** How a durable ledger is opened. */
export interface DurableLedgerOptions {
  /** Of a new ledger; one that is there keeps its own. */
  readonly halfLifeMicros: number;
  /** See `LedgerOptions`. */
  readonly transfersMax?: number;
  /**
   * The caller makes all calls again from the first one on. The ledger starts empty; each batch that the store has must come again, byte
   * by byte, and those after it are stored: a run that was killed goes on, and another one is refused. Default false.
   */
  readonly startsAgain?: boolean;
}

/** A ledger and its store. Owns the store. */
export class DurableLedger {
  readonly ledger: Ledger;
  private readonly store: LedgerStore;
  private readonly chain = new HashChain();
  private waiting: ChainedBatch[] = [];
  private waitingBytes = 0;
  /** Batches that the store has and that were not made again yet. */
  private past: Iterator<ChainedBatch> | undefined;

  /**
   * Makes a ledger, or brings it back from the store. O(log).
   *
   * @throws TegError TEG_LEDGER_CORRUPT if the log is not what a ledger writes, TEG_LEDGER_OTHER if one that starts again does not start
   * as this one does; as every call of the ledger does then.
   */
  constructor(store: LedgerStore, options: DurableLedgerOptions) {
    this.store = store;
    const { startsAgain = false } = options;
    if (startsAgain && store.count > 0) this.past = store.read()[Symbol.iterator]();
    const onBatch = (batch: LedgerBatch): void => {
      const chained = this.chain.append(batch);
      if (this.past !== undefined) {
        this.compare(chained, this.past);
        return;
      }
      this.waiting.push(chained);
      this.waitingBytes += batch.bytes.length;
    };
    if (store.count === 0 || startsAgain) {
      this.ledger = new Ledger({ ...options, onBatch });
      this.commit();
      return;
    }
    const { transfersMax } = options;
    this.ledger = restoreLedger(store.read(), {
      onBatch,
      ...(transfersMax === undefined ? {} : { transfersMax }),
    });
    this.chain.head = store.head;
  }

  /** Batches that are not stored yet. */
  get uncommitted(): number {
    return this.waiting.length;
  }

  /** Bytes of them. */
  get uncommittedBytes(): number {
    return this.waitingBytes;
  }

  /** Batches of the store that a ledger which starts again has not made yet. */
  get notMadeAgain(): number {
    return this.past === undefined ? 0 : this.store.count - this.ledger.batchNumber;
  }

  /** Number and hash of the last batch, whether it is stored or not. */
  get uncommittedHead(): { readonly number: number; readonly hash: Uint8Array } {
    return this.waiting.at(-1) ?? this.committed;
  }

  /** Number and hash of the last batch that is stored. */
  get committed(): { readonly number: number; readonly hash: Uint8Array } {
    return { number: this.store.count - 1, hash: this.store.head };
  }

  /**
   * Stores what the calls since the last commit did. Their answers hold from now on.
   *
   * @throws TegError TEG_STORE_FAILED. This ledger is ahead of its log then and must not be used any more.
   */
  commit(): void {
    if (this.waiting.length === 0) return;
    this.store.append(this.waiting);
    this.waiting = [];
    this.waitingBytes = 0;
  }

  /** Ends it; what is not committed is lost. */
  close(): void {
    this.past?.return?.();
    this.store.close();
  }

  private compare(made: ChainedBatch, past: Iterator<ChainedBatch>): void {
    const { value: stored, done } = past.next();
    if (done === true || !areEqual(stored.hash, made.hash)) {
      throw new TegError(
        'TEG_LEDGER_OTHER',
        `batch ${made.number} of the ledger is not the one that this run makes: got the log of another run, expected that of this one, ` +
          'or a new file; the file was not changed',
      );
    }
    if (made.number + 1 < this.store.count) return;
    // Read to the end: the store checks its head then.
    past.next();
    this.past = undefined;
  }
}
