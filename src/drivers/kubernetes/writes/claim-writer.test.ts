import { describe, expect, test } from 'vitest';
import type { PodEvent } from '../../../governor/pods/pod-events.ts';
import type { ApiAnswer, ApiRequest } from '../client/api.ts';
import { ClaimWriter, type ClaimWriterOptions } from './claim-writer.ts';
import { volumeAllowsNode } from './volume-node-match.ts';
import { answer, ScriptedClient, settle, Unknown, VirtualClock } from './writes.fixtures.ts';

interface Stored {
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    resourceVersion: string;
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
  };
  spec: Record<string, unknown>;
}

const pod = { namespace: 'ns', name: 'p', uid: 'uid-p' };
const SELECTED = 'volume.kubernetes.io/selected-node';
const POD = '/api/v1/namespaces/ns/pods/p';
const NODE = '/api/v1/nodes/n1';
const CLAIM = '/api/v1/namespaces/ns/persistentvolumeclaims/c';
const VOLUME = '/api/v1/persistentvolumes/v';

/** Objects by path, patched as the server does it. */
class ObjectStore {
  readonly objects = new Map<string, Stored>();

  add(path: string, spec: Record<string, unknown> = {}, labels: Record<string, string> = {}): void {
    const name = path.split('/').at(-1)!;
    this.objects.set(path, { metadata: { name, uid: `uid-${name}`, resourceVersion: '1', labels }, spec });
  }

  handle(request: ApiRequest): ApiAnswer {
    const object = this.objects.get(request.path);
    if (object === undefined) return answer(404);
    if (request.method === 'PATCH') {
      const change = request.body as Stored;
      if (change.metadata.uid !== object.metadata.uid) return answer(409);
      if (change.metadata.resourceVersion !== object.metadata.resourceVersion) return answer(409);
      object.metadata.annotations = { ...object.metadata.annotations, ...change.metadata.annotations };
      Object.assign(object.spec, change.spec);
      this.touch(request.path);
    }
    return answer(200, structuredClone(object));
  }

  touch(path: string): void {
    const { metadata } = this.objects.get(path)!;
    metadata.resourceVersion = `${Number(metadata.resourceVersion) + 1}`;
  }

  /** As the volume controller eventually does. */
  complete(claim: string, volume: string): void {
    const object = this.objects.get(claim)!;
    object.spec.volumeName = volume;
    object.metadata.annotations = {
      ...object.metadata.annotations,
      'pv.kubernetes.io/bind-completed': 'yes',
    };
    this.touch(claim);
  }
}

function writerOf(
  options: Partial<ClaimWriterOptions> = {},
  handle = (request: ApiRequest, store: ObjectStore): ApiAnswer | Promise<ApiAnswer> => store.handle(request),
) {
  const clock = new VirtualClock();
  const store = new ObjectStore();
  store.add(POD);
  store.add(NODE, {}, { zone: 'z1' });
  store.add(CLAIM);
  const client = new ScriptedClient((request) => handle(request, store));
  const writer = new ClaimWriter({ client, clock, random: () => 0.5, mayWrite: () => true, ...options });
  return { clock, store, client, writer };
}

const inZone = (zone: string) => ({
  nodeAffinity: {
    required: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [zone] }] }],
    },
  },
});
const dynamic = [{ claim: 'c', volume: '' }];
const fixed = [{ claim: 'ns/c', volume: 'v' }];

