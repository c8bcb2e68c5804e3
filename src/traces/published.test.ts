/** Files in their published form, and the results of reading them. */
import { describe, expect, test } from 'vitest';
import { detectFormat } from './read.ts';
import { PUBLISHED, SAMPLES } from './samples.fixtures.ts';
import { bytesInput } from './source.ts';
import { readText } from './specs.fixtures.ts';

function sampleOf(name: string): string {
  const found = PUBLISHED.find((sample) => sample.name === name);
  if (found === undefined) throw new Error(`no sample ${name}`);
  return found.text;
}

test.each(PUBLISHED)('$name is recognised as $format', async ({ format, text }) => {
  expect(await detectFormat(bytesInput('x', Buffer.from(text)))).toBe(format);
});

describe('batch_task.csv of Alibaba 2017', () => {
  test('reads the same with its header and without', async () => {
    const header = sampleOf('batch_task.csv with a header').split('\n')[0];
    const rows = sampleOf('batch_task.csv without a header');
    const bare = await readText(rows);
    const headed = await readText(`${header}\n${rows}`);
    expect(bare.jobs).toEqual(headed.jobs);
    expect(bare.jobs).toHaveLength(2);
    expect(bare.jobs[0]).toMatchObject({
      id: '1/1',
      submitSeconds: 10_000,
      durationSeconds: 50,
      podCount: 10,
      gangMin: 1,
      cpuMilli: 500,
      memoryMib: Math.ceil(0.005 * 262_144),
    });
  });

  test('names the column of a bad value', async () => {
    const bad = sampleOf('batch_task.csv without a header').replace('Waiting,,', 'Waiting,x,');
    await expect(readText(bad)).rejects.toThrow(
      'sample:2: column \'number_of_cpus_requested_per_instance_in_the_task\': got "x"',
    );
  });
});

test('pod_memory_util_anon: a pod is an address, times count from the first row', async () => {
  const { usage } = await readText(sampleOf('pod_memory_util_anon'));
  expect(usage).toEqual([
    { pod: '25da09a77268ccc9', seconds: 0, memoryShare: 0.66 },
    { pod: 'ccfa8e249adb8794', seconds: 60, memoryShare: 0.35 },
  ]);
});

test('wagap-2013.swf.machines gives the machines of the derived list', async () => {
  const published = await readText(sampleOf('wagap-2013.swf.machines'));
  const derived = await readText(SAMPLES['metacentrum-machines']);
  expect(published.nodes).toHaveLength(5);
  expect(published.nodes).toEqual(derived.nodes);
});

test('wagap-2013.swf gives the jobs of the derived table, but for the origin of its times', async () => {
  const published = await readText(SAMPLES['metacentrum-swf']);
  const derived = await readText(SAMPLES['metacentrum-jobs']);
  const origin = 1_356_996_147;
  expect(published.jobs.slice(0, 3)).toEqual(
    derived.jobs.slice(0, 3).map((job) => ({ ...job, submitSeconds: job.submitSeconds + origin })),
  );
  expect(published.jobs[3]).toMatchObject({
    id: '3',
    podCount: 1,
    affinity: [{ key: 'hostname', operator: 'In', values: ['zegox3'] }],
  });
  expect(published.jobs[3]?.requestedSeconds).toBeNaN();
});

test('a line of wagap-2013.swf without its request is a bad row', async () => {
  const [first = '', second = ''] = SAMPLES['metacentrum-swf'].split('\n');
  await expect(readText(`${first}\n${second.split(' ').slice(0, 19).join(' ')}\n`)).rejects.toThrow(
    'sample:2: got 19 fields',
  );
});

describe('Philly', () => {
  test('cluster_job_log: from the first start to the last end, on the GPUs of the first attempt', async () => {
    const { jobs, warnings } = await readText(SAMPLES['philly-log']);
    expect(jobs).toMatchObject([
      {
        id: 'application_1',
        tenant: 'aaa',
        user: 'u1',
        submitSeconds: 0,
        durationSeconds: 74,
        gpuCount: 1,
        podCount: 1,
      },
      {
        id: 'application_2',
        tenant: 'bbb',
        submitSeconds: -30,
        durationSeconds: 3_601,
        gpuCount: 6,
        podCount: 2,
        gangMin: 2,
      },
    ]);
    expect(jobs).toHaveLength(2);
    expect(warnings).toContainEqual({
      message: 'jobs that never began, or whose end is not recorded, are left out',
      count: 2,
    });
  });

  test('cluster_job_log: a bad time is named with its field', async () => {
    const text = SAMPLES['philly-log'].replace('2017-10-07 01:13:23', 'yesterday');
    await expect(readText(text)).rejects.toThrow('sample:1: column \'end_time\': got "yesterday"');
  });

  test("ElasticFlow's table: local times count from the first row", async () => {
    const { jobs } = await readText(sampleOf('the table of ElasticFlow'));
    expect(jobs).toMatchObject([
      { id: 'row-2', tenant: '11cb48', submitSeconds: 0, durationSeconds: 66, gpuCount: 1 },
      {
        id: 'row-3',
        tenant: '6214e9',
        submitSeconds: -2_932,
        durationSeconds: 2_951,
        gpuCount: 6,
        podCount: 2,
      },
    ]);
  });
});
