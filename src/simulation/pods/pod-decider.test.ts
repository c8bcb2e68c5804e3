import { describe, expect, test } from 'vitest';
import { FREE_ACCOUNTS } from '../../governor/accounts.ts';
import { group, node, pod, requests } from '../../governor/pods/scheduler.fixtures.ts';
import { JobState } from '../../governor/zone/zone-events.ts';
import { GRACE_SECONDS_DEFAULT } from '../inputs/pod-world.ts';
import { large, present, Scene } from './pod-decider.fixtures.ts';
import type { Victim } from './pod-decider.ts';
import { podReport } from './pod-report.ts';

const ONE = [node('a')];

describe('the start', () => {
  test('an ended pod holds nothing, and nobody waits for it to go', () => {
    const ended = large('done', { nodeName: 'a', ended: true, deleting: true });
    const scene = new Scene({
      nodes: ONE,
      jobs: [{ pod: large('next') }],
      events: [present(ended)],
      leaving: [{ uid: 'done', seconds: 25 }],
    });
    expect(scene.decider.dueSeconds).toBe(Number.POSITIVE_INFINITY);
    expect(scene.submit(0, 1)).toEqual(['PodPlaced 0.0 a', 'JobStarted 0 1 None']);
  });

  test('a pod that was being deleted holds its room until its time', () => {
    const scene = new Scene({
      nodes: ONE,
      jobs: [{ pod: large('next') }],
      events: [present(large('going', { nodeName: 'a', deleting: true }))],
      leaving: [{ uid: 'going', seconds: 25 }],
    });
    expect(scene.submit(0, 1)).toEqual(['JobWaiting 0 0 NoFit']);
    expect(scene.decider.dueSeconds).toBe(25);
    expect(scene.tick(24)).toEqual([]);
    expect(scene.tick(25)).toEqual(['PodPlaced 0.0 a', 'JobStarted 0 1 None']);
  });

  test('kept jobs run where they were, and those that wait are decided on after the last of them', () => {
    const kept = pod('kept', {}, { nodeName: 'b' });
    const scene = new Scene({
      jobs: [{ pod: kept }, { pod: large('waits') }, { pod: large('too much') }],
      events: [present(kept)],
      kept: 1,
      pending: 2,
    });
    expect(scene.free('b')).toBe(3000);
    expect(scene.submit(0, 0)).toEqual(['PodPlaced 0.0 b', 'JobStarted 0 1 None']);
    expect(scene.submit(1, 0)).toEqual([]);
    expect(scene.submit(2, 0)).toEqual(['PodPlaced 1.0 a', 'JobStarted 1 1 None', 'JobWaiting 2 0 NoFit']);
  });
});

describe('gangs', () => {
  test('the group that a gang was given goes with it', () => {
    const scene = new Scene({ jobs: [{ pod: pod('gang'), podCount: 2 }] });
    expect(scene.submit(0, 1)).toContain('JobStarted 0 2 None');
    const view = scene.decider.scheduler.view();
    expect(view.groupCount).toBe(1);
    expect(scene.finish(0, 2)).toEqual(['JobReleased 0 2 Finished']);
    expect([view.groupCount, view.podCount]).toEqual([0, 0]);
    expect([scene.free('a'), scene.free('b')]).toEqual([4000, 4000]);
  });
});

