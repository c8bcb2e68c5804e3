/**
 * Makes the objects of cases stand in a real API server: statuses, deletions that are under way, and volumes that are
 * bound need more than one request each.
 */
import type { ApiClient, ApiRequest } from '../../../src/drivers/kubernetes/client/api.ts';
import type { Json } from './draw-nodes.ts';

/** Requests under way at most. */
const IN_FLIGHT = 48;

const COLLECTIONS: Readonly<Record<string, (namespace: string) => string>> = {
  Namespace: () => '/api/v1/namespaces',
  Node: () => '/api/v1/nodes',
  PersistentVolume: () => '/api/v1/persistentvolumes',
  StorageClass: () => '/apis/storage.k8s.io/v1/storageclasses',
  CSINode: () => '/apis/storage.k8s.io/v1/csinodes',
  CSIDriver: () => '/apis/storage.k8s.io/v1/csidrivers',
  CSIStorageCapacity: (namespace) => `/apis/storage.k8s.io/v1/namespaces/${namespace}/csistoragecapacities`,
  VolumeAttachment: () => '/apis/storage.k8s.io/v1/volumeattachments',
  DeviceClass: () => '/apis/resource.k8s.io/v1/deviceclasses',
  PersistentVolumeClaim: (namespace) => `/api/v1/namespaces/${namespace}/persistentvolumeclaims`,
  Pod: (namespace) => `/api/v1/namespaces/${namespace}/pods`,
};

/** What has to be there first, before what. */
const ORDER = [
  'Namespace',
  'Node',
  'StorageClass',
  'CSINode',
  'CSIDriver',
  'CSIStorageCapacity',
  'VolumeAttachment',
  'DeviceClass',
  'PersistentVolumeClaim',
  'PersistentVolume',
  'Pod',
];

/** Kinds whose status is dropped when they are created. */
const WITH_STATUS: ReadonlySet<unknown> = new Set(['PersistentVolumeClaim', 'PersistentVolume', 'Pod']);

interface Metadata extends Json {
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
  readonly deletionTimestamp?: string;
}

/** @returns The answer's body. @throws Error with the answer if it is not one of success. */
export async function send(client: ApiClient, request: ApiRequest): Promise<Json> {
  const { status, body } = await client.request(request);
  if (status < 300) return body as Json;
  throw new Error(`${request.method} ${request.path}: ${status} ${(body as { message?: string })?.message}`);
}

/** Does something with each of many, some at once. */
export async function forEach<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await work(items[next++] as T);
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, items.length) }, worker));
}

/** @returns Path of an object. */
export function pathOf(object: Json): string {
  const { namespace = '', name } = object.metadata as Metadata;
  const collection = COLLECTIONS[object.kind as string];
  if (collection === undefined) throw new Error(`no path for the kind ${object.kind}`);
  return `${collection(namespace)}/${name}`;
}

/** @returns The object without what the API server gives itself. */
export function asCreated(object: Json): Json {
  const { uid: _, creationTimestamp: __, deletionTimestamp: ___, ...metadata } = object.metadata as Metadata;
  const { deletionGracePeriodSeconds: ____, ...rest } = metadata;
  return { ...object, metadata: rest };
}

/** Creates an object. */
export async function create(client: ApiClient, object: Json): Promise<Json> {
  const path = pathOf(object);
  const body = asCreated(object);
  return send(client, { method: 'POST', path: path.slice(0, path.lastIndexOf('/')), body });
}

/** Creates all objects, each as it is described. */
export async function standUp(client: ApiClient, objects: readonly Json[]): Promise<void> {
  const uids = new Map<string, string>();
  for (const kind of ORDER) {
    const ofKind = objects.filter((object) => object.kind === kind);
    await forEach(ofKind, (object) => standOne(client, object, uids));
  }
}

/** @param uids Of claims, by path: volumes name them, unless they name an earlier claim or none by uid. */
async function standOne(client: ApiClient, object: Json, uids: Map<string, string>): Promise<void> {
  const created = await create(client, withClaimUid(object, uids));
  const path = pathOf(object);
  if (object.kind === 'PersistentVolumeClaim') uids.set(path, (created.metadata as Metadata).uid as string);
  if (WITH_STATUS.has(object.kind) && object.status !== undefined) {
    await send(client, {
      method: 'PATCH',
      path: `${path}/status`,
      body: { status: object.status },
    });
  }
  if ((object.metadata as Metadata).deletionTimestamp !== undefined)
    await send(client, { method: 'DELETE', path });
}

function withClaimUid(object: Json, uids: ReadonlyMap<string, string>): Json {
  const spec = object.spec as { claimRef?: { namespace: string; name: string; uid?: string } } | undefined;
  if (object.kind !== 'PersistentVolume' || spec?.claimRef === undefined) return object;
  const { namespace, name } = spec.claimRef;
  if (spec.claimRef.uid !== `uid-${namespace}-${name}`) return object;
  const uid = uids.get(pathOf({ kind: 'PersistentVolumeClaim', metadata: { namespace, name } }));
  return { ...object, spec: { ...spec, claimRef: { ...spec.claimRef, uid } } };
}

/** Takes nodes and pods away for good; the rest is in nobody's way. */
export async function tearDown(client: ApiClient, objects: readonly Json[]): Promise<void> {
  for (const kind of ['Pod', 'Node', 'CSINode', 'PersistentVolume']) {
    await forEach(
      objects.filter((object) => object.kind === kind),
      (object) => client.request({ method: 'DELETE', path: `${pathOf(object)}?gracePeriodSeconds=0` }),
    );
  }
}
