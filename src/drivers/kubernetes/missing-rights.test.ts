/**
 * Rights that an older ClusterRole lacks: the scheduler starts without them, reports once what is missing and its
 * consequence, and checks for them again.
 */
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import {
  type ScriptedRequest,
  type ScriptedServer,
  sendJson,
  until,
} from '../../../test/support/scripted-server.ts';
import type { PodEvent } from '../../governor/pods/pod-events.ts';
import { run, status, streamList } from './client/reflector.fixtures.ts';
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
import { watchedResources } from './watched-resources.ts';

/** The rights that a ClusterRole of 0.1 lacks, and others that may be missing. */
const DISPENSABLE = [
  'csidrivers',
  'csistoragecapacities',
  'deviceclasses',
  'pods.ended',
  'volumeattachments',
];

const STORAGE = '/apis/storage.k8s.io/v1';

function forbid(response: ServerResponse, path: string): void {
  const resource = path.split('/').at(-1);
  const message = `${resource} is forbidden: User "teg" cannot list resource "${resource}" at the cluster scope`;
  sendJson(response, 403, status(403, message));
}

/** The resource of a request, by its name in the log. */
function nameOf({ path, query }: ScriptedRequest): string {
  const resource = path.split('/').at(-1) ?? '';
  return query.get('fieldSelector')?.includes('status.phase!=Running') === true ? 'pods.ended' : resource;
}

test('resources that can be done without are those that an older ClusterRole has no right to', () => {
  const found = watchedResources(profilesOf(['teg']), () => undefined).filter(
    ({ resource }) => resource.withoutIt !== undefined,
  );
  expect(found.map(({ resource }) => resource.name).sort()).toEqual(DISPENSABLE);
});

/** A server with one waiting pod and one node, with these resources forbidden; a scheduler of it. */
async function start(
  denied: ReadonlySet<string>,
): Promise<{ readonly server: ScriptedServer } & ReturnType<typeof startScheduler>> {
  const server = await serve((response, request) => {
    if (denied.has(nameOf(request))) forbid(response, request.path);
    else if (isForLease(request)) grantLease(response, request);
    else if (request.query.get('watch') !== '1') return false;
    else if (request.path === '/api/v1/nodes') streamList(response, 10, [nodeObject(5)]);
    else if (asksForOurPods(request)) streamList(response, 10, [podObject(6)]);
    else return false;
    return true;
  });
  return { server, ...startScheduler(server) };
}

test('a scheduler whose ClusterRole is that of an older version starts, binds, and says what is missing', async () => {
  const { server, scheduler, warnings } = await start(new Set(DISPENSABLE));
  await until(() => server.requests.some(({ path }) => path === '/api/v1/namespaces/a/pods/p/binding'), 30);
  expect(scheduler.notReady).toBe('');
  const told = warnings.filter((text) => text.includes('is missing'));
  expect(told.map((text) => text.slice(0, text.indexOf(';'))).sort()).toEqual([
    'csidrivers: the right to list and watch csidrivers in storage.k8s.io is missing, and without it the storage that CSI drivers have left is not looked at',
    'csistoragecapacities: the right to list and watch csistoragecapacities in storage.k8s.io is missing, and without it the storage that CSI drivers have left is not looked at',
    'deviceclasses: the right to list and watch deviceclasses in resource.k8s.io is missing, and without it an extended resource that a DeviceClass stands for is reported as insufficient',
    'pods.ended: the right to list and watch pods is missing, and without it a gang is not known to have started by members that ended before the scheduler started',
    'volumeattachments: the right to list and watch volumeattachments in storage.k8s.io is missing, and without it volumes that are attached without a pod do not count in the limits of CSI drivers',
  ]);
  expect(warnings.filter((text) => DISPENSABLE.some((name) => text.startsWith(name)))).toHaveLength(5);
}, 60_000);

test('a right that nothing can be done without is waited for', async () => {
  const { scheduler, warnings } = await start(new Set(['persistentvolumes']));
  await until(() => warnings.some((text) => text.includes('persistentvolumes is forbidden')));
  // Longer than the scheduler waits for an optional right.
  await new Promise((resolve) => setTimeout(resolve, 8000));
  expect(scheduler.notReady).toBe('not listed yet: persistentvolumes');
  expect(scheduler.driver.decides).toBe(false);
}, 60_000);

test('a right that is granted later is noticed, and known objects stay known when it is revoked', async () => {
  const resource = { name: 'csidrivers', path: `${STORAGE}/csidrivers`, withoutIt: 'nothing is lost' };
  let isAllowed = false;
  const streams: ServerResponse[] = [];
  const answer = (response: ServerResponse, { path }: ScriptedRequest): void => {
    if (!isAllowed) {
      forbid(response, path);
      return;
    }
    streamList(response, 10, [{ metadata: { name: 'd', uid: 'u', resourceVersion: '7' } }]);
    streams.push(response);
  };
  const denied: boolean[] = [];
  const scene = await run(
    new Array(200).fill(answer),
    { listing: 'stream', absentSeconds: 0.05 },
    resource,
    (told) => ({
      set: (object) => told.set(object),
      gone: (uid, key) => told.gone(uid, key),
      synced: () => told.synced(),
      denied: (isMissing) => denied.push(isMissing),
    }),
  );
  const { told, reflector } = scene;
  await until(() => told.words.length === 1 && scene.requests.length > 8);
  expect(told.words).toEqual(['synced']);
  expect(told.warnings).toHaveLength(1);
  isAllowed = true;
  await until(() => told.words.length === 2);
  expect(told.words[1]).toBe('set d/u@7');
  await until(() => denied.length === 2);
  // As a scheduler that becomes leader does.
  await reflector.relist();
  isAllowed = false;
  for (const each of streams.splice(0)) each.end();
  await until(() => denied.length === 3);
  await reflector.relist();
  expect(denied).toEqual([true, false, true]);
  expect(told.warnings).toHaveLength(2);
  expect(told.words).toHaveLength(2);
});

test('refusals of a starting API server do not count as a missing right', async () => {
  let refusals = 0;
  const scene = await run(
    new Array(10).fill((response: ServerResponse, { path }: ScriptedRequest) => {
      if (++refusals <= 3) forbid(response, path);
      else streamList(response, 10, []);
    }),
    { listing: 'stream' },
    { name: 'csidrivers', path: `${STORAGE}/csidrivers`, withoutIt: 'nothing is lost' },
  );
  await until(() => scene.told.words.length === 1);
  expect(refusals).toBe(4);
  expect(scene.told.warnings).toEqual([]);
});

test('where capacities cannot be read, no driver has capacities', () => {
  const events: PodEvent[] = [];
  const watched = watchedResources(profilesOf(['teg']), (event) => events.push(event));
  const of = (name: string) => watched.find(({ resource }) => resource.name === name);
  const driver = (name: string): void =>
    of('csidrivers')?.set({ metadata: { name, uid: name }, spec: { storageCapacity: true } });
  driver('first');
  of('csistoragecapacities')?.denied?.(true);
  driver('second');
  of('csistoragecapacities')?.denied?.(false);
  const told = events.map((event) =>
    event.kind === 'csi-driver' ? `${event.driver.name} ${event.driver.tracksCapacity}` : event.kind,
  );
  expect(told).toEqual(['first true', 'first false', 'second false', 'first true', 'second true']);
});
