/**
 * Where the log of a ledger lives: one interface, whatever keeps the bytes.
 */
import type { ChainedBatch } from '../market/hash-chain.ts';
import type { StoredCheckpoint } from '../market/verify-ledger.ts';

/** An append-only log of batches. One writer at a time; a second one is refused. */
export interface LedgerStore {
  /** Batches that it holds: numbers 0 to count − 1. */
  readonly count: number;
  /** Hash of the last batch; zeros if there is none. @shape [32] */
  readonly head: Uint8Array<ArrayBuffer>;

  /**
   * Stores batches, all or none. When it returns they survive a crash of the process and of the machine.
   *
   * @param batches With the numbers that follow.
   * @throws TegError TEG_STORE_FENCED if another writer has taken over, and nothing is stored; TEG_STORE_FAILED. The store has
   * stopped then: what a failed fsync left is known after a new opening only.
   */
  append(batches: readonly ChainedBatch[]): void;

  /**
   * @param from A checkpoint: batches after it. Default: all.
   * @returns Batches in order. To be read to the end, or left, before the next append.
   */
  read(from?: StoredCheckpoint): Iterable<ChainedBatch>;

  /** @returns The checkpoint that was stored last, and whether its bytes are those that were stored; undefined: there is none. */
  checkpoint(): { readonly stored: StoredCheckpoint; readonly isIntact: boolean } | undefined;

  /** Stores a checkpoint of what it holds now, in place of the one before. @throws TegError as `append`. */
  saveCheckpoint(bytes: Uint8Array<ArrayBuffer>): void;

  /** Gives the store free for others. Twice is as good as once. */
  close(): void;
}
