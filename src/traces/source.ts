/**
 * Sources of bytes: a file, a pipe, standard input, or bytes in memory; unpacked and decoded (`unpack.ts`).
 *
 * Nothing is read ahead beyond one chunk, and a reader that stops early closes the file.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { TegError } from '../model/errors.ts';
import { readFault } from '../model/file-faults.ts';
import { isPipe, isStandardInput, readPipe, readStandardInput } from './pipe.ts';
import { CHUNK_BYTES, type RandomAccess, type TraceInput } from './trace-input.ts';
import { LAYERS_MAX, MAGIC_BYTES, unpackerOf } from './unpack.ts';

export type { RandomAccess, TraceInput } from './trace-input.ts';

/**
 * @param name For messages; default the path.
 * @returns An input that reads a file; `-` is standard input. Nothing is opened yet.
 */
export function fileInput(path: string, name: string = inputName(path)): TraceInput {
  if (isPipe(path)) return pipeInput(path, name);
  return {
    name,
    stream: () => readFileChunks(path),
    access: () => openFile(path),
  };
}

/** @returns The name of a path in messages. */
export function inputName(path: string): string {
  return isStandardInput(path) ? 'standard input' : path;
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
  /** Closes the file, however far it was read. Must be called in any case; harmless if called again. */
  close(): Promise<void>;
}

/**
 * Starts reading an input, unpacks it if it is gzip, Zstandard or zip, and turns UTF-16 into UTF-8.
 *
 * @param peekBytes How many unpacked bytes to look at in advance, in [MAGIC_BYTES, 2^20].
 * @throws TegError TEG_INPUT_NOT_FOUND, TEG_INPUT_CORRUPT; TEG_INPUT_UNKNOWN_FORMAT for another packing.
 */
export async function openInput(input: TraceInput, peekBytes = 65_536): Promise<OpenedInput> {
  let content = await peek(input.stream()[Symbol.asyncIterator](), MAGIC_BYTES);
  try {
    for (let layer = 0; layer < LAYERS_MAX; layer++) {
      const unpack = unpackerOf(input, content.head, layer);
      if (unpack === undefined) break;
      content = await peek(unpack(content.replay()), peekBytes);
    }
    // More of a plain content from the start.
    if (content.head.length < peekBytes) content = await peek(content.replay(), peekBytes);
  } catch (error) {
    await content.close();
    throw error;
  }
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

function pipeInput(path: string, name: string): TraceInput {
  return {
    name,
    stream: () => (isStandardInput(path) ? readStandardInput() : readPipe(path)),
    access: async () => {
      throw new TegError(
        'TEG_INPUT_NOT_FOUND',
        `${name}: got Parquet or zip through a pipe, expected a file, because it is read from its end; write it to a file first`,
      );
    },
  };
}

function notFound(path: string, error: unknown): TegError {
  if (error instanceof TegError) return error;
  return new TegError(
    'TEG_INPUT_NOT_FOUND',
    `${path}: ${readFault(error)}, expected a readable file; check the path and its permissions`,
    { cause: error },
  );
}
