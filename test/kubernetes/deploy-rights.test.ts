/**
 * The chart's ServiceAccount against an API server that enforces RBAC: all that the scheduler needs is allowed, nothing
 * else is, and each right is missed by a call when it is taken away.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { plainManifests, renderChart } from '../../deploy/render.ts';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiClient } from '../../src/drivers/kubernetes/client/api.ts';
import type { HttpApiClient } from '../../src/drivers/kubernetes/client/http-client.ts';
import { clientOf, describeWithControlPlane, kubectl } from './control-plane-fixture.ts';
import {
  type NeededCall,
  neededCalls,
  type Right,
  type RoleRule,
  rightsOf,
  ruleOf,
} from './deployed-rights.ts';

const NAMESPACE = 'teg-system';
const LEASE = 'teg-scheduler';

/** Everything that the account may do beyond what any account may. Written by hand, so that an added right shows up here. */
const GRANTED: readonly Right[] = [
  'get /nodes',
  'list /nodes',
  'watch /nodes',
  'get /pods',
  'list /pods',
  'watch /pods',
  'delete /pods',
  'create /pods/binding',
  'patch /pods/status',
  'create /pods/eviction',
  'list teg.dev/markets',
  'watch teg.dev/markets',
  'list teg.dev/tenants',
  'watch teg.dev/tenants',
  'patch teg.dev/markets/status',
  'patch teg.dev/tenants/status',
  'patch teg.dev/accounts/status',
  'create teg.dev/accounts',
  'list /namespaces',
  'watch /namespaces',
  'list policy/poddisruptionbudgets',
  'watch policy/poddisruptionbudgets',
  'get /persistentvolumeclaims',
  'list /persistentvolumeclaims',
  'watch /persistentvolumeclaims',
  'patch /persistentvolumeclaims',
  'get /persistentvolumes',
  'list /persistentvolumes',
  'watch /persistentvolumes',
  'patch /persistentvolumes',
  'list storage.k8s.io/storageclasses',
  'watch storage.k8s.io/storageclasses',
  'list storage.k8s.io/csinodes',
  'watch storage.k8s.io/csinodes',
  'list storage.k8s.io/csidrivers',
  'watch storage.k8s.io/csidrivers',
  'list storage.k8s.io/csistoragecapacities',
  'watch storage.k8s.io/csistoragecapacities',
  'list storage.k8s.io/volumeattachments',
  'watch storage.k8s.io/volumeattachments',
  'list resource.k8s.io/deviceclasses',
  'watch resource.k8s.io/deviceclasses',
  'list scheduling.k8s.io/podgroups',
  'watch scheduling.k8s.io/podgroups',
  'list scheduling.x-k8s.io/podgroups',
  'watch scheduling.x-k8s.io/podgroups',
  'patch scheduling.k8s.io/podgroups/status',
  'create events.k8s.io/events',
  'patch events.k8s.io/events',
  'create authentication.k8s.io/tokenreviews',
  'create authorization.k8s.io/subjectaccessreviews',
];

/** Only where the Lease is. */
const GRANTED_BESIDE_LEASE: readonly Right[] = [
  'create coordination.k8s.io/leases',
  `get coordination.k8s.io/leases/${LEASE}`,
  `update coordination.k8s.io/leases/${LEASE}`,
];

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  rules: RoleRule[];
}

