/**
 * The hash chain over the batches of a log: each hash covers its batch and, through the hash before it, all earlier ones.
 *
 * It finds what was changed, left out, put in or moved. A log whose end was cut off at a batch still is a valid shorter one: that
 * shows only against a head that was kept elsewhere. A writer who can rewrite a whole log can chain it again; what was put into
 * it then still must survive being recomputed (`verify-ledger.ts`).
 */
import { SHA256_BYTES, Sha256 } from '../kernel/sha256.ts';
import type { LedgerBatch } from './batch.ts';

/** A batch as it is stored. */
export interface ChainedBatch extends LedgerBatch {
  /** SHA-256 of the hash before and the bytes. @shape [32] */
  readonly hash: Uint8Array<ArrayBuffer>;
}

/** The end of a chain. */
export class HashChain {
  /** Hash of the last batch; zeros: there is none. */
  head: Uint8Array<ArrayBuffer> = new Uint8Array(SHA256_BYTES);
  private readonly sha = new Sha256();

  /** Adds a batch. @returns It with its hash. */
  append({ number, bytes }: LedgerBatch): ChainedBatch {
    this.head = this.sha.update(this.head).update(bytes).digest();
    return { number, bytes, hash: this.head };
  }

  /** Adds a batch that has a hash. @returns Whether that is the one that it should have. */
  accept({ bytes, hash }: ChainedBatch): boolean {
    this.head = this.sha.update(this.head).update(bytes).digest();
    return areEqual(hash, this.head);
  }
}

/** @returns Whether two arrays hold the same bytes. */
export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** @returns A hash in lower-case hexadecimal. */
export function hashText(hash: Uint8Array): string {
  return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
