/** Tables of other tools: delimiters, foreign column names, omitted columns, and the messages for unknown files. */
import { describe, expect, test } from 'vitest';
import { SAMPLES } from './samples.fixtures.ts';
import { readText } from './specs.fixtures.ts';

const MINIMAL = 'id,submit_s,duration_s\na,0,10\n';

describe('delimiters', () => {
  test.each([
    [';', ';'],
    ['tab', '\t'],
  ])('fields may be separated by %s', async (_name, delimiter) => {
    for (const format of ['openb-pods', 'alibaba-dlrm', 'teg-nodes-csv'] as const) {
      const text = SAMPLES[format].includes('"') ? '' : SAMPLES[format].replaceAll(',', delimiter);
      if (text === '') continue;
      const [foreign, plain] = [await readText(text), await readText(SAMPLES[format])];
      expect(foreign).toEqual(plain);
      expect(foreign.jobs.length + foreign.nodes.length).toBeGreaterThan(0);
    }
  });
});

describe('columns that a file lacks', () => {
  test('a job needs an id, a time and a duration', async () => {
    const { jobs } = await readText(MINIMAL);
    expect(jobs).toEqual([
      {
        id: 'a',
        tenant: '',
        priority: 0,
        submitSeconds: 0,
        durationSeconds: 10,
        requestedSeconds: Number.NaN,
        podCount: 1,
        gangMin: 1,
        cpuMilli: 0,
        memoryMib: 0,
        gpuCount: 0,
        gpuMilli: 0,
        gpuModels: [],
      },
    ]);
  });

  test('several pods start together, and GPUs are whole, unless the file says otherwise', async () => {
    const { jobs } = await readText('id,submit_s,duration_s,pod_count,gpu_count\na,0,10,4,2\n');
    expect(jobs).toMatchObject([{ podCount: 4, gangMin: 4, gpuCount: 2, gpuMilli: 1_000 }]);
  });

  test('a node needs a name, cores and memory', async () => {
    const { nodes } = await readText('name,cpu_milli,memory_mib\nn,1000,2048\n');
    expect(nodes).toEqual([
      { name: 'n', cpuMilli: 1_000, memoryMib: 2_048, gpuCount: 0, gpuModel: '', podsMax: 110 },
    ]);
  });

  test.each([
    ['A100', ['A100']],
    ['A100|H100', ['A100', 'H100']],
    ['4090', ['4090']],
    ['"[""A100""]"', ['A100']],
    ['', []],
  ])('GPU models %s', async (cell, models) => {
    const { jobs } = await readText(`id,submit_s,duration_s,gpu_count,gpu_models\na,0,10,1,${cell}\n`);
    expect(jobs[0]?.gpuModels).toEqual(models);
  });
});

describe('--map', () => {
  const foreign = 'job_name,submit_time,runtime,ngpu,submit_s\na,5,10,1,99\n';
  const map = { id: 'job_name', submit_s: 'submit_time', duration_s: 'runtime', gpu_count: 'ngpu' };

  test('maps the columns', async () => {
    const { jobs } = await readText(foreign, { map });
    expect(jobs).toMatchObject([{ id: 'a', submitSeconds: 5, durationSeconds: 10, gpuCount: 1 }]);
  });

  test('messages name the column of the file', async () => {
    await expect(readText(foreign.replace('a,5', 'a,x'), { map })).rejects.toThrow(
      'sample:2: column \'submit_time\': got "x"',
    );
  });

  test('a column that the file does not have is refused', async () => {
    await expect(readText(MINIMAL, { map: { tenant: 'user' } })).rejects.toMatchObject({
      code: 'TEG_OPTION_INVALID',
      message: expect.stringContaining('has no column "user", expected one of "id"'),
    });
  });

  test('is refused for a file that is not a table', async () => {
    await expect(readText(SAMPLES.swf, { map: { id: 'x' } })).rejects.toMatchObject({
      code: 'TEG_OPTION_INVALID',
    });
  });
});

describe('errors name the contents of the file', () => {
  const header = 'id,submit_s,duration_s,pod_count,gang_min,gpu_count,gpu_milli';
  test.each([
    ['a,,10,1,1,0,0', 'column \'submit_s\': got "", expected a finite number'],
    ['a,1e400,10,1,1,0,0', 'column \'submit_s\': got "1e400"'],
    ['a,Infinity,10,1,1,0,0', 'column \'submit_s\': got "Infinity", expected a finite number'],
    ['a,0,-5,1,1,0,0', 'column \'duration_s\': got "-5", expected a number ≥ 0, or Infinity'],
    ['a,0,1e999,1,1,0,0', 'column \'duration_s\': got "1e999"'],
    ['a,0,10,0,0,0,0', 'column \'pod_count\': got "0", expected an integer in [1, 2147483647]'],
    ['a,0,10,2,3,0,0', 'column \'gang_min\': got "3", expected an integer in [1, 2]'],
    ['a,0,10,1,1,2,500', 'column \'gpu_milli\': got "500", expected 1000, as a pod with more than one GPU'],
    ['a,0,10,1,1,0,5', 'column \'gpu_milli\': got "5", expected 0, as the pod has no GPUs'],
  ])('%s', async (row, message) => {
    await expect(readText(`${header}\n${row}\n`)).rejects.toThrow(message);
  });
});

describe('unknown files', () => {
  test.each([
    [
      'a table near others names the missing columns',
      'id,submit_s,runtime\na,0,1\n',
      /columns "id, submit_s, runtime".*nearest: teg-jobs-csv lacks duration_s.*can be mapped to duration_s/,
    ],
    [
      'a table like none names the columns that jobs and nodes need',
      'when,what,where\n1,2,3\n',
      /"when, what, where", none of which.*id, submit_s, duration_s \(jobs\)/,
    ],
    [
      'JSON of something else names its keys',
      '{"nb_res": 64, "jobs": [{"id": 1, "subtime": 0}]}',
      /JSON with the keys nb_res, jobs, id, subtime, but not Kubernetes objects/,
    ],
    ['an empty file', '', /got an empty file/],
    ['text', 'hello\nworld\n', /begins "hello\\nworld\\n".*openb-pods/],
  ])('%s', async (_name, text, message) => {
    await expect(readText(text)).rejects.toMatchObject({
      code: 'TEG_INPUT_UNKNOWN_FORMAT',
      message: expect.stringMatching(message),
    });
    await expect(readText(text)).rejects.toThrow('docs/traces.md');
  });
});
