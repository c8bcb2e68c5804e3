import { describe, expect, test } from 'vitest';
import { DEFAULT_ASSUMPTIONS, TRACE_FORMATS, type TraceFormat } from './format.ts';
import { detectFormat } from './read.ts';
import { SAMPLES } from './samples.fixtures.ts';
import { bytesInput } from './source.ts';
import { readText } from './specs.fixtures.ts';

const NAN = Number.NaN;
const cpuOnly = { gpuCount: 0, gpuMilli: 0, gpuModels: [] };

describe('recognising formats', () => {
  test.each(Object.keys(SAMPLES) as (keyof typeof SAMPLES)[])('%s', async (format) => {
    expect(await detectFormat(bytesInput('x', Buffer.from(SAMPLES[format])))).toBe(format);
  });

  test('every format is sampled, but for the binary ones', () => {
    const binary: TraceFormat[] = ['teg-jobs', 'teg-nodes', 'teg-usage'];
    expect([...Object.keys(SAMPLES), ...binary].sort()).toEqual(Object.keys(TRACE_FORMATS).sort());
  });

  test('something else is refused with the list of formats', async () => {
    await expect(readText('hello\nworld\n')).rejects.toMatchObject({
      code: 'TEG_INPUT_UNKNOWN_FORMAT',
      message: expect.stringContaining('openb-pods'),
    });
  });
});

describe('openb', () => {
  test('pods run from scheduling to deletion; shares and models are kept', async () => {
    const { jobs } = await readText(SAMPLES['openb-pods']);
    const common = { tenant: '', priority: 0, requestedSeconds: NAN, podCount: 1, gangMin: 1 };
    expect(jobs).toEqual([
      {
        ...common,
        ...cpuOnly,
        id: 'pod-a',
        cpuMilli: 8000,
        memoryMib: 30000,
        submitSeconds: 100,
        durationSeconds: 570,
      },
      {
        ...common,
        id: 'pod-b',
        cpuMilli: 6000,
        memoryMib: 12288,
        gpuCount: 1,
        gpuMilli: 460,
        gpuModels: [],
        submitSeconds: 200,
        durationSeconds: 700,
      },
      {
        ...common,
        id: 'pod-c',
        cpuMilli: 64000,
        memoryMib: 262144,
        gpuCount: 8,
        gpuMilli: 1000,
        gpuModels: ['V100M16', 'V100M32'],
        submitSeconds: 300,
        durationSeconds: 3690,
      },
      {
        ...common,
        id: 'pod-d',
        cpuMilli: 1000,
        memoryMib: 0,
        gpuCount: 1,
        gpuMilli: 1000,
        gpuModels: [],
        submitSeconds: 0,
        durationSeconds: Infinity,
      },
    ]);
  });

  test('five columns are enough; without times pods arrive at 0 and never end', async () => {
    const { jobs } = await readText('name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,1,2,1,10\n');
    expect(jobs).toMatchObject([{ id: 'a', submitSeconds: 0, durationSeconds: Infinity, gpuMilli: 10 }]);
  });

  test('nodes', async () => {
    const { nodes } = await readText(SAMPLES['openb-nodes']);
    expect(nodes).toEqual([
      {
        name: 'node-a',
        cpuMilli: 64000,
        memoryMib: 262144,
        gpuCount: 2,
        gpuModel: 'P100',
        podsMax: 1001,
      },
      { name: 'node-b', cpuMilli: 32000, memoryMib: 131072, gpuCount: 0, gpuModel: '', podsMax: 1001 },
    ]);
  });

  test.each([
    ['a,1,2,1,0', 'gpu_milli', '[1, 1000]'],
    ['a,1,2,2,500', 'gpu_milli', '1000, as a pod with more than one GPU'],
    ['a,1,2,0,500', 'gpu_milli', '0, as the pod has no GPUs'],
    ['a,1,2,31,1000', 'num_gpu', '[0, 30]'],
    ['a,1.5,2,0,0', 'cpu_milli', 'an integer'],
    ['a,-1,2,0,0', 'cpu_milli', 'an integer'],
    [',1,2,0,0', 'name', 'not empty'],
  ])('%s is refused for its %s', async (row, column, expected) => {
    const file = `name,cpu_milli,memory_mib,num_gpu,gpu_milli\nok,1,2,0,0\n${row}\n`;
    await expect(readText(file)).rejects.toMatchObject({
      code: 'TEG_TRACE_BAD_VALUE',
      message: expect.stringMatching(
        new RegExp(`^sample:3: column '${column}': got ".*${escaped(expected)}`),
      ),
    });
  });

  test('a pod that ends before it begins is refused', async () => {
    const file = SAMPLES['openb-pods'].replace('100,700,130', '100,120,130');
    await expect(readText(file)).rejects.toThrow(
      'column \'deletion_time\': got "120", expected at least 130',
    );
  });
});

