/**
 * Checks a Parquet column chunk before the library decodes it, so that no file can make it use unbounded time or
 * memory.
 *
 * Why: the decoder trusts the lengths in page headers and in runs; a run of 2^30 values in a damaged file would fill
 * the heap before an error is noticed. Only the features that TEG's flat columns need are accepted: plain and
 * dictionary encoding, and the codecs of `codecs.ts`.
 */
import type { ColumnMetaData, PageHeader } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { DECOMPRESSORS, RATIO_MAX } from './codecs.ts';

/** Expected properties of a chunk. */
export interface ChunkBounds {
  /** Rows of its row group. */
  readonly rows: number;
  /** Bytes of all its pages when unpacked. */
  readonly bytesMax: number;
  /** True if its values may be absent. */
  readonly nullable: boolean;
}

interface PageCheck {
  readonly header: PageHeader;
  readonly body: Uint8Array;
  readonly meta: ColumnMetaData;
  readonly bounds: ChunkBounds;
}

const ENCODINGS: ReadonlySet<string> = new Set(['PLAIN', 'PLAIN_DICTIONARY', 'RLE_DICTIONARY']);

/** Bits of a dictionary index. */
const INDEX_BITS_MAX = 31;

/** Least bytes of one value in a dictionary page. */
const VALUE_BYTES_MIN: Readonly<Record<string, number>> = { INT32: 4, INT64: 8, DOUBLE: 8, BYTE_ARRAY: 4 };

/**
 * Walks over all pages of a chunk.
 *
 * @param bytes The chunk as it is in the file.
 * @returns Bytes of its pages when unpacked.
 * @throws Error with the reason. Cost: one decompression.
 */
export function checkChunk(bytes: Uint8Array, meta: ColumnMetaData, bounds: ChunkBounds): number {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  let rows = 0;
  let unpackedBytes = 0;
  for (let pages = 0; rows < bounds.rows; pages++) {
    need(reader.offset < bytes.length - 1, `end after ${rows} of ${bounds.rows} values`);
    const header = parquetHeader(reader);
    const size = header.compressed_page_size;
    need(isCount(size, bytes.length - reader.offset), 'size of a page');
    need(isCount(header.uncompressed_page_size, bounds.bytesMax - unpackedBytes), 'size of a page');
    const body = bytes.subarray(reader.offset, reader.offset + size);
    reader.offset += size;
    unpackedBytes += header.uncompressed_page_size;
    const page: PageCheck = { header, body, meta, bounds };
    if (header.type === 'DICTIONARY_PAGE') checkDictionary(page, pages);
    else if (header.type === 'DATA_PAGE') rows += checkPageV1(page);
    else if (header.type === 'DATA_PAGE_V2') rows += checkPageV2(page);
    else need(false, 'type of a page');
  }
  need(rows === bounds.rows, `${rows} values instead of ${bounds.rows}`);
  return unpackedBytes;
}

function checkDictionary({ header, body, meta }: PageCheck, index: number): void {
  need(index === 0, 'place of the dictionary');
  const page = unpack(body, header.uncompressed_page_size, meta.codec);
  const countMax = Math.floor(page.length / (VALUE_BYTES_MIN[meta.type] ?? 1));
  need(isCount(header.dictionary_page_header?.num_values, countMax), 'size of the dictionary');
}

/** @returns Values of the page. */
function checkPageV1({ header, body, meta, bounds }: PageCheck): number {
  const values = header.data_page_header?.num_values ?? 0;
  const encoding = header.data_page_header?.encoding ?? '';
  need(isCount(values, bounds.rows) && values > 0, 'number of values of a page');
  const page = unpack(body, header.uncompressed_page_size, meta.codec);
  if (!bounds.nullable) {
    checkValues(page, encoding, values);
    return values;
  }
  need(page.length >= 4, 'length of levels');
  const length = new DataView(page.buffer, page.byteOffset).getUint32(0, true);
  need(4 + length <= page.length, 'length of levels');
  const present = checkRuns(page.subarray(4, 4 + length), 1, values);
  checkValues(page.subarray(4 + length), encoding, present);
  return values;
}

/** @returns Values of the page. */
function checkPageV2({ header, body, meta, bounds }: PageCheck): number {
  const page = header.data_page_header_v2;
  if (page === undefined) throw new Error('unexpected header of a page');
  const { num_values: values, definition_levels_byte_length: levels } = page;
  need(isCount(values, bounds.rows) && values > 0, 'number of values of a page');
  need(page.num_rows === values, 'number of rows of a page');
  need(page.repetition_levels_byte_length === 0, 'length of levels');
  need(isCount(levels, Math.min(body.length, header.uncompressed_page_size)), 'length of levels');
  need(bounds.nullable || levels === 0, 'length of levels');
  const present = bounds.nullable ? checkRuns(body.subarray(0, levels), 1, values) : values;
  need(page.num_nulls === values - present, 'number of absent values');
  const codec = page.is_compressed === false ? 'UNCOMPRESSED' : meta.codec;
  const data = unpack(body.subarray(levels), header.uncompressed_page_size - levels, codec);
  checkValues(data, page.encoding, present);
  return values;
}

function checkValues(data: Uint8Array, encoding: string, values: number): void {
  need(ENCODINGS.has(encoding), `encoding ${encoding}`);
  if (encoding === 'PLAIN') return;
  need(data.length > 0, 'end of dictionary indexes');
  const bits = data[0] as number;
  need(bits <= INDEX_BITS_MAX, 'width of dictionary indexes');
  checkRuns(data.subarray(1), bits, values);
}

/**
 * Walks over runs of the RLE and bit-packing hybrid. They have to hold exactly `values` values, but for the padding of
 * the last bit-packed run to a multiple of eight.
 *
 * @returns With values of one bit: how many of them are 1.
 */
function checkRuns(data: Uint8Array, bits: number, values: number): number {
  const runBytes = (bits + 7) >> 3;
  let offset = 0;
  let seen = 0;
  let ones = 0;
  while (seen < values) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      need(offset < data.length && shift <= 28, 'header of a run');
      const byte = data[offset++] as number;
      header += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    const isPacked = header % 2 === 1;
    const count = Math.floor(header / 2) * (isPacked ? 8 : 1);
    need(count > 0 && seen + count <= values + (isPacked ? 7 : 0), 'length of a run');
    const size = isPacked ? (count / 8) * bits : runBytes;
    need(offset + size <= data.length, 'end of a run');
    if (bits === 1) ones += onesOf(data, offset, isPacked, Math.min(count, values - seen));
    offset += size;
    seen += count;
  }
  return ones;
}

function onesOf(data: Uint8Array, offset: number, isPacked: boolean, count: number): number {
  if (!isPacked) return ((data[offset] as number) & 1) * count;
  let ones = 0;
  for (let i = 0; i < count; i++) ones += ((data[offset + (i >> 3)] as number) >> (i & 7)) & 1;
  return ones;
}

function unpack(packed: Uint8Array, size: number, codec: string): Uint8Array {
  if (codec === 'UNCOMPRESSED') {
    need(packed.length === size, 'size of a page');
    return packed;
  }
  need(Object.hasOwn(DECOMPRESSORS, codec), `compression ${codec}`);
  need(size <= packed.length * RATIO_MAX, 'size of a page');
  return DECOMPRESSORS[codec as keyof typeof DECOMPRESSORS](packed, size);
}

function isCount(value: number | undefined, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function need(condition: boolean, what: string): void {
  if (!condition) throw new Error(`unexpected ${what}`);
}
