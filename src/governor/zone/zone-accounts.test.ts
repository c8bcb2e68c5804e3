import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { CountingAccounts, heldKey, QuotaAccounts } from '../accounts.fixtures.ts';
import type { Accounts, AccountsRefusal, Ask } from '../accounts.ts';
import {
  FirstFit,
  type Move,
  makeCluster,
  moves,
  nodeKinds,
  rows,
  Script,
  startable,
} from './zone.fixtures.ts';
import { Zone } from './zone.ts';
import {
  EffectKind,
  JobState,
  type JobSubmittedEvent,
  Reason,
  type ZoneEvent,
  ZoneEventKind,
  type ZoneOptions,
} from './zone-events.ts';
import type { JobView } from './zone-view.ts';

const optionSets: fc.Arbitrary<ZoneOptions> = fc.record({
  queue: fc.constantFrom('best-effort' as const, 'best-effort' as const, 'strict-fifo' as const),
  onUnplaceable: fc.constantFrom('wait' as const, 'wait' as const, 'wait' as const, 'drop' as const),
  onNodeLost: fc.constantFrom('requeue' as const, 'requeue' as const, 'fail' as const),
  waitingJobsMax: fc.constantFrom(1000, 1000, 3),
  gangAttemptsPerEventMax: fc.constantFrom(1000, 1000, 1),
});

/** The running jobs, as the accounts should hold them. */
function runningIn(zone: Zone): string[] {
  const { cluster } = zone;
  const keys: string[] = [];
  for (let node = 0; node < cluster.nodeCount; node++) {
    zone.forEachPodOn(node, (job) => {
      const { cpuMilli, memoryMib, gpuTotalMilli } = zone.demandOf(job);
      const pod = { tenant: zone.tenantOf(job), holder: job, node, cpuMilli, memoryMib, gpuTotalMilli };
      keys.push(heldKey(pod));
    });
  }
  return keys.sort();
}

/** Lives through moves; `after` is called after every step. */
function live(
  kinds: readonly number[],
  script: readonly Move[],
  options: ZoneOptions,
  accounts: Accounts | undefined,
  after: (zone: Zone, event: ZoneEvent) => void,
): Zone {
  const cluster = makeCluster(kinds);
  const zone = new Zone(cluster, new FirstFit(cluster), options, accounts);
  const writer = new Script(zone);
  let time = 0;
  for (const move of script) {
    const event = writer.next(move);
    if (event === undefined) continue;
    time += move.wait;
    zone.step(event, time);
    after(zone, event);
  }
  return zone;
}

describe('accounts of a zone', () => {
  test('hold after every step exactly the running jobs, and change nothing if they admit every job', () => {
    let holds = 0;
    let releases = 0;
    checkProperty(
      fc.property(nodeKinds, moves, optionSets, (kinds, script, options) => {
        const accounts = new CountingAccounts();
        const effects: unknown[] = [];
        live(kinds, script, options, accounts, (zone) => {
          if (`${accounts.heldKeys}` !== `${runningIn(zone)}`)
            expect(accounts.heldKeys).toEqual(runningIn(zone));
          effects.push(rows(zone.effects));
        });
        const free: unknown[] = [];
        live(kinds, script, options, undefined, (zone) => free.push(rows(zone.effects)));
        expect(JSON.stringify(effects)).toBe(JSON.stringify(free));
        expect(accounts.holds - accounts.releases).toBe(accounts.heldKeys.length);
        holds += accounts.holds;
        releases += accounts.releases;
      }),
      { numRuns: 300 },
    );
    expect(releases).toBeGreaterThan(500);
    expect(holds).toBeGreaterThan(releases);
  });

  test('that refuse let exactly the jobs without quota wait', () => {
    let refusals = 0;
    let heldBack = 0;
    checkProperty(
      fc.property(
        nodeKinds,
        moves,
        optionSets,
        fc.integer({ min: 0, max: 12 }),
        (kinds, script, options, quota) => {
          const accounts = new QuotaAccounts(quota);
          live(kinds, script, options, accounts, (zone) => {
            zone.check();
            if (`${accounts.heldKeys}` !== `${runningIn(zone)}`)
              expect(accounts.heldKeys).toEqual(runningIn(zone));
            for (const pods of accounts.pods.values()) expect(pods).toBeLessThanOrEqual(quota);
            expect(zone.dueSeconds).toBe(Number.POSITIVE_INFINITY);
            if (zone.hasPostponed) return;
            if (options.queue === 'best-effort') expect(startable(zone)).toBeUndefined();
            for (let job = 0; job < 120; job++) {
              const refusal = zone.refusalOf(job);
              expect(refusal !== undefined).toBe(
                zone.stateOf(job) === JobState.Waiting && zone.reasonOf(job) === Reason.NotAdmitted,
              );
              if (refusal === undefined) continue;
              heldBack++;
              const view = zone.explain(job);
              expect(view).toMatchObject({ reason: 'not-admitted', refusal });
              if (refusal.code !== 'behind-equal-job') {
                expect(accounts.allows(zone.tenantOf(job), view?.podCount ?? 0)).toBe(false);
                continue;
              }
              const first = zone.explain(refusal.data['job'] as number);
              expect(first?.refusal).toBeUndefined();
              const { tenant, demandId, podCount, gangMin } = view as JobView;
              expect(first).toMatchObject({ state: 'waiting', tenant, demandId, podCount, gangMin });
            }
          });
          refusals += accounts.refusals;
        },
      ),
      { numRuns: 300 },
    );
    expect(refusals).toBeGreaterThan(500);
    expect(heldBack).toBeGreaterThan(500);
  });
});

