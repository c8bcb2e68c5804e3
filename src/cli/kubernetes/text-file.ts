/**
 * Text to a file, whole or not at all, or to standard output.
 */
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { TegError } from '../../model/errors.ts';

/**
 * Writes pieces of text as they come. A regular file appears only when it is complete.
 *
 * @param path Packed with gzip if it ends in `.gz`; `-`: standard output.
 * @returns    What the generator returns.
 * @throws TegError TEG_OUTPUT_FAILED; whatever the generator throws.
 */
export async function writeText<Result>(
  path: string,
  pieces: AsyncGenerator<string, Result>,
): Promise<Result> {
  const held: { result?: Result } = {};
  const source = Readable.from(keepResult(pieces, held));
  if (path === '-') {
    await pipeline(source, process.stdout, { end: false });
    return held.result as Result;
  }
  const isSpecial = await stat(path).then(
    (found) => !found.isFile(),
    () => false,
  );
  const part = isSpecial ? path : `${path}.part-${process.pid}`;
  try {
    const file: Writable = createWriteStream(part);
    if (path.endsWith('.gz')) await pipeline(source, createGzip(), file);
    else await pipeline(source, file);
    if (part !== path) await rename(part, path);
  } catch (error) {
    if (part !== path) await rm(part, { force: true });
    throw asTegError(path, error);
  }
  return held.result as Result;
}

async function* keepResult<Result>(
  pieces: AsyncGenerator<string, Result>,
  held: { result?: Result },
): AsyncGenerator<string> {
  for (;;) {
    const next = await pieces.next();
    if (next.done) {
      held.result = next.value;
      return;
    }
    yield next.value;
  }
}

function asTegError(path: string, error: unknown): unknown {
  if (error instanceof TegError || !(error instanceof Error) || !('syscall' in error)) return error;
  const reason = String((error as NodeJS.ErrnoException).code);
  return new TegError(
    'TEG_OUTPUT_FAILED',
    `${path}: got ${reason} on writing it, expected a place that can be written; choose another`,
    { cause: error },
  );
}
