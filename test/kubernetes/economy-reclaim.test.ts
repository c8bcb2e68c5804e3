/**
 * Quota that is lent and reclaimed on a real API server: three tenants, borrowers that are deleted with their grace period, and the
 * lender's gang, which starts whole when they are gone.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { CHART } from '../../deploy/render.ts';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiClient, ApiRequest } from '../../src/drivers/kubernetes/client/api.ts';
import { clientOf, describeWithControlPlane, kubectl } from './control-plane-fixture.ts';
import { RunningTeg } from './teg-command.ts';

const GROUPS = '/apis/scheduling.k8s.io/v1alpha2/namespaces';
const GPU = 'nvidia.com/gpu';
const SOON = { timeout: 30_000, interval: 200 };
/** GPUs of each tenant's quota; the three nodes have just these. */
const QUOTA = 4;

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
}

interface SeenEvent {
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly name: string };
}

describeWithControlPlane('quota that is lent and reclaimed', ['kubectl'], () => {
  let plane: ControlPlane;
  let client: ApiClient;
  let scheduler: RunningTeg;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'teg-reclaim-'));
    writeFileSync(
      join(folder, 'teg.yaml'),
      stringify({
        apiVersion: 'teg.dev/v1alpha1',
        kind: 'SchedulerConfiguration',
        server: { bindAddress: '127.0.0.1', port: 0, insecureLoopback: true },
        economy: { mode: 'enforce' },
      }),
    );
    plane = await startControlPlane();
    client = clientOf(plane.kubeconfig);
    await kubectl(plane, ['apply', '-f', join(CHART, 'crds')]);
    const names = ['markets', 'tenants', 'accounts'].map((name) => `crd/${name}.teg.dev`);
    await kubectl(plane, ['wait', '--for=condition=Established', '--timeout=60s', ...names]);
    await apply('Market', 'default', {
      flavors: [{ name: 'h100', nodeSelector: { gpu: 'h100' }, unitsPerHour: { [GPU]: 1 } }],
      halfLife: '168h',
    });
    for (const name of ['nlp', 'vision', 'robotics']) {
      await must('POST', '/api/v1/namespaces', { metadata: { name, labels: { team: name } } });
      await apply('Tenant', name, {
        quota: { h100: { [GPU]: QUOTA } },
        namespaces: { matchLabels: { team: name } },
        preemption: { minRuntime: '0s' },
      });
    }
    for (const name of ['n1', 'n2', 'n3']) {
      await must('POST', '/api/v1/nodes', {
        metadata: { name, labels: { 'kubernetes.io/hostname': name, gpu: 'h100' } },
        status: { allocatable: { cpu: '32', memory: '64Gi', pods: '110', [GPU]: `${QUOTA}` } },
      });
    }
    scheduler = new RunningTeg(['scheduler', '--config', join(folder, 'teg.yaml')], {
      kubeconfig: plane.kubeconfig,
      folder,
    });
  }, 180_000);

  afterEach(({ task }) => {
    if (task.result?.state !== 'fail') return;
    process.stderr.write(`${scheduler.stdout.slice(-3000)}\n${scheduler.stderr.slice(-3000)}\n`);
  });

  afterAll(async () => {
    await scheduler?.stop('SIGKILL');
    await client?.close();
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function must(method: ApiRequest['method'], path: string, body?: unknown): Promise<unknown> {
    const answer = await client.request({ method, path, ...(body === undefined ? {} : { body }) });
    expect(answer.status, `${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  }

  async function apply(kind: string, name: string, spec: object): Promise<void> {
    const object = { apiVersion: 'teg.dev/v1alpha1', kind, metadata: { name }, spec };
    await kubectl(plane, ['apply', '--validate=strict', '-f', '-'], JSON.stringify(object));
  }

  async function addPod(namespace: string, name: string, of: object = {}): Promise<void> {
    const resources = { requests: { cpu: '1', [GPU]: '1' }, limits: { [GPU]: '1' } };
    await must('POST', `/api/v1/namespaces/${namespace}/pods`, {
      metadata: { name },
      spec: { schedulerName: 'teg', containers: [{ name: 'c', image: 'x', resources }], ...of },
    });
  }

  async function podsOf(namespace: string): Promise<readonly Pod[]> {
    return ((await must('GET', `/api/v1/namespaces/${namespace}/pods`)) as { items: Pod[] }).items;
  }

  async function boundIn(namespace: string): Promise<number> {
    return (await podsOf(namespace)).filter(({ spec }) => (spec.nodeName ?? '') !== '').length;
  }

  async function leaving(): Promise<readonly Pod[]> {
    return (await podsOf('vision')).filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  }

  async function messagesIn(namespace: string): Promise<readonly string[]> {
    return (await podsOf(namespace)).map(
      ({ status }) => status.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? '',
    );
  }

  test('the lender gets its quota back from the borrower alone, and its gang starts whole', async () => {
    for (let i = 0; i < QUOTA; i++) await addPod('robotics', `r${i}`);
    await expect.poll(() => boundIn('robotics'), SOON).toBe(QUOTA);
    for (let i = 0; i < 2 * QUOTA; i++) await addPod('vision', `v${i}`);
    // Its own quota, and what nlp lends.
    await expect.poll(() => boundIn('vision'), SOON).toBe(2 * QUOTA);

    await must('POST', `${GROUPS}/nlp/podgroups`, {
      apiVersion: 'scheduling.k8s.io/v1alpha2',
      kind: 'PodGroup',
      metadata: { name: 'train' },
      spec: { schedulingPolicy: { gang: { minCount: QUOTA } } },
    });
    for (let i = 0; i < QUOTA; i++) {
      await addPod('nlp', `t${i}`, { schedulingGroup: { podGroupName: 'train' } });
    }
    await expect.poll(async () => (await leaving()).length, SOON).toBe(QUOTA);
    const text = `reclaim: waiting for ${QUOTA} victims to leave`;
    await expect.poll(() => messagesIn('nlp'), SOON).toEqual(Array(QUOTA).fill(text));
    const victims = await leaving();
    for (const { metadata, status } of victims) {
      expect(metadata.deletionGracePeriodSeconds).toBe(30);
      expect(status.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: expect.stringContaining('reclaims its quota'),
      });
    }
    const notes = async (): Promise<readonly string[]> => {
      const path = '/apis/events.k8s.io/v1/namespaces/vision/events';
      const { items } = (await must('GET', path)) as { items: SeenEvent[] };
      return items.filter(({ reason }) => reason === 'Preempted').map(({ note }) => note);
    };
    await expect.poll(async () => (await notes()).length, SOON).toBe(QUOTA);
    for (const note of await notes()) expect(note).toMatch(/^Preempted by pod \S+ on node n\d \(reclaim\)$/);

    // As long as one is there nothing of the gang starts, and its room is nobody else's.
    const [last, ...others] = victims as [Pod, ...Pod[]];
    for (const { metadata } of others) await end(metadata.name);
    for (let i = 0; i < QUOTA; i++) await addPod('vision', `w${i}`);
    await expect
      .poll(async () => (await messagesIn('vision')).filter((each) => each !== '').length, SOON)
      .toBe(QUOTA);
    expect(await boundIn('nlp')).toBe(0);
    await end(last.metadata.name);
    await expect.poll(() => boundIn('nlp'), SOON).toBe(QUOTA);
    // Nobody is below its quota, and nobody else was evicted.
    expect([await boundIn('vision'), await boundIn('robotics')]).toEqual([QUOTA, QUOTA]);
    expect([...(await podsOf('robotics')), ...(await podsOf('nlp')), ...(await leaving())]).toHaveLength(
      2 * QUOTA,
    );
    expect(await leaving()).toEqual([]);
  }, 120_000);

  /** What a kubelet does at the end of the grace period. */
  async function end(name: string): Promise<void> {
    await must('DELETE', `/api/v1/namespaces/vision/pods/${name}`, {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      gracePeriodSeconds: 0,
    });
  }
});