function submission(job: number, tenant: number, more: Partial<JobSubmittedEvent> = {}): JobSubmittedEvent {
  const event = { kind: ZoneEventKind.JobSubmitted, job, demandId: 0, podCount: 1, gangMin: 1, priority: 0 };
  return { ...event, tenant, ...more };
}

describe('a job that is not admitted', () => {
  test('is asked for with all of its fields', () => {
    const asked: unknown[] = [];
    class Listening extends CountingAccounts {
      override admit(ask: Ask, timeSeconds: number): AccountsRefusal | undefined {
        const { demands, ...numbers } = structuredClone({ ...ask, demands: ask.demands.map(({ id }) => id) });
        asked.push([timeSeconds, numbers, demands]);
        return super.admit(ask, timeSeconds);
      }
    }
    const cluster = makeCluster([0]);
    const zone = new Zone(cluster, new FirstFit(cluster), {}, new Listening());
    zone.step(submission(7, 3, { podCount: 3, gangMin: 2, priority: 5 }), 10);
    const given = { tenant: 3, holder: 7, priority: 5, pods: 3, podsMin: 2, counts: [3], kinds: [] };
    const ask = { ...given, mayNarrow: true, flavors: 0, otherwise: undefined };
    expect(asked).toEqual([[10, ask, [0]]]);
  });

  test('waits, gives the reason, blocks no other job, and starts when the accounts wake its tenant', () => {
    for (const queue of ['best-effort', 'strict-fifo'] as const) {
      const cluster = makeCluster([0, 0]);
      const accounts = new QuotaAccounts(1, 60);
      const zone = new Zone(cluster, new FirstFit(cluster), { queue }, accounts);
      zone.step(submission(0, 1), 0);
      expect(rows(zone.step(submission(1, 1), 10))).toEqual([
        [EffectKind.JobWaiting, Reason.NotAdmitted, 1, -1, -1, 0, 0],
      ]);
      expect(zone.explain(1)).toMatchObject({
        state: 'waiting',
        reason: 'not-admitted',
        sinceSeconds: 10,
        refusal: { code: 'quota-used-up', data: { needPods: 1, heldPods: 1, quotaPods: 1 } },
      });
      // Of another tenant, and behind it.
      zone.step(submission(2, 2), 20);
      expect(zone.stateOf(2)).toBe(JobState.Running);
      expect(zone.waitingJobs).toBe(1);
      expect(zone.dueSeconds).toBe(70);
      zone.step({ kind: ZoneEventKind.Tick }, 69);
      expect(zone.dueSeconds).toBe(70);
      // Woken in vain: admission is requested once more, and the start of its wait stays.
      const { asks } = accounts;
      zone.step({ kind: ZoneEventKind.Tick }, 70);
      expect(accounts.asks).toBe(asks + 1);
      expect(zone.explain(1)).toMatchObject({ reason: 'not-admitted', sinceSeconds: 10 });
      accounts.podsMax = 2;
      zone.step({ kind: ZoneEventKind.Tick }, zone.dueSeconds);
      expect(zone.stateOf(1)).toBe(JobState.Running);
      zone.check();
    }
  });

  test('starts in the very step in which its tenant’s pod ends, before a later one', () => {
    const cluster = makeCluster([0]);
    const zone = new Zone(cluster, new FirstFit(cluster), {}, new QuotaAccounts(4));
    for (let job = 0; job < 4; job++) zone.step(submission(job, 1), 0);
    zone.step(submission(4, 1), 1);
    zone.step(submission(5, 2), 2);
    expect([zone.reasonOf(4), zone.reasonOf(5)]).toEqual([Reason.NotAdmitted, Reason.NoFit]);
    zone.step({ kind: ZoneEventKind.JobFinished, job: 0 }, 3);
    expect([zone.stateOf(4), zone.stateOf(5)]).toEqual([JobState.Running, JobState.Waiting]);
  });

  test('goes to the line for all equal ones of its tenant, one after the other', () => {
    const cluster = makeCluster([0]);
    const accounts = new QuotaAccounts(1, 60);
    const zone = new Zone(cluster, new FirstFit(cluster), {}, accounts);
    for (let job = 0; job < 5; job++) zone.step(submission(job, 1), job);
    for (let job = 5; job < 8; job++) zone.step(submission(job, job), job);
    expect(zone.runningJobs).toBe(4);
    // Jobs behind an equal one that is refused are not asked for.
    expect([accounts.asks, accounts.refusals]).toEqual([5, 1]);
    accounts.podsMax = 4;
    zone.step({ kind: ZoneEventKind.Tick }, zone.dueSeconds);
    const reasons = (): unknown[] => [1, 2, 3, 4].map((job) => zone.refusalOf(job)?.data['job']);
    expect(reasons()).toEqual([undefined, 1, 1, 1]);
    expect([1, 2].map((job) => zone.reasonOf(job))).toEqual([Reason.NoFit, Reason.NotAdmitted]);
    zone.check();
    zone.step({ kind: ZoneEventKind.JobFinished, job: 5 }, 70);
    expect(zone.stateOf(1)).toBe(JobState.Running);
    expect(reasons()).toEqual([undefined, undefined, 2, 2]);
    zone.step({ kind: ZoneEventKind.JobCancelled, job: 2 }, 71);
    expect(reasons()).toEqual([undefined, undefined, undefined, 3]);
    zone.check();
    zone.step({ kind: ZoneEventKind.JobFinished, job: 6 }, 72);
    zone.step({ kind: ZoneEventKind.JobFinished, job: 7 }, 73);
    expect([3, 4].map((job) => zone.stateOf(job))).toEqual([JobState.Running, JobState.Running]);
    zone.check();
  });

  test('is asked for by itself if it goes before the equal ones that are held back', () => {
    const cluster = makeCluster([0]);
    const accounts = new QuotaAccounts(1);
    const zone = new Zone(cluster, new FirstFit(cluster), {}, accounts);
    for (let job = 0; job < 3; job++) zone.step(submission(job, 1), job);
    zone.step(submission(3, 1, { priority: 5 }), 3);
    expect(accounts.asks).toBe(3);
    zone.step({ kind: ZoneEventKind.JobFinished, job: 0 }, 4);
    expect([1, 2, 3].map((job) => zone.stateOf(job))).toEqual([
      JobState.Waiting,
      JobState.Waiting,
      JobState.Running,
    ]);
    zone.check();
  });

  test('can be cancelled, counts for the limit, and is dropped where nothing waits', () => {
    const cluster = makeCluster([0]);
    const zone = new Zone(cluster, new FirstFit(cluster), { waitingJobsMax: 2 }, new QuotaAccounts(0));
    for (let job = 0; job < 3; job++) zone.step(submission(job, job % 2), 0);
    expect([0, 1, 2].map((job) => zone.reasonOf(job))).toEqual([
      Reason.NotAdmitted,
      Reason.NotAdmitted,
      Reason.QueueFull,
    ]);
    zone.step({ kind: ZoneEventKind.JobCancelled, job: 0 }, 1);
    expect([zone.waitingJobs, zone.refusalOf(0)]).toEqual([1, undefined]);
    zone.check();
    const other = makeCluster([0]);
    const drop = new Zone(other, new FirstFit(other), { onUnplaceable: 'drop' }, new QuotaAccounts(0));
    drop.step(submission(0, 1), 0);
    expect([drop.stateOf(0), drop.reasonOf(0)]).toEqual([JobState.Dropped, Reason.NotAdmitted]);
    drop.check();
  });
});
