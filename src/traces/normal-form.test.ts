import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetMetadata } from 'hyparquet';
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import { afterAll, describe, expect, test } from 'vitest';
import { checkAsyncProperty, checkProperty } from '../../test/support/properties.ts';
import { splitCsvLine } from './csv-header.ts';
import { csvHeader, toCsvLine } from './formats/normal-csv.ts';
import { LAYOUTS, type Layout } from './layout.ts';
import { decompressSnappy } from './parquet/codecs.ts';
import { ParquetFileWriter } from './parquet/write.ts';
import { readJobs, streamUsage } from './read.ts';
import { SAMPLES } from './samples.fixtures.ts';
import { jobArbitrary, nodeArbitrary, readText, usageArbitrary } from './specs.fixtures.ts';
import { createTraceWriter } from './write.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-normal-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function toParquet<T>(layout: Layout<T>, items: readonly T[]): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const writer = new ParquetFileWriter(layout, async (bytes) => {
    parts.push(bytes);
  });
  await writer.write(items);
  await writer.finish();
  return Buffer.concat(parts);
}

function toCsv<T>(layout: Layout<T>, items: readonly T[]): string {
  return `${[csvHeader(layout), ...items.map((item) => toCsvLine(layout, item))].join('\n')}\n`;
}

describe('Parquet', () => {
  test('jobs come back exactly, NaN, Infinity, affinity and further resources included', async () => {
    await checkAsyncProperty(
      fc.asyncProperty(fc.array(jobArbitrary, { maxLength: 20 }), async (jobs) => {
        expect((await readText(await toParquet(LAYOUTS.jobs, jobs))).jobs).toEqual(jobs);
      }),
    );
  });

  test('nodes and usage samples come back exactly', async () => {
    await checkAsyncProperty(
      fc.asyncProperty(fc.array(nodeArbitrary), fc.array(usageArbitrary), async (nodes, usage) => {
        expect((await readText(await toParquet(LAYOUTS.nodes, nodes))).nodes).toEqual(nodes);
        expect((await readText(await toParquet(LAYOUTS.usage, usage))).usage).toEqual(usage);
      }),
    );
  });

  test('a long file is written and read in row groups, in order', async () => {
    const path = join(folder, 'long.parquet');
    const writer = await createTraceWriter('usage', path);
    const count = 150_000;
    for (let i = 0; i < count; i += 1_000) {
      await writer.write(
        Array.from({ length: 1_000 }, (_, j) => ({
          pod: `p${(i + j) % 7}`,
          seconds: i + j,
          memoryShare: 0.5,
        })),
      );
    }
    await writer.finish();
    expect(parquetMetadata(readFileSync(path)).row_groups.map((group) => Number(group.num_rows))).toEqual([
      65_536, 65_536, 18_928,
    ]);
    let next = 0;
    for await (const batch of streamUsage(path)) {
      for (const sample of batch) expect(sample.seconds).toBe(next++);
    }
    expect(next).toBe(count);
  });

  test('the file states its contents and version', async () => {
    const bytes = await toParquet(LAYOUTS.nodes, []);
    expect(parquetMetadata(bytes).key_value_metadata).toEqual([
      { key: 'teg.kind', value: 'nodes' },
      { key: 'teg.version', value: '1' },
    ]);
  });
});

