/**
 * `teg migrate tenants --kubeconfig` on a real API server that has the objects of `examples/migrate`: the same tenants as from the files,
 * with the rights of a reader, and nothing is written.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { HttpApiClient } from '../../src/drivers/kubernetes/client/http-client.ts';
import { at } from '../../src/drivers/kubernetes/writes/retrying-request.ts';
import { clientOf, describeWithControlPlane, kubectl } from './control-plane-fixture.ts';
import {
  applyObjects,
  defineKinds,
  KAI_KINDS,
  KUEUE_KINDS,
  VOLCANO_KINDS,
  versionsOf,
} from './peer-definitions.ts';
import { runTeg } from './teg-command.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const QUEUES = join(ROOT, 'examples', 'migrate');
const RBAC = { apiVersion: 'rbac.authorization.k8s.io/v1' };
/** All that a reader may do. Workloads are not needed. */
const RULES = [
  {
    apiGroups: ['kueue.x-k8s.io'],
    resources: ['clusterqueues', 'cohorts', 'localqueues', 'resourceflavors'],
    verbs: ['list'],
  },
  { apiGroups: ['scheduling.run.ai', 'scheduling.volcano.sh'], resources: ['queues'], verbs: ['list'] },
  { apiGroups: [''], resources: ['nodes'], verbs: ['list'] },
  { apiGroups: [''], resources: ['configmaps'], resourceNames: ['yunikorn-configs'], verbs: ['get'] },
];
/** What the cluster has of each source. */
const SOURCES = [
  ['kueue', 'clusterqueues.kueue.x-k8s.io,localqueues.kueue.x-k8s.io,resourceflavors.kueue.x-k8s.io', 3],
  ['kai', 'queues.scheduling.run.ai', 2],
  ['volcano', 'queues.scheduling.volcano.sh', 1],
  ['yunikorn', 'configmaps', 1],
] as const;

interface Printed {
  readonly objects: readonly object[];
  readonly lost: readonly { readonly path: string; readonly value?: unknown; readonly why: string }[];
}

describeWithControlPlane('tenants migrated from the objects of a cluster', ['kubectl'], () => {
  let plane: ControlPlane;
  let client: HttpApiClient;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'teg-migrate-cluster-'));
    plane = await startControlPlane();
    client = clientOf(plane.kubeconfig);
    await defineKinds(plane, [...KUEUE_KINDS, ...KAI_KINDS, ...VOLCANO_KINDS]);
    const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    const account = (name: string) => ({
      ...{ apiVersion: 'v1', kind: 'ServiceAccount' },
      metadata: { name, namespace: 'default' },
    });
    await applyObjects(plane, [
      ...['team-nlp', 'yunikorn'].map(namespace),
      ...['reader', 'nobody'].map(account),
      { ...RBAC, kind: 'ClusterRole', metadata: { name: 'reader' }, rules: RULES },
      {
        ...RBAC,
        kind: 'ClusterRoleBinding',
        metadata: { name: 'reader' },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' },
        subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace: 'default' }],
      },
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'yunikorn-configs', namespace: 'yunikorn' },
        data: { 'queues.yaml': readFileSync(join(QUEUES, 'yunikorn.yaml'), 'utf8') },
      },
    ]);
    for (const source of ['kueue', 'kai', 'volcano']) {
      await kubectl(plane, ['apply', '-f', join(QUEUES, `${source}.yaml`)]);
    }
    for (const name of ['reader', 'nobody']) await writeKubeconfig(name);
  }, 180_000);

  afterAll(async () => {
    await client?.close();
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  function kubeconfigOf(name: string): string {
    return join(folder, `${name}.json`);
  }

  /** The administrator's file with the token of a service account. */
  async function writeKubeconfig(name: string): Promise<void> {
    const { status, body } = await client.request({
      method: 'POST',
      path: `/api/v1/namespaces/default/serviceaccounts/${name}/token`,
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    });
    expect(status, JSON.stringify(body)).toBe(201);
    const config = JSON.parse(readFileSync(plane.kubeconfig, 'utf8'));
    config.users[0].user = { token: at(body, 'status', 'token') };
    writeFileSync(kubeconfigOf(name), JSON.stringify(config));
  }

  async function migrate(source: string, ...from: readonly string[]) {
    return runTeg(['migrate', 'tenants', '--from', source, ...from, '--json'], { folder });
  }

  test.each(SOURCES)(
    '%s: as from its file, read by an account that may list, and nothing is written',
    async (source, resources, count) => {
      const before = await versionsOf(plane, resources);
      // The namespace of service accounts' certificates has ConfigMaps, too.
      expect(Object.keys(before).length).toBeGreaterThanOrEqual(count);
      const [fromCluster, fromFile] = await Promise.all([
        migrate(source, '--kubeconfig', kubeconfigOf('reader')),
        migrate(source, join(QUEUES, `${source}.yaml`)),
      ]);
      expect([fromCluster.code, fromFile.code], fromCluster.stderr).toEqual([0, 0]);
      const [cluster, file] = [fromCluster, fromFile].map(({ stdout }) => JSON.parse(stdout) as Printed);
      expect(cluster?.objects.length).toBeGreaterThan(1);
      expect(cluster?.objects).toEqual(file?.objects);
      expect(lostIn(cluster)).toEqual(lostIn(file));
      expect(await versionsOf(plane, resources)).toEqual(before);
    },
  );

  test.each(SOURCES)('%s: without the right to list it says what lacks', async (source) => {
    const { code, stdout, stderr } = await migrate(source, '--kubeconfig', kubeconfigOf('nobody'));
    expect({ code, stdout }).not.toMatchObject({ code: 0 });
    expect(stdout).toBe('');
    expect(stderr).toMatch(/TEG_KUBE_OBJECT.*got the status 403, .*use credentials that may list them/s);
  });
});

/** Fields by path, value and reason: where they stand is the cluster, or the file. */
function lostIn(printed: Printed | undefined): string[] {
  return (printed?.lost ?? []).map(({ path, value, why }) => JSON.stringify([path, value, why])).sort();
}