describe('SWF', () => {
  test('processors become pods; unknown ones are left out and counted', async () => {
    const { jobs, warnings } = await readText(SAMPLES.swf);
    expect(jobs).toEqual([
      {
        ...cpuOnly,
        id: '1',
        tenant: '3',
        user: '3',
        priority: 0,
        cpuMilli: 1000,
        memoryMib: 2,
        submitSeconds: 0,
        durationSeconds: 100,
        requestedSeconds: 3600,
        podCount: 4,
        gangMin: 4,
      },
      {
        ...cpuOnly,
        id: '3',
        tenant: '',
        priority: 0,
        cpuMilli: 1000,
        memoryMib: 0,
        submitSeconds: 120,
        durationSeconds: 50,
        requestedSeconds: NAN,
        podCount: 8,
        gangMin: 8,
      },
    ]);
    expect(warnings.map((w) => w.message)).toContainEqual(expect.stringContaining('never ran'));
  });

  test('pods get the largest divisor of the processors', async () => {
    const { jobs } = await readText(SAMPLES.swf, { assume: { swfProcessorsPerPodMax: 3 } });
    expect(jobs.map((job) => [job.podCount, job.cpuMilli, job.memoryMib])).toEqual([
      [2, 2000, 4],
      [4, 2000, 0],
    ]);
  });

  test('used memory counts where none is requested, and an assumption where neither is known', async () => {
    const used = SAMPLES.swf.replace('2048  1  3', '-1  1  3');
    const { jobs } = await readText(used, { assume: { swfMemoryMibPerProcessor: 512 } });
    expect(jobs.map((job) => job.memoryMib)).toEqual([1, 512]);
  });

  test('a short line is reported with its number and the missing fields', async () => {
    await expect(readText(`${SAMPLES.swf}4 1 2 3\n`)).rejects.toMatchObject({
      code: 'TEG_TRACE_BAD_ROW',
      message: expect.stringContaining('sample:9: got 4 fields'),
    });
  });

  test('a text where a number belongs names its field', async () => {
    const file = SAMPLES.swf.replace(' 3600 ', ' many ');
    await expect(readText(file)).rejects.toThrow('column \'requested time\': got "many", expected a number');
  });
});

describe('Philly', () => {
  test('gangs over eight GPUs become pods of the largest divisor up to eight', async () => {
    const { jobs } = await readText(SAMPLES.philly);
    expect(jobs.map((job) => [job.gpuCount, job.podCount, job.gangMin])).toEqual([
      [1, 1, 1],
      [6, 2, 2],
      [8, 2, 2],
      [1, 17, 17],
    ]);
    expect(jobs[1]).toMatchObject({ tenant: 'bbb', cpuMilli: 24_000, memoryMib: 6 * 16_384, gpuMilli: 1000 });
    expect(jobs[0]).toMatchObject({ submitSeconds: 0, durationSeconds: 3600.5 });
  });

  test('assumed CPU and memory can be changed', async () => {
    const assume = { phillyCpuMilliPerGpu: 0, phillyMemoryMibPerGpu: 1 };
    const { jobs } = await readText(SAMPLES.philly, { assume });
    expect(jobs[2]).toMatchObject({ cpuMilli: 0, memoryMib: 8 });
  });
});

test('a table of Philly may name users and limits, under its own columns or others', async () => {
  const [, ...rows] = SAMPLES.philly.trim().split('\n');
  const table = ['job,submit_s,submit_local,duration_s,num_gpus,tenant,who,limit']
    .concat(rows.map((row, i) => `${row},${i === 0 ? '' : 'u7'},${i === 0 ? '' : 900}`))
    .join('\n');
  const { jobs } = await readText(table, { map: { user: 'who', requested_s: 'limit' } });
  expect(jobs.map((job) => [job.user, job.requestedSeconds])).toEqual([
    [undefined, Number.NaN],
    ...Array(3).fill(['u7', 900]),
  ]);
});

