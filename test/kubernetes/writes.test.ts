/**
 * The writes against a real API server: what it checks, what it answers, and what is to be read afterwards.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiAnswer, ApiClient, ApiRequest } from '../../src/drivers/kubernetes/client/api.ts';
import { ApiNotSentError, ApiUnknownError } from '../../src/drivers/kubernetes/client/api-errors.ts';
import { Binder } from '../../src/drivers/kubernetes/writes/binder.ts';
import { ClaimWriter } from '../../src/drivers/kubernetes/writes/claim-writer.ts';
import { EventRecorder } from '../../src/drivers/kubernetes/writes/event-recorder.ts';
import { Evictor } from '../../src/drivers/kubernetes/writes/evictor.ts';
import { LeaderLease } from '../../src/drivers/kubernetes/writes/leader-lease.ts';
import { type PodIdentity, StatusWriter } from '../../src/drivers/kubernetes/writes/status-writer.ts';
import { systemWriteClock } from '../../src/drivers/kubernetes/writes/write-clock.ts';
import { clientOf, describeWithControlPlane } from './control-plane-fixture.ts';

interface Pod {
  metadata: { uid: string; name: string; deletionTimestamp?: string };
  spec: { nodeName?: string };
  status: { nominatedNodeName?: string; conditions?: Record<string, string>[] };
}

const clock = systemWriteClock();
const PODS = '/api/v1/namespaces/default/pods';
const CLAIMS = '/api/v1/namespaces/default/persistentvolumeclaims';
const VOLUMES = '/api/v1/persistentvolumes';

describeWithControlPlane('writes', ['kube-controller-manager'], () => {
  let plane: ControlPlane;
  let client: ApiClient;
  const base = { clock, random: Math.random, mayWrite: () => true };

  beforeAll(async () => {
    plane = await startControlPlane({ controllerManager: true });
    client = clientOf(plane.kubeconfig);
    for (const name of ['n1', 'n2']) {
      await must('POST', '/api/v1/nodes', {
        metadata: { name, labels: { zone: `zone-of-${name}` } },
        status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } },
      });
    }
  }, 120_000);

  afterAll(async () => {
    await client?.close();
    await plane?.stop();
  }, 60_000);

  async function must(method: ApiRequest['method'], path: string, body?: unknown): Promise<unknown> {
    const answer = await client.request({ method, path, ...(body === undefined ? {} : { body }) });
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body;
  }

  async function createPod(name: string, spec: object = {}, labels: object = {}): Promise<PodIdentity> {
    const made = (await must('POST', PODS, {
      metadata: { name, labels },
      spec: { schedulerName: 'teg', containers: [{ name: 'c', image: 'x' }], ...spec },
    })) as Pod;
    return { namespace: 'default', name, uid: made.metadata.uid };
  }

  async function read(name: string): Promise<Pod> {
    return (await must('GET', `${PODS}/${name}`)) as Pod;
  }

  function condition(pod: Pod, type: string): Record<string, string> | undefined {
    return pod.status.conditions?.find((one) => one.type === type);
  }

  async function until(what: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < 200; i++) {
      if (await what()) return;
      await delay(50);
    }
    throw new Error('not so after 10 s');
  }

  describe('Binder', () => {
    test('binds; once more is our own, elsewhere is a conflict, another uid too, and what is gone is gone', async () => {
      const binder = new Binder({ client, ...base });
      const pod = await createPod('bind');
      await expect(binder.bind({ ...pod, node: 'n1' })).resolves.toMatchObject({ outcome: 'bound' });
      expect((await read('bind')).spec.nodeName).toBe('n1');
      expect(condition(await read('bind'), 'PodScheduled')).toMatchObject({ status: 'True' });
      await expect(binder.bind({ ...pod, node: 'n1' })).resolves.toMatchObject({ outcome: 'bound' });
      await expect(binder.bind({ ...pod, node: 'n2' })).resolves.toMatchObject({ outcome: 'conflict' });
      const other = await createPod('bind-other');
      await expect(binder.bind({ ...other, uid: 'wrong', node: 'n1' })).resolves.toMatchObject({
        outcome: 'conflict',
      });
      await must('DELETE', `${PODS}/bind-other`, { gracePeriodSeconds: 0 });
      await expect(binder.bind({ ...other, node: 'n1' })).resolves.toMatchObject({ outcome: 'gone' });
      const gated = await createPod('bind-gated', { schedulingGates: [{ name: 'example.com/wait' }] });
      await expect(binder.bind({ ...gated, node: 'n1' })).resolves.toMatchObject({ outcome: 'conflict' });
      expect(binder.counts).toMatchObject({ bound: 2, conflict: 3, gone: 1, failed: 0 });
    });

    test('an answer that was lost on the way is found out', async () => {
      const lossy: ApiClient = {
        request: async (request: ApiRequest): Promise<ApiAnswer> => {
          const answer = await client.request(request);
          if (request.method === 'POST') throw new ApiUnknownError('lost', request);
          return answer;
        },
        close: () => Promise.resolve(),
      };
      const binder = new Binder({ client: lossy, ...base });
      const pod = await createPod('bind-lost');
      await expect(binder.bind({ ...pod, node: 'n2' })).resolves.toMatchObject({ outcome: 'bound' });
      expect(binder.counts).toMatchObject({ posts: 1, unknown: 1 });
    });

    test('500 pods at once, each once, and a hold in the middle reports each one rightly', async () => {
      const pods = await Promise.all(Array.from({ length: 500 }, (_, i) => createPod(`many-${i}`)));
      const binder = new Binder({ client, ...base });
      let done = 0;
      const outcomes = await Promise.all(
        pods.map(async (pod) => {
          const { outcome } = await binder.bind({ ...pod, node: 'n1' });
          if (++done === 200) void binder.hold();
          return outcome;
        }),
      );
      await binder.settled();
      for (let i = 0; i < pods.length; i++) {
        const bound = (await read(pods[i]!.name)).spec.nodeName === 'n1';
        expect(outcomes[i]).toBe(bound ? 'bound' : 'failed');
      }
      const { bound, failed } = binder.counts;
      expect(bound + failed).toBe(500);
      expect(bound).toBeGreaterThanOrEqual(200);
      expect(failed).toBeGreaterThan(100);
    }, 60_000);

    test('what is not wanted any more is not sent', async () => {
      const pod = await createPod('unwanted');
      const request: ApiRequest = {
        method: 'DELETE',
        path: `${PODS}/${pod.name}`,
        stillWanted: () => false,
      };
      await expect(client.request(request)).rejects.toThrow(ApiNotSentError);
      expect((await read('unwanted')).metadata.deletionTimestamp).toBeUndefined();
    });
  });

  describe('EventRecorder', () => {
    const regarding = (pod: PodIdentity) => ({ apiVersion: 'v1', kind: 'Pod', ...pod });

    async function eventsOf(uid: string): Promise<Record<string, unknown>[]> {
      const list = (await must(
        'GET',
        `/api/v1/namespaces/default/events?fieldSelector=involvedObject.uid%3D${uid}`,
      )) as {
        items: Record<string, unknown>[];
      };
      return list.items;
    }

    test('what kubectl describe reads: reason, text, from whom, how often', async () => {
      const recorder = new EventRecorder({ client, ...base, instance: 'teg-test', seriesWriteSeconds: 0.2 });
      const pod = await createPod('events');
      const note = `0/2 nodes are available: ${'é'.repeat(2000)}`;
      const lacking = {
        regarding: regarding(pod),
        type: 'Warning',
        reason: 'FailedScheduling',
        action: 'Scheduling',
      } as const;
      recorder.record({ ...lacking, note });
      await recorder.idle();
      for (let i = 0; i < 4; i++) recorder.record({ ...lacking, note });
      recorder.record({
        regarding: regarding(pod),
        type: 'Normal',
        reason: 'Scheduled',
        action: 'Binding',
        note: 'Successfully assigned default/events to n1',
        once: true,
      });
      recorder.record({
        regarding: { apiVersion: 'v1', kind: 'Node', namespace: '', name: 'n1', uid: 'of-n1' },
        type: 'Normal',
        reason: 'Looked',
        action: 'Looking',
        note: 'at a node',
      });
      await delay(400);
      await expect(recorder.flush(5)).resolves.toBe(0);
      const events = await eventsOf(pod.uid);
      expect(events).toHaveLength(2);
      expect(events.find(({ reason }) => reason === 'Scheduled')).toMatchObject({
        type: 'Normal',
        message: 'Successfully assigned default/events to n1',
        action: 'Binding',
        reportingComponent: 'teg-scheduler',
        reportingInstance: 'teg-test',
        involvedObject: { kind: 'Pod', namespace: 'default', name: 'events', uid: pod.uid },
        eventTime: expect.stringMatching(/\.\d{6}Z$/),
      });
      expect(events.find(({ reason }) => reason === 'FailedScheduling')).toMatchObject({
        series: { count: 5, lastObservedTime: expect.stringMatching(/\.\d{6}Z$/) },
        message: expect.stringMatching(/^0\/2 nodes are available: é+ \.\.\.$/),
      });
      expect(await eventsOf('of-n1')).toHaveLength(1);
      expect(recorder.counts).toMatchObject({ recorded: 7, created: 3, merged: 4, failed: 0, refused: 0 });
    });

    test('a namespace that is not there is no failure', async () => {
      const recorder = new EventRecorder({ client, ...base, instance: 'teg-test' });
      recorder.record({
        regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'nowhere', name: 'p', uid: 'u' },
        type: 'Normal',
        reason: 'Scheduled',
        action: 'Binding',
        note: 'x',
      });
      await recorder.idle();
      expect(recorder.counts).toMatchObject({ refused: 1, failed: 0 });
    });
  });

  describe('StatusWriter', () => {
    test('sets the condition, keeps the time of its transition, nominates and clears', async () => {
      const writer = new StatusWriter({ client, ...base });
      const pod = await createPod('status');
      writer.setNotScheduled(pod, { reason: 'Unschedulable', message: '0/2 nodes are available: …' });
      writer.nominate(pod, 'n1', '');
      await writer.idle();
      const first = await read('status');
      expect(condition(first, 'PodScheduled')).toMatchObject({
        status: 'False',
        reason: 'Unschedulable',
        message: '0/2 nodes are available: …',
      });
      expect(first.status.nominatedNodeName).toBe('n1');
      expect(writer.counts.written).toBe(1);
      await delay(1100);
      writer.setNotScheduled(pod, { reason: 'Unschedulable', message: 'another' });
      writer.nominate(pod, '', 'n1');
      await writer.idle();
      const second = await read('status');
      expect(condition(second, 'PodScheduled')).toMatchObject({
        message: 'another',
        lastTransitionTime: condition(first, 'PodScheduled')!.lastTransitionTime,
      });
      expect(second.status.nominatedNodeName).toBeUndefined();
      // Another process, say after a restart: finds it there.
      const restarted = new StatusWriter({ client, ...base });
      restarted.setNotScheduled(pod, { reason: 'Unschedulable', message: 'another' });
      await restarted.idle();
      expect(restarted.counts).toMatchObject({ written: 0, needless: 1 });
    });

    test('does not undo a bind that came in between', async () => {
      const writer = new StatusWriter({ client, ...base });
      const binder = new Binder({ client, ...base });
      const pod = await createPod('status-bound');
      writer.setNotScheduled(pod, { reason: 'Unschedulable', message: 'one' });
      await writer.idle();
      // Its last write is remembered with a version that the bind makes an old one.
      await expect(binder.bind({ ...pod, node: 'n1' })).resolves.toMatchObject({ outcome: 'bound' });
      writer.setNotScheduled(pod, { reason: 'Unschedulable', message: 'two' });
      await writer.idle();
      expect(condition(await read('status-bound'), 'PodScheduled')).toMatchObject({ status: 'True' });
      expect(writer.counts).toMatchObject({ written: 1, needless: 1, failed: 0 });
    });
  });

  describe('Evictor', () => {
    test('preempts: the condition first, then deletion; another pod of the name is left alone', async () => {
      const evictor = new Evictor({ client, ...base });
      const pod = await createPod('victim');
      await must('POST', `${PODS}/victim/binding`, {
        metadata: { name: 'victim' },
        target: { kind: 'Node', name: 'n1' },
      });
      await expect(evictor.preempt({ ...pod, uid: 'of-another' })).resolves.toMatchObject({ done: true });
      expect((await read('victim')).metadata.deletionTimestamp).toBeUndefined();
      await expect(evictor.preempt(pod)).resolves.toMatchObject({ done: true });
      const dying = await read('victim');
      expect(dying.metadata.deletionTimestamp).toBeDefined();
      expect(condition(dying, 'DisruptionTarget')).toMatchObject({
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: 'TEG: preempting to accommodate a higher priority pod',
      });
      await must('DELETE', `${PODS}/victim?gracePeriodSeconds=0`);
      await expect(evictor.preempt(pod)).resolves.toMatchObject({ done: true });
      await expect(evictor.evict(pod)).resolves.toMatchObject({ done: true });
    });

    test('evicts only with the leave of the disruption budget', async () => {
      const pod = await createPod('budget', {}, { app: 'budget' });
      // The API server asks no budget for a pod that does not run yet.
      await must('POST', `${PODS}/budget/binding`, {
        metadata: { name: 'budget' },
        target: { kind: 'Node', name: 'n1' },
      });
      await must('PATCH', `${PODS}/budget/status`, {
        status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
      });
      const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
      const selector = { matchLabels: { app: 'budget' } };
      await must('POST', budgets, { metadata: { name: 'b' }, spec: { minAvailable: 1, selector } });
      const troubles: string[] = [];
      const options = {
        client,
        ...base,
        attemptsMax: 1,
        onWriteError: (_: unknown, text: string) => troubles.push(text),
      };
      await expect(new Evictor(options).evict(pod)).resolves.toMatchObject({ done: false });
      expect((await read('budget')).metadata.deletionTimestamp).toBeUndefined();
      expect(troubles).toHaveLength(1);
      await must('DELETE', `${budgets}/b`);
      await expect(new Evictor(options).evict(pod)).resolves.toMatchObject({ done: true });
      expect((await read('budget')).metadata.deletionTimestamp).toBeDefined();
    });
  });

  describe('LeaderLease', () => {
    test('one of two leads; release hands over at once, silence after the lease', async () => {
      const times = { leaseDurationSeconds: 3, renewDeadlineSeconds: 2, retryPeriodSeconds: 0.4 };
      const log: string[] = [];
      const candidate = (identity: string, through: ApiClient = client) =>
        new LeaderLease({
          client: through,
          clock,
          random: Math.random,
          namespace: 'kube-system',
          name: 'teg-scheduler',
          identity,
          ...times,
          onStarted: () => log.push(`${identity} started`),
          onLost: () => log.push(`${identity} lost`),
        });
      let cut = false;
      const cuttable: ApiClient = {
        request: (request) =>
          cut ? Promise.reject(new ApiNotSentError('cut', request)) : client.request(request),
        close: () => Promise.resolve(),
      };
      const [a, b, c] = [candidate('a'), candidate('b', cuttable), candidate('c')];
      a.start();
      await until(() => Promise.resolve(a.surelyHeld()));
      b.start();
      await delay(1000);
      expect([a.surelyHeld(), b.surelyHeld()]).toEqual([true, false]);
      const released = performance.now();
      await a.stop();
      await until(() => Promise.resolve(b.surelyHeld()));
      expect(performance.now() - released).toBeLessThan(2500);
      c.start();
      await delay(500);
      cut = true;
      const silent = performance.now();
      await until(() => {
        expect(b.surelyHeld() && c.surelyHeld()).toBe(false);
        return Promise.resolve(c.surelyHeld());
      });
      expect(performance.now() - silent).toBeGreaterThan(2000);
      expect(log).toEqual(['a started', 'a lost', 'b started', 'b lost', 'c started']);
      const lease = await must(
        'GET',
        '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/teg-scheduler',
      );
      expect(lease).toMatchObject({
        spec: { holderIdentity: 'c', leaseDurationSeconds: 3, leaseTransitions: 2 },
      });
      cut = false;
      await Promise.all([b.stop(), c.stop()]);
      const free = await must(
        'GET',
        '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/teg-scheduler',
      );
      expect(free).toMatchObject({ spec: { leaseDurationSeconds: 1 } });
      expect((free as { spec: { holderIdentity?: string } }).spec.holderIdentity ?? '').toBe('');
    }, 30_000);
  });

  describe('ClaimWriter', () => {
    beforeAll(async () => {
      for (const provisioner of ['kubernetes.io/no-provisioner', 'example.com/maker']) {
        await must('POST', '/apis/storage.k8s.io/v1/storageclasses', {
          metadata: { name: provisioner.split('/')[1] },
          provisioner,
          volumeBindingMode: 'WaitForFirstConsumer',
        });
      }
    });

    const resources = { requests: { storage: '1Gi' } };
    const claimBody = (name: string, storageClassName: string) => ({
      metadata: { name },
      spec: { storageClassName, accessModes: ['ReadWriteOnce'], resources },
    });
    const volumeBody = (name: string, storageClassName: string, node: string, more: object = {}) => ({
      metadata: { name },
      spec: {
        storageClassName,
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        local: { path: '/data' },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'zone', operator: 'In', values: [`zone-of-${node}`] }] },
            ],
          },
        },
        ...more,
      },
    });

    test('a volume that is there is bound by the volume controller after it was reserved', async () => {
      const pod = await createPod('claims-static');
      await must('POST', CLAIMS, claimBody('there', 'no-provisioner'));
      await must('POST', VOLUMES, volumeBody('there', 'no-provisioner', 'n1'));
      const writer = new ClaimWriter({ client, ...base, timeoutSeconds: 20, pollSeconds: 0.3 });
      await expect(
        writer.bindClaims(pod, 'n2', [{ claim: 'there', volume: 'there' }]),
      ).resolves.toMatchObject({
        ok: false,
        failure: { code: 'wrong-node' },
        reason: 'volume there of claim default/there cannot be used on node n2',
      });
      await expect(writer.bindClaims(pod, 'n1', [{ claim: 'there', volume: 'there' }])).resolves.toEqual({
        ok: true,
      });
      expect(await must('GET', `${CLAIMS}/there`)).toMatchObject({
        spec: { volumeName: 'there' },
        status: { phase: 'Bound' },
      });
    }, 30_000);

    test('a volume that a provisioner makes for the selected node; and one that it cannot make', async () => {
      const pod = await createPod('claims-dynamic');
      const writer = new ClaimWriter({ client, ...base, timeoutSeconds: 20, pollSeconds: 0.3 });
      await must('POST', CLAIMS, claimBody('made', 'maker'));
      await must('POST', CLAIMS, claimBody('not-made', 'maker'));
      const made = writer.bindClaims(pod, 'n2', [{ claim: 'default/made', volume: '' }]);
      const notMade = writer.bindClaims(pod, 'n1', [{ claim: 'not-made', volume: '' }]);
      const selected = 'volume.kubernetes.io/selected-node';
      const nodeOf = async (claim: string): Promise<string | undefined> => {
        const body = (await must('GET', `${CLAIMS}/${claim}`)) as {
          metadata: { annotations?: Record<string, string> };
        };
        return body.metadata.annotations?.[selected];
      };
      await until(async () => (await nodeOf('made')) === 'n2' && (await nodeOf('not-made')) === 'n1');
      const claim = (await must('GET', `${CLAIMS}/made`)) as { metadata: { uid: string } };
      const claimRef = { namespace: 'default', name: 'made', uid: claim.metadata.uid };
      await must('POST', VOLUMES, volumeBody('pv-made', 'maker', 'n2', { claimRef }));
      await must('PATCH', `${CLAIMS}/not-made`, { metadata: { annotations: { [selected]: null } } });
      await expect(made).resolves.toEqual({ ok: true });
      await expect(notMade).resolves.toMatchObject({
        ok: false,
        failure: { code: 'not-provisioned' },
        reason: 'no volume could be provisioned for claim default/not-made',
      });
    }, 30_000);
  });
});
