/**
 * Runs the inputs of `traces-fuzz.ts` and reports which one is being run, so that a hang or a full heap can be traced to it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { fuzz } from './traces-fuzz.ts';

const { seed, inputs, progress } = workerData as { seed: number; inputs: number; progress: Int32Array };
const report = await fuzz(seed, 0, inputs, (index) => Atomics.store(progress, 0, index));
parentPort?.postMessage(report);