describeWithControlPlane('rights of the chart', ['kube-controller-manager', 'kubectl', 'helm'], () => {
  let plane: ControlPlane;
  let admin: HttpApiClient;
  let account: HttpApiClient;
  let roles: Role[];

  beforeAll(async () => {
    plane = await startControlPlane({ admission: true });
    admin = clientOf(plane.kubeconfig);
    const manifests = plainManifests(await plane.binary('helm'));
    await kubectl(plane, ['apply', '--server-side', '-f', '-'], manifests);
    roles = parseAllDocuments(manifests)
      .map((document) => document.toJS() as Role)
      .filter(({ kind, metadata }) => /^(Cluster)?Role$/.test(kind) && metadata.name === 'teg');
    account = clientOf(plane.kubeconfig, await tokenOf('teg', NAMESPACE));
  }, 120_000);
  afterAll(async () => {
    await account?.close();
    await admin?.close();
    await plane?.stop();
  });

  /** A real token, as kubelet gets it for a pod. */
  async function tokenOf(name: string, namespace: string): Promise<string> {
    const answer = await admin.request({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
      body: { spec: { expirationSeconds: 3600 } },
    });
    expect(answer.status).toBe(201);
    return (answer.body as { status: { token: string } }).status.token;
  }

  /** What an account may do in a namespace, as the API server sees it. */
  async function rulesReview(client: ApiClient, namespace: string): Promise<Right[]> {
    const { body } = await client.request({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
      body: { spec: { namespace } },
    });
    const { resourceRules } = (body as { status: { resourceRules: RoleRule[] } }).status;
    return rightsOf(resourceRules);
  }

  async function mayDo(client: ApiClient, right: Right): Promise<boolean> {
    const { apiGroups, resources, resourceNames, verbs } = ruleOf(right);
    const [resource, subresource] = resources?.[0]?.split('/') ?? [];
    const isLease = resource === 'leases';
    const { body } = await client.request({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: {
        spec: {
          resourceAttributes: {
            namespace: isLease ? NAMESPACE : 'default',
            group: apiGroups?.[0],
            resource,
            ...(subresource !== undefined && { subresource }),
            ...(resourceNames !== undefined && { name: resourceNames[0] }),
            verb: verbs[0],
          },
        },
      },
    });
    return (body as { status: { allowed: boolean } }).status.allowed;
  }

  async function statusOf({ request }: NeededCall): Promise<number> {
    return (await account.request(request)).status;
  }

  test('the rules are those that are listed here, and each stands once', () => {
    const rights = roles.flatMap(({ rules }) => rightsOf(rules));
    expect(roles.map(({ kind }) => kind).sort()).toEqual(['ClusterRole', 'Role']);
    expect(new Set(rights).size).toBe(rights.length);
    expect([...rights].sort()).toEqual([...GRANTED, ...GRANTED_BESIDE_LEASE].sort());
    for (const right of rights) expect(rightsOf([ruleOf(right)])).toEqual([right]);
  });

  test('every call that the scheduler makes is allowed', async () => {
    const calls = neededCalls(NAMESPACE, LEASE);
    const statuses = await Promise.all(calls.map(statusOf));
    const refused = calls.filter((_, i) => statuses[i] === 403 || statuses[i] === 401);
    expect(refused.map(({ right }) => right)).toEqual([]);
  });

  test('every right is needed by a call, and every call by a right', () => {
    const needed = new Set(neededCalls(NAMESPACE, LEASE).map(({ right }) => right));
    expect([...needed].sort()).toEqual([...GRANTED, ...GRANTED_BESIDE_LEASE].sort());
  });

  test('the API server grants nothing beyond that', async () => {
    await admin.request({
      method: 'POST',
      path: '/api/v1/namespaces/default/serviceaccounts',
      body: { metadata: { name: 'nobody' } },
    });
    const nobody = clientOf(plane.kubeconfig, await tokenOf('nobody', 'default'));
    const anybodys = new Set(await rulesReview(nobody, 'default'));
    await nobody.close();
    const own = async (namespace: string) =>
      (await rulesReview(account, namespace)).filter((right) => !anybodys.has(right)).sort();
    expect(await own('default')).toEqual([...GRANTED].sort());
    expect(await own(NAMESPACE)).toEqual([...GRANTED, ...GRANTED_BESIDE_LEASE].sort());
  });

  test('the role view of a namespace reads its Accounts, and neither writes them nor reads those of another', async () => {
    await admin.request({
      method: 'POST',
      path: '/api/v1/namespaces/default/serviceaccounts',
      body: { metadata: { name: 'lead' } },
    });
    const binding = ['create', 'rolebinding', 'lead', '--clusterrole=view', '--serviceaccount=default:lead'];
    await kubectl(plane, [...binding, '-n=default']);
    const lead = clientOf(plane.kubeconfig, await tokenOf('lead', 'default'));
    const accounts = (namespace: string) => `/apis/teg.dev/v1alpha1/namespaces/${namespace}/accounts`;
    const get = async (namespace: string) =>
      (await lead.request({ method: 'GET', path: accounts(namespace) })).status;
    // The controller that aggregates roles, and the binding, take a moment.
    await expect.poll(() => get('default'), { timeout: 20_000 }).toBe(200);
    expect(await get(NAMESPACE)).toBe(403);
    const body = { apiVersion: 'teg.dev/v1alpha1', kind: 'Account', metadata: { name: 'a' } };
    const { status } = await lead.request({ method: 'POST', path: accounts('default'), body });
    expect(status).toBe(403);
    await lead.close();
  }, 60_000);

  const pods = '/api/v1/namespaces/default/pods';
  test.each([
    ['POST', pods],
    ['PATCH', `${pods}/none`],
    ['PUT', `${pods}/none/status`],
    ['GET', `${pods}/none/log`],
    ['POST', `${pods}/none/exec`],
    ['PATCH', `${pods}/none/ephemeralcontainers`],
    ['GET', '/api/v1/secrets'],
    ['GET', '/api/v1/namespaces/kube-system/secrets/none'],
    ['GET', '/api/v1/configmaps'],
    ['PATCH', '/api/v1/nodes/none'],
    ['PATCH', '/api/v1/nodes/none/status'],
    ['DELETE', '/api/v1/nodes/none'],
    ['DELETE', '/api/v1/persistentvolumes/none'],
    ['DELETE', '/api/v1/namespaces/default/persistentvolumeclaims/none'],
    ['DELETE', '/apis/events.k8s.io/v1/namespaces/default/events/none'],
    ['GET', '/apis/events.k8s.io/v1/events'],
    ['GET', '/apis/coordination.k8s.io/v1/leases'],
    ['GET', `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/other`],
    ['PUT', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler'],
    ['DELETE', `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/${LEASE}`],
    ['POST', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/teg/token`],
    ['GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles'],
    ['POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings'],
    ['GET', '/metrics'],
  ] as const)('%s %s is forbidden', async (method, path) => {
    const answer = await account.request({ method, path, ...(method !== 'GET' && { body: {} }) });
    expect(answer.status).toBe(403);
  });

  /** Replaces the rules of both roles by one rule a right, without one of them. */
  async function grantAllBut(missing: Right | undefined): Promise<void> {
    for (const { kind, metadata, rules } of roles) {
      const rights = rightsOf(rules).filter((right) => right !== missing);
      const scope = kind === 'Role' ? `namespaces/${NAMESPACE}/roles` : 'clusterroles';
      const answer = await admin.request({
        method: 'PATCH',
        path: `/apis/rbac.authorization.k8s.io/v1/${scope}/${metadata.name}`,
        body: { rules: rights.map(ruleOf) },
      });
      expect(answer.status).toBe(200);
    }
  }

  /** Waits until the authorizer has seen the roles. */
  async function untilAllowedAllBut(missing: Right): Promise<void> {
    const rights = [...GRANTED, ...GRANTED_BESIDE_LEASE];
    let denied: Right[] = [];
    for (let round = 0; round < 200; round++) {
      const may = await Promise.all(rights.map((right) => mayDo(account, right)));
      denied = rights.filter((_, i) => !may[i]);
      if (denied.length === 1 && denied[0] === missing) return;
      await delay(20);
    }
    expect(denied).toEqual([missing]);
  }

  test('a right that is taken away is missed by the calls that need it, and by no others', async () => {
    const calls = neededCalls(NAMESPACE, LEASE);
    for (const missing of [...GRANTED, ...GRANTED_BESIDE_LEASE]) {
      await grantAllBut(missing);
      await untilAllowedAllBut(missing);
      const callers = calls.filter(({ right }) => right === missing);
      expect(callers.length, missing).toBeGreaterThan(0);
      for (const call of callers) expect(await statusOf(call), missing).toBe(403);
    }
    await grantAllBut(undefined);
  });

  test('readers of metrics and explanations get these pages and nothing else', async () => {
    const rendered = renderChart(await plane.binary('helm'), [
      '--set-json=metricsReaders=[{"kind":"ServiceAccount","name":"reader","namespace":"default"}]',
      '--set-json=explainers=[{"kind":"User","name":"ops@example.com"},{"kind":"Group","name":"ops"}]',
    ]);
    await kubectl(plane, ['create', 'serviceaccount', 'reader', '--namespace=default']);
    await kubectl(plane, ['apply', '--server-side', '--force-conflicts', '-f', '-'], rendered);
    const allowed = async (path: string, who: { user: string; groups?: string[] }) => {
      const { body } = await admin.request({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        body: { spec: { ...who, nonResourceAttributes: { path, verb: 'get' } } },
      });
      return (body as { status: { allowed: boolean } }).status.allowed;
    };
    const reader = { user: 'system:serviceaccount:default:reader' };
    const pages = ['/metrics', '/explain/default/pod', '/snapshot', '/configz'];
    await delay(500);
    const of = (who: { user: string; groups?: string[] }) =>
      Promise.all(pages.map((page) => allowed(page, who)));
    expect(await of(reader)).toEqual([true, false, false, false]);
    expect(await of({ user: 'ops@example.com' })).toEqual([false, true, true, true]);
    expect(await of({ user: 'x', groups: ['ops'] })).toEqual([false, true, true, true]);
    expect(await of({ user: 'x' })).toEqual([false, false, false, false]);
  });
});