describe('Parquet of other tools', () => {
  const { jobs: layout } = LAYOUTS;
  const [job] = fc.sample(jobArbitrary, { numRuns: 1, seed: 7 });

  /** Columns as a data frame library writes them: everything optional, 64-bit integers. */
  function foreign(
    change: (columns: ColumnSource[]) => ColumnSource[],
    codec: 'SNAPPY' | 'UNCOMPRESSED',
  ): Buffer {
    const columns = layout.columns.map((column): ColumnSource => {
      const value = column.get(job as never);
      const isInteger = column.type === 'INT32';
      return {
        name: column.name,
        data: isInteger && value !== null ? [BigInt(value)] : [value],
        type: isInteger ? 'INT64' : column.type === 'DOUBLE' ? 'DOUBLE' : 'STRING',
      };
    });
    return Buffer.from(parquetWriteBuffer({ columnData: change(columns), codec }));
  }

  test.each(['SNAPPY', 'UNCOMPRESSED'] as const)('%s is read', async (codec) => {
    expect((await readText(foreign((columns) => columns, codec))).jobs).toEqual([job]);
  });

  test('columns that may be absent may be left out', async () => {
    const needed = new Set(layout.columns.filter((c) => !c.nullable).map((c) => c.name));
    const { jobs } = await readText(foreign((all) => all.filter((c) => needed.has(c.name)), 'SNAPPY'));
    expect(jobs[0]?.id).toBe(job?.id);
  });

  test.each([
    [
      'a column is missing',
      (c: ColumnSource[]) => c.filter((x) => x.name !== 'duration_s'),
      'TEG_TRACE_BAD_HEADER',
    ],
    [
      'a column has another type',
      (c: ColumnSource[]) =>
        c.map((x) => (x.name === 'cpu_milli' ? { ...x, data: ['1'], type: 'STRING' as const } : x)),
      'TEG_TRACE_BAD_HEADER',
    ],
    [
      'a value is absent',
      (c: ColumnSource[]) => c.map((x) => (x.name === 'duration_s' ? { ...x, data: [null] } : x)),
      'TEG_TRACE_BAD_VALUE',
    ],
    [
      'a list is not JSON',
      (c: ColumnSource[]) => c.map((x) => (x.name === 'gpu_models' ? { ...x, data: ['[a'] } : x)),
      'TEG_TRACE_BAD_VALUE',
    ],
    [
      'it is something else',
      (c: ColumnSource[]) => c.filter((x) => x.name === 'id'),
      'TEG_INPUT_UNKNOWN_FORMAT',
    ],
  ])('refused where %s', async (_name, change, code) => {
    await expect(readText(foreign(change, 'SNAPPY'))).rejects.toMatchObject({ code });
  });
});

describe('damaged Parquet', () => {
  test('is refused or read, whatever byte is changed or missing', async () => {
    const jobs = fc.sample(jobArbitrary, { numRuns: 5, seed: 3 });
    const whole = await toParquet(LAYOUTS.jobs, jobs);
    for (let i = 0; i < whole.length; i += 5) {
      const bytes = Buffer.from(whole);
      bytes[i] = (bytes[i] as number) ^ (1 << (i % 8));
      await expectTegErrorOrResult(bytes);
      if (i % 80 === 0) await expectTegErrorOrResult(whole.subarray(0, i));
    }
  });

  test('a row group beyond the limits is refused', async () => {
    const jobs = fc.sample(jobArbitrary, { numRuns: 9, seed: 1 });
    const bytes = await toParquet(LAYOUTS.jobs, jobs);
    const refusal = { code: 'TEG_INPUT_TOO_LARGE' };
    await expect(readText(bytes, { limits: { groupRowsMax: 8 } })).rejects.toMatchObject(refusal);
    await expect(readText(bytes, { limits: { groupBytesMax: 99 } })).rejects.toMatchObject(refusal);
  });

  test('a newer version is refused', async () => {
    const bytes = await toParquet(LAYOUTS.jobs, []);
    const at = bytes.indexOf('teg.version') + 'teg.version'.length + 2;
    expect(bytes[at]).toBe('1'.charCodeAt(0));
    bytes[at] = '2'.charCodeAt(0);
    await expect(readText(bytes)).rejects.toThrow('version 2');
  });
});

async function expectTegErrorOrResult(bytes: Uint8Array): Promise<void> {
  try {
    await readText(bytes);
  } catch (error) {
    expect((error as Error).name, (error as Error).stack).toBe('TegError');
  }
}

