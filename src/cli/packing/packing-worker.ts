/**
 * A worker thread of the packing benchmark: takes tasks, answers rows. Errors that are expected keep their code.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { PolicyEntry } from '../../governor/policy.ts';
import { assert, TegError } from '../../model/errors.ts';
import { loadPolicy } from '../load-policy.ts';
import type { PackingList } from './packing-inputs.ts';
import type { PackingAnswer, PackingTaskMessage, PackingWorkerData } from './packing-pool.ts';
import { runPackingTask } from './packing-run.ts';

const port = parentPort;
assert(port !== null, 'packing-worker runs as a worker thread');
const data = workerData as PackingWorkerData;
const policies = new Map<number, PolicyEntry>();

async function answer(task: PackingTaskMessage): Promise<PackingAnswer> {
  try {
    const policy = policies.get(task.policy) ?? (await loadPolicy(data.policies[task.policy] as string));
    policies.set(task.policy, policy);
    const list = data.lists[task.list] as PackingList;
    return { row: runPackingTask(data.nodes, { list, policy, seed: task.seed, typical: data.typical }) };
  } catch (error) {
    if (error instanceof TegError) return { code: error.code, message: error.message };
    throw error;
  }
}

port.on('message', async (task: PackingTaskMessage) => port.postMessage(await answer(task)));
