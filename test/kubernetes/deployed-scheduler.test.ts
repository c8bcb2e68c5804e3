/**
 * The whole scheduler as it is installed: the manifests' configuration, and a real token of its ServiceAccount with exactly
 * its roles, against an API server that enforces them. Every action that needs a right succeeds; a missing right is reported.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { MANIFESTS_FILE } from '../../deploy/render.ts';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { createNodes, untilUsable } from '../../lab/control-plane/nodes.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiRequest } from '../../src/drivers/kubernetes/client/api.ts';
import type { HttpApiClient } from '../../src/drivers/kubernetes/client/http-client.ts';
import { getPage } from '../../src/drivers/kubernetes/server/server.fixtures.ts';
import { clientOf, describeWithControlPlane, kubectl } from './control-plane-fixture.ts';
import type { RoleRule } from './deployed-rights.ts';
import { TegChild } from './faults/teg-child.ts';
import { seriesOf, sumOf } from './metrics-text.ts';

const NAMESPACE = 'teg-system';
const PODS = '/api/v1/namespaces/shop/pods';
const GROUPS = '/apis/scheduling.k8s.io/v1alpha2/namespaces/shop/podgroups';
const CLAIMS = '/api/v1/namespaces/shop/persistentvolumeclaims';
const ROLE = '/apis/rbac.authorization.k8s.io/v1/clusterroles/teg';
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/teg-scheduler`;
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const RUNS = { timeout: 20_000, interval: 100 };

/** As much of an object as is looked at. */
interface Seen {
  readonly kind?: string;
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: {
    readonly phase?: string;
    readonly nominatedNodeName?: string;
    readonly conditions?: readonly Readonly<Record<string, string>>[];
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly rules?: readonly RoleRule[];
}

interface SeenEvent {
  readonly reason: string;
  readonly note: string;
  readonly reportingController: string;
}

describeWithControlPlane('the deployed scheduler', ['kube-controller-manager', 'kwok', 'kubectl'], () => {
  let plane: ControlPlane;
  let admin: HttpApiClient;
  let folder: string;
  let manifests: Seen[];
  let teg: TegChild;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'teg-deployed-'));
    plane = await startControlPlane({ admission: true, kwok: true });
    admin = clientOf(plane.kubeconfig);
    manifests = parseAllDocuments(readFileSync(MANIFESTS_FILE, 'utf8')).map((each) => each.toJS() as Seen);
    // No kubelet runs the Deployment's pods: this test does.
    const installed = manifests.filter(({ kind }) => kind !== 'Deployment');
    await kubectl(
      plane,
      ['apply', '--server-side', '-f', '-'],
      installed.map((each) => `---\n${stringify(each)}`).join(''),
    );
    await must('POST', '/api/v1/namespaces', { metadata: { name: 'shop' } });
    await must('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', {
      metadata: { name: 'gold' },
      value: 1000,
    });
    await createNodes(admin, 3);
    await untilUsable(admin, '');
    await vi.waitFor(
      async () => expect(await look('/api/v1/namespaces/shop/serviceaccounts/default')).toBeDefined(),
      RUNS,
    );
  }, 120_000);

  afterEach(({ task }) => {
    if (task.result?.state === 'fail')
      process.stderr.write(`${JSON.stringify(teg?.lines.slice(-20), undefined, 1)}\n`);
  });

  afterAll(async () => {
    if (teg?.running) await teg.kill();
    await admin?.close();
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function must(method: ApiRequest['method'], path: string, body?: unknown): Promise<unknown> {
    const answer = await admin.request({ method, path, ...(body === undefined ? {} : { body }) });
    expect(answer.status, `${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  }

  async function look(path: string): Promise<Seen | undefined> {
    const { status, body } = await admin.request({ method: 'GET', path });
    return status === 200 ? (body as Seen) : undefined;
  }

  async function tokenOf(namespace: string, name: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const body = await must('POST', path, { spec: { expirationSeconds: 3600 } });
    return (body as { status: { token: string } }).status.token;
  }

  /** A scheduler with the configuration of the ConfigMap, on a free port of loopback. */
  async function startTeg(): Promise<TegChild> {
    const config = parse(manifests.find(({ kind }) => kind === 'ConfigMap')?.data?.['scheduler.yaml'] ?? '');
    expect(config.leaderElection).toMatchObject({ leaderElect: true, resourceNamespace: NAMESPACE });
    const kubeconfig = JSON.parse(readFileSync(plane.kubeconfig, 'utf8'));
    kubeconfig.users[0].user = { token: await tokenOf(NAMESPACE, 'teg') };
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, JSON.stringify(kubeconfig), { mode: 0o600 });
    const server = { ...config.server, bindAddress: '127.0.0.1', port: 0 };
    return new TegChild({
      kubeconfig: file,
      folder,
      config: { ...config, server, gangs: { repairSeconds: 2 } },
      onDeath: (what) => process.stderr.write(`${what}\n`),
    });
  }

  /** Its /metrics; nobody needs a token on loopback. */
  async function metricsPage(): Promise<string> {
    const { status, text } = await getPage(`${teg.url}/metrics`);
    expect(status, text).toBe(200);
    return text;
  }

  function createPod(name: string, cpu: string, spec: object = {}): Promise<unknown> {
    return must('POST', PODS, {
      metadata: { name },
      spec: {
        schedulerName: 'teg',
        containers: [{ name: 'c', image: 'i', resources: { requests: { cpu, memory: '100Mi' } } }],
        ...spec,
      },
    });
  }

  async function nodeOf(name: string): Promise<unknown> {
    return (await look(`${PODS}/${name}`))?.spec.nodeName;
  }

  async function eventsOf(name: string): Promise<SeenEvent[]> {
    const path = `/apis/events.k8s.io/v1/namespaces/shop/events?fieldSelector=regarding.name%3D${name}`;
    return ((await must('GET', path)) as { items: SeenEvent[] }).items;
  }

  async function reasonsOf(name: string): Promise<string[]> {
    const told = (await eventsOf(name)).filter(
      ({ reportingController }) => reportingController === 'teg-scheduler',
    );
    return told.map(({ reason }) => reason);
  }

  test('starts with its token, and holds the Lease of its namespace', async () => {
    teg = await startTeg();
    await expect.poll(() => teg.said('leading').length, RUNS).toBe(1);
    const lease = await look(LEASE);
    expect(lease?.spec.holderIdentity).toEqual(expect.stringMatching(/_[-0-9a-f]{36}$/));
    await expect.poll(async () => (await getPage(`${teg.url}/readyz`)).status, RUNS).toBe(200);
  });

  test('plain pods are bound, with an event', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `plain-${i}`);
    for (const name of names) await createPod(name, '100m');
    for (const name of names) {
      await expect.poll(() => nodeOf(name), RUNS).toBeTypeOf('string');
      await expect.poll(() => reasonsOf(name), RUNS).toEqual(['Scheduled']);
    }
  });

  test('a pod that fits nowhere has the event and the condition', async () => {
    await createPod('huge', '64');
    const text = '0/3 nodes are available: 3 Insufficient cpu.';
    await expect.poll(() => reasonsOf('huge'), RUNS).toEqual(['FailedScheduling']);
    const [event] = await eventsOf('huge');
    expect(event?.note.startsWith(text), event?.note).toBe(true);
    const conditionOf = async () => (await look(`${PODS}/huge`))?.status.conditions?.[0];
    await expect.poll(conditionOf, RUNS).toMatchObject({
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: expect.stringContaining(text),
    });
  });

  test('a gang waits until it is whole, and is bound at once', async () => {
    await must('POST', GROUPS, {
      apiVersion: 'scheduling.k8s.io/v1alpha2',
      kind: 'PodGroup',
      metadata: { name: 'team' },
      spec: { schedulingPolicy: { gang: { minCount: 3 } } },
    });
    const spec = { schedulingGroup: { podGroupName: 'team' } };
    await createPod('team-0', '500m', spec);
    await createPod('team-1', '500m', spec);
    await delay(1000);
    expect([await nodeOf('team-0'), await nodeOf('team-1')]).toEqual([undefined, undefined]);
    await createPod('team-2', '500m', spec);
    for (const name of ['team-0', 'team-1', 'team-2']) {
      await expect.poll(() => nodeOf(name), RUNS).toBeTypeOf('string');
    }
  });

  test('victims make room for a pod of higher priority', async () => {
    await createNodes(admin, 1, { prefix: 'small-', labels: { pool: 'small' } });
    await untilUsable(admin, 'small-');
    const nodeSelector = { pool: 'small' };
    await createPod('victim', '3', { nodeSelector });
    await expect.poll(() => nodeOf('victim'), RUNS).toBe('small-0');
    await createPod('winner', '3', { nodeSelector, priorityClassName: 'gold' });
    await expect.poll(() => nodeOf('winner'), RUNS).toBe('small-0');
    expect(await look(`${PODS}/victim`)).toBeUndefined();
    await expect
      .poll(() => reasonsOf('victim'), RUNS)
      .toEqual(expect.arrayContaining(['Scheduled', 'Preempted']));
    const told = (await eventsOf('winner')).find(({ reason }) => reason === 'FailedScheduling');
    expect(told?.note).toMatch(/^0\/4 nodes are available: /);
  });

  test('a claim that waits for its first pod is bound to a local volume of the chosen node', async () => {
    await must('POST', '/apis/storage.k8s.io/v1/storageclasses', {
      metadata: { name: 'local' },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    const term = {
      matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-2'] }],
    };
    await must('POST', '/api/v1/persistentvolumes', {
      metadata: { name: 'disk' },
      spec: {
        capacity: { storage: '10Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'local',
        local: { path: '/disk' },
        nodeAffinity: { required: { nodeSelectorTerms: [term] } },
      },
    });
    await must('POST', CLAIMS, {
      metadata: { name: 'data' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'local',
        resources: { requests: { storage: '5Gi' } },
      },
    });
    await createPod('stores', '100m', {
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
    });
    await expect.poll(() => nodeOf('stores'), RUNS).toBe('node-2');
    expect((await look(`${CLAIMS}/data`))?.spec.volumeName).toBe('disk');
  });

  test('a gang that cannot be completed is released by eviction', async () => {
    await must('POST', GROUPS, {
      apiVersion: 'scheduling.k8s.io/v1alpha2',
      kind: 'PodGroup',
      metadata: { name: 'broken' },
      spec: { schedulingPolicy: { gang: { minCount: 2 } } },
    });
    // One binding of the two that are sent together is refused: the gang is half bound, and has not started.
    await must('POST', `${ADMISSION}/validatingadmissionpolicies`, {
      metadata: { name: 'half-bound' },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/binding'] },
          ],
        },
        validations: [{ expression: "object.metadata.name != 'broken-1'" }],
      },
    });
    await must('POST', `${ADMISSION}/validatingadmissionpolicybindings`, {
      metadata: { name: 'half-bound' },
      spec: { policyName: 'half-bound', validationActions: ['Deny'] },
    });
    const refused = async (): Promise<number> => {
      const body = { metadata: { name: 'broken-1' }, target: { kind: 'Node', name: 'node-0' } };
      return (await admin.request({ method: 'POST', path: `${PODS}/broken-1/binding`, body })).status;
    };
    await expect.poll(refused, RUNS).toBe(422);
    const schedulingGroup = { podGroupName: 'broken' };
    for (const name of ['broken-0', 'broken-1']) await createPod(name, '100m', { schedulingGroup });
    await expect.poll(() => reasonsOf('broken-0'), RUNS).toContain('GangReleased');
    await expect.poll(() => look(`${PODS}/broken-0`), RUNS).toBeUndefined();
    await must('DELETE', `${ADMISSION}/validatingadmissionpolicybindings/half-bound`);
    await must('DELETE', `${ADMISSION}/validatingadmissionpolicies/half-bound`);
  });

  test('nothing that it asked for was forbidden', async () => {
    const page = await metricsPage();
    const requests = seriesOf(page, 'rest_client_requests_total');
    const methods = new Set(requests.filter(({ value }) => value > 0).map(({ labels }) => labels.method));
    expect([...methods].sort()).toEqual(['DELETE', 'GET', 'PATCH', 'POST', 'PUT']);
    expect(requests.filter(({ labels }) => /^40[13]$/.test(labels.code ?? ''))).toEqual([]);
    expect(sumOf(page, 'teg_binds_total', { outcome: 'bound' })).toBeGreaterThanOrEqual(16);
    expect(sumOf(page, 'teg_events_total', { result: 'refused' })).toBe(0);
    expect(sumOf(page, 'teg_reflector_total', { what: 'failures' })).toBe(0);
    const complaints = teg.lines.filter(({ level }) => Number(level) >= 40);
    // The release, and the binding that was refused before it, are warnings by intent.
    const byIntent = /is released|bind refused/;
    expect(complaints.map(({ msg }) => msg).filter((msg) => !byIntent.test(String(msg)))).toEqual([]);
    expect(teg.stderr).toBe('');
  });

  test('SIGTERM ends it with 0, and frees the Lease', async () => {
    expect(await teg.stop()).toBe(0);
    expect((await look(LEASE))?.spec.holderIdentity ?? '').toBe('');
  });

  test('without the right to bind pods stay pending, it lives on and says so, and goes on once it has the right', async () => {
    const role = manifests.find(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'teg');
    const rules = role?.rules ?? [];
    const without = rules.filter(({ resources }) => !resources?.includes('pods/binding'));
    expect(without).toHaveLength(rules.length - 1);
    await must('PATCH', ROLE, { rules: without });
    teg = await startTeg();
    await expect.poll(() => teg.said('leading').length, RUNS).toBe(1);
    await createPod('forbidden', '100m');
    await expect.poll(() => teg.said('bind refused').length, RUNS).toBe(1);
    expect(teg.said('bind refused')[0]).toMatchObject({
      level: 40,
      pod: 'shop/forbidden',
      text: expect.stringMatching(/^403 .*pods\/binding/),
    });
    await delay(3000);
    expect(await nodeOf('forbidden')).toBeUndefined();
    expect(teg.running).toBe(true);
    const page = await metricsPage();
    expect(sumOf(page, 'rest_client_requests_total', { code: '403', method: 'POST' })).toBeGreaterThan(0);
    expect(sumOf(page, 'teg_binds_total', { outcome: 'failed' })).toBeGreaterThan(0);
    expect(sumOf(page, 'teg_binds_total', { outcome: 'bound' })).toBe(0);
    // One line, however often it was tried.
    expect(teg.said('bind refused')).toHaveLength(1);
    await must('PATCH', ROLE, { rules });
    await expect.poll(() => nodeOf('forbidden'), RUNS).toBeTypeOf('string');
    expect(await teg.stop()).toBe(0);
  });
});
