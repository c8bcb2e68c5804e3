/**
 * Reads inputs that can be read once only: standard input, FIFOs, and the pipes of `<(command)`.
 *
 * A FIFO is opened without blocking, so that the program can be stopped while it waits for a writer, and so that a FIFO
 * without a writer gives an error instead of a hanging program.
 */
import { closeSync, constants, openSync, readSync, type Stats, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { TegError } from '../model/errors.ts';

/** How long a FIFO may be without a writer. */
export const WRITER_WAIT_MS = 10_000;

/** Milliseconds between two checks for a writer. */
const WRITER_LOOK_MS = 50;

/** Most bytes that such a check reads. */
const LOOK_BYTES = 65_536;

/** @returns True if a path names an input that can be read only once, and only from its start. */
export function isPipe(path: string): boolean {
  if (isStandardInput(path)) return true;
  let stats: Stats;
  try {
    stats = statSync(path);
  } catch {
    return false;
  }
  return stats.isFIFO() || stats.isSocket() || stats.isCharacterDevice();
}

/** @returns True if a path is standard input: `-` or one of its names as a file. */
export function isStandardInput(path: string): boolean {
  return path === '-' || path === '/dev/stdin' || path === '/dev/fd/0' || path === '/proc/self/fd/0';
}

/**
 * Reads a FIFO, or another pipe that has a path.
 *
 * @returns Its bytes; ending the iteration closes it at once, also while it waits for more.
 * @throws TegError TEG_INPUT_NOT_FOUND if it has no writer for WRITER_WAIT_MS; errors of the file system.
 */
export function readPipe(path: string, waitMs: number = WRITER_WAIT_MS): AsyncIterable<Uint8Array> {
  const out = new PassThrough();
  forward(path, out, waitMs).catch((error: Error) => out.destroy(error));
  return closable(out);
}

/** @returns The bytes of standard input, as `readPipe`. */
export function readStandardInput(): AsyncIterable<Uint8Array> {
  const out = new PassThrough();
  process.stdin.on('error', (error) => out.destroy(error));
  out.on('close', () => process.stdin.destroy());
  return closable(process.stdin.pipe(out));
}

async function forward(path: string, out: PassThrough, waitMs: number): Promise<void> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  let first: Uint8Array;
  try {
    first = await firstBytes(fd, path, out, waitMs);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  if (out.destroyed) {
    closeSync(fd);
    return;
  }
  if (first.length > 0) out.write(first);
  const socket = new Socket({ fd, readable: true, writable: false });
  socket.on('error', (error) => out.destroy(error));
  out.on('close', () => socket.destroy());
  socket.pipe(out);
}

/** Waits for a writer. @returns The bytes that it has written already; empty if none yet. */
async function firstBytes(fd: number, path: string, out: Readable, waitMs: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(LOOK_BYTES);
  for (let waited = 0; waited < waitMs && !out.destroyed; waited += WRITER_LOOK_MS) {
    try {
      const bytes = readSync(fd, buffer);
      if (bytes > 0) return buffer.subarray(0, bytes);
    } catch (error) {
      // There is a writer, which has written nothing so far.
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return buffer.subarray(0, 0);
      throw error;
    }
    await sleep(WRITER_LOOK_MS);
  }
  if (out.destroyed) return buffer.subarray(0, 0);
  throw new TegError(
    'TEG_INPUT_NOT_FOUND',
    `${path}: got a FIFO that nothing wrote to for ${waitMs / 1_000} s, expected a writer; start its writer first`,
  );
}

/** An iteration whose end destroys the stream even while a read is pending, unlike the stream's own. */
function closable(stream: Readable): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const inner = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
      return {
        next: () => inner.next(),
        async return() {
          stream.destroy();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
