/** Lists of a cluster's objects for a migration: GET only. */
import type { ApiClient } from '../../drivers/kubernetes/client/api.ts';
import { createApiClient } from '../../drivers/kubernetes/client/http-client.ts';
import { loadTarget, type TargetOptions } from '../../drivers/kubernetes/client/target.ts';
import { TegError } from '../../model/errors.ts';
import type { SourceText } from '../../traces/tenants/migrate/source-objects.ts';
import type { MigrationSource } from '../../traces/tenants/migrate/sources.ts';

/** Objects of a page. */
const PAGE_OBJECTS = 500;
/** Pages of a list: 500,000 objects. */
const PAGES_MAX = 1000;

interface ListedKind {
  readonly kind: string;
  /** Newest version first. */
  readonly paths: readonly string[];
  /** A cluster without them can be migrated. */
  readonly isOptional?: boolean;
}

const kueue = (kind: string, resource: string, isOptional = false): ListedKind => ({
  kind,
  paths: ['v1beta2', 'v1beta1', 'v1alpha1'].map((version) => `/apis/kueue.x-k8s.io/${version}/${resource}`),
  isOptional,
});

const LISTS: Readonly<Record<Exclude<MigrationSource, 'yunikorn' | 'slurm'>, readonly ListedKind[]>> = {
  kueue: [
    kueue('ClusterQueue', 'clusterqueues'),
    kueue('Cohort', 'cohorts', true),
    kueue('LocalQueue', 'localqueues'),
    kueue('ResourceFlavor', 'resourceflavors'),
  ],
  kai: [
    { kind: 'Queue', paths: ['/apis/scheduling.run.ai/v2/queues'] },
    { kind: 'Node', paths: ['/api/v1/nodes'] },
  ],
  volcano: [{ kind: 'Queue', paths: ['/apis/scheduling.volcano.sh/v1beta1/queues'] }],
};

/** Where YuniKorn's installation keeps its queues. */
const YUNIKORN_CONFIG = '/api/v1/namespaces/yunikorn/configmaps/yunikorn-configs';

/**
 * @returns The objects as texts for `migrateTenants`.
 * @throws TegError TEG_OPTION_INVALID for Slurm; TEG_KUBE_CONFIG: no cluster; TEG_KUBE_OBJECT: the cluster does not serve the objects,
 *   or refuses to list them.
 */
export async function clusterTexts(source: MigrationSource, options: TargetOptions): Promise<SourceText[]> {
  if (source === 'slurm') {
    throw new TegError(
      'TEG_OPTION_INVALID',
      'got --kubeconfig, expected the file of sacctmgr dump: Slurm has no API server',
    );
  }
  const target = await loadTarget(options);
  const client = createApiClient(target);
  try {
    return await textsOf(client, source, target.server);
  } finally {
    await client.close();
  }
}

async function textsOf(
  client: ApiClient,
  source: Exclude<MigrationSource, 'slurm'>,
  server: string,
): Promise<SourceText[]> {
  if (source === 'yunikorn') {
    const { status, body } = await client.request({ method: 'GET', path: YUNIKORN_CONFIG });
    const text = (body as { data?: Record<string, string> } | undefined)?.data?.['queues.yaml'];
    if (status === 200 && typeof text === 'string') return [{ origin: `${server}${YUNIKORN_CONFIG}`, text }];
    throw refused(server, YUNIKORN_CONFIG, status, 'a ConfigMap with queues.yaml');
  }
  const texts: SourceText[] = [];
  for (const { kind, paths, isOptional } of LISTS[source]) {
    const items = await newestList(client, server, paths, isOptional === true);
    const text = JSON.stringify(items.map((item) => ({ ...(item as object), kind })));
    texts.push({ origin: `${server} ${kind}`, text });
  }
  return texts;
}

async function newestList(
  client: ApiClient,
  server: string,
  paths: readonly string[],
  isOptional: boolean,
): Promise<unknown[]> {
  for (const path of paths) {
    const items = await listAll(client, server, path);
    if (items !== undefined) return items;
  }
  if (isOptional) return [];
  throw refused(server, paths[0] as string, 404, 'these objects to be served');
}

/** @returns undefined if the server does not know the resource. */
async function listAll(client: ApiClient, server: string, path: string): Promise<unknown[] | undefined> {
  const items: unknown[] = [];
  let token = '';
  for (let page = 0; page < PAGES_MAX; page++) {
    const from = token === '' ? '' : `&continue=${encodeURIComponent(token)}`;
    const { status, body } = await client.request({
      method: 'GET',
      path: `${path}?limit=${PAGE_OBJECTS}${from}`,
    });
    if (status === 404 && page === 0) return undefined;
    const list = body as { items?: unknown[] | null; metadata?: { continue?: string } } | undefined;
    if (status !== 200 || list === undefined) throw refused(server, path, status, 'a list');
    items.push(...(list.items ?? []));
    token = list.metadata?.continue ?? '';
    if (token === '') return items;
  }
  throw refused(server, path, 200, `at most ${PAGE_OBJECTS * PAGES_MAX} objects`);
}

function refused(server: string, path: string, status: number, expected: string): TegError {
  const advice =
    status === 403
      ? 'use credentials that may list them'
      : 'check the cluster and its versions, or name files';
  return new TegError(
    'TEG_KUBE_OBJECT',
    `${server}${path}: got the status ${status}, expected ${expected}; ${advice}`,
  );
}
