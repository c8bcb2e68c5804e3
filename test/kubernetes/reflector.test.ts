/**
 * The reflector, the API client and the fault proxy before a real API server.
 */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ReflectedResource } from '../../src/drivers/kubernetes/client/api.ts';
import { ApiUnknownError } from '../../src/drivers/kubernetes/client/api-errors.ts';
import { createApiClient, type HttpApiClient } from '../../src/drivers/kubernetes/client/http-client.ts';
import { Reflector } from '../../src/drivers/kubernetes/client/reflector.ts';
import type { ReflectorOptions } from '../../src/drivers/kubernetes/client/reflector-options.ts';
import { loadTarget } from '../../src/drivers/kubernetes/client/target.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { until } from '../support/scripted-server.ts';
import { describeWithControlPlane } from './control-plane-fixture.ts';

const PODS: ReflectedResource = { name: 'pods', path: '/api/v1/pods' };
const POD_PATH = '/api/v1/namespaces/default/pods';

/** A pod that any test may write. */
const pod = (name: string): object => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '1' } } }] },
});

/** The state that follows from the calls of a handler. */
class View {
  /** Name and version by uid. */
  readonly objects = new Map<string, string>();
  readonly surprises: string[] = [];
  syncedAt: number | undefined;

  set(object: unknown): void {
    const { uid, name, resourceVersion } = (object as { metadata: Record<string, string> }).metadata;
    const text = `${name}@${resourceVersion}`;
    if (this.objects.get(uid as string) === text) this.surprises.push(`${text} again`);
    this.objects.set(uid as string, text);
  }

  gone(uid: string, key: string): void {
    if (!this.objects.delete(uid)) this.surprises.push(`${key} gone, but was never there`);
  }

  synced(): void {
    if (this.syncedAt !== undefined) this.surprises.push('synced again');
    this.syncedAt = this.objects.size;
  }

  sorted(): string[] {
    return [...this.objects.values()].sort();
  }
}