describe('victims', () => {
  function preemption(graceSeconds: number): Scene {
    const scene = new Scene({
      nodes: ONE,
      jobs: [
        { pod: large('small'), comesBack: true, graceSeconds },
        { pod: large('urgent', { priority: 5 }), comesBack: true, graceSeconds: 2 },
        { pod: large('most urgent', { priority: 9 }) },
      ],
    });
    expect(scene.submit(0, 1)).toEqual(['PodPlaced 0.0 a', 'JobStarted 0 1 None']);
    return scene;
  }

  test('keep their room for their grace period, and leave in the step at its end', () => {
    const scene = preemption(7);
    expect(scene.submit(1, 10)).toEqual(['JobWaiting 1 0 NoFit']);
    expect(scene.decider.dueSeconds).toBe(17);
    expect(scene.tick(16.5)).toEqual([]);
    expect(scene.nodesOf(0)).toEqual(['a']);
    expect(scene.tick(17)).toEqual([
      'JobReleased 0 1 Preempted',
      'JobRequeued 0 0 Preempted',
      'PodPlaced 1.0 a',
      'JobStarted 1 1 None',
    ]);
    expect([scene.nodesOf(0), scene.nodesOf(1), scene.free('a')]).toEqual([[], ['a'], 0]);
  });

  test('that are leaving are not made victims again', () => {
    const scene = preemption(7);
    scene.submit(1, 10);
    // The scheduler asks for none of its victims twice; here a release of its gang follows.
    const { scheduler } = scene.decider;
    const step = scheduler.step.bind(scheduler);
    scheduler.step = (event, timeSeconds) => {
      const effects = step(event, timeSeconds);
      if (event.kind !== 'decide') return effects;
      return [...effects, { kind: 'gang-release', group: 'g', uids: ['small'], message: '' }];
    };
    scene.submit(2, 12);
    expect(scene.decider.victims).toHaveLength(1);
    scene.tick(17);
    expect(scene.decider.victims[0]?.successor?.description.uid).toBe('default/small~2');
  });

  test('of no job have the grace period of the API server', () => {
    const scene = new Scene({
      nodes: ONE,
      jobs: [{ pod: large('urgent', { priority: 5 }) }],
      events: [present(large('other', { nodeName: 'a' }))],
    });
    scene.submit(0, 4);
    expect(scene.decider.dueSeconds).toBe(4 + GRACE_SECONDS_DEFAULT);
  });

  test('are followed by a new pod with a uid of its own, which the victim names', () => {
    const scene = preemption(7);
    scene.submit(1, 10);
    expect(scene.decider.victims[0]).toMatchObject({ by: 'default/urgent', node: 'a', atSeconds: 10 });
    expect(scene.decider.victims[0]?.successor).toBeUndefined();
    expect(scene.decider.victims[0]?.pod.description).toMatchObject({
      startedSeconds: 1001,
      deleting: true,
      preempted: true,
    });
    scene.tick(17);
    const successor = scene.decider.victims[0]?.successor;
    expect(successor).toMatchObject({ job: 0, member: 0, node: -1 });
    expect(successor?.description).toMatchObject({
      uid: 'default/small~2',
      name: 'small',
      createdSeconds: 1017,
      nodeName: '',
      deleting: false,
      preempted: false,
    });
    // It is the present pod of the job: it starts when there is room.
    expect(scene.finish(1, 20)).toEqual([
      'JobReleased 1 1 Finished',
      'PodPlaced 0.0 a',
      'JobStarted 0 1 None',
    ]);
    expect(successor?.node).toBe(0);
    scene.submit(2, 30);
    scene.tick(37);
    expect(scene.decider.victims[1]?.successor?.description.uid).toBe('default/small~3');
  });

  test.each([
    ['and another joins later', true],
    ['and none joins', false],
  ])('of a gang leave alone, %s', (_, comesBack) => {
    const gang = pod('gang', { requests: requests(3000) });
    const scene = new Scene({
      jobs: [{ pod: gang, podCount: 2, comesBack }, { pod: large('urgent', { priority: 5 }) }],
      lostPods: 'fail',
    });
    scene.submit(0, 1);
    scene.submit(1, 2);
    const { pod: victim, node: name } = scene.decider.victims[0] as Victim;
    expect(scene.tick(2)).toEqual([
      `PodLeft 0.${victim.member} ${name}`,
      `PodPlaced 1.0 ${name}`,
      'JobStarted 1 1 None',
    ]);
    const { decider } = scene;
    expect([decider.stateOf(0), decider.startOf(0)]).toEqual([JobState.Running, 1]);
    expect(scene.finish(1, 3)).toEqual([
      'JobReleased 1 1 Finished',
      ...(comesBack ? [`PodJoined 0.${victim.member} ${name}`] : []),
    ]);
    // A job that grows has not started again.
    expect(decider.startOf(0)).toBe(1);
  });

  test('whose job ends meanwhile leave no successor behind', () => {
    const scene = preemption(7);
    scene.submit(1, 10);
    expect(scene.finish(0, 12)).toEqual([
      'JobReleased 0 1 Finished',
      'PodPlaced 1.0 a',
      'JobStarted 1 1 None',
    ]);
    expect(scene.tick(17)).toEqual([]);
    expect(scene.decider.victims[0]?.successor).toBeUndefined();
    expect(scene.decider.scheduler.view().podCount).toBe(1);
  });

  test('that no controller makes again are the end of their job', () => {
    const scene = new Scene({
      nodes: ONE,
      jobs: [{ pod: large('small') }, { pod: large('urgent', { priority: 5 }) }],
    });
    scene.submit(0, 1);
    scene.submit(1, 2);
    expect(scene.tick(2)).toEqual([
      'JobReleased 0 1 Preempted',
      'JobFailed 0 0 Preempted',
      'PodPlaced 1.0 a',
      'JobStarted 1 1 None',
    ]);
    expect(scene.decider.stateOf(0)).toBe(JobState.Failed);
    const { decider, cluster, table } = scene;
    const report = podReport({ nodes: [], pending: 2 }, table, cluster, decider);
    expect(report?.reasons).toEqual([{ pod: 'default/small', reason: 'preempted' }]);
    expect(report?.victims).toEqual([
      { pod: 'default/small', node: 'a', by: 'default/urgent', atSeconds: 2, fate: 'gone', newNode: '' },
    ]);
  });

  test('a pod knows the node that was kept for it', () => {
    const scene = preemption(7);
    scene.submit(1, 10);
    scene.tick(17);
    scene.submit(2, 20);
    const [, second] = scene.decider.victims;
    expect(second?.pod.description).toMatchObject({ name: 'urgent', nominatedNodeName: 'a', nodeName: 'a' });
  });
});

