import { describe, expect, test } from 'vitest';
import { TegError } from '../../model/errors.ts';
import type { ScenarioTask } from './worker-pool.fixtures.ts';
import { type PoolOptions, type PoolProgress, runOnWorkers } from './worker-pool.ts';

const URL_OF_WORKER = new URL('./worker-pool.fixtures.ts', import.meta.url);

function run(
  tasks: readonly ScenarioTask[],
  more: Partial<PoolOptions<ScenarioTask>> = {},
): Promise<(number | undefined)[]> {
  return runOnWorkers<ScenarioTask, number>({ url: URL_OF_WORKER, tasks, workers: 2, ...more });
}

function squares(count: number): ScenarioTask[] {
  return Array.from({ length: count }, (_, value) => ({ act: 'square', value }));
}

describe('runOnWorkers', () => {
  test.each([1, 2, 3])('gives results in the order of the tasks with %d workers', async (workers) => {
    expect(await run(squares(5), { workers })).toEqual([0, 1, 4, 9, 16]);
    expect(await run(squares(5), { workers, order: [4, 2, 0, 1, 3] })).toEqual([0, 1, 4, 9, 16]);
  });

  test('no tasks give no results', async () => {
    expect(await run([])).toEqual([]);
  });

  test('an expected failure arrives as the TegError it was', async () => {
    const failure = run([...squares(3), { act: 'fail', value: 7 }]);
    await expect(failure).rejects.toThrow(TegError);
    await expect(failure).rejects.toMatchObject({ code: 'TEG_JOB_INVALID', message: 'got 7' });
  });

  test('a bug arrives with the stack of the worker', async () => {
    const error = await run([{ act: 'bug', value: 1 }]).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(TegError);
    expect((error as Error).stack).toContain('worker-pool.fixtures.ts');
  });

  test('a worker that dies does not leave its caller waiting', async () => {
    await expect(run([{ act: 'crash', value: 0 }, ...squares(3)])).rejects.toThrow(/ended with code 3/);
  });

  test('stopping ends running tasks with partial results and begins no others', async () => {
    const controller = new AbortController();
    const tasks: ScenarioTask[] = Array.from({ length: 4 }, () => ({ act: 'until-stopped', value: 1 }));
    // Each running task reports one unit of work.
    const onProgress = ({ workDone }: PoolProgress): void => {
      if (workDone === 2) controller.abort();
    };
    const done = run(tasks, { signal: controller.signal, onProgress });
    expect(await done).toEqual([1, 1, undefined, undefined]);
  });

  test('a task that has not begun its work is abandoned sooner', async () => {
    const signal = AbortSignal.timeout(50);
    const startedMs = performance.now();
    expect(await run([{ act: 'reads', value: 1 }], { signal, unbegunGraceMs: 10 })).toEqual([undefined]);
    expect(performance.now() - startedMs).toBeLessThan(4_000);
  });

  test('stopped before it began it begins nothing', async () => {
    expect(await run(squares(3), { signal: AbortSignal.abort() })).toEqual([undefined, undefined, undefined]);
  });

  test('reports its progress, and at the end that all is done', async () => {
    const seen: PoolProgress[] = [];
    await run(squares(4), { onProgress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toEqual({ tasksDone: 4, tasks: 4, workDone: 0 + 1 + 2 + 3, workTotal: 40 });
  });
});
