/** The wiring of a scheduler process, against a scripted API server. */
import type { ServerResponse } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { sendJson, until } from '../../../test/support/scripted-server.ts';
import type { PodEvent } from '../../governor/pods/pod-events.ts';
import { line, streamList } from './client/reflector.fixtures.ts';
import { defaultSchedulerConfig } from './config/scheduler-config.ts';
import { Informers } from './informers.ts';
import { profilesOf } from './objects/profiles.ts';
import {
  asksForOurPods,
  grantLease,
  isForLease,
  nodeObject,
  podObject,
  serve,
  startScheduler,
} from './scheduler-process.fixtures.ts';

test('an object that becomes malformed counts no more, and counts again when it is whole', async () => {
  let watch: ServerResponse | undefined;
  const server = await serve((response, { path }) => {
    if (path !== '/api/v1/nodes') return false;
    streamList(response, 10, [nodeObject(5)]);
    watch = response;
    return true;
  });
  const fed: PodEvent[] = [];
  const malformed: string[] = [];
  const followers = new Informers({
    target: server.target,
    profiles: profilesOf(['teg']),
    pageSize: 500,
    feed: (event) => fed.push(event),
    log: { debug: () => undefined, warn: () => undefined },
    onMalformed: (resource, _object, message) => malformed.push(`${resource}: ${message}`),
    onSynced: () => undefined,
    onBroken: (error) => {
      throw error;
    },
  });
  onTestFinished(() => followers.stop());
  followers.start();
  await until(() => followers.synced);
  watch?.write(line('MODIFIED', nodeObject(11, ['four'])));
  await until(() => malformed.length === 1);
  watch?.write(line('MODIFIED', nodeObject(12)));
  await until(() => fed.filter(({ kind }) => kind.startsWith('node')).length === 3);
  expect(fed.filter(({ kind }) => kind.startsWith('node'))).toMatchObject([
    { kind: 'node', node: { name: 'n1' } },
    { kind: 'node-gone', name: 'n1' },
    { kind: 'node', node: { name: 'n1' } },
  ]);
  expect(malformed).toEqual([expect.stringMatching(/^nodes: .*cpu/)]);
  expect(followers.malformed).toBe(1);
});

test('a new leader lists the pods again first: a pod that another one has bound meanwhile is not bound again', async () => {
  let release: (() => void) | undefined;
  let listings = 0;
  const server = await serve((response, request) => {
    if (request.path === '/api/v1/nodes') streamList(response, 10, [nodeObject(5)]);
    else if (asksForOurPods(request) && request.query.has('sendInitialEvents')) {
      // The leader before bound it, and no watch has reported it.
      const isFirst = ++listings === 1;
      streamList(response, isFirst ? 10 : 20, [isFirst ? podObject(6) : podObject(20, 'n1')]);
    } else if (isForLease(request)) {
      if (request.method === 'GET') grantLease(response, request);
      else release = () => grantLease(response, request);
    } else return false;
    return true;
  });
  const { scheduler } = startScheduler(server);
  await until(() => scheduler.followers.synced && release !== undefined);
  expect(scheduler.core.explain('uid-p')).toMatchObject({ state: 'waiting' });
  release?.();
  await until(() => scheduler.driver.decides);
  // Time for a binding, in case one is decided.
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(server.requests.filter(({ path }) => path.endsWith('/binding'))).toEqual([]);
  expect(scheduler.core.explain('uid-p')).toMatchObject({ state: 'bound', node: 'n1' });
  expect(listings).toBe(2);
});

test('a condition that an admission policy refuses is written once the policy goes, long before it would be renewed', async () => {
  const denied = { message: 'pods "p" is forbidden: ValidatingAdmissionPolicy denied request' };
  const patched: number[] = [];
  const server = await serve((response, request) => {
    const { path, method } = request;
    if (path === '/api/v1/nodes') streamList(response, 10, [nodeObject(5, '500m')]);
    else if (asksForOurPods(request)) streamList(response, 10, [podObject(6)]);
    else if (path === '/api/v1/namespaces/a/pods/p') sendJson(response, 200, podObject(6));
    else if (path === '/api/v1/namespaces/a/pods/p/status' && method === 'PATCH') {
      patched.push(performance.now() / 1000);
      if (patched.length < 3) sendJson(response, 422, denied);
      else sendJson(response, 200, podObject(7));
    } else return false;
    return true;
  });
  const config = defaultSchedulerConfig();
  const { warnings } = startScheduler(server, {
    ...config,
    leaderElection: { ...config.leaderElection, leaderElect: false },
    podMaxBackoffSeconds: 1,
  });
  await until(() => patched.length === 3, 20);
  const bodies = server.requests
    .filter(({ method }) => method === 'PATCH')
    .map(({ body }) => JSON.parse(body));
  expect(bodies[2].status.conditions).toMatchObject([
    {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: expect.stringMatching(/^0\/1 nodes/),
    },
  ]);
  // Half a second to a second before each: neither immediately nor beyond the longest wait.
  const waits = [patched[1]! - patched[0]!, patched[2]! - patched[1]!];
  for (const wait of waits) expect(wait).toBeGreaterThan(0.45);
  expect(warnings).toEqual([expect.stringContaining('status refused by the API server')]);
  // Written records stay.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(patched).toHaveLength(3);
});