describe('a volume that is to be made', () => {
  test('requests it on the node, and is done when the claim is bound to one that the node can use', async () => {
    const { store, writer, clock } = writerOf();
    const done = writer.bindClaims(pod, 'n1', dynamic);
    await clock.advance(20);
    expect(store.objects.get(CLAIM)!.metadata.annotations).toEqual({ [SELECTED]: 'n1' });
    expect(writer.pending).toBe(1);
    store.add('/api/v1/persistentvolumes/made', inZone('z1'));
    store.complete(CLAIM, 'made');
    await expect(clock.untilDone(done)).resolves.toEqual({ ok: true });
    expect(writer.pending).toBe(0);
  });

  test('a provisioner that takes the node off again means: somewhere else', async () => {
    const { store, writer, clock } = writerOf();
    const done = writer.bindClaims(pod, 'n1', dynamic);
    await clock.advance(3);
    store.objects.get(CLAIM)!.metadata.annotations = {};
    store.touch(CLAIM);
    await expect(clock.untilDone(done)).resolves.toMatchObject({
      ok: false,
      reason: 'no volume could be provisioned for claim ns/c',
    });
  });

  test('a claim that is being provisioned for another node is not taken over', async () => {
    const { store, writer } = writerOf();
    store.objects.get(CLAIM)!.metadata.annotations = { [SELECTED]: 'n2' };
    await expect(writer.bindClaims(pod, 'n1', dynamic)).resolves.toMatchObject({
      ok: false,
      reason: 'claim ns/c is already to be provisioned for node n2',
    });
  });

  test('a volume that came up where the node cannot use it', async () => {
    const { store, writer, clock } = writerOf();
    const done = writer.bindClaims(pod, 'n1', dynamic);
    await settle();
    store.add('/api/v1/persistentvolumes/made', inZone('z2'));
    store.complete(CLAIM, 'made');
    await expect(clock.untilDone(done)).resolves.toMatchObject({
      ok: false,
      reason: 'volume made of claim ns/c cannot be used on node n1',
    });
  });

  test.each<[string, string, string]>([
    ['pod', POD, 'the pod no longer exists'],
    ['node', NODE, 'node n1 no longer exists'],
    ['claim', CLAIM, 'claim ns/c no longer exists'],
  ])('%s deleted meanwhile', async (_what, path, reason) => {
    const { store, writer, clock } = writerOf();
    const done = writer.bindClaims(pod, 'n1', dynamic);
    await clock.advance(5);
    store.objects.delete(path);
    await expect(clock.untilDone(done)).resolves.toMatchObject({
      ok: false,
      failure: { code: 'gone' },
      reason,
    });
  });

  test('ends after the time-out, when stopped, and without the lease', async () => {
    const { writer, clock } = writerOf();
    const started = clock.nowSeconds();
    await expect(clock.untilDone(writer.bindClaims(pod, 'n1', dynamic))).resolves.toMatchObject({
      ok: false,
      reason: 'claims were not bound within 600 s',
    });
    expect(clock.nowSeconds() - started).toBeCloseTo(600);
    const stopped = writer.bindClaims(pod, 'n1', dynamic);
    await settle();
    writer.stop();
    await expect(clock.untilDone(stopped)).resolves.toMatchObject({ ok: false });
    const without = writerOf({ mayWrite: () => false });
    await expect(without.writer.bindClaims(pod, 'n1', dynamic)).resolves.toMatchObject({ ok: false });
    expect(without.client.requests).toHaveLength(0);
  });

  test('writes once more after a conflict, and resolves a lost answer', async () => {
    let patches = 0;
    const { store, writer, clock } = writerOf({}, (request, objects) => {
      if (request.method !== 'PATCH') return objects.handle(request);
      patches++;
      if (patches === 1) objects.touch(CLAIM);
      const result = objects.handle(request);
      if (patches === 2) throw new Unknown();
      return result;
    });
    const done = writer.bindClaims(pod, 'n1', dynamic);
    await clock.advance(5);
    expect(store.objects.get(CLAIM)!.metadata.annotations).toEqual({ [SELECTED]: 'n1' });
    store.add('/api/v1/persistentvolumes/made');
    store.complete(CLAIM, 'made');
    await expect(clock.untilDone(done)).resolves.toEqual({ ok: true });
    // The first was too late, the second lost, the third refused because the second had succeeded.
    expect(patches).toBe(3);
  });
});

