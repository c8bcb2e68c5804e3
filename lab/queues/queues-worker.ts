/** The worker thread of `teg bench queues`. */
import { serveTasks } from '../../src/drivers/embedded/worker-tasks.ts';
import { type QueuesRow, type QueuesTask, QueuesTaskRunner } from './queues-task.ts';

const runner = new QueuesTaskRunner();
serveTasks<QueuesTask, QueuesRow>((task, control) => runner.run(task, () => control.shouldStop()));
