/**
 * The wall clock jumps while pods are bound and while pods wait.
 */

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Facts, round, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

/** How much goes on. */
interface Parameters {
  readonly pods: number;
  readonly nodes: number;
  readonly jumps: number;
}

/** See the head of the file. */
export const CLOCK: Scenario<Parameters> = {
  name: 'clock jumps',
  what: 'the wall clock of the leader jumps by an hour, a day, a year, forth and back, while pods are bound and wait',
  short: { pods: 300, nodes: 20, jumps: 6 },
  full: { pods: 5000, nodes: 250, jumps: 40 },
  play,
};

const ELECTION = {
  leaderElect: true,
  leaseDuration: '4s',
  renewDeadline: '3s',
  retryPeriod: '0.5s',
};

async function play(stage: Stage, { pods, nodes, jumps }: Parameters, facts: Facts): Promise<void> {
  const { auditor } = stage;
  await stage.nodes(nodes);
  const teg = stage.startTeg({
    config: { leaderElection: ELECTION },
    env: { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'jumping-clock.mjs')}` },
  });
  const standby = stage.startTeg({ config: { leaderElection: ELECTION } });
  await stage.until('it leads', () => teg.said('leading').length + standby.said('leading').length > 0, 30);
  if (standby.said('leading').length > 0) await standby.stop();
  await stage.until('the one whose clock jumps leads', () => teg.said('leading').length > 0, 30);
  const holders = auditor.holders.length;
  // One that fits nowhere yet.
  await stage.pods(1, { prefix: 'large', cpu: '5' });
  const creating = stage.pods(pods, { prefix: 'p', cpu: '50m' });
  for (let jump = 0; jump < jumps; jump++) {
    teg.signal('SIGUSR2');
    await delay(200);
  }
  await creating;
  await stage.nodes(1, { cpu: '6' }, nodes);
  facts['all placed, s'] = round(await stage.placed(30));
  facts.jumps = teg.stderr.split('clock jumps').length - 1;
  teg.stderr = teg.stderr.replaceAll(/clock jumps.*\n/g, '');
  if (facts.jumps < jumps)
    auditor.violations.push(`the clock jumped ${facts.jumps} times, expected ${jumps}`);
  if (auditor.holders.length !== holders) auditor.violations.push('the lease changed its holder');
  facts['bound without an event'] = await stage.eventsAreThere(60);
}
