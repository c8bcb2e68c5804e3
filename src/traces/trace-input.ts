/** The input of a reader: bytes in order, or at random. */

/** Bytes of one chunk. */
export const CHUNK_BYTES = 65_536;

/** Random access to a file or to bytes in memory, as Parquet needs it. */
export interface RandomAccess {
  readonly byteLength: number;
  /** @returns The bytes from `start` (inclusive) to `end` (exclusive). */
  slice(start: number, end?: number): Promise<ArrayBuffer>;
  close(): Promise<void>;
}

/** A source that can be read from the start, any number of times (standard input and pipes: once). */
export interface TraceInput {
  /** For messages. */
  readonly name: string;
  /** @returns The raw bytes in chunks, not unpacked. @throws TegError TEG_INPUT_NOT_FOUND. */
  stream(): AsyncIterable<Uint8Array>;
  /** @returns Random access to the raw bytes. @throws TegError TEG_INPUT_NOT_FOUND. */
  access(): Promise<RandomAccess>;
}
