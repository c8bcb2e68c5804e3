import { describe, expect, test } from 'vitest';
import type { BindEffect, PodEvent } from '../../governor/pods/pod-events.ts';
import type { PodScheduler } from '../../governor/pods/pod-scheduler.ts';
import { nodeOf } from '../../model/readers/read-node.ts';
import type { ApiAnswer, ApiRequest } from './client/api.ts';
import { defaultSchedulerConfig } from './config/scheduler-config.ts';
import { EffectRunner } from './effect-runner.ts';
import { podOf } from './objects/pod.ts';
import { profilesOf } from './objects/profiles.ts';
import { newCore } from './scheduler-process.ts';
import { makeWriters } from './writers.ts';
import { answer, ScriptedClient, settle, VirtualClock } from './writes/writes.fixtures.ts';

const NODE = nodeOf({
  metadata: { name: 'n1', uid: 'uid-n1' },
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } },
});

/** A pod of ours. */
function podObject(name: string, more: { nodeName?: string; priority?: number; cpu?: string } = {}): object {
  return {
    metadata: { namespace: 'a', name, uid: `uid-${name}` },
    spec: {
      schedulerName: 'teg',
      containers: [{ name: 'main', resources: { requests: { cpu: more.cpu ?? '3' } } }],
      ...more,
    },
  };
}

/** Core, runner and writers as in the process, against a scripted API server. */
class Stage {
  readonly clock = new VirtualClock();
  readonly client: ScriptedClient;
  readonly core: PodScheduler = newCore(defaultSchedulerConfig());
  readonly runner: EffectRunner;
  /** The events that the runner reported. */
  readonly reports: PodEvent[] = [];
  /** Bindings that the binder was asked for and has answered. */
  tried = 0;
  holds: ((uid: string, node: string) => boolean) | undefined;

  constructor(handle: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>, bindsInFlightMax = 64) {
    const config = defaultSchedulerConfig();
    this.client = new ScriptedClient(handle);
    const writers = makeWriters({
      client: this.client,
      clock: this.clock,
      config: { ...config, clientConnection: { ...config.clientConnection, bindsInFlightMax } },
      identity: 'test',
      mayWrite: () => true,
      onWriteError: () => undefined,
    });
    this.runner = new EffectRunner({
      writers,
      feed: (event) => {
        this.reports.push(event);
        this.step(event);
      },
      stillHolds: (uid, node) => this.holds?.(uid, node) ?? this.core.stillHolds(uid, node),
      identify: (uid) => this.core.view().pod(uid),
      roomMade: () => undefined,
      onBound: () => {
        this.tried++;
      },
      nowSeconds: () => this.clock.nowSeconds(),
      dryRun: false,
      log: () => undefined,
    });
  }

  step(event: PodEvent): void {
    for (const effect of this.core.step(event, this.clock.nowSeconds())) this.runner.run(effect);
  }

  setPod(object: object): void {
    this.step({ kind: 'pod', pod: podOf(object, profilesOf(['teg'])) });
  }

  /** Bodies of the requests whose paths end like this. */
  sent(method: string, end: string): unknown[] {
    return this.client.requests
      .filter((request) => request.method === method && request.path.split('?')[0]?.endsWith(end))
      .map(({ body }) => body);
  }
}

/** An API server on which all requests succeed except those that `refuse` answers. */
function server(refuse: (request: ApiRequest) => ApiAnswer | undefined) {
  return (request: ApiRequest): ApiAnswer => {
    const refused = refuse(request);
    if (refused !== undefined) return refused;
    if (request.method !== 'GET') return answer(request.method === 'POST' ? 201 : 200, {});
    const name = request.path.split('/').at(-1) ?? '';
    return answer(200, { metadata: { name, uid: `uid-${name}`, resourceVersion: '1' }, spec: {} });
  };
}

const FORBIDDEN = answer(403, { message: 'pods "p" is forbidden: this node is reserved' });
const REFUSED = 'running Bind plugin "DefaultBinder": pods "p" is forbidden: this node is reserved';

