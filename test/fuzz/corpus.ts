/**
 * What is mutated: the hand-written samples of every format, some of them as gzip, JSON and Parquet, and the first rows of the
 * published traces where they are there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { parseAllDocuments } from 'yaml';
import { LAYOUTS, type Layout } from '../../src/traces/layout.ts';
import { ParquetFileWriter } from '../../src/traces/parquet/write.ts';
import { streamJobs, streamNodes, streamUsage } from '../../src/traces/read.ts';
import { SAMPLES } from '../../src/traces/samples.scenarios.ts';
import { bytesInput } from '../../src/traces/source.ts';

const TRACES = join(process.env.TEG_SHARED ?? join(import.meta.dirname, '../../../shared'), 'traces');

/** Bytes that are taken of the start of a published trace. */
const HEAD_BYTES = 2_048;

/** @returns The inputs, always in the same order. */
export async function makeCorpus(): Promise<Uint8Array[]> {
  const texts = Object.values(SAMPLES).map((text) => Buffer.from(text));
  const json = parseAllDocuments(SAMPLES.kubernetes).map((document) => JSON.stringify(document.toJS()));
  const jsons = [Buffer.from(json.join('\n')), Buffer.from(json[0] ?? '')];
  const packed = texts.slice(0, 2).map((bytes) => gzipSync(bytes));
  return [...texts, ...jsons, ...packed, ...(await parquets()), ...publishedHeads()];
}

async function parquets(): Promise<Uint8Array[]> {
  const sample = (text: string): ReturnType<typeof bytesInput> => bytesInput('sample', Buffer.from(text));
  const jobs = (await Array.fromAsync(streamJobs(sample(SAMPLES['teg-jobs-csv'])))).flat();
  const nodes = (await Array.fromAsync(streamNodes(sample(SAMPLES['teg-nodes-csv'])))).flat();
  const usage = (await Array.fromAsync(streamUsage(sample(SAMPLES['teg-usage-csv'])))).flat();
  const foreign = LAYOUTS.nodes.columns.map((column) => ({
    name: column.name,
    data: nodes.map((node) => column.get(node)),
    type: column.type === 'JSON' ? ('STRING' as const) : column.type,
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