describe('a waiting job', () => {
  test('that no empty cluster could hold is impossible', () => {
    const scene = new Scene({
      jobs: [
        { pod: large('gang'), podCount: 3 },
        { pod: large('pair'), podCount: 2 },
      ],
    });
    expect(scene.submit(0, 1)).toEqual(['JobWaiting 0 0 Impossible']);
    // Reports are not renewed: nothing is due until something happens.
    expect(scene.decider.dueSeconds).toBe(Number.POSITIVE_INFINITY);
    expect(scene.submit(1, 2)).toContain('JobStarted 1 2 None');
  });

  test('can be abandoned, a running one cannot; its pods keep saying why they wait', () => {
    const scene = new Scene({ nodes: ONE, jobs: [{ pod: large('runs') }, { pod: large('waits') }] });
    scene.submit(0, 1);
    scene.submit(1, 2);
    expect(scene.cancel(0, 3)).toEqual([]);
    expect(scene.cancel(1, 3)).toEqual(['JobDropped 1 0 Cancelled']);
    expect(scene.cancel(1, 4)).toEqual([]);
    expect(scene.finish(1, 4)).toEqual([]);
    expect([0, 1].map((job) => scene.decider.stateOf(job))).toEqual([JobState.Running, JobState.Cancelled]);
    expect(scene.decider.textOf(1)).toContain('Insufficient cpu');
  });
});

describe('a lost node', () => {
  test('takes pods of no job with it', () => {
    const scene = new Scene({
      nodes: ONE,
      jobs: [{ pod: large('next') }],
      events: [present(large('other', { nodeName: 'a' }))],
    });
    expect(scene.submit(0, 1)).toEqual(['JobWaiting 0 0 NoFit']);
    expect(scene.down('a', 2)).toEqual([]);
    expect([...scene.cluster.up.subarray(0, 1)]).toEqual([0]);
    expect(scene.decider.scheduler.view().pod('other')).toBeUndefined();
    expect(scene.up('a', 3)).toEqual(['PodPlaced 0.0 a', 'JobStarted 0 1 None']);
    expect([...scene.cluster.up.subarray(0, 1)]).toEqual([1]);
  });

  test.each([
    ['requeue', 'JobRequeued 0 0 NodeLost'],
    ['fail', 'JobFailed 0 0 NodeLost'],
  ] as const)('ends the jobs on it, all of their pods: %s', (lostPods, outcome) => {
    const gang = pod('gang', { requests: requests(3000) });
    const scene = new Scene({ jobs: [{ pod: gang, podCount: 2 }], lostPods });
    scene.submit(0, 1);
    expect(scene.down('a', 2)).toEqual(['JobReleased 0 2 NodeLost', outcome]);
    expect([scene.free('a'), scene.free('b')]).toEqual([4000, 4000]);
    const after = scene.up('a', 3);
    expect(after.at(-1)).toBe(lostPods === 'fail' ? undefined : 'JobStarted 0 2 None');
  });
});

