/**
 * Unpacks and decodes an input until it is plain: gzip, Zstandard or zip, then UTF-16.
 *
 * Packing is recognised by the first bytes, never by the file's name. Other packings are named in the error, with the
 * program that unpacks them.
 */
import { pipeline, type Transform } from 'node:stream';
import { createGunzip, createInflateRaw, createZstdDecompress } from 'node:zlib';
import { TegError } from '../model/errors.ts';
import { CHUNK_BYTES, type TraceInput } from './trace-input.ts';
import { readZip } from './zip.ts';

/** Nested packings that are undone: a .csv.gz in a .zip is two. */
export const LAYERS_MAX = 3;

/** First bytes that identify every packing below. */
export const MAGIC_BYTES = 262;

/** Turns packed chunks into plain ones. */
export type Unpack = (packed: AsyncGenerator<Uint8Array>) => AsyncGenerator<Uint8Array>;

/** Unsupported packings, with the program that unpacks them. */
const FOREIGN: readonly { name: string; magic: readonly number[]; at?: number; program: string }[] = [
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], program: 'xz -dc FILE' },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68], program: 'bzip2 -dc FILE' },
  { name: 'lz4', magic: [0x04, 0x22, 0x4d, 0x18], program: 'lz4 -dc FILE' },
  { name: '7z', magic: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], program: '7z x -so FILE' },
  { name: 'RAR', magic: [0x52, 0x61, 0x72, 0x21, 0x1a], program: 'unrar p -inul FILE' },
  { name: 'tar', magic: [0x75, 0x73, 0x74, 0x61, 0x72], at: 257, program: 'tar -xOf FILE NAME' },
];

/**
 * @param head The first bytes, MAGIC_BYTES of them if there are as many.
 * @returns The step that unpacks or decodes an input that begins so; undefined if it is plain.
 * @throws TegError TEG_INPUT_UNKNOWN_FORMAT for an unsupported packing.
 */
export function unpackerOf(input: TraceInput, head: Uint8Array, layer: number): Unpack | undefined {
  const { name } = input;
  if (begins(head, [0x1f, 0x8b]))
    return through(name, 'gzip', () => createGunzip({ chunkSize: CHUNK_BYTES }));
  if (begins(head, [0x28, 0xb5, 0x2f, 0xfd])) {
    return through(name, 'Zstandard', () => createZstdDecompress({ chunkSize: CHUNK_BYTES }));
  }
  if (begins(head, [0xff, 0xfe])) return decoded('utf-16le');
  if (begins(head, [0xfe, 0xff])) return decoded('utf-16be');
  if (begins(head, [0x50, 0x4b, 0x03, 0x04]) || begins(head, [0x50, 0x4b, 0x05, 0x06])) {
    if (layer > 0) throw foreign(name, 'a zip archive in another', 'unzip it first; unzip -p FILE');
    return unzipped(input);
  }
  const other = FOREIGN.find(({ magic, at }) => begins(head, magic, at));
  if (other !== undefined) throw foreign(name, `${other.name} data`, other.program);
  return undefined;
}

function begins(head: Uint8Array, magic: readonly number[], at = 0): boolean {
  return magic.every((byte, i) => head[at + i] === byte);
}

/** Reads the archive at random; the started reading of it is closed. */
function unzipped(input: TraceInput): Unpack {
  return async function* (packed) {
    // A generator that was never started would not close its source.
    for await (const _ of packed) break;
    const inflate = through(input.name, 'zip', () => createInflateRaw({ chunkSize: CHUNK_BYTES }));
    yield* readZip(input, inflate, CHUNK_BYTES);
  };
}

function decoded(encoding: 'utf-16le' | 'utf-16be'): Unpack {
  return async function* (packed) {
    const decoder = new TextDecoder(encoding);
    for await (const chunk of packed) yield Buffer.from(decoder.decode(chunk, { stream: true }), 'utf8');
    yield Buffer.from(decoder.decode(), 'utf8');
  };
}

function through(name: string, what: string, make: () => Transform): Unpack {
  return async function* (packed) {
    const transform = make();
    // The callback's error is the one that the iteration below throws.
    pipeline(packed, transform, () => {});
    try {
      for await (const chunk of transform) yield chunk as Uint8Array;
    } catch (error) {
      if (error instanceof TegError) throw error;
      throw new TegError(
        'TEG_INPUT_CORRUPT',
        `${name}: got damaged ${what} data (${(error as Error).message}), expected a whole ${what} file; copy or pack it again`,
        { cause: error },
      );
    } finally {
      transform.destroy();
    }
  };
}

function foreign(name: string, got: string, program: string): TegError {
  return new TegError(
    'TEG_INPUT_UNKNOWN_FORMAT',
    `${name}: got ${got}, expected a plain file, gzip, Zstandard or zip; unpack it on the way: ${program} | teg … -`,
  );
}