describeWithControlPlane('list and watch of a real API server', [], () => {
  let plane: ControlPlane;
  let proxy: FaultProxy;
  let client: HttpApiClient;
  const reflectors: Reflector[] = [];

  beforeAll(async () => {
    plane = await startControlPlane();
    const target = await loadTarget({ kubeconfig: plane.kubeconfig });
    client = createApiClient(target);
    proxy = await startFaultProxy({ upstream: target });
  }, 120_000);
  afterEach(async () => {
    proxy.clear();
    await Promise.all(reflectors.splice(0).map((one) => one.stop()));
    await client.request({ method: 'DELETE', path: `${POD_PATH}?gracePeriodSeconds=0` });
  });
  afterAll(async () => {
    await client?.close();
    await proxy?.stop();
    await plane?.stop();
  });

  async function create(names: readonly string[]): Promise<void> {
    const answers = names.map((name) => client.request({ method: 'POST', path: POD_PATH, body: pod(name) }));
    for (const answer of await Promise.all(answers)) expect(answer.status).toBe(201);
  }

  async function remove(name: string): Promise<void> {
    const path = `${POD_PATH}/${name}?gracePeriodSeconds=0`;
    expect((await client.request({ method: 'DELETE', path })).status).toBe(200);
  }

  async function label(name: string, value: string): Promise<void> {
    const body = { metadata: { labels: { value } } };
    expect((await client.request({ method: 'PATCH', path: `${POD_PATH}/${name}`, body })).status).toBe(200);
  }

  async function reflect(
    kubeconfig: string,
    options: Partial<ReflectorOptions> = {},
    resource = PODS,
  ): Promise<{ view: View; reflector: Reflector }> {
    const view = new View();
    const reflector = new Reflector(await loadTarget({ kubeconfig }), resource, view, options);
    reflectors.push(reflector);
    reflector.start();
    return { view, reflector };
  }

  /** What the server has, as a view has it. */
  async function truth(path = PODS.path): Promise<string[]> {
    const { body } = await client.request({ method: 'GET', path });
    const { items } = body as { items: { metadata: { name: string; resourceVersion: string } }[] };
    return items.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort();
  }

  /** Waits until the view is what the server has. */
  async function settle(view: View, seconds = 15): Promise<void> {
    const wanted = await truth();
    await until(() => view.sorted().join() === wanted.join(), seconds);
    expect(view.surprises).toEqual([]);
  }

  test.each(['stream', 'pages'] as const)(
    '%s: everything that is there, then every change',
    async (listing) => {
      await create(Array.from({ length: 120 }, (_, i) => `p-${i}`));
      const { view, reflector } = await reflect(plane.kubeconfig, { listing, pageSize: 50 });
      await until(() => reflector.synced);
      expect(view.syncedAt).toBe(120);
      expect(view.sorted()).toEqual(await truth());
      await remove('p-7');
      await create(['p-7', 'new']);
      await label('p-8', 'changed');
      await settle(view);
      expect(reflector.size).toBe(121);
      expect(reflector.counts).toMatchObject({
        lists: 1,
        listsComplete: 1,
        watches: 1,
        failures: 0,
        garbage: 0,
      });
    },
  );

  test('a pod that gets a node leaves the reflection of those without one', async () => {
    await create(['a', 'b']);
    const waiting = await reflect(plane.kubeconfig, {}, { ...PODS, fieldSelector: 'spec.nodeName=' });
    const placed = await reflect(plane.kubeconfig, {}, { ...PODS, fieldSelector: 'spec.nodeName!=' });
    await until(() => waiting.reflector.synced && placed.reflector.synced);
    expect([waiting.view.syncedAt, placed.view.syncedAt]).toEqual([2, 0]);
    const body = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'a' },
      target: { kind: 'Node', name: 'n' },
    };
    const bound = await client.request({ method: 'POST', path: `${POD_PATH}/a/binding`, body });
    expect(bound.status).toBe(201);
    await until(() => waiting.view.objects.size === 1 && placed.view.objects.size === 1);
    expect(placed.view.sorted()[0]).toMatch(/^a@/);
    expect([...waiting.view.surprises, ...placed.view.surprises]).toEqual([]);
  });

  test('changes while the watch is cut: seen after it is back, without a listing', async () => {
    await create(['a', 'b', 'c']);
    const { view, reflector } = await reflect(proxy.kubeconfig);
    await until(() => reflector.synced);
    proxy.add({ fault: { kind: 'answer', status: 503 }, path: /watch=1/ });
    expect(proxy.cutWatches()).toBe(1);
    await remove('a');
    await remove('b');
    await create(['b', 'd']);
    await label('c', 'changed');
    await until(() => reflector.counts.failures >= 3);
    proxy.clear();
    await settle(view);
    expect(reflector.counts.lists).toBe(1);
    expect(reflector.lastError).toBeUndefined();
  });

  test('half open: the silent watch is given up and nothing is missed', async () => {
    await create(['a']);
    const { view, reflector } = await reflect(proxy.kubeconfig, { inactivitySeconds: 1 });
    await until(() => reflector.synced && proxy.watches() === 1);
    expect(proxy.silenceWatches()).toBe(1);
    await create(['b']);
    await settle(view);
    expect(reflector.counts.silent).toBeGreaterThanOrEqual(1);
    expect(reflector.counts.lists).toBe(1);
  });

  test('the server restarts, etcd is compacted: 410, a new listing, what vanished is gone', async () => {
    await create(['a', 'b', 'c', 'd']);
    const { view, reflector } = await reflect(proxy.kubeconfig);
    const paged = await reflect(proxy.kubeconfig, { listing: 'pages', pageSize: 2 });
    await until(() => reflector.synced && paged.reflector.synced && proxy.watches() === 2);
    proxy.add({ fault: { kind: 'cut' } });
    proxy.cutWatches();
    await remove('a');
    await remove('b');
    await create(['b', 'e']);
    await compactEtcd(plane);
    await plane.restart('kube-apiserver', 'SIGKILL');
    await create(['f']);
    proxy.clear();
    await settle(view, 40);
    await settle(paged.view, 40);
    for (const one of [reflector, paged.reflector]) {
      expect(one.counts.expired).toBeGreaterThanOrEqual(1);
      expect(one.counts.lists).toBeGreaterThanOrEqual(2);
    }
    // a, and the first b.
    expect(reflector.objectCounts.gone).toBe(2);
    expect(reflector.objectCounts.unchanged).toBeGreaterThanOrEqual(2);
  });

  test('a bad network and 400 changes: the view is the truth in the end', async () => {
    await create(Array.from({ length: 60 }, (_, i) => `p-${i}`));
    const options = { backoffSeconds: 0.02, backoffSecondsMax: 0.2, inactivitySeconds: 1, pageSize: 20 };
    const streamed = await reflect(proxy.kubeconfig, options);
    const paged = await reflect(proxy.kubeconfig, { ...options, listing: 'pages' });
    const faults = [
      { kind: 'cut' },
      { kind: 'silence' },
      { kind: 'answer', status: 500 },
      { kind: 'answer', status: 429, retryAfterSeconds: 0 },
      { kind: 'answer', status: 410 },
      { kind: 'cut-answer', afterBytes: 700 },
      { kind: 'lose-answer' },
    ] as const;
    for (const fault of faults) proxy.add({ fault, method: /GET/, path: /pods/, probability: 0.08 });
    for (let i = 0; i < 400; i++) {
      const name = `p-${(i * 37) % 60}`;
      if (i % 4 === 0) await remove(name).then(() => create([name]));
      else await label(name, `${i}`);
      if (i % 25 === 0) proxy.cutWatches();
      if (i % 90 === 0) proxy.silenceWatches();
    }
    proxy.clear();
    await settle(streamed.view);
    await settle(paged.view);
    expect(Object.values(proxy.counts.faults).reduce((sum, one) => sum + one, 0)).toBeGreaterThan(5);
  });

  test('an API that comes later', async () => {
    const resource = { name: 'things', path: '/apis/teg.example/v1/things', optional: true };
    const { view, reflector } = await reflect(plane.kubeconfig, { absentSeconds: 0.2 }, resource);
    await until(() => reflector.synced);
    expect(view.syncedAt).toBe(0);
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    expect((await client.request({ method: 'POST', path, body: THINGS })).status).toBe(201);
    const body = { apiVersion: 'teg.example/v1', kind: 'Thing', metadata: { name: 'one' } };
    let status = 404;
    while (status === 404) ({ status } = await client.request({ method: 'POST', path: resource.path, body }));
    expect(status).toBe(201);
    await until(() => view.objects.size === 1);
    expect((await client.request({ method: 'DELETE', path: `${path}/things.teg.example` })).status).toBe(200);
    await until(() => view.objects.size === 0);
    expect(view.surprises).toEqual([]);
  });

  test('without a token 403, with a wrong one 401: said, and tried again', async () => {
    const target = await loadTarget({ kubeconfig: plane.kubeconfig });
    let headers: Record<string, string> = {};
    const view = new View();
    const options = { backoffSeconds: 0.05, backoffSecondsMax: 0.1 };
    const changing = { ...target, headers: () => Promise.resolve(headers) };
    const reflector = new Reflector(changing, PODS, view, options);
    reflectors.push(reflector);
    reflector.start();
    await until(() => reflector.lastError?.includes('answered 403') === true);
    expect(reflector.lastError).toMatch(
      /system:anonymous.* the account lacks the right to list and watch this/,
    );
    headers = { authorization: 'Bearer wrong' };
    await until(() => reflector.lastError?.includes('answered 401') === true);
    headers = await target.headers();
    await until(() => reflector.synced && reflector.lastError === undefined);
  });

  test('what became of a write whose answer is missing', async () => {
    const through = createApiClient(await loadTarget({ kubeconfig: proxy.kubeconfig }));
    const exists = async (name: string): Promise<boolean> =>
      (await client.request({ method: 'GET', path: `${POD_PATH}/${name}` })).status === 200;
    const post = (name: string, timeoutSeconds = 30): Promise<unknown> =>
      through
        .request({ method: 'POST', path: POD_PATH, body: pod(name), timeoutSeconds })
        .catch((error) => error);
    const method = /POST/;
    proxy.add({ fault: { kind: 'lose-answer' }, method, times: 1 });
    expect(await post('lost')).toBeInstanceOf(ApiUnknownError);
    expect(await exists('lost')).toBe(true);
    proxy.add({ fault: { kind: 'withhold-answer' }, method, times: 1 });
    expect(await post('withheld', 1)).toBeInstanceOf(ApiUnknownError);
    expect(await exists('withheld')).toBe(true);
    proxy.add({ fault: { kind: 'cut' }, method, times: 1 });
    expect(await post('cut')).toBeInstanceOf(ApiUnknownError);
    expect(await exists('cut')).toBe(false);
    proxy.add({ fault: { kind: 'silence' }, method, times: 1 });
    expect(await post('silence', 0.5)).toBeInstanceOf(ApiUnknownError);
    expect(await exists('silence')).toBe(false);
    proxy.add({ fault: { kind: 'cut-answer', afterBytes: 10 }, method, times: 1 });
    expect(await post('cut-answer')).toBeInstanceOf(ApiUnknownError);
    expect(await exists('cut-answer')).toBe(true);
    proxy.add({ fault: { kind: 'answer', status: 429, retryAfterSeconds: 3 }, method, times: 1 });
    expect(await post('refused')).toMatchObject({ status: 429, retryAfterSeconds: 3 });
    proxy.add({ fault: { kind: 'delay', milliseconds: 300 }, method, after: 1, times: 1 });
    expect(await post('quick')).toMatchObject({ status: 201 });
    const started = performance.now();
    expect(await post('delayed')).toMatchObject({ status: 201 });
    expect(performance.now() - started).toBeGreaterThan(290);
    expect(await post('quick')).toMatchObject({ status: 409, body: { reason: 'AlreadyExists' } });
    await through.close();
  });
});

/** A resource that the server does not have by itself. */
const THINGS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.teg.example' },
  spec: {
    group: 'teg.example',
    scope: 'Cluster',
    names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};

/** Drops all history from etcd, through its JSON gateway. */
async function compactEtcd(plane: ControlPlane): Promise<void> {
  const pid = plane.processes.get('etcd')?.pid;
  const url = /--listen-client-urls[=\0](http:[^\0,]+)/.exec(
    readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
  )?.[1];
  const ask = async (path: string, body: object): Promise<{ header: { revision: string } }> => {
    const answer = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as { header: { revision: string } };
  };
  const { revision } = (await ask('/v3/kv/range', { key: 'AA==' })).header;
  await ask('/v3/kv/compaction', { revision, physical: true });
}