describe('a binding that the API server refuses', () => {
  test('is an event, a condition and in the explanation, and is tried again ever more rarely', async () => {
    const stage = new Stage(server(({ path }) => (path.includes('/binding') ? FORBIDDEN : undefined)));
    stage.step({ kind: 'node', node: NODE });
    stage.setPod(podObject('p'));
    const triedAt: number[] = [];
    const began = stage.clock.nowSeconds();
    for (let second = 0; second < 60; second++) {
      const before = stage.sent('POST', '/binding').length;
      stage.step({ kind: 'decide', max: 8 });
      await stage.clock.advance(1);
      if (stage.sent('POST', '/binding').length > before) triedAt.push(stage.clock.nowSeconds() - began);
    }
    expect(triedAt.length).toBeGreaterThanOrEqual(6);
    expect(triedAt.length).toBeLessThan(16);
    const condition = { type: 'PodScheduled', status: 'False', reason: 'SchedulerError', message: REFUSED };
    expect(stage.sent('PATCH', '/pods/p/status')[0]).toMatchObject({ status: { conditions: [condition] } });
    const [event, ...others] = stage.sent('POST', '/events');
    expect(event).toMatchObject({ type: 'Warning', reason: 'FailedScheduling', note: REFUSED });
    // The same again becomes a series in one event.
    expect(others).toEqual([]);
    expect(stage.core.explain('uid-p')).toMatchObject({ state: 'backing-off', message: REFUSED });
  });

  test('is over when the server takes it', async () => {
    let refuses = true;
    const stage = new Stage(
      server(({ path }) => (refuses && path.includes('/binding') ? FORBIDDEN : undefined)),
    );
    stage.step({ kind: 'node', node: NODE });
    stage.setPod(podObject('p'));
    for (let second = 0; second < 20; second++) {
      refuses = second < 5;
      stage.step({ kind: 'decide', max: 8 });
      await stage.clock.advance(1);
    }
    expect(stage.core.explain('uid-p')).toMatchObject({ state: 'bound', node: 'n1', message: '' });
    expect(stage.sent('POST', '/events').at(-1)).toMatchObject({ reason: 'Scheduled' });
  });
});

test('claims that cannot be bound are an event and a condition', async () => {
  const stage = new Stage(
    server(({ path }) =>
      path.includes('/persistentvolumeclaims/')
        ? answer(403, { message: 'persistentvolumeclaims "c" is forbidden' })
        : undefined,
    ),
  );
  stage.holds = () => true;
  stage.step({ kind: 'node', node: NODE });
  stage.setPod(podObject('p'));
  const [effect] = stage.core.step({ kind: 'decide', max: 1 }, stage.clock.nowSeconds());
  stage.runner.run({ ...(effect as BindEffect), claims: [{ claim: 'c', volume: '' }] });
  await stage.clock.advance(5);
  const message = expect.stringMatching(
    /^running PreBind plugin "VolumeBinding": binding volumes: .*forbidden/,
  );
  expect(stage.sent('PATCH', '/pods/p/status')[0]).toMatchObject({
    status: { conditions: [{ reason: 'SchedulerError', message }] },
  });
  expect(stage.sent('POST', '/events')).toMatchObject([{ reason: 'FailedScheduling', note: message }]);
  expect(stage.sent('POST', '/binding')).toEqual([]);
  expect(stage.core.explain('uid-p')).toMatchObject({ message });
});

describe('a victim', () => {
  /** A cluster whose only node is filled by a pod of low priority. */
  async function crowded(refuse: (request: ApiRequest) => ApiAnswer | undefined): Promise<Stage> {
    const stage = new Stage(server(refuse));
    stage.step({ kind: 'node', node: NODE });
    stage.setPod(podObject('low', { nodeName: 'n1' }));
    stage.setPod(podObject('high', { priority: 1000 }));
    stage.step({ kind: 'decide', max: 8 });
    await stage.clock.advance(3);
    return stage;
  }

  test('that may not be evicted stops its preemptor, which says so', async () => {
    const stage = await crowded(({ method }) =>
      method === 'DELETE' ? answer(403, { message: 'pods "low" is forbidden: protected' }) : undefined,
    );
    const message =
      'preemption: pod a/low could not be evicted from node n1: pods "low" is forbidden: protected';
    expect(stage.sent('PATCH', '/pods/high/status').at(-1)).toMatchObject({
      status: { conditions: [{ reason: 'SchedulerError', message }] },
    });
    const events = stage.sent('POST', '/events');
    expect(events).toContainEqual(expect.objectContaining({ reason: 'FailedScheduling', note: message }));
    expect(events).not.toContainEqual(expect.objectContaining({ reason: 'Preempted' }));
    expect(stage.core.explain('uid-high')).toMatchObject({ message });
  });

  test('is reported as preempted only when it goes', async () => {
    const stage = await crowded(() => undefined);
    expect(stage.sent('POST', '/events')).toContainEqual(
      expect.objectContaining({ reason: 'Preempted', regarding: expect.objectContaining({ name: 'low' }) }),
    );
  });
});

