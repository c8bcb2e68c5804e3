/**
 * The worker thread of `teg bench choosers`: serves `ChoosersTask`s.
 */
import { serveTasks } from '../../src/drivers/embedded/worker-tasks.ts';
import { type BoardRow, type ChoosersTask, type FieldRow, runChoosersTask } from './choosers-task.ts';

serveTasks<ChoosersTask, BoardRow | FieldRow>(async (task) => runChoosersTask(task));
