/**
 * What is mutated: the hand-written samples of every format, some of them packed, in UTF-16, as JSON and Parquet, and the first rows of the
 * published traces where they are there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { parseAllDocuments } from 'yaml';
import { LAYOUTS, type Layout } from '../../src/traces/layout.ts';
import { ParquetFileWriter } from '../../src/traces/parquet/write.ts';
import { streamJobs, streamNodes, streamUsage } from '../../src/traces/read.ts';
import { PUBLISHED, SAMPLES } from '../../src/traces/samples.fixtures.ts';
import { bytesInput } from '../../src/traces/source.ts';
import { zip } from '../../src/traces/zip.fixtures.ts';

const TRACES = join(process.env.TEG_SHARED ?? join(import.meta.dirname, '../../../shared'), 'traces');

/** Bytes that are taken of the start of a published trace. */
const HEAD_BYTES = 2_048;

/** @returns The inputs, always in the same order. */
export async function makeCorpus(): Promise<Uint8Array[]> {
  const texts = Object.values(SAMPLES).map((text) => Buffer.from(text));
  const json = parseAllDocuments(SAMPLES.kubernetes).map((document) => JSON.stringify(document.toJS()));
  const jsons = [Buffer.from(json.join('\n')), Buffer.from(json[0] ?? '')];
  const published = PUBLISHED.map(({ text }) => Buffer.from(text));
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = texts;
  const packed = [
    gzipSync(first),
    gzipSync(second),
    zstdCompressSync(first),
    zip([{ name: 'a.csv', bytes: first }]),
    zip([{ name: 'b.csv', bytes: second, method: 0 }]),
    Buffer.from(`\ufeff${first}`, 'utf16le'),
    Buffer.from(`\ufeff${second}`, 'utf16le').swap16(),
  ];
  const others = [
    Buffer.from(SAMPLES['openb-pods'].replaceAll(',', ';')),
    Buffer.from('id\tsubmit_s\tduration_s\tgpu_count\tgpu_models\na\t0\t10\t1\tA100|H100\n'),
  ];
  return [...texts, ...published, ...jsons, ...packed, ...others, ...(await parquets()), ...publishedHeads()];
}

async function parquets(): Promise<Uint8Array[]> {
  const sample = (text: string): ReturnType<typeof bytesInput> => bytesInput('sample', Buffer.from(text));
  const jobs = (await Array.fromAsync(streamJobs(sample(SAMPLES['teg-jobs-csv'])))).flat();
  const nodes = (await Array.fromAsync(streamNodes(sample(SAMPLES['teg-nodes-csv'])))).flat();
  const usage = (await Array.fromAsync(streamUsage(sample(SAMPLES['teg-usage-csv'])))).flat();
  const foreign = LAYOUTS.nodes.columns.map((column) => ({
    name: column.name,
    data: nodes.map((node) => column.get(node)),
    type: column.type === 'JSON' || column.type === 'NAMES' ? ('STRING' as const) : column.type,
  }));
  return [
    await toParquet(LAYOUTS.jobs, jobs),
    await toParquet(LAYOUTS.nodes, nodes),
    await toParquet(LAYOUTS.usage, usage),
    new Uint8Array(parquetWriteBuffer({ columnData: foreign })),
    new Uint8Array(parquetWriteBuffer({ columnData: foreign, codec: 'UNCOMPRESSED' })),
  ];
}

async function toParquet<T>(layout: Layout<T>, items: readonly T[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const writer = new ParquetFileWriter(layout, async (bytes) => {
    parts.push(bytes);
  });
  await writer.write(items);
  await writer.finish();
  return Buffer.concat(parts);
}

function publishedHeads(): Uint8Array[] {
  if (!existsSync(TRACES)) return [];
  return readdirSync(TRACES, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.csv.gz'))
    .sort()
    .map((name) => gunzipSync(readFileSync(join(TRACES, name))).subarray(0, HEAD_BYTES));
}
