/** Liveness violations: a goal that is reached too late, or never, is found, too. */
import { describe, expect, test } from 'vitest';
import { message } from '../../../governor/federation/federation.fixtures.ts';
import { AgentState } from '../../../governor/federation/host/host-jobs.ts';
import { MessageKind } from '../../../governor/federation/messages.ts';
import { makeTopology } from '../../../governor/federation/topology.ts';
import { LivenessCheck } from './liveness.ts';
import { delayMaxOf, drawScenario, isPatient } from './scenario.ts';
import { ScenarioSpaces } from './scenario-space.ts';
import { runVopr, VoprRun } from './vopr-run.ts';

const spaces = new ScenarioSpaces();

/** Runs seeds, and lets `change` interfere before every event of the quiet, until one fails. */
function interfered(change: (run: VoprRun) => void, withTax = true) {
  for (let seed = 1; seed < 30; seed++) {
    const failure = interferedSeed(seed, change, withTax);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function interferedSeed(seed: number, change: (run: VoprRun) => void, withTax: boolean) {
  const steps = 200;
  const scenario = drawScenario(seed, spaces);
  const { gangTax: _, ...untaxed } = scenario.options;
  const options = withTax ? scenario.options : untaxed;
  const run: VoprRun = new VoprRun({ ...scenario, options }, spaces, {
    steps,
    onEvent: (event) => {
      if (event > steps) change(run);
    },
  });
  return run.run().failure;
}

/** A seed whose settings guarantee that jobs are placed. */
function patientSeed(): number {
  for (let seed = 1; ; seed++) {
    const { zones, hosts, options, network } = drawScenario(seed, spaces);
    const { levels } = makeTopology(zones, hosts, options.fanOut);
    if (isPatient(options, levels, delayMaxOf(network))) return seed;
  }
}

describe('found as a failure of liveness', () => {
  test('jobs that never try, though there is room', () => {
    const failure = interfered(({ world }) => {
      for (const process of world.processes) {
        if (process.role !== 'host' || !process.isUp) continue;
        process.host.forEachLine((line) => {
          line.window = 0;
        });
        process.host.jobs.standingUntil.fill(Number.POSITIVE_INFINITY);
      }
    });
    expect(failure).toMatchObject({
      kind: 'liveness',
      message: expect.stringMatching(/fits into zone \d+, and was not placed/),
    });
  });

  test('answers that never come', () => {
    // With the tax, zones that hear no more of a champion are noticed first, as a failure of safety.
    const failure = interfered(({ world, network }) => {
      network.partition((process) => process >= world.topology.zones, true);
    }, false);
    expect(failure).toMatchObject({ kind: 'liveness' });
  });

  test('messages about jobs when all is at rest', () => {
    const scenario = drawScenario(patientSeed(), spaces);
    const { world } = new VoprRun(scenario, spaces, { steps: 1 });
    const calm = { ...scenario, options: { ...scenario.options, movesPerBoard: 0 } };
    const check = new LivenessCheck(calm, spaces.at(scenario.space).demands, world);
    expect(() => check.requirePeriodic(message(MessageKind.Board, 9, 3, { entries: [] }))).not.toThrow();
    expect(() => check.requirePeriodic(message(MessageKind.Confirm, 3, 0, { job: 5 }))).toThrow(
      /sent 0 a confirm/,
    );
  });
});

describe('the bound', () => {
  test('grows with every period and patience, and holds five hundred boards', () => {
    const scenario = drawScenario(3, spaces);
    const { world } = new VoprRun(scenario, spaces, { steps: 1 });
    const { demands } = spaces.at(scenario.space);
    const boundOf = (options: Partial<typeof scenario.options>) =>
      new LivenessCheck({ ...scenario, options: { ...scenario.options, ...options } }, demands, world)
        .boundSeconds;
    const before = boundOf({});
    expect(before).toBeGreaterThan(500 * scenario.options.publishSeconds);
    for (const name of ['expireSeconds', 'escrowSeconds', 'confirmSeconds', 'noticeSeconds'] as const) {
      expect(boundOf({ [name]: 2 * scenario.options[name] })).toBeGreaterThan(before);
    }
  });

  test('is met early: looks are few', () => {
    const shares = Array.from(
      { length: 30 },
      (_, seed) => runVopr(seed, spaces, { steps: 150 }).settledShare,
    );
    expect(Math.max(...shares)).toBeLessThan(0.5);
    expect(shares.filter((share) => share < 0.1).length).toBeGreaterThan(20);
  });
});

test('a job that confirms forever is stuck, also where jobs move', () => {
  const scenario = drawScenario(4, spaces);
  const run = new VoprRun(scenario, spaces, { steps: 100 });
  run.run();
  const { world } = run;
  const moving = { ...scenario, options: { ...scenario.options, movesPerBoard: 2 } };
  const check = new LivenessCheck(moving, spaces.at(scenario.space).demands, world);
  const { host } =
    world.processes.find(({ role, index }) => role === 'host' && world.book.liveOf(index).size > 0) ?? {};
  let slot = -1;
  host?.jobs.forEach((found) => {
    slot = found;
  });
  expect(slot).toBeGreaterThanOrEqual(0);
  if (host === undefined) return;
  host.jobs.states[slot] = AgentState.Confirming;
  host.jobs.since[slot] = 1000;
  expect(check.missing(1000.1, 0)).toBe('');
  expect(check.missing(9000, 0)).toMatch(/is confirming/);
});
