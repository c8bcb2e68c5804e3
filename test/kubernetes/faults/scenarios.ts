/**
 * All fault scenarios, in the order in which they are run.
 */
import { KILL_SCHEDULER } from './kill-scheduler.ts';
import type { Scenario } from './scenario.ts';

/** All of them. Parameters are each scenario's own. */
export const SCENARIOS: readonly Scenario<object>[] = [KILL_SCHEDULER];
