/**
 * Takes a snapshot of the cluster objects that scheduling reads, as the text of one Kubernetes `List` in JSON.
 *
 * Invariants: read page by page, so that memory is bounded by a page for any size of cluster; only the fields of
 * `kept-fields.ts`. The kinds are read one after the other: a change made meanwhile may be included or not, as with
 * `kubectl get`.
 */
import { TegError } from '../../../model/errors.ts';
import { type ApiObject, isRecord } from '../../../model/readers/read-object.ts';
import type { ApiAnswer, ApiClient } from '../client/api.ts';
import { ApiNotSentError, ApiUnknownError } from '../client/api-errors.ts';
import { keptOf } from './kept-fields.ts';

/** Version of the contents of a snapshot. */
export const SNAPSHOT_VERSION = 1;

/** A collection of the API. */
interface Collection {
  readonly path: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** Scheduling is impossible without it; without the others there is a warning. */
  readonly required?: boolean;
  /** Newer versions of the same; not requested if one of them was found. */
  readonly unless?: readonly string[];
}

/** Priority classes first, so that a reader that goes through once knows them when the pods come. */
const COLLECTIONS: readonly Collection[] = [
  collection('/apis/scheduling.k8s.io/v1', 'priorityclasses', 'PriorityClass'),
  collection('/api/v1', 'namespaces', 'Namespace'),
  collection('/apis/teg.dev/v1alpha1', 'markets', 'Market'),
  collection('/apis/teg.dev/v1alpha1', 'tenants', 'Tenant'),
  { ...collection('/api/v1', 'nodes', 'Node'), required: true },
  collection('/apis/storage.k8s.io/v1', 'csinodes', 'CSINode'),
  collection('/apis/storage.k8s.io/v1', 'csidrivers', 'CSIDriver'),
  collection('/apis/storage.k8s.io/v1', 'csistoragecapacities', 'CSIStorageCapacity'),
  collection('/apis/storage.k8s.io/v1', 'volumeattachments', 'VolumeAttachment'),
  collection('/apis/storage.k8s.io/v1', 'storageclasses', 'StorageClass'),
  collection('/apis/resource.k8s.io/v1', 'deviceclasses', 'DeviceClass'),
  collection('/api/v1', 'persistentvolumes', 'PersistentVolume'),
  collection('/api/v1', 'persistentvolumeclaims', 'PersistentVolumeClaim'),
  collection('/apis/policy/v1', 'poddisruptionbudgets', 'PodDisruptionBudget'),
  collection('/apis/scheduling.k8s.io/v1beta1', 'podgroups', 'PodGroup'),
  {
    ...collection('/apis/scheduling.k8s.io/v1alpha3', 'podgroups', 'PodGroup'),
    unless: ['scheduling.k8s.io/v1beta1'],
  },
  {
    ...collection('/apis/scheduling.k8s.io/v1alpha2', 'podgroups', 'PodGroup'),
    unless: ['scheduling.k8s.io/v1beta1', 'scheduling.k8s.io/v1alpha3'],
  },
  collection('/apis/scheduling.x-k8s.io/v1alpha1', 'podgroups', 'PodGroup'),
  { ...collection('/api/v1', 'pods', 'Pod'), required: true },
];

/** Objects a page; the server may give fewer. */
const PAGE_OBJECTS = 500;

/** Most pages of one collection: ten million objects. */
const PAGES_MAX = 20_000;

/** Attempts of one page, and the wait before the second one; it doubles. */
const ATTEMPTS_MAX = 4;
const WAIT_MS = 500;
const WAIT_MS_MAX = 10_000;

/** Options of a snapshot. */
export interface SnapshotOptions {
  /** Time of the snapshot, seconds since 1970: noted in the file. */
  readonly takenAtSeconds: number;
  /** `https://HOST:PORT`, for messages. */
  readonly server: string;
  /** Objects a page, at most; default 500. */
  readonly pageObjects?: number;
  /** Called for collections that are missing or may not be read. */
  readonly onWarning: (message: string) => void;
  /** Called after each page with the number of objects so far, and the kind of the last ones. */
  readonly onProgress?: (objects: number, kind: string) => void;
}

/** Objects by kind. */
export type SnapshotCounts = Record<string, number>;

/**
 * Reads the cluster's objects that scheduling reads, with the fields that it reads.
 *
 * @yields Them in pages, kinds in a fixed order: pods last.
 * @throws TegError TEG_SERVER_FAILED if nodes or pods cannot be read, or the server stops answering.
 */
