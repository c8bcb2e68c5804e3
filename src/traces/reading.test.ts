import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { checkAsyncProperty, checkProperty } from '../../test/support/properties.ts';
import { TegError } from '../model/errors.ts';
import { splitCsvLine } from './csv-header.ts';
import { detached, readLines } from './lines.ts';
import { detectFormat, readJobs, readNodes, streamJobs } from './read.ts';
import { parseDecimal, parseInteger } from './row.ts';
import { SAMPLES } from './samples.fixtures.ts';
import { bytesInput, openInput } from './source.ts';
import { readText } from './specs.fixtures.ts';

const PODS = SAMPLES['openb-pods'];
const folder = mkdtempSync(join(tmpdir(), 'teg-reading-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file in the temporary folder. */
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function codeOf(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => 'no error',
    (error: unknown) => (error instanceof TegError ? error.code : String(error)),
  );
}

describe('lines', () => {
  test('do not depend on where the chunks are cut', async () => {
    await checkAsyncProperty(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }).map((t) => t.replace(/[\r\n\uFEFF]/g, ' '))),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('\n', '\r\n'),
        async (lines, chunkBytes, end) => {
          const bytes = Buffer.from(lines.map((line) => line + end).join(''));
          const read: string[] = [];
          for await (const batch of readLines('x', bytesInput('x', bytes, chunkBytes).stream(), 1000)) {
            read.push(...batch);
          }
          expect(read).toEqual(lines);
        },
      ),
    );
  });

  test('a last line without an end counts, a byte order mark does not', async () => {
    const { jobs } = await readText(`\uFEFF${PODS.trimEnd()}`);
    expect(jobs).toHaveLength(4);
  });

  test('a file without line ends is refused at the limit', async () => {
    const endless = 'a'.repeat(70_000);
    const options = { format: 'swf' as const, limits: { lineCharsMax: 66_000 } };
    expect(await codeOf(readText(endless, options))).toBe('TEG_INPUT_TOO_LARGE');
    expect(await codeOf(readText(`${endless}\n`, options))).toBe('TEG_INPUT_TOO_LARGE');
    expect(await codeOf(readText(endless.slice(0, 66_000), options))).toBe('TEG_TRACE_BAD_ROW');
  });

  test('a detached text is equal to the original', () => {
    checkProperty(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(detached(text)).toBe(text);
      }),
    );
  });
});

describe('sources', () => {
  test('gzip is recognised by content, whatever the name', async () => {
    const plain = await readJobs(file('plain.gz', PODS));
    expect(plain).toHaveLength(4);
    expect(await readJobs(file('packed.csv', gzipSync(PODS)))).toEqual(plain);
    const twice = Buffer.concat([gzipSync(PODS.slice(0, 40)), gzipSync(PODS.slice(40))]);
    expect(await readJobs(file('members', twice))).toEqual(plain);
  });

  test.each([
    ['a missing file', () => join(folder, 'none.csv'), 'TEG_INPUT_NOT_FOUND'],
    ['a folder', () => folder, 'TEG_INPUT_NOT_FOUND'],
    ['an empty file', () => file('empty', ''), 'TEG_INPUT_UNKNOWN_FORMAT'],
    ['half a gzip file', () => file('half', gzipSync(PODS).subarray(0, 90)), 'TEG_INPUT_CORRUPT'],
    ['two bytes of gzip', () => file('two', gzipSync(PODS).subarray(0, 2)), 'TEG_INPUT_CORRUPT'],
    ['nodes where jobs are wanted', () => file('n.csv', SAMPLES['openb-nodes']), 'TEG_INPUT_UNKNOWN_FORMAT'],
  ])('%s is refused', async (_name, path, code) => {
    expect(await codeOf(readJobs(path()))).toBe(code);
  });

  test('damage in the middle of a gzip file is found', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => `p${i},${i},2,0,0`).join('\n');
    const packed = gzipSync(`name,cpu_milli,memory_mib,num_gpu,gpu_milli\n${rows}\n`);
    packed[packed.length >> 1] = (packed[packed.length >> 1] as number) ^ 0xff;
    const code = await codeOf(readJobs(file('damaged', packed)));
    expect(['TEG_INPUT_CORRUPT', 'TEG_TRACE_BAD_VALUE', 'TEG_TRACE_BAD_ROW']).toContain(code);
  });

  test('stopping early closes the source', async () => {
    let isClosed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.from('p,1,2,0,0\n'.repeat(5_000));
      } finally {
        isClosed = true;
      }
    }
    const head = Buffer.from('name,cpu_milli,memory_mib,num_gpu,gpu_milli\n');
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield head;
      yield* source();
    }
    const input = { name: 'x', stream, access: () => Promise.reject(new Error('unused')) };
    for await (const batch of streamJobs(input)) {
      expect(batch).toHaveLength(1024);
      break;
    }
    expect(isClosed).toBe(true);
    isClosed = false;
    expect(await detectFormat(input)).toBe('openb-pods');
    expect(isClosed).toBe(true);
  });

  test('the first bytes are seen before the content is read, and are read again', async () => {
    const opened = await openInput(bytesInput('x', gzipSync('abcdef'), 3), 2);
    expect(Buffer.from(opened.head).toString()).toMatch(/^ab/);
    const parts: Uint8Array[] = [];
    for await (const chunk of opened.chunks) parts.push(chunk);
    expect(Buffer.concat(parts).toString()).toBe('abcdef');
  });
});

