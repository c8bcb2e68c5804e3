/**
 * The worker thread of `teg bench decision`: serves `DecisionTask`s.
 */
import { serveTasks } from '../../src/drivers/embedded/worker-tasks.ts';
import { type DecisionRow, type DecisionTask, runDecisionTask } from './decision-task.ts';

serveTasks<DecisionTask, DecisionRow[]>((task) => runDecisionTask(task));