export async function* listCluster(
  client: ApiClient,
  options: Omit<SnapshotOptions, 'takenAtSeconds'>,
): AsyncGenerator<readonly ApiObject[]> {
  const served = new Set<string>();
  let objects = 0;
  for (const of of COLLECTIONS) {
    if (of.unless?.some((newer) => served.has(`${newer} ${of.kind}`))) continue;
    for await (const page of pagesOf(client, of, options)) {
      served.add(`${of.apiVersion} ${of.kind}`);
      const kept = page
        .map((item) => keptOf(item, of.apiVersion, of.kind))
        .filter((item) => item !== undefined);
      objects += kept.length;
      if (kept.length > 0) yield kept;
      options.onProgress?.(objects, of.kind);
    }
  }
}

/**
 * Takes a snapshot.
 *
 * @yields Pieces of its text.
 * @returns Objects by kind.
 * @throws TegError as `listCluster`.
 */
export async function* takeSnapshot(
  client: ApiClient,
  options: SnapshotOptions,
): AsyncGenerator<string, SnapshotCounts> {
  const counts: SnapshotCounts = {};
  const teg = { snapshot: SNAPSHOT_VERSION, takenAtSeconds: options.takenAtSeconds };
  yield `{"apiVersion":"v1","kind":"List","metadata":{"resourceVersion":""},"teg":${JSON.stringify(teg)},"items":[`;
  let separator = '\n';
  for await (const page of listCluster(client, options)) {
    let text = '';
    for (const object of page) {
      text += separator + JSON.stringify(object);
      separator = ',\n';
      const kind = object.kind as string;
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    yield text;
  }
  yield '\n]}\n';
  return counts;
}

function collection(group: string, resource: string, kind: string): Collection {
  return { path: `${group}/${resource}`, apiVersion: group.replace(/^\/apis?\//, ''), kind };
}

async function* pagesOf(
  client: ApiClient,
  of: Collection,
  { server, pageObjects = PAGE_OBJECTS, onWarning }: Omit<SnapshotOptions, 'takenAtSeconds'>,
): AsyncGenerator<readonly unknown[]> {
  let token = '';
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const from = token === '' ? '' : `&continue=${encodeURIComponent(token)}`;
    const answer = await askAgain(client, server, `${of.path}?limit=${pageObjects}${from}`);
    const metadata = field(answer.body, 'metadata');
    const next = field(metadata, 'continue');
    if (answer.status === 410 && typeof next === 'string' && next !== '' && next !== token) {
      // The list that was begun is no longer kept; this token continues at the same place in the current list.
      token = next;
      continue;
    }
    if (answer.status !== 200) {
      refuse(of, server, answer, onWarning);
      return;
    }
    const items = field(answer.body, 'items');
    yield Array.isArray(items) ? items : [];
    if (typeof next !== 'string' || next === '') return;
    token = next;
  }
  throw failed(server + of.path, `more than ${PAGES_MAX} pages`, 'request larger pages');
}

/** @throws TegError if the collection is required, or if no other could be read either. */
function refuse(
  of: Collection,
  server: string,
  { status, body }: ApiAnswer,
  onWarning: (message: string) => void,
): void {
  const message = field(body, 'message');
  const said = typeof message === 'string' ? `${status}: ${message.slice(0, 300)}` : String(status);
  if (status === 401) throw failed(server, said, 'the credentials are not (or no longer) valid there');
  if (of.required) throw failed(server + of.path, said, 'the right to list it in all namespaces is needed');
  if (status === 404) return;
  onWarning(`${of.kind} objects are not in the snapshot: ${of.path} answered ${said}`);
}

/** Reading again does no harm, so transient failures are retried. */
async function askAgain(client: ApiClient, server: string, path: string): Promise<ApiAnswer> {
  for (let attempt = 1; ; attempt++) {
    let waitMs = Math.min(WAIT_MS_MAX, WAIT_MS * 2 ** (attempt - 1));
    try {
      const answer = await client.request({ method: 'GET', path, timeoutSeconds: 60 });
      const passes = answer.status === 429 || answer.status >= 500;
      if (!passes || attempt === ATTEMPTS_MAX) return answer;
      if (answer.retryAfterSeconds > 0) waitMs = Math.min(WAIT_MS_MAX, answer.retryAfterSeconds * 1_000);
    } catch (error) {
      if (!(error instanceof ApiNotSentError || error instanceof ApiUnknownError)) throw error;
      if (attempt === ATTEMPTS_MAX) {
        const got = error.message.replace(`${error.method} ${error.path}: `, '').replace(/^not sent: /, '');
        throw failed(server, got, 'check that it runs there and can be reached', error);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

function failed(where: string, got: string, advice: string, cause?: unknown): TegError {
  return new TegError(
    'TEG_SERVER_FAILED',
    `${where}: got ${got}, expected a list of the API server; ${advice}`,
    {
      cause,
    },
  );
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? (value as ApiObject)[name] : undefined;
}
