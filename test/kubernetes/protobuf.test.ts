/**
 * Objects in protobuf: they are read as their JSON is, on a real API server and against the definitions of Kubernetes itself.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { moduleOfBinary } from '../../lab/control-plane/go-modules.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiClient } from '../../src/drivers/kubernetes/client/api.ts';
import type { MessageSchema } from '../../src/drivers/kubernetes/client/protobuf/message-schema.ts';
import { Reflector } from '../../src/drivers/kubernetes/client/reflector.ts';
import { elaboratePod } from '../../src/drivers/kubernetes/objects/objects.fixtures.ts';
import { profilesOf } from '../../src/drivers/kubernetes/objects/profiles.ts';
import * as schemas from '../../src/drivers/kubernetes/objects/wire-schemas.ts';
import {
  isMalformed,
  type WatchedResource,
  watchedResources,
} from '../../src/drivers/kubernetes/watched-resources.ts';
import { eventBody } from '../../src/drivers/kubernetes/writes/event-body.ts';
import { BINDING, EVENT } from '../../src/drivers/kubernetes/writes/written-schemas.ts';
import type { PodEvent } from '../../src/governor/pods/pod-events.ts';
import { until } from '../support/scripted-server.ts';
import { clientOf, describeWithControlPlane, targetOf } from './control-plane-fixture.ts';
import { asCreated, forEach, pathOf, send, standUp } from './differential/api-world.ts';
import { drawCase } from './differential/draw-case.ts';
import type { Json } from './differential/draw-nodes.ts';
import { namesAmongOthers } from './differential/world-names.ts';

/** Random clusters of a few nodes, volumes and pods: half of them are there first, half come while it is watched. */
const CASES = 120;

const SCHEDULER = 'teg';

/** Follows a resource in one format and keeps what its objects became. */
class Follower {
  /** By uid. */
  readonly described = new Map<string, PodEvent | string>();
  readonly reflector: Reflector;
  private readonly watched: WatchedResource;
  private latest: PodEvent | undefined;

  constructor(plane: ControlPlane, index: number, format: 'json' | 'protobuf', listing: 'stream' | 'pages') {
    const feed = (event: PodEvent): void => {
      this.latest = event;
    };
    this.watched = watchedResources(profilesOf([SCHEDULER]), feed)[index] as WatchedResource;
    const { schema, ...plain } = this.watched.resource;
    const resource = format === 'json' || schema === undefined ? plain : { ...plain, schema };
    const handler = {
      set: (object: unknown) => this.take(object),
      gone: (uid: string) => this.described.delete(uid),
      synced: () => undefined,
    };
    this.reflector = new Reflector(targetOf(plane.kubeconfig), resource, handler, { listing, pageSize: 50 });
    this.reflector.start();
  }

  private take(object: unknown): void {
    const { uid } = (object as { metadata: { uid: string } }).metadata;
    try {
      this.watched.set(object);
      this.described.set(uid, this.latest as PodEvent);
    } catch (error) {
      if (!isMalformed(error)) throw error;
      this.described.set(uid, error.message);
    }
  }
}