describe('MetaCentrum', () => {
  test('properties become affinity; a span of machines a limit of one pod a node', async () => {
    const { jobs, warnings } = await readText(SAMPLES['metacentrum-jobs']);
    expect(jobs[0]).toEqual({
      ...cpuOnly,
      id: '0',
      tenant: '7',
      user: '7',
      priority: 0,
      cpuMilli: 4000,
      memoryMib: 4096,
      submitSeconds: 0,
      durationSeconds: 1000,
      requestedSeconds: 86_400,
      podCount: 1,
      gangMin: 1,
    });
    expect(jobs[1]).toMatchObject({
      cpuMilli: 4000,
      podCount: 2,
      gangMin: 2,
      podsPerNodeMax: 1,
      spreadGroup: '1',
      affinity: [
        { key: 'hostname', operator: 'NotIn', values: ['zewura12'] },
        { key: 'brno', operator: 'In', values: ['true'] },
      ],
    });
    expect(jobs[3]).toMatchObject({
      durationSeconds: 60,
      affinity: [{ key: 'hostname', operator: 'In', values: ['zegox3'] }],
    });
    expect(warnings.map((w) => w.count)).toEqual([1]);
  });

  test('a negative run time is a bad row: nothing is known about the run', async () => {
    const file = SAMPLES['metacentrum-jobs'].replace('3,30,0,60,', '3,30,0,-1359980917,');
    await expect(readText(file)).rejects.toThrow(
      'column \'run_s\': got "-1359980917", expected a number in [0',
    );
    const { jobs } = await readText(file, { skipBad: 1 });
    expect(jobs.map((job) => job.id)).toEqual(['0', '1', '2']);
  });

  test('an exclusive job requests the whole machine of its cluster', async () => {
    const { jobs } = await readText(SAMPLES['metacentrum-jobs']);
    expect(jobs[2]).toMatchObject({ cpuMilli: 80_000, memoryMib: 65_536 });
  });

  test('machines become nodes with the labels that jobs select on', async () => {
    const { nodes } = await readText(SAMPLES['metacentrum-machines']);
    expect(nodes.map((node) => node.name)).toEqual(['zewura1', 'zewura2', 'zegox1', 'zegox2', 'zegox3']);
    expect(nodes[0]).toMatchObject({
      cpuMilli: 80_000,
      memoryMib: 517_018,
      gpuCount: 0,
      labels: { cluster: 'zewura', hostname: 'zewura1', cl_zewura: 'true', nodecpus80: 'true', brno: 'true' },
    });
    expect(nodes[0]?.labels).not.toHaveProperty('debian');
    expect(nodes[4]?.labels).toMatchObject({ debian: 'true', cl_zegox: 'true' });
  });

  test('a million machines arrive in batches', async () => {
    const file = SAMPLES['metacentrum-machines'].replace('zewura,2', 'zewura,5000');
    const { nodes } = await readText(file);
    expect(nodes).toHaveLength(5003);
    expect(new Set(nodes.map((node) => node.name)).size).toBe(5003);
  });
});

describe('Alibaba', () => {
  test('batch tasks are elastic arrays; empty requests are assumed and counted', async () => {
    const { jobs, warnings } = await readText(SAMPLES['alibaba-batch']);
    expect(jobs[0]).toEqual({
      ...cpuOnly,
      id: '1/1',
      tenant: '',
      priority: 0,
      cpuMilli: 1000,
      memoryMib: Math.ceil(0.005 * 262_144),
      submitSeconds: -100,
      durationSeconds: 300,
      requestedSeconds: NAN,
      podCount: 224,
      gangMin: 1,
    });
    expect(jobs[1]).toMatchObject({ cpuMilli: 500, memoryMib: 1311, durationSeconds: 30 });
    expect(jobs[2]).toMatchObject({ cpuMilli: 500, memoryMib: 4284, durationSeconds: 0 });
    expect(
      Object.fromEntries(warnings.map((w) => [w.message.split(' ').slice(0, 2).join(' '), w.count])),
    ).toEqual({
      'memory is': 1,
      'tasks that': 2,
      'tasks without': 1,
      'tasks changed': 1,
    });
  });

  test('serving instances have further resources and a limit a node', async () => {
    const { jobs } = await readText(SAMPLES['alibaba-dlrm']);
    expect(jobs[0]).toMatchObject({
      id: 'i-0',
      tenant: 'app-a',
      cpuMilli: 12_000,
      memoryMib: 123_392,
      gpuCount: 1,
      gpuMilli: 1000,
      extended: { rdma: 25, disk: 640 },
      podsPerNodeMax: 8,
      spreadGroup: 'app-a',
      submitSeconds: 0,
      durationSeconds: Infinity,
    });
    expect(jobs[1]).toMatchObject({ gpuCount: 0, submitSeconds: 500, durationSeconds: 8490 });
    expect(jobs[1]).not.toHaveProperty('podsPerNodeMax');
  });

  test('GPU nodes get memory in proportion to their vCPUs', async () => {
    const { nodes } = await readText(SAMPLES['alibaba-spot-nodes'], {
      assume: { spotMemoryMibPerCpu: 4096 },
    });
    expect(nodes[1]).toEqual({
      name: 'node-1',
      cpuMilli: 192_000,
      memoryMib: 786_432,
      gpuCount: 8,
      gpuModel: 'H800',
      podsMax: 110,
    });
  });

  test('pod memory is a series of samples; rounding below 0 is cut', async () => {
    const { usage, warnings } = await readText(SAMPLES['alibaba-podmem']);
    expect(usage.map((sample) => sample.memoryShare)).toEqual([0.5, 0.75, 0]);
    expect(warnings).toEqual([{ message: expect.stringContaining('rounding'), count: 1 }]);
  });
});

test('the assumptions that the documentation states', () => {
  expect(DEFAULT_ASSUMPTIONS).toMatchInlineSnapshot(`
    {
      "batchCpuMilli": 500,
      "batchMachineMemoryMib": 262144,
      "batchMemoryShare": 0.005,
      "gpusPerPodMax": 8,
      "openbPodsPerNode": 1001,
      "phillyCpuMilliPerGpu": 4000,
      "phillyMemoryMibPerGpu": 16384,
      "spotMemoryMibPerCpu": 8192,
      "swfMemoryMibPerProcessor": 0,
      "swfProcessorsPerPodMax": 1,
    }
  `);
});

function escaped(text: string): string {
  return text.replace(/[[\]().]/g, '\\$&');
}
