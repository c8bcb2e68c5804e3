/**
 * Compression of Parquet pages, with the size of the result known in advance and enforced.
 *
 * TEG writes Zstandard. Snappy and gzip are read because other tools write them; Snappy is done here because the
 * library's decoder does not end on some damaged input.
 */
import { gunzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Compressors } from 'hyparquet';

/** Compression codecs by their Parquet names; each throws an Error if the result does not have the expected size. */
export const DECOMPRESSORS = {
  ZSTD: (packed, size) => ofSize(zstdDecompressSync(packed, { maxOutputLength: Math.max(1, size) }), size),
  GZIP: (packed, size) => ofSize(gunzipSync(packed, { maxOutputLength: Math.max(1, size) }), size),
  SNAPPY: decompressSnappy,
} as const satisfies Compressors;

/** The writer's codec. */
export const COMPRESSORS = { ZSTD: (bytes: Uint8Array): Uint8Array => zstdCompressSync(bytes) } as const;

/** Most bytes that one packed byte can expand to, with the formats above; zstd has run lengths of 128 KiB a block. */
export const RATIO_MAX = 65_536;

/**
 * Unpacks a Snappy block.
 *
 * @param size Bytes of the result.
 * @throws Error if the block is damaged or its result is not of that size.
 * @source https://github.com/google/snappy/blob/main/format_description.txt.
 */
export function decompressSnappy(packed: Uint8Array, size: number): Uint8Array {
  const output = new Uint8Array(size);
  let from = skipLength(packed);
  let to = 0;
  while (from < packed.length) {
    const tag = packed[from++] as number;
    if ((tag & 3) === 0) {
      const { length, begin } = literal(packed, tag >> 2, from);
      if (begin + length > packed.length || to + length > size) throw new Error('damaged Snappy literal');
      output.set(packed.subarray(begin, begin + length), to);
      from = begin + length;
      to += length;
      continue;
    }
    const offsetBytes = [0, 1, 2, 4][tag & 3] as number;
    if (from + offsetBytes > packed.length) throw new Error('damaged Snappy copy');
    const low = littleEndian(packed, from, offsetBytes);
    const offset = offsetBytes === 1 ? low + (tag >> 5) * 256 : low;
    const length = offsetBytes === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    from += offsetBytes;
    if (offset === 0 || offset > to || to + length > size) throw new Error('damaged Snappy copy');
    for (let i = 0; i < length; i++) output[to + i] = output[to + i - offset] as number;
    to += length;
  }
  if (to !== size) throw new Error(`Snappy block of ${to} bytes instead of ${size}`);
  return output;
}

function skipLength(packed: Uint8Array): number {
  for (let i = 0; i < 5 && i < packed.length; i++) if ((packed[i] as number) < 128) return i + 1;
  throw new Error('damaged Snappy header');
}

function literal(packed: Uint8Array, code: number, from: number): { length: number; begin: number } {
  if (code < 60) return { length: code + 1, begin: from };
  const bytes = code - 59;
  if (from + bytes > packed.length) throw new Error('damaged Snappy literal');
  return { length: littleEndian(packed, from, bytes) + 1, begin: from + bytes };
}

function littleEndian(bytes: Uint8Array, from: number, count: number): number {
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (bytes[from + i] as number);
  return value;
}

function ofSize(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length !== size) throw new Error(`page of ${bytes.length} bytes instead of ${size}`);
  return bytes;
}
