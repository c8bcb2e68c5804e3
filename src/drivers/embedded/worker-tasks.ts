/**
 * The worker's side of `worker-pool.ts`: takes tasks, runs them one at a time, answers.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { TegError } from '../../model/errors.ts';
import { type PlainError, PoolMemory, type WorkerAnswer, type WorkerSetup } from './worker-pool.ts';

/** The calls that a running task may make. Both are cheap. */
export interface TaskControl {
  /** True if the task should end soon with its partial result. */
  shouldStop(): boolean;
  /** Reports progress, in the task's own unit. */
  report(done: number, total: number): void;
}

/**
 * Serves the pool that started this thread. To be called once, at the top of a worker's file.
 *
 * @param run Runs one task. Its exceptions reach the caller of `runOnWorkers`.
 */
export function serveTasks<Task, Result>(run: (task: Task, control: TaskControl) => Promise<Result>): void {
  const port = parentPort;
  if (port === null) throw new Error('serveTasks was called outside a worker thread');
  const { shared, slot } = workerData as WorkerSetup;
  const memory = new PoolMemory(shared);
  const control: TaskControl = {
    shouldStop: () => {
      if (memory.stopped) memory.noticeStop(slot);
      return memory.stopped;
    },
    report: (done, total) => memory.report(slot, done, total),
  };
  port.on('message', async ({ index, task }: { index: number; task: Task }) => {
    let answer: WorkerAnswer;
    try {
      answer = { index, result: await run(task, control) };
    } catch (error) {
      answer = { index, error: toPlainError(error) };
    }
    port.postMessage(answer);
  });
}

/** @returns The error in a form that can be sent to another thread. */
export function toPlainError(error: unknown): PlainError {
  if (error instanceof TegError) return { code: error.code, message: error.message };
  if (error instanceof Error) {
    return { message: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) };
  }
  return { message: String(error) };
}
