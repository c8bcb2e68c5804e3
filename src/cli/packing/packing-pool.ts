/**
 * Runs packing tasks one after the other, or on worker threads; rows come in the order of the tasks either way.
 */
import { Worker } from 'node:worker_threads';
import { TegError, type TegErrorCode } from '../../model/errors.ts';
import type { NodeSpec } from '../../model/node.ts';
import { loadPolicy } from '../load-policy.ts';
import type { PackingInputs, PackingList } from './packing-inputs.ts';
import { type PackingRow, runPackingTask } from './packing-run.ts';

/** All runs: each list × policy × seed. */
export interface PackingPlan {
  readonly inputs: PackingInputs;
  /** Names or paths, as given. */
  readonly policies: readonly string[];
  readonly seeds: readonly number[];
  readonly typical: 'list' | 'learned';
  /** Threads; 1 runs in this thread, where nothing disturbs the timing. */
  readonly workers: number;
}

/** What a worker is started with. */
export interface PackingWorkerData {
  readonly nodes: readonly NodeSpec[];
  readonly lists: readonly PackingList[];
  readonly policies: readonly string[];
  readonly typical: 'list' | 'learned';
}

/** One task as it is sent to a worker: places in its data. */
export interface PackingTaskMessage {
  readonly list: number;
  readonly policy: number;
  readonly seed: number;
}

/**
 * Runs a plan.
 *
 * @param onRow  Told after each run how many are done, and its row.
 * @param signal Aborts between runs; what is done is returned.
 * @returns Rows in the order list, policy, seed.
 * @throws What a policy or a reader throws, also from a worker.
 */
export async function runPackingPlan(
  plan: PackingPlan,
  onRow: (done: number, row: PackingRow) => void,
  signal?: AbortSignal,
): Promise<PackingRow[]> {
  const tasks = tasksOf(plan);
  const rows: (PackingRow | undefined)[] = new Array(tasks.length);
  let next = 0;
  let done = 0;
  const take = (): number => (next < tasks.length && signal?.aborted !== true ? next++ : -1);
  const put = (task: number, row: PackingRow): void => {
    rows[task] = row;
    onRow(++done, row);
  };
  if (plan.workers <= 1) await runHere(plan, tasks, take, put);
  else await runOnWorkers(plan, tasks, take, put);
  return rows.filter((row) => row !== undefined);
}

function tasksOf(plan: PackingPlan): PackingTaskMessage[] {
  const tasks: PackingTaskMessage[] = [];
  for (let list = 0; list < plan.inputs.lists.length; list++) {
    for (let policy = 0; policy < plan.policies.length; policy++) {
      for (const seed of plan.seeds) tasks.push({ list, policy, seed });
    }
  }
  return tasks;
}

async function runHere(
  plan: PackingPlan,
  tasks: readonly PackingTaskMessage[],
  take: () => number,
  put: (task: number, row: PackingRow) => void,
): Promise<void> {
  const policies = await Promise.all(plan.policies.map(loadPolicy));
  for (let i = take(); i >= 0; i = take()) {
    const { list, policy, seed } = tasks[i] as PackingTaskMessage;
    put(
      i,
      runPackingTask(plan.inputs.nodes, {
        list: plan.inputs.lists[list] as PackingList,
        policy: policies[policy] as (typeof policies)[number],
        seed,
        typical: plan.typical,
      }),
    );
    // Lets signals and the terminal have their turn between runs.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function runOnWorkers(
  plan: PackingPlan,
  tasks: readonly PackingTaskMessage[],
  take: () => number,
  put: (task: number, row: PackingRow) => void,
): Promise<void> {
  const data: PackingWorkerData = {
    nodes: plan.inputs.nodes,
    lists: plan.inputs.lists,
    policies: plan.policies,
    typical: plan.typical,
  };
  const count = Math.min(plan.workers, tasks.length);
  const workers = Array.from({ length: count }, () => {
    return new Worker(new URL('./packing-worker.ts', import.meta.url), { workerData: data });
  });
  try {
    await Promise.all(workers.map((worker) => serve(worker, tasks, take, put)));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Feeds one worker until nothing is left. */
function serve(
  worker: Worker,
  tasks: readonly PackingTaskMessage[],
  take: () => number,
  put: (task: number, row: PackingRow) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let current = -1;
    const feed = (): void => {
      current = take();
      if (current < 0) resolve();
      else worker.postMessage(tasks[current]);
    };
    worker.on('message', (answer: PackingAnswer) => {
      if ('row' in answer) {
        put(current, answer.row);
        feed();
      } else {
        reject(fromWorker(answer));
      }
    });
    worker.on('error', reject);
    feed();
  });
}

/** What a worker answers to a task. */
export type PackingAnswer =
  | { readonly row: PackingRow }
  | { readonly code: TegErrorCode; readonly message: string };

function fromWorker(answer: { code: TegErrorCode; message: string }): TegError {
  return new TegError(answer.code, answer.message);
}
