/**
 * Independent tasks on worker threads: results in the order of the tasks, whatever the number of workers.
 *
 * Why threads also for one task: the main thread stays free for progress and Ctrl-C. Progress and the stop request
 * travel through shared memory, not messages, because a busy worker reads no messages.
 * Not here: the meaning of a task (the worker's file decides, see `worker-tasks.ts`).
 */
import { Worker } from 'node:worker_threads';
import { TegError, type TegErrorCode } from '../../model/errors.ts';

/** Bytes of shared memory before the slots: the stop flag. */
const SLOTS_OFFSET = 8;
/** Doubles of a slot: work done and total work of the current task, and 1 once the task has seen the stop request. */
const SLOT_LENGTH = 3;

/** Milliseconds that a task may take to notice a stop request; a user's policy may never return. */
export const GRACE_MS = 5_000;

/** Milliseconds between two looks at the progress. */
const PROGRESS_INTERVAL_MS = 100;

/** Progress of the tasks. */
export interface PoolProgress {
  readonly tasksDone: number;
  readonly tasks: number;
  /** In the tasks' own unit, over all tasks; the total is estimated from those seen so far, 0 if none. */
  readonly workDone: number;
  readonly workTotal: number;
}

/** What to run. */
export interface PoolOptions<Task> {
  /** The worker's file; it calls `serveTasks`. */
  readonly url: URL;
  /** Plain data that can be cloned. */
  readonly tasks: readonly Task[];
  /** Order in which tasks are begun, as indexes; default: the given order. */
  readonly order?: readonly number[];
  /** Threads, ≥ 1; never more than tasks. */
  readonly workers: number;
  /** Once aborted, no task is begun and running tasks are asked to stop. */
  readonly signal?: AbortSignal;
  /** Default GRACE_MS: a task that has not noticed the stop request by then is abandoned. */
  readonly graceMs?: number;
  /** The same for a task that has not reported how much work it has. Default `graceMs`. */
  readonly unbegunGraceMs?: number;
  readonly onProgress?: (progress: PoolProgress) => void;
  /** Receives each result as it comes in, with the index of its task. */
  readonly onResult?: (result: unknown, index: number) => void;
}

/** The data that a worker is started with. */
export interface WorkerSetup {
  readonly shared: SharedArrayBuffer;
  readonly slot: number;
}

/** Answers of a worker. */
export type WorkerAnswer =
  | { readonly index: number; readonly result: unknown }
  | { readonly index: number; readonly error: PlainError };

/** An error as it crosses threads. */
export interface PlainError {
  /** Of a TegError; absent for a bug. */
  readonly code?: string;
  readonly message: string;
  readonly stack?: string;
}

/** The shared memory of a pool, seen from either side. */
export class PoolMemory {
  private readonly stopFlag: Int32Array;
  private readonly slots: Float64Array;

  constructor(shared: SharedArrayBuffer) {
    this.stopFlag = new Int32Array(shared, 0, 1);
    this.slots = new Float64Array(shared, SLOTS_OFFSET);
  }

  /** @returns New shared memory for n workers. */
  static allocate(workers: number): SharedArrayBuffer {
    return new SharedArrayBuffer(SLOTS_OFFSET + workers * SLOT_LENGTH * Float64Array.BYTES_PER_ELEMENT);
  }

  /** Asks all workers to stop. */
  stop(): void {
    Atomics.store(this.stopFlag, 0, 1);
  }

  /** Whether the workers were asked to stop. */
  get stopped(): boolean {
    return Atomics.load(this.stopFlag, 0) === 1;
  }

  /** Reports the progress of a worker's task. */
  report(slot: number, done: number, total: number): void {
    this.slots[slot * SLOT_LENGTH] = done;
    this.slots[slot * SLOT_LENGTH + 1] = total;
  }

  /** Reports that a worker's task has seen the stop request and is about to end. */
  noticeStop(slot: number): void {
    this.slots[slot * SLOT_LENGTH + 2] = 1;
  }

  /** @returns True if the task has seen it. */
  hasNoticed(slot: number): boolean {
    return this.slots[slot * SLOT_LENGTH + 2] === 1;
  }

  /** @returns Work done and total work of a worker's task. */
  read(slot: number): readonly [number, number] {
    return [this.slots[slot * SLOT_LENGTH] as number, this.slots[slot * SLOT_LENGTH + 1] as number];
  }
}

/**
 * Runs all tasks.
 *
 * @returns @shape [tasks] the result of each task; undefined for tasks never begun, or abandoned, because of `signal`.
 * @throws the first error of a task: a TegError as it was, anything else as an Error with the worker's stack.
 */
export async function runOnWorkers<Task, Result>(
  options: PoolOptions<Task>,
): Promise<(Result | undefined)[]> {
  const count = Math.max(1, Math.min(options.workers, options.tasks.length));
  const pool = new Pool<Task, Result>(options, count);
  return await pool.run();
}

