/**
 * Who may see the scheduler's pages, asked of a real API server: service accounts with tokens, roles for non-resource URLs.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiClient, ApiRequest } from '../../src/drivers/kubernetes/client/api.ts';
import { defaultSchedulerConfig } from '../../src/drivers/kubernetes/config/scheduler-config.ts';
import { RequestAuthorizer } from '../../src/drivers/kubernetes/server/request-authorizer.ts';
import { SchedulerMetrics } from '../../src/drivers/kubernetes/server/scheduler-metrics.ts';
import { SchedulerServer } from '../../src/drivers/kubernetes/server/scheduler-server.ts';
import { getPage } from '../../src/drivers/kubernetes/server/server.fixtures.ts';
import { clientOf, describeWithControlPlane } from './control-plane-fixture.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const GROUP = 'rbac.authorization.k8s.io';
const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts';

describeWithControlPlane('pages of the scheduler', [], () => {
  let plane: ControlPlane;
  let admin: ApiClient;
  let client: ApiClient;
  let server: SchedulerServer;
  let url: string;
  const tokens: Record<string, string> = {};

  beforeAll(async () => {
    plane = await startControlPlane({ admission: true });
    admin = clientOf(plane.kubeconfig);
    for (const name of ['scheduler', 'prometheus', 'guest']) tokens[name] = await accountToken(name);
    await must('POST', `${RBAC}/clusterroles`, {
      metadata: { name: 'metrics-reader' },
      rules: [{ nonResourceURLs: ['/metrics', '/explain/shop/*'], verbs: ['get'] }],
    });
    await bindRole('metrics-reader', 'prometheus');
    // What a delegated authenticator needs, and no more: to ask.
    await bindRole('system:auth-delegator', 'scheduler');
    client = clientOf(plane.kubeconfig, tokens.scheduler);
    const config = defaultSchedulerConfig();
    server = await SchedulerServer.start({
      server: { ...config.server, port: 0 },
      client,
      onWriteError: (text, error) => {
        throw new Error(text, { cause: error });
      },
      pages: {
        ready: () => '',
        live: () => '',
        config,
        metrics: new SchedulerMetrics('teg', '1'),
        explain: (namespace, name) => ({ pod: `${namespace}/${name}` }),
        waiting: () => undefined,
        economy: () => undefined,
        snapshot: () => '{}',
      },
    });
    url = server.url.replace('0.0.0.0', '127.0.0.1');
  }, 120_000);

  afterAll(async () => {
    await server?.close();
    await client?.close();
    await admin?.close();
    await plane?.stop();
  }, 60_000);

  async function must(method: ApiRequest['method'], path: string, body?: unknown): Promise<unknown> {
    const answer = await admin.request({ method, path, ...(body === undefined ? {} : { body }) });
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body;
  }

  async function accountToken(name: string): Promise<string> {
    await must('POST', ACCOUNTS, { metadata: { name } });
    const request = { spec: { expirationSeconds: 3600 } };
    const answer = (await must('POST', `${ACCOUNTS}/${name}/token`, request)) as {
      status: { token: string };
    };
    return answer.status.token;
  }

  async function bindRole(role: string, account: string): Promise<void> {
    await must('POST', `${RBAC}/clusterrolebindings`, {
      metadata: { name: `${role}-${account}`.replaceAll(':', '-') },
      roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace: 'default' }],
    });
  }

  /** Right after a role is bound the server's caches may not know it yet. */
  async function statusOf(page: string, token?: string): Promise<number> {
    return (await getPage(url + page, token === undefined ? {} : { token })).status;
  }

  test('health is open, everything else is not', async () => {
    expect(await statusOf('/readyz')).toBe(200);
    expect(await statusOf('/livez')).toBe(200);
    for (const page of ['/metrics', '/configz', '/snapshot', '/explain/shop/web']) {
      expect(await statusOf(page)).toBe(401);
      expect(await statusOf(page, 'made-up')).toBe(401);
      expect(await statusOf(page, `${tokens.prometheus}x`)).toBe(401);
      expect(await statusOf(page, tokens.guest)).toBe(403);
    }
  });

  test('a role for a page opens that page', async () => {
    await expect.poll(() => freshStatus('/metrics', tokens.prometheus), { timeout: 20_000 }).toBe(200);
    expect(await statusOf('/metrics', tokens.prometheus)).toBe(200);
    expect(await statusOf('/explain/shop/web', tokens.prometheus)).toBe(200);
    expect(await statusOf('/explain/other/web', tokens.prometheus)).toBe(403);
    expect(await statusOf('/snapshot', tokens.prometheus)).toBe(403);
    expect(await statusOf('/configz', tokens.prometheus)).toBe(403);
  });

  test('a role that is taken away closes it as soon as the answer is forgotten', async () => {
    let now = 0;
    const authorizer = new RequestAuthorizer({ client, nowSeconds: () => now });
    const ask = async () => (await authorizer.authorize(`Bearer ${tokens.prometheus}`, '/metrics')).status;
    expect(await ask()).toBe(200);
    await must('DELETE', `${RBAC}/clusterrolebindings/metrics-reader-prometheus`);
    await expect.poll(() => freshStatus('/metrics', tokens.prometheus), { timeout: 20_000 }).toBe(403);
    expect(await ask()).toBe(200);
    now = 10;
    expect(await ask()).toBe(403);
  });

  test('a token whose account is gone is nobody’s', async () => {
    await must('DELETE', `${ACCOUNTS}/guest`);
    await expect.poll(() => freshStatus('/metrics', tokens.guest), { timeout: 30_000 }).toBe(401);
  });

  test('a scheduler without the right to ask lets nobody in', async () => {
    const powerless = clientOf(plane.kubeconfig, tokens.prometheus);
    const authorizer = new RequestAuthorizer({ client: powerless });
    const verdict = await authorizer.authorize(`Bearer ${tokens.scheduler}`, '/metrics');
    expect(verdict).toMatchObject({ status: 503, reason: expect.stringContaining('answered with 403') });
    await powerless.close();
  });

  /** What the API server says now, nothing remembered. */
  async function freshStatus(page: string, token = ''): Promise<number> {
    return (await new RequestAuthorizer({ client }).authorize(`Bearer ${token}`, page)).status;
  }
});
