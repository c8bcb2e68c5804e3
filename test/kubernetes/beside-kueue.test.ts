/**
 * Beside Kueue, on a real API server with Kueue's objects and real Jobs. Kueue's controller does not run: the test admits as it does
 * (Workload's status, the flavour's node labels and Kueue's labels into the pod template, then `suspend: false` or the gate gone).
 *
 *     suspended, gated ─▶ no pod of ours, nothing counted ─▶ admitted ─▶ counted once ─▶ stopped ─▶ nothing counted
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createNodes } from '../../lab/control-plane/nodes.ts';
import { at } from '../../src/drivers/kubernetes/writes/retrying-request.ts';
import { describeWithControlPlane } from './control-plane-fixture.ts';
import { applyObjects, defineKinds, KUEUE_KINDS, versionsOf } from './peer-definitions.ts';
import { explainFailures, TestCluster } from './test-cluster.ts';

const SOON = { timeout: 60_000, interval: 250 };
const GPU = 'nvidia.com/gpu';
const KUEUE = { apiVersion: 'kueue.x-k8s.io/v1beta2' };
const FLAVOR = { gpu: 'h100' };
const GATE = 'kueue.x-k8s.io/admission';
const QUEUE_LABEL = { 'kueue.x-k8s.io/queue-name': 'main' };
/** On every pod that Kueue looks after, admitted or not. */
const MANAGED_LABEL = { 'kueue.x-k8s.io/managed': 'true' };
/** Written when a workload starts. */
const STARTED_LABELS = { 'kueue.x-k8s.io/podset': 'main', 'kueue.x-k8s.io/cluster-queue-name': 'research' };
/** Pods of Jobs pretend to work for an hour. */
const ENDLESS = {
  'pod-complete.stage.kwok.x-k8s.io/delay': '3600s',
  'pod-complete.stage.kwok.x-k8s.io/jitter-delay': '3660s',
};
/** What Kueue gives `research`, and what TEG does: these differ on purpose. */
const NOMINAL = 12;
const QUOTA = 4;

/** What TEG says of a tenant. */
interface Standing {
  readonly used: string;
  readonly running: number;
  readonly waiting: number;
}