class Pool<Task, Result> {
  private readonly options: PoolOptions<Task>;
  private readonly count: number;
  private readonly shared: SharedArrayBuffer;
  private readonly memory: PoolMemory;
  private readonly results: (Result | undefined)[];
  private readonly order: readonly number[];
  /** Abandons the task of a worker, by slot. */
  private readonly giveUp = new Map<number, () => void>();
  private next = 0;
  private tasksDone = 0;
  private totalsSeen = 0;
  private totalsCount = 0;
  private workDone = 0;

  constructor(options: PoolOptions<Task>, count: number) {
    this.options = options;
    this.count = count;
    this.shared = PoolMemory.allocate(count);
    this.memory = new PoolMemory(this.shared);
    this.results = options.tasks.map(() => undefined);
    this.order = options.order ?? options.tasks.map((_, index) => index);
  }

  async run(): Promise<(Result | undefined)[]> {
    const { signal, onProgress, graceMs = GRACE_MS, unbegunGraceMs = graceMs } = this.options;
    let grace: NodeJS.Timeout | undefined;
    let early: NodeJS.Timeout | undefined;
    const stop = (): void => {
      this.memory.stop();
      grace ??= setTimeout(() => this.giveUpUnnoticed(), graceMs);
      early ??= setTimeout(() => this.giveUpUnbegun(), unbegunGraceMs);
    };
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    const timer = onProgress && setInterval(() => onProgress(this.progress()), PROGRESS_INTERVAL_MS);
    const workers: Worker[] = [];
    try {
      const lanes = Array.from({ length: this.count }, (_, slot) => {
        const workerData: WorkerSetup = { shared: this.shared, slot };
        const worker = new Worker(this.options.url, { workerData });
        workers.push(worker);
        return this.work(worker, slot);
      });
      await Promise.all(lanes);
      onProgress?.(this.progress());
      return this.results;
    } finally {
      clearInterval(timer);
      clearTimeout(grace);
      clearTimeout(early);
      signal?.removeEventListener('abort', stop);
      this.memory.stop();
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  }

  /** Gives a worker one task after the other until none is left. */
  private async work(worker: Worker, slot: number): Promise<void> {
    while (this.next < this.order.length && !this.memory.stopped) {
      const index = this.order[this.next++] as number;
      const givenUp = new Promise<undefined>((resolve) => {
        this.giveUp.set(slot, () => resolve(undefined));
      });
      const answer = await Promise.race([
        ask(worker, { index, task: this.options.tasks[index] }),
        givenUp,
      ]).finally(() => this.giveUp.delete(slot));
      if (answer === undefined) return;
      if ('error' in answer) throw reviveError(answer.error);
      this.results[index] = answer.result as Result;
      const [done, total] = this.memory.read(slot);
      this.memory.report(slot, 0, 0);
      this.tasksDone++;
      this.workDone += done;
      this.totalsSeen += total;
      this.totalsCount++;
      this.options.onResult?.(answer.result, index);
    }
  }

  private giveUpUnnoticed(): void {
    for (const [slot, giveUp] of this.giveUp) if (!this.memory.hasNoticed(slot)) giveUp();
  }

  /** A task that still reads its inputs looks at no stop request, and has nothing to lose. */
  private giveUpUnbegun(): void {
    for (const [slot, giveUp] of this.giveUp) {
      const [, total] = this.memory.read(slot);
      if (total === 0 && !this.memory.hasNoticed(slot)) giveUp();
    }
  }

  private progress(): PoolProgress {
    let { workDone, totalsSeen, totalsCount } = this;
    for (let slot = 0; slot < this.count; slot++) {
      const [done, total] = this.memory.read(slot);
      if (total === 0) continue;
      workDone += done;
      totalsSeen += total;
      totalsCount++;
    }
    const tasks = this.options.tasks.length;
    const workTotal = totalsCount === 0 ? 0 : (totalsSeen / totalsCount) * tasks;
    return { tasksDone: this.tasksDone, tasks, workDone, workTotal };
  }
}

/** Sends one task and waits for its answer, or for the worker's untimely end. */
function ask(worker: Worker, message: { index: number; task: unknown }): Promise<WorkerAnswer> {
  return new Promise((resolve, reject) => {
    const forget = (): void => {
      worker.off('message', answered);
      worker.off('error', failed);
      worker.off('exit', exited);
    };
    const answered = (answer: WorkerAnswer): void => {
      forget();
      resolve(answer);
    };
    const failed = (error: Error): void => {
      forget();
      reject(error);
    };
    const exited = (code: number): void => {
      forget();
      reject(new Error(`a worker thread ended with code ${code} in the middle of a task`));
    };
    worker.on('message', answered);
    worker.on('error', failed);
    worker.on('exit', exited);
    worker.postMessage(message);
  });
}

function reviveError(plain: PlainError): Error {
  if (plain.code !== undefined) return new TegError(plain.code as TegErrorCode, plain.message);
  const error = new Error(plain.message);
  if (plain.stack !== undefined) error.stack = plain.stack;
  return error;
}
