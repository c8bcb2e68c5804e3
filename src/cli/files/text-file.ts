/**
 * Text to a file, whole or not at all, or to standard output.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { writeWhole } from './output-file.ts';

/**
 * Writes pieces of text as they come. A regular file appears only when it is complete.
 *
 * @param path Packed with gzip if it ends in `.gz`; `-`: standard output.
 * @returns    What the generator returns.
 * @throws TegError TEG_OUTPUT_FAILED; exceptions of the generator.
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
  await writeWhole(path, async (file) => {
    const sink = async (chunks: AsyncIterable<string | Uint8Array>): Promise<void> => {
      for await (const chunk of chunks) await file.writeFile(chunk);
    };
    if (path.endsWith('.gz')) await pipeline(source, createGzip(), sink);
    else await pipeline(source, sink);
  });
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
