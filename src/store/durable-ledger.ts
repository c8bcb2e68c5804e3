/**
 * A ledger whose log is stored: its answers may be reported to others after the next commit, and not before.
 *
 * Group commit: any number of calls, then one commit for all of them.
 */
import { type ChainedBatch, HashChain } from '../market/hash-chain.ts';
import { Ledger } from '../market/ledger.ts';
import { restoreLedger } from '../market/verify-ledger.ts';
import type { LedgerStore } from './ledger-store.ts';

/** How a durable ledger is opened. */
export interface DurableLedgerOptions {
  /** Of a new ledger; one that is there keeps its own. */
  readonly halfLifeMicros: number;
  /** See `LedgerOptions`. */
  readonly transfersMax?: number;
}

/** A ledger and its store. Owns the store. */
export class DurableLedger {
  readonly ledger: Ledger;
  private readonly store: LedgerStore;
  private readonly chain = new HashChain();
  private waiting: ChainedBatch[] = [];

  /**
   * Makes a ledger, or brings it back from the store. O(log).
   *
   * @throws TegError TEG_LEDGER_CORRUPT if the log is not what a ledger writes.
   */
  constructor(store: LedgerStore, options: DurableLedgerOptions) {
    this.store = store;
    const onBatch = (batch: { number: number; bytes: Uint8Array<ArrayBuffer> }): void => {
      this.waiting.push(this.chain.append(batch));
    };
    if (store.count === 0) {
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
  }

  /** Ends it; what is not committed is lost. */
  close(): void {
    this.store.close();
  }
}
