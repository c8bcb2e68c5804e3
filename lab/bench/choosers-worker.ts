/**
 * The worker thread of `teg bench choosers`: serves `BoardTask`s.
 */
import { serveTasks } from '../../src/drivers/embedded/worker-tasks.ts';
import { type BoardRow, type BoardTask, runChoosersTask } from './choosers-task.ts';

serveTasks<BoardTask, BoardRow>(async (task) => runChoosersTask(task));