describe('a volume that is there', () => {
  test('is reserved for the claim, and done when the controller has bound the two', async () => {
    const { store, writer, clock } = writerOf();
    store.add(VOLUME, inZone('z1'));
    const done = writer.bindClaims(pod, 'n1', fixed);
    await clock.advance(2);
    expect(store.objects.get(VOLUME)).toMatchObject({
      metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } },
      spec: {
        claimRef: {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          namespace: 'ns',
          name: 'c',
          uid: 'uid-c',
        },
      },
    });
    store.complete(CLAIM, 'v');
    await expect(clock.untilDone(done)).resolves.toEqual({ ok: true });
  });

  test('one that another claim has is not taken; one reserved by hand for this claim gets its uid', async () => {
    const taken = writerOf();
    taken.store.add(VOLUME, { claimRef: { namespace: 'ns', name: 'other', uid: 'u' } });
    await expect(taken.writer.bindClaims(pod, 'n1', fixed)).resolves.toMatchObject({
      ok: false,
      reason: 'volume v was taken by another claim',
    });
    const byHand = writerOf();
    byHand.store.add(VOLUME, { claimRef: { namespace: 'ns', name: 'c' } });
    const done = byHand.writer.bindClaims(pod, 'n1', fixed);
    await byHand.clock.advance(1);
    expect(byHand.store.objects.get(VOLUME)!.spec.claimRef).toMatchObject({ uid: 'uid-c' });
    expect(byHand.store.objects.get(VOLUME)!.metadata.annotations).toEqual({});
    byHand.store.complete(CLAIM, 'v');
    await expect(byHand.clock.untilDone(done)).resolves.toEqual({ ok: true });
  });

  test('a reservation that is taken back', async () => {
    const { store, writer, clock } = writerOf();
    store.add(VOLUME);
    const done = writer.bindClaims(pod, 'n1', fixed);
    await clock.advance(2);
    store.objects.get(VOLUME)!.spec = {};
    await expect(clock.untilDone(done)).resolves.toMatchObject({
      ok: false,
      failure: { code: 'released', object: 'volume v', claim: 'ns/c' },
      reason: 'the reservation of volume v for claim ns/c was taken back',
    });
  });

  test.each<[string, object, string]>([
    [
      'reserved for an earlier claim of this name',
      { claimRef: { namespace: 'ns', name: 'c', uid: 'old' } },
      'taken',
    ],
    [
      'reserved for a claim of this name elsewhere',
      { claimRef: { namespace: 'x', name: 'c', uid: 'uid-c' } },
      'taken',
    ],
  ])('%s is never taken over', async (_, spec, code) => {
    const { store, writer } = writerOf();
    store.add(VOLUME, { ...spec });
    await expect(writer.bindClaims(pod, 'n1', fixed)).resolves.toMatchObject({
      ok: false,
      failure: { code },
    });
    expect(store.objects.get(VOLUME)!.spec).toEqual(spec);
  });

  test.each([CLAIM, VOLUME])('%s in deletion is not written', async (path) => {
    const { store, writer } = writerOf();
    store.add(VOLUME);
    Object.assign(store.objects.get(path)!.metadata, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    await expect(writer.bindClaims(pod, 'n1', fixed)).resolves.toMatchObject({
      ok: false,
      failure: { code: 'deleting', claim: 'ns/c' },
    });
    expect(store.objects.get(VOLUME)!.spec).toEqual({});
  });

  test('a volume that becomes that of an earlier claim of the name while its pod waits', async () => {
    const { store, writer, clock } = writerOf();
    store.add(VOLUME);
    const done = writer.bindClaims(pod, 'n1', fixed);
    await clock.advance(2);
    store.objects.get(VOLUME)!.spec = { claimRef: { namespace: 'ns', name: 'c', uid: 'old' } };
    await expect(clock.untilDone(done)).resolves.toMatchObject({ ok: false, failure: { code: 'taken' } });
  });
});

