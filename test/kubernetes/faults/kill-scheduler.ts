/**
 * kill -9 of the scheduler at random moments while pods are being bound.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Facts, round, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

/** How often and among how many. */
interface Parameters {
  readonly pods: number;
  readonly nodes: number;
  readonly kills: number;
  /** Between a first binding and the kill, at most. */
  readonly millisecondsMax: number;
}

/** See the head of the file. */
export const KILL_SCHEDULER: Scenario<Parameters> = {
  name: 'kill -9 of the scheduler',
  what: 'killed at random moments while it binds, started again each time',
  short: { pods: 600, nodes: 60, kills: 3, millisecondsMax: 300 },
  full: { pods: 5000, nodes: 250, kills: 20, millisecondsMax: 600 },
  play,
};

async function play(stage: Stage, parameters: Parameters, facts: Facts): Promise<void> {
  const { pods, nodes, kills, millisecondsMax } = parameters;
  const { auditor, random } = stage;
  await stage.nodes(nodes);
  await stage.pods(pods, { prefix: 'p' });
  let killed = 0;
  let idleKills = 0;
  let longest = 0;
  for (let teg = stage.startTeg(); ; teg = stage.startTeg()) {
    const before = auditor.bindings.length;
    if (auditor.unbound === 0) {
      // It finished before all kills were done: more work.
      await stage.pods(Math.ceil(pods / kills), { prefix: `more-${killed}` });
    }
    longest = Math.max(
      longest,
      await stage.until('a restarted scheduler binds', () => auditor.bindings.length > before, 30),
    );
    if (killed === kills) break;
    await delay(random.nextFloat() * millisecondsMax);
    if (auditor.unbound === 0) idleKills++;
    await teg.kill();
    killed++;
  }
  facts.kills = killed;
  facts['kills while idle'] = idleKills;
  facts['longest from restart to first binding, s'] = round(longest);
  facts['all placed, s after the last restart'] = round(await stage.placed(60));
  // Pods in the queue of a killed process are never reported, as with the stock scheduler.
  facts['bound without an event'] = await stage.eventsAreThere(60, pods);
}
