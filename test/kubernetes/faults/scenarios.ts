/**
 * All fault scenarios, in the order in which they are run.
 */
import { AWAY } from './away.ts';
import { BESIDE_STOCK } from './beside-stock.ts';
import { CLOCK } from './clock.ts';
import { COMPACTION, KILL_API_SERVER } from './kill-api-server.ts';
import { KILL_SCHEDULER } from './kill-scheduler.ts';
import { LEADER } from './leader.ts';
import { MEMORY } from './memory.ts';
import { NETWORK } from './network.ts';
import { ODD_OBJECTS } from './odd-objects.ts';
import type { Scenario } from './scenario.ts';
import { VANISHING } from './vanishing.ts';

/** All of them. Parameters are each scenario's own. */
export const SCENARIOS: readonly Scenario<object>[] = [
  KILL_SCHEDULER,
  KILL_API_SERVER,
  COMPACTION,
  VANISHING,
  NETWORK,
  BESIDE_STOCK,
  LEADER,
  AWAY,
  CLOCK,
  ODD_OBJECTS,
  MEMORY,
];
