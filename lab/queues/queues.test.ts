/** The benchmark of queues: a run against plain code, and the bars on a table. */
import { describe, expect, test } from 'vitest';
import { plainEasy } from '../../src/simulation/queueing/easy.oracle.ts';
import type { DisciplineName, RuntimeKnowledge } from '../../src/simulation/queueing/queue-names.ts';
import { barsOf } from './queue-bars.ts';
import { loadQueueWorkload, missingFiles } from './queue-workloads.ts';
import { missedBars } from './queues-table.ts';
import { type QueuesRow, type QueuesTask, QueuesTaskRunner } from './queues-task.ts';

const TASK: QueuesTask = {
  workload: 'slots',
  queue: 'easy',
  knowledge: 'declared',
  policy: 'first-fit',
  seed: 1,
  traces: '/nowhere',
  quick: true,
};

test('figures of a run are those of the plain schedule', async () => {
  const { jobs, smallMost } = await loadQueueWorkload('slots', '/nowhere', 1, true);
  const first = jobs[0]?.submitSeconds ?? 0;
  const plain = jobs.map((job) => ({
    submitSeconds: job.submitSeconds - first,
    durationSeconds: job.durationSeconds,
    slots: job.podCount,
    estimateSeconds: job.requestedSeconds,
  }));
  const { starts, headOfLineArriving } = plainEasy(plain, 256);
  const row = await new QueuesTaskRunner().run(TASK);
  expect(headOfLineArriving).toBeGreaterThan(0);
  expect(row.headOfLine).toBeCloseTo(headOfLineArriving, 6);
  const p99 = (isLarge: boolean): number => {
    const waits = starts.map((start, i) => start - (plain[i]?.submitSeconds ?? 0));
    const some = waits.filter((_, i) => (plain[i]?.slots ?? 0) > smallMost === isLarge).sort((a, b) => a - b);
    return some[Math.ceil(0.99 * some.length) - 1] as number;
  };
  expect(row.largeWaitP99Seconds).toBeCloseTo(p99(true), 0);
  expect(row.smallWaitP99Seconds).toBeCloseTo(p99(false), 0);
  expect(row.startsByKept).toBe(1);
});

test('room that gangs hold counts as idle: on equal slots wound-wait has the figures of fifo', async () => {
  const runner = new QueuesTaskRunner();
  const [fifo, wound] = [
    await runner.run({ ...TASK, queue: 'fifo' }),
    await runner.run({ ...TASK, queue: 'wound-wait' }),
  ];
  expect(fifo.headOfLine).toBeGreaterThan(0.01);
  expect(wound).toEqual({ ...fifo, queue: 'wound-wait' });
});

test('gangs of whole GPUs ask for what the slots did', async () => {
  const [slots, gpus] = await Promise.all(
    (['slots', 'gpus'] as const).map((name) => loadQueueWorkload(name, '/nowhere', 1, true)),
  );
  expect(gpus?.jobs.map((job) => job.podCount * job.gpuCount)).toEqual(
    slots?.jobs.map((job) => job.podCount),
  );
  expect(missingFiles('philly', '/nowhere')).toEqual(['/nowhere/philly-2017/jobs.csv.gz']);
  await expect(loadQueueWorkload('philly', '/nowhere', 1, true)).rejects.toMatchObject({
    code: 'TEG_INPUT_NOT_FOUND',
  });
});

describe('bars', () => {
  const row = (
    queue: DisciplineName,
    knowledge: RuntimeKnowledge,
    [headOfLine, largeWaitP99Seconds, smallWaitP99Seconds, allocation]: readonly [
      number,
      number,
      number,
      number,
    ],
  ): QueuesRow => ({
    workload: 'slots',
    queue,
    knowledge,
    headOfLine,
    largeWaitP99Seconds,
    smallWaitP99Seconds,
    allocation,
    startsByKept: null,
  });
  const rows = [
    row('best-effort', 'exact', [0, 1000, 5, 0.9]),
    row('best-effort', 'predicted', [0, 1000, 5, 0.9]),
    row('best-effort', 'unknown', [0, 1000, 5, 0.9]),
    row('easy', 'exact', [0.05, 100, 50, 0.9]),
    row('easy', 'declared', [0.01, 200, 40, 0.9]),
  ];
  test.each([
    ['exact', [0.03, 110, 50, 0.895], [true, true, true, true]],
    ['exact', [0.0301, 110.1, 50.1, 0.8949], [false, false, false, false]],
    ['predicted', [0.02, 250, 40, 0.89], [true, true, true, true]],
    ['predicted', [0.021, 251, 41, 0.889], [false, false, false, false]],
    ['unknown', [0.5, 500, 9999, 0.88], [undefined, true, undefined, true]],
    ['unknown', [0.5, 501, 9999, 0.879], [undefined, false, undefined, false]],
  ] as const)('%s: %j is %j', (knowledge, figures, expected) => {
    const bars = barsOf(row('teg', knowledge, figures), rows);
    expect(
      (['headOfLine', 'largeWaitP99Seconds', 'smallWaitP99Seconds', 'allocation'] as const).map(
        (column) => bars[column]?.isReached,
      ),
    ).toEqual(expected);
  });

  test('each one that is missed is a line with the figure, the bar and the ratio; those that are reached are none', () => {
    const teg = [
      row('teg', 'exact', [0.0301, 110, 60, 0.8949]),
      row('teg', 'unknown', [0.5, 501, 9999, 0.88]),
    ];
    expect(missedBars([...rows, ...teg])).toEqual([
      'missed: slots, exact, teg: head of line 0.0301, bar 0.0300 (1.00 ×)',
      'missed: slots, exact, teg: small p99 wait 1 m 00 s, bar 50.0 s (1.20 ×)',
      'missed: slots, exact, teg: allocation 89.49 %, bar 89.50 %',
      'missed: slots, unknown, teg: large p99 wait 8 m 21 s, bar 8 m 20 s (1.00 ×)',
    ]);
    expect(missedBars(rows)).toEqual([]);
  });

  test('those that others are compared with have none, and nothing is compared with rows that are missing', () => {
    expect(barsOf(rows[0] as QueuesRow, rows)).toEqual({});
    expect(barsOf(rows[3] as QueuesRow, rows)).toEqual({});
    expect(barsOf(row('teg', 'exact', [0, 0, 0, 0]), [])).toEqual({});
  });
});
