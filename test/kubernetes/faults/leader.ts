/**
 * Two replicas and one lease: the leader is killed, stopped for longer than the lease, and asked to terminate.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Facts, round, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';
import type { TegChild } from './teg-child.ts';

/** How long the lease is, how often and among how many. */
interface Parameters {
  readonly leaseDurationSeconds: number;
  readonly renewDeadlineSeconds: number;
  readonly retryPeriodSeconds: number;
  readonly rounds: number;
  readonly nodes: number;
  /** Pods of each fault. */
  readonly pods: number;
}

/** See the head of the file. */
export const LEADER: Scenario<Parameters> = {
  name: 'two replicas, one lease',
  what: 'the leader is killed (-9), stopped (SIGSTOP) beyond the lease and woken, and ended (SIGTERM), each while it binds',
  short: {
    leaseDurationSeconds: 4,
    renewDeadlineSeconds: 3,
    retryPeriodSeconds: 0.5,
    rounds: 1,
    nodes: 60,
    pods: 300,
  },
  full: {
    leaseDurationSeconds: 15,
    renewDeadlineSeconds: 10,
    retryPeriodSeconds: 2,
    rounds: 3,
    nodes: 500,
    pods: 1500,
  },
  play,
};

/** Candidates try after a retry period and 1.2 of it at most; the rest is for listing pods on a busy machine. */
function takeOverSeconds(parameters: Parameters, lease: number): number {
  return lease + 2.2 * parameters.retryPeriodSeconds + 5;
}

async function play(stage: Stage, parameters: Parameters, facts: Facts): Promise<void> {
  const { leaseDurationSeconds, renewDeadlineSeconds, retryPeriodSeconds } = parameters;
  const times = {
    leaseDuration: `${leaseDurationSeconds}s`,
    renewDeadline: `${renewDeadlineSeconds}s`,
    retryPeriod: `${retryPeriodSeconds}s`,
  };
  const election = { config: { leaderElection: { leaderElect: true, ...times } } };
  await stage.nodes(parameters.nodes);
  const pair = [stage.startTeg(election), stage.startTeg(election)];
  await stage.pods(50, { prefix: 'first' });
  await stage.placed(30);
  const worst: Record<string, number> = {};
  let released = 0;
  const note = (what: string, seconds: number): void => {
    worst[what] = Math.max(worst[what] ?? 0, seconds);
  };
  const lost: Record<string, number> = { killed: 0, stopped: 0, ended: 0 };
  const acts = { killed: killLeader, stopped: stopLeader, ended: endLeader };
  const lostMax = parameters.pods * 2 * parameters.rounds;
  for (let turn = 0; turn < parameters.rounds; turn++) {
    for (const [what, act] of Object.entries(acts)) {
      const before = await stage.eventsAreThere(60, lostMax);
      const start = (): TegChild => stage.startTeg(election);
      note(what, await act(stage, parameters, pair, `${what}-${turn}`, start));
      lost[what] = (lost[what] ?? 0) - before + (await stage.eventsAreThere(60, lostMax));
    }
    released = Math.max(released, releaseSeconds(stage));
  }
  for (const [what, seconds] of Object.entries(worst)) {
    facts[`leader ${what}: to the next binding of the other one, s`] = round(seconds);
  }
  facts['SIGTERM to the end of the lease, s'] = Math.round(released * 100) / 100;
  facts['changes of the holder'] = stage.auditor.holders.length;
  for (const [what, count] of Object.entries(lost)) {
    facts[`bound without an event, leader ${what}`] = count;
    // What a killed process had not written is lost; others lose nothing.
    if (what !== 'killed' && count > 0) stage.auditor.violations.push(`${count} events lost: leader ${what}`);
  }
}

/** Puts the leader first. */
async function sort(stage: Stage, pair: TegChild[]): Promise<[TegChild, TegChild]> {
  const leads = (teg: TegChild): boolean => teg.said('leading').length > teg.said('not leading').length;
  await stage.until(
    'one of two leads, and both are synced',
    () => pair.filter(leads).length === 1 && pair.every((teg) => teg.said('synced').length > 0),
    60,
  );
  if (leads(pair[1] as TegChild)) pair.reverse();
  return pair as [TegChild, TegChild];
}

/** Creates pods and waits until some of them are bound. */
async function inTheMiddle(stage: Stage, pods: number, prefix: string): Promise<void> {
  const { auditor } = stage;
  const before = auditor.bindings.length;
  const creating = stage.pods(pods, { prefix, cpu: '20m', memory: '20Mi' });
  await stage.until('the leader binds', () => auditor.bindings.length > before + pods / 20, 60);
  void creating.catch((error: unknown) => auditor.violations.push(String(error)));
}

async function nextBinding(stage: Stage, seconds: number): Promise<number> {
  const { auditor } = stage;
  // What was sent before is carried out.
  await delay(300);
  const before = auditor.bindings.length;
  return (
    0.3 + (await stage.until('the other one binds', () => auditor.bindings.length > before, seconds - 0.3))
  );
}

async function killLeader(
  stage: Stage,
  parameters: Parameters,
  pair: TegChild[],
  prefix: string,
  start: () => TegChild,
): Promise<number> {
  const [leader] = await sort(stage, pair);
  await inTheMiddle(stage, parameters.pods, prefix);
  await leader.kill();
  pair[0] = start();
  const seconds = await nextBinding(stage, takeOverSeconds(parameters, parameters.leaseDurationSeconds));
  await stage.placed(60);
  return seconds;
}

async function stopLeader(
  stage: Stage,
  parameters: Parameters,
  pair: TegChild[],
  prefix: string,
): Promise<number> {
  const [leader] = await sort(stage, pair);
  await inTheMiddle(stage, parameters.pods, prefix);
  leader.signal('SIGSTOP');
  const seconds = await nextBinding(stage, takeOverSeconds(parameters, parameters.leaseDurationSeconds));
  await stage.pods(parameters.pods / 2, { prefix: `${prefix}-more`, cpu: '20m', memory: '20Mi' });
  leader.signal('SIGCONT');
  await stage.pods(parameters.pods / 2, { prefix: `${prefix}-after`, cpu: '20m', memory: '20Mi' });
  await stage.until('the woken one sees that it leads no more', () => followsAgain(leader), 10);
  await stage.placed(60);
  return seconds;
}

function followsAgain(teg: TegChild): boolean {
  return teg.said('not leading').length >= teg.said('leading').length;
}

/** When the last leader was asked to terminate. */
let endedMs = 0;

/** @returns Seconds from then until nobody held the lease; Infinity if it was never given up. */
function releaseSeconds({ auditor }: Stage): number {
  const given = auditor.holders.find(({ holder, ms }) => holder === '' && ms > endedMs);
  if (given === undefined) auditor.violations.push('the lease was not given up');
  return ((given?.ms ?? Number.POSITIVE_INFINITY) - endedMs) / 1000;
}

async function endLeader(
  stage: Stage,
  parameters: Parameters,
  pair: TegChild[],
  prefix: string,
  start: () => TegChild,
): Promise<number> {
  const [leader] = await sort(stage, pair);
  await inTheMiddle(stage, parameters.pods, prefix);
  endedMs = performance.now();
  const ended = leader.stop();
  const seconds = await nextBinding(stage, takeOverSeconds(parameters, 0));
  const code = await ended;
  if (code !== 0) stage.auditor.violations.push(`SIGTERM ended the leader with ${code}`);
  pair[0] = start();
  await stage.placed(60);
  return seconds;
}