describeWithControlPlane('beside Kueue', ['kube-controller-manager', 'kwok', 'kubectl'], () => {
  let cluster: TestCluster;

  explainFailures(() => cluster?.child);

  beforeAll(async () => {
    cluster = await TestCluster.start({ kwok: true, controllerManager: true });
    await cluster.defineEconomy();
    await defineKinds(cluster.plane, KUEUE_KINDS);
    await createNodes(cluster.client, 2, { labels: FLAVOR, capacity: { cpu: '64', [GPU]: '8' } });
    const resources = [{ name: GPU, nominalQuota: NOMINAL }];
    const resourceGroups = [{ coveredResources: [GPU], flavors: [{ name: 'h100', resources }] }];
    await applyObjects(cluster.plane, [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'research', labels: { team: 'research' } } },
      {
        ...KUEUE,
        kind: 'ResourceFlavor',
        metadata: { name: 'h100' },
        spec: { nodeLabels: FLAVOR },
      },
      { ...KUEUE, kind: 'ClusterQueue', metadata: { name: 'research' }, spec: { resourceGroups } },
      {
        ...KUEUE,
        kind: 'LocalQueue',
        metadata: { name: 'main', namespace: 'research' },
        spec: { clusterQueue: 'research' },
      },
    ]);
    await cluster.applyMarket();
    const quota = (gpus: number) => ({ h100: { [GPU]: gpus } });
    const namespaces = { matchLabels: { team: 'research' } };
    await cluster.apply('Tenant', 'research', { quota: quota(QUOTA), namespaces });
    // Keeps the rest, so that `research` cannot borrow.
    await cluster.apply('Tenant', 'others', { quota: quota(16 - QUOTA), lend: quota(0) });
  }, 180_000);

  afterAll(() => cluster?.stop(), 60_000);

  function specOf(gpus: number): object {
    const resources = { requests: { cpu: '1' }, limits: { [GPU]: `${gpus}` } };
    return {
      schedulerName: 'teg',
      restartPolicy: 'Never',
      containers: [{ name: 'c', image: 'i', resources }],
    };
  }

  function workload(name: string, count: number): object {
    const podSets = [{ name: 'main', count, template: { spec: specOf(1) } }];
    return {
      ...KUEUE,
      kind: 'Workload',
      metadata: { name, namespace: 'research' },
      spec: { queueName: 'main', podSets },
    };
  }

  /** A Job as Kueue's webhook leaves it, and its Workload. */
  async function submitJob(name: string, pods: number): Promise<void> {
    const spec = {
      suspend: true,
      parallelism: pods,
      completions: pods,
      template: { metadata: { annotations: ENDLESS }, spec: specOf(1) },
    };
    const metadata = { name, namespace: 'research', labels: QUEUE_LABEL };
    await applyObjects(cluster.plane, [
      { apiVersion: 'batch/v1', kind: 'Job', metadata, spec },
      workload(name, pods),
    ]);
  }

  /** A pod of its own as Kueue's webhook leaves it, and its Workload. */
  async function submitPod(name: string): Promise<void> {
    await cluster.must('POST', '/api/v1/namespaces/research/pods', {
      metadata: { name, labels: { ...QUEUE_LABEL, ...MANAGED_LABEL } },
      spec: { ...specOf(1), schedulingGates: [{ name: GATE }] },
    });
    await applyObjects(cluster.plane, [workload(name, 1)]);
  }

  async function admitWorkload(name: string, isAdmitted = true): Promise<void> {
    const status = isAdmitted ? 'True' : 'False';
    const conditions = ['QuotaReserved', 'Admitted'].map((type) => ({
      type,
      status,
      reason: type,
      message: '',
    }));
    const admission = isAdmitted ? { clusterQueue: 'research' } : null;
    const path = `/apis/kueue.x-k8s.io/v1beta2/namespaces/research/workloads/${name}/status`;
    await cluster.must('PATCH', path, { status: { admission, conditions } });
  }

  async function admitJob(name: string): Promise<void> {
    await admitWorkload(name);
    const template = { metadata: { labels: STARTED_LABELS }, spec: { nodeSelector: FLAVOR } };
    await cluster.must('PATCH', `/apis/batch/v1/namespaces/research/jobs/${name}`, {
      spec: { suspend: false, template },
    });
  }

  async function stopJob(name: string): Promise<void> {
    await cluster.must('PATCH', `/apis/batch/v1/namespaces/research/jobs/${name}`, {
      spec: { suspend: true },
    });
    await admitWorkload(name, false);
  }

  /** @param labels Those that Kueue writes at the start: not before it has that feature. */
  async function admitPod(name: string, labels: object = STARTED_LABELS): Promise<void> {
    await admitWorkload(name);
    await cluster.must('PATCH', `/api/v1/namespaces/research/pods/${name}`, {
      metadata: { labels },
      spec: { schedulingGates: [], nodeSelector: FLAVOR },
    });
  }

  /** @returns By pod: `True`, or why it is not scheduled; '': nobody has said. */
  async function scheduled(prefix: string): Promise<Record<string, string>> {
    const body = await cluster.must('GET', '/api/v1/namespaces/research/pods');
    const pods = (at(body, 'items') as object[]).map((pod) => {
      const conditions = (at(pod, 'status', 'conditions') ?? []) as {
        type: string;
        status: string;
        reason?: string;
      }[];
      const found = conditions.find(({ type }) => type === 'PodScheduled');
      const says = found?.status === 'True' ? 'True' : (found?.reason ?? '');
      return [String(at(pod, 'metadata', 'name')), says] as const;
    });
    return Object.fromEntries(pods.filter(([name]) => name.startsWith(prefix)));
  }

  async function standing(): Promise<Standing & { wouldRefuse: unknown; account: unknown }> {
    const [own, account] = await Promise.all(
      ['tenants/research', 'namespaces/research/accounts/default'].map(async (path) => {
        const { body } = await cluster.client.request({
          method: 'GET',
          path: `/apis/teg.dev/v1alpha1/${path}`,
        });
        return at(body, 'status') as Record<string, unknown> | undefined;
      }),
    );
    return {
      used: String(own?.quotaUsed),
      running: Number(own?.running),
      waiting: Number(own?.waiting),
      wouldRefuse: own?.wouldRefuse,
      account: account?.waitingCount,
    };
  }

  /** Waits until what a tenant has is so, and stays so over the next write of its status. */
  async function stands(expected: Partial<Standing> & { wouldRefuse?: string }): Promise<void> {
    await vi.waitFor(async () => expect(await standing()).toMatchObject(expected), SOON);
  }

  const kueueVersions = () =>
    versionsOf(
      cluster.plane,
      'workloads,localqueues,clusterqueues,resourceflavors'.replace(/\w+/g, '$&.kueue.x-k8s.io'),
    );

  test('observe: nothing is counted while suspended or gated, and once when admitted; the quota of ours does not decide', async () => {
    await cluster.restart({ economy: { mode: 'observe' } });
    await submitJob('train', 8);
    await submitPod('probe');
    // A pod that Kueue has nothing to do with, to see that TEG has gone on.
    await cluster.must('POST', '/api/v1/namespaces/research/pods', {
      metadata: { name: 'own' },
      spec: specOf(1),
    });
    await vi.waitFor(async () => expect(await scheduled('own')).toEqual({ own: 'True' }), SOON);
    await stands({ used: '1', running: 1, waiting: 0 });
    expect(await scheduled('')).toEqual({ own: 'True', probe: 'SchedulingGated' });
    await vi.waitFor(async () => expect((await standing()).account).toBe(0), SOON);

    await admitJob('train');
    await admitPod('probe');
    const before = await kueueVersions();
    await vi.waitFor(async () => {
      expect(Object.values(await scheduled('train-'))).toEqual(Array(8).fill('True'));
      expect(await scheduled('probe')).toEqual({ probe: 'True' });
    }, SOON);
    // 8 + 1 + 1, where the quota is 4: what it would have refused is said, and nothing else.
    await stands({ used: `${8 + 1 + 1}`, running: 10, waiting: 0, wouldRefuse: 'quota-used-up' });

    await stopJob('train');
    await vi.waitFor(async () => expect(await scheduled('train-')).toEqual({}), SOON);
    await stands({ used: '2', running: 2, waiting: 0 });
    const after = await kueueVersions();
    // The test itself wrote the Workload of the Job that it stopped.
    expect({ ...after, 'Workload/research/train': '' }).toEqual({ ...before, 'Workload/research/train': '' });
  }, 180_000);

  test('enforce: the quota holds for what Kueue has admitted too, as long as no label says otherwise', async () => {
    await cluster.restart({ economy: { mode: 'enforce' } });
    await submitPod('gated');
    await admitJob('train');
    await vi.waitFor(async () => {
      const says = Object.values(await scheduled('train-')).sort();
      expect(says).toEqual([...Array(6).fill('NotReadyForScheduling'), 'True', 'True']);
    }, SOON);
    await stands({ used: `${QUOTA}`, waiting: 6 });
    expect(await scheduled('gated')).toEqual({ gated: 'SchedulingGated' });
    await stopJob('train');
    await stands({ used: '2', waiting: 0 });
  }, 180_000);

  test('enforce with the label of started pods: one quota, Kueue’s; the label of managed pods is not enough', async () => {
    await cluster.restart({ economy: { mode: 'enforce', admittedLabels: ['kueue.x-k8s.io/podset'] } });
    await admitJob('train');
    await vi.waitFor(async () => {
      expect(Object.values(await scheduled('train-'))).toEqual(Array(8).fill('True'));
    }, SOON);
    await stands({ used: '10', running: 10, waiting: 0 });
    // Anybody may write `managed`; this one has neither passed Kueue nor the quota.
    await cluster.must('POST', '/api/v1/namespaces/research/pods', {
      metadata: { name: 'claims', labels: MANAGED_LABEL },
      spec: specOf(1),
    });
    await admitPod('gated');
    await vi.waitFor(async () => {
      expect(await scheduled('claims')).toEqual({ claims: 'NotReadyForScheduling' });
      expect(await scheduled('gated')).toEqual({ gated: 'True' });
    }, SOON);
    await stands({ used: '11', running: 11, waiting: 1 });
  }, 180_000);
});
