/**
 * The worker thread of simulations: serves `SimulationTask`s.
 */
import { type SimulationTask, type SimulationTaskResult, SimulationTaskRunner } from './simulation-task.ts';
import { serveTasks } from './worker-tasks.ts';

const runner = new SimulationTaskRunner();

serveTasks<SimulationTask, SimulationTaskResult>((task, control) => runner.run(task, control));
