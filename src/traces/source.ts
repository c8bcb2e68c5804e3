/**
 * Where bytes come from: a file, standard input, or bytes in memory; unpacked if they are gzip.
 *
 * Compression is recognised by its first two bytes, never by the file's name. Nothing is read ahead beyond one
 * chunk, and a reader that stops early closes the file.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { TegError } from '../model/errors.ts';

/** Bytes of one chunk. */
export const CHUNK_BYTES = 65_536;

/** Random access to a file or to bytes in memory, as Parquet needs it. */
export interface RandomAccess {
  readonly byteLength: number;
  /** @returns The bytes from `start` (inclusive) to `end` (exclusive). */
  slice(start: number, end?: number): Promise<ArrayBuffer>;
  close(): Promise<void>;
}

/** Something that can be read from the start, as often as one likes (except standard input: once). */
export interface TraceInput {
  /** For messages. */
  readonly name: string;
  /** @returns The raw bytes in chunks, not unpacked. @throws TegError TEG_INPUT_NOT_FOUND. */
  stream(): AsyncIterable<Uint8Array>;
  /** @returns Random access to the raw bytes. @throws TegError TEG_INPUT_NOT_FOUND. */
  access(): Promise<RandomAccess>;
}

/** @returns An input that reads a file; `-` is standard input. Nothing is opened yet. */
export function fileInput(path: string): TraceInput {
  if (path === '-') return standardInput();
  return {
    name: path,
    stream: () => readFileChunks(path),
    access: () => openFile(path),
  };
}

/** @returns An input over bytes in memory, which arrive in chunks of `chunkBytes`. */
export function bytesInput(name: string, bytes: Uint8Array, chunkBytes: number = CHUNK_BYTES): TraceInput {
  return {
    name,
    async *stream() {
      for (let i = 0; i < bytes.length; i += chunkBytes) yield bytes.subarray(i, i + chunkBytes);
    },
    access: async () => ({
      byteLength: bytes.length,
      // A copy: of a Buffer, `slice` would share its pool.
      slice: async (start, end) => new Uint8Array(bytes.subarray(start, end)).buffer,
      close: async () => {},
    }),
  };
}

/** A started reading: the first bytes, unpacked, and the whole content including them. */
export interface OpenedInput {
  readonly name: string;
  /** The first bytes, at most `peekBytes` plus a chunk; less only if the content is shorter. */
  readonly head: Uint8Array;
  /** All of it, from the start. To be iterated once. */
  readonly chunks: AsyncGenerator<Uint8Array>;
  /** Closes the file, however far it was read. To be called in any case; more than once does no harm. */
  close(): Promise<void>;
}

/**
 * Starts reading an input and unpacks it if it is gzip.
 *
 * @param peekBytes How many unpacked bytes to look at in advance, in [2, 2^20].
 * @throws TegError TEG_INPUT_NOT_FOUND, TEG_INPUT_CORRUPT.
 */
export async function openInput(input: TraceInput, peekBytes = 65_536): Promise<OpenedInput> {
  const raw = input.stream()[Symbol.asyncIterator]();
  const first = await peek(raw, 2);
  const isGzip = first.head.length >= 2 && first.head[0] === 0x1f && first.head[1] === 0x8b;
  const unpacked = isGzip ? gunzip(input.name, first.replay()) : first.replay();
  const content = await peek(unpacked, peekBytes);
  return { name: input.name, head: content.head, chunks: content.replay(), close: content.close };
}

interface Peeked {
  readonly head: Uint8Array;
  readonly replay: () => AsyncGenerator<Uint8Array>;
  /** A generator that was never started does not run its `finally`, so the source is closed directly. */
  readonly close: () => Promise<void>;
}

/** Reads until `bytes` are there; `replay` gives them again, then the rest. */
async function peek(chunks: AsyncIterator<Uint8Array>, bytes: number): Promise<Peeked> {
  const held: Uint8Array[] = [];
  let length = 0;
  while (length < bytes) {
    const next = await chunks.next();
    if (next.done === true) break;
    held.push(next.value);
    length += next.value.length;
  }
  const head = held.length === 1 ? (held[0] as Uint8Array) : Buffer.concat(held);
  async function* replay(): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head;
      for (;;) {
        const next = await chunks.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await chunks.return?.();
    }
  }
  return {
    head,
    replay,
    close: async () => {
      await chunks.return?.();
    },
  };
}

async function* gunzip(name: string, packed: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // The callback's error is the one that the iteration below throws.
  pipeline(packed, unzip, () => {});
  try {
    for await (const chunk of unzip) yield chunk as Uint8Array;
  } catch (error) {
    if (error instanceof TegError) throw error;
    throw new TegError(
      'TEG_INPUT_CORRUPT',
      `${name}: got damaged gzip data (${(error as Error).message}), expected a whole gzip file; copy or pack it again`,
      { cause: error },
    );
  } finally {
    unzip.destroy();
  }
}

async function* readFileChunks(path: string): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    throw notFound(path, error);
  } finally {
    stream.destroy();
  }
}

async function openFile(path: string): Promise<RandomAccess> {
  let handle: FileHandle;
  let byteLength: number;
  try {
    handle = await open(path, 'r');
    byteLength = (await handle.stat()).size;
  } catch (error) {
    throw notFound(path, error);
  }
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const buffer = new ArrayBuffer(Math.max(0, end - start));
      const { bytesRead } = await handle.read(new Uint8Array(buffer), 0, buffer.byteLength, start);
      if (bytesRead !== buffer.byteLength) throw notFound(path, new Error('the file became shorter'));
      return buffer;
    },
    close: () => handle.close(),
  };
}

function standardInput(): TraceInput {
  return {
    name: 'standard input',
    stream: () => process.stdin.pipe(new PassThrough()) as Readable as AsyncIterable<Uint8Array>,
    access: async () => {
      throw new TegError(
        'TEG_INPUT_NOT_FOUND',
        'got Parquet on standard input, expected a file: Parquet is read from its end; name the file',
      );
    },
  };
}

function notFound(path: string, error: unknown): TegError {
  if (error instanceof TegError) return error;
  const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  return new TegError(
    'TEG_INPUT_NOT_FOUND',
    `${path}: got ${reason}, expected a readable file; check the path and its permissions`,
    { cause: error },
  );
}
