/** Every check can fail: a healthy run is disturbed in one place, and the next check finds it. */
import { describe, expect, test } from 'vitest';
import { AgentState } from '../../../governor/federation/host/host-jobs.ts';
import { FederationReason } from '../../../governor/federation/messages.ts';
import { HoldState } from '../../../governor/federation/zone/zone-ledger.ts';
import { ZoneEventKind } from '../../../governor/zone/zone-events.ts';
import { drawScenario } from './scenario.ts';
import { ScenarioSpaces } from './scenario-space.ts';
import type { VoprProcess } from './vopr-process.ts';
import { type VoprOutcome, VoprRun } from './vopr-run.ts';
import type { VoprWorld } from './vopr-world.ts';

const spaces = new ScenarioSpaces();

/**
 * Disturbs a world, which is then checked thoroughly. @returns True if there was something to disturb; otherwise it is
 * tried again before the next event.
 */
type Disturbance = (world: VoprWorld, seconds: number) => boolean;

/** Runs seeds until one could be disturbed. */
function disturbed(disturb: Disturbance): VoprOutcome {
  for (let seed = 1; seed < 40; seed++) {
    let isDone = false;
    const run: VoprRun = new VoprRun(drawScenario(seed, spaces), spaces, {
      steps: 600,
      onEvent: (event, seconds) => {
        if (isDone || event <= 100) return;
        isDone = disturb(run.world, seconds);
        if (isDone) run.world.checkWhole(seconds);
      },
    });
    const outcome = run.run();
    if (isDone) return outcome;
  }
  throw new Error('nothing could be disturbed');
}

function inZone(change: (process: VoprProcess, world: VoprWorld, seconds: number) => boolean): Disturbance {
  return (world, seconds) =>
    world.processes.some(
      (process) => process.role === 'zone' && process.isUp && change(process, world, seconds),
    );
}

/** With the first job of that state of any zone. */
function withHold(
  state: number,
  change: (process: VoprProcess, local: number, world: VoprWorld, seconds: number) => void,
): Disturbance {
  return inZone((process, world, seconds) => {
    let found = -1;
    const { ledger } = process.governor;
    ledger.forEach((local) => {
      // Not about to expire, or there would be no effect.
      const lasts = state !== HoldState.Escrow || (ledger.deadlines[local] as number) > seconds + 0.2;
      if (ledger.states[local] === state && lasts) found = local;
    });
    if (found >= 0) change(process, found, world, seconds);
    return found >= 0;
  });
}

/** With the first job in that state of any host. */
function withJob(state: number, change: (process: VoprProcess, slot: number) => void): Disturbance {
  return (world) =>
    world.processes.some((process) => {
      if (process.role !== 'host' || !process.isUp) return false;
      let found = -1;
      process.host.jobs.forEach((slot) => {
        if (process.host.jobs.states[slot] === state) found = slot;
      });
      if (found >= 0) change(process, found);
      return found >= 0;
    });
}

describe('found as a failure of safety', () => {
  const CASES: Readonly<Record<string, Disturbance>> = {
    'a node that is freer than it should be': inZone(({ governor }) => {
      const free = governor.arbiter.zone.cluster.freeCpuMilli;
      free[0] = (free[0] as number) + 1000;
      return true;
    }),
    'a run that its zone forgets': withHold(HoldState.Running, ({ governor }, local) => {
      governor.arbiter.zone.step(
        { kind: ZoneEventKind.JobCancelled, job: local },
        governor.arbiter.zone.timeSeconds,
      );
      governor.ledger.drop(local);
    }),
    'an escrow that its zone forgets': withHold(HoldState.Escrow, ({ governor }, local) => {
      governor.arbiter.zone.step(
        { kind: ZoneEventKind.JobCancelled, job: local },
        governor.arbiter.zone.timeSeconds,
      );
      governor.ledger.drop(local);
    }),
    'an escrow without capacity': withHold(HoldState.Escrow, ({ governor }, local) => {
      governor.arbiter.zone.step(
        { kind: ZoneEventKind.JobCancelled, job: local },
        governor.arbiter.zone.timeSeconds,
      );
    }),
    'a run that no zone started': withHold(HoldState.Escrow, ({ governor }, local) => {
      governor.ledger.confirm(local);
    }),
    'pods that were not stopped': withHold(HoldState.Running, ({ governor, index }, local, world) => {
      world.truth.end(index, governor.ledger.offers[local] as number, FederationReason.Cancelled);
    }),
    'an end that its zone forgets': inZone(({ governor, index }, world) => {
      const [offer] = world.truth.endedIn(index).keys();
      return offer !== undefined && governor.notices.acknowledge(offer);
    }),
    'escrows that are miscounted': inZone(({ governor }) => {
      governor.ledger.escrows++;
      governor.ledger.standing--;
      return true;
    }),
    'a job that its host loses': withJob(AgentState.Running, ({ host }, slot) => {
      host.jobs.remove(slot);
    }),
    'a job that waits without a reason': withJob(AgentState.Waiting, ({ host }, slot) => {
      const { jobs } = host;
      jobs.forEach((other) => {
        if (jobs.states[other] === jobs.states[slot]) jobs.reasons[other] = 0;
      });
    }),
    'a job that waits for an answer without a timer': withJob(AgentState.Confirming, ({ host }, slot) => {
      host.jobs.timers[slot] = 0;
    }),
    'a job that is in its line twice': withJob(AgentState.Waiting, ({ host }, slot) => {
      host.jobs.lines[slot]?.waiting.push(slot);
    }),
    'a job that its host records as running in a zone that does not know it': withJob(
      AgentState.Running,
      ({ host }, slot) => {
        host.jobs.offers[slot] = 12_345;
      },
    ),
    'a proposal that is not counted': withJob(AgentState.Proposed, ({ host }, slot) => {
      const line = host.jobs.lines[slot];
      if (line !== undefined) line.proposed--;
    }),
    'a job that its owner had ended': (world) => {
      const running = world.book.jobs.find(({ job }) => world.truth.runOf(job) !== undefined);
      if (running === undefined) return false;
      running.cancelled = true;
      world.book.ended(running.job, FederationReason.Cancelled, false);
      return true;
    },
  };

  test.each(Object.entries(CASES))('%s', (_, disturb) => {
    const { failure } = disturbed(disturb);
    expect(failure).toBeDefined();
    expect(['safety', 'crash']).toContain(failure?.kind);
  });
});

test('a process whose log was not complete is found at its restart', () => {
  let isDone = false;
  const { failure } = disturbed((world) => {
    const down = world.processes.find(({ isUp, mode, log }) => !isUp && mode === 'log' && log.length > 10);
    if (down === undefined || isDone) return false;
    (down.log as unknown as { inputs: unknown[] }).inputs[5] = { kind: 'wake' };
    isDone = true;
    return true;
  });
  expect(failure).toMatchObject({ kind: expect.stringMatching(/safety|crash/) });
});
