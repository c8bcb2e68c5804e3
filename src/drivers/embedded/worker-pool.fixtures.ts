/** A worker that follows the instructions of its task: for the tests of the pool. */
import { TegError } from '../../model/errors.ts';
import { serveTasks } from './worker-tasks.ts';

/** The instructions to the worker. */
export interface ScenarioTask {
  readonly act: 'square' | 'fail' | 'bug' | 'crash' | 'until-stopped' | 'reads';
  readonly value: number;
}

serveTasks<ScenarioTask, number>(async ({ act, value }, control) => {
  if (act !== 'reads') control.report(value, 10);
  switch (act) {
    case 'square':
      await new Promise((resolve) => setTimeout(resolve, 30 - value * 5));
      return value * value;
    case 'fail':
      throw new TegError('TEG_JOB_INVALID', `got ${value}`);
    case 'bug':
      throw new RangeError(`bug ${value}`);
    case 'crash':
      return process.exit(3);
    case 'reads':
      await new Promise((resolve) => setTimeout(resolve, 60_000));
      return value;
    case 'until-stopped': {
      let rounds = 0;
      do rounds++;
      while (!control.shouldStop());
      return Math.min(rounds, 1);
    }
  }
});