describe('while claims wait', () => {
  const claimEvent = { kind: 'claim-gone', key: 'ns/c' } as const;

  test('the server is read when a watch reports a change, and seldom otherwise', async () => {
    const { store, writer, clock, client } = writerOf();
    const done = writer.bindClaims(pod, 'n1', dynamic);
    await clock.advance(1);
    const before = client.requests.length;
    await clock.advance(28);
    expect(client.requests.length).toBe(before);
    // Other claims cause no request.
    writer.noticed({ kind: 'claim-gone', key: 'ns/other' });
    await clock.advance(0.5);
    expect(client.requests.length).toBe(before);
    store.add('/api/v1/persistentvolumes/made', inZone('z1'));
    store.complete(CLAIM, 'made');
    writer.noticed(claimEvent);
    const started = clock.nowSeconds();
    await expect(clock.untilDone(done)).resolves.toEqual({ ok: true });
    expect(clock.nowSeconds() - started).toBeLessThan(0.1);
  });

  test('a change that no watch reports is found within 30 s', async () => {
    const { store, writer, clock } = writerOf();
    const done = writer.bindClaims(pod, 'n1', dynamic);
    await clock.advance(1);
    store.add('/api/v1/persistentvolumes/made', inZone('z1'));
    store.complete(CLAIM, 'made');
    const started = clock.nowSeconds();
    await expect(clock.untilDone(done)).resolves.toEqual({ ok: true });
    expect(clock.nowSeconds() - started).toBeLessThanOrEqual(30);
  });

  test('a claim that is written constantly does not cause constant reads', async () => {
    const { writer, clock, client } = writerOf();
    const done = writer.bindClaims(pod, 'n1', dynamic);
    await clock.advance(1);
    const before = client.requests.length;
    for (let i = 0; i < 100; i++) {
      writer.noticed(claimEvent);
      await clock.advance(0.01);
    }
    // Three requests a check (pod, node, claim), a check in 0.2 s.
    expect(client.requests.length - before).toBeLessThanOrEqual(3 * 6);
    writer.stop();
    await clock.untilDone(done);
  });

  test('a volume that the claim names before it is there is waited for by its name', async () => {
    const { store, writer, clock } = writerOf();
    const done = writer.bindClaims(pod, 'n1', dynamic);
    await clock.advance(1);
    store.complete(CLAIM, 'made');
    writer.noticed(claimEvent);
    await clock.advance(1);
    store.add('/api/v1/persistentvolumes/made', inZone('z1'));
    writer.noticed({ kind: 'volume-gone', name: 'made' });
    const started = clock.nowSeconds();
    await expect(clock.untilDone(done)).resolves.toEqual({ ok: true });
    expect(clock.nowSeconds() - started).toBeLessThan(0.1);
  });

  test('a change that comes while the server answers is looked at next', async () => {
    let armed = false;
    const { store, writer, clock } = writerOf({}, (request, objects) => {
      const read = objects.handle(request);
      if (armed && request.path === CLAIM) {
        armed = false;
        objects.add('/api/v1/persistentvolumes/made', inZone('z1'));
        objects.complete(CLAIM, 'made');
        writer.noticed(claimEvent);
      }
      return read;
    });
    const done = writer.bindClaims(pod, 'n1', dynamic);
    await clock.advance(1);
    armed = true;
    store.touch(CLAIM);
    writer.noticed(claimEvent);
    const started = clock.nowSeconds();
    await expect(clock.untilDone(done)).resolves.toEqual({ ok: true });
    expect(clock.nowSeconds() - started).toBeLessThan(1);
  });

  test.each<[string, string, PodEvent]>([
    ['the pod', POD, { kind: 'pod-gone', uid: 'uid-p' }],
    ['the node', NODE, { kind: 'node-gone', name: 'n1' }],
    ['the claim', CLAIM, claimEvent],
  ])('%s going ends it at once', async (_, path, event) => {
    const { store, writer, clock } = writerOf();
    const done = writer.bindClaims(pod, 'n1', dynamic);
    await clock.advance(1);
    store.objects.delete(path);
    writer.noticed(event);
    const started = clock.nowSeconds();
    await expect(clock.untilDone(done)).resolves.toMatchObject({ ok: false, failure: { code: 'gone' } });
    expect(clock.nowSeconds() - started).toBeLessThan(0.1);
  });
});

test('nothing to bind is done at once; a full writer says so', async () => {
  const { writer, client, clock } = writerOf({ podsMax: 1, queueMax: 1 });
  await expect(writer.bindClaims(pod, 'n1', [])).resolves.toEqual({ ok: true });
  expect(client.requests).toHaveLength(0);
  const waiting = [writer.bindClaims(pod, 'n1', dynamic), writer.bindClaims(pod, 'n1', dynamic)];
  await expect(writer.bindClaims(pod, 'n1', dynamic)).resolves.toMatchObject({ ok: false });
  writer.stop();
  await clock.untilDone(Promise.all(waiting));
});

test.each<[string, unknown, boolean]>([
  ['no affinity', {}, true],
  ['the zone', inZone('z1'), true],
  ['another zone', inZone('z2'), false],
  ['no terms', { nodeAffinity: { required: { nodeSelectorTerms: [] } } }, false],
  ['an empty term', { nodeAffinity: { required: { nodeSelectorTerms: [{}] } } }, false],
  [
    'one of two terms',
    {
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] },
            { matchExpressions: [{ key: 'zone', operator: 'Exists' }] },
          ],
        },
      },
    },
    true,
  ],
  [
    'an unknown operator',
    {
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'Like' }] }] },
      },
    },
    false,
  ],
])('a volume and a node: %s', (_name, spec, allowed) => {
  expect(volumeAllowsNode({ spec }, { metadata: { labels: { zone: 'z1' } } })).toBe(allowed);
});