describeWithControlPlane('what a real server sends as protobuf', [], () => {
  let plane: ControlPlane;
  let client: ApiClient;
  const followers: Follower[][] = [];

  beforeAll(async () => {
    // Without what changes pods that these clusters have not got the objects for.
    const off =
      '--disable-admission-plugins=RuntimeClass,StorageObjectInUseProtection,DefaultTolerationSeconds';
    plane = await startControlPlane({ apiServerFlags: [off] });
    client = clientOf(plane.kubeconfig);
  }, 120_000);

  afterAll(async () => {
    await Promise.all(followers.flat().map(({ reflector }) => reflector.stop()));
    await client?.close();
    await plane?.stop();
  }, 60_000);

  /** Creates what the server takes of random clusters: not all that is drawn is valid. */
  async function standCases(seeds: readonly number[]): Promise<void> {
    await forEach(seeds, async (seed) => {
      const { objects, probe } = drawCase(seed, namesAmongOthers(`w${seed}`));
      for (const object of [...objects, ...driverObjects(seed), probe, elaborate(probe)])
        await standUp(client, [object]).catch(() => undefined);
      for (const object of objects.filter(({ kind }) => kind === 'PodDisruptionBudget'))
        await createBudget(object);
    });
  }

  /** What CSI drivers tell and DeviceClasses, which cases that stand beside others do not have. */
  function driverObjects(seed: number): Json[] {
    const name = `w${seed}.example.com`;
    const storage = { apiVersion: 'storage.k8s.io/v1' };
    const amounts = seed % 3 === 0 ? { maximumVolumeSize: '0' } : { capacity: `${seed}Gi` };
    return [
      { ...storage, kind: 'CSIDriver', metadata: { name }, spec: { storageCapacity: seed % 4 > 1 } },
      {
        ...storage,
        kind: 'CSIStorageCapacity',
        metadata: { namespace: 'default', name },
        storageClassName: `class-${seed}`,
        ...(seed % 5 > 0 && { nodeTopology: { matchLabels: { zone: `z${seed}` } } }),
        ...amounts,
      },
      {
        ...storage,
        kind: 'VolumeAttachment',
        metadata: { name },
        spec: { attacher: name, nodeName: `n${seed}`, source: { persistentVolumeName: `v${seed}` } },
      },
      {
        apiVersion: 'resource.k8s.io/v1',
        kind: 'DeviceClass',
        metadata: { name },
        spec: {
          selectors: [{ cel: { expression: `device.driver == '${name}'` } }],
          ...(seed % 4 > 0 && { extendedResourceName: `w${seed}.example.com/gpu` }),
        },
      },
    ];
  }

  /** A pod with everything in the namespace of another one. */
  function elaborate(beside: Json): Json {
    const pod = elaboratePod();
    const { namespace } = beside.metadata as { namespace: string };
    delete pod.spec.overhead;
    return { ...pod, kind: 'Pod', metadata: { namespace, name: 'elaborate', labels: pod.metadata.labels } };
  }

  async function createBudget(budget: Json): Promise<void> {
    const { namespace, name } = budget.metadata as { namespace: string; name: string };
    const path = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
    await send(client, { method: 'POST', path, body: asCreated(budget) });
    await send(client, { method: 'PATCH', path: `${path}/${name}/status`, body: { status: budget.status } });
  }

  test('random objects, there before and changed while they are watched, become the same', async () => {
    const seeds = Array.from({ length: CASES }, (_, i) => i + 1);
    await standCases(seeds.filter((seed) => seed % 2 === 0));
    const resources = watchedResources(profilesOf([SCHEDULER]), () => undefined).map(
      ({ resource }) => resource,
    );
    for (const index of resources.keys()) {
      followers.push([
        new Follower(plane, index, 'json', 'stream'),
        new Follower(plane, index, 'protobuf', 'stream'),
        new Follower(plane, index, 'protobuf', 'pages'),
      ]);
    }
    await until(() => followers.flat().every(({ reflector }) => reflector.synced), 30);
    await standCases(seeds.filter((seed) => seed % 2 === 1));
    await changeSome(seeds);
    for (const [index, { name, schema }] of resources.entries()) {
      const [json, streamed, paged] = followers[index] as [Follower, Follower, Follower];
      await until(() => same(json, streamed) && same(json, paged), 30).catch(() => undefined);
      expect(streamed.described, name).toEqual(json.described);
      expect(paged.described, name).toEqual(json.described);
      // Both formats were really spoken: protobuf is much the smaller one.
      if (schema !== undefined)
        expect(streamed.reflector.bytes, name).toBeLessThan(json.reflector.bytes * 0.9);
      const isRare = name.startsWith('podgroups') || name === 'pods.ended';
      expect(json.described.size, name).toBeGreaterThan(isRare ? -1 : CASES / 8);
      expect(
        [json, streamed, paged].map(({ reflector }) => reflector.counts.failures),
        name,
      ).toEqual([0, 0, 0]);
    }
  }, 120_000);

  /** Labels and deletes pods, so that watches have more than new objects. */
  async function changeSome(seeds: readonly number[]): Promise<void> {
    await forEach(seeds, async (seed) => {
      const { probe } = drawCase(seed, namesAmongOthers(`w${seed}`));
      const path = pathOf(probe);
      if (seed % 3 === 0) await client.request({ method: 'DELETE', path: `${path}?gracePeriodSeconds=0` });
      const body = { metadata: { labels: { changed: 'yes' }, annotations: { long: 'x'.repeat(5000) } } };
      if (seed % 3 === 1) await client.request({ method: 'PATCH', path, body });
    });
  }

  function same(a: Follower, b: Follower): boolean {
    const versions = ({ reflector }: Follower): string => JSON.stringify(reflector.objectCounts);
    return a.described.size === b.described.size && versions(a) === versions(b);
  }
});

