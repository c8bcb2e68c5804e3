import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { readJobs } from './read.ts';
import { bytesInput, openInput } from './source.ts';
import { zip } from './zip.fixtures.ts';

const TEXT = `id,submit_s,duration_s\n${Array.from({ length: 9_000 }, (_, i) => `job-${i}-ü,${i},10\n`).join('')}`;
const PLAIN = Buffer.from(TEXT);
const folder = mkdtempSync(join(tmpdir(), 'teg-unpack-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function contentOf(bytes: Uint8Array, chunkBytes?: number): Promise<string> {
  const opened = await openInput(bytesInput('sample', bytes, chunkBytes));
  const chunks = await Array.fromAsync(opened.chunks);
  await opened.close();
  return Buffer.concat(chunks).toString('utf8');
}

const utf16be = Buffer.from(`\ufeff${TEXT}`, 'utf16le').swap16();

describe('supported packings', () => {
  test.each([
    ['gzip', gzipSync(PLAIN)],
    [
      'gzip of several members',
      Buffer.concat([gzipSync(PLAIN.subarray(0, 100)), gzipSync(PLAIN.subarray(100))]),
    ],
    ['Zstandard', zstdCompressSync(PLAIN)],
    ['zip', zip([{ name: 'jobs.csv', bytes: PLAIN }], 'a comment')],
    ['zip without compression', zip([{ name: 'jobs.csv', bytes: PLAIN, method: 0 }])],
    [
      'zip beside folders and notes of macOS',
      zip([
        { name: 'a/', bytes: Buffer.alloc(0), method: 0 },
        { name: 'a/jobs.csv', bytes: PLAIN },
        { name: '__MACOSX/a/._jobs.csv', bytes: Buffer.from('x') },
      ]),
    ],
    ['gzip in zip', zip([{ name: 'jobs.csv.gz', bytes: gzipSync(PLAIN) }])],
    ['UTF-16, little endian', Buffer.from(`\ufeff${TEXT}`, 'utf16le')],
    ['UTF-16, big endian', utf16be],
    ['UTF-16 in gzip', gzipSync(utf16be)],
  ])('%s, whatever the size of the pieces it comes in', async (_name, bytes) => {
    expect(await contentOf(bytes)).toBe(TEXT);
    expect(await contentOf(bytes, 997)).toBe(TEXT);
  });

  test('a zip file on disk is read as a trace', async () => {
    const path = join(folder, 'jobs.zip');
    writeFileSync(path, zip([{ name: 'jobs.csv', bytes: PLAIN }]));
    expect(await readJobs(path)).toHaveLength(9_000);
  });
});

describe('packings refused by name', () => {
  test.each([
    ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4]), /got xz data.*xz -dc FILE \| teg … -/],
    ['bzip2', Buffer.from('BZh91AY&SY'), /got bzip2 data/],
    ['tar', Buffer.concat([Buffer.alloc(257), Buffer.from('ustar\0')]), /got tar data/],
    [
      'several files',
      zip([
        { name: 'a.csv', bytes: PLAIN },
        { name: 'b.csv', bytes: PLAIN },
      ]),
      /2 files.*"a.csv", "b.csv"/,
    ],
    ['no file', zip([]), /a zip archive of 0 files/],
    [
      'a workbook',
      zip([
        { name: '[Content_Types].xml', bytes: PLAIN },
        { name: 'b', bytes: PLAIN },
      ]),
      /save the sheet as CSV/,
    ],
  ])('%s', async (_name, bytes, message) => {
    await expect(contentOf(bytes)).rejects.toMatchObject({
      code: 'TEG_INPUT_UNKNOWN_FORMAT',
      message: expect.stringMatching(message),
    });
  });
});

describe('damaged input', () => {
  const archive = zip([{ name: 'jobs.csv', bytes: PLAIN }]);
  const flipped = Buffer.from(archive);
  flipped[flipped.length - 22 - 46 - 'jobs.csv'.length + 16] =
    (flipped[flipped.length - 22 - 46 - 8 + 16] as number) ^ 1;
  test.each([
    ['gzip that is cut', gzipSync(PLAIN).subarray(0, 2_000)],
    ['Zstandard that is cut', zstdCompressSync(PLAIN).subarray(0, 2_000)],
    ['zip that is cut', archive.subarray(0, 2_000)],
    ['zip with another checksum', flipped],
  ])('%s', async (_name, bytes) => {
    await expect(contentOf(bytes)).rejects.toMatchObject({ code: 'TEG_INPUT_CORRUPT' });
  });
});