describe('timed work', () => {
  test('ticks in vain end until something happens', () => {
    const alone = pod('g-0', {}, { group: 'core:default/g' });
    const scene = new Scene({
      jobs: [{ pod: alone }, { pod: pod('other') }],
      events: [{ kind: 'group', group: group('g', 3) }],
    });
    expect(scene.submit(0, 0)).toEqual(['JobWaiting 0 0 NoFit']);
    // A look every second: it reports the incomplete group after 10, and gives up 100 later.
    expect(scene.wait(1000)).toBe(110);
    expect(scene.decider.dueSeconds).toBe(Number.POSITIVE_INFINITY);
    scene.submit(1, 2000);
    expect(scene.decider.dueSeconds).toBeLessThanOrEqual(2001);
  });

  test('a step ends though the scheduler always has work, and the next is never due in the past', () => {
    let asked = 0;
    const accounts = {
      ...FREE_ACCOUNTS,
      dueSeconds: 0,
      tick: () => {
        if (++asked > 10_000) throw new Error('decides without an end');
      },
    };
    const scene = new Scene({ jobs: [{ pod: pod('one') }], accounts });
    scene.submit(0, 3);
    expect(scene.turns).toBeGreaterThan(50);
    expect(scene.turns).toBeLessThan(300);
    expect(scene.decider.dueSeconds).toBe(3);
  });

  test('a step decides on all pods that can be decided on, however many turns that takes', () => {
    const jobs = Array.from({ length: 6500 }, (_, n) => ({ pod: pod(`p${n}`, { requests: requests(0) }) }));
    const scene = new Scene({ nodes: [node('a', { podsMax: 10_000 })], jobs, pending: jobs.length });
    for (let job = 0; job < jobs.length; job++) scene.submit(job, 0);
    expect(scene.turns).toBeGreaterThan(101);
    expect(scene.decider.scheduler.counters.scheduled).toBe(jobs.length);
  });

  test('work is done in the step that is due for it, however times are rounded', () => {
    const originSeconds = 1000.1;
    let rounded = 0;
    for (let n = 2885; n <= 2905; n++) {
      const dueSeconds = n * 0.7;
      const accounts = {
        ...FREE_ACCOUNTS,
        dueSeconds,
        tick: () => {
          accounts.dueSeconds = Number.POSITIVE_INFINITY;
        },
      };
      const scene = new Scene({ accounts, originSeconds });
      const at = scene.decider.dueSeconds;
      if (originSeconds + at < dueSeconds) rounded++;
      scene.tick(at);
      expect(accounts.dueSeconds, `due at ${dueSeconds}`).toBe(Number.POSITIVE_INFINITY);
    }
    expect(rounded, 'sums that fall short').toBeGreaterThan(0);
  });
});

describe('reports', () => {
  test('a job that runs in part says why the rest waits; a whole or an ended one says nothing', () => {
    const jobs = [
      { pod: pod('part', { requests: requests(3000) }, { priority: 1 }), podCount: 3, gangMin: 2 },
      { pod: pod('whole', { requests: requests(500) }) },
      { pod: pod('ended', { requests: requests(500) }) },
      { pod: large('none') },
      { pod: pod('gated', {}, { gates: ['g'] }) },
    ];
    const scene = new Scene({ jobs, pending: jobs.length });
    for (const job of jobs.keys()) scene.submit(job, 0);
    expect(scene.nodesOf(0).filter((name) => name !== undefined)).toHaveLength(2);
    scene.finish(2, 1);
    const { decider, cluster, table } = scene;
    const report = podReport({ nodes: [], pending: jobs.length }, table, cluster, decider);
    expect(report?.reasons).toEqual([
      { pod: 'default/part', reason: expect.stringMatching(/^0\/2 nodes are available: 2 Insufficient cpu/) },
      { pod: 'default/none', reason: expect.stringMatching(/^0\/2 nodes are available: 2 Insufficient cpu/) },
      { pod: 'default/gated', reason: 'Scheduling is blocked due to non-empty scheduling gates' },
    ]);
    expect(report?.placements.map(({ pod: name }) => name)).toEqual([
      'default/part',
      'default/part',
      'default/whole',
    ]);
  });
});
