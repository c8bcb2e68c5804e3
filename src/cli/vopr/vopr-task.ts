/** Some seeds of `teg vopr` as they are sent to worker threads, and their runner there. */
import type { TaskControl } from '../../drivers/embedded/worker-tasks.ts';
import type { Plant } from '../../simulation/federation/vopr/planted-bugs.ts';
import { ScenarioSpaces } from '../../simulation/federation/vopr/scenario-space.ts';
import { runVopr } from '../../simulation/federation/vopr/vopr-run.ts';
import { addOutcome, emptyTotals, type VoprTotals } from '../../simulation/federation/vopr/vopr-totals.ts';

/** Some seeds. Plain data. */
export interface VoprTask {
  readonly seeds: readonly number[];
  readonly steps: number;
  readonly plant?: Plant;
}

/** Runs tasks; keeps the prices that all seeds share. */
export class VoprTaskRunner {
  private readonly spaces = new ScenarioSpaces();

  /** @returns The results of the seeds; those run so far if it was asked to stop. */
  run({ seeds, steps, plant }: VoprTask, control: TaskControl): VoprTotals {
    const totals = emptyTotals();
    for (const [i, seed] of seeds.entries()) {
      if (control.shouldStop()) break;
      addOutcome(totals, runVopr(seed, this.spaces, { steps, ...(plant === undefined ? {} : { plant }) }));
      control.report(i + 1, seeds.length);
    }
    return totals;
  }
}