describe('CSV', () => {
  const field = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', ',', '"', ' ', 'é') }),
    fc.string({ unit: 'grapheme' }).map((t) => t.replace(/[\r\n]/g, '')),
  );

  test('fields that are quoted as RFC 4180 says come back', () => {
    checkProperty(
      fc.property(fc.array(field, { minLength: 1 }), (fields) => {
        const line = fields.map((f) => (/[",]/.test(f) ? `"${f.replaceAll('"', '""')}"` : f)).join(',');
        expect(splitCsvLine(line)).toEqual(fields);
      }),
    );
  });

  test('agrees with csv-parse on any line', () => {
    checkProperty(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', ',', '"') }), (line) => {
        let expected: string[] | undefined;
        try {
          expected = (parse(line, { relax_column_count: true }) as string[][])[0] ?? [''];
        } catch {
          expected = undefined;
        }
        expect(splitCsvLine(line)).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['a column is missing', PODS.replace('num_gpu', 'gpus'), { format: 'openb-pods' }, 'num_gpu'],
    ['a column is there twice', PODS.replace('qos', 'name'), {}, '"name" twice'],
    [
      'there are too many columns',
      PODS.replace('qos', `${',c'.repeat(2_000)}`),
      { limits: { fieldsMax: 1_024 } },
      'at most 1024',
    ],
    ['the file is empty', '\n\n', { format: 'openb-pods' }, 'an empty file'],
  ] as const)('the header is refused where %s', async (_name, text, options, message) => {
    await expect(readText(text, options)).rejects.toMatchObject({
      code: 'TEG_TRACE_BAD_HEADER',
      message: expect.stringContaining(message),
    });
  });

  test.each([
    ['too few fields', 'x,1,2,3', 'got 4 fields, expected 11'],
    ['a stray quotation mark', 'x"y,1,2,0,0,,,,,,', 'quotation marks in pairs'],
    ['a field that is too long', `${'x'.repeat(200)},1,2,0,0,,,,,,`, 'a field of 200 characters'],
  ])('a row with %s is refused', async (_name, row, message) => {
    await expect(readText(PODS + row, { limits: { fieldCharsMax: 150 } })).rejects.toMatchObject({
      code: 'TEG_TRACE_BAD_ROW',
      message: expect.stringContaining(message),
    });
  });
});

describe('bad rows', () => {
  const file3 = `name,cpu_milli,memory_mib,num_gpu,gpu_milli
a,1,1,0,0
b,x,1,0,0
c,1,1,0,0
d,1
e,1,1,9,1
`;

  test('stop the reading unless they are tolerated', async () => {
    await expect(readText(file3)).rejects.toThrow(
      'sample:3: column \'cpu_milli\': got "x", expected an integer in [0, 2147483647]',
    );
  });

  test('are left out up to the number that is tolerated, each reported', async () => {
    const reported: string[] = [];
    const options = { skipBad: 3, onBad: (error: TegError) => reported.push(error.message) };
    const { jobs, warnings } = await readText(file3, options);
    expect(jobs.map((job) => job.id)).toEqual(['a', 'c']);
    expect(reported.map((message) => message.split(':')[1])).toEqual(['3', '5', '6']);
    expect(warnings).toEqual([{ message: 'bad rows left out', count: 3 }]);
  });

  test('one too many stops the reading and says so', async () => {
    await expect(readText(file3, { skipBad: 2 })).rejects.toMatchObject({
      code: 'TEG_TRACE_TOO_MANY_BAD',
      message: expect.stringMatching(/3 bad rows, expected at most 2.*sample:6/),
    });
  });

  test('limits are not bad rows: they are never left out', async () => {
    const options = { skipBad: 10, limits: { lineCharsMax: 40 } };
    expect(await codeOf(readText(file3, options))).toBe('TEG_INPUT_TOO_LARGE');
  });
});

test('ids and names have to be unique where all are read', async () => {
  const jobs = file('twice.csv', `${PODS}pod-a,1,1,0,0,,,,,,\n`);
  const nodes = file('nodes.csv', `${SAMPLES['openb-nodes']}node-a,1,1,0,\n`);
  await expect(readJobs(jobs)).rejects.toMatchObject({ code: 'TEG_JOB_INVALID' });
  await expect(readNodes(nodes)).rejects.toMatchObject({ code: 'TEG_CLUSTER_INVALID' });
});

describe('numbers', () => {
  test('integers are digits with a sign and nothing else', () => {
    expect(['0', '-0', '+7', '-12', '9007199254740991'].map(parseInteger)).toEqual([
      0,
      0,
      7,
      -12,
      2 ** 53 - 1,
    ]);
    for (const text of ['', '-', '1.0', '1e3', ' 1', '1 ', '0x1', 'NaN', '１']) {
      expect(parseInteger(text), text).toBeNaN();
    }
  });

  test('every finite number comes back from its text', () => {
    checkProperty(
      // As a sum, -0 is 0: its text is.
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(parseDecimal(`${x}`)).toBe(x + 0);
      }),
    );
  });

  test('only decimal numbers are numbers', () => {
    for (const text of ['', '.', 'e5', '1e', '--1', 'Infinity', 'NaN', '1_0', '1e9999', '0x1', '1,5']) {
      expect(parseDecimal(text), text).toBeNaN();
    }
  });
});