describe('Snappy', () => {
  test('unpacks packed values', () => {
    const repetitive = fc
      .array(fc.tuple(fc.uint8Array({ maxLength: 9 }), fc.integer({ min: 1, max: 40 })))
      .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => Array(times).fill(bytes))));
    checkProperty(
      fc.property(repetitive, (bytes) => {
        const packed = snappyCompress(new Uint8Array(bytes));
        expect(Buffer.from(decompressSnappy(packed, bytes.length)).equals(bytes)).toBe(true);
        expect(() => decompressSnappy(packed, bytes.length + 1)).toThrow();
      }),
    );
  });

  test('ends on any bytes', () => {
    checkProperty(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 0, max: 4096 }), (bytes, size) => {
        try {
          expect(decompressSnappy(bytes, size)).toHaveLength(size);
        } catch (error) {
          expect((error as Error).message).toMatch(/Snappy/);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('CSV', () => {
  test('jobs come back exactly', async () => {
    await checkAsyncProperty(
      fc.asyncProperty(fc.array(jobArbitrary, { maxLength: 20 }), async (jobs) => {
        expect((await readText(toCsv(LAYOUTS.jobs, jobs))).jobs).toEqual(jobs);
      }),
    );
  });

  test('nodes and usage samples come back exactly', async () => {
    await checkAsyncProperty(
      fc.asyncProperty(fc.array(nodeArbitrary), fc.array(usageArbitrary), async (nodes, usage) => {
        expect((await readText(toCsv(LAYOUTS.nodes, nodes))).nodes).toEqual(nodes);
        expect((await readText(toCsv(LAYOUTS.usage, usage))).usage).toEqual(usage);
      }),
    );
  });

  test('the sample reads as it looks', async () => {
    const { jobs } = await readText(SAMPLES['teg-jobs-csv']);
    expect(jobs[0]).toEqual({
      id: 'j-1',
      tenant: 'a, b',
      priority: -5,
      submitSeconds: 0.5,
      durationSeconds: Infinity,
      requestedSeconds: Number.NaN,
      podCount: 3,
      gangMin: 1,
      cpuMilli: 1000,
      memoryMib: 2048,
      gpuCount: 1,
      gpuMilli: 250,
      gpuModels: ['A100', 'H100'],
      extended: { rdma: 25 },
      affinity: [{ key: 'zone', operator: 'In', values: ['a'] }],
      podsPerNodeMax: 2,
      spreadGroup: 'svc',
      checkpointSeconds: 600,
      disruption: 'single',
      podGroup: 'g',
      owner: 'Job/x',
      user: 'u-1',
      nodeName: 'n-1',
    });
    expect(toCsv(LAYOUTS.jobs, jobs)).toBe(SAMPLES['teg-jobs-csv']);
  });

  test.each([
    [
      'gang_min above pod_count',
      'j-2,,0,1,60,,1,2,0,0,0,0,,,,,,,,,,',
      'column \'gang_min\': got "2", expected 1',
    ],
    ['no duration', 'j-2,,0,1,,,1,1,0,0,0,0,,,,,,,,,,', 'column \'duration_s\': got ""'],
    [
      'JSON that is none',
      'j-2,,0,1,60,,1,1,0,0,0,0,,{x,,,,,,,,',
      'column \'extended\': got "{x", expected JSON',
    ],
    ['JSON of the wrong form', 'j-2,,0,1,60,,1,1,0,0,0,0,,[1],,,,,,,,', "column 'extended'"],
    ['a limit without a group', 'j-2,,0,1,60,,1,1,0,0,0,0,,,,5,,,,,,', "column 'spread_group'"],
  ])('%s is refused', async (_name, row, message) => {
    const header = csvHeader(LAYOUTS.jobs);
    // Further columns are empty.
    const rest = ','.repeat(LAYOUTS.jobs.columns.length - (splitCsvLine(row)?.length ?? 0));
    await expect(readText(`${header}\n${row}${rest}\n`)).rejects.toThrow(message);
  });
});

describe('writing', () => {
  const jobs = fc.sample(jobArbitrary, { numRuns: 50, seed: 11 });

  test.each(['a.parquet', 'a.csv', 'a.csv.gz'])('%s reads back', async (name) => {
    const path = join(folder, name);
    const unique = jobs.map((job, i) => ({ ...job, id: `${i}${job.id}` }));
    const writer = await createTraceWriter('jobs', path);
    await writer.write(unique.slice(0, 20));
    await writer.write(unique.slice(20));
    await writer.finish();
    expect(await readJobs(path)).toEqual(unique);
    expect(existsSync(`${path}.partial`)).toBe(false);
  });

  test('an aborted file is gone, and the one before it is kept', async () => {
    const path = join(folder, 'b.csv');
    const first = await createTraceWriter('jobs', path);
    await first.finish();
    const second = await createTraceWriter('jobs', path);
    await second.write(jobs);
    await second.abort();
    expect(await readJobs(path)).toEqual([]);
    expect(existsSync(`${path}.partial`)).toBe(false);
  });

  test('a text with a line end cannot be CSV', async () => {
    const writer = await createTraceWriter('jobs', join(folder, 'c.csv'));
    const [job] = jobs;
    await expect(writer.write([{ ...(job as (typeof jobs)[0]), tenant: 'a\nb' }])).rejects.toThrow(
      'line end',
    );
    await writer.abort();
  });

  test('an unknown extension and an impossible place are refused', async () => {
    await expect(createTraceWriter('jobs', 'x.xls')).rejects.toMatchObject({ code: 'TEG_OPTION_INVALID' });
    const path = join(folder, 'no', 'such', 'x.csv');
    await expect(createTraceWriter('jobs', path)).rejects.toMatchObject({ code: 'TEG_OUTPUT_FAILED' });
  });
});
