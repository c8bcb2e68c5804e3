/**
 * A ledger whose log is stored: its answers may be reported to others after the next commit, and not before.
 *
 * Group commit: any number of calls, then one commit for all of them.
 */

import type { LedgerBatch } from '../market/batch.ts';
import { areEqual, type ChainedBatch, HashChain } from '../market/hash-chain.ts';
import { Ledger } from '../market/ledger.ts';
import { isCheckpoint } from '../market/ledger-checkpoint.ts';
import { restoreLedger, type StoredCheckpoint } from '../market/verify-ledger.ts';
import { TegError } from '../model/errors.ts';
import type { LedgerStore } from './ledger-store.ts';

/** How a durable ledger is opened. */
export interface DurableLedgerOptions {
  /** Of a new ledger; one that is there keeps its own. */
  readonly halfLifeMicros: number;
  /** See `LedgerOptions`. */
  readonly transfersMax?: number;
  /**
   * The caller makes all calls again from the first one on. The ledger starts empty; each batch that the store has must come
   * again, byte by byte, and those after it are stored: a run that was killed goes on, and another one is refused. Default false.
   */
  readonly startsAgain?: boolean;
  /**
   * Bytes of batches after which a checkpoint is stored, so that the next opening need not do more again; default 2 MiB. It is at
   * least four times the last checkpoint. None where a ledger starts again.
   */
  readonly checkpointBytes?: number;
}

const CHECKPOINT_BYTES_DEFAULT = 2 ** 21;
/**
 * Batches that are written for each byte of checkpoint, at least: what checkpoints cost stays below a part of what batches do.
 */
const CHECKPOINT_FACTOR = 4;

/** @returns The checkpoint of a store, if a ledger can be made of it. */
function usableCheckpoint(store: LedgerStore): StoredCheckpoint | undefined {
  const found = store.checkpoint();
  return found?.isIntact === true && found.stored.count <= store.count && isCheckpoint(found.stored.bytes)
    ? found.stored
    : undefined;
}

/** A ledger and its store. Owns the store. */
export class DurableLedger {
  readonly ledger: Ledger;
  private readonly store: LedgerStore;
  private readonly chain = new HashChain();
  private waiting: ChainedBatch[] = [];
  private waitingBytes = 0;
  private readonly checkpointBytes: number;
  /** Bytes stored since the last checkpoint, and size of that one. */
  private sinceCheckpoint = 0;
  private lastCheckpoint = 0;
  /** Batches that the opening did again. */
  readonly replayed: number = 0;
  /** Batches that the store has and that were not made again yet. */
  private past: Iterator<ChainedBatch> | undefined;

  /**
   * Makes a ledger, or brings it back from the store: out of its checkpoint and the batches after it, or of all batches where the
   * checkpoint is damaged, of another version or not of this log.
   *
   * @throws TegError TEG_LEDGER_CORRUPT if the log is not what a ledger writes, TEG_LEDGER_OTHER if one that starts again does
   * not start as this one does; as every call of the ledger does then.
   */
  constructor(store: LedgerStore, options: DurableLedgerOptions) {
    this.store = store;
    const { startsAgain = false, checkpointBytes = CHECKPOINT_BYTES_DEFAULT } = options;
    this.checkpointBytes = startsAgain ? Number.POSITIVE_INFINITY : checkpointBytes;
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
    const from = usableCheckpoint(store);
    this.replayed = store.count - (from?.count ?? 0);
    this.lastCheckpoint = from?.bytes.length ?? 0;
    this.ledger = restoreLedger(
      this.counted(store.read(from)),
      { onBatch, ...(transfersMax === undefined ? {} : { transfersMax }) },
      from,
    );
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
    this.sinceCheckpoint += this.waitingBytes;
    this.waiting = [];
    this.waitingBytes = 0;
    const { sinceCheckpoint, checkpointBytes, lastCheckpoint } = this;
    if (sinceCheckpoint >= Math.max(checkpointBytes, CHECKPOINT_FACTOR * lastCheckpoint))
      this.saveCheckpoint();
  }

  /** Counts what is read as what was stored since the checkpoint: however short each life is, a next one begins near its end. */
  private *counted(batches: Iterable<ChainedBatch>): Generator<ChainedBatch> {
    for (const batch of batches) {
      this.sinceCheckpoint += batch.bytes.length;
      yield batch;
    }
  }

  private saveCheckpoint(): void {
    const bytes = this.ledger.checkpoint();
    this.store.saveCheckpoint(bytes);
    this.sinceCheckpoint = 0;
    this.lastCheckpoint = bytes.length;
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
