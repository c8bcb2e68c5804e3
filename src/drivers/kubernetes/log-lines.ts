/** Reads an event log of the pod scheduler from a file, packed or not, truncated or not. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { constants, createGunzip } from 'node:zlib';
import { LOG_LINE_CHARS_MAX, type LoggedStep, type PodLogReader } from '../../governor/pods/log/pod-log.ts';
import { TegError } from '../../model/errors.ts';
import { readFault } from '../../model/file-faults.ts';

/**
 * Reads the steps of a log.
 *
 * @param path   gzip is recognised by its content. A log that a killed scheduler left truncated is read to its end.
 * @param reader Fresh; its `isTruncated` and `end` say afterwards how the log ended.
 * @throws TegError TEG_INPUT_NOT_FOUND, TEG_INPUT_CORRUPT, TEG_LOG_INVALID.
 */
export async function* readLog(path: string, reader: PodLogReader): AsyncGenerator<LoggedStep> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  for await (const chunk of unpacked(path)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) {
      const step = reader.read(line);
      if (step !== undefined) yield step;
    }
    // The reader would refuse it as well, but only once it is complete.
    if (rest.length > LOG_LINE_CHARS_MAX) reader.read(rest);
  }
  const last = reader.finish(rest + decoder.decode());
  if (last !== undefined) yield last;
}

async function* unpacked(path: string): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path);
  let stream: Readable = file;
  try {
    const head = await firstBytes(file);
    if (head[0] === 0x1f && head[1] === 0x8b) {
      // A truncated file is not an error this way: the bytes that exist come out.
      stream = file.pipe(createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }));
      file.once('error', (error) => stream.destroy(error));
    }
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    throw asTegError(path, error);
  } finally {
    stream.destroy();
    file.destroy();
  }
}

/** They stay in the stream. */
async function firstBytes(file: Readable): Promise<Uint8Array> {
  await new Promise<void>((resolve, reject) => {
    file.once('readable', resolve);
    file.once('end', resolve);
    file.once('error', reject);
  });
  const head = file.read() as Uint8Array | null;
  if (head === null) return new Uint8Array();
  file.unshift(head);
  return head;
}

function asTegError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TegError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code.startsWith('Z_')) {
    return new TegError(
      'TEG_INPUT_CORRUPT',
      `${path}: got damaged gzip data (${error.message}), expected a log as --record wrote it; copy it again`,
      { cause: error },
    );
  }
  if (!('syscall' in error)) return error;
  return new TegError(
    'TEG_INPUT_NOT_FOUND',
    `${path}: ${readFault(error)}, expected a log that --record wrote; check the path and its permissions`,
    { cause: error },
  );
}
