import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { EventLogReader, EventLogWriter } from './event-log.ts';
import {
  AnyFit,
  FirstFit,
  type Move,
  makeCluster,
  moves,
  NODE_KINDS,
  nodeKinds,
  POD_KINDS,
  rows,
  Script,
  startable,
  TwoRandom,
} from './zone.fixtures.ts';
import { OracleZone } from './zone.oracle.ts';
import { Zone } from './zone.ts';
import {
  EffectKind,
  JobState,
  Reason,
  type ZoneEvent,
  ZoneEventKind,
  type ZoneOptions,
} from './zone-events.ts';

const optionSets: fc.Arbitrary<ZoneOptions> = fc.record({
  queue: fc.constantFrom('best-effort' as const, 'best-effort' as const, 'strict-fifo' as const),
  onUnplaceable: fc.constantFrom('wait' as const, 'wait' as const, 'wait' as const, 'drop' as const),
  onNodeLost: fc.constantFrom('requeue' as const, 'requeue' as const, 'fail' as const),
  waitingJobsMax: fc.constantFrom(1000, 1000, 3),
  countRoomNodesMax: fc.constantFrom(1000, 0),
});

/** Runs a zone through moves; `each` sees every event before and after its step. */
function live(
  zone: Zone,
  script: readonly Move[],
  before: (event: ZoneEvent, time: number) => void,
  after: (event: ZoneEvent) => void,
  membersMax = 30,
): void {
  const writer = new Script(zone, membersMax);
  let time = 0;
  for (const move of script) {
    const event = writer.next(move);
    if (event === undefined) continue;
    time += move.wait;
    before(event, time);
    zone.step(event, time);
    after(event);
  }
}

/** strict-fifo: the first waiting job, −1 if none is possible. */
function firstPossible(zone: Zone): number {
  for (let job = 0; job < 300; job++) {
    if (zone.stateOf(job) === JobState.Waiting && zone.reasonOf(job) === Reason.NoFit) return job;
  }
  return -1;
}

/** As `expect(…).toEqual(…)`, which costs too much to be called a million times. */
function expectSame(actual: unknown, expected: unknown): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual).toEqual(expected);
}