test('a member of a released gang that may not be evicted is an event at it', async () => {
  const stage = new Stage(
    server(({ path }) => (path.endsWith('/eviction') ? answer(403, { message: 'protected' }) : undefined)),
  );
  stage.step({ kind: 'node', node: NODE });
  stage.setPod(podObject('member', { nodeName: 'n1' }));
  stage.runner.run({ kind: 'gang-release', group: 'core:a/g', uids: ['uid-member'], message: 'too late' });
  await stage.clock.advance(3);
  expect(stage.sent('POST', '/events').map((event) => (event as { reason: string }).reason)).toEqual([
    'GangReleased',
    'FailedEviction',
  ]);
});

describe('a binding that was decided', () => {
  test('is not sent if it does not hold any more', async () => {
    const stage = new Stage(server(() => undefined));
    stage.holds = () => false;
    stage.step({ kind: 'node', node: NODE });
    stage.setPod(podObject('p'));
    stage.step({ kind: 'decide', max: 8 });
    await settle();
    expect(stage.sent('POST', '/binding')).toEqual([]);
    expect(stage.reports).toEqual([{ kind: 'bind-done', uid: 'uid-p', outcome: 'no-node' }]);
  });

  test('is not sent when the lease was lost while its claims were bound', async () => {
    const asked = Promise.withResolvers<ApiAnswer>();
    const pod = answer(200, { metadata: { uid: 'uid-p' } });
    const claim = answer(200, {
      metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
      spec: { volumeName: 'v' },
    });
    const stage = new Stage(({ path }) =>
      path.includes('/pods/')
        ? asked.promise
        : path.includes('/persistentvolumeclaims/')
          ? claim
          : answer(200),
    );
    stage.holds = () => true;
    stage.step({ kind: 'node', node: NODE });
    stage.setPod(podObject('p'));
    const [effect] = stage.core.step({ kind: 'decide', max: 1 }, stage.clock.nowSeconds());
    stage.runner.run({ ...(effect as BindEffect), claims: [{ claim: 'c', volume: '' }] });
    await stage.clock.advance(1);
    expect(stage.runner.claimingPods).toBe(1);
    await stage.runner.hold();
    asked.resolve(pod);
    await stage.clock.advance(1);
    expect(stage.runner.claimingPods).toBe(0);
    expect(stage.reports).toEqual([{ kind: 'bind-done', uid: 'uid-p', outcome: 'failed' }]);
    expect([stage.tried, stage.sent('POST', '/binding')]).toEqual([0, []]);
  });

  test('is answered when the lease is lost while it waits for its turn', async () => {
    const open: ((value: ApiAnswer) => void)[] = [];
    const stage = new Stage(
      (request) =>
        request.path.includes('/binding')
          ? new Promise((resolve) => open.push(resolve))
          : server(() => undefined)(request),
      1,
    );
    stage.step({ kind: 'node', node: NODE });
    for (let i = 0; i < 20; i++) stage.setPod(podObject(`p${i}`, { cpu: '100m' }));
    stage.step({ kind: 'decide', max: 20 });
    await settle();
    const waiting = stage.runner.waiting;
    expect(waiting).toBeGreaterThan(5);
    const held = stage.runner.hold();
    expect(stage.runner.waiting).toBe(0);
    await settle();
    open[0]?.(answer(201));
    await stage.clock.untilDone(held);
    await settle();
    const outcomes = stage.reports.map((report) => (report.kind === 'bind-done' ? report.outcome : ''));
    expect(outcomes.filter((outcome) => outcome === 'bound')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'failed')).toHaveLength(19);
    expect(open).toHaveLength(1);
  });
});
