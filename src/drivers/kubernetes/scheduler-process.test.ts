/**
 * What is wired together in a scheduler process, before an API server that follows a script.
 */
import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import {
  type ScriptedRequest,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  until,
} from '../../../test/support/scripted-server.ts';
import type { PodEvent } from '../../governor/pods/pod-events.ts';
import { line, streamList } from './client/reflector.fixtures.ts';
import { defaultSchedulerConfig, type SchedulerConfig } from './config/scheduler-config.ts';
import { Followers } from './followers.ts';
import { SchedulerProcess } from './scheduler-process.ts';

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';

function nodeObject(version: number, cpu: unknown = '4'): object {
  return {
    metadata: { name: 'n1', uid: 'uid-n1', resourceVersion: `${version}` },
    status: { allocatable: { cpu, memory: '8Gi', pods: '110' } },
  };
}

function podObject(version: number, nodeName?: string): object {
  return {
    metadata: { namespace: 'a', name: 'p', uid: 'uid-p', resourceVersion: `${version}` },
    spec: {
      schedulerName: 'teg',
      containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }],
      ...(nodeName === undefined ? {} : { nodeName }),
    },
  };
}

/** Whether pods are asked for that we are to place, or have placed. */
const isOurs = ({ query }: ScriptedRequest): boolean =>
  query.get('fieldSelector')?.startsWith('spec.schedulerName=teg,status.') === true;

/** Starts a server that answers what `answer` leaves with empty streamed lists. */
async function serve(
  answer: (response: ServerResponse, request: ScriptedRequest) => boolean,
): Promise<ScriptedServer> {
  const server = await startScriptedServer((response, request) => {
    if (answer(response, request)) return;
    if (request.query.get('watch') === '1') streamList(response, 10, []);
    else sendJson(response, 200, {});
  });
  ends.push(() => server.stop());
  return server;
}

/** Starts a scheduler before a server. */
function startScheduler(server: ScriptedServer, config: SchedulerConfig) {
  const warnings: string[] = [];
  const scheduler = new SchedulerProcess({
    target: server.target,
    config,
    identity: 'test',
    dryRun: false,
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: (details, message) => warnings.push(`${message} ${JSON.stringify(details)}`),
      error: () => undefined,
    },
    onBroken: (error) => {
      throw error;
    },
  });
  ends.unshift(() => scheduler.stop());
  scheduler.start();
  return { scheduler, warnings };
}

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
  const followers = new Followers({
    target: server.target,
    schedulerName: 'teg',
    pageSize: 500,
    feed: (event) => fed.push(event),
    log: { debug: () => undefined, warn: () => undefined },
    onMalformed: (resource, _object, message) => malformed.push(`${resource}: ${message}`),
    onSynced: () => undefined,
    onBroken: (error) => {
      throw error;
    },
  });
  ends.unshift(() => followers.stop());
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

test('who takes over lists the pods again first: what another one has bound meanwhile is not bound again', async () => {
  let release: (() => void) | undefined;
  let listings = 0;
  const server = await serve((response, request) => {
    const { path, method } = request;
    if (path === '/api/v1/nodes') streamList(response, 10, [nodeObject(5)]);
    else if (path === '/api/v1/pods' && isOurs(request) && request.query.has('sendInitialEvents')) {
      // The leader before bound it, and no watch has told.
      const isFirst = ++listings === 1;
      streamList(response, isFirst ? 10 : 20, [isFirst ? podObject(6) : podObject(20, 'n1')]);
    } else if (path.startsWith(LEASES)) {
      if (method === 'GET') sendJson(response, 404, {});
      else {
        const answer = { ...(JSON.parse(request.body) as { metadata: object }), kind: 'Lease' };
        release = () =>
          sendJson(response, 201, { ...answer, metadata: { ...answer.metadata, resourceVersion: '30' } });
      }
    } else return false;
    return true;
  });
  const { scheduler } = startScheduler(server, defaultSchedulerConfig());
  await until(() => scheduler.followers.synced && release !== undefined);
  expect(scheduler.core.explain('uid-p')).toMatchObject({ state: 'waiting' });
  release?.();
  await until(() => scheduler.driver.decides);
  // Time for a binding, if one is decided.
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
    else if (path === '/api/v1/pods' && isOurs(request)) streamList(response, 10, [podObject(6)]);
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
  await until(() => patched.length === 3, 20_000);
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
  // Half to all of a second before each: neither at once nor doubled beyond the longest.
  const waits = [patched[1]! - patched[0]!, patched[2]! - patched[1]!];
  for (const wait of waits) expect(wait).toBeGreaterThan(0.45);
  expect(warnings).toEqual([expect.stringContaining('status refused by the API server')]);
  // What is written stays.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(patched).toHaveLength(3);
});
