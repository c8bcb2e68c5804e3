/**
 * The worker thread of `teg vopr`: serves `VoprTask`s.
 */
import { serveTasks } from '../../drivers/embedded/worker-tasks.ts';
import type { VoprTotals } from '../../simulation/federation/vopr/vopr-totals.ts';
import { type VoprTask, VoprTaskRunner } from './vopr-task.ts';

const runner = new VoprTaskRunner();

serveTasks<VoprTask, VoprTotals>(async (task, control) => runner.run(task, control));