describe('Zone', () => {
  test('does the same as the oracle, event by event, for any events', () => {
    let compared = 0;
    checkProperty(
      fc.property(nodeKinds, moves, optionSets, (kinds, script, options) => {
        const all = { ...options, gangAttemptsPerEventMax: 1000 };
        const cluster = makeCluster(kinds);
        const policy = new FirstFit(cluster);
        const zone = new Zone(cluster, policy, all);
        const slow = makeCluster(kinds);
        const quiet = new FirstFit(slow);
        quiet.expectTold = () => {};
        const oracle = new OracleZone(slow, quiet, all);
        let podsSubmitted = 0;
        live(
          zone,
          script,
          (event) => {
            if (event.kind === ZoneEventKind.JobSubmitted) podsSubmitted += event.podCount;
          },
          (event) => {
            const expected = oracle.step(event);
            expectSame(rows(zone.effects), expected);
            compared += expected.length;
            zone.check();
            policy.expectTold();
            expectSame(
              [zone.hasPostponed, zone.waitingJobs, zone.runningJobs],
              [false, oracle.waiting.size, oracle.running.size],
            );
          },
        );
        expect(policy.podsSeen).toBe(podsSubmitted);
      }),
      { numRuns: 400 },
    );
    expect(compared).toBeGreaterThan(5000);
  });

  test('limits postpone and never reorder: a step and its ticks together do the same as the oracle', () => {
    let postponed = 0;
    checkProperty(
      fc.property(
        nodeKinds,
        moves,
        optionSets,
        fc.constantFrom(1, 2, 5),
        fc.boolean(),
        (kinds, script, options, gangAttemptsPerEventMax, tight) => {
          const membersMax = tight ? 4 : 30;
          const cluster = makeCluster(kinds);
          const zone = new Zone(cluster, new FirstFit(cluster), {
            ...options,
            gangAttemptsPerEventMax,
            membersMax,
            effectsMax: tight ? 6 : 1000,
          });
          const slow = makeCluster(kinds);
          const quiet = new FirstFit(slow);
          quiet.expectTold = () => {};
          const oracle = new OracleZone(slow, quiet, options);
          let now = 0;
          live(
            zone,
            script,
            (_, time) => {
              now = time;
            },
            (event) => {
              const expected = oracle.step(event);
              const got = rows(zone.effects);
              for (let ticks = 0; zone.hasPostponed; ticks++) {
                postponed++;
                if (ticks > 300) expect.fail('ticks do not come to an end');
                got.push(...rows(zone.step({ kind: ZoneEventKind.Tick }, now)));
              }
              expectSame(got, expected);
            },
            membersMax,
          );
        },
      ),
      { numRuns: 400 },
    );
    expect(postponed).toBeGreaterThan(10);
  });

  test.each(['best-effort', 'strict-fifo'] as const)(
    '%s: a job submitted while attempts are postponed takes its turn among them',
    (queue) => {
      const cluster = makeCluster([0]);
      const zone = new Zone(cluster, new FirstFit(cluster), { queue, gangAttemptsPerEventMax: 1 });
      zone.step({ ...submission(0, 0), podCount: 4, gangMin: 4 }, 0);
      // Two gangs need the node, then a single of lower priority and one of higher priority.
      for (const job of [1, 2]) zone.step({ ...submission(job, 0), podCount: 2, gangMin: 2, priority: 1 }, 0);
      zone.step({ kind: ZoneEventKind.JobFinished, job: 0 }, 1);
      expect([zone.stateOf(1), zone.stateOf(2), zone.hasPostponed]).toEqual([
        JobState.Running,
        JobState.Waiting,
        true,
      ]);
      // Without a tick in between: the gang that was postponed starts first, and fills the node.
      zone.step(submission(3, 0), 1);
      expect([zone.stateOf(2), zone.stateOf(3), zone.hasPostponed]).toEqual([
        JobState.Running,
        JobState.Waiting,
        false,
      ]);
      zone.check();
      zone.step({ ...submission(4, 0), podCount: 2, gangMin: 2, priority: 1 }, 2);
      zone.step({ ...submission(5, 0), podCount: 2, gangMin: 2, priority: 1 }, 2);
      zone.step({ kind: ZoneEventKind.NodeDown, node: 0 }, 3);
      zone.step({ kind: ZoneEventKind.NodeUp, node: 0 }, 3);
      expect(zone.hasPostponed).toBe(true);
      zone.step({ ...submission(6, 0), priority: 9 }, 3);
      // The single of the highest priority takes a core that the postponed gang needed; the queue's rule decides the rest.
      const last = queue === 'strict-fifo' ? JobState.Waiting : JobState.Running;
      expect([6, 2, 3].map((job) => zone.stateOf(job))).toEqual([JobState.Running, JobState.Waiting, last]);
      zone.check();
    },
  );

  test('loses no wake-up when limits postpone attempts', () => {
    let postponed = 0;
    checkProperty(
      fc.property(nodeKinds, moves, fc.boolean(), fc.boolean(), (kinds, script, tight, strict) => {
        const cluster = makeCluster(kinds);
        const zone = new Zone(cluster, new AnyFit(cluster), {
          queue: strict ? 'strict-fifo' : 'best-effort',
          gangAttemptsPerEventMax: 1,
          membersMax: tight ? 2 : 30,
          effectsMax: tight ? 4 : 1000,
        });
        let time = 0;
        live(
          zone,
          script,
          (_, now) => {
            time = now;
          },
          (event) => {
            zone.check();
            // The ends caused by a lost node have to be reported beyond the limit.
            if (tight && event.kind !== ZoneEventKind.NodeDown && zone.effects.length > 4)
              expect.fail('too many');
            if (zone.hasPostponed) postponed++;
            for (let ticks = 0; zone.hasPostponed; ticks++) {
              if (ticks > 300) expect.fail('ticks do not come to an end');
              zone.step({ kind: ZoneEventKind.Tick }, time);
              zone.check();
            }
            expectSame(startable(zone, strict ? firstPossible(zone) : undefined), undefined);
          },
          tight ? 2 : 30,
        );
      }),
      { numRuns: 400 },
    );
    expect(postponed).toBeGreaterThan(10);
  });

  test.each([FirstFit, AnyFit, TwoRandom])(
    'replayed from its log does the same, bit for bit: %o',
    (Policy) => {
      checkProperty(
        fc.property(nodeKinds, moves, optionSets, (kinds, script, options) => {
          const all = { ...options, retryAllOnTick: true };
          const cluster = makeCluster(kinds);
          const zone = new Zone(cluster, new Policy(cluster), all);
          const lines: string[] = [];
          const hashes: number[] = [];
          const log = new EventLogWriter(cluster.demands, all, (line) => lines.push(line));
          let hash = 0;
          live(
            zone,
            script,
            (event, time) => log.append(event, time),
            () => {
              hash = zone.effects.hash(hash);
              hashes.push(hash);
            },
          );
          expect(replay(kinds, lines, Policy)).toEqual(hashes);
        }),
        { numRuns: 80 },
      );
    },
  );

  test('a gang that a policy overlooked room for is tried again when a node gets room', () => {
    const cluster = makeCluster([0, 0]);
    const policy = new FirstFit(cluster);
    const zone = new Zone(cluster, policy);
    zone.step({ ...submission(0, 0), podCount: 4, gangMin: 4 }, 0);
    const choose = policy.choose.bind(policy);
    policy.choose = () => -1;
    zone.step({ ...submission(1, 0), podCount: 3, gangMin: 3 }, 1);
    policy.choose = choose;
    // There is room all the time; nothing shows it before a node gets more.
    zone.step(submission(2, 1), 2);
    zone.step({ kind: ZoneEventKind.JobFinished, job: 2 }, 3);
    expect(zone.stateOf(1)).toBe(JobState.Running);
    zone.check();
  });

  test('a policy that overlooks room makes jobs wait, and retryAllOnTick finds it', () => {
    const cluster = makeCluster([0, 0, 0, 0, 0, 0, 0, 0]);
    const zone = new Zone(cluster, new TwoRandom(cluster), { retryAllOnTick: true });
    for (let job = 0; job < 8; job++) zone.step(submission(job, 1), 0);
    expect(zone.waitingJobs).toBeGreaterThan(0);
    for (let tick = 1; tick < 100; tick++) zone.step({ kind: ZoneEventKind.Tick }, tick);
    expect([zone.waitingJobs, zone.runningJobs]).toEqual([0, 8]);
    zone.check();
  });
});