describeWithControlPlane('what is written as protobuf to a real server', [], () => {
  const NAMESPACE = 'written';
  const EVENTS = `/apis/events.k8s.io/v1/namespaces/${NAMESPACE}/events`;
  const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
  let plane: ControlPlane;
  let client: ApiClient;

  beforeAll(async () => {
    plane = await startControlPlane({});
    client = clientOf(plane.kubeconfig);
    await send(client, { method: 'POST', path: '/api/v1/namespaces', body: named(NAMESPACE) });
  }, 120_000);

  afterAll(async () => {
    await client?.close();
    await plane?.stop();
  }, 60_000);

  const named = (name: string): Json => ({ metadata: { name } });

  /** An event with everything that one can have. */
  function bodyOf(name: string): object {
    const reference = { apiVersion: 'v1', kind: 'Pod', namespace: NAMESPACE, name: 'p', uid: 'u-1' };
    const related = { apiVersion: 'v1', kind: 'Node', namespace: '', name: 'n', uid: 'u-2' };
    const note = `Zürich ✓ ${'x'.repeat(500)}`;
    const event = { regarding: reference, related, reason: 'Scheduled', action: 'Binding', note } as const;
    const series = { count: 300, lastWallSeconds: 1_800_000_060.000001 };
    return eventBody({ ...event, type: 'Normal' }, name, 'teg-scheduler', 'teg-0', 1_800_000_000.25, series);
  }

  async function readEvent(name: string): Promise<object> {
    const { body } = await client.request({ method: 'GET', path: `${EVENTS}/${name}` });
    const { metadata, ...rest } = body as { metadata: object };
    return rest;
  }

  test('an event is there as it would be from JSON', async () => {
    await send(client, { method: 'POST', path: EVENTS, body: bodyOf('json') });
    const written = await client.request({
      method: 'POST',
      path: EVENTS,
      body: bodyOf('protobuf'),
      schema: EVENT,
    });
    expect(written.status).toBe(201);
    const event = await readEvent('protobuf');
    expect(event).toEqual(await readEvent('json'));
    expect(event).toMatchObject({
      eventTime: '2027-01-15T08:00:00.250000Z',
      series: { count: 300, lastObservedTime: '2027-01-15T08:01:00.000001Z' },
    });
  });

  test('a binding binds; refusals come back with their reasons, as from JSON', async () => {
    const spec = { schedulerName: 'nobody', containers: [{ name: 'c', image: 'i' }] };
    const pod = { method: 'POST', path: PODS, body: { metadata: { name: 'p' }, spec } } as const;
    const { uid } = ((await client.request(pod)).body as { metadata: { uid: string } }).metadata;
    const bind = (uidAsked: string, schema?: MessageSchema) =>
      client.request({
        method: 'POST',
        path: `${PODS}/p/binding`,
        body: {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { name: 'p', namespace: NAMESPACE, uid: uidAsked },
          target: { apiVersion: 'v1', kind: 'Node', name: 'n-1' },
        },
        ...(schema === undefined ? {} : { schema }),
      });
    const reasons = async (uidAsked: string): Promise<void> => {
      const { status, body } = await bind(uidAsked, BINDING);
      const json = await bind(uidAsked);
      const { message, reason, code } = json.body as Json;
      expect([status, body]).toEqual([409, expect.objectContaining({ message, reason, code })]);
    };
    await reasons('another');
    expect((await bind(uid, BINDING)).status).toBe(201);
    const { body } = await client.request({ method: 'GET', path: `${PODS}/p` });
    expect(body).toMatchObject({ spec: { nodeName: 'n-1' } });
    await reasons(uid);
  });
});

/** Messages of the definitions: fields by name, each with its number and type. */
type Definitions = ReadonlyMap<string, ReadonlyMap<string, { number: number; type: string }>>;

/** @returns Folders of the Kubernetes modules that the control plane is built from; none where they are not there. */
function moduleFolders(): string[] {
  const modules = ['k8s.io/api', 'k8s.io/apimachinery'];
  try {
    const options = {
      cwd: moduleOfBinary('kube-apiserver').folder,
      encoding: 'utf8',
      stdio: 'pipe',
    } as const;
    const printed = execFileSync('go', ['list', '-m', '-f', '{{.Dir}}', ...modules], options);
    return printed.split('\n').filter((line) => line !== '' && existsSync(line));
  } catch {
    return [];
  }
}

