/**
 * The worker thread of `teg bench simulator`: serves `SimulatorTask`s.
 */
import { serveTasks } from '../../src/drivers/embedded/worker-tasks.ts';
import { type EconomyRow, runEconomyTask } from './economy-task.ts';
import { runSimulatorTask, type SimulatorRow, type SimulatorTask } from './simulator-task.ts';

serveTasks<SimulatorTask, SimulatorRow | EconomyRow[]>((task) =>
  task.economy === true ? runEconomyTask(task) : runSimulatorTask(task),
);
