/**
 * The worker thread of `teg bench packing`: serves `PackingTask`s.
 */
import { serveTasks } from '../../src/drivers/embedded/worker-tasks.ts';
import { type PackingTask, type PackingTaskResult, PackingTaskRunner } from './packing-task.ts';

const runner = new PackingTaskRunner();

serveTasks<PackingTask, PackingTaskResult>((task) => runner.run(task));