/** Reads the messages of a `generated.proto`. */
function definitionsOf(file: string): Definitions {
  const messages = new Map<string, Map<string, { number: number; type: string }>>();
  for (const [, name = '', body = ''] of readFileSync(file, 'utf8').matchAll(
    /^message (\w+) \{\n(.*?)^\}/gms,
  )) {
    const fields = new Map<string, { number: number; type: string }>();
    for (const line of body.matchAll(/^ +(?:optional |repeated )?(map<.+>|[\w.]+) (\w+) = (\d+);/gm)) {
      fields.set(line[2] as string, { number: Number(line[3]), type: line[1] as string });
    }
    messages.set(name, fields);
  }
  return messages;
}

const folders = moduleFolders();
if (folders.length < 2)
  process.stderr.write("skipped 'field numbers': the Go modules of Kubernetes are not there\n");

describe.skipIf(folders.length < 2)('field numbers', () => {
  const [api = '', machinery = ''] = folders;
  const files = {
    core: join(api, 'core/v1/generated.proto'),
    events: join(api, 'events/v1/generated.proto'),
    storage: join(api, 'storage/v1/generated.proto'),
    resource: join(api, 'resource/v1/generated.proto'),
    policy: join(api, 'policy/v1/generated.proto'),
    meta: join(machinery, 'pkg/apis/meta/v1/generated.proto'),
  };

  /** Fields of older versions of Kubernetes. */
  const PAST = new Set(['PodSpec.workloadRef']);

  /** Compares a schema with a message, and the messages within. @returns How many fields were compared. */
  function compare(schema: MessageSchema, name: string, home: Definitions): number {
    const meta = definitionsOf(files.meta);
    const core = definitionsOf(files.core);
    const fields = home.get(name) ?? core.get(name) ?? meta.get(name);
    expect(fields, name).toBeDefined();
    let compared = 0;
    for (const field of schema.fields) {
      if (field === undefined || PAST.has(`${name}.${field.name}`)) continue;
      const defined = fields?.get(field.name);
      expect(defined?.number, `${name}.${field.name}`).toBe(field.number);
      compared++;
      const type = (defined?.type ?? '')
        .replace(/^map<.*, ?(.*)>$/, '$1')
        .split('.')
        .at(-1) as string;
      const wanted = typeof field.type === 'object' ? undefined : field.type;
      if (wanted === undefined)
        compared += field.shape === 'names' ? 0 : compare(field.type as MessageSchema, type, home);
      else expect(wanted, `${name}.${field.name}`).toBe(KINDS[type] ?? `no kind of ${type}`);
    }
    return compared;
  }

  const KINDS: Readonly<Record<string, string>> = {
    ...{
      string: 'text',
      int32: 'integer',
      int64: 'integer',
      bool: 'flag',
      Time: 'time',
      MicroTime: 'microTime',
      Quantity: 'quantity',
    },
  };

  test.each([
    [schemas.POD, 'Pod', files.core, 100],
    [schemas.NODE, 'Node', files.core, 10],
    [schemas.NAMESPACE, 'Namespace', files.core, 7],
    [schemas.CLAIM, 'PersistentVolumeClaim', files.core, 20],
    [schemas.VOLUME, 'PersistentVolume', files.core, 25],
    [schemas.STORAGE_CLASS, 'StorageClass', files.storage, 10],
    [schemas.CSI_NODE, 'CSINode', files.storage, 10],
    [schemas.CSI_DRIVER, 'CSIDriver', files.storage, 8],
    [schemas.STORAGE_CAPACITY, 'CSIStorageCapacity', files.storage, 12],
    [schemas.VOLUME_ATTACHMENT, 'VolumeAttachment', files.storage, 11],
    [schemas.DEVICE_CLASS, 'DeviceClass', files.resource, 8],
    [schemas.BUDGET, 'PodDisruptionBudget', files.policy, 14],
    [BINDING, 'Binding', files.core, 10],
    [EVENT, 'Event', files.events, 25],
  ])('%#: those of Kubernetes itself', (schema, name, file, least) => {
    expect(compare(schema, name, definitionsOf(file))).toBeGreaterThanOrEqual(least);
  });
});
