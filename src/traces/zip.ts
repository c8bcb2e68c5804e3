/**
 * Reads the one file of a zip archive, a chunk at a time. Archives of several files are refused: the user has to choose
 * one.
 *
 * @source https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.
 */
import { crc32 } from 'node:zlib';
import { TegError } from '../model/errors.ts';
import { quoted } from './context.ts';
import type { RandomAccess, TraceInput } from './trace-input.ts';

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const FILE_SIGNATURE = 0x04034b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const FILE_BYTES = 30;

/** Bytes of the comment at the end of an archive, at most. */
const COMMENT_BYTES_MAX = 65_535;

/** Bytes of the list of files, at most. */
const LIST_BYTES_MAX = 1_048_576;

const STORED = 0;
const DEFLATED = 8;

/** A file of an archive. */
interface Entry {
  readonly name: string;
  readonly isEncrypted: boolean;
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly offset: number;
}

/** What unpacks a raw deflate stream. */
export type Inflate = (packed: AsyncGenerator<Uint8Array>) => AsyncGenerator<Uint8Array>;

/**
 * Unpacks an archive.
 *
 * @throws TegError TEG_INPUT_CORRUPT; TEG_INPUT_UNKNOWN_FORMAT if it does not hold exactly one file, packed in the
 *   usual way.
 */
export async function* readZip(
  input: TraceInput,
  inflate: Inflate,
  chunkBytes: number,
): AsyncGenerator<Uint8Array> {
  const access = await input.access();
  try {
    const entry = theOne(input.name, await readEntries(input.name, access));
    const packed = packedChunks(input.name, access, entry, chunkBytes);
    let bytes = 0;
    let crc = 0;
    for await (const chunk of entry.method === DEFLATED ? inflate(packed) : packed) {
      bytes += chunk.length;
      crc = crc32(chunk, crc);
      yield chunk;
    }
    if (bytes !== entry.bytes || crc !== entry.crc) {
      throw corrupt(input.name, `'${entry.name}' unpacks to something else than was packed`);
    }
  } finally {
    await access.close();
  }
}

async function readEntries(name: string, access: RandomAccess): Promise<Entry[]> {
  const tailBytes = Math.min(access.byteLength, END_BYTES + COMMENT_BYTES_MAX);
  const tail = new DataView(await access.slice(access.byteLength - tailBytes, access.byteLength));
  let at = tailBytes - END_BYTES;
  while (at >= 0 && tail.getUint32(at, true) !== END_SIGNATURE) at--;
  if (at < 0) throw corrupt(name, 'its list of files is missing');
  const listBytes = tail.getUint32(at + 12, true);
  const listOffset = tail.getUint32(at + 16, true);
  if (listOffset === 0xffffffff) throw refused(name, 'a zip64 archive');
  if (listBytes > LIST_BYTES_MAX)
    throw refused(name, `a zip archive with a list of files of ${listBytes} bytes`);
  if (listOffset + listBytes > access.byteLength) throw corrupt(name, 'its list of files is cut');
  return parseEntries(name, await access.slice(listOffset, listOffset + listBytes));
}

function parseEntries(name: string, list: ArrayBuffer): Entry[] {
  const view = new DataView(list);
  const entries: Entry[] = [];
  for (let at = 0; at + ENTRY_BYTES <= list.byteLength; ) {
    if (view.getUint32(at, true) !== ENTRY_SIGNATURE) throw corrupt(name, 'its list of files is damaged');
    const nameBytes = view.getUint16(at + 28, true);
    const restBytes = view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (at + ENTRY_BYTES + nameBytes > list.byteLength) throw corrupt(name, 'its list of files is cut');
    entries.push({
      name: new TextDecoder().decode(new Uint8Array(list, at + ENTRY_BYTES, nameBytes)),
      isEncrypted: (view.getUint16(at + 8, true) & 1) === 1,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packedBytes: view.getUint32(at + 20, true),
      bytes: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    });
    at += ENTRY_BYTES + nameBytes + restBytes;
  }
  return entries;
}

function theOne(name: string, entries: readonly Entry[]): Entry {
  const files = entries.filter((entry) => !entry.name.endsWith('/') && !entry.name.startsWith('__MACOSX/'));
  const [file] = files;
  if (files.some((entry) => entry.name === '[Content_Types].xml')) {
    throw new TegError(
      'TEG_INPUT_UNKNOWN_FORMAT',
      `${name}: got an Office document, expected a text file; save the sheet as CSV`,
    );
  }
  if (file === undefined || files.length > 1) {
    const names = files.slice(0, 5).map((entry) => quoted(entry.name));
    throw refused(
      name,
      `a zip archive of ${files.length} files${names.length > 0 ? ` (${names.join(', ')})` : ''}`,
    );
  }
  if (file.isEncrypted) throw refused(name, 'an encrypted zip archive');
  if (file.method !== STORED && file.method !== DEFLATED) {
    throw refused(name, `a zip archive packed by method ${file.method}`);
  }
  return file;
}

async function* packedChunks(
  name: string,
  access: RandomAccess,
  entry: Entry,
  chunkBytes: number,
): AsyncGenerator<Uint8Array> {
  const { offset, packedBytes } = entry;
  if (offset + FILE_BYTES > access.byteLength) throw corrupt(name, 'a file lies beyond its end');
  const head = new DataView(await access.slice(offset, offset + FILE_BYTES));
  if (head.getUint32(0, true) !== FILE_SIGNATURE)
    throw corrupt(name, 'a file does not begin where it should');
  const from = offset + FILE_BYTES + head.getUint16(26, true) + head.getUint16(28, true);
  const to = from + packedBytes;
  if (to > access.byteLength) throw corrupt(name, 'a file ends beyond its end');
  for (let at = from; at < to; at += chunkBytes) {
    yield new Uint8Array(await access.slice(at, Math.min(to, at + chunkBytes)));
  }
}

function refused(name: string, got: string): TegError {
  return new TegError(
    'TEG_INPUT_UNKNOWN_FORMAT',
    `${name}: got ${got}, expected one file, packed in the usual way; name one: unzip -p FILE.zip NAME | teg … -`,
  );
}

function corrupt(name: string, why: string): TegError {
  return new TegError(
    'TEG_INPUT_CORRUPT',
    `${name}: got a damaged zip archive (${why}), expected a whole one; copy or pack it again`,
  );
}