describe('Zone on single events', () => {
  test('refuses malformed events and stays as it was', () => {
    const cluster = makeCluster([0]);
    const zone = new Zone(cluster, new FirstFit(cluster), { jobsMax: 100, membersMax: 10 });
    zone.step(submission(0, 0), 5);
    const bad: [Partial<ZoneEvent>, string][] = [
      [{ ...submission(0, 0) }, 'TEG_JOB_INVALID'],
      [{ ...submission(100, 0) }, 'TEG_JOB_INVALID'],
      [{ ...submission(1, 0), podCount: 0 }, 'TEG_JOB_INVALID'],
      [{ ...submission(1, 0), podCount: 11 }, 'TEG_JOB_INVALID'],
      [{ ...submission(1, 0), gangMin: 2 }, 'TEG_JOB_INVALID'],
      [{ ...submission(1, 0), priority: 0.5 }, 'TEG_JOB_INVALID'],
      [{ ...submission(1, 99) }, 'TEG_JOB_INVALID'],
      [{ kind: ZoneEventKind.NodeDown, node: 1 }, 'TEG_CLUSTER_INVALID'],
      [{ kind: ZoneEventKind.NodeUp, node: -1 }, 'TEG_CLUSTER_INVALID'],
      [
        { kind: ZoneEventKind.NodeJoined, spec: { ...NODE_KINDS[0]!, name: 'node-0' } },
        'TEG_CLUSTER_INVALID',
      ],
    ];
    for (const [event, code] of bad) {
      expect(() => zone.step(event as ZoneEvent, 5)).toThrow(expect.objectContaining({ code }));
      zone.check();
    }
    expect(() => zone.step({ kind: ZoneEventKind.Tick }, 4)).toThrow(/time went back/);
    expect(() => zone.step({ kind: ZoneEventKind.Tick }, Number.NaN)).toThrow(/time went back/);
    expect([zone.runningJobs, zone.waitingJobs, zone.stateOf(1)]).toEqual([1, 0, JobState.Unknown]);
    expect(() => new Zone(makeCluster([]), new FirstFit(cluster), { effectsMax: 5 })).toThrow(/effectsMax/);
  });

  test('ignores late and doubled events, and counts them', () => {
    const cluster = makeCluster([0, 0]);
    const zone = new Zone(cluster, new FirstFit(cluster));
    zone.step(submission(0, 0), 0);
    const run = zone.runOf(0);
    zone.step({ kind: ZoneEventKind.NodeDown, node: 0 }, 1);
    expect([zone.stateOf(0), zone.runOf(0)]).toEqual([JobState.Running, run + 1]);
    // The end of the first run arrives after the second has begun.
    zone.step({ kind: ZoneEventKind.JobFinished, job: 0, run }, 2);
    expect(zone.stateOf(0)).toBe(JobState.Running);
    zone.step({ kind: ZoneEventKind.JobFinished, job: 0, run: run + 1 }, 3);
    for (const event of [
      { kind: ZoneEventKind.JobFinished, job: 0 },
      { kind: ZoneEventKind.JobCancelled, job: 0 },
      { kind: ZoneEventKind.JobFinished, job: 123_456_789 },
      { kind: ZoneEventKind.NodeDown, node: 0 },
      { kind: ZoneEventKind.NodeUp, node: 1 },
    ] as const) {
      zone.step(event, 4);
    }
    expect(zone.counters).toMatchObject({ ignored: 6, finished: 1, requeued: 1, started: 2 });
    zone.check();
  });

  test('a policy that chooses a node without room gets an error, and nothing is lost', () => {
    const cluster = makeCluster([1, 1]);
    const policy = new FirstFit(cluster);
    const zone = new Zone(cluster, policy);
    const gang = { ...submission(0, 4), podCount: 4, gangMin: 4 };
    const choose = policy.choose.bind(policy);
    let choices = 0;
    policy.choose = (demand) => (++choices === 3 ? 0 : choose(demand));
    expect(() => zone.step(gang, 0)).toThrow(expect.objectContaining({ code: 'TEG_POLICY_INVALID' }));
    zone.check();
    expect(zone.stateOf(0)).toBe(JobState.Unknown);
    for (const [node, gpuMask] of [
      [0, 0],
      [0, 3],
      [0, 4],
      [2, 1],
      [0.5, 1],
    ] as const) {
      policy.choose = () => {
        policy.gpuMask = gpuMask;
        return node;
      };
      expect(() => zone.step(submission(1, 4), 0)).toThrow(/first-fit.*correct its choose/);
    }
    policy.choose = choose;
    zone.step(gang, 1);
    expect(zone.runningPods).toBe(4);
    zone.check();
  });

  test('explains running, waiting and ended jobs', () => {
    const cluster = makeCluster([4]);
    const zone = new Zone(cluster, new FirstFit(cluster));
    zone.step({ ...submission(0, 1), podCount: 2, gangMin: 2 }, 1);
    zone.step(submission(1, 1), 2);
    zone.step(submission(2, 1), 3);
    zone.step(submission(3, 11), 4);
    expect(zone.explain(0)).toMatchObject({
      state: 'running',
      sinceSeconds: 1,
      attempts: 1,
      pods: [{ node: 'node-0' }, { node: 'node-0' }],
    });
    expect(zone.explain(2)).toMatchObject({
      state: 'waiting',
      reason: 'no-fit',
      sinceSeconds: 3,
      attempts: 0,
      queue: { firstJob: 1, jobs: 2 },
      room: 0,
    });
    expect(zone.explain(3)).toMatchObject({ state: 'waiting', reason: 'impossible' });
    zone.step({ kind: ZoneEventKind.JobCancelled, job: 2 }, 5);
    expect(zone.explain(2)).toMatchObject({ state: 'cancelled', reason: 'cancelled', sinceSeconds: 5 });
    expect(zone.explain(4)).toBeUndefined();
  });

  test('tries no more gangs in one step than allowed, and the rest with ticks', () => {
    const nodes = 40;
    const cluster = makeCluster(new Array<number>(nodes).fill(0));
    const zone = new Zone(cluster, new FirstFit(cluster), { gangAttemptsPerEventMax: 3 });
    const fill = { ...submission(0, 0), podCount: nodes * 4, gangMin: nodes * 4 };
    zone.step(fill, 0);
    for (let job = 1; job <= 20; job++) {
      const podCount = 2 + (job % 4);
      zone.step({ ...submission(job, 0), podCount, gangMin: podCount }, 0);
    }
    const before = zone.counters.attempts;
    zone.step({ kind: ZoneEventKind.JobFinished, job: 0 }, 1);
    expect([zone.counters.attempts - before, zone.runningJobs, zone.hasPostponed]).toEqual([3, 3, true]);
    for (let ticks = 1; zone.hasPostponed; ticks++) {
      zone.step({ kind: ZoneEventKind.Tick }, 1);
      expect(zone.counters.attempts - before).toBeLessThanOrEqual(3 * (ticks + 1));
    }
    expect([zone.runningJobs, zone.waitingJobs]).toEqual([20, 0]);
    expect(zone.counters.attempts - before).toBe(20);
  });

  test('a gang is not tried again before there is room for all of it', () => {
    const cluster = makeCluster([0, 0, 0]);
    const zone = new Zone(cluster, new FirstFit(cluster));
    for (let job = 0; job < 12; job++) zone.step(submission(job, 0), 0);
    for (let job = 12; job < 14; job++) zone.step({ ...submission(job, 0), podCount: 5, gangMin: 5 }, 0);
    const before = zone.counters.attempts;
    const attempts = Array.from({ length: 10 }, (_, job) => {
      zone.step({ kind: ZoneEventKind.JobFinished, job }, 1);
      return zone.counters.attempts - before;
    });
    expect(attempts).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 2]);
    expect([zone.stateOf(12), zone.stateOf(13)]).toEqual([JobState.Running, JobState.Running]);
    zone.check();
  });

  test('a cluster that is lost at once starts again in the old order, quickly', () => {
    const nodes = 300;
    const cluster = makeCluster(new Array<number>(nodes).fill(0));
    const policy = new FirstFit(cluster);
    policy.expectTold = () => {};
    const zone = new Zone(cluster, policy);
    for (let job = 0; job < 2 * nodes * 4; job++) zone.step({ ...submission(job, 0), priority: job % 2 }, 0);
    const jobs = 2 * nodes * 4;
    const runningBefore = Array.from({ length: jobs }, (_, job) => zone.stateOf(job) === JobState.Running);
    for (let node = 0; node < nodes; node++) zone.step({ kind: ZoneEventKind.NodeDown, node }, 1);
    expect([zone.runningJobs, zone.waitingJobs, zone.runningPods]).toEqual([0, jobs, 0]);
    zone.check();
    const started: number[] = [];
    for (let node = 0; node < nodes; node++) {
      zone.step({ kind: ZoneEventKind.NodeUp, node }, 2);
      for (const row of rows(zone.effects)) if (row[0] === EffectKind.JobStarted) started.push(row[2]);
    }
    // The jobs of priority 1 in the order of their submission; those of priority 0 have no room any more.
    expect(started).toEqual(Array.from({ length: nodes * 4 }, (_, i) => 2 * i + 1));
    expect(runningBefore.filter(Boolean).length).toBe(nodes * 4);
    zone.check();
  });

  test('the tables of a zone that is used for long do not grow', () => {
    const cluster = makeCluster([0, 1, 2]);
    const zone = new Zone(cluster, new FirstFit(cluster));
    const spend = (rounds: number, from: number): number => {
      for (let i = from; i < from + rounds; i++) {
        const job = i % 40;
        if (zone.stateOf(job) === JobState.Running) zone.step({ kind: ZoneEventKind.JobFinished, job }, i);
        if (zone.stateOf(job) === JobState.Waiting) zone.step({ kind: ZoneEventKind.JobCancelled, job }, i);
        const podCount = 1 + (i % 3);
        zone.step({ ...submission(job, i % POD_KINDS.length), podCount, gangMin: podCount }, i);
      }
      return zone.bytes;
    };
    const early = spend(1000, 0);
    expect(spend(20_000, 1000)).toBe(early);
    zone.check();
  });
});

function submission(job: number, demandId: number): Extract<ZoneEvent, { demandId: number }> {
  return { kind: ZoneEventKind.JobSubmitted, job, demandId, podCount: 1, gangMin: 1, priority: 0 };
}

/** Replays a log on a fresh zone whose demand table is filled by the log. @returns The chained effect hashes. */
function replay(
  kinds: readonly number[],
  lines: readonly string[],
  Policy: new (cluster: ClusterState) => FirstFit,
): number[] {
  const cluster = makeCluster(kinds);
  const reader = new EventLogReader(cluster.demands);
  reader.read(lines[0] as string);
  const zone = new Zone(cluster, new Policy(cluster), reader.options);
  const hashes: number[] = [];
  let hash = 0;
  for (const line of lines.slice(1)) {
    const timed = reader.read(line);
    if (timed === undefined) continue;
    hash = zone.step(timed.event, timed.timeSeconds).hash(hash);
    hashes.push(hash);
  }
  return hashes;
}
